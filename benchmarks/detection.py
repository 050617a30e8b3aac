"""How often does each rule roll back a good release, and how soon a bad one? One run, one table.

`python -m benchmarks.detection [--quick]`; writes benchmarks/results/detection.json and exits with
1 if a target is missed. The rules of the table are those of benchmarks.rules beside the recommended
one (REC; REC0 tolerates nothing), on the same ticks.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from analysis.scenario import Scenario
from analysis.simulate import Outcome, Recommended, simulate
from benchmarks import costs, extras, record
from benchmarks.bounds import bound_s
from benchmarks.minute_rules import FixedThreshold, HourlyMannWhitney, MannWhitney
from benchmarks.parts import Parts, Played
from benchmarks.report import table
from benchmarks.rules import GroupSequential, KnowsTheTruth, NormalMixture, PeekedExact, PlainE
from benchmarks.scenarios import ROWS, Row
from benchmarks.targets import targets

CHUNK = 500
FEWEST_RUNS = 40
BESIDE_RUNS = 1000
"""Runs that the rules beside the recommended one see; more of it only sharpens its own numbers."""
DESIGN: dict[str, Callable[[Scenario, int], Any]] = {
    "EP": PlainE,
    "REC": Recommended,
    "REC0": partial(Recommended, edge=1.0, promotes=False),
    "SPRT": KnowsTheTruth,
}
RULES: dict[str, dict[str, Callable[[Scenario, int], Any]]] = {
    "all": {
        "FT": FixedThreshold,
        "MW60": HourlyMannWhitney,
        "MW5": MannWhitney,
        "ZP": PeekedExact,
        "GST": GroupSequential,
        "NM": NormalMixture,
        **DESIGN,
    },
    "design": DESIGN,
    "1 s": {
        "REC": Recommended,
        "REC w=0.4": partial(Recommended, weight=0.4),
        "SPRT": KnowsTheTruth,
    },
    "recommended": {"REC": partial(Recommended, promotes=False)},
}

Chunks = dict[Future[Played], tuple[Row, int, int]]
"""The row, the number of the chunk, and its cost in ticks of one run."""


def play(scenario: Scenario, played: str, runs: int, seed: tuple[int, ...]) -> dict[str, Outcome]:
    """One chunk of runs, all rules on the same ticks; a process of the pool."""
    return simulate(scenario, RULES[played], runs, np.random.default_rng(seed))


def joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcome of all chunks."""
    return Outcome(
        parts[0].scenario,
        np.concatenate([part.rolled_back_s for part in parts]),
        np.concatenate([part.promoted_s for part in parts]),
    )


def begin(seed: int, part: float, parts: Parts, rows: Sequence[Row]) -> Chunks:
    """All rows, in chunks over the processes, the longest first."""
    jobs: Chunks = {}
    for row in sorted(rows, key=lambda row: -row.scenario.ticks):
        left, chunk = max(FEWEST_RUNS, round(row.runs * part)), 0
        while left > 0:
            size = min(CHUNK, left)
            played = (
                "design" if row.played == "all" and chunk * CHUNK >= BESIDE_RUNS else row.played
            )
            seeds = (seed, ROWS.index(row), chunk)
            name = f"{row.name}-{chunk}-{size}"
            job = parts.submit(name, play, row.scenario, played, size, seeds)
            jobs[job] = (row, chunk, size * row.scenario.ticks)
            left, chunk = left - size, chunk + 1
    return jobs


def collect(jobs: Chunks) -> tuple[dict[str, dict[str, Any]], float]:
    """The summary of each rule in each scenario, and the processor time of all."""
    total, done, spent = sum(cost for _, _, cost in jobs.values()), 0, 0.0
    parts: dict[str, dict[str, dict[int, Outcome]]] = {}
    for job in as_completed(jobs):
        row, chunk, cost = jobs[job]
        played = job.result()
        for rule, outcome in played.found.items():
            parts.setdefault(row.name, {}).setdefault(rule, {})[chunk] = outcome
        spent += played.processor_s
        done += cost
        say(f"{100 * done / total:3.0f}%  {row.name}, chunk {chunk + 1}")
    found = {
        row.name: {
            rule: joined([chunks[k] for k in sorted(chunks)]).summary()
            for rule, chunks in parts[row.name].items()
        }
        for row in ROWS
        if row.name in parts
    }
    return found, spent


def bounds_of(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """How soon any rule can be sure of the harm, of any harm and of harm beyond the dead-band."""
    return {
        row.name: {
            "kl_s": bound_s(row.scenario, 1.0),
            "same_null_s": bound_s(row.scenario, row.scenario.edge),
        }
        for row in rows
        if row.harmful
    }


def plain(value: Any) -> Any:
    """``value`` as strict JSON has it: no NaN and no infinity, but null."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def say(text: str) -> None:
    """Progress, to the terminal only."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the tables, write the file; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.detection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--only", default="", help="ids of scenarios, comma-separated; no file")
    parser.add_argument("--keep", type=Path, help="folder for finished parts: a run in pieces")
    options = parser.parse_args(arguments)
    only = set(filter(None, options.only.split(",")))
    rows = [row for row in ROWS if not only or row.name in only]
    begun = record.begin()
    part = 0.1 if options.quick else 1.0
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        parts = Parts(pool, options.keep)
        chunks = begin(options.seed, part, parts, rows)
        more = {} if only else extras.begin(options.seed, part, parts)
        scenarios, spent = collect(chunks)
        found, spent_more = extras.collect(more, say)
    if not only:
        found["costs"] = {**costs.measure(), costs.OF_THIS: round((spent + spent_more) / 60.0, 1)}
    document = {
        "command": "python -m benchmarks.detection" + (" --quick" if options.quick else ""),
        "bounds": bounds_of(rows),
        "scenarios": scenarios,
        **found,
    }
    made = targets(document)
    document["targets"] = [one.row() for one in made]
    print(table(document, made))
    if not only:
        path = record.write("detection", plain(document), begun, seed=options.seed)
        print(f"written: {path}")
    return int(any(one.met == "no" for one in made))


if __name__ == "__main__":
    sys.exit(main())
