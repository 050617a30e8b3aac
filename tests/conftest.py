"""Plug-ins of the whole suite; each is loaded lazily as far as its fixtures are."""

pytest_plugins = ["tests.plugins.real_cluster"]
