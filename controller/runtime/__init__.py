"""The shell around the core: gathers what is observed, acts on what is decided, keeps time."""
