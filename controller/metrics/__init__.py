"""Metric providers as plug-ins: raw samples of each series; nothing is never a zero."""
