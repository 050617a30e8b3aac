import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from analysis.scenario import Scenario
from analysis.simulate import Outcome, Recommended, simulate, truncate_nats

CALM = Scenario("calm", "Decrease", 1667.0, 0.03, 0.05, 900.0, 0.9)
RULES = {"REC": Recommended}


def play(scenario: Scenario, runs: int = 100, seed: int = 1, rules=RULES) -> dict[str, Outcome]:
    return simulate(scenario, rules, runs, np.random.default_rng(seed))


def test_a_good_release_is_promoted_and_stays() -> None:
    found = play(CALM)["REC"].summary()
    assert found["p_rollback"] <= 0.01 + 2 * 0.01
    assert found["p_promote_1h"] >= 0.95


def test_an_outage_is_gone_in_seconds_and_costs_few_orders() -> None:
    found = play(replace(CALM, share=0.01, ratio=0.01))["REC"].summary()
    assert found["p_rollback"] == 1.0
    assert found["mean_delay_s"] <= 23.0
    assert found["orders_lost"] <= 12.0


def test_a_wrong_split_gaps_and_resets_roll_nothing_back() -> None:
    for more in (
        {"true_share": 0.04},
        {"gap_every_s": 300.0, "gap_s": 60.0, "gap_share": 0.05},
        {"reset_loss": 0.025},
    ):
        assert play(replace(CALM, **more))["REC"].summary()["p_rollback"] <= 0.02


def test_batches_are_tempered() -> None:
    batches = replace(CALM, batch_mean=4.0, horizon_s=1800.0, share=0.2)
    told = play(batches)["REC"].summary()
    assert told["p_rollback"] <= 0.03


def test_warm_up_is_left_out() -> None:
    warming = Scenario(
        "w", "Increase", 1000, 0.01, 0.1, 900, 1.25, ratio=8.0, until_s=180.0, warm_up_s=180.0
    )
    assert play(warming)["REC"].summary()["p_rollback"] <= 0.02
    assert play(replace(warming, warm_up_s=0.0))["REC"].summary()["p_rollback"] == 1.0


def test_a_small_weight_in_the_rollout_costs_time() -> None:
    lossy = replace(CALM, ratio=0.7, horizon_s=1800.0)
    rules = {"alone": Recommended, "shared": partial(Recommended, weight=0.4)}
    found = play(lossy, rules=rules)
    assert (found["shared"].rolled_back_s >= found["alone"].rolled_back_s).all()


def test_the_same_seed_gives_the_same_outcome() -> None:
    lossy = replace(CALM, ratio=0.8)
    first, again = play(lossy)["REC"], play(lossy)["REC"]
    assert np.array_equal(first.rolled_back_s, again.rolled_back_s)


def test_progress_is_told_in_parts_of_the_horizon() -> None:
    told: list[float] = []
    simulate(CALM, RULES, 5, np.random.default_rng(1), told.append)
    assert told == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_no_release_without_promotion_evidence_is_promoted() -> None:
    rules = {"watch": partial(Recommended, promotes=False)}
    assert np.isinf(play(CALM, rules=rules)["watch"].promoted_s).all()


def test_a_delay_is_counted_from_the_onset_and_ends_at_the_horizon() -> None:
    late = replace(CALM, ratio=0.5, onset_s=300.0)
    outcome = Outcome(late, np.array([100.0, 400.0, math.inf]), np.full(3, math.inf))
    found = outcome.summary()
    assert found["mean_delay_s"] == pytest.approx((0.0 + 100.0 + 600.0) / 3)
    assert found["orders_lost"] == pytest.approx(50.0 * 0.05 * 0.5 * 700.0 / 3, rel=0.02)


def test_truncation_grows_with_the_tick() -> None:
    assert truncate_nats(1.0) < truncate_nats(3.0) < truncate_nats(10.0)
