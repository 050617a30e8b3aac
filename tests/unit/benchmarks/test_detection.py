"""The detection benchmark plays every rule, joins its chunks and writes strict JSON."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import detection, record
from benchmarks.bounds import bound_s
from benchmarks.detection import BESIDE_RUNS, CHUNK, DESIGN, RULES, joined, plain, play
from benchmarks.parts import Parts, Played
from benchmarks.scenarios import BATCHED, LISTED, ROWS, S2_AT_1_S

BY_NAME = {row.name: row.scenario for row in ROWS}


def test_an_outage_is_found_by_every_rule_and_soonest_by_the_one_that_knows() -> None:
    found = {name: one.summary() for name, one in play(BY_NAME["S2"], "all", 20, (1,)).items()}
    assert set(found) == set(RULES["all"])
    assert {one["p_rollback"] for one in found.values()} == {1.0}
    assert min(found, key=lambda rule: found[rule]["mean_delay_s"]) == "SPRT"
    assert found["REC"]["mean_delay_s"] < found["NM"]["mean_delay_s"]


def test_chunks_join_in_order() -> None:
    parts = [play(S2_AT_1_S.scenario, "1 s", 5, (1, chunk))["REC"] for chunk in range(2)]
    whole = joined(parts)
    assert np.array_equal(whole.rolled_back_s[:5], parts[0].rolled_back_s)
    assert whole.summary()["runs"] == 10


class Written:
    """Stands for the pool: what would be played, not who plays it."""

    def __init__(self) -> None:
        self.played: list[tuple[str, str, int]] = []

    def submit(self, name: str, work: object, *given: object) -> object:
        _, played, size, _ = given
        self.played.append((name, str(played), int(str(size))))
        return object()


def test_a_row_of_many_runs_shows_its_first_thousand_to_all_rules() -> None:
    written = Written()
    many = [row for row in LISTED if row.name == "S4"]
    detection.begin(1, 1.0, written, many)  # type: ignore[arg-type]  # a pool of paper
    beside = sum(size for _, played, size in written.played if played == "all")
    assert beside == BESIDE_RUNS
    assert {played for _, played, _ in written.played} == {"all", "design"}
    assert sum(size for _, _, size in written.played) == many[0].runs
    assert set(DESIGN) < set(RULES["all"])
    assert BESIDE_RUNS % CHUNK == 0


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


def test_each_healthy_row_has_a_twin_with_batches() -> None:
    healthy = {row.name for row in LISTED if not row.harmful} - {"S7a", "S9"}
    assert {row.name for row in BATCHED} == {f"{name} with batches" for name in healthy}
    assert all(row.scenario.batch_mean == 4.0 and not row.harmful for row in BATCHED)


def test_what_is_not_a_number_is_null_in_the_file() -> None:
    found = plain({"a": math.nan, "b": [1.0, math.inf], "c": {"d": "nan", "e": 2}})
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "a": None,
        "b": [1.0, None],
        "c": {"d": "nan", "e": 2},
    }


def test_a_part_that_is_kept_is_not_played_again(tmp_path: Path) -> None:
    calls: list[int] = []

    class Here:
        def submit(self, work: object, *given: object) -> Played:
            assert callable(work)
            played: Played = work(*given)
            return played

    parts = Parts(Here(), tmp_path)  # type: ignore[arg-type]  # plays at once
    for _ in range(2):
        played = parts.submit("S1: 5%", lambda n: calls.append(n) or n + 1, 1)
        assert played.found == 2  # type: ignore[attr-defined]  # it is the result itself
    assert calls == [1]


def test_one_scenario_alone_prints_its_rows_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "write", lambda *_, **__: pytest.fail("a part is no result"))
    assert detection.main(["--quick", "--only", "S2"]) == 0
    shown = capsys.readouterr().out
    assert "| S2 |" in shown
    assert "0 missed" in shown
