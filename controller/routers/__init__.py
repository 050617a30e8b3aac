"""Pure router plug-ins: read(objects) -> weights; desired(objects, weights) -> patches."""
