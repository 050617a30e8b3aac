"""The hold: whatever tool edits an adopted template, the edit arrives paused and starts nothing."""

from __future__ import annotations

import pytest

from controller.api.names import ROLLOUT_LABEL
from controller.api.resources import DEPLOYMENTS
from controller.kube.port import Forbidden
from tests.contract.deployments import NAME, Shop, image_of, manifest, template


async def test_set_image_becomes_a_paused_proposal_and_starts_no_pod(adopted: Shop) -> None:
    edited = await adopted.set_image("web:2")
    assert edited.spec.paused
    assert image_of(edited) == "web:2"
    await adopted.have(web_1=4)


async def test_server_side_apply_of_another_template_is_held(adopted: Shop) -> None:
    world = adopted.world
    edited = await world.alice.apply(DEPLOYMENTS, world.namespace, NAME, manifest("web:2"))
    assert edited.spec.paused
    assert image_of(edited) == "web:2"


async def test_an_edit_that_says_paused_false_is_held_all_the_same(adopted: Shop) -> None:
    assert (await adopted.set_image("web:2", paused=False)).spec.paused


async def test_replace_without_label_and_paused_is_held_and_keeps_the_label(adopted: Shop) -> None:
    world = adopted.world
    bare = manifest("web:2")
    operations = [
        {"op": "replace", "path": "/metadata/labels", "value": bare["metadata"]["labels"]},
        {"op": "replace", "path": "/spec", "value": bare["spec"]},
    ]
    edited = await world.alice.patch_json(DEPLOYMENTS, world.namespace, NAME, operations)
    assert edited.spec.paused
    assert edited.metadata.labels == {"app": NAME, ROLLOUT_LABEL: "checkout"}


async def test_a_stripped_label_comes_back(adopted: Shop) -> None:
    world = adopted.world
    body = {"metadata": {"labels": {ROLLOUT_LABEL: None}}}
    edited = await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    assert edited.metadata.labels[ROLLOUT_LABEL] == "checkout"
    assert not edited.spec.paused


async def test_a_changed_label_comes_back(adopted: Shop) -> None:
    world = adopted.world
    body = {"metadata": {"labels": {ROLLOUT_LABEL: "mine"}}}
    edited = await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    assert edited.metadata.labels[ROLLOUT_LABEL] == "checkout"


async def test_what_is_not_the_template_is_not_held(adopted: Shop) -> None:
    edited = await adopted.merge({"replicas": 5, "minReadySeconds": 1})
    assert not edited.spec.paused
    await adopted.have(web_1=5)


async def test_the_same_template_again_is_no_edit(adopted: Shop) -> None:
    assert not (await adopted.set_image("web:1")).spec.paused


async def test_a_second_edit_while_one_is_pending_stays_held(adopted: Shop) -> None:
    await adopted.set_image("web:2")
    assert (await adopted.set_image("web:3")).spec.paused
    await adopted.have(web_1=4)


async def test_a_dry_run_shows_the_hold(adopted: Shop) -> None:
    world = adopted.world
    containers = template("web:2")["spec"]["containers"]
    operations = [{"op": "replace", "path": "/spec/template/spec/containers", "value": containers}]
    shown = await world.alice.patch_json(
        DEPLOYMENTS, world.namespace, NAME, operations, dry_run=True
    )
    assert shown.spec.paused
    assert image_of(await adopted.deployment()) == "web:1"


async def test_the_operator_is_not_held(adopted: Shop) -> None:
    world = adopted.world
    body = {"spec": {"template": {"spec": template("web:2")["spec"]}}}
    edited = await world.operator.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    assert not edited.spec.paused


async def test_a_deployment_without_the_label_is_not_held(free: Shop) -> None:
    assert not (await free.set_image("web:2")).spec.paused


async def test_without_the_hold_an_edit_is_refused_and_not_rolled(adopted: Shop) -> None:
    assert adopted.world.drop_hold is not None
    await adopted.world.drop_hold()
    with pytest.raises(
        Forbidden, match=f"deployment {adopted.world.namespace}/web: the hold is not"
    ):
        await adopted.set_image("web:2")
    assert (await adopted.set_image("web:2", paused=True)).spec.paused


async def test_without_the_hold_a_stripped_label_is_refused(adopted: Shop) -> None:
    world = adopted.world
    assert world.drop_hold is not None
    await world.drop_hold()
    body = {"metadata": {"labels": {ROLLOUT_LABEL: None}}}
    with pytest.raises(Forbidden, match="must keep its label"):
        await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
