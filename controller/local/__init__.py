"""Everything that makes a cluster out of one machine: for the demo and the end-to-end tests."""
