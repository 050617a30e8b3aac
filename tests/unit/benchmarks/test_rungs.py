"""Promotion at the margin: which looks the promise covers, and what is counted."""

import numpy as np
import pytest

from benchmarks import rungs
from benchmarks.rungs import RUNGS, Rung, promoted


def test_every_rung_of_both_metrics_is_asked_in_three_ways() -> None:
    assert len(RUNGS) == len({rung.name for rung in RUNGS}) == 30


@pytest.mark.parametrize(
    ("rung", "ratio", "onset_s"),
    [
        (Rung("orders", 0, "at the margin"), 0.7, 0.0),
        (Rung("orders", 4, "1.5 margins"), 0.955, 0.0),
        (Rung("errors", 1, "1.5 margins"), 1.75, 0.0),
        (Rung("errors", 2, "margin after a healthy hour"), 1.3, 3600.0),
    ],
)
def test_a_rung_has_the_harm_it_names(rung: Rung, ratio: float, onset_s: float) -> None:
    scenario = rung.scenario
    assert scenario.ratio == pytest.approx(ratio)
    assert scenario.onset_s == onset_s
    assert scenario.harmful_from_s == onset_s


def test_the_promise_begins_d_and_one_spacing_after_the_onset() -> None:
    d = np.array([300.0, 1500.0, 3100.0])
    assert rungs._covered(3600.0 + 360.0, 3600.0, d).tolist() == [True, False, False]
    # a long d has a coarser grid of starts: 31 of them cover it
    assert rungs._covered(3600.0 + 3190.0, 3600.0, d).tolist() == [True, True, False]
    assert rungs._covered(3600.0 + 3200.0, 3600.0, d).tolist() == [True, True, True]


def test_harm_at_the_margin_is_seldom_promoted_and_health_would_be() -> None:
    found = promoted(Rung("orders", 1, "at the margin"), 40, (1,))
    assert found["p_promote"] <= found["p_promote_alone"] <= 0.15
    assert found["p_rollback"] > 0.9


def test_a_release_held_past_the_onset_tells_old_harm_from_young(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rungs, "WATCHED_S", 1200.0)
    found = promoted(Rung("orders", 4, "margin after a healthy hour"), 20, (1,))
    assert found["d_s"] > rungs.RELEASED_AFTER_S
    assert found["p_promote"] == found["p_promote_alone"] == 0.0
    assert found["p_promote_young"] > 0.0
