"""The picture that the demo leaves behind: weight, lost orders and evidence over time.

The releases stand side by side on one axis of time, each a band in the colour of its outcome.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controller.core.phases import Outcome
from controller.core.reasons import Reason
from controller.local.demo.play import Ended, Record

GOOD, BAD, PLAIN, QUIET = "#1a7f4b", "#c0392b", "#1f5fa8", "#6b7280"
FLOOR_NATS = -2.0
"""Evidence against harm is of no interest below this."""


def draw(record: Record, path: Path) -> None:
    """Write the picture as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    style: dict[Any, Any] = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure, axes = plt.subplots(
            3, 1, figsize=(12, 8), sharex=True, constrained_layout=True,
            height_ratios=(1.15, 1, 1.15),
        )  # fmt: skip
        weight, orders, evidence = axes
        _weight(weight, record)
        _orders(orders, record)
        _evidence(evidence, record)
        for ended in record.ended:
            _band(axes, record, ended)
        _darkness(axes, record)
        evidence.set_xlabel("seconds since the start")
        weight.set_xlim(0, record.moments[-1].at - record.moments[0].at)
        figure.savefig(path, dpi=110)
        plt.close(figure)


def _times(record: Record) -> list[float]:
    start = record.moments[0].at
    return [m.at - start for m in record.moments]


def _weight(axis: Any, record: Record) -> None:
    weights = [m.weight for m in record.moments]
    axis.step(_times(record), weights, where="post", color=PLAIN, linewidth=2)
    axis.fill_between(_times(record), weights, step="post", color=PLAIN, alpha=0.15)
    axis.set_ylim(0, 132)
    axis.set_yticks((0, 25, 50, 75, 100))
    axis.set_ylabel("share of the canary, %")


def _orders(axis: Any, record: Record) -> None:
    """Tried orders as the background, the lost ones a second in front, on a scale of their own."""
    start = record.moments[0].at
    rows = [(at - start, s.tried, s.lost) for at, s in record.ledger.by_second().items()]
    rows = [row for row in rows if row[0] >= 0][:-1]
    times = [row[0] for row in rows]
    axis.plot(times, [row[1] for row in rows], color=QUIET, linewidth=1.2, label="orders tried")
    axis.set_ylim(0, 1.45 * max((row[1] for row in rows), default=1))
    axis.set_ylabel("orders tried a second")
    lost = axis.twinx()
    counts = [row[2] for row in rows]
    lost.bar(times, counts, width=0.9, align="edge", color=BAD, label="orders lost")
    lost.set_ylim(0, 3 * max([5, *counts]))
    lost.set_ylabel("orders lost a second", color=BAD)
    lost.tick_params(axis="y", colors=BAD)
    lost.spines["right"].set_visible(True)
    handles = [h for a in (axis, lost) for h in a.get_legend_handles_labels()[0]]
    axis.legend(handles=handles, loc="upper right", frameon=False, ncols=2)


def _evidence(axis: Any, record: Record) -> None:
    threshold = max((m.log_threshold for m in record.moments), default=0.0)
    top = 2 * max(threshold, 1.0)
    harm = [min(top, max(FLOOR_NATS, m.log_harm)) for m in record.moments]
    axis.plot(_times(record), harm, color=PLAIN, linewidth=2, label="evidence of harm")
    axis.axhline(
        threshold, color=BAD, linestyle="--", linewidth=1.2, label="here the release is taken back"
    )
    axis.set_ylim(FLOOR_NATS, 1.15 * top)
    axis.set_ylabel("ln of the e-value")
    axis.legend(loc="upper right", frameon=False, ncols=2)


def _darkness(axes: Any, record: Record) -> None:
    """Where the weight held because a metric gave no data."""
    dark = [
        at
        for at, m in zip(_times(record), record.moments, strict=True)
        if m.reason == Reason.NO_DATA
    ]
    if not dark:
        return
    for axis in axes:
        axis.axvspan(dark[0], dark[-1], facecolor="none", edgecolor=QUIET, hatch="///", alpha=0.45)
    axes[0].annotate(
        "no metrics:\nthe weight holds", (dark[-1], 45), (6, 0), textcoords="offset points",
        va="center", color=QUIET, fontsize=9,
    )  # fmt: skip


def _band(axes: Any, record: Record, ended: Ended) -> None:
    """One release over all three axes, named at the top of the first."""
    start = record.moments[0].at
    good = ended.outcome == Outcome.PROMOTED
    colour = GOOD if good else BAD
    for axis in axes:
        axis.axvspan(
            ended.began - start, ended.ended - start, color=colour, alpha=0.06, linewidth=0
        )
        axis.axvline(ended.began - start, color=colour, alpha=0.5, linewidth=0.8)
    # A release that is taken back takes seconds, so its name has little room beside the next.
    verb = " promoted" if good else "\ntaken\nback" if ended.outcome else " ?"
    axes[0].annotate(
        f"{ended.release.version}{verb}", (ended.began - start, 1.0), (3, -3),
        xycoords=("data", "axes fraction"), textcoords="offset points",
        va="top", color=colour, fontsize=9, fontweight="bold",
    )  # fmt: skip
