"""Plug-ins of the whole suite; each is loaded lazily as far as its fixtures are."""

import asyncio
import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.plugins.real_cluster"]


def pytest_configure() -> None:
    """The main thread has no event loop but a test's own.

    Else asyncio would make one at the first question after it, which nobody closes: its
    ResourceWarning would fail whichever test happens to run when it is collected.
    """
    asyncio.set_event_loop(None)


# No test fails for being slow, and the same tree always plays the same cases; with
# HYPOTHESIS_PROFILE=search it plays new ones, and what they find becomes an @example.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", untimed)
settings.register_profile("same", untimed, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
