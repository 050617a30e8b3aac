"""Plug-ins of the whole suite; each is loaded lazily as far as its fixtures are."""

import asyncio

pytest_plugins = ["tests.plugins.real_cluster"]


def pytest_configure() -> None:
    """The main thread has no event loop but a test's own.

    Else asyncio would make one at the first question after it, which nobody closes: its
    ResourceWarning would fail whichever test happens to run when it is collected.
    """
    asyncio.set_event_loop(None)
