"""Builders and questions about Deployments for the contract tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from controller.api.k8s import Deployment, Pod, ReplicaSet
from controller.api.resources import DEPLOYMENTS, PODS, REPLICASETS
from controller.kube.port import Malformed, NotFound
from tests.contract.worlds import World, eventually

NAME = "web"


def manifest(image: str = "web:1", replicas: int = 4, **spec: Any) -> dict[str, Any]:
    """A short Deployment, as people write it."""
    return {
        "metadata": {"name": NAME, "labels": {"app": NAME}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": NAME}},
            "template": template(image),
            **spec,
        },
    }


def template(image: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": NAME}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }


@dataclass(frozen=True)
class Shop:
    """One Deployment in a world, and what a test asks of it."""

    world: World

    async def create(self, image: str = "web:1", replicas: int = 4, **spec: Any) -> Deployment:
        world = self.world
        body = manifest(image, replicas, **spec)
        return await world.alice.create(DEPLOYMENTS, world.namespace, body)

    async def merge(self, spec: Mapping[str, Any]) -> Deployment:
        """A merge patch of the spec, as alice."""
        world = self.world
        return await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, {"spec": spec})

    async def set_image(self, image: str, **spec: Any) -> Deployment:
        return await self.merge({"template": {"spec": template(image)["spec"]}, **spec})

    async def scale(self, replicas: int) -> None:
        """Through the scale subresource, as an autoscaler does."""
        world = self.world
        body = {"spec": {"replicas": replicas}}
        await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, body, subresource="scale")

    async def deployment(self) -> Deployment:
        return await self.world.alice.get(DEPLOYMENTS, self.world.namespace, NAME)

    async def sets(self) -> list[ReplicaSet]:
        page = await self.world.alice.list_page(REPLICASETS, self.world.namespace)
        return [one for one in page.items if not isinstance(one, Malformed)]

    async def set_of(self, image: str) -> ReplicaSet:
        return next(one for one in await self.sets() if image_of(one) == image)

    async def pods(self) -> list[Pod]:
        page = await self.world.alice.list_page(PODS, self.world.namespace)
        return [one for one in page.items if not isinstance(one, Malformed)]

    async def sizes(self) -> dict[str, int]:
        """Desired replicas by image."""
        return {image_of(one): one.spec.replicas for one in await self.sets()}

    async def have(self, **sizes: int) -> None:
        """Wait for desired replicas of each image (`web_1=4`) and a controller that saw all."""
        wanted = {image.replace("_", ":"): size for image, size in sizes.items()}

        async def so() -> bool:
            return await self.observed() and await self.sizes() == wanted

        try:
            await eventually(so)
        except AssertionError:
            raise AssertionError(f"wanted {wanted}, have {await self.sizes()}") from None

    async def observed(self) -> bool:
        return observed(await self.deployment())

    async def complete(self) -> None:
        """Wait until all replicas are of the template and available."""

        async def so() -> bool:
            found = await self.deployment()
            wanted = found.spec.replicas
            status = found.status
            counts = (status.replicas, status.updated_replicas, status.available_replicas)
            # Of the same reading: a moment later the controller may have seen the new template,
            # while these counts are still those of the old one.
            return counts == (wanted, wanted, wanted) and observed(found)

        await eventually(so, "the rollout is complete")

    async def condition(self, kind: str) -> tuple[str, str]:
        found = await self.deployment()
        return next((c.status, c.reason) for c in found.status.conditions if c.type == kind)

    async def gone(self) -> bool:
        try:
            await self.deployment()
        except NotFound:
            return True
        return False


def observed(found: Deployment) -> bool:
    """Its controller has seen this very spec."""
    return found.status.observed_generation == found.metadata.generation


def image_of(item: Deployment | ReplicaSet) -> str:
    """The image of the first container."""
    decoded = msgspec.json.decode(item.spec.template)
    return str(decoded["spec"]["containers"][0]["image"])
