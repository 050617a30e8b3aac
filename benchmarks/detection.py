"""How often does each rule roll back a good release, and how soon a bad one? One run, one table.

`python -m benchmarks.detection [--quick]`; writes benchmarks/results/detection.json. The rules of
the table are those of benchmarks.rules beside the recommended one (REC), on the same ticks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from analysis.scenario import Scenario
from analysis.simulate import Outcome, Recommended, simulate
from benchmarks import extras
from benchmarks.bounds import bound_s
from benchmarks.report import table
from benchmarks.rules import (
    FixedThreshold,
    KnowsTheTruth,
    MannWhitney,
    NormalMixture,
    PeekedExact,
    PlainE,
)
from benchmarks.scenarios import ROWS, S2_AT_1_S

RESULTS = Path(__file__).parent / "results" / "detection.json"
CHUNK = 500
RULES: dict[str, Callable[[Scenario, int], Any]] = {
    "FT": FixedThreshold,
    "MW5": MannWhitney,
    "ZP": PeekedExact,
    "NM": NormalMixture,
    "EP": PlainE,
    "REC": Recommended,
    "REC0": partial(Recommended, edge=1.0, promotes=False),
    "SPRT": KnowsTheTruth,
}
AT_1_S: dict[str, Callable[[Scenario, int], Any]] = {
    "REC": Recommended,
    "REC w=0.4": partial(Recommended, weight=0.4),
    "SPRT": KnowsTheTruth,
}


def play(scenario: Scenario, rules: str, runs: int, seed: tuple[int, ...]) -> dict[str, Outcome]:
    """One chunk of runs; a process of the pool."""
    chosen = AT_1_S if rules == "1 s" else RULES
    return simulate(scenario, chosen, runs, np.random.default_rng(seed))


def joined(parts: list[Outcome]) -> Outcome:
    """The outcome of all chunks."""
    return Outcome(
        parts[0].scenario,
        np.concatenate([part.rolled_back_s for part in parts]),
        np.concatenate([part.promoted_s for part in parts]),
    )


def detect(seed: int, part: float, pool: ProcessPoolExecutor, only: set[str]) -> dict[str, Any]:
    """All rows, in chunks over the processes, the longest first."""
    plan = [(row.scenario, "all", row.runs) for row in ROWS] + [(S2_AT_1_S, "1 s", 2000)]
    plan = [item for item in plan if not only or item[0].name in only]
    jobs, done = {}, 0
    for number, (scenario, rules, runs) in sorted(
        enumerate(plan), key=lambda item: -item[1][0].ticks
    ):
        left, chunk = max(40, round(runs * part)), 0
        while left > 0:
            size = min(CHUNK, left)
            job = pool.submit(play, scenario, rules, size, (seed, number, chunk))
            jobs[job] = (scenario.name, chunk, size * scenario.ticks)
            left, chunk = left - size, chunk + 1
    total = sum(cost for _, _, cost in jobs.values())
    parts: dict[str, dict[str, dict[int, Outcome]]] = {}
    for job in as_completed(jobs):
        name, chunk, cost = jobs[job]
        for rule, outcome in job.result().items():
            parts.setdefault(name, {}).setdefault(rule, {})[chunk] = outcome
        done += cost
        say(f"{100 * done / total:3.0f}%  {name}, chunk {chunk + 1}")
    return {
        scenario.name: {
            rule: joined([chunks[k] for k in sorted(chunks)]).summary()
            for rule, chunks in parts[scenario.name].items()
        }
        for scenario, _, _ in plan
    }


def say(text: str) -> None:
    """Progress, to the terminal only."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run, print the tables, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--only", default="", help="ids of scenarios, comma-separated; no extras")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    started = time.monotonic()
    part = 0.1 if options.quick else 1.0
    only = set(filter(None, options.only.split(",")))
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        scenarios = detect(options.seed, part, pool, only)
        more = {} if only else extras.measure(options.seed, part, pool, say)
    bounds = {
        row.scenario.name: {
            "kl_s": bound_s(row.scenario, 1.0),
            "same_null_s": bound_s(row.scenario, row.scenario.edge),
        }
        for row in ROWS
        if row.harmful and row.scenario.name in scenarios
    }
    document = {
        "command": "python -m benchmarks.detection" + (" --quick" if options.quick else ""),
        "seed": options.seed,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine()},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
        "seconds": round(time.monotonic() - started, 1),
        "bounds": bounds,
        "scenarios": scenarios,
        **more,
    }
    print(table(document))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
