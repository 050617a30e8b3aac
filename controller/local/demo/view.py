"""What a person sees while it plays: a live panel in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from controller.local.demo.outcome import Result
from controller.local.demo.play import Moment, Record

WINDOW_S = 2.0
"""Order rates are shown over this window."""
PLAIN_WIDTH = 120
"""Columns of the summary where there is no terminal to ask."""


class View:
    """Shows a Record; use as a context manager."""

    def __init__(self) -> None:
        live = sys.stdout.isatty()
        self.console = Console(width=None if live else PLAIN_WIDTH)
        self._live = Live(console=self.console, refresh_per_second=4) if live else None
        self._last: tuple[str, ...] = ()

    def __enter__(self) -> Callable[[Record], None]:
        context: AbstractContextManager[object] = self._live or nullcontext()
        context.__enter__()
        return self._panel if self._live else self._line

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def _panel(self, record: Record) -> None:
        if self._live is None or not record.moments:
            return
        m = record.moments[-1]
        facts = Table.grid(padding=(0, 2))
        facts.add_row("release", f"[bold]{m.version}[/]   {m.phase}   step {m.step or '-'}")
        facts.add_row("canary weight", _bar(m.weight, 100, f"{m.weight:g}%"))
        harm = max(0.0, m.log_harm)
        label = f"{m.log_harm:.1f} of {m.log_threshold:.1f} nats of harm"
        facts.add_row("evidence", _bar(harm, max(m.log_threshold, 1e-9), label))
        facts.add_row("orders a second", _rates(record, m))
        why = Text(f"{m.reason}: {m.message}", overflow="fold")
        done = Text("   ".join(f"{e.release.version} {e.outcome}" for e in record.ended), "dim")
        self._live.update(Panel(Group(facts, why, done), title="Blastdoor demo"))

    def _line(self, record: Record) -> None:
        if not record.moments:
            return
        m = record.moments[-1]
        key = (m.version, m.phase, m.step, m.reason, f"{m.weight:g}")
        if key == self._last:
            return
        self._last = key
        start = record.moments[0].at
        sys.stdout.write(
            f"{m.at - start:6.1f}s  {m.version:3} {m.phase:12} {m.step:4} weight {m.weight:>5g}%"
            f"  {_rates(record, m):42}  {m.reason}: {m.message[:110]}\n"
        )
        sys.stdout.flush()


def _bar(value: float, total: float, label: str) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(ProgressBar(total=total, completed=min(value, total), width=30), label)
    return row


def _rates(record: Record, m: Moment) -> str:
    """Placed orders a second of all, and placed per tried of the canary and of the others."""
    window = (m.at - WINDOW_S - 0.5, m.at - 0.5)
    split = record.ledger.by_version(window)
    own = split.get(m.version)
    rest = [s for version, s in split.items() if version != m.version]
    tried, placed = sum(s.tried for s in rest), sum(s.placed for s in rest)
    total = (placed + (own.placed if own else 0)) / WINDOW_S
    parts = [f"{total:.0f}/s placed"]
    if own and own.tried:
        parts.append(f"{m.version} {own.placed}/{own.tried}")
    if tried:
        parts.append(f"beside it {placed}/{tried}")
    return ", ".join(parts)


def summary(results: list[Result], console: Console) -> None:
    """The table at the end."""
    table = Table(title="What became of each release")
    for name in ("release", "origin", "outcome", "reason"):
        table.add_column(name)
    for name in ("peak weight", "bad order to 0", "orders lost", "of offered", "all at once"):
        table.add_column(name, justify="right")
    for r in results:
        seconds = "-" if r.seconds_to_zero is None else f"{r.seconds_to_zero:.1f} s"
        mark = "" if r.as_expected else "  (not as expected)"
        table.add_row(
            r.name, r.origin, r.outcome + mark, r.reason, f"{r.peak_weight:g}%", seconds,
            str(r.orders_lost), str(r.orders_offered),
            "-" if r.seconds_to_zero is None else str(r.all_at_once),
        )  # fmt: skip
    console.print(table)
