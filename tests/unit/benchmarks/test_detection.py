"""The detection benchmark plays every rule, joins its chunks and reads its own results."""

from typing import Any

import numpy as np
import pytest

from benchmarks.bounds import bound_s
from benchmarks.detection import RULES, joined, play
from benchmarks.ladder import climb
from benchmarks.latency import slower
from benchmarks.report import table
from benchmarks.scenarios import ROWS, S2_AT_1_S
from benchmarks.targets import Target
from benchmarks.violations import dispersion_before, violate

BY_NAME = {row.scenario.name: row.scenario for row in ROWS}


def test_an_outage_is_found_by_every_rule_and_soonest_by_the_one_that_knows() -> None:
    found = {name: one.summary() for name, one in play(BY_NAME["S2"], "all", 20, (1,)).items()}
    assert set(found) == set(RULES)
    assert {one["p_rollback"] for one in found.values()} == {1.0}
    assert min(found, key=lambda rule: found[rule]["mean_delay_s"]) == "SPRT"
    assert found["REC"]["mean_delay_s"] < found["NM"]["mean_delay_s"]


def test_chunks_join_in_order() -> None:
    parts = [play(S2_AT_1_S, "1 s", 5, (1, chunk))["REC"] for chunk in range(2)]
    whole = joined(parts)
    assert np.array_equal(whole.rolled_back_s[:5], parts[0].rolled_back_s)
    assert whole.summary()["runs"] == 10


@pytest.mark.parametrize(
    ("name", "kl_s", "same_null_s"),
    [
        ("S2", 9.8, 9.9),
        ("S3", 85, 87),
        ("S4", 806, 1796),
        ("S5", 925, 955),
        ("S7b", 402, 427),
        ("S8b", 19_636, 20_282),
        ("S13", 90, 99),
    ],
)
def test_the_bounds_are_those_of_the_design(name: str, kl_s: float, same_null_s: float) -> None:
    scenario = BY_NAME[name]
    assert bound_s(scenario, 1.0) == pytest.approx(kl_s, rel=0.01)
    assert bound_s(scenario, scenario.edge) == pytest.approx(same_null_s, rel=0.01)


def test_the_table_has_a_row_for_each_scenario() -> None:
    outcomes = {
        name: {rule: one.summary() for rule, one in play(BY_NAME[name], "all", 5, (1,)).items()}
        for name in ("S2", "S10")
    }
    bounds = {"S2": {"kl_s": 9.8, "same_null_s": 9.9}}
    shown = table({"scenarios": outcomes, "bounds": bounds})
    assert "| S2 |" in shown
    assert "| S10 |" in shown


def test_the_ladder_lets_a_good_release_through_and_stops_a_bad_one() -> None:
    assert climb(1.0, 0.99, 10, (1,))["p_full"] == 1.0
    assert climb(0.5, 0.99, 10, (1,))["p_rollback"] == 1.0


def test_retries_break_the_plain_rule_and_tempering_mends_it() -> None:
    found: dict[str, Any] = violate("3 retries that fail again with 0.8", 40, (1,))
    assert found["as events"] > 0.2
    assert found["tempered"] <= 0.05
    assert dispersion_before(BY_NAME["S1"]) == pytest.approx(1.0, abs=0.25)


def test_a_slower_canary_is_seen_sooner_in_exceedances_than_in_bands() -> None:
    found = slower("median +30%", 10, (1,))
    assert found["EXC mean_delay_s"] < found["BAND mean_delay_s"]


def test_a_target_is_reached_within_its_standard_errors() -> None:
    assert Target("x", 0.012, 0.01, slack=0.006).reached
    assert not Target("x", 0.03, 0.01, slack=0.006).reached
    assert Target("x", 0.98, 0.985, slack=0.01, at_least=True).reached
