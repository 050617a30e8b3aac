import pytest

from analysis.counters import CounterPolicy, Sample
from analysis.pairing import ArmSamples, PairState, pair_samples
from analysis.ticks import Counts, Interval, NoData

POLICY = CounterPolicy(stale_s=15.0)
GONE = NoData("the query returned nothing")


def arm(at_s: float, events: float | None, exposures: float | None) -> ArmSamples:
    """One series of each kind; None: answered without any series."""
    return ArmSamples(
        {} if events is None else {"e": [Sample(at_s, events)]},
        {} if exposures is None else {"x": [Sample(at_s, exposures)]},
    )


def pairs(*ticks: tuple[ArmSamples, ArmSamples], **more: bool) -> list[Counts | NoData]:
    state, found = PairState(), []
    for i, (canary, baseline) in enumerate(ticks):
        interval = Interval(10.0 * i, 10.0 * (i + 1))
        state, counts = pair_samples(state, canary, baseline, interval, POLICY, **more)
        state = PairState.from_json(state.to_json())
        found.append(counts)
    return found


def test_what_one_arm_lacks_is_dropped_for_both() -> None:
    found = pairs(
        (arm(9, 1, 10), arm(9, 10, 100)),
        (ArmSamples(GONE, {"x": [Sample(19, 20)]}), arm(19, 19, 190)),
        (arm(29, 3, 30), arm(29, 28, 280)),
        (arm(39, 4, 40), arm(39, 37, 370)),
    )
    assert found[1] == NoData("canary events: the query returned nothing")
    assert isinstance(found[3], Counts)
    assert repr(found[3]) == "Counts(canary 1/10, baseline 9/90)"


def test_absent_is_not_zero() -> None:
    found = pairs((arm(9, None, 10), arm(9, None, 100)), (arm(19, None, 20), arm(19, None, 190)))
    assert found[1] == NoData("canary events: no series")


def test_errors_among_requests_may_be_none_so_far() -> None:
    found = pairs(
        (arm(9, None, 10), arm(9, None, 100)),
        (arm(19, None, 20), arm(19, None, 190)),
        (arm(29, 2, 30), arm(29, None, 280)),
        absent_events_are_zero=True,
    )
    assert repr(found[1]) == "Counts(canary 0/10, baseline 0/90)"
    assert repr(found[2]) == "Counts(canary 2/10, baseline 0/90)"


def test_a_query_that_failed_is_not_zero_errors() -> None:
    found = pairs(
        (arm(9, None, 10), arm(9, None, 100)),
        (ArmSamples(GONE, {"x": [Sample(19, 20)]}), arm(19, None, 190)),
        absent_events_are_zero=True,
    )
    assert found[1] == NoData("canary events: the query returned nothing")


def test_more_events_than_exposures_of_a_share_metric_are_no_data() -> None:
    found = pairs(
        (arm(9, 1, 10), arm(9, 10, 100)), (arm(19, 60, 20), arm(19, 19, 190)), bounded=True
    )
    assert isinstance(found[1], NoData)
    assert "more events than exposures" in found[1].reason


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 1"):
        PairState.from_json({"v": 9, "groups": []})


def test_a_stored_state_that_lacks_its_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="must have four groups; came None"):
        PairState.from_json({"v": 1})
