"""Plug-ins: loaded when asked for, and a broken one is a problem of its users only."""

import sys
from importlib.metadata import EntryPoint

import pytest

from controller.metrics.prometheus import PROVIDER as PROMETHEUS
from controller.metrics.scrape import PROVIDER as SCRAPE
from controller.runtime.plugins import METRICS, Plugins, Registry, installed


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, METRICS)


def test_the_shipped_plug_ins_are_installed() -> None:
    registry = installed()
    assert registry.metrics.get("prometheus") is PROMETHEUS
    assert registry.metrics.get("scrape") is SCRAPE
    assert "HTTPRoute" in registry.routers.names
    assert {"prometheus", "scrape"} <= set(registry.providers)
    assert registry.providers["scrape"] is SCRAPE


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    plugins = Plugins("metrics provider", [point("late", "wsgiref.types:WSGIApplication")])
    sys.modules.pop("wsgiref.types", None)
    assert plugins.names == ("late",)
    assert "wsgiref.types" not in sys.modules
    assert plugins.get("late") is not None
    assert "wsgiref.types" in sys.modules


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    plugins = Plugins("metrics provider", [point("b", "x:y"), point("a", "x:y")])
    assert plugins.get("influx") is None
    assert plugins.problem("influx") == "unknown metrics provider 'influx'; known: a, b"


@pytest.mark.parametrize("value", ["no_such_package.x:PROVIDER", "json:no_such_name"])
def test_a_broken_plug_in_says_why_and_stops_no_other(value: str) -> None:
    plugins = Plugins(
        "metrics provider",
        [point("good", "controller.metrics.scrape:PROVIDER"), point("bad", value)],
    )
    providers = Registry(Plugins("router", []), plugins).providers
    assert providers.get("bad") is None
    assert "cannot be loaded" in str(plugins.problem("bad"))
    assert "no_such" in plugins.broken["bad"]
    assert providers["good"] is SCRAPE
    assert plugins.problem("good") is None
