"""What the statistics cost: time of an update, time of the import, size of a state. On one core.

Processor time, so that waiting for a busy core does not count, and the best of several medians:
what else runs on the machine makes one slower, never faster. Called by benchmarks.detection, after
everything else is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from analysis.codec import to_json
from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.promotion import PromotionSpec, update_promotion
from analysis.release import ReleaseSpec, ReleaseTick, update
from analysis.sequence import RatioState, update_ratio
from analysis.ticks import Counts, Interval, Tick

MEDIANS, TICKS, IMPORTS = 7, 40, 25
MANY = 20_000
OF_THIS = "processor minutes of this benchmark"
MEANS = (25, 800, 475, 15_200)
TICK_S = 10.0


def measure() -> dict[str, Any]:
    """All of it; the names say the units."""
    return {
        "update of one comparison, us": 1e6 * min(update_s(()) for _ in range(MEDIANS)),
        "update of 20,000 comparisons, ms": 1e3 * min(update_s((MANY,)) for _ in range(MEDIANS)),
        "import of analysis, s": min(import_s() for _ in range(IMPORTS)),
        "import without scipy.stats": not _loads("scipy.stats"),
        **stored_bytes(),
    }


def update_s(shape: tuple[int, ...], clock: Callable[[], float] = time.process_time) -> float:
    """Median seconds of one update of ``shape`` comparisons: harm, promotion, ratio, evidence."""
    rng = np.random.default_rng(0)
    harm = HarmSpec("Decrease", 0.99, expected_rate=50.0, starts=5)
    safe = PromotionSpec("Decrease", (Margin(0.9),))
    states = harm.start(shape), safe.start(shape), RatioState.start(shape)
    spent = []
    for number in range(TICKS):
        amounts = (rng.poisson(mean, shape) for mean in MEANS)
        interval = Interval(number * TICK_S, (number + 1) * TICK_S)
        tick = Tick(interval, Counts(*amounts), share=0.05)
        begun = clock()
        states = (
            update_harm(harm, states[0], tick),
            update_promotion(safe, states[1], tick),
            update_ratio(states[2], tick),
        )
        log_evidence(states[0])
        spent.append(clock() - begun)
    return float(np.median(spent))


def import_s() -> float:
    """Seconds of ``import analysis`` in a fresh interpreter."""
    code = "import time; t = time.process_time(); import analysis; print(time.process_time() - t)"
    return float(subprocess.check_output([sys.executable, "-c", code]))


def _loads(module: str) -> bool:
    code = f"import sys, analysis; print({module!r} in sys.modules)"
    return subprocess.check_output([sys.executable, "-c", code]).strip() == b"True"


def stored_bytes() -> dict[str, int]:
    """The largest size of one comparison in two hours at a step, as bytes of JSON.

    Evidence of harm, ratio and totals; and the promotion rule with its starts, whose number is
    bounded, as dominated ones are dropped, whatever d is. The memory of gaps is the metric's, once
    for all its comparisons.
    """
    orders = MetricSpec("orders", "Decrease", 0.99, (Margin(0.9),), expected_rate=50.0)
    spec = ReleaseSpec((orders,), shares=(0.05,))
    rng, state = np.random.default_rng(0), spec.start()
    core = starts = 0
    for number in range(720):
        interval = Interval(number * TICK_S, (number + 1) * TICK_S)
        tick = ReleaseTick(interval, 0, 0.05, {"orders": Counts(*rng.poisson(MEANS))})
        state = update(spec, state, tick)
        if number % 30 == 29:
            stored = to_json(state)["metrics"]["orders"]
            starts = max(starts, _size(stored.pop("promote")))
            del stored["gaps"]
            core = max(core, _size(stored))
    return {"state of one comparison, bytes": core, "its promotion rule, bytes": starts}


def _size(stored: Any) -> int:
    return len(json.dumps(stored, separators=(",", ":")))
