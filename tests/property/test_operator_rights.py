"""What `manifests/rbac/operator.yaml` grants is what the operator asks of an API server: no less
and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api import names
from controller.api.resources import CONFIG_MAPS, NETWORK_POLICIES, ROLLOUTS
from controller.core.phases import Phase
from controller.runtime.acts import records
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime

ROLE = Path(__file__).parents[2] / "manifests/rbac/operator.yaml"
READS = {"get", "list", "watch"}
Right = tuple[str, str]
"""A verb, and a resource as in `changes.blastdoor.dev/status`."""


def _granted(kind: str) -> set[Right]:
    """The rights of one role of the operator."""
    (role,) = (d for d in yaml.safe_load_all(ROLE.read_text()) if d["kind"] == kind)
    return {
        (verb, _named(group, resource))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _named(group: str, resource: str) -> str:
    plural, slash, sub = resource.partition("/")
    return f"{plural}.{group}{slash}{sub}" if group else resource


class _Asked:
    """Every right that the operator of a world made use of."""

    def __init__(self, world: ShopWorld) -> None:
        self._world, self._reads = world, set[Right]()
        world.cluster.faults.before_each(self._note, user=names.OPERATOR_ACCOUNT)

    def _note(self, call: Any) -> None:
        if call.verb in READS:
            self._reads.add((call.verb, str(call.resource)))

    @property
    def rights(self) -> set[Right]:
        return self._reads | set(self._writes())

    def _writes(self) -> Iterator[Right]:
        for write in self._world.cluster.journal:
            if write.user != names.OPERATOR_ACCOUNT:
                continue
            resource = "/".join(filter(None, (write.resource, write.subresource)))
            # An apply is a patch that may create.
            yield from ((v, resource) for v in ("create", "patch") if write.verb in (v, "apply"))
            if write.verb == "delete":
                yield "delete", resource


async def _life_of_a_rollout(world: ShopWorld) -> None:
    """Everything for which the operator needs a right."""
    policy = {"podSelector": {"matchLabels": {"app": KEY.name}}, "ingress": [{}]}
    flags = {"metadata": {"name": "flags"}, "data": {"new-checkout": "true"}}
    flag = {"spec": {"killSwitch": {"configMap": "flags", "key": "new-checkout"}}}
    await world.admin.create(
        NETWORK_POLICIES, KEY.namespace, {"metadata": {"name": "shop"}, "spec": policy}
    )
    await world.admin.create(CONFIG_MAPS, KEY.namespace, flags)
    await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, flag)
    await world.autoscale(1, 8)
    await world.release("v2")
    await reached(world, Phase.STEPPING)
    await world.release("v3")  # waits, so the run is absorbed underneath it
    await settled(world, changes=2)
    await world.release("v4-bad")
    await settled(world, changes=2)
    await world.release("v5")
    await reached(world, Phase.STEPPING)
    await world.sign("Abort")
    await settled(world, changes=2)
    await world.admin.delete(ROLLOUTS, KEY.namespace, KEY.name)
    await asyncio.sleep(10)


async def test_the_operators_role_grants_what_it_asks_for_and_nothing_that_it_never_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "HISTORY", 1)
    async with ShopWorld(supersede="Queue") as world:
        asked = _Asked(world)
        world.start_operator()
        await asyncio.sleep(5)
        await _life_of_a_rollout(world)
        everywhere, at_home = _granted("ClusterRole"), _granted("Role")
        assert asked.rights <= everywhere | at_home
        assert _but_gets(everywhere) == _but_gets(asked.rights - at_home)


def _but_gets(rights: set[Right]) -> set[Right]:
    """`get` shows no more than `list`, and is asked for only when a patch was refused."""
    return {(verb, resource) for verb, resource in rights if verb != "get"}
