"""Two releases that ended alike have equal ends; whatever ended otherwise is named."""

from dataclasses import replace
from typing import Any, TypeVar

import msgspec
import pytest

from benchmarks import ends
from benchmarks.ends import NAME, Seen
from controller.api import k8s, kinds, names
from controller.api.meta import Object
from controller.local import shop_objects

T = TypeVar("T", bound=Object)


def made(kind: type[T], body: dict[str, Any]) -> T:
    """By way of JSON, as some structs keep a part of its bytes."""
    return msgspec.json.decode(msgspec.json.encode(body), type=kind)


def rollout(**status: Any) -> kinds.Rollout:
    spec = {"workload": {"name": NAME}, "traffic": {"service": NAME}}
    told = {"phase": "Stable", "reason": "Stable", "stable": {"hash": "aaa"}} | status
    return made(kinds.Rollout, {"metadata": {"name": NAME}, "spec": spec, "status": told})


def change(version: str, **status: Any) -> kinds.Change:
    target = {"digest": version, "images": [f"blastdoor/shop:{version}"]}
    told = {"phase": "Finished", "outcome": "Promoted", "reason": "Promoted"} | status
    body = {"metadata": {"name": version, "uid": f"uid-{version}"}, "status": told}
    return made(kinds.Change, body | {"spec": {"rollout": NAME, "target": target}})


def replicaset(version: str, template_hash: str, replicas: int = 2) -> k8s.ReplicaSet:
    labels = {names.HASH_LABEL: template_hash, names.ROLE_LABEL: "stable"}
    spec = {"replicas": replicas, "template": shop_objects.template(version)}
    return made(k8s.ReplicaSet, {"metadata": {"name": version, "labels": labels}, "spec": spec})


def deployment(version: str) -> k8s.Deployment:
    return made(k8s.Deployment, shop_objects.deployment(shop_objects.template(version)))


def route(canary: int = 0, mark: str = "") -> k8s.HTTPRoute:
    body = shop_objects.http_route({NAME: 100 - canary} | ({ends.CANARY: canary} if canary else {}))
    if mark:
        body["metadata"]["annotations"] = {names.ABORTED_ANNOTATION: mark}
    return made(k8s.HTTPRoute, body)


def after(version: str, template_hash: str) -> ends.Objects:
    """The shop after a version was promoted."""
    return ends.Objects(
        rollout=rollout(stable={"hash": template_hash}),
        route=route(),
        changes=(change(version),),
        deployments=(deployment(version),),
        replicasets=(replicaset(version, template_hash),),
        revisions=(),
        services=(made(k8s.Service, shop_objects.service()),),
        pods=(),
    )


def test_versions_and_hashes_make_no_difference() -> None:
    one = ends.read(after("good2", "aaa"), "good2", "good1")
    other = ends.read(after("good9", "bbb"), "good9", "good8")
    assert ends.differences(one, other) == ()
    assert one.rollout[-1] == "new"


@pytest.mark.parametrize(
    ("field", "otherwise"),
    [
        ("rollout", {"rollout": rollout(phase="Rejected")}),
        ("changes", {"changes": (change("good2"), change("good2"))}),
        ("changes", {"changes": (change("good2", outcome="RolledBack"),)}),
        ("deployments", {"deployments": (deployment("good1"),)}),
        ("replicasets", {"replicasets": (replicaset("good2", "aaa"), replicaset("v0", "c", 0))}),
        ("route", {"route": route(canary=5)}),
        ("route", {"route": route(mark="uid-good2")}),
        ("services", {"services": ()}),
    ],
)
def test_an_end_that_is_not_the_same_is_named(field: str, otherwise: dict[str, Any]) -> None:
    reference = after("good2", "aaa")
    found = ends.differences(
        ends.read(reference, "good2", "good1"),
        ends.read(replace(reference, **otherwise), "good2", "good1"),
    )
    assert [line.partition(":")[0] for line in found] == [field]


def test_the_mark_of_this_release_and_of_another_are_not_the_same() -> None:
    shop = after("bad2", "aaa")
    mine = ends.read(replace(shop, route=route(mark="uid-bad2 RolledBack")), "bad2", "v1")
    old = ends.read(replace(shop, route=route(mark="uid-bad1 RolledBack")), "bad2", "v1")
    assert mine.route[-1] == "marked for this RolledBack"
    assert old.route[-1] == "marked for another RolledBack"


def test_a_share_that_comes_back_after_the_mark_is_seen() -> None:
    states = [Seen(0, ""), Seen(20, ""), Seen(0, "new"), Seen(5, "new"), Seen(0, "new")]
    assert ends.rises_after_mark(states, "") == (5,)


def test_a_share_that_comes_back_once_the_mark_is_gone_is_seen_too() -> None:
    assert ends.rises_after_mark([Seen(0, "new"), Seen(0, ""), Seen(5, "")], "") == (5,)


def test_a_mark_with_a_share_is_a_rise_and_an_older_mark_binds_nothing() -> None:
    assert ends.rises_after_mark([Seen(20, "new")], "") == (20,)
    assert ends.rises_after_mark([Seen(0, "old"), Seen(20, "old"), Seen(0, "new")], "old") == ()


def test_a_watcher_reads_the_canarys_share_and_the_mark() -> None:
    assert ends.seen(route(canary=20, mark="uid")) == Seen(20.0, "uid")
