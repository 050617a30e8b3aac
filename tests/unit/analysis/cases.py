"""Short words for the tests of the statistics: ticks, streams of ticks, and the reference cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from analysis.ticks import Counts, Interval, Tick

VECTORS = Path(__file__).parents[2] / "vectors"


@cache
def _file(name: str) -> dict[str, dict[str, Any]]:
    document = json.loads((VECTORS / f"{name}.json").read_text())
    return {case["id"]: case for case in document["cases"]}


def reference(prefix: str, file: str = "recommended_design") -> list[dict[str, Any]]:
    """The reference cases whose id begins with ``prefix``; never none."""
    found = [case for name, case in _file(file).items() if name.startswith(prefix)]
    assert found, f"no reference case begins with {prefix}"
    return found


def tick(
    start_s: float,
    canary: tuple[Any, Any] = (0, 0),
    baseline: tuple[Any, Any] = (0, 0),
    *,
    length_s: float = 10.0,
    share: float = 0.05,
    **more: Any,
) -> Tick:
    """A tick of (events, exposures) of each arm."""
    counts = Counts(canary[0], canary[1], baseline[0], baseline[1])
    return Tick(Interval(start_s, start_s + length_s), counts, share=share, **more)


def poisson_ticks(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    *,
    ratio: float = 1.0,
    rate: float = 50.0,
    share: float = 0.05,
    until_s: float = 600.0,
    length_s: float = 10.0,
    exposures_per_event: float = 30.0,
    onset_s: float = 0.0,
    step: int = 0,
    from_s: float = 0.0,
) -> Iterator[Tick]:
    """Ticks of many runs: random exposures, Poisson events, the canary at ``ratio`` from onset."""
    per_tick = rate * length_s * exposures_per_event
    for start_s in np.arange(from_s, until_s, length_s):
        exposed = rng.poisson(per_tick * share, shape), rng.poisson(per_tick * (1 - share), shape)
        now = ratio if start_s >= onset_s else 1.0
        events = rng.poisson(exposed[0] * now / exposures_per_event)
        others = rng.poisson(exposed[1] / exposures_per_event)
        counts = Counts(events, exposed[0], others, exposed[1])
        yield Tick(Interval(start_s, start_s + length_s), counts, share=share, step=step)
