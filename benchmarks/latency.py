"""How soon is a slower canary seen from histogram buckets? Exceedances against CDF bands.

20 requests a second on the canary, 180 on the baseline, the default bucket bounds, ticks of 10 s,
two hours. Rules: EXC, the mean of the exceedance e-processes at up to six bounds; EXC 1.1, the same
that tolerates a tenth more slow requests, as the product does unless told otherwise; BAND, the
uniform confidence bands of Howard & Ramdas 2022 for both arms, apart at some bound; P99, the usual
threshold: p99 of the last 5 minutes above 1.2 times the baseline's, five times. Called by
benchmarks.extras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.combine import mean_evidence
from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.exceedance import chosen_edges
from analysis.quantiles import uniform_radius
from analysis.ticks import Counts, FloatArray, Interval, Tick

BOUNDS = np.array([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
SHARE, RATE, TICK_S, HORIZON_S = 0.1, 200.0, 10.0, 7200.0
MEDIAN_S, SIGMA = 0.08, 0.6
TAIL, TAIL_S = 0.01, 2.0
ALPHA = 0.01


@dataclass(frozen=True)
class Change:
    """What the canary's latency is: a factor on the body, and the part of slow requests."""

    factor: float = 1.0
    tail: float = TAIL


CHANGES = {
    "A/A": Change(),
    "median +5%": Change(1.05),
    "median +10%": Change(1.1),
    "median +30%": Change(1.3),
    "tail 1% -> 1.5%": Change(tail=0.015),
    "tail 1% -> 3%": Change(tail=0.03),
}
MANY_AA = "A/A, ten times the runs"
"""Another A/A, with enough runs to tell a budget of 1% from less."""


def cells(change: Change) -> FloatArray:
    """Probability of each bucket: a lognormal body and a slow part around two seconds."""
    from scipy.special import ndtr

    def below(median_s: float, sigma: float) -> FloatArray:
        return np.asarray(ndtr(np.log(BOUNDS / median_s) / sigma))

    body = below(MEDIAN_S * change.factor, SIGMA)
    cdf = (1.0 - change.tail) * body + change.tail * below(TAIL_S, 0.3)
    return np.diff(cdf, prepend=0.0, append=1.0)


def slower(name: str, runs: int, seed: tuple[int, ...]) -> dict[str, Any]:
    """Detection probability and censored mean delay of each rule, with its standard error."""
    rng, change = np.random.default_rng(seed), CHANGES[name]
    rules: dict[str, Callable[[Interval, FloatArray, FloatArray], npt.NDArray[np.bool_]]] = {
        "EXC": Exceedances(runs).alarm,
        "EXC 1.1": Exceedances(runs, edge=1.1).alarm,
        "BAND": Bands(runs).alarm,
        "P99": Thresholds(runs).alarm,
    }
    found = {rule: np.full(runs, math.inf) for rule in rules}
    ours, theirs = cells(change), cells(Change())
    for number in range(round(HORIZON_S / TICK_S)):
        interval = Interval(number * TICK_S, (number + 1) * TICK_S)
        canary = rng.poisson(RATE * TICK_S * SHARE * ours, (runs, ours.size)).astype(float)
        baseline = rng.poisson(RATE * TICK_S * (1.0 - SHARE) * theirs, (runs, ours.size)).astype(
            float
        )
        for rule, alarm in rules.items():
            fresh = np.isinf(found[rule]) & alarm(interval, canary, baseline)
            found[rule] = np.where(fresh, interval.end_s, found[rule])
    return {
        **{
            f"{rule} {what}": value
            for rule, times in found.items()
            for what, value in (
                ("p", float(np.isfinite(times).mean())),
                ("mean_delay_s", float(np.minimum(times, HORIZON_S).mean())),
                ("mean_delay_se", float(np.minimum(times, HORIZON_S).std() / math.sqrt(runs))),
            )
        },
        "runs": runs,
    }


class Exceedances:
    """EXC, at bounds chosen from the baseline's history."""

    def __init__(self, runs: int, edge: float = 1.0) -> None:
        cdf = np.cumsum(cells(Change()))
        history = {**dict(zip(BOUNDS.tolist(), cdf.tolist(), strict=False)), math.inf: 1.0}
        edges = chosen_edges(history, slo=1.0)
        self.places = [BOUNDS.tolist().index(edge) for edge in edges]
        self.spec = HarmSpec("Increase", edge, alpha=ALPHA)
        self.state = self.spec.start((runs, len(edges)))

    def alarm(
        self, interval: Interval, canary: FloatArray, baseline: FloatArray
    ) -> npt.NDArray[np.bool_]:
        arms = []
        for cells_of in (canary, baseline):
            above = cells_of.sum(axis=-1, keepdims=True) - np.cumsum(cells_of, axis=-1)
            total = np.broadcast_to(cells_of.sum(axis=-1, keepdims=True), above.shape)
            arms += [above[:, self.places], total[:, self.places]]
        self.state = update_harm(self.spec, self.state, Tick(interval, Counts(*arms), SHARE))
        return np.asarray(mean_evidence(log_evidence(self.state)) >= -math.log(ALPHA))


class Bands:
    """BAND: each arm's distribution function within its uniform radius at alpha / 2."""

    def __init__(self, runs: int) -> None:
        self.sums = np.zeros((2, runs, BOUNDS.size + 1))

    def alarm(
        self, interval: Interval, canary: FloatArray, baseline: FloatArray
    ) -> npt.NDArray[np.bool_]:
        self.sums = self.sums + np.stack([canary, baseline])
        total = np.maximum(self.sums.sum(axis=-1), 1.0)
        cdf = np.cumsum(self.sums, axis=-1) / total[..., None]
        radius = uniform_radius(total, ALPHA / 2.0)
        return np.asarray((cdf[1] - cdf[0]).max(axis=-1) > radius.sum(axis=0))


class Thresholds:
    """P99: by interpolation in the bucket, as PromQL does; a check a minute."""

    def __init__(self, runs: int) -> None:
        self.window: list[FloatArray] = []
        self.failures = np.zeros(runs)

    def alarm(
        self, interval: Interval, canary: FloatArray, baseline: FloatArray
    ) -> npt.NDArray[np.bool_]:
        self.window = [*self.window[-29:], np.stack([canary, baseline])]
        if round(interval.end_s) % 60 == 0 and len(self.window) >= 6:
            ours, theirs = self._p99(np.sum(self.window, axis=0))
            self.failures = self.failures + (ours > 1.2 * theirs)
        return np.asarray(self.failures >= 5)

    def _p99(self, sums: FloatArray) -> FloatArray:
        cdf = np.cumsum(sums, axis=-1) / sums.sum(axis=-1, keepdims=True)
        place = np.minimum((cdf < 0.99).sum(axis=-1), BOUNDS.size - 1)
        low = np.concatenate([[0.0], BOUNDS])[place]
        under = np.take_along_axis(
            np.concatenate([np.zeros((*cdf.shape[:-1], 1)), cdf], -1), place[..., None], -1
        )[..., 0]
        inside = np.take_along_axis(cdf, place[..., None], -1)[..., 0] - under
        part = (0.99 - under) / np.where(inside > 0.0, inside, 1.0)
        return np.asarray(low + (BOUNDS[place] - low) * np.clip(part, 0.0, 1.0))
