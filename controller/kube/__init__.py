"""The only place that speaks to an API server, and its twin in memory."""
