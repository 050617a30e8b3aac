"""What a router plug-in is: three pure functions over one kind of route.

Plug-ins are found by entry point (`blastdoor.routers`) by the runtime; they own no client, no clock
and no state. The runtime reads with `read`, and sends what `desired` and `restore` return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from controller.api.meta import Object
from controller.api.patch import Ops
from controller.api.problems import Problem
from controller.api.resources import Resource

R = TypeVar("R", bound=Object)


@dataclass(frozen=True)
class RouteView:
    """What one route says about the canary."""

    weight_pct: float = 0.0
    """Share of the apex's traffic that the spec sends to the canary: the largest of all rules."""
    carries: bool = True
    """It sends to the apex: `desired` can give the canary a share."""
    in_force: bool = False
    """The router has accepted the spec that was read; `waiting_for` says what is missing."""
    waiting_for: str = ""
    aborted_for: str = ""
    """Text of the containment mark as it was written; empty when there is none."""
    foreign: bool = False
    """Somebody changed what we wrote; `desired` repairs it."""
    managed: bool = False
    """Something of ours is on the route: `restore` has work."""
    unclaimed: bool = False
    """The canary is among the backends, and nothing on the route says that we put it there."""
    unresolved: str = ""
    """Why the router cannot find the canary that the spec names, in its own words: it answers that
    share with errors. Empty when it finds it, and when none is named."""
    problems: tuple[Problem, ...] = ()
    """Why this route cannot carry a canary."""


class Router(Protocol[R]):
    """A router plug-in. `apex` and `canary` are names of Services in the route's namespace."""

    @property
    def kind(self) -> str:
        """The kind that `spec.traffic.routes[].kind` names."""
        ...

    @property
    def resource(self) -> Resource[R]:
        """Where its routes live."""
        ...

    def read(self, route: R, apex: str, canary: str) -> RouteView:
        """What the route says now."""
        ...

    def desired(
        self, route: R, apex: str, canary: str, weight_pct: float, aborted: str | None = None
    ) -> Ops:
        """The patch after which the canary has this share (0 to 100) of the apex's traffic.

        With `aborted`, the text of the containment mark, it is set in the same patch. Empty when
        the route is so already.
        """
        ...

    def restore(self, route: R, apex: str, canary: str, *, clear_aborted: bool = False) -> Ops:
        """The patch that leaves the owner's route and nothing of ours.

        The containment mark stays unless it is to be forgotten. Empty when there is nothing to do.
        """
        ...
