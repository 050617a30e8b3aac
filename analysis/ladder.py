"""Which ladder fits a budget of orders at risk, and what does each of its steps ask and cost?

Expectation only, built on ``plan``. It knows a rate of orders, shares, margins and a budget; no
data and no clock. Called by the planner command.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis import checks, plan
from analysis.explain import span

SHARES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
USUAL = (0.01, 0.05, 0.1, 0.25, 0.5)
LARGEST_MARGIN = 0.3
RISKED = 0.015
"""share x margin: the part of all orders that a step may leave unexcluded."""
FINEST_MARGIN = 0.03
JUDGED = (0.01, 0.5, 0.8)
"""Harm that the first step is judged on: an outage, half, a fifth."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step. margin: loss that it must exclude; evidence_s: expected time of that; hold_s:
    with the bake; worst: the largest loss that earlier steps have not excluded; lost: orders it
    costs if it is there; detect_s: time to find it; within_budget: whether ``lost`` is.
    """

    share: float
    margin: float
    evidence_s: float
    hold_s: float
    worst: float
    detect_s: float
    lost: float
    within_budget: bool


def usual_margin(share: float) -> float:
    """Loss that a step of this share must exclude, so that share x margin <= 1.5%.

    >>> [round(usual_margin(share), 3) for share in USUAL]
    [0.3, 0.3, 0.15, 0.06, 0.03]
    """
    return max(FINEST_MARGIN, min(LARGEST_MARGIN, RISKED / share))


def planned(
    shares: Sequence[float],
    margins: Sequence[float],
    rate: float,
    *,
    budget: float = 100.0,
    bake_s: float = 300.0,
    alpha: float = 0.01,
    beta: float = 0.05,
    edge: float = 0.99,
    actuation_s: float = plan.ACTUATION_S,
    max_hold_s: float = 86_400.0,
) -> tuple[PlannedStep, ...]:
    """What each step asks and costs. margins: losses in (0, 1), one per share, none widening.

    The first step is judged on the costliest of an outage, half and a fifth; each later one on
    the loss that its predecessor left possible.

    >>> [round(step.evidence_s) for step in planned(USUAL, (0.3, 0.2, 0.1, 0.05, 0.03), 50.0)]
    [157, 80, 181, 360, 759]
    """
    _ladder(shares, margins)
    if not budget > 0.0:
        raise ValueError(f"budget must be orders > 0; came {budget}")
    checks.number(bake_s, "bake_s", least=0.0)
    steps = []
    for place, (share, margin) in enumerate(zip(shares, margins, strict=True)):

        def cost(ratio: float, share: float = share) -> float:
            lost = plan.orders_lost(
                ratio, share=share, edge=edge, alpha=alpha, rate=rate, actuation_s=actuation_s
            )
            return float(lost)

        ratios = JUDGED if place == 0 else (1.0 - margins[place - 1],)
        worst = max(ratios, key=cost)
        detect = plan.seconds_to_detect(worst, share=share, rate=rate, edge=edge, alpha=alpha)
        evidence = plan.seconds_to_promote_at(1.0 - margin, share=share, rate=rate, beta=beta)
        hold_s = max(bake_s, float(evidence))
        lost = min(cost(worst), (1.0 - worst) * share * rate * (max_hold_s + actuation_s))
        steps.append(
            PlannedStep(
                share=share,
                margin=margin,
                evidence_s=float(evidence),
                hold_s=hold_s,
                worst=1.0 - worst,
                detect_s=float(detect),
                lost=lost,
                within_budget=lost <= budget,
            )
        )
    return tuple(steps)


def fitting_ladder(
    rate: float, budget: float, *, actuation_s: float = plan.ACTUATION_S
) -> tuple[float, ...]:
    """Shares whose first step loses at most ``budget`` orders to a total outage.

    From the largest first share that fits, on to 50% by factors of at most five. ValueError if
    even 0.1% is too much: then a smaller budget needs a dark or mirrored first step.

    >>> fitting_ladder(50.0, 100.0)
    (0.025, 0.1, 0.5)
    >>> fitting_ladder(1000.0, 100.0)
    (0.001, 0.005, 0.025, 0.1, 0.5)
    """

    def outage(share: float) -> float:
        lost = plan.orders_lost(0.01, share=share, rate=rate, actuation_s=actuation_s)
        return float(lost)

    fits = [share for share in SHARES if outage(share) <= budget]
    if not fits:
        raise ValueError(
            f"a total outage at {SHARES[0]:.1%} of {rate:g} orders/s costs "
            f"{outage(SHARES[0]):.0f} orders; the budget is {budget:g}"
        )
    ladder = [fits[-1]]
    while ladder[-1] < SHARES[-1]:
        reach = 5.0 * ladder[-1] * (1.0 + 1e-9)
        ladder.append(max(share for share in SHARES if share <= reach))
    return tuple(ladder)


def described(steps: Sequence[PlannedStep], rate: float) -> str:
    """The plan as a table with a last line that says the time to 100%.

    >>> print(described(planned((0.5,), (0.03,), 50.0), 50.0).splitlines()[-1])
    A healthy release at 50 orders/s takes about 13 min.
    """
    lines = [f"{'share':>6} {'excludes':>9} {'evidence':>9} {'at worst':>9} {'found in':>9}  lost"]
    for step in steps:
        late = "" if step.within_budget else "  over budget"
        found = span(step.detect_s) if math.isfinite(step.detect_s) else "never"
        lines.append(
            f"{step.share:6.1%} {step.margin:9.0%} {span(step.evidence_s):>9} "
            f"{step.worst:9.0%} {found:>9} {step.lost:5.0f}{late}"
        )
    total = sum(step.hold_s for step in steps)
    return "\n".join([*lines, f"A healthy release at {rate:g} orders/s takes about {span(total)}."])


def _ladder(shares: Sequence[float], margins: Sequence[float]) -> None:
    if not shares or len(shares) != len(margins):
        raise ValueError(f"one margin per share; came {len(shares)} and {len(margins)}")
    if not all(0.0 < share < 1.0 for share in shares) or list(shares) != sorted(set(shares)):
        raise ValueError(f"shares must rise inside (0, 1); came {list(shares)}")
    if not all(0.0 < margin < 1.0 for margin in margins):
        raise ValueError(f"margins are losses inside (0, 1); came {list(margins)}")
