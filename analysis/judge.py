"""What would Kayenta say? Its Mann-Whitney judge: labels, group scores, summary score.

For people who move from Kayenta and want to see both answers side by side; ours is ``release``.
It knows two lists of samples for each metric, and no time. When not to use: for a decision. It
is one look at autocorrelated samples, and its silence ("Pass") is not evidence of no harm.

Source: spinnaker/kayenta, classes MannWhitneyClassifier, WeightedSumScorer, IQRDetector
and Transforms (Apache-2.0); behaviour followed, not code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, number
from analysis.ranks import shift_interval
from analysis.ticks import FloatArray


class Label(StrEnum):
    """The four classifications."""

    PASS = "Pass"
    HIGH = "High"
    LOW = "Low"
    NODATA = "Nodata"


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """How one metric is judged; the defaults are Kayenta's.

    direction: which change is bad. nan: drop NaN samples, or put 0 in their place. outliers:
    keep, or remove beyond ``outlier_factor`` interquartile ranges (and the 1st and 99th
    percentile). tolerance: part of the estimated shift that the interval must clear.
    critical: a failure makes the summary 0. groups: which scores it counts in.
    """

    direction: Literal["increase", "decrease", "either"] = "either"
    nan: Literal["remove", "replace"] = "remove"
    outliers: Literal["keep", "remove"] = "keep"
    outlier_factor: float = 3.0
    confidence: float = 0.98
    tolerance: float = 0.25
    critical: bool = False
    groups: tuple[str, ...] = ("default",)

    def __post_init__(self) -> None:
        for name, allowed in (
            ("direction", ("increase", "decrease", "either")),
            ("nan", ("remove", "replace")),
            ("outliers", ("keep", "remove")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}; came {getattr(self, name)!r}")
        number(self.outlier_factor, "outlier_factor", above=0.0)
        number(self.tolerance, "tolerance", least=0.0)
        budget(self.confidence, "confidence")


def classify(
    baseline: npt.ArrayLike, canary: npt.ArrayLike, options: JudgeOptions | None = None
) -> Label:
    """Label one metric: High or Low if the interval of the shift clears the tolerance.

    baseline, canary: samples, NaN where a scrape gave none. Empty after cleaning: Nodata.
    Guarantee: none over time; one look at independent samples errs in about 2% (confidence).

    >>> classify([10, 11, 12, 10, 11, 12], [20, 21, 22, 20, 21, 22]).value
    'High'
    >>> classify([float("nan")], [1.0]).value
    'Nodata'
    """
    how = options or JudgeOptions()
    control, experiment = _cleaned(baseline, how), _cleaned(canary, how)
    if not control.size or not experiment.size:
        return Label.NODATA
    if np.unique(np.concatenate([control, experiment])).size == 1:
        return Label.PASS
    if np.array_equal(np.sort(control), np.sort(experiment)):
        return Label.PASS
    shift = shift_interval(experiment, control, confidence=how.confidence)
    bound = how.tolerance * abs(shift.estimate)
    if how.direction != "decrease" and shift.low > bound:
        return Label.HIGH
    if how.direction != "increase" and shift.high < -bound:
        return Label.LOW
    return Label.PASS


def _cleaned(samples: npt.ArrayLike, how: JudgeOptions) -> FloatArray:
    array = np.atleast_1d(np.asarray(samples, dtype=np.float64))
    absent = ~np.isfinite(array)
    array = array[~absent] if how.nan == "remove" else np.where(absent, 0.0, array)
    if how.outliers == "keep" or not array.size:
        return array
    p01, p25, p75, p99 = np.percentile(array, [1, 25, 75, 99])
    reach = how.outlier_factor * (p75 - p25)
    inside = (array >= min(p01, p25 - reach)) & (array <= max(p99, p75 + reach))
    return np.asarray(array[inside], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Labels by metric, scores by group in [0, 100], and their weighted sum in [0, 100]."""

    labels: Mapping[str, Label]
    groups: Mapping[str, float | None]
    score: float
    verdict: Literal["Pass", "Marginal", "Fail"]


def judge_samples(
    samples: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    options: Mapping[str, JudgeOptions] | None = None,
    *,
    group_weights: Mapping[str, float] | None = None,
    passing: float = 95.0,
    marginal: float = 75.0,
) -> Judgement:
    """Judge all metrics: (baseline, canary) samples by name.

    A group's score is the share of Pass among its labelled metrics, times 100; None if all are
    Nodata, which then adds nothing. group_weights: percent; groups without one share the rest
    equally. A critical metric that does not pass makes the score 0.

    >>> judge_samples({"latency": ([1, 2, 3, 4, 5, 6], [11, 12, 13, 14, 15, 16])}).verdict
    'Fail'
    """
    if not 0.0 <= marginal <= passing <= 100.0:
        raise ValueError(f"scores need 0 <= marginal <= passing <= 100; came {marginal}, {passing}")
    chosen = {name: (options or {}).get(name, JudgeOptions()) for name in samples}
    labels = {name: classify(*pair, chosen[name]) for name, pair in samples.items()}
    members: dict[str, list[Label]] = {}
    for name, label in labels.items():
        for group in chosen[name].groups:
            members.setdefault(group, []).append(label)
    groups = {group: group_score(found) for group, found in members.items()}
    failed = any(chosen[name].critical and label != Label.PASS for name, label in labels.items())
    score = 0.0 if failed else summary_score(groups, group_weights or {})
    verdict: Literal["Pass", "Marginal", "Fail"] = (
        "Pass" if score >= passing else "Marginal" if score >= marginal else "Fail"
    )
    return Judgement(labels, groups, score, verdict)


def group_score(labels: Sequence[Label]) -> float | None:
    """Share of Pass among Pass, High and Low, times 100; None where there are none.

    >>> group_score([Label.PASS, Label.HIGH, Label.NODATA])
    50.0
    """
    seen = Counter(labels)
    total = seen[Label.PASS] + seen[Label.HIGH] + seen[Label.LOW]
    return 100.0 * seen[Label.PASS] / total if total else None


def summary_score(groups: Mapping[str, float | None], weights: Mapping[str, float]) -> float:
    """Weighted sum of group scores; weights in percent.

    >>> summary_score({"a": 100.0, "b": 50.0}, {"a": 60.0})
    80.0
    """
    if not all(0.0 <= weight <= 100.0 for weight in weights.values()):
        raise ValueError(f"group weights are percent in [0, 100]; came {dict(weights)}")
    left = [group for group in groups if group not in weights]
    rest = (100.0 - sum(weights.values())) / len(left) if left else 0.0
    return sum(
        score * weights.get(group, rest) / 100.0
        for group, score in groups.items()
        if score is not None
    )
