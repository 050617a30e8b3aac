"""Plug-ins of the whole suite; each is loaded lazily as far as its fixtures are."""

import asyncio
import os

import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.plugins.real_cluster"]


def pytest_configure() -> None:
    """The main thread has no event loop but a test's own.

    Else asyncio would make one at the first question after it, which nobody closes: its
    ResourceWarning would fail whichever test happens to run when it is collected.
    """
    asyncio.set_event_loop(None)


# A coloured traceback with all its locals takes a third of a second, and an hour of virtual time
# with a fault in each of its ticks has hundreds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

# No test fails for being slow, and the same tree always plays the same cases; with
# HYPOTHESIS_PROFILE=search it plays new ones, and what they find becomes an @example.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", untimed)
settings.register_profile("same", untimed, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
