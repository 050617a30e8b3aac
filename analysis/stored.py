"""Whether values that were stored can be the state of a release: shapes, ranges, times, steps.

A status is written by others too, and may be cut or edited. What a tick could never have left is
refused here, as a ValueError that names the metric and the field; else it would be met in the
middle of a verdict, at every look. It knows states, not how they are stored. Called by codec.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Final

import numpy as np

from analysis.harm import HarmState
from analysis.logspace import LIMIT
from analysis.metric import MetricState
from analysis.promotion import PromotionState
from analysis.snapshots import Snapshots

Range = tuple[float, float]
LATEST_S: Final = 2.5e11
"""No clock goes on for so long: the end of the year 9999 and somewhat more, in seconds."""
MANY: Final = 1e30
"""More than any sum of counts."""
_AMOUNT: Final[Range] = (0.0, MANY)
_MASS: Final[Range] = (-1e-9, 1.0 + 1e-9)
_EVER: Final[Range] = (-LATEST_S, LATEST_S)
_EVER_OR_NEVER: Final[Range] = (-math.inf, LATEST_S)
_SIGMA: Final[Range] = (1e-15, math.inf)
_WHOLE: Final[Range] = (-(2.0**53), 2.0**53)
RANGES: Final[dict[str, Range]] = {
    "log_wealth": (-math.inf, LIMIT),
    "log_wealth_difference": (-math.inf, LIMIT),
    "highest_log_e": (0.0, LIMIT),
    "log_sums": (-math.inf, MANY),
    "log_means": (-MANY, MANY),
    "old": (-math.inf, MANY),
    "waiting": _MASS,
    "start_mass": _MASS,
    "sigma": _SIGMA,
    "finest_sigma": _SIGMA,
    "step": (-1.0, 2.0**53),
    "bucket": _WHOLE,
    "ordinal": (0.0, 2.0**53),
    "minute": (0.0, 2.0**53),
    "step_start_s": _EVER,
    "young_s": _EVER,
    "cover_s": (0.0, sys.float_info.max),
    "end": _EVER,
    "last_start_s": _EVER_OR_NEVER,
    "window_end_s": _EVER_OR_NEVER,
}
"""Both ends are allowed; what is not named is an amount. A NaN is inside nothing."""


def fitting(where: str, field: str, fresh: Any, came: Any) -> Any:
    """``came`` in the type of ``fresh``, the same field of a state before any tick; ValueError
    where it cannot be that. Arrays must have the same shape.

    >>> fitting("orders", "waiting", np.ones(()), np.asarray(0.25))
    array(0.25)
    >>> fitting("orders", "waiting", np.ones(()), np.asarray(7.0))
    Traceback (most recent call last):
    ValueError: stored state of orders: waiting must lie in -1e-09..1; came 7.0
    """
    what = f"stored state of {where}: {field}"
    match fresh:
        case Snapshots():
            return _snapshots(what, fresh, came)
        case np.ndarray():
            if not isinstance(came, np.ndarray) or came.shape != fresh.shape:
                shape = getattr(came, "shape", type(came).__name__)
                raise ValueError(f"{what} must have the shape {fresh.shape}; came {shape}")
            _inside(what, field, came)
            if fresh.dtype.kind == "i" and (came != np.floor(came)).any():
                raise ValueError(f"{what} must be whole; came {came}")
            return came.astype(fresh.dtype)
        case None:
            if came is not None:
                raise ValueError(f"{what} must be absent, as the spec has none")
            return None
        case _:
            return _scalar(what, field, came, whole=isinstance(fresh, int))


def _scalar(what: str, field: str, came: Any, *, whole: bool = False) -> Any:
    value = came.item() if isinstance(came, np.ndarray) and came.ndim == 0 else came
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise ValueError(f"{what} must be a {'whole ' if whole else ''}number; came {came!r}")
    _inside(what, field, np.asarray(value, dtype=np.float64))
    return value


def _inside(what: str, field: str, came: np.ndarray[Any, Any]) -> None:
    least, most = RANGES.get(field, _AMOUNT)
    good = (came >= least) & (came <= most)
    if not good.all():
        raise ValueError(f"{what} must lie in {least:g}..{most:g}; came {came[~good].flat[0]}")


def _snapshots(what: str, fresh: Snapshots, came: Any) -> Snapshots:
    if not isinstance(came, Snapshots):
        raise ValueError(f"{what} must be snapshots; came {type(came).__name__}")
    row = fresh.old[..., 0, :]
    young = tuple(
        (_scalar(what, "young_s", at_s), fitting(what, "old", row, sums))
        for at_s, sums in came.young
    )
    return Snapshots(fitting(what, "old", fresh.old, came.old), young)


def check_together(
    name: str, state: MetricState, step: int, end_s: float | None, bucket_s: float
) -> None:
    """Raise ValueError where the parts of a metric contradict the release: what lies after its last
    tick would be in the way of the next one, and evidence of another step would pass for this
    step's. bucket_s: width of a bucket of the memory of gaps."""
    latest_s = -math.inf if end_s is None else end_s
    gaps = state.gaps
    sides: list[HarmState | PromotionState] = [*state.harm, *state.promotion]
    ends = [*(side.window_end_s for side in sides), gaps.window_end_s]
    times = [at_s for at_s in ends if at_s is not None]
    times += [at_s for side in state.promotion for at_s in _starts(side)]
    times += [float(side.step_start_s.max()) for side in state.harm if (side.step >= 0).any()]
    if max(times, default=-math.inf) > latest_s:
        raise ValueError(f"stored state of {name} is later than the release, which ends at {end_s}")
    if gaps.bucket is not None and gaps.bucket * bucket_s > latest_s:
        raise ValueError(f"stored state of {name}: gaps are later than {end_s}")
    for side in sides:
        if not ((side.step == step) | (side.step == -1)).all():
            raise ValueError(f"stored state of {name} is of step {side.step}, not of {step}")
    for one in state.harm:
        _check_sigmas(name, one)


def _starts(side: PromotionState) -> list[float]:
    return [float(side.last_start_s.max()), *(at_s for at_s, _ in side.snapshots.young)]


def _check_sigmas(name: str, side: HarmState) -> None:
    """The grid is made for the finest effect of all steps, and there is one once a step began."""
    finer = side.sigma < side.finest_sigma * (1.0 - 1e-9)
    unknown = (side.step >= 0) & ~np.isfinite(side.sigma)
    if (finer | unknown).any():
        raise ValueError(f"stored state of {name} has no grid: sigma {side.sigma}")
