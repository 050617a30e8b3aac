"""What is measured beside the scenarios: promotion at its margin, the whole ladder, silence, broken
assumptions, latency. All of it in the pool of processes. Called by benchmarks.detection.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from benchmarks.ladder import Schedule, climb
from benchmarks.latency import CHANGES, MANY_AA, slower
from benchmarks.parts import Parts, Played
from benchmarks.rungs import RUNGS, promoted
from benchmarks.silence import SILENCES, listen
from benchmarks.violations import VIOLATIONS, violate

LADDERS: dict[str, tuple[float, float, Schedule]] = {
    "loss 3%, nothing tolerated, steps by the clock": (0.97, 1.0, "clock"),
    "loss 3%, nothing tolerated, steps by evidence": (0.97, 1.0, "evidence"),
    "loss 3%, 1% tolerated, steps by the clock": (0.97, 0.99, "clock"),
    "loss 3%, 1% tolerated, steps by evidence": (0.97, 0.99, "evidence"),
    "A/A, nothing tolerated, steps by evidence": (1.0, 1.0, "evidence"),
    "A/A, 1% tolerated, steps by evidence": (1.0, 0.99, "evidence"),
}
"""Truth, edge of harm, and how steps end."""

Jobs = dict[str, dict[str, Future[Played]]]


def begin(seed: int, part: float, parts: Parts) -> Jobs:
    """All of it, on its way; a table of titles and names."""
    runs, few = max(40, round(1000 * part)), max(40, round(400 * part))
    third = max(40, round(300 * part))
    plan: dict[str, tuple[Callable[..., Any], dict[str, tuple[Any, ...]]]] = {
        "ladder": (climb, {name: (*how, 2 * runs) for name, how in LADDERS.items()}),
        "promotion": (promoted, {rung.name: (rung, runs) for rung in RUNGS}),
        "silence": (listen, {name: (name,) for name in SILENCES}),
        "violations": (violate, {name: (name, few) for name in VIOLATIONS}),
        "latency": (
            slower,
            {**{name: (name, third) for name in CHANGES}, MANY_AA: ("A/A", 10 * third)},
        ),
    }
    return {
        title: {
            name: parts.submit(f"{title}-{name}-{runs}", work, *given, (seed, 1 + place, number))
            for number, (name, given) in enumerate(named.items())
        }
        for place, (title, (work, named)) in enumerate(plan.items())
    }


def collect(jobs: Jobs, say: Callable[[str], None]) -> tuple[dict[str, Any], float]:
    """What they found, in the order of their beginning, and the processor time of all."""
    found: dict[str, Any] = {}
    spent = 0.0
    for title, named in jobs.items():
        found[title] = {}
        for name, job in named.items():
            played = job.result()
            found[title][name] = played.found
            spent += played.processor_s
            say(f"      {title}: {name}")
    return found, spent
