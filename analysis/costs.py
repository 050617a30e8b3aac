"""What does each harm cost until it is found, and each margin until it is excluded? Two tables.

Rows by harm or margin, columns by share, of the expectations in ``plan``: canary orders, seconds,
orders lost. It knows rates and shares; no data, no clock. Called by the planner command and by
whoever wants the numbers as values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis import plan
from analysis.checks import number
from analysis.explain import span


@dataclass(frozen=True, slots=True)
class Detection:
    """A loss at a share: canary orders to expect and seconds until it is found (inf: never),
    orders lost until then, and those lost while it is being taken away.
    """

    loss: float
    share: float
    canary_orders: float
    seconds: float
    lost: float
    lost_acting: float


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A loss to exclude at a share: canary orders to expect and seconds, of a healthy canary."""

    loss: float
    share: float
    canary_orders: float
    seconds: float


def detection_costs(
    losses: Sequence[float],
    shares: Sequence[float],
    rate: float,
    *,
    edge: float = 1.0,
    alpha: float = 0.01,
    actuation_s: float = plan.ACTUATION_S,
) -> tuple[Detection, ...]:
    """Every loss in (0, 1] at every share in (0, 1), by loss and then by share.

    edge: r0, the ratio that is tolerated; a loss inside it is never found and costs without end.

    >>> [one] = detection_costs([0.2], [0.01], 2.0, actuation_s=0.0)
    >>> round(one.canary_orders), round(one.seconds / 3600, 1), round(one.lost)
    (319, 4.4, 64)
    """
    _parts(losses, "losses", most=1.0)
    _parts(shares, "shares", most=math.nextafter(1.0, 0.0))
    number(actuation_s, "actuation_s", least=0.0)
    rows = []
    for loss in losses:
        for share in shares:
            events = plan.events_to_detect(1.0 - loss, share=share, edge=edge, alpha=alpha)
            seconds = plan.seconds_to_detect(
                1.0 - loss, share=share, rate=rate, edge=edge, alpha=alpha
            )
            acting = loss * share * rate * actuation_s
            rows.append(
                Detection(loss, share, float(events), float(seconds), loss * float(events), acting)
            )
    return tuple(rows)


def exclusion_costs(
    losses: Sequence[float], shares: Sequence[float], rate: float, *, beta: float = 0.05
) -> tuple[Exclusion, ...]:
    """Every loss in (0, 1) to exclude at every share in (0, 1), by loss and then by share.

    >>> [one] = exclusion_costs([0.3], [0.05], 50.0)
    >>> round(one.canary_orders), round(one.seconds)
    (81, 32)
    """
    _parts(losses, "losses", most=math.nextafter(1.0, 0.0))
    _parts(shares, "shares", most=math.nextafter(1.0, 0.0))
    return tuple(
        Exclusion(
            loss,
            share,
            float(plan.events_to_promote(1.0 - loss, share=share, beta=beta)),
            float(plan.seconds_to_promote_at(1.0 - loss, share=share, rate=rate, beta=beta)),
        )
        for loss in losses
        for share in shares
    )


def detection_table(found: Sequence[Detection]) -> str:
    """Time and orders lost, acting included; a row for each loss, two columns for each share.

    >>> print(detection_table(detection_costs([0.99, 0.2], [0.01, 0.5], 50.0)))
      loss               1%              50%
       99%      14 s     29       1 s   1124
       20%    11 min     68      24 s    347
    """
    return _table({(c.loss, c.share): (c.seconds, c.lost + c.lost_acting) for c in found})


def exclusion_table(found: Sequence[Exclusion]) -> str:
    """Time and canary orders; a row for each loss to exclude, two columns for each share.

    >>> print(exclusion_table(exclusion_costs([0.3], [0.05], 50.0)))
      loss               5%
       30%      32 s     81
    """
    return _table({(c.loss, c.share): (c.seconds, c.canary_orders) for c in found})


def _table(cells: Mapping[tuple[float, float], tuple[float, float]]) -> str:
    """Seconds and a number by (loss, share)."""
    shares = sorted({share for _, share in cells})
    lines = [f"{'loss':>6}" + "".join(f"{_percent(share):>17}" for share in shares)]
    lines += [
        f"{_percent(loss):>6}" + "".join(_cell(*cells[loss, share]) for share in shares)
        for loss in dict.fromkeys(loss for loss, _ in cells)
    ]
    return "\n".join(lines)


def _percent(part: float) -> str:
    return f"{100.0 * part:.3g}%"


def _cell(seconds: float, orders: float) -> str:
    return f"{'never':>17}" if math.isinf(seconds) else f"{span(seconds):>10}{orders:>7.0f}"


def _parts(values: Sequence[float], name: str, most: float) -> None:
    if not values or not all(0.0 < value <= most for value in values):
        allowed = "(0, 1]" if most == 1.0 else "(0, 1)"
        raise ValueError(f"{name} must lie in {allowed}, one at least; came {list(values)}")
