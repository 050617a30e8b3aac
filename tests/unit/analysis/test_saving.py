import json
from typing import Any

import numpy as np
import pytest

from analysis.bernoulli import BernoulliSpec, update_bernoulli
from analysis.bounded import BoundedSpec, update_bounded
from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.dispersion import DispersionState, update_dispersion
from analysis.lag import LagState, exponential_law
from analysis.means import MeanState
from analysis.saving import state_from_json, state_to_json
from analysis.segments import SegmentsSpec, log_evidence_of_segments, update_segments
from analysis.sequence import RatioState, ratio_bounds, update_ratio
from analysis.split import SplitSpec, update_split
from analysis.ticks import Counts, Interval, Tick

HARM = HarmSpec("Increase", 1.1, difference=0.001, expected_rate=3.0)
SEGMENTS = SegmentsSpec(("a", "b"), (1.0, 2.0), "Decrease", 0.99)
LAW = exponential_law(30.0, 10.0)


def ticks(shape: tuple[int, ...], count: int = 12) -> list[Tick]:
    rng = np.random.default_rng(11)
    found = []
    for t in range(count):
        counts = Counts(*(rng.poisson(mean, shape) for mean in (4, 90, 55, 900)))
        found.append(Tick(Interval(10 * t, 10 * t + 10), counts, 0.1, step=t // 6))
    return found


def saved(state: Any, fresh: Any) -> Any:
    return state_from_json(fresh, json.loads(json.dumps(state_to_json(state), allow_nan=False)))


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_a_restart_after_any_tick_changes_nothing_to_the_last_bit(shape: tuple[int, ...]) -> None:
    straight: dict[str, Any] = {"harm": HARM.start(shape), "ratio": RatioState.start(shape)}
    kept: dict[str, Any] = dict(straight)
    for tick in ticks(shape):
        straight["harm"] = update_harm(HARM, straight["harm"], tick)
        straight["ratio"] = update_ratio(straight["ratio"], tick)
        kept["harm"] = saved(update_harm(HARM, kept["harm"], tick), HARM.start(shape))
        kept["ratio"] = saved(update_ratio(kept["ratio"], tick), RatioState.start(shape))
    assert np.array_equal(log_evidence(straight["harm"]), log_evidence(kept["harm"]))
    assert np.array_equal(ratio_bounds(straight["ratio"]), ratio_bounds(kept["ratio"]))


def test_split_and_segments_come_back_whole() -> None:
    split = SplitSpec(expected_rate=100.0)
    straight = kept = split.start()
    whole = parts = SEGMENTS.start()
    for tick in ticks((2,)):
        units = (tick.interval, tick.counts.canary_events[0], tick.counts.baseline_events[0], 0.1)
        straight = update_split(split, straight, *units, step=tick.step)
        kept = saved(update_split(split, kept, *units, step=tick.step), split.start())
        whole = update_segments(SEGMENTS, whole, tick)
        parts = saved(update_segments(SEGMENTS, parts, tick), SEGMENTS.start())
    assert float(straight.log_e) == float(kept.log_e)
    assert straight.widen() == kept.widen()
    one, two = (log_evidence_of_segments(SEGMENTS, state) for state in (whole, parts))
    assert float(one) == float(two)


@pytest.mark.parametrize(
    ("fresh", "state"),
    [
        (MeanState.start((2,)), MeanState.start((2,)).update([1.5, -2.0])),
        (
            BernoulliSpec(3, 5).start(),
            update_bernoulli(BernoulliSpec(3, 5), BernoulliSpec(3, 5).start(), 1, 4),
        ),
        (BoundedSpec().start(), update_bounded(BoundedSpec(), BoundedSpec().start(), 0.3)),
        (
            BoundedSpec(betting=False).start(),
            update_bounded(BoundedSpec(betting=False), BoundedSpec(betting=False).start(), 0.3),
        ),
        (LagState.start(LAW, 0.0, 9.0), LagState.start(LAW, 1.0, 9.0).update(2.0, 8.0)),
        (DispersionState.start(), update_dispersion(DispersionState.start(), ticks(())[3])),
        (HARM.start(), HARM.start()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_state_comes_back(fresh: Any, state: Any) -> None:
    back = saved(state, fresh)
    assert state_to_json(back) == state_to_json(state)
    assert type(back) is type(state)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"v": 2, "of": "MeanState", "values": {}}, "version 1; came 2"),
        ({"v": 1, "of": "LagState", "values": {}}, "must be a MeanState; came 'LagState'"),
        ({"v": 1, "of": "MeanState", "values": {"n": 1}}, "must have n, mean, squares; came n"),
        (
            {"v": 1, "of": "MeanState", "values": {"n": None, "mean": 0.0, "squares": 0.0}},
            "n must be there",
        ),
        (state_to_json(MeanState.start((2,))), r"n must have shape \(\); came \(2,\)"),
    ],
)
def test_another_state_is_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        state_from_json(MeanState.start(), document)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of this package's; came float"):
        state_to_json(3.0)
    stated = HarmSpec("Increase", 1.1).start()
    with pytest.raises(ValueError, match="log_wealth_difference must be there as in the spec"):
        state_from_json(stated, state_to_json(HARM.start()))


def test_a_state_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="must have values by name; came None"):
        state_from_json(MeanState.start(), {"v": 1, "of": "MeanState"})
