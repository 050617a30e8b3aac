"""What a number must be before anything is computed from it: the words of every refusal.

Each check returns the value in the form that the caller works with, or raises a ValueError that
says what came and what is allowed. NaN is never inside anything. Called at the public edge of each
module; ``ticks.amounts`` is the same for counts.
"""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import numpy.typing as npt

from analysis.ticks import Direction, FloatArray


def budget(value: float, what: str = "alpha") -> float:
    """A probability strictly inside (0, 1).

    >>> budget(1.5)
    Traceback (most recent call last):
    ValueError: alpha must lie inside (0, 1); came 1.5
    """
    if not 0.0 < value < 1.0:
        raise ValueError(f"{what} must lie inside (0, 1); came {value}")
    return float(value)


def number(value: float, what: str, *, least: float = -math.inf, above: float = -math.inf) -> float:
    """One finite number, at least ``least`` and more than ``above``.

    >>> number(float("nan"), "sds", least=0.0)
    Traceback (most recent call last):
    ValueError: sds must be finite and >= 0; came nan
    """
    if not (math.isfinite(value) and value >= least and value > above):
        raise ValueError(f"{what} must be finite{_bound(least, above)}; came {value}")
    return float(value)


def numbers(
    value: npt.ArrayLike, what: str, *, least: float = -math.inf, above: float = -math.inf
) -> FloatArray:
    """Finite numbers of any shape, each at least ``least`` and more than ``above``.

    >>> numbers([1.0, float("inf")], "z").tolist()
    Traceback (most recent call last):
    ValueError: z must be finite; came [1.0, inf]
    """
    array = np.asarray(value, dtype=np.float64)
    if not (np.isfinite(array) & (array >= least) & (array > above)).all():
        raise ValueError(f"{what} must be finite{_bound(least, above)}; came {value!r}")
    return array


def whole(value: float, what: str, *, least: int = 1) -> int:
    """A whole number, at least ``least``; 3.0 is one.

    >>> whole(2.5, "runs")
    Traceback (most recent call last):
    ValueError: runs must be a whole number >= 1; came 2.5
    """
    if not (math.isfinite(value) and value == math.floor(value) and value >= least):
        raise ValueError(f"{what} must be a whole number >= {least}; came {value}")
    return int(value)


def direction(value: str) -> None:
    """The harmful side: Decrease or Increase.

    >>> direction("Down")
    Traceback (most recent call last):
    ValueError: direction must be Decrease or Increase; came 'Down'
    """
    if value not in get_args(Direction):
        raise ValueError(f"direction must be {' or '.join(get_args(Direction))}; came {value!r}")


def _bound(least: float, above: float) -> str:
    if above > -math.inf:
        return f" and > {above:g}"
    return f" and >= {least:g}" if least > -math.inf else ""
