"""A result says when, where and with what it was made; percentiles are those of the definition."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks import record


def test_a_result_holds_its_numbers_and_how_they_were_made(tmp_path: Path) -> None:
    begun = record.begin()
    path = record.write("one", {"runs": 3}, begun, seed=7, folder=tmp_path)
    written = json.loads(path.read_text())
    assert path == tmp_path / "one.json"
    assert written["runs"] == 3
    made = written["made"]
    assert made["seed"] == 7
    assert made["cores"] >= 1
    assert made["memory_gib"] >= 1
    assert len(made["load_average"]) == 2
    assert "blastdoor" in made["packages"]
    assert "kube-apiserver" in made["programs"]
    assert datetime.fromisoformat(made["date"]) <= datetime.fromisoformat(made["finished"])


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [(1, 0.5, 1), (2, 0.5, 1), (5, 0.5, 3), (50, 0.5, 25), (50, 0.99, 50), (100, 0.99, 99)],
)
def test_the_percentile_is_the_nearest_rank(count: int, share: float, rank: int) -> None:
    values = [float(value) for value in range(count, 0, -1)]
    assert record.percentile(values, share) == rank


def test_a_table_has_its_values_below_each_other() -> None:
    assert record.table({"a": 1, "long": 2}) == "a     1\nlong  2"


def test_what_is_over_its_limit_is_said_and_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    begun = record.begin()
    assert record.conclude("one", {"s": 2.0}, begun, ["s is 2 s"], seed=7) == 1
    assert capsys.readouterr().err == "one: s is 2 s\n"
    assert record.conclude("one", {"s": 1.0}, begun, [], seed=7) == 0
    assert json.loads((tmp_path / "one.json").read_text())["s"] == 1.0
