"""The rules beside the recommended one look when they should and keep the budget they claim."""

from typing import Any

import numpy as np
import pytest

from analysis.simulate import simulate
from analysis.spending import crossing_probability
from benchmarks.minute_rules import HourlyMannWhitney, MannWhitney
from benchmarks.rules import GroupSequential, boundaries
from benchmarks.scenarios import orders


def played(rule: Any, scenario: Any, runs: int = 40) -> Any:
    return simulate(scenario, {"it": rule}, runs, np.random.default_rng(3))["it"]


def test_group_sequential_boundaries_spend_the_budget_over_the_planned_looks() -> None:
    z = boundaries(24)
    assert z.size == 24
    assert (np.diff(z[np.isfinite(z)]) < 0.0).all()
    spent = crossing_probability(np.arange(1, 25) / 24, np.minimum(z, 9.0), two_sided=False)
    assert float(spent[-1]) == pytest.approx(0.01, abs=1e-6)


def test_group_sequential_looks_each_five_minutes_and_finds_an_outage_at_the_first() -> None:
    found = played(GroupSequential, orders("outage", 50, 0.05, 1, 0.9, ratio=0.01))
    assert set(found.rolled_back_s.tolist()) == {300.0}


def test_group_sequential_keeps_its_budget_and_promotes_what_it_has_not_stopped() -> None:
    found = played(GroupSequential, orders("calm", 50, 0.2, 2, 0.9), 300)
    assert found.summary()["p_rollback"] <= 0.01 + 2 * (0.01 * 0.99 / 300) ** 0.5
    assert found.summary()["p_promote_1h"] > 0.9


def test_the_hourly_judge_looks_once_an_hour_and_the_other_each_five_minutes() -> None:
    loss = orders("loss", 50, 0.2, 2, 0.9, ratio=0.5)
    assert set(played(HourlyMannWhitney, loss).rolled_back_s.tolist()) == {3600.0}
    assert set(played(MannWhitney, loss).rolled_back_s.tolist()) == {600.0}


def test_looks_alone_make_the_same_judge_alarm_more_often() -> None:
    thin = orders("thin", 1, 0.1, 6, 0.9)
    hourly, often = (played(rule, thin, 200) for rule in (HourlyMannWhitney, MannWhitney))
    assert often.summary()["p_rollback"] > hourly.summary()["p_rollback"]
