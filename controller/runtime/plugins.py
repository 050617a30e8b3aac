"""Finds routers and metric providers by entry point, each loaded when it is first asked for.

A plug-in that cannot be loaded is a problem of the objects that name it, and of nothing else: its
error is kept as text and given to whoever asks. Unknown names are answered with the known ones.
Called by the manager, by whoever judges by one (`judgement`, `world`) and by the command line; it
must not know what a plug-in does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from controller.metrics.port import Provider

ROUTERS = "blastdoor.routers"
METRICS = "blastdoor.metrics"


class Plugins:
    """The plug-ins of one entry-point group, as they are installed."""

    def __init__(self, what: str, points: Iterable[EntryPoint]) -> None:
        self._what = what
        self._points = {point.name: point for point in sorted(points, key=lambda p: p.name)}
        self._loaded: dict[str, Any] = {}
        self._broken: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every installed name, loadable or not, in order."""
        return tuple(self._points)

    @property
    def broken(self) -> Mapping[str, str]:
        """Plug-ins that were asked for and could not be loaded, with why."""
        return dict(self._broken)

    def get(self, name: str) -> Any | None:
        """The plug-in, or None: then `problem` says why."""
        if name not in self._points or name in self._broken:
            return None
        if name not in self._loaded:
            self._load(name)
        return self._loaded.get(name)

    def problem(self, name: str) -> str | None:
        """Why `get` gives None, in words for the object that names it."""
        if self.get(name) is not None:
            return None
        if name in self._broken:
            return f"{self._what} {name!r} cannot be loaded: {self._broken[name]}"
        return f"unknown {self._what} {name!r}; known: {', '.join(self.names) or 'none'}"

    def _load(self, name: str) -> None:
        point = self._points[name]
        try:
            self._loaded[name] = point.load()
        except Exception as error:  # noqa: BLE001  # whatever foreign code raises at import
            self._broken[name] = f"{point.value}: {type(error).__name__}: {error}"


class ProviderNames(Mapping[str, Provider]):
    """Providers by name for `metrics.judging`; a broken one counts as absent."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    def __getitem__(self, name: str) -> Provider:
        found: Provider | None = self._plugins.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._plugins.names)

    def __len__(self) -> int:
        return len(self._plugins.names)


class Registry:
    """Both groups. `routers.get("HTTPRoute")`, `metrics.problem("influx")`."""

    def __init__(self, routers: Plugins, metrics: Plugins) -> None:
        self.routers = routers
        self.metrics = metrics

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The metric providers as a mapping, loaded when looked up."""
        return ProviderNames(self.metrics)


def installed() -> Registry:
    """The plug-ins of this environment; nothing is imported yet."""
    return Registry(
        Plugins("router", entry_points(group=ROUTERS)),
        Plugins("metrics provider", entry_points(group=METRICS)),
    )
