"""What is tolerated and what a step must exclude, where a template is silent and where it speaks.

The one table of statistical defaults, and how a margin is found for a step's weight. It must not
know providers or samples. Called by `metrics.template_parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analysis.margins import Margin
from controller.api.quantities import Degradation, Harm, parse_degradation
from controller.api.template import Metric, Tolerance

TOLERATED: Final[dict[Harm, str | Tolerance]] = {
    "Decrease": "1%",
    "Increase": Tolerance(ratio=1.1, difference="0.05%"),
    "Both": "1%",
}
TOLERATED_SLOW: Final = Tolerance(ratio=1.1)
"""A histogram's share of slow requests."""

LOSS_MARGINS: Final = {"1": "30%", "5": "20%", "10": "10%", "25": "5%", "50": "3%"}
"""Share times margin stays at or below about 1.5% of all orders."""
EXCESS_MARGINS: Final = {
    "1": Tolerance(ratio=2.0, difference="0.5%"),
    "5": Tolerance(ratio=1.5, difference="0.3%"),
    "10": Tolerance(ratio=1.3, difference="0.2%"),
    "25": Tolerance(ratio=1.2, difference="0.1%"),
    "50": Tolerance(ratio=1.1, difference="0.1%"),
}
"""Share times difference stays within 0.05 points of all requests. The difference is what lets a
service without any error be promoted: no ratio can be told from no events."""
MARGINS: Final[dict[Harm, dict[str, str | Tolerance]]] = {
    "Decrease": dict(LOSS_MARGINS),
    "Increase": dict(EXCESS_MARGINS),
    "Both": dict(LOSS_MARGINS),
}

SLO_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Edges of a latency histogram, in units of the objective; the nearest buckets stand for them."""
SLO_EDGE = 2
"""The edge that promotion needs: the objective itself."""

LOSS_WEIGHT, EXCESS_WEIGHT, LATENCY_WEIGHT, OTHER_WEIGHT = 0.40, 0.30, 0.20, 0.10
"""Shares of the false-rollback budget: orders, errors, latency, the rest."""


def tolerated(metric: Metric) -> Degradation:
    """The dead band of a metric. ValueError as of `parse_degradation`."""
    default = TOLERATED_SLOW if metric.histogram else TOLERATED[metric.harm]
    return parse_degradation(default if metric.tolerated is None else metric.tolerated, metric.harm)


def listed_weight(listed: Sequence[str], weight_pct: float) -> str:
    """The key that speaks for a step: the next larger weight listed, else the largest.

    >>> listed_weight(["1", "5", "25"], 2), listed_weight(["1", "5", "25"], 50)
    ('5', '25')
    """
    ordered = sorted(listed, key=float)
    return next((key for key in ordered if float(key) >= weight_pct), ordered[-1])


def margin_for(metric: Metric, weight_pct: float) -> tuple[str, str | Tolerance]:
    """The key and the margin, as written, that a step of this weight must exclude."""
    listed = metric.margin or MARGINS[metric.harm]
    key = listed_weight(tuple(listed), weight_pct)
    return key, listed[key]


def ratio_of(degradation: Degradation) -> float:
    """Its edge as a rate ratio, on the side that the analysis calls the main one."""
    if degradation.low is not None:
        return degradation.low
    return degradation.high if degradation.high is not None else 1.0


def as_margin(degradation: Degradation, tolerated_difference: float) -> Margin:
    """The margin of the analysis. What is tolerated anyway is inside every margin.

    ValueError when it is no margin at all (`0%`).
    """
    difference = max(degradation.difference, tolerated_difference)
    ratio = ratio_of(degradation)
    if ratio == 1.0 and degradation.difference == 0.0:
        raise ValueError("got a margin of nothing, must be over 0%: no evidence can exclude it")
    return Margin(None if ratio == 1.0 else ratio, difference or None)


def weights(metrics: Sequence[Metric]) -> tuple[float, ...]:
    """Shares of the false-rollback budget, which add up to 1.

    Metrics without a weight share what the others leave, in the ratio of the defaults.

    >>> weights([Metric(name="a", weight=0.5), Metric(name="b")])
    (0.5, 0.5)
    """
    given = sum(metric.weight for metric in metrics if metric.weight is not None)
    silent = sum(_default_weight(metric) for metric in metrics if metric.weight is None)
    rest = max(0.0, 1.0 - given) / silent if silent else 0.0
    shares = [rest * _default_weight(m) if m.weight is None else m.weight for m in metrics]
    total = sum(shares)
    return tuple(share / total for share in shares)


def _default_weight(metric: Metric) -> float:
    if metric.histogram:
        return LATENCY_WEIGHT
    by_harm: dict[str, float] = {"Decrease": LOSS_WEIGHT, "Increase": EXCESS_WEIGHT}
    return by_harm.get(metric.harm, OTHER_WEIGHT)
