"""`blastdoor simulate`: a made-up release, many times: how often and how soon is it taken back?"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from controller.cli.exits import CommandError, Exit

HELP: Final = "play a scenario many times: false rollback, delay, orders lost, promotion"
EXAMPLES: Final = (
    "blastdoor simulate outage.yaml",
    "blastdoor simulate leak.yaml --runs 500 --seed 7 --plot leak.png -o json",
)
BAR: Final = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The scenario's keys are those of analysis.scenario.Scenario."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.yaml", help="traffic and truth")
    parser.add_argument("--runs", type=int, default=200, help="releases to play (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same answer")
    parser.add_argument("--plot", type=Path, help="picture of when runs are taken back or go up")
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="form of the answer"
    )


def run(options: argparse.Namespace) -> int:
    """Play, then print the table or JSON."""
    import numpy as np

    from analysis.scenario import Scenario
    from analysis.simulate import Recommended, simulate

    if options.runs < 1:
        raise CommandError(f"--runs must be >= 1; came {options.runs}", Exit.USAGE)
    try:
        scenario = Scenario.parse(_document(options.scenario))
    except ValueError as error:
        raise CommandError(f"{options.scenario}: {error}", Exit.NO) from error
    outcome = simulate(
        scenario,
        {"recommended": Recommended},
        options.runs,
        np.random.default_rng(options.seed),
        _progress(),
    )["recommended"]
    summary = {"scenario": scenario.name, "seed": options.seed, **outcome.summary()}
    if options.output == "json":
        times = {
            "rolled_back_s": _finite(outcome.rolled_back_s),
            "promoted_s": _finite(outcome.promoted_s),
        }
        print(json.dumps({**summary, **times}, indent=1))
    else:
        print(_table(summary))
    if options.plot:
        _plot(options.plot, scenario.name, scenario.horizon_s, outcome)
    return Exit.OK


def _document(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CommandError(f"{path}: no such file", Exit.NOT_FOUND)
    try:
        document = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise CommandError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{path}: must be a mapping of scenario keys; came {document!r}")
    return document


def _progress() -> Callable[[float], None] | None:
    """A bar on the terminal; nothing where nobody looks."""
    if not sys.stderr.isatty():
        return None

    def show(part: float) -> None:
        done = round(BAR * part)
        end = "\n" if part >= 1.0 else ""
        bar = f"\r[{'#' * done}{'.' * (BAR - done)}] {part:4.0%}"
        print(bar, end=end, file=sys.stderr, flush=True)

    return show


def _table(summary: dict[str, Any]) -> str:
    def with_error(name: str, form: str) -> str:
        error = summary[f"{name}_se" if name != "mean_delay_s" else "mean_delay_se"]
        return f"{summary[name]:{form}} (s.e. {error:{form}})"

    return "\n".join(
        (
            f"{summary['scenario']}: {summary['runs']} runs, seed {summary['seed']}",
            f"  taken back               {with_error('p_rollback', '.3f')}",
            f"  mean delay from onset, s {with_error('mean_delay_s', '.1f')}",
            f"  orders lost              {with_error('orders_lost', '.1f')}",
            f"  promoted by 1 h          {with_error('p_promote_1h', '.3f')}",
        )
    )


def _finite(times: Any) -> list[float | None]:
    return [float(time_s) if math.isfinite(time_s) else None for time_s in times]


def _plot(path: Path, name: str, horizon_s: float, outcome: Any) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CommandError("--plot needs matplotlib: pip install 'blastdoor[local]'") from error
    import numpy as np

    figure = Figure(figsize=(8, 4))
    axes = figure.subplots()
    for label, times in (
        ("taken back", outcome.rolled_back_s),
        ("promoted first", outcome.promoted_s),
    ):
        ends = np.sort(times[np.isfinite(times)])
        part = np.arange(1, ends.size + 1) / times.size
        at = np.concatenate([[0.0], ends, [horizon_s]])
        axes.step(at, np.concatenate([[0.0], part, part[-1:] if part.size else [0.0]]),
                  where="post", label=label)  # fmt: skip
    axes.set(xlabel="seconds", ylabel="part of the runs", title=name, ylim=(0.0, 1.02))
    axes.legend()
    figure.savefig(path, dpi=150, bbox_inches="tight")
