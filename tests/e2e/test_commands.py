"""What people do to a release with `kubectl`, with the rights that they have and no others."""

import pytest

from controller.core.phases import Outcome, Phase
from controller.local import deploying
from controller.local.kubectl import KubectlError
from tests.e2e.harness import RATE, WITHIN_S, Shop, shop_on
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_a_hold_keeps_the_weight_while_evidence_is_gathered_and_a_release_lets_it_go_on(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.bind("bob", "blastdoor-oncall")
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await shop.until_changing("v2", Phase.STEPPING)
        hold = await shop.sign("Hold", "bob")
        await shop.until_reason("Held", says="bob")
        async with shop.stack.load(RATE, seed=32):
            await _enough_evidence(shop)
            assert await shop.weight() == 5
            release = await shop.sign("Release", "bob")
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.PROMOTED
        assert (await shop.answered(hold)).status.state == "Applied"
        assert (await shop.answered(release)).status.state == "Applied"
        assert shop.stack.ledger.read().summary().failed == 0


async def _enough_evidence(shop: Shop) -> None:
    """Without the Hold the next step would begin by now."""
    await deploying.until(
        shop.rollout, lambda r: r.status.verdict == "STEP_UP", WITHIN_S, "the verdict STEP_UP"
    )


async def test_harm_takes_a_held_release_back(plane: RealCluster, namespace: str) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2", env={"SHOP_LOSE_ORDERS": "0.99"})
        await shop.until_weight(5)
        await shop.sign("Hold")
        await shop.until_reason("Held")
        async with shop.stack.load(RATE, seed=33):
            change = await shop.ended("v2")
        assert (change.status.outcome, change.status.reason) == (Outcome.ROLLED_BACK, "HarmFound")


async def test_who_lacks_the_right_is_refused_by_the_server_and_told_which_role_has_it(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.bind("bob", "blastdoor-oncall")
        await shop.bind("alice", "edit")
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        with pytest.raises(KubectlError) as stranger:
            await shop.sign("Abort", "mallory")
        assert "forbidden" in stranger.value.ran.stderr.lower()
        with pytest.raises(KubectlError) as author:
            await shop.sign("Hold", "alice")
        assert "forbidden" in author.value.ran.stderr.lower()
        with pytest.raises(KubectlError) as oncall:
            await shop.sign("Promote", "bob")
        assert "NotAuthorised: bob may not Promote" in oncall.value.ran.stderr
        assert "blastdoor-promoter" in oncall.value.ran.stderr
        assert await shop.weight() == 5
        abort = await shop.sign("Abort", "bob")
        change = await shop.ended("v2")
        assert change.status.outcome == Outcome.ABORTED
        assert "bob aborted" in change.status.message
        assert (await shop.answered(abort)).status.state == "Applied"


async def test_a_person_lets_a_release_pass_the_steps_that_no_evidence_would(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.bind("carol", "blastdoor-promoter")
        await shop.adopt(promotion={"holdback": 2, "watch": "4m"})
        await shop.release("v2")  # and not one shopper comes
        await shop.until_weight(5)
        await shop.sign("Hold", "carol")
        await shop.until_reason("Held", says="carol")
        refused = await shop.answered(await shop.sign("Promote", "carol"))
        assert refused.status.state == "Refused"
        assert "carol holds" in refused.status.message
        await shop.answered(await shop.sign("Release", "carol"))
        for weight in (5, 50, 98):
            await shop.until_weight(weight)
            if weight == 98:
                await shop.until_changing("v2", Phase.WATCHING)
            passed = await shop.answered(await shop.sign("Promote", "carol"))
            assert passed.status.state == "Applied", passed.status.message
        change = await shop.ended("v2")
        await shop.until_phase("Stable")
        assert change.status.outcome == Outcome.PROMOTED
        assert await shop.versions() == {"v2"}
