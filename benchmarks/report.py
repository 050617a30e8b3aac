"""The tables of the detection benchmark, from what detection.json holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.scenarios import ROWS

COLUMNS = ("FT", "MW5", "ZP", "NM", "EP", "REC", "SPRT")


def table(document: dict[str, Any]) -> str:
    """All tables, in Markdown."""
    found = document["scenarios"]
    rows = {row.scenario.name: row for row in ROWS}
    good = [name for name in found if name in rows and not rows[name].harmful]
    bad = [name for name in found if name in rows and rows[name].harmful]
    parts = [
        _one("A/A: probability of a false rollback (budget 0.010)", good, found, _rate, _up),
        _one("Harmful: mean seconds from onset to rollback", bad, found, _delay, _bounds(document)),
        _one("Expected orders lost before rollback", bad, found, _lost, None),
        _one("Promoted at 1 h although harmful", bad, found, _promoted, None),
    ]
    if "S2 at 1 s" in found:
        shown = ", ".join(
            f"{rule} {one['mean_delay_s']:.1f} s" for rule, one in found["S2 at 1 s"].items()
        )
        parts.append(f"S2 at 1 s ticks: {shown}")
    extra = [name for name in ("promotion", "ladder", "violations", "latency") if name in document]
    parts.extend(_listed(name, document[name]) for name in extra)
    return "\n\n".join(parts)


def _one(
    title: str,
    names: list[str],
    found: dict[str, Any],
    cell: Callable[[dict[str, Any]], str],
    last: Callable[[str, dict[str, Any]], dict[str, str]] | None,
) -> str:
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


def _up(_: str, row: dict[str, Any]) -> dict[str, str]:
    return {
        "REC promotes by 1 h": f"{row['REC']['p_promote_1h']:.3f}",
        "runs": str(row["REC"]["runs"]),
    }


def _delay(one: dict[str, Any]) -> str:
    found = "" if one["p_rollback"] > 0.995 else f" ({one['p_rollback']:.0%})"
    return f"{one['mean_delay_s']:.0f}{found}"


def _bounds(document: dict[str, Any]) -> Callable[[str, dict[str, Any]], dict[str, str]]:
    def cells(name: str, row: dict[str, Any]) -> dict[str, str]:
        bound = document["bounds"][name]
        rec, alone = row["REC"]["mean_delay_s"], row["REC0"]["mean_delay_s"]
        return {
            "KL bound": f"{bound['kl_s']:.1f}",
            "same null": f"{bound['same_null_s']:.1f}",
            "REC/same null": f"{rec / bound['same_null_s']:.2f}",
            "REC with r0=1/SPRT": f"{alone / row['SPRT']['mean_delay_s']:.2f}",
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
        )
        lines.append(f"| {key} | {shown} |")
    return "\n".join(lines)
