from typing import Any

import pytest

from analysis.ladder import USUAL, described, fitting_ladder, planned, usual_margin

MARGINS = (0.3, 0.2, 0.1, 0.05, 0.03)


def test_the_default_ladder_at_50_orders_a_second_is_that_of_the_design() -> None:
    steps = planned(USUAL, MARGINS, 50.0)
    assert [step.evidence_s for step in steps] == pytest.approx([156, 80, 180, 360, 760], rel=0.02)
    assert sum(step.hold_s for step in steps) / 60 == pytest.approx(34, abs=2)


def test_a_later_step_is_judged_on_what_the_earlier_one_left_possible() -> None:
    steps = planned(USUAL, MARGINS, 50.0)
    assert [step.worst for step in steps[1:]] == pytest.approx(list(MARGINS[:-1]))


def test_a_step_over_budget_says_so() -> None:
    steps = planned((0.5,), (0.03,), 50.0, budget=100.0)
    assert not steps[0].within_budget
    assert "over budget" in described(steps, 50.0)


def test_a_loss_that_is_tolerated_costs_until_the_hold_ends() -> None:
    steps = planned((0.1, 0.5), (0.01, 0.005), 1.0, edge=0.98, max_hold_s=3600.0)
    assert steps[1].lost == pytest.approx(0.01 * 0.5 * 3645.0)
    assert "never" in described(steps, 1.0)


def test_a_larger_budget_begins_with_a_larger_share() -> None:
    shares = [fitting_ladder(50.0, budget)[0] for budget in (20.0, 100.0, 1000.0)]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


def test_no_step_leaves_more_than_its_part_unexcluded() -> None:
    assert all(share * usual_margin(share) <= 0.0151 for share in USUAL)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fitting_ladder(5000.0, 10.0), "a total outage at 0.1%"),
        (lambda: planned((0.5, 0.1), (0.1, 0.1), 1.0), "shares must rise"),
        (lambda: planned((0.5,), (), 1.0), "one margin per share"),
        (lambda: planned((0.5,), (1.0,), 1.0), "losses inside"),
        (lambda: planned((0.5,), (0.1,), 1.0, budget=0.0), "budget must be"),
    ],
)
def test_bad_plans_say_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
