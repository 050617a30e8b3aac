"""How long will it take, and what can it cost? Answers before the release, from rates alone.

Detection costs a number of orders, nearly independent of traffic and share; share and rate set
only how long it takes. Everything here is expectation: n KL / nats (Wald 1947), with the overhead
that the simulations of the design measured. Assumes independent events at a constant rate.
Guarantee: none; half of all releases take longer. When not to use: batches, whose events bring
less, by their dispersion. It knows rates, shares, margins and budgets; no data. Called
by the planner command, ``costs`` and ``ladder``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, number, numbers
from analysis.explain import span
from analysis.ticks import FloatArray

DETECT_OVERHEAD_NATS = 6.8 - math.log(100.0)
"""What grid and late starts cost beyond ln(1/alpha): 2.2 nats, measured at alpha 1%."""
PROMOTE_OVERHEAD_NATS = 4.4 - math.log(20.0)
"""The same for promotion: four alternatives, 1.4 nats, at beta 5%."""
SMALL_SHARE = 0.02
ACTUATION_S = 45.0
"""From the verdict until no more traffic reaches the canary: tick, scrape, drain."""


def information_per_event(
    ratio: npt.ArrayLike, edge: npt.ArrayLike = 1.0, share: npt.ArrayLike = 0.0
) -> FloatArray:
    """Nats per canary event that the baseline's rate would give, if the true ratio is ``ratio``.

    n_t KL(theta_r || theta_r0) / (w n); for share -> 0 it is r ln(r / r0) - r + r0. ratio: >= 0;
    edge: r0 > 0; share in [0, 1). Broadcasts.

    >>> information_per_event([0.01, 0.5, 0.8]).round(6).tolist()
    [0.943948, 0.153426, 0.021485]
    """
    from scipy.special import xlogy

    r, r0, w = (np.asarray(value, dtype=np.float64) for value in (ratio, edge, share))
    if not ((r >= 0.0) & np.isfinite(r)).all() or not ((r0 > 0.0) & np.isfinite(r0)).all():
        raise ValueError(f"ratio must be >= 0 and edge > 0; came {ratio!r}, {edge!r}")
    if not ((w >= 0.0) & (w < 1.0)).all():
        raise ValueError(f"share must lie in [0, 1); came {share!r}")
    few = xlogy(r, r / r0) - r + r0
    part = np.where(w > 0.0, w, 0.5)
    mean, null = (1.0 - part) + part * r, (1.0 - part) + part * r0
    many = xlogy(r, r / r0) - mean * np.log(mean / null) / part
    return np.where(w > 1e-6, many, few)


def events_to_detect(
    ratio: npt.ArrayLike,
    *,
    share: npt.ArrayLike = 0.0,
    edge: npt.ArrayLike = 1.0,
    alpha: float = 0.01,
) -> FloatArray:
    """Expected canary events (at the baseline's rate) until harm of ``ratio`` is found.

    inf where the ratio is not beyond ``edge`` at all; a tolerated harm is never found.

    >>> events_to_detect([0.01, 0.5, 0.8, 0.97]).round().tolist()
    [7.0, 44.0, 316.0, 14959.0]
    """
    budget(alpha)
    r, r0 = np.asarray(ratio, dtype=np.float64), np.asarray(edge, dtype=np.float64)
    gain = information_per_event(r, r0, share)
    # a ratio on the good side of its edge carries no evidence of harm
    harmful = np.where(r0 < 1.0, r < r0, np.where(r0 > 1.0, r > r0, r != r0))
    nats = math.log(1.0 / alpha) + DETECT_OVERHEAD_NATS
    with np.errstate(divide="ignore"):
        return np.where(harmful & (gain > 0.0), nats / gain, np.inf)


def seconds_to_detect(
    ratio: npt.ArrayLike,
    *,
    share: npt.ArrayLike,
    rate: npt.ArrayLike,
    edge: npt.ArrayLike = 1.0,
    alpha: float = 0.01,
) -> FloatArray:
    """Expected seconds until harm is found; rate: events per second of both arms, > 0."""
    pace = np.asarray(share, dtype=np.float64) * _rate(rate)
    events = events_to_detect(ratio, share=share, edge=edge, alpha=alpha)
    with np.errstate(divide="ignore"):
        return np.asarray(events / pace)


def orders_lost(
    ratio: npt.ArrayLike,
    *,
    share: npt.ArrayLike = 0.0,
    edge: npt.ArrayLike = 1.0,
    alpha: float = 0.01,
    rate: npt.ArrayLike = 0.0,
    actuation_s: float = 0.0,
) -> FloatArray:
    """Orders that a loss of 1 - ``ratio`` costs until it is found and taken away.

    The first part hardly depends on share and rate; the second, share x rate x actuation_s x
    (1 - ratio), is what a small share buys.

    >>> orders_lost([0.01, 0.5, 0.8], share=0.5).round().tolist()
    [10.0, 40.0, 122.0]
    """
    loss = 1.0 - np.asarray(ratio, dtype=np.float64)
    events = events_to_detect(ratio, share=share, edge=edge, alpha=alpha)
    pace = np.asarray(share, dtype=np.float64) * numbers(rate, "rate", least=0.0)
    late = pace * number(actuation_s, "actuation_s", least=0.0)
    return np.asarray(np.maximum(loss, 0.0) * (events + late))


def events_to_promote(
    margin: npt.ArrayLike, *, share: npt.ArrayLike = 0.0, ratio: float = 1.0, beta: float = 0.05
) -> FloatArray:
    """Expected canary events until harm at ``margin`` (a rate ratio) is excluded.

    ratio: what the canary truly is; inf if that is at the margin or beyond.

    >>> events_to_promote([0.7, 0.9], share=0.05).round().tolist()
    [81.0, 861.0]
    """
    budget(beta, "beta")
    edge = np.asarray(margin, dtype=np.float64)
    gain = information_per_event(ratio, edge, share)
    safe = np.where(edge < 1.0, ratio > edge, ratio < edge)
    nats = math.log(1.0 / beta) + PROMOTE_OVERHEAD_NATS
    with np.errstate(divide="ignore"):
        return np.where(safe & (gain > 0.0), nats / gain, np.inf)


def seconds_to_promote_at(
    margin: npt.ArrayLike, *, share: npt.ArrayLike, rate: npt.ArrayLike, beta: float = 0.05
) -> FloatArray:
    """Expected seconds of evidence until a healthy canary may go up.

    >>> seconds_to_promote_at(0.7, share=0.01, rate=50.0).round().tolist()
    157.0
    """
    pace = np.asarray(share, dtype=np.float64) * _rate(rate)
    return np.asarray(events_to_promote(margin, share=share, beta=beta) / pace)


def planning_sentence(share: float, rate: float, *, loss: float = 0.2, unit: str = "orders") -> str:
    """What a person reads before the release.

    >>> planning_sentence(0.01, 2.0)
    'At 1% and 2 orders/s a 20% drop takes 4.4 h and costs about 63 orders; a total outage takes \
6 min and 7 orders.'
    """
    budget(loss, "loss")
    budget(share, "share")
    # up to 2% the cost is that of a vanishing share, to the digits that are shown
    w = share if share > SMALL_SHARE else 0.0
    found = [
        (
            span(float(events_to_detect(r, share=w) / (share * _rate(rate)))),
            round(float(orders_lost(r, share=w))),
        )
        for r in (1.0 - loss, 0.01)
    ]
    return (
        f"At {100.0 * share:.3g}% and"
        f" {rate:.3g} {unit}/s a {loss:.0%} drop takes {found[0][0]} and costs about "
        f"{found[0][1]} {unit}; a total outage takes {found[1][0]} and {found[1][1]} {unit}."
    )


def _rate(rate: npt.ArrayLike) -> FloatArray:
    array = np.asarray(rate, dtype=np.float64)
    if not ((array > 0.0) & np.isfinite(array)).all():
        raise ValueError(f"rate must be events per second > 0; came {rate!r}")
    return array
