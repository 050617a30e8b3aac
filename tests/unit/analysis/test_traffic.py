import numpy as np
import pytest

from analysis.scenario import Scenario
from analysis.traffic import stream


def scenario(**more: object) -> Scenario:
    kept = {
        "name": "x", "direction": "Decrease", "exposure_rate": 1000.0, "probability": 0.03,
        "share": 0.1, "horizon_s": 600.0, "margin": 0.9,
    }  # fmt: skip
    return Scenario.parse({**kept, **more})


def test_batches_with_a_tail_keep_the_rate_and_have_their_law() -> None:
    told = scenario(batch_tail=2.5, horizon_s=3000.0)
    events = units = 0.0
    for seen in stream(told, 20, np.random.default_rng(2)):
        events += float(seen.counts.baseline_events.sum())
        units += float(seen.units.baseline_events.sum())
        assert seen.capped is not None
        assert (seen.capped.baseline_events <= seen.units.baseline_events).all()
        cut = seen.capped.baseline_events * told.batch_cap
        assert (cut <= seen.counts.baseline_events + 1e-9).all()
    seconds = 3000.0 * 20
    assert events / seconds == pytest.approx(30.0 * 0.9, rel=0.02)
    # the mean of a size with P(B >= k) = k^-2.5 is zeta(2.5)
    assert events / units == pytest.approx(1.3415, rel=0.02)
    assert told.unit_events == pytest.approx(1.3415, abs=1e-4)


def test_a_run_without_units_has_no_events() -> None:
    rare = scenario(batch_tail=1.5, probability=1e-9)
    seen = next(iter(stream(rare, 3, np.random.default_rng(1))))
    assert seen.counts.canary_events.tolist() == [0.0, 0.0, 0.0]


def test_without_a_tail_units_are_not_told_apart() -> None:
    seen = next(iter(stream(scenario(batch_mean=4.0), 3, np.random.default_rng(1))))
    assert seen.capped is None
    assert scenario(batch_mean=4.0).unit_events == 4.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"batch_tail": 1.0}, "batch_tail of x must be > 1"),
        ({"batch_cap": 0.5}, "batch_cap of x must be >= 1"),
        ({"gap_share": 1.0}, r"gap_share of x must lie in \[0, 1\)"),
        ({"reset_loss": -0.1}, "reset_loss of x"),
        ({"fails_again": float("nan")}, "fails_again of x"),
        ({"arm_sd": -1.0}, "arm_sd of x must be finite and >= 0"),
        ({"lag_s": float("nan")}, "lag_s of x must be finite and >= 0"),
        ({"true_share": 0.0}, "true_share of x"),
        ({"exposure_rate": "1e17"}, "exposure_rate of x must be a number; came '1e17'"),
        ({"share": None}, "share of x must be a number; came None"),
        ({"retries": 1.5}, "retries of x must be a whole number"),
        ({"retries": True}, "retries of x must be a number; came True"),
        ({"batched": "no"}, "batched of x must be true or false"),
        ({"margin": 1.5}, "margin of a Decrease must be a ratio below 1"),
        ({"tolerated": 1.1}, "tolerated ratio between 1 and its margin 0.9; came 1.1"),
        ({"tolerated": 0.8}, "tolerated ratio between 1 and its margin 0.9; came 0.8"),
        ({"probability": 0.5, "ratio": 3.0}, "at most one unit per exposure"),
        ({"orders_per_event": float("nan")}, "orders_per_event of x must be finite"),
        ({"direction": "Down"}, "direction of x must be Decrease or Increase"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(more: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scenario(**more)


def test_more_errors_cost_no_orders_unless_it_is_said_what_one_costs() -> None:
    errors = {"direction": "Increase", "margin": 1.5, "ratio": 2.0}
    assert scenario(**errors).loss_per_second(0.0) == 0.0
    assert scenario(**errors, orders_per_event=0.5).loss_per_second(0.0) == pytest.approx(1.5)
    assert scenario(ratio=0.5).loss_per_second(0.0) == pytest.approx(1.5)
