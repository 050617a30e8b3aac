"""What was stored is the state of a release, or is refused with the metric and the field."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.snapshots import Snapshots
from analysis.stored import check_together, fitting
from tests.unit.analysis.releases import ORDERS, folded, spec, ticks

ARRAY, WHOLE, NONE = np.zeros(3), np.zeros(3, dtype=np.int64), None
STARTS = Snapshots.none((), 4)


@pytest.mark.parametrize(
    ("field", "fresh", "came", "words"),
    [
        ("events", ARRAY, np.zeros(2), r"events must have the shape \(3,\); came \(2,\)"),
        ("events", ARRAY, 0.0, "came float"),
        ("events", ARRAY, np.array([0.0, np.nan, 0.0]), "must lie in 0..1e.30; came nan"),
        ("events", ARRAY, np.array([0.0, -1.0, 0.0]), "came -1"),
        ("events", ARRAY, np.array([0.0, np.inf, 0.0]), "came inf"),
        ("step", WHOLE, np.array([0.0, 0.5, 0.0]), "must be whole"),
        ("log_wealth_difference", NONE, ARRAY, "must be absent"),
        ("bucket", 0, 1.5, "must be a whole number; came 1.5"),
        ("bucket", 0, True, "must be a whole number; came True"),
        ("window_end_s", 0.0, "soon", "must be a number; came 'soon'"),
        ("window_end_s", 0.0, 1e300, "window_end_s must lie in"),
        ("snapshots", STARTS, ARRAY, "must be snapshots; came ndarray"),
        ("snapshots", STARTS, Snapshots(ARRAY, ()), "must have the shape"),
        ("snapshots", STARTS, Snapshots(STARTS.old, ((1.0, ARRAY),)), "must have the shape"),
    ],
)
def test_what_no_tick_could_have_left_is_refused(
    field: str, fresh: Any, came: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        fitting("orders", field, fresh, came)


def test_no_bet_yet_and_no_start_yet_are_minus_infinity() -> None:
    assert fitting("orders", "window_end_s", 0.0, -np.inf) == -np.inf
    never = np.full(3, -np.inf)
    assert fitting("orders", "log_wealth", ARRAY, never).tolist() == never.tolist()


def test_a_metric_that_contradicts_its_release_is_refused() -> None:
    of = spec(ORDERS)
    kept = folded(of, ticks(1, seconds=30)).metrics["orders"]
    check_together("orders", kept, 0, 30.0, 6.0)
    harm, promotion = kept.harm[0], kept.promotion[0]
    for odd, words in (
        (replace(kept, harm=(replace(harm, window_end_s=31.0),)), "later than the release"),
        (replace(kept, promotion=(replace(promotion, last_start_s=np.array(31.0)),)), "later"),
        (replace(kept, gaps=replace(kept.gaps, bucket=6)), "gaps are later than 30"),
        (replace(kept, promotion=(replace(promotion, step=np.array(1)),)), "is of step 1, not of"),
        (replace(kept, harm=(replace(harm, sigma=np.array(np.inf)),)), "has no grid"),
        (replace(kept, harm=(replace(harm, sigma=harm.finest_sigma / 2),)), "has no grid"),
    ):
        with pytest.raises(ValueError, match=words):
            check_together("orders", odd, 0, 30.0, 6.0)
    with pytest.raises(ValueError, match="later than the release, which ends at None"):
        check_together("orders", kept, 0, None, 6.0)
