"""What a refused write stops, and what it does not: traffic goes away from all that let it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.api.k8s import HTTPRoute
from controller.api.mark import Mark
from controller.api.meta import ObjectMeta
from controller.kube.port import Forbidden
from controller.runtime.acts import traffic
from controller.runtime.acts.writer import each
from controller.runtime.objects import RouteObject


@dataclass
class TwoRoutes:
    """As much of `Objects` as moving traffic needs."""

    rollout: Any
    routes: tuple[RouteObject, ...]
    service: Any = None
    routed: bool = True
    backends_are_ours: bool = True
    rival: str = ""


@dataclass
class Refusing:
    """A writer that one route refuses."""

    refused: str
    written: list[str] = field(default_factory=list)

    async def patch(self, resource: Any, item: Any, wanted: Any) -> None:
        if item.name == self.refused:
            raise Forbidden(403, "Forbidden", "no right", what=f"patch {item.name}")
        assert wanted(item)
        self.written.append(item.name)


class AnyRouter:
    resource = None

    def read(self, route: Any, apex: str, canary: str) -> Any:
        return type("View", (), {"aborted_for": ""})()

    def desired(self, route: Any, *rest: Any) -> list[Any]:
        return [route.name, *rest]


def two_routes() -> Any:
    from tests.unit.controller.core.builders import release

    rollout = release().observed().rollout
    made = [HTTPRoute(metadata=ObjectMeta(name=n, namespace="shop")) for n in ("first", "second")]
    routes = tuple(RouteObject("HTTPRoute", r.name, AnyRouter(), r) for r in made)
    return TwoRoutes(rollout, routes)


@pytest.mark.parametrize(("refused", "left"), [("first", "second"), ("second", "first")])
async def test_a_refused_route_keeps_no_other_from_being_contained(refused: str, left: str) -> None:
    writer: Any = Refusing(refused)
    with pytest.raises(Forbidden):
        await traffic.contain(writer, two_routes(), Mark("uid-1", "RolledBack", "HarmFound"))
    assert writer.written == [left]


async def test_every_write_of_several_is_tried_and_the_first_failure_is_raised() -> None:
    tried: list[int] = []

    def write(number: int) -> Callable[[], Awaitable[None]]:
        async def one() -> None:
            tried.append(number)
            if number < 3:
                raise Forbidden(403, "Forbidden", f"no {number}", what="patch")

        return one

    with pytest.raises(Forbidden, match="no 1"):
        await each(write(n) for n in (1, 2, 3))
    assert tried == [1, 2, 3]
