"""By which Service and routes a Rollout's traffic goes, in a run or without, and whose they are."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.api.kinds import Change, Rollout
from controller.api.meta import ObjectMeta
from controller.api.rollout import RouteRef, Traffic
from controller.core.phases import Phase
from controller.runtime.claims import (
    as_in_hand,
    has_begun,
    of_rollout,
    of_run,
    older,
    remedy,
    taken_by,
)
from tests.unit.controller.core.shop import CHANGE, NOW, change_spec, rollout

FROZEN = Traffic(service="checkout", routes=(RouteRef(name="of-before"),))
IN_HAND = [phase for phase in Phase if phase is not Phase.FINISHED]


def change(phase: str, traffic: Traffic | None = FROZEN) -> Change:
    spec = change_spec()
    found = Change(
        metadata=ObjectMeta(name=CHANGE, namespace="shop"),
        spec=replace(spec, plan=replace(spec.plan, traffic=traffic)),
    )
    return replace(found, status=replace(found.status, phase=phase))


@pytest.mark.parametrize("phase", ["", *IN_HAND])
def test_a_run_keeps_the_traffic_that_it_began_with(phase: str) -> None:
    seen = as_in_hand(rollout(), change(phase))
    assert seen.spec.traffic == FROZEN
    assert replace(seen, spec=rollout().spec) == rollout()


@pytest.mark.parametrize("ended", [None, change(Phase.FINISHED)], ids=["none yet", "ended"])
def test_without_a_run_the_rollouts_own_word_counts(ended: Change | None) -> None:
    assert as_in_hand(rollout(), ended) == rollout()


def test_a_change_that_froze_no_traffic_follows_the_rollout() -> None:
    assert as_in_hand(rollout(), change(Phase.STEPPING, None)) == rollout()


def test_only_a_run_without_traffic_of_its_own_is_helped_by_an_edit_of_the_rollout() -> None:
    assert "Abort" in remedy(change(Phase.STEPPING), "spec.traffic")
    for other in (None, change(Phase.FINISHED), change(Phase.STEPPING, None)):
        assert remedy(other, "spec.traffic") == "create it, or mend spec.traffic"


def test_a_rollout_claims_its_service_and_each_of_its_routes() -> None:
    assert of_rollout(rollout()) == (("shop", "Service", "checkout"), ("shop", "HTTPRoute", "shop"))


def test_a_run_claims_what_it_froze_until_it_has_ended() -> None:
    assert of_run(change(Phase.STEPPING))[1:] == (("shop", "HTTPRoute", "of-before"),)
    assert of_run(change(Phase.FINISHED)) == of_run(change(Phase.STEPPING, None)) == ()


def test_a_run_has_begun_when_a_canary_of_it_may_be_there() -> None:
    begun = [phase for phase in Phase if has_begun(change(phase))]
    assert set(Phase) - set(begun) == {Phase.PROPOSED, Phase.FINISHED}
    assert not has_begun(None)
    run = change(Phase.ABSORBING)
    assert not has_begun(replace(run, spec=replace(run.spec, restart=True)))


def born(name: str, second: int | None) -> Rollout:
    made = None if second is None else NOW.replace(second=second)
    meta = replace(rollout().metadata, name=name, creation_timestamp=made)
    return replace(rollout(), metadata=meta)


def test_the_older_one_was_there_first_and_of_two_of_one_second_the_first_by_name() -> None:
    assert older(born("b", 1), born("a", 2))
    assert older(born("a", 1), born("b", 1))
    assert not older(born("a", 1), born("a", 1))
    assert older(born("b", 1), born("a", None))


def test_the_one_that_waits_is_told_what_helps() -> None:
    claim = ("shop", "HTTPRoute", "shop")
    waits = taken_by("pay", claim, None, in_run=True)
    assert waits == "HTTPRoute shop/shop belongs to Rollout pay until its run has ended"
    assert "name another in spec.traffic" in taken_by("pay", claim, None, in_run=False)
    assert "Abort" in taken_by("pay", claim, change(Phase.PROPOSED), in_run=False)
