"""Without a route the share is that of the ready pods, and a pin makes it nothing."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.k8s import Service
from controller.routers import pods
from tests.unit.controller.workloads.objects import read


def service(aborted: str = "", **selector: str) -> Service:
    annotations = {"blastdoor.dev/aborted": aborted} if aborted else {}
    document: dict[str, Any] = {"metadata": {"name": "checkout", "annotations": annotations}}
    return read({**document, "spec": {"selector": {"app": "checkout", **selector}}}, Service)


@pytest.mark.parametrize(
    ("canary", "stable", "share"), [(0, 3, 0), (1, 3, 25), (3, 3, 50), (1, 0, 100), (0, 0, 0)]
)
def test_the_share_is_what_the_ready_pods_make_it(canary: int, stable: int, share: float) -> None:
    assert pods.read(service(), canary_ready=canary, stable_ready=stable).weight_pct == share


def test_a_pinned_service_sends_nothing_to_the_canary() -> None:
    pinned = service("chg-1", **{"pod-template-hash": "a"})
    view = pods.read(pinned, canary_ready=2, stable_ready=2)
    assert (view.weight_pct, view.aborted_for, view.managed) == (0.0, "chg-1", True)
