"""What a paused Deployment still does, and what it does not: the ground of the hold."""

import asyncio

import msgspec
import pytest

from controller.api.resources import DEPLOYMENTS, REPLICASETS
from tests.contract.deployments import NAME, Shop, image_of
from tests.contract.worlds import CRASH_LOOP, World, eventually


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


async def _paused_half_way(shop: Shop) -> None:
    """In the middle of a rolling update whose new pods never get ready."""
    shop.world.fates["web:2"] = CRASH_LOOP
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.have(web_1=3, web_2=2)
    await shop.merge({"paused": True})


async def _with_proposal(shop: Shop, replicas: int = 4) -> None:
    """A Deployment that serves web:1, paused, with the edit web:2 waiting."""
    await shop.create("web:1", replicas)
    await shop.complete()
    await shop.set_image("web:2", paused=True)
    await eventually(shop.observed)


async def test_a_paused_edit_makes_no_replica_set(shop: Shop) -> None:
    await _with_proposal(shop)
    assert await shop.sizes() == {"web:1": 4}
    assert await shop.condition("Progressing") == ("Unknown", "DeploymentPaused")


async def test_a_paused_deployment_is_scaled_in_its_running_set(shop: Shop) -> None:
    await _with_proposal(shop)
    await shop.scale(6)
    await shop.have(web_1=6)
    await shop.scale(2)
    await shop.have(web_1=2)


async def test_unpausing_rolls_and_notes_that_it_was_resumed(shop: Shop) -> None:
    await _with_proposal(shop)
    await shop.merge({"paused": False})
    await shop.complete()
    assert await shop.sizes() == {"web:1": 0, "web:2": 4}


async def test_zero_and_up_again_fills_the_latest_made_set_and_not_the_one_that_ran(
    shop: Shop,
) -> None:
    await shop.create("web:1")
    await shop.complete()
    await asyncio.sleep(1.1)  # Ages are whole seconds: the second set must be the younger one.
    await shop.set_image("web:2")
    await shop.complete()
    await shop.set_image("web:1")
    await shop.complete()
    await shop.set_image("web:3", paused=True)
    await shop.scale(0)
    await shop.have(web_1=0, web_2=0)
    await shop.scale(4)
    await shop.have(web_1=0, web_2=4)


async def test_without_other_sets_zero_and_up_again_fills_the_only_one(shop: Shop) -> None:
    await _with_proposal(shop)
    await shop.scale(0)
    await shop.have(web_1=0)
    await shop.scale(3)
    await shop.have(web_1=3)


async def test_a_lost_stable_set_is_not_made_again_while_paused(shop: Shop) -> None:
    await _with_proposal(shop)
    one = await shop.set_of("web:1")
    await shop.world.alice.delete(REPLICASETS, shop.world.namespace, one.name)

    async def lost() -> bool:
        return not await shop.sets() and not await shop.pods()

    await eventually(lost)
    await shop.scale(5)
    await eventually(shop.observed)
    assert await shop.sizes() == {}


async def test_a_lost_stable_set_lets_another_old_one_fill(shop: Shop) -> None:
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.complete()
    await shop.set_image("web:3", paused=True)
    await eventually(shop.observed)
    one = await shop.set_of("web:2")
    await shop.world.alice.delete(REPLICASETS, shop.world.namespace, one.name)
    await shop.have(web_1=4)


async def test_a_lost_set_of_an_unpaused_deployment_is_made_again(shop: Shop) -> None:
    await shop.create("web:1")
    await shop.complete()
    one = await shop.set_of("web:1")
    await shop.world.alice.delete(REPLICASETS, shop.world.namespace, one.name)

    async def again() -> bool:
        return [s.metadata.uid != one.metadata.uid for s in await shop.sets()] == [True]

    await eventually(again)
    await shop.complete()


