"""A pinned Service sends to stable pods only, and its selector is never emptied."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.k8s import ReplicaSet, Service
from controller.kube.memory_patch import PatchFailed
from controller.workloads import pin
from controller.workloads.selectors import service_selects
from tests.unit.controller.workloads.objects import patched, read, replicaset

STABLE = {"app": "checkout", "pod-template-hash": "a"}
CANARY = {"app": "checkout", "pod-template-hash": "b", "blastdoor.dev/role": "canary"}


def service(name: str = "checkout", **selector: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": "checkout", **selector}}}


def pinned(change: str = "chg-1") -> dict[str, Any]:
    return patched(service(), pin.pin(read(service(), Service), "a", change))


def test_a_pin_leaves_only_stable_pods_and_says_for_which_change() -> None:
    after = read(pinned(), Service)
    assert service_selects(after, STABLE)
    assert not service_selects(after, CANARY)
    assert pin.pinned(after) == "a"
    assert pin.aborted_for(after) == "chg-1"
    assert pin.pin(after, "a", "chg-1") == []


def test_a_pin_is_refused_when_the_selector_is_no_longer_what_was_read() -> None:
    operations = pin.pin(read(service(), Service), "a", "chg-1")
    with pytest.raises(PatchFailed, match="/spec/selector"):
        patched(service(track="x"), operations)


def test_a_pin_to_another_hash_is_moved() -> None:
    after = patched(pinned(), pin.pin(read(pinned(), Service), "b", "chg-2"))
    assert pin.pinned(read(after, Service)) == "b"


def test_without_a_hash_only_the_mark_is_written_and_no_pin_is_taken_off() -> None:
    marked = patched(service(), pin.pin(read(service(), Service), "", "chg-1"))
    assert pin.pinned(read(marked, Service)) == ""
    assert pin.aborted_for(read(marked, Service)) == "chg-1"
    after = patched(pinned(), pin.pin(read(pinned(), Service), "", "chg-2"))
    assert pin.pinned(read(after, Service)) == "a"


def ready(**pods: int) -> list[ReplicaSet]:
    """ReplicaSets by hash, each with that many available pods."""
    sets = [replicaset(one, replicas=n) for one, n in pods.items()]
    available = [{**s, "status": {"availableReplicas": s["spec"]["replicas"]}} for s in sets]
    return [read(s, ReplicaSet) for s in available]


@pytest.mark.parametrize(("sets", "same", "canary", "hash_"), [
    pytest.param(ready(a=4, b=1), True, True, "a", id="stable, as long as it has a ready pod"),
    pytest.param(ready(a=0, b=1), True, True, "", id="nothing, while only others serve"),
    pytest.param(ready(a=0), True, True, "", id="nothing, while only the canary serves"),
    pytest.param(ready(a=0), True, False, "a", id="stable, where nobody serves"),
    pytest.param(ready(c=2, d=4), False, True, "d", id="what a new Deployment has most of"),
    pytest.param(ready(c=0), False, True, "", id="nothing, before it has any"),
    pytest.param([], False, True, "", id="nothing, where there is no Deployment"),
])  # fmt: skip
def test_it_is_pinned_to(sets: list[ReplicaSet], same: bool, canary: bool, hash_: str) -> None:
    assert pin.hash_to_pin(sets, "a", same_object=same, canary_serves=canary) == hash_


@pytest.mark.parametrize("forget", [True, False])
def test_unpinning_gives_the_owners_selector_back(forget: bool) -> None:
    after = patched(pinned(), pin.unpin(read(pinned(), Service), clear_aborted=forget))
    assert after["spec"] == service()["spec"]
    assert (pin.aborted_for(read(after, Service)) == "") is forget
    assert pin.unpin(read(after, Service), clear_aborted=forget) == []


def test_other_services_that_would_select_the_canary_are_named() -> None:
    services = [
        read(service("checkout"), Service),
        read(service("metrics"), Service),
        read(service("stable-only", **{"pod-template-hash": "a"}), Service),
        read({"metadata": {"name": "empty"}, "spec": {}}, Service),
        read(service("outside") | {"spec": {"type": "ExternalName", "selector": {}}}, Service),
    ]
    assert pin.unpinned_services(services, "checkout", CANARY) == ("metrics",)
