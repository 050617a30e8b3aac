"""`blastdoor` and `kubectl blastdoor`."""
