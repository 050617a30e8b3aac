"""The kinds: what a user writes and reads, as frozen structs. Nothing here reads a cluster."""