async def test_a_recreated_stable_set_is_taken_back_while_paused(shop: Shop) -> None:
    """As the operator recreates it: hash label and controller owner."""
    await _with_proposal(shop)
    world, one = shop.world, await shop.set_of("web:1")
    await world.alice.delete(REPLICASETS, world.namespace, one.name)
    await eventually(lambda: _none(shop))
    owner = await shop.deployment()
    body = {
        "metadata": {
            "name": one.name,
            "labels": one.metadata.labels,
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": NAME,
                    "uid": owner.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": one.spec.selector.match_labels},
            "template": {
                "metadata": {"labels": one.metadata.labels},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }
    await world.operator.create(REPLICASETS, world.namespace, body)
    await shop.have(web_1=4)


async def test_pausing_in_mid_roll_keeps_both_sets_as_they_are(shop: Shop) -> None:
    await _paused_half_way(shop)
    await eventually(shop.observed)
    await shop.have(web_1=3, web_2=2)


async def test_the_new_set_scaled_to_zero_in_a_paused_roll_gives_all_back_to_stable(
    shop: Shop,
) -> None:
    """The way back from absorb: pause, new set to 0, and the controller refills stable."""
    await _paused_half_way(shop)
    new = await shop.set_of("web:2")
    await shop.world.operator.patch_merge(
        REPLICASETS, shop.world.namespace, new.name, {"spec": {"replicas": 0}}
    )
    await shop.have(web_1=4, web_2=0)


async def test_the_only_set_scaled_to_zero_while_paused_is_filled_again(shop: Shop) -> None:
    await _with_proposal(shop)
    one = await shop.set_of("web:1")
    await shop.world.alice.patch_merge(
        REPLICASETS,
        shop.world.namespace,
        one.name,
        {"spec": {"replicas": 0}},
        subresource="scale",
    )

    async def refilled() -> bool:
        found = await shop.set_of("web:1")
        return found.metadata.generation >= one.metadata.generation + 2

    await eventually(refilled)
    await shop.have(web_1=4)


async def test_two_active_sets_of_a_paused_deployment_are_scaled_in_proportion(
    shop: Shop,
) -> None:
    await _paused_half_way(shop)
    await shop.scale(8)
    await shop.have(web_1=6, web_2=4)


async def _resized(shop: Shop, image: str, replicas: int) -> None:
    """One ReplicaSet, as the operator does it."""
    one = await shop.set_of(image)
    body = {"spec": {"replicas": replicas}}
    await shop.world.operator.patch_merge(REPLICASETS, shop.world.namespace, one.name, body)


async def test_the_sum_of_two_active_sets_is_kept_by_the_size_of_the_larger_one(
    shop: Shop,
) -> None:
    """Why stable is refilled in steps whose sizes add up to replicas and surge."""
    await _paused_half_way(shop)
    await eventually(shop.observed)
    await _resized(shop, "web:2", 1)
    await shop.have(web_1=4, web_2=1)
    await _resized(shop, "web:2", 3)
    await shop.have(web_1=2, web_2=3)


async def test_a_full_set_of_its_own_template_has_all_others_emptied_while_paused(
    shop: Shop,
) -> None:
    """Why the one that is to go gives a pod up before stable is refilled."""
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.complete()
    await shop.merge({"paused": True})
    await eventually(shop.observed)
    one = await shop.set_of("web:1")
    await _resized(shop, "web:1", 1)

    async def undone() -> bool:
        found = await shop.set_of("web:1")
        return found.metadata.generation >= one.metadata.generation + 2

    await eventually(undone)
    await shop.have(web_1=0, web_2=4)


async def test_history_is_cleaned_up_while_paused(shop: Shop) -> None:
    await shop.create("web:1", 1)
    await shop.complete()
    for image in ("web:2", "web:3"):
        await shop.set_image(image)
        await shop.complete()
    await shop.set_image("web:4", paused=True, revisionHistoryLimit=1)
    await shop.have(web_3=1)


async def test_a_held_deployment_does_not_run_out_of_time(shop: Shop) -> None:
    await shop.create("web:1", 1, progressDeadlineSeconds=1)
    await shop.complete()
    await shop.set_image("web:2", paused=True)
    await eventually(shop.observed)
    await asyncio.sleep(2.5)
    assert await shop.condition("Progressing") == ("Unknown", "DeploymentPaused")


async def test_a_roll_that_makes_no_progress_says_so_after_its_deadline(shop: Shop) -> None:
    shop.world.fates["web:2"] = CRASH_LOOP
    await shop.create("web:1", 1, progressDeadlineSeconds=2)
    await shop.complete()
    await shop.set_image("web:2")

    async def timed_out() -> bool:
        return await shop.condition("Progressing") == ("False", "ProgressDeadlineExceeded")

    await eventually(timed_out)


async def test_unpausing_by_a_patch_that_tests_the_template_survives_status_writes(
    shop: Shop,
) -> None:
    await _with_proposal(shop)
    found = await shop.deployment()
    approved = msgspec.json.decode(found.spec.template)
    operations = [
        {"op": "test", "path": "/spec/template", "value": approved},
        {"op": "add", "path": "/spec/paused", "value": False},
    ]
    await shop.world.operator.patch_json(DEPLOYMENTS, shop.world.namespace, NAME, operations)
    await shop.complete()
    assert image_of(await shop.set_of("web:2")) == "web:2"


async def _none(shop: Shop) -> bool:
    return not await shop.sets()
