"""Targets stand beside what was measured, and say whether they are met."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import targets
from benchmarks.detection import RULES, play
from benchmarks.report import table, target_table
from benchmarks.scenarios import ROWS
from benchmarks.target import Target

SHOWN = ("S2", "S10")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    by_name = {row.name: row for row in ROWS}
    outcomes = {
        name: {
            rule: one.summary()
            for rule, one in play(by_name[name].scenario, "all", 5, (1,)).items()
        }
        for name in SHOWN
    }
    return {"scenarios": outcomes, "bounds": {"S2": {"kl_s": 9.8, "same_null_s": 9.9}}}


@pytest.mark.parametrize(
    ("measured", "se", "met"),
    [(0.009, 0.0, "yes"), (0.01, None, "yes"), (0.014, 0.003, "within error"), (0.02, 0.003, "no")],
)
def test_a_target_is_met_within_two_standard_errors(
    measured: float, se: float | None, met: str
) -> None:
    assert Target(1, "x", measured, 0.01, se).met == met


def test_a_least_value_is_kept_from_above() -> None:
    assert Target(4, "x", 0.99, 0.985, 0.001, at_least=True).met == "yes"
    assert Target(4, "x", 0.98, 0.985, 0.001, at_least=True).met == "no"


def test_a_row_without_a_limit_is_only_shown() -> None:
    assert Target(7, "x", 1.0, None).met == "shown"
    assert Target(7, "x", 1.0, None).row()["sign"] is None


def test_the_tables_have_a_row_for_each_scenario_and_target(document: dict[str, Any]) -> None:
    made = targets.targets(document)
    shown = table(document, made)
    assert "| S2 | 300 |" in shown
    assert "| S10 |" in shown
    assert [one.point for one in made] == sorted(one.point for one in made)
    assert any(one.what == "S10: false rollback, 0 of 5" for one in made)
    assert all(one.what in shown for one in made)
    assert {"FT", "REC"} < set(RULES["all"])


def test_one_alarm_in_three_hundred_is_beyond_none_but_within_its_error() -> None:
    one = {"EXC p": 1 / 300, "EXC 1.1 p": 0.0, "runs": 300}
    first, tolerating = targets._latency({"A/A": one})
    assert first.what.endswith("false alarms, 1 of 300")
    assert (first.limit, first.met, tolerating.met) == (0.0, "within error", "yes")


def test_a_missed_target_is_marked_and_fails_the_command(
    document: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "detection.json"
    monkeypatch.setattr("sys.argv", ["targets", str(path)])
    path.write_text(json.dumps(document))
    assert targets.main() == 0
    document["costs"] = {
        "update of 20,000 comparisons, ms": 61.0,
        "update of one comparison, us": 100.0,
        "import of analysis, s": 0.1,
        "state of one comparison, bytes": 900,
        "its promotion rule, bytes": 900,
        "processor minutes of this benchmark": 20.0,
    }
    path.write_text(json.dumps(document))
    assert targets.main() == 1
    assert "| 61 |  |  | **no** |" in capsys.readouterr().out
    assert target_table(targets.targets(document)).endswith(", 1 missed")
