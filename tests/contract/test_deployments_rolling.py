"""How a Deployment rolls: in memory and on a real server alike."""

import msgspec
import pytest

from controller.api.names import HASH_LABEL
from controller.api.resources import DEPLOYMENTS, REPLICASETS
from tests.contract.deployments import Shop, image_of
from tests.contract.worlds import CRASH_LOOP, World, eventually

REVISION = "deployment.kubernetes.io/revision"


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


async def test_new_template_takes_all_replicas_and_leaves_the_old_set_empty(shop: Shop) -> None:
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.complete()
    assert await shop.sizes() == {"web:1": 0, "web:2": 4}
    assert await shop.condition("Progressing") == ("True", "NewReplicaSetAvailable")
    assert await shop.condition("Available") == ("True", "MinimumReplicasAvailable")


async def test_template_of_the_replica_set_is_the_deployments_but_for_the_hash(shop: Shop) -> None:
    await shop.create("web:1")
    await shop.complete()
    deployment, one = await shop.deployment(), await shop.set_of("web:1")
    made = msgspec.json.decode(one.spec.template)
    digest = made["metadata"]["labels"].pop(HASH_LABEL)
    assert made == msgspec.json.decode(deployment.spec.template)
    assert one.name == f"{deployment.name}-{digest}"
    assert one.metadata.labels[HASH_LABEL] == digest
    assert one.spec.selector.match_labels == {"app": "web", HASH_LABEL: digest}
    owner = one.metadata.owner_references[0]
    assert (owner.uid, owner.controller, owner.block_owner_deletion) == (
        deployment.metadata.uid,
        True,
        True,
    )


async def test_a_broken_template_stops_with_surge_and_unavailability_used_up(shop: Shop) -> None:
    shop.world.fates["web:2"] = CRASH_LOOP
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.have(web_1=3, web_2=2)
    assert (await shop.deployment()).status.available_replicas == 3


async def test_going_back_reuses_the_old_set_and_gives_it_the_next_revision(shop: Shop) -> None:
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.complete()
    await shop.set_image("web:1")
    await shop.complete()
    first = await shop.set_of("web:1")
    assert first.metadata.annotations[REVISION] == "3"
    assert first.metadata.annotations["deployment.kubernetes.io/revision-history"] == "1"
    assert (await shop.deployment()).metadata.annotations[REVISION] == "3"


async def test_an_edit_in_mid_roll_goes_on_to_the_newest_template(shop: Shop) -> None:
    shop.world.fates["web:2"] = CRASH_LOOP
    await shop.create("web:1")
    await shop.complete()
    await shop.set_image("web:2")
    await shop.have(web_1=3, web_2=2)
    await shop.set_image("web:3")
    await shop.have(web_1=0, web_2=0, web_3=4)


async def test_a_scaled_deployment_in_mid_roll_shares_in_proportion(shop: Shop) -> None:
    shop.world.fates["web:2"] = CRASH_LOOP
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 2}}
    await shop.create("web:1", 10, strategy=rolling)
    await shop.complete()
    await shop.set_image("web:2")
    await shop.have(web_1=8, web_2=4)
    await shop.scale(20)
    await shop.have(web_1=15, web_2=7)


async def test_recreate_starts_the_new_set_only_when_the_old_pods_are_gone(shop: Shop) -> None:
    await shop.create("web:1", 3, strategy={"type": "Recreate"})
    await shop.complete()
    await shop.set_image("web:2")
    await eventually(lambda: _sized(shop, {"web:1": 0, "web:2": 3}))
    old = {one.metadata.uid for one in await shop.sets() if image_of(one) == "web:1"}
    pods = await shop.pods()
    assert not [pod for pod in pods if pod.metadata.owner_references[0].uid in old]
    await shop.complete()


async def test_history_beyond_the_limit_is_deleted_oldest_first(shop: Shop) -> None:
    await shop.create("web:1", 1, revisionHistoryLimit=1)
    await shop.complete()
    for image in ("web:2", "web:3"):
        await shop.set_image(image)
        await shop.complete()
    await shop.have(web_2=0, web_3=1)


async def test_annotations_are_copied_to_the_new_set_and_make_a_generation(shop: Shop) -> None:
    await shop.create("web:1", 1)
    await shop.complete()
    before = (await shop.deployment()).metadata.generation
    body = {"metadata": {"annotations": {"example.com/note": "x"}}}
    world = shop.world
    after = await world.alice.patch_merge(DEPLOYMENTS, world.namespace, "web", body)
    assert after.metadata.generation == before + 1

    async def copied() -> bool:
        return "example.com/note" in (await shop.set_of("web:1")).metadata.annotations

    await eventually(copied)


async def test_orphan_with_fitting_labels_is_adopted_and_counts_as_history(shop: Shop) -> None:
    await shop.create("web:1", 2)
    await shop.complete()
    world = shop.world
    labels = {"app": "web", HASH_LABEL: "stray"}
    stray = {
        "metadata": {"name": "stray", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:0"}]},
            },
        },
    }
    await world.alice.create(REPLICASETS, world.namespace, stray)
    uid = (await shop.deployment()).metadata.uid

    async def adopted() -> bool:
        owners = (await shop.set_of("web:0")).metadata.owner_references
        return [owner.uid for owner in owners if owner.controller] == [uid]

    await eventually(adopted)


async def test_orphan_with_replicas_beside_a_saturated_set_is_scaled_to_zero(shop: Shop) -> None:
    await shop.create("web:1", 2)
    await shop.complete()
    world = shop.world
    labels = {"app": "web", HASH_LABEL: "stray"}
    stray = {
        "metadata": {"name": "stray", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:0"}]},
            },
        },
    }
    await world.alice.create(REPLICASETS, world.namespace, stray)
    await shop.have(web_0=0, web_1=2)


async def test_set_that_loses_its_labels_is_released_and_another_is_made(shop: Shop) -> None:
    await shop.create("web:1", 2)
    await shop.complete()
    world, one = shop.world, await shop.set_of("web:1")
    body = {"metadata": {"labels": {"app": "other"}}}
    await world.alice.patch_merge(REPLICASETS, world.namespace, one.name, body)

    async def released() -> bool:
        found = await world.alice.get(REPLICASETS, world.namespace, one.name)
        return not found.metadata.owner_references

    await eventually(released)


async def _sized(shop: Shop, wanted: dict[str, int]) -> bool:
    return await shop.sizes() == wanted
