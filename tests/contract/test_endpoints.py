"""From a Service's selector to ready addresses: in memory and on a real server."""

from __future__ import annotations

from controller.api.k8s import Endpoint
from controller.api.resources import ENDPOINT_SLICES, PODS, SERVICES
from controller.kube.port import Malformed
from tests.contract.deployments import NAME, Shop
from tests.contract.worlds import World, eventually

PORTS = [{"name": "http", "port": 80, "targetPort": 8080}]


async def serve(world: World, **selector: str) -> None:
    body = {"metadata": {"name": NAME}, "spec": {"selector": selector, "ports": PORTS}}
    await world.alice.create(SERVICES, world.namespace, body)


async def endpoints(world: World) -> list[Endpoint]:
    page = await world.alice.list_page(
        ENDPOINT_SLICES, world.namespace, label_selector=f"kubernetes.io/service-name={NAME}"
    )
    slices = [one for one in page.items if not isinstance(one, Malformed)]
    return [one for found in slices for one in found.endpoints]


async def ready(world: World) -> set[str]:
    found = await endpoints(world)
    return {one.addresses[0] for one in found if one.conditions.ready}


async def addresses(shop: Shop) -> set[str]:
    return {pod.status.pod_ip for pod in await shop.pods()}


async def test_ready_pods_are_ready_endpoints_that_name_their_pod(world: World) -> None:
    shop = Shop(world)
    await serve(world, app=NAME)
    await shop.create("web:1", 2)
    await shop.complete()
    wanted = await addresses(shop)

    async def so() -> bool:
        return await ready(world) == wanted

    await eventually(so)
    named = {one.target_ref.name for one in await endpoints(world) if one.target_ref}
    assert named == {pod.name for pod in await shop.pods()}


async def test_a_pod_that_goes_is_terminating_and_not_ready(world: World) -> None:
    shop = Shop(world)
    await serve(world, app=NAME)
    await shop.create("web:1", 1)
    await shop.complete()
    (pod,) = await shop.pods()
    await world.alice.delete(PODS, world.namespace, pod.name)

    async def replaced() -> bool:
        found = await ready(world)
        return len(found) == 1 and pod.status.pod_ip not in found

    await eventually(replaced)


async def test_a_changed_selector_changes_the_endpoints(world: World) -> None:
    shop = Shop(world)
    await serve(world, app=NAME)
    await shop.create("web:1", 1)
    await shop.complete()

    async def one_ready() -> bool:
        return len(await ready(world)) == 1

    await eventually(one_ready)
    pin = [
        {"op": "test", "path": "/spec/selector", "value": {"app": NAME}},
        {"op": "add", "path": "/spec/selector/pod-template-hash", "value": "none"},
    ]
    await world.alice.patch_json(SERVICES, world.namespace, NAME, pin)

    async def none_ready() -> bool:
        return not await ready(world)

    await eventually(none_ready)


async def test_the_slice_goes_with_its_service(world: World) -> None:
    await serve(world, app=NAME)

    async def there() -> bool:
        page = await world.alice.list_page(ENDPOINT_SLICES, world.namespace)
        return len(page.items) == 1

    await eventually(there)
    await world.alice.delete(SERVICES, world.namespace, NAME)

    async def none() -> bool:
        return not await there()

    await eventually(none)
