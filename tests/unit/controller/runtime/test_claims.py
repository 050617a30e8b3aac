"""By which Service and routes a Rollout's traffic goes, while a run is in hand and without one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.api.kinds import Change
from controller.api.meta import ObjectMeta
from controller.api.rollout import RouteRef, Traffic
from controller.core.phases import Phase
from controller.runtime.claims import as_in_hand, remedy
from tests.unit.controller.core.shop import CHANGE, change_spec, rollout

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
