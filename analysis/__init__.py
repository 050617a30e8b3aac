"""Always-valid statistics for canary analysis: numbers in, evidence out."""
