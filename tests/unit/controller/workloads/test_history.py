"""A stable template outlives its ReplicaSet, and nothing else can be filled in its place."""

from __future__ import annotations

from typing import Any

from controller.api import names
from controller.api.k8s import ControllerRevision, ReplicaSet
from controller.workloads import history
from controller.workloads.template import content, digest
from controller.workloads.view import WorkloadView
from tests.unit.controller.workloads.objects import (
    UID,
    a_deployment,
    a_replicaset,
    raw,
    read,
    replicaset,
    template,
)

V2, V3 = template("shop:v2"), template("shop:v3")
STABLE = digest(raw(template()))


def kept(pods: dict[str, Any] | None = None, number: int = 1, hash_: str = "a") -> Any:
    body = history.revision_body(a_deployment(), a_replicaset(hash_, pods), "checkout", number)
    return read(body, ControllerRevision)


def test_a_revision_is_named_by_its_template_and_owned_without_blocking() -> None:
    body = history.revision_body(a_deployment(), a_replicaset("a"), "checkout", 7)
    assert body["metadata"]["name"] == f"checkout-{STABLE[:8]}"
    assert body["revision"] == 7
    (owner,) = body["metadata"]["ownerReferences"]
    assert owner["uid"] == UID
    assert not owner.get("controller")
    assert not owner.get("blockOwnerDeletion")


def test_the_template_of_a_run_makes_a_replicaset_that_is_not_marked_stable() -> None:
    owner = a_deployment()
    revision = read(history.target_body(owner, "checkout", 4), ControllerRevision)
    assert history.is_ours(revision)
    assert history.is_target(revision)
    assert history.kept_digest(revision) == digest(owner.spec.template)
    made = history.recreate_replicaset(owner, revision)
    assert names.ROLE_LABEL not in made["metadata"]["labels"]
    assert (
        made["metadata"]["name"] == f"{owner.name}-{made['metadata']['labels'][names.HASH_LABEL]}"
    )


def test_a_template_that_was_stable_is_preferred_to_one_of_a_run() -> None:
    run = read(history.target_body(a_deployment(), "checkout", 4), ControllerRevision)
    once = kept()
    assert history.of_digest([run, once], STABLE) is once
    assert history.of_digest([run], STABLE) is run
    assert history.of_digest([run, once], "another") is None


def test_a_revision_gives_back_what_was_kept() -> None:
    revision = kept()
    assert history.kept_digest(revision) == STABLE
    assert content(history.kept_template(revision)) == template()
    assert history.is_ours(revision)


def test_a_revision_of_another_controller_is_not_ours() -> None:
    assert not history.is_ours(read({"data": {"spec": {}}}, ControllerRevision))
    labelled = {"metadata": {"labels": {"blastdoor.dev/rollout": "x"}}, "data": {"spec": {}}}
    assert not history.is_ours(read(labelled, ControllerRevision))


def test_a_lost_replicaset_is_made_again_as_it_was() -> None:
    was, body = replicaset("a"), history.recreate_replicaset(a_deployment(replicas=5), kept())
    assert body["metadata"]["name"] == was["metadata"]["name"]
    assert body["spec"]["template"] == was["spec"]["template"]
    assert body["spec"]["replicas"] == 5
    hashed = {"app": "checkout", "pod-template-hash": "a"}
    assert body["spec"]["selector"] == {"matchLabels": hashed}
    view = WorkloadView.of(a_deployment(), [read(body, ReplicaSet)])
    assert view.new is not None, "the Deployment must control it"
    assert view.new.metadata.labels["blastdoor.dev/role"] == "stable"


def test_the_oldest_revisions_are_spare_but_never_the_stable_one() -> None:
    revisions = [kept(number=1)] + [
        kept(template(f"shop:v{n}"), number=n, hash_=f"h{n}") for n in range(2, 14)
    ]
    spare = history.spare(revisions, STABLE, "")
    assert spare == tuple(r.name for r in (revisions[3], revisions[2], revisions[1]))
    assert history.next_number(revisions) == 14
    assert history.next_number([]) == 1


def test_an_old_template_that_is_released_again_is_not_spare() -> None:
    revisions = [kept(number=1)] + [
        kept(template(f"shop:v{n}"), number=n, hash_=f"h{n}") for n in range(2, 14)
    ]
    again = history.kept_digest(revisions[1])
    spare = history.spare(revisions, STABLE, again)
    assert spare == tuple(r.name for r in (revisions[3], revisions[2]))


def test_the_template_of_a_run_is_kept_until_it_has_ended_or_is_kept_as_stable() -> None:
    target = read(history.target_body(a_deployment(V2), "checkout", 2), ControllerRevision)
    digest, promoted = history.kept_digest(target), kept(V2, number=3)
    assert history.spare([kept(), target], STABLE, digest) == ()
    assert history.spare([kept(), target], STABLE, "") == (target.name,)
    assert history.spare([kept(), target], digest, "") == ()
    assert history.spare([kept(), target, promoted], digest, "") == (target.name,)
