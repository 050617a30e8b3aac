"""How soon can any rule be sure? The information bound, and the same for a tolerated null."""

from __future__ import annotations

import math

from analysis.scenario import Scenario
from analysis.traffic import DAY_S


def information(scenario: Scenario, ratio: float, edge: float, time_s: float) -> float:
    """Nats per second at ``time_s``: n KL(theta_r || theta_r0), in units: batches count once."""
    s = scenario
    harmful = ratio < edge if s.direction == "Decrease" else ratio > edge
    if not harmful:
        return 0.0
    share = s.share if s.true_share is None else s.true_share
    rho = share / (1.0 - share)
    theta, null = rho * ratio / (1.0 + rho * ratio), rho * edge / (1.0 + rho * edge)
    wave = 1.0 + s.diurnal * math.sin(2.0 * math.pi * time_s / DAY_S)
    n = s.event_rate * wave * ((1.0 - share) + share * ratio)
    kl = theta * math.log(theta / null) if theta > 0.0 else 0.0
    kl += (1.0 - theta) * math.log((1.0 - theta) / (1.0 - null))
    return n * kl / s.batch_mean


def bound_s(scenario: Scenario, edge: float, alpha: float = 0.01) -> float:
    """Seconds from onset until ln(1/alpha) nats have come; inf if they never do."""
    need, have, step = math.log(1.0 / alpha), 0.0, scenario.tick_s / 10.0
    for number in range(math.ceil((scenario.horizon_s - scenario.onset_s) / step)):
        time_s = scenario.onset_s + number * step
        rate = information(scenario, scenario.ratio_at(time_s), edge, time_s)
        if have + rate * step >= need:
            return number * step + (need - have) / rate
        have += rate * step
    return math.inf
