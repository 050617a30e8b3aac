"""Where a step's margin is more than all requests, so that no harm could ever show.

A share of requests cannot rise above 1. Where nine of ten requests of the baseline are beyond the
bound that stands for the objective, twice as many is more than all: that it did not happen is
certain, however slow the canary is, and so it excludes nothing. It reads a state and decides
nothing. Called by evidence.
"""

from __future__ import annotations

import numpy as np

from analysis.margins import Margin
from analysis.metric import MetricSpec, MetricState


def saturated_share(metric: MetricSpec, state: MetricState, step: int) -> float | None:
    """The baseline's share of exposures beyond a promotion edge of this step, in (0, 1], where the
    step's margin above it would be 1 or more; None where harm could be seen.

    Only for metrics with edges, whose events are a part of their exposures, upwards. The share is
    the baseline's at the canary's traffic, in the ticks of the step; None without any.
    """
    margin = metric.margins[step] if step >= 0 else None
    if metric.edges == 1 or metric.direction == "Decrease" or margin is None:
        return None
    wanted = list(range(metric.edges) if metric.promotion_edges is None else metric.promotion_edges)
    expected, exposures = state.step_expected[wanted], state.step_exposures[wanted]
    shares = expected / np.where(exposures > 0.0, exposures, np.inf)
    blind = [float(share) for share in shares if share > 0.0 and _limit(margin, share) >= 1.0]
    return min(max(blind), 1.0) if blind else None


def _limit(margin: Margin, share: float) -> float:
    """The share from which on the canary would be worse than the margin allows, upwards."""
    by_ratio = share if margin.ratio is None else share * max(margin.ratio, 1.0 / margin.ratio)
    by_difference = share if margin.difference is None else share + margin.difference
    return max(by_ratio, by_difference)
