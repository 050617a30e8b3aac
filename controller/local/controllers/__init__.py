"""The controllers that a cluster in memory needs to behave like one: clients of the port."""
