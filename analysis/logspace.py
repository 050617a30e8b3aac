"""Sums of wealth kept as logarithms, without overflow and with an exact 1 for "no evidence".

Shared by every e-process of the package; knows nothing of counts or metrics.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.ticks import FloatArray

LIMIT = 700.0
"""exp(+-700) is still a float; evidence beyond it means nothing more."""
ROUNDING = 1e-12
"""A sum of wealths this close to 1 is 1: only rounding can have moved it."""


def clip(log_value: npt.ArrayLike) -> FloatArray:
    """``log_value`` inside +-700."""
    return np.minimum(np.maximum(log_value, -LIMIT), LIMIT)


def log_sum(log_terms: FloatArray) -> FloatArray:
    """ln sum exp along the last axis; -inf for a sum of nothing.

    >>> float(log_sum(np.log([0.25, 0.5, 0.25])))
    0.0
    """
    top = log_terms.max(axis=-1, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(log_terms - safe).sum(axis=-1)) + safe[..., 0])


def log_add(left: FloatArray, right: FloatArray) -> FloatArray:
    """ln(exp left + exp right), elementwise; both may be -inf."""
    return np.logaddexp(left, right)


def settle(log_value: FloatArray) -> FloatArray:
    """``log_value`` clipped, with what only rounding separates from 0 put to exactly 0."""
    return np.where(np.abs(log_value) < ROUNDING, 0.0, clip(log_value))


def log_weighted_mean(log_values: npt.ArrayLike, weights: npt.ArrayLike) -> FloatArray:
    """ln of sum_j w_j exp(v_j) along the last axis; the weights are scaled to sum 1.

    >>> float(log_weighted_mean(np.log([30, 0.5, 0.2, 400]), [1, 1, 1, 1]).round(9))
    4.679117431
    """
    values = np.asarray(log_values, dtype=np.float64)
    share = np.asarray(weights, dtype=np.float64)
    with np.errstate(divide="ignore"):
        log_share = np.log(share / share.sum(axis=-1, keepdims=True))
    return settle(log_sum(values + log_share))
