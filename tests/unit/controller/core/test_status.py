"""What people, dashboards and `kubectl wait` read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from controller.api.meta import Condition
from controller.core.observed import Evidence, Observed, Verdict
from controller.core.phases import Outcome, Phase
from controller.core.plan import plan
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.cases import decide
from tests.unit.controller.core.shop import CHANGE, NOW, TARGET, ago
from tests.unit.controller.core.worlds import RUNNING, in_phase

PHASES = {
    "a proposal": (release(), "Progressing"),
    "a rung": (release().stepping(2), "Progressing"),
    "the shift": (release().shifting(), "Promoting"),
    "the watch": (release().watching(), "Promoting"),
    "the absorb": (release().absorbing(), "Promoting"),
    "the settling": (release().settling(), "Promoting"),
    "an absorb that is undone": (release().reverting(), "RollingBack"),
    "the way back": (release().retreating(), "RollingBack"),
    "the moment of harm": (release().stepping(2).verdict("ROLLBACK"), "RollingBack"),
    "peace": (release().at_rest(), "Stable"),
    "a refusal": (release().finished(Outcome.ROLLED_BACK), "Rejected"),
    "an invalid spec": (release().at_rest().blocked(Reason.INVALID), "Invalid"),
    "a missing route": (release().at_rest().blocked(Reason.TRAFFIC_MISSING), "Invalid"),
    "a Deployment that is missing": (release().at_rest().no_workload(), "Pending"),
    "an adoption": (release().at_rest().workload(adopted=False), "Pending"),
    "a Rollout that is deleted": (release().at_rest().leaving(), "Leaving"),
    "the end of a namespace": (release().stepping(2).namespace_ending(), "Leaving"),
    "the moment of promotion":
        (release().settling().no_canary().weight(0).traffic(touched=False), "Stable"),
    "the moment at which a way back ends":
        (release().retreating().no_canary().traffic(touched=False), "Rejected"),
}  # fmt: skip


@pytest.mark.parametrize(("look", "shown"), PHASES.values(), ids=PHASES.keys())
def test_the_phase_that_is_shown(look: Release, shown: str) -> None:
    assert decide(look).rollout_status.phase == shown


@pytest.mark.parametrize(("look", "ready", "reconciling", "stalled"), [
    (release().at_rest(), "True", "False", "False"),
    (release().finished(Outcome.ROLLED_BACK), "True", "False", "False"),
    (release().stepping(2), "False", "True", "False"),
    (release().stepping(2).no_data(), "False", "True", "False"),
    (release().at_rest().blocked(), "False", "False", "True"),
    (release().at_rest().no_workload(), "False", "False", "True"),
    (release().stepping(2).entered(60 * 30).limits(on_no_evidence="Hold"),
     "False", "False", "True"),
], ids=["at rest", "refused", "on its way", "without data", "a broken reference",
        "no Deployment", "held for a person"])  # fmt: skip
def test_kstatus_conditions(look: Release, ready: str, reconciling: str, stalled: str) -> None:
    found = {c.type: c.status for c in decide(look).rollout_status.conditions}
    assert (found["Ready"], found["Reconciling"], found["Stalled"]) == (ready, reconciling, stalled)


def test_missing_data_is_a_condition_of_its_own() -> None:
    silent = condition(release().stepping(2).no_data("orders: no pod answers"), "DataAvailable")
    assert (silent.status, silent.message) == ("False", "orders: no pod answers")
    assert condition(release().stepping(2), "DataAvailable").status == "True"


def test_the_columns_of_a_run() -> None:
    look = release().stepping(2).verdict("HOLD")
    status = decide(with_evidence(look, orders_lost=12.4)).rollout_status
    assert (status.step, status.weight, status.verdict) == ("2/4", 5, "HOLD")
    assert (status.change, status.evidence, status.at_risk) == (CHANGE, "orders", "12/100")
    assert status.observed_generation == 3
    assert status.next_at is not None


def test_a_gain_is_not_shown_as_a_loss() -> None:
    look = with_evidence(release().stepping(2), orders_lost=-7.0)
    assert decide(look).rollout_status.at_risk == "0/100"


def test_at_rest_no_column_speaks_of_the_last_run() -> None:
    status = decide(release().finished(Outcome.ROLLED_BACK)).rollout_status
    assert (status.step, status.verdict, status.evidence, status.at_risk) == ("", "", "", "")
    assert status.change == CHANGE


def test_a_condition_keeps_its_time_while_it_stays_as_it_is() -> None:
    first = decide(release().stepping(2)).rollout_status.conditions
    since = tuple(changed(c, last_transition_time=ago(9)) for c in first)
    later = decide(release().stepping(2).rollout_status(conditions=since)).rollout_status
    assert all(c.last_transition_time == ago(9) for c in later.conditions)
    held = decide(release().stepping(2).held_by("bob").rollout_status(conditions=since))
    ready = next(c for c in held.rollout_status.conditions if c.type == "Ready")
    assert (ready.reason, ready.last_transition_time) == ("Held", NOW)


@pytest.mark.parametrize(("look", "finished", "succeeded"), [
    (release().stepping(2), "False", "Unknown"),
    (release().settling().no_canary().traffic(touched=False), "True", "True"),
    (release().retreating().no_canary().traffic(touched=False), "True", "False"),
    (release().signed("Abort"), "True", "False"),
], ids=["running", "promoted", "taken back", "aborted"])  # fmt: skip
def test_a_pipeline_can_wait_on_the_change(look: Release, finished: str, succeeded: str) -> None:
    status = decide(look).change_status
    assert status is not None
    found = {c.type: c.status for c in status.conditions}
    assert (found["Finished"], found["Succeeded"]) == (finished, succeeded)


def test_the_evidence_of_the_run_is_kept_in_its_change() -> None:
    look = with_evidence(release().stepping(2), state='{"v":1}', window_end=ago(0.2), log_harm=1.5)
    status = decide(look).change_status
    assert status is not None
    assert (status.evidence, status.window_end, status.log_harm) == ('{"v":1}', ago(0.2), 1.5)
    assert status.verdict == "HOLD"


def test_a_look_without_evidence_keeps_what_is_written() -> None:
    look = release().stepping(2).no_evidence().status(evidence='{"v":1}', window_end=ago(3))
    status = decide(look).change_status
    assert status is not None
    assert (status.evidence, status.window_end) == ('{"v":1}', ago(3))


def test_the_highest_share_is_remembered() -> None:
    look = release().stepping(2).status(peak_weight=25.0)
    assert peak(look) == 25
    assert peak(release().stepping(3)) == 25


def test_a_weight_that_cannot_be_read_is_shown_as_none_at_all() -> None:
    assert decide(release().stepping(2).route_gone()).rollout_status.weight == 0


@pytest.mark.parametrize("where", RUNNING)
def test_a_status_without_a_phase_is_written_with_one(where: Phase) -> None:
    status = decide(in_phase(where).status(phase="")).change_status
    assert status is not None
    assert status.phase
    assert status.entered_at is not None


def condition(look: Release, kind: str) -> Condition:
    return next(c for c in decide(look).rollout_status.conditions if c.type == kind)


def peak(look: Release) -> float:
    status = plan(look.observed(), NOW).change_status
    assert status is not None
    return status.peak_weight


def with_evidence(look: Release, **facts: object) -> Release:
    known = Evidence(Verdict.HOLD, "the numbers", headline="orders")
    seen: Observed = replace(look.o, evidence=replace(known, **facts))  # type: ignore[arg-type]
    look.o = seen
    return look


@pytest.mark.parametrize(("look", "refused"), [
    (release().finished(Outcome.ROLLED_BACK), TARGET),
    (release().finished(Outcome.PROMOTED), ""),
    (release().stepping(2).rollout_status(refused=TARGET), ""),
    (release().no_change().rollout_status(refused=TARGET), TARGET),
    (release().no_change().edited().rollout_status(refused=TARGET), ""),
], ids=["taken back", "promoted", "tried again", "its Change gone", "edited since"])  # fmt: skip
def test_what_was_taken_back_is_remembered_beside_its_change(look: Release, refused: str) -> None:
    assert decide(look).rollout_status.refused == refused
