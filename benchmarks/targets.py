"""Does a detection result reach what the design promises? Each target beside its measured value.

`python -m benchmarks.targets [FILE]`; exit code 1 if one is missed by over two standard errors.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results" / "detection.json"
GOOD = ("S1", "S6", "S7a", "S8a", "S9", "S10", "S11", "S12")
PROMOTED = ("S1", "S6", "S10", "S11", "S12")


class Target(NamedTuple):
    """A measured value, the limit it must keep, and two standard errors of what was measured."""

    what: str
    value: float
    limit: float
    slack: float = 0.0
    at_least: bool = False

    @property
    def reached(self) -> bool:
        if self.at_least:
            return self.value >= self.limit - self.slack
        return self.value <= self.limit + self.slack


def targets(found: dict[str, Any]) -> Iterator[Target]:
    """The acceptance targets that the document can answer."""
    yield from _rollback(found["scenarios"])
    yield from _delays(found["scenarios"], found["bounds"])
    if "promotion" in found:
        yield from _promotion(found["promotion"])
        yield from _ladder(found["ladder"])
        yield from _latency(found["latency"])


def _rollback(rows: dict[str, Any]) -> Iterator[Target]:
    for name in GOOD:
        one = rows[name]["REC"]
        # the standard error at the budget itself: that of a lucky zero would be zero
        slack = 2.0 * (0.01 * 0.99 / one["runs"]) ** 0.5
        yield Target(f"{name} false rollback", one["p_rollback"], 0.01, slack)
    for name in PROMOTED:
        one = rows[name]["REC"]
        slack = 2.0 * one["p_promote_1h_se"]
        yield Target(f"{name} promoted by 1 h", one["p_promote_1h"], 0.985, slack, at_least=True)


def _delays(rows: dict[str, Any], bounds: dict[str, Any]) -> Iterator[Target]:
    for name in ("S3", "S4", "S13"):
        alone, oracle = rows[name]["REC0"], rows[name]["SPRT"]
        ratio = alone["mean_delay_s"] / oracle["mean_delay_s"]
        slack = 2.0 * alone["mean_delay_se"] / oracle["mean_delay_s"]
        yield Target(f"{name} delay with r0 = 1 over SPRT", ratio, 1.35, slack)
    for name, most in (("S3", 1.75), ("S4", 1.75), ("S5", 1.75), ("S8b", 1.75), ("S7b", 2.3)):
        one, bound = rows[name]["REC"], bounds[name]["same_null_s"]
        slack = 2.0 * one["mean_delay_se"] / bound
        yield Target(f"{name} delay over the bound", one["mean_delay_s"] / bound, most, slack)
    at_1_s = rows["S2 at 1 s"]
    for what, one, most in (
        ("S2 delay", rows["S2"]["REC"], 21.5),
        ("S2 delay at 1 s ticks", at_1_s["REC"], 15.0),
        ("S2 delay at 1 s ticks, weight 0.4", at_1_s["REC w=0.4"], 17.0),
        ("S14 delay from onset", rows["S14"]["REC"], 350.0),
    ):
        yield Target(what, one["mean_delay_s"], most, 2.0 * one["mean_delay_se"])
    for name, most in (("S2", 11.0), ("S13", 90.0), ("S5", 7.0)):
        one = rows[name]["REC"]
        slack = 2.0 * one["orders_lost_se"]
        yield Target(f"{name} orders lost", one["orders_lost"], most, slack)


def _promotion(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        most = 0.01 if "1.5 margins" in name else 0.05
        slack = 2.0 * (most * (1.0 - most) / one["runs"]) ** 0.5
        yield Target(f"promoted at {name}", one["p_promote"], most, slack)


def _ladder(rows: dict[str, Any]) -> Iterator[Target]:
    loss, good = rows["loss 3%, nothing tolerated"], rows["A/A, 1% tolerated"]
    slack = 2.0 * loss["p_rollback_se"]
    yield Target("3% loss found on the ladder", loss["p_rollback"], 0.99, slack, at_least=True)
    # the target can be read both ways, so both are shown
    yield Target("3% loss, s into the 50% step, all", loss["found_into_last_step_s"], 700.0)
    late = loss["survivors_into_last_step_s"]
    yield Target("3% loss, s into the 50% step, of those that reach it", late, 700.0)
    yield Target("minutes to 100%, median", good["seconds_to_full"] / 60.0, 36.0)


def _latency(rows: dict[str, Any]) -> Iterator[Target]:
    for name, one in rows.items():
        if name == "A/A":
            yield Target("latency, false alarms", one["EXC p"], 0.0)
        else:
            most = one["BAND mean_delay_s"]
            yield Target(f"latency, {name}: s against the bands", one["EXC mean_delay_s"], most)


def shown(found: dict[str, Any]) -> str:
    """One line each, misses marked."""
    lines = []
    for one in targets(found):
        sign = ">=" if one.at_least else "<="
        limit = f"{one.limit:.4g}" + (f" (+- {one.slack:.2g})" if one.slack else "")
        mark = "  " if one.reached else "! "
        lines.append(f"{mark}{one.what}: {one.value:.4g}, must be {sign} {limit}")
    return "\n".join(lines)


def main() -> int:
    """Read, print; 1 if a target is missed."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    found = json.loads(path.read_text())
    print(shown(found))
    return 0 if all(one.reached for one in targets(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
