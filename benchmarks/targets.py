"""Does a detection result reach what was promised? Each target beside its measured value.

`python -m benchmarks.targets [FILE]`; exit code 1 if one is missed.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.costs import OF_THIS
from benchmarks.latency import MANY_AA
from benchmarks.report import target_table
from benchmarks.scenarios import ROWS
from benchmarks.target import Target

RESULTS = Path(__file__).parent / "results" / "detection.json"
PROMOTED = ("S1", "S6", "S10", "S11", "S12")
FROM_THE_START = ("S3", "S4", "S13", "K1", "K2", "K3")
SOON = "found by 700 s into the 50% step"


def targets(found: dict[str, Any]) -> list[Target]:
    """All that the document can answer, point by point."""
    rows = found["scenarios"]
    made = [*_false_rollback(rows), *_delays(rows, found["bounds"]), *_lost(rows), *_promoted(rows)]
    for title, read in (
        ("ladder", _ladder),
        ("promotion", _rungs),
        ("silence", _silence),
        ("latency", _latency),
        ("violations", _violations),
        ("costs", _costs),
    ):
        if title in found:
            made.extend(read(found[title]))
    return sorted(made, key=lambda one: one.point)


def _at(p: float, runs: int) -> float:
    """The standard error at the limit itself: that of a lucky zero would be zero."""
    return math.sqrt(p * (1.0 - p) / runs)


def _false_rollback(rows: dict[str, Any]) -> Iterator[Target]:
    for row in ROWS:
        if row.name in rows and not row.harmful:
            name, one = row.name, rows[row.name]["REC"]
            runs = one["runs"]
            what = f"{name}: false rollback, {round(one['p_rollback'] * runs)} of {runs}"
            yield Target(1, what, one["p_rollback"], 0.01, _at(0.01, runs), runs)


def _promoted(rows: dict[str, Any]) -> Iterator[Target]:
    for name in PROMOTED:
        if name in rows:
            one = rows[name]["REC"]
            p, se = one["p_promote_1h"], one["p_promote_1h_se"]
            yield Target(4, f"{name}: promoted by 1 h", p, 0.985, se, one["runs"], at_least=True)


def _delays(rows: dict[str, Any], bounds: dict[str, Any]) -> Iterator[Target]:
    for name in FROM_THE_START:
        if name in rows:
            for rule, what, limit in (
                ("EP", "e-process with r0 = 1", 1.35),
                ("REC0", "the same with late starts", None),
            ):
                yield _ratio(f"{name}: {what}, delay over SPRT", rows[name], rule, limit)
    for name, most in (("S3", 1.75), ("S4", 1.75), ("S5", 1.75), ("S8b", 1.75), ("S7b", 2.3)):
        if name in rows:
            one, bound = rows[name]["REC"], bounds[name]["same_null_s"]
            se = one["mean_delay_se"] / bound
            what = f"{name}: delay over the bound for the same null"
            yield Target(2, what, one["mean_delay_s"] / bound, most, se, one["runs"])
    for name, rule, what, most in (
        ("S2", "REC", "delay at ticks of 10 s", 21.5),
        ("S2 at 1 s", "REC", "delay", 15.0),
        ("S2 at 1 s", "REC w=0.4", "delay at weight 0.4", 17.0),
        ("S14", "REC", "delay from the onset", 350.0),
    ):
        if name in rows:
            one = rows[name][rule]
            delay, se = one["mean_delay_s"], one["mean_delay_se"]
            yield Target(2, f"{name}: {what}, s", delay, most, se, one["runs"])


def _ratio(what: str, row: dict[str, Any], rule: str, limit: float | None) -> Target:
    """Delay of ``rule`` over the oracle's; its error as if the two were independent, which they
    are not: both see the same ticks, so it is rather smaller.
    """
    ours, oracle = row[rule], row["SPRT"]
    ratio = ours["mean_delay_s"] / oracle["mean_delay_s"]
    parts = [one["mean_delay_se"] / one["mean_delay_s"] for one in (ours, oracle)]
    return Target(2, what, ratio, limit, ratio * math.hypot(*parts), ours["runs"])


def _lost(rows: dict[str, Any]) -> Iterator[Target]:
    for name, most in (("S2", 11.0), ("S13", 90.0), ("S5", 7.0)):
        if name in rows:
            one = rows[name]["REC"]
            lost, se = one["orders_lost"], one["orders_lost_se"]
            yield Target(3, f"{name}: orders lost", lost, most, se, one["runs"])


def _ladder(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        if not name.startswith("loss 3%"):
            continue
        # with 1% tolerated the clock leaves too little time: shown, see docs/decisions/0010
        asked = name != "loss 3%, 1% tolerated, steps by the clock"
        p, se, runs = one["p_rollback"], one["p_rollback_se"], one["runs"]
        yield Target(2, f"{name}: found", p, 0.99, se, runs, at_least=True)
        p, se = one["found_soon"], one["found_soon_se"]
        yield Target(2, f"{name}: {SOON}", p, 0.5 if asked else None, se, runs, at_least=True)
        for what, key, limit in (
            ("median s into the 50% step", "found_into_last_step_s", 700.0 if asked else None),
            ("median s of those that reach it", "survivors_into_last_step_s", None),
            ("median s of a test that knows the truth", "oracle_into_last_step_s", None),
        ):
            if one.get(key) is not None:
                yield Target(2, f"{name}: {what}", one[key], limit, one[f"{key}_se"], runs)
    good = rows["A/A, 1% tolerated, steps by evidence"]
    full, se = good["seconds_to_full"], good["seconds_to_full_se"]
    yield Target(4, "median minutes to 100%", full / 60.0, 36.0, se / 60.0, good["runs"])
    for name, one in rows.items():
        if name.startswith("A/A"):
            runs = one["runs"]
            what = f"ladder, {name}: false rollback, {round(one['p_rollback'] * runs)} of {runs}"
            yield Target(1, what, one["p_rollback"], 0.01, _at(0.01, runs), runs)


def _rungs(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        runs, most = one["runs"], 0.01 if "1.5 margins" in name else 0.05
        age = ", harm older than d + 60 s" if "healthy hour" in name else ""
        p = one["p_promote"]
        yield Target(4, f"promoted, {name}{age}", p, most, _at(most, runs), runs)
        if "1.5 margins" not in name:
            p = one["p_promote_alone"]
            what = f"promoted, {name}{age}, without rollback beside"
            yield Target(4, what, p, 0.05, _at(0.05, runs), runs)
        if age:
            what = f"promoted, {name}, younger harm (not covered; d = {one['d_s']:.0f} s)"
            p, se = one["p_promote_young"], one["p_promote_young_se"]
            yield Target(4, what, p, None, se, runs)


def _silence(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        for side in ("harm", "promote"):
            what = f"{name}: largest |E - 1| of {side} in a day"
            yield Target(5, what, one[side], 0.0, None, one["looks"])


def _latency(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        runs = one["runs"]
        if name.startswith("A/A"):
            # no alarm in the listed runs; of many more, as many as the budget allows
            most = 0.01 if name == MANY_AA else 0.0
            for rule, what in (("EXC", ""), ("EXC 1.1", ", x1.1 tolerated")):
                p = one[f"{rule} p"]
                told = f"latency, {name}{what}: false alarms, {round(p * runs)} of {runs}"
                yield Target(6, told, p, most, _at(p, runs), runs)
        else:
            what = f"latency, {name}: s, limit is that of the bands"
            ours, se = one["EXC mean_delay_s"], one["EXC mean_delay_se"]
            yield Target(6, what, ours, one["BAND mean_delay_s"], se, runs)
            ours, se = one["EXC 1.1 mean_delay_s"], one["EXC 1.1 mean_delay_se"]
            yield Target(6, f"latency, {name}: s, x1.1 tolerated", ours, None, se, runs)


def _violations(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        for rule, p in one.items():
            if rule != "runs" and not rule.endswith("_se"):
                se = math.sqrt(p * (1.0 - p) / one["runs"])
                yield Target(7, f"A/A, {name}; {rule}: rolled back", p, None, se, one["runs"])


def _costs(found: dict[str, Any]) -> Iterator[Target]:
    """The last: 25 minutes on two cores."""
    for what, most in (
        ("update of 20,000 comparisons, ms", 60.0),
        ("update of one comparison, us", 200.0),
        ("import of analysis, s", 0.25),
        ("state of one comparison, bytes", 1024.0),
        ("its promotion rule, bytes", 2048.0),
        (OF_THIS, 50.0),
    ):
        yield Target(8, what, found[what], most)


def main() -> int:
    """Read, print; 1 if a target is missed."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    made = targets(json.loads(path.read_text()))
    print(target_table(made))
    return int(any(one.met == "no" for one in made))


if __name__ == "__main__":
    sys.exit(main())
