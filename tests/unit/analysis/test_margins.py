import math

import numpy as np
import pytest

from analysis.margins import Alternatives, Margin, seconds_to_promote

# Expected canary events until E reaches 20 with r = 1, by margin and share (50 orders per second).
PLANNED = {(0.7, 0.05): 81, (0.9, 0.05): 861, (0.9, 0.25): 1076, (0.97, 0.5): 18_971}


@pytest.mark.parametrize(("margin", "share"), PLANNED)
def test_the_evidence_time_is_the_planned_one(margin: float, share: float) -> None:
    bets = Alternatives.of("Decrease", (Margin(margin),))
    pace = bets.nats_per_second(np.array(0), np.array(share), np.array(50.0), np.array(math.nan))
    events = float(seconds_to_promote(pace, 0.05)) * 50.0 * share
    assert events == pytest.approx(PLANNED[margin, share], rel=0.03)


def test_errors_that_never_happen_are_excluded_by_exposures() -> None:
    bets = Alternatives.of("Increase", (Margin(2.0, 0.01), None))
    unknown, silent = np.array(math.nan), np.array(0.0)
    args = np.array(0.05), silent, np.array(1000.0)
    assert bets.nats_per_second(np.array(0), *args) == pytest.approx(0.95 * 0.01 * 50.0)
    assert bets.nats_per_second(np.array(1), *args) == 0.0
    assert bets.nats_per_second(np.array(0), np.array(0.05), unknown, unknown) == 0.0


def test_a_ladder_without_margins_has_no_bet_that_counts() -> None:
    bets = Alternatives.of("Decrease", (None, None))
    assert np.isneginf(bets.log_weight).all()
    assert bets.count == 4
