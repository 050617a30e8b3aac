from functools import partial
from typing import Any

import numpy as np
import pytest

from analysis import plan
from analysis.scenario import Scenario
from analysis.simulate import Recommended, simulate
from tests.unit.analysis.cases import reference


@pytest.mark.parametrize("case", reference("design-kl"), ids=lambda c: c["id"])
def test_the_information_is_that_of_the_reference(case: dict[str, Any]) -> None:
    found = plan.information_per_event(case["inputs"]["r"])
    assert float(found) == pytest.approx(case["expected"]["kl"], abs=case["tolerance"])


@pytest.mark.parametrize(
    ("ratio", "events", "lost", "at_half"),
    [
        (0.01, 7, 7, 10),
        (0.50, 44, 22, 40),
        (0.80, 316, 63, 122),
        (0.90, 1314, 131, 258),
        (0.95, 5349, 267, 530),
        (0.97, 14_959, 449, 893),
        (0.99, 135_546, 1355, 2706),
    ],
)
def test_the_price_of_detection_is_that_of_the_design(ratio, events, lost, at_half) -> None:
    assert float(plan.events_to_detect(ratio)) == pytest.approx(events, abs=0.51, rel=1e-3)
    assert float(plan.orders_lost(ratio)) == pytest.approx(lost, abs=0.51, rel=1e-3)
    assert float(plan.orders_lost(ratio, share=0.5)) == pytest.approx(at_half, abs=0.6, rel=1e-3)


@pytest.mark.parametrize(
    ("margin", "by_share"),
    [
        (0.30, (78, 81, 98, 139)),
        (0.20, (190, 199, 245, 354)),
        (0.10, (821, 861, 1076, 1586)),
        (0.05, (3402, 3575, 4498, 6690)),
        (0.03, (9582, 10_076, 12_712, 18_971)),
        (0.01, (87_413, 91_983, 116_356, 174_242)),
    ],
)
def test_the_price_of_promotion_is_that_of_the_design(margin, by_share) -> None:
    found = plan.events_to_promote(1.0 - margin, share=[0.0, 0.05, 0.25, 0.5])
    assert found == pytest.approx(np.array(by_share), abs=0.6, rel=1e-3)


def test_a_tolerated_harm_is_never_found_and_a_harmful_canary_never_promoted() -> None:
    assert float(plan.events_to_detect(0.995, edge=0.99)) == np.inf
    assert float(plan.events_to_detect(1.05, edge=1.1)) == np.inf
    assert float(plan.events_to_promote(0.9, ratio=0.85)) == np.inf
    assert float(plan.events_to_promote(1.5, ratio=1.5)) == np.inf


def test_a_small_share_buys_the_loss_of_acting_late() -> None:
    small, large = plan.orders_lost(0.01, share=[0.01, 0.1], rate=50.0, actuation_s=45.0)
    assert large - small == pytest.approx(0.99 * 50 * 45 * 0.09, rel=0.02)


def test_the_sentence_gives_time_and_orders() -> None:
    assert plan.planning_sentence(0.05, 50.0, loss=0.5, unit="payments") == (
        "At 5% and 50 payments/s a 50% drop takes 18 s and costs about 23 payments; "
        "a total outage takes 3 s and 7 payments."
    )


def test_the_sentence_of_the_plan_is_what_a_simulation_finds() -> None:
    """At 1% and 2 orders/s: 4.4 h and 63 orders for a drop of 20%, 6 min and 7 for an outage."""
    assert plan.planning_sentence(0.01, 2.0) == (
        "At 1% and 2 orders/s a 20% drop takes 4.4 h and costs about 63 orders; "
        "a total outage takes 6 min and 7 orders."
    )
    for ratio, hours, tick_s, seconds, lost in (
        (0.8, 24.0, 60.0, 4.4 * 3600.0, 63.0),
        (0.01, 1.0, 10.0, 6 * 60.0, 7.0),
    ):
        told = Scenario(
            "plan", "Decrease", 2.0 / 0.03, 0.03, 0.01, hours * 3600.0, 0.7, ratio, tick_s=tick_s
        )
        alone = partial(Recommended, edge=1.0, promotes=False)
        found = simulate(told, {"it": alone}, 300, np.random.default_rng(1))["it"].summary()
        assert found["p_rollback"] == 1.0
        assert found["mean_delay_s"] == pytest.approx(seconds, rel=0.2)
        assert found["orders_lost"] == pytest.approx(lost, rel=0.2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plan.information_per_event(-1.0), "ratio must be >= 0"),
        (lambda: plan.information_per_event(0.5, 1.0, 1.0), "share must lie"),
        (lambda: plan.events_to_detect(0.5, alpha=0.0), "alpha must lie"),
        (lambda: plan.events_to_promote(0.5, beta=1.0), "beta must lie"),
        (lambda: plan.seconds_to_detect(0.5, share=0.1, rate=0.0), "rate must be"),
        (lambda: plan.planning_sentence(0.1, 1.0, loss=1.0), "loss must lie"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
