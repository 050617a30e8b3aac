import math
from typing import Any

import pytest

from analysis.costs import detection_costs, detection_table, exclusion_costs, exclusion_table


def test_the_price_is_orders_nearly_whatever_the_traffic_and_the_share() -> None:
    rows = detection_costs([0.5], [0.001, 0.01, 0.05], 3.0)
    assert [round(row.lost) for row in rows] == [22, 22, 23]
    fast = detection_costs([0.5], [0.001, 0.01, 0.05], 300.0)
    assert [row.lost for row in fast] == [row.lost for row in rows]
    assert [row.seconds * 100 for row in fast] == pytest.approx([row.seconds for row in rows])
    # what a small share buys is the loss while traffic is taken away
    assert [row.lost_acting for row in rows] == pytest.approx([0.0675, 0.675, 3.375])


def test_a_tolerated_loss_is_never_found_and_is_shown_so() -> None:
    rows = detection_costs([0.2, 0.005], [0.1], 10.0, edge=0.99)
    assert math.isinf(rows[1].seconds)
    assert detection_table(rows).splitlines()[-1].split() == ["0.5%", "never"]


def test_a_margin_is_excluded_in_the_orders_of_the_design() -> None:
    rows = exclusion_costs([0.3, 0.03], [0.05, 0.5], 50.0)
    assert [round(row.canary_orders) for row in rows] == [81, 139, 10_076, 18_971]
    assert rows[0].seconds == pytest.approx(rows[0].canary_orders / 2.5)
    assert exclusion_table(rows).splitlines()[0].split() == ["loss", "5%", "50%"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: detection_costs([], [0.1], 1.0), "losses must lie"),
        (lambda: detection_costs([1.1], [0.1], 1.0), r"losses must lie in \(0, 1\]"),
        (lambda: detection_costs([math.nan], [0.1], 1.0), "losses must lie"),
        (lambda: detection_costs([0.1], [1.0], 1.0), r"shares must lie in \(0, 1\)"),
        (lambda: detection_costs([0.1], [0.1], 0.0), "rate must be"),
        (lambda: detection_costs([0.1], [0.1], 1.0, actuation_s=-1.0), "actuation_s must be"),
        (lambda: exclusion_costs([1.0], [0.1], 1.0), r"losses must lie in \(0, 1\)"),
        (lambda: exclusion_costs([0.1], [0.1], 1.0, beta=0.0), "beta must lie"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
