"""Leader election on a Lease, in memory and on a real server alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controller.api.resources import LEASES
from controller.kube.lease import LeaderElection
from tests.contract.worlds import World


@asynccontextmanager
async def running(election: LeaderElection) -> AsyncIterator[asyncio.Task[None]]:
    task: asyncio.Task[None] = asyncio.create_task(election.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_leads_and_hands_over_when_it_leaves(world: World) -> None:
    first, second = (
        LeaderElection(world.admin, world.namespace, "blastdoor", name) for name in ("a", "b")
    )
    async with running(first) as leading:
        await asyncio.wait_for(first.elected.wait(), 10)
        async with running(second):
            await asyncio.sleep(6)  # At least one renewal, seen by both.
            assert first.is_leader
            assert not second.is_leader
            assert second.holder == "a"
            leading.cancel()
            await asyncio.gather(leading, return_exceptions=True)
            assert not first.is_leader
            await asyncio.wait_for(second.elected.wait(), 10)
            lease = await world.admin.get(LEASES, world.namespace, "blastdoor")
            assert lease.spec.holder_identity == "b"
            assert lease.spec.lease_transitions >= 1
