"""The tables of the detection benchmark, from what detection.json holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.scenarios import ROWS
from benchmarks.target import Target

COLUMNS = ("FT", "MW60", "MW5", "ZP", "GST", "NM", "EP", "REC", "SPRT")
EXTRAS = ("promotion", "ladder", "silence", "violations", "latency")

Row = dict[str, dict[str, Any]]


def table(document: dict[str, Any], made: Sequence[Target]) -> str:
    """All tables, in Markdown; the targets last, as they are what a reader looks for."""
    found: dict[str, Row] = document["scenarios"]
    compared = [row for row in ROWS if row.name in found and row.played == "all"]
    good = [row.name for row in compared if not row.harmful]
    bad = [row.name for row in compared if row.harmful]
    batched = [row.name for row in ROWS if row.name in found and row.played == "recommended"]
    parts = [
        _one("A/A: probability of a false rollback (budget 0.010)", good, found, _rate, _up),
        _one("The same with batches of 4 and flash sales", batched, found, _rate, _counted),
        _one("Harmful: mean seconds from onset to rollback", bad, found, _delay, _bounds(document)),
        _one("Expected orders lost before rollback", bad, found, _lost, None),
        _one("Promoted at 1 h although harmful", bad, found, _promoted, None),
    ]
    if "S2 at 1 s" in found:
        shown = ", ".join(
            f"{rule} {one['mean_delay_s']:.1f} s" for rule, one in found["S2 at 1 s"].items()
        )
        parts.append(f"S2 at 1 s ticks: {shown}")
    parts.extend(_listed(name, document[name]) for name in EXTRAS if name in document)
    parts.append(target_table(made))
    return "\n\n".join(part for part in parts if part)


def target_table(made: Sequence[Target]) -> str:
    """Each target, its limit, what was measured with its standard error, and whether it is met."""
    lines = ["| | target | limit | measured | s.e. | runs | met |", "|---|---|---|---|---|---|---|"]
    for one in made:
        sign = ">=" if one.at_least else "<="
        limit = "" if one.limit is None else f"{sign} {one.limit:.4g}"
        se = "" if one.se is None else f"{one.se:.2g}"
        runs = "" if one.runs is None else str(one.runs)
        met = "**no**" if one.met == "no" else one.met
        cells = (str(one.point), one.what, limit, f"{one.measured:.4g}", se, runs, met)
        lines.append(f"| {' | '.join(cells)} |")
    how = Counter(one.met for one in made)
    met = f"{how['yes']} targets met, {how['within error']} within two standard errors"
    return "\n".join(lines) + f"\n\n{met}, {how['no']} missed"


def _one(
    title: str,
    names: list[str],
    found: dict[str, Row],
    cell: Callable[[dict[str, Any]], str],
    last: Callable[[str, Row], dict[str, str]] | None,
) -> str:
    if not names:
        return ""
    lines: list[str] = []
    for name in names:
        cells = {rule: cell(found[name][rule]) for rule in COLUMNS if rule in found[name]}
        cells |= last(name, found[name]) if last else {}
        if not lines:
            lines = ["| | " + " | ".join(cells) + " |", "|---" * (len(cells) + 1) + "|"]
        lines.append(f"| {name} | " + " | ".join(cells.values()) + " |")
    return f"{title}\n\n" + "\n".join(lines)


def _rate(one: dict[str, Any]) -> str:
    return f"{one['p_rollback']:.3f}"


def _counted(_: str, row: Row) -> dict[str, str]:
    rec = row["REC"]
    return {"rolled back": f"{round(rec['p_rollback'] * rec['runs'])} of {rec['runs']}"}


def _up(name: str, row: Row) -> dict[str, str]:
    return {
        "REC promotes by 1 h": f"{row['REC']['p_promote_1h']:.3f}",
        "REC rolled back": _counted(name, row)["rolled back"],
    }


def _delay(one: dict[str, Any]) -> str:
    found = "" if one["p_rollback"] > 0.995 else f" ({one['p_rollback']:.0%})"
    return f"{one['mean_delay_s']:.0f}{found}"


def _bounds(document: dict[str, Any]) -> Callable[[str, Row], dict[str, str]]:
    def cells(name: str, row: Row) -> dict[str, str]:
        bound = document["bounds"][name]
        oracle = row["SPRT"]["mean_delay_s"]
        return {
            "KL bound": f"{bound['kl_s']:.1f}",
            "same null": f"{bound['same_null_s']:.1f}",
            "REC/same null": f"{row['REC']['mean_delay_s'] / bound['same_null_s']:.2f}",
            "EP/SPRT": f"{row['EP']['mean_delay_s'] / oracle:.2f}",
            "REC with r0=1/SPRT": f"{row['REC0']['mean_delay_s'] / oracle:.2f}",
            "runs": str(row["REC"]["runs"]),
        }

    return cells


def _lost(one: dict[str, Any]) -> str:
    return f"{one['orders_lost']:.3g}"


def _promoted(one: dict[str, Any]) -> str:
    return f"{one['p_promote_1h']:.3f}"


def _listed(name: str, entries: dict[str, Any]) -> str:
    lines = [f"| {name} | | ", "|---|---|"]
    for key, one in entries.items():
        shown = ", ".join(
            f"{what} {value:.4g}" if isinstance(value, float) else f"{what} {value}"
            for what, value in one.items()
            if value is not None and not what.endswith("_se")
        )
        lines.append(f"| {key} | {shown} |")
    return "\n".join(lines)
