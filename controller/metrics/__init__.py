"""Metric providers as plug-ins: raw samples of each series, never a rate, never a zero for nothing."""
