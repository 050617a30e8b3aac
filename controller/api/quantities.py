"""What a duration, a percentage or a tolerated harm means as a number.

Pure, and strict: what is not understood is a `ValueError` whose text says what came and what is
allowed. Called by validation, by whoever turns a spec into an analysis, and by the command line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from controller.api.template import Tolerance

Harm = Literal["Decrease", "Increase", "Both"]

DURATION_ALLOWED: Final = "must be a duration such as 500ms, 30s, 10m, 1h30m or 2d"
PERCENT_ALLOWED: Final = "must be a percentage such as 5% or 0.05%"
DEGRADATION_ALLOWED: Final = (
    "must be a percentage such as 1%, or a mapping such as {ratio: 1.1, difference: 0.05%}"
)
MOST_PERCENT: Final = 1_000_000.0
RATIOS: Final = (1e-6, 1e6)
"""What a ratio may be; beyond it nothing is left of a double's digits, or of a sense."""

_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")


def parse_duration(text: str) -> timedelta:
    """The length of `text`, as `1h30m` or `500ms`.

    Parts are added up in any order. ValueError when it is not a duration, or more than 10,000 days.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if not isinstance(text, str) or _WHOLE.fullmatch(text) is None:
        raise ValueError(f"got {text!r}, {DURATION_ALLOWED}")
    seconds = sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(text))
    if seconds > 10_000 * 86400.0:
        raise ValueError(f"got {text!r}, must be at most 10000d")
    return timedelta(seconds=seconds)


def format_duration(length: timedelta) -> str:
    """The shortest text that `parse_duration` reads back, to the millisecond.

    >>> format_duration(timedelta(seconds=5400))
    '1h30m'
    """
    rest_ms = round(length.total_seconds() * 1000)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest_ms = divmod(rest_ms, round(_UNIT_S[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_percent(text: str) -> float:
    """The share that `text` names, as 0.05 for `5%`. ValueError when it is not a percentage, or
    too large for one.

    >>> parse_percent("0.5%")
    0.005
    """
    match = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"got {text!r}, {PERCENT_ALLOWED}")
    percent = float(match[1])
    if percent > MOST_PERCENT:
        raise ValueError(f"got {text!r}, must be at most {MOST_PERCENT:.0f}%")
    return percent / 100


@dataclass(frozen=True)
class Degradation:
    """How far a metric may move before it counts, in each direction that is harm.

    `low` is the smallest canary rate over the stable rate that still passes (None: a decrease is no
    harm), `high` the largest (None: an increase is no harm); `difference` is in shares of the
    exposures and passes as well (0: no such allowance). With a difference alone the ratio is 1.
    """

    low: float | None = None
    high: float | None = None
    difference: float = 0.0


def parse_degradation(value: str | Tolerance | None, harm: Harm) -> Degradation:
    """What `tolerated` or one entry of `margin` means for a metric with this `harm`.

    `1%` is a ratio of 0.99 for a decrease and of 1.01 for an increase. A ratio for `Both` is
    mirrored: 1.25 allows 0.8 to 1.25. None tolerates nothing. ValueError says what is wrong.
    """
    if value is None:
        return _within(1.0, 1.0, 0.0, harm)
    if isinstance(value, str):
        return _of_percent(value, harm)
    if value.ratio is None and value.difference is None:
        raise ValueError(f"got neither ratio nor difference, {DEGRADATION_ALLOWED}")
    difference = 0.0 if value.difference is None else parse_percent(value.difference)
    ratio = 1.0 if value.ratio is None else value.ratio
    if not RATIOS[0] <= ratio <= RATIOS[1]:
        raise ValueError(f"got ratio {ratio:g}, must be from {RATIOS[0]:f} to {RATIOS[1]:.0f}")
    if harm == "Decrease" and ratio > 1:
        raise ValueError(f"got ratio {ratio:g}, must be at most 1 as a decrease is the harm")
    if harm == "Increase" and ratio < 1:
        raise ValueError(f"got ratio {ratio:g}, must be at least 1 as an increase is the harm")
    inside = min(ratio, 1 / ratio)
    return _within(inside, 1 / inside if harm == "Both" else ratio, difference, harm)


def _of_percent(text: str, harm: Harm) -> Degradation:
    share = parse_percent(text)
    if share >= 1 and harm != "Increase":
        raise ValueError(f"got {text!r}, must be under 100% as a decrease is harm")
    return _within(1 - share, 1 + share, 0.0, harm)


def _within(low: float, high: float, difference: float, harm: Harm) -> Degradation:
    return Degradation(
        low=None if harm == "Increase" else low,
        high=None if harm == "Decrease" else high,
        difference=difference,
    )
