"""Patches that take a Deployment in and let it go do so only while what they assume is true."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.k8s import Deployment, ReplicaSet
from controller.kube.memory_patch import PatchFailed
from controller.workloads import adoption
from controller.workloads.template import digest
from tests.unit.controller.workloads.objects import (
    LABEL,
    a_deployment,
    a_replicaset,
    deployment,
    patched,
    raw,
    read,
    replicaset,
    template,
)

V2 = template("shop:v2")
LEFT = "blastdoor.dev/left-paused"
STABLE = digest(raw(template()))
templates = st.builds(template, st.sampled_from(["shop:v1", "shop:v2", "shop:v3"]))
labels = st.sampled_from([None, {"team": "shop"}, {"team": "shop", LABEL: "checkout"}])


def adopted(**spec: Any) -> dict[str, Any]:
    return deployment(labels={"team": "shop", LABEL: "checkout"}, **spec)


@given(labels)
def test_adoption_adds_the_label_and_nothing_else(mine: dict[str, str] | None) -> None:
    document = deployment(labels=mine)
    after = patched(
        document, adoption.adopt(read(document, Deployment), a_replicaset("a"), "checkout")
    )
    assert after["metadata"].pop("labels") == {**(mine or {}), LABEL: "checkout"}
    document["metadata"].pop("labels", None)
    assert after == document


def test_adoption_is_refused_when_the_template_is_not_the_running_one() -> None:
    operations = adoption.adopt(a_deployment(), a_replicaset("a"), "checkout")
    with pytest.raises(PatchFailed, match="/spec/template"):
        patched(deployment(V2), operations)


@pytest.mark.parametrize("mine", [None, {"team": "shop"}])
def test_of_two_rollouts_only_the_first_adopts(mine: dict[str, str] | None) -> None:
    operations = adoption.adopt(a_deployment(labels=mine), a_replicaset("a"), "second")
    with pytest.raises(PatchFailed, match="/metadata/labels"):
        patched(deployment(labels={**(mine or {}), LABEL: "first"}), operations)


def test_adopting_an_adopted_deployment_costs_nothing() -> None:
    assert adoption.adopt(read(adopted(), Deployment), a_replicaset("a"), "checkout") == []


def test_a_deployment_paused_by_its_owner_is_adopted_as_it_is() -> None:
    document = deployment(V2, paused=True)
    operations = adoption.adopt_paused(read(document, Deployment), "checkout")
    assert patched(document, operations)["spec"] == document["spec"]
    with pytest.raises(PatchFailed):
        patched(deployment(V2), operations)


@given(templates, templates, st.booleans())
def test_unpausing_never_releases_another_template(
    approved: dict[str, Any], present: dict[str, Any], stale: bool
) -> None:
    read_as = deployment(approved if stale else present, paused=True)
    operations = adoption.unpause(read(read_as, Deployment), raw(approved))
    document = deployment(present, paused=True)
    if digest(raw(approved)) == digest(raw(present)):
        assert patched(document, operations)["spec"]["paused"] is False
    else:
        with pytest.raises(PatchFailed):
            patched(document, operations)


def test_unpausing_ignores_the_version_of_the_object() -> None:
    operations = adoption.unpause(a_deployment(V2, paused=True), raw(V2))
    assert "resourceVersion" not in str(operations)


@pytest.mark.parametrize("paused", [True, False])
def test_pausing_is_one_operation_once(paused: bool) -> None:
    document = deployment(paused=paused)
    operations = adoption.pause(read(document, Deployment))
    assert len(operations) == (0 if paused else 1)
    assert patched(document, operations)["spec"]["paused"] is True


@pytest.mark.parametrize(
    ("document", "paused", "says_why"),
    [
        pytest.param(adopted(), False, False, id="stable, running"),
        pytest.param(adopted(paused=True), False, False, id="stable, paused by the hold"),
        pytest.param(adopted(pods=V2, paused=True), True, True, id="proposal"),
        pytest.param(adopted(pods=V2), True, True, id="proposal that somebody unpaused"),
    ],
)
def test_leaving_runs_only_what_is_stable(
    document: dict[str, Any], paused: bool, says_why: bool
) -> None:
    after = patched(document, adoption.leave(read(document, Deployment), STABLE))
    assert after["metadata"]["labels"] == {"team": "shop"}
    assert after["spec"].get("paused", False) is paused
    assert (LEFT in after["metadata"].get("annotations", {})) is says_why
    assert adoption.leave(read(after, Deployment), STABLE) == []


def test_an_edit_in_the_moment_of_leaving_is_not_released() -> None:
    operations = adoption.leave(read(adopted(paused=True), Deployment), STABLE)
    with pytest.raises(PatchFailed):
        patched(adopted(pods=V2, paused=True), operations)


def test_a_deployment_adopted_again_forgets_why_it_was_left() -> None:
    document = adopted(pods=V2, paused=True)
    left = patched(document, adoption.leave(read(document, Deployment), STABLE))
    again = patched(left, adoption.adopt_paused(read(left, Deployment), "checkout"))
    assert again["metadata"]["annotations"] == {}


def test_the_stable_replicaset_is_marked_and_unmarked() -> None:
    document = replicaset("a")
    marked = patched(document, adoption.label_stable(read(document, ReplicaSet), "checkout"))
    rs = read(marked, ReplicaSet)
    assert rs.metadata.labels["blastdoor.dev/role"] == "stable"
    assert adoption.label_stable(rs, "checkout") == []
    assert patched(marked, adoption.unlabel(rs)) == document
