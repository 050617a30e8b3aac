"""What is read in one go, whose it is, and which pods were in an arm when.

Values only; it must not know samples, arms or clocks. Called by `targets`, `coverage` and the
runtime, which sees pods come and go.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.ticks import Interval

_TARGET = re.compile(r'[,{](pod|instance|job)="([^"]*)"')


@functools.lru_cache(maxsize=1 << 16)
def target_of(key: str) -> str:
    """What is read in one go with this series: its pod and its instance."""
    return ",".join(f"{name}={value}" for name, value in _TARGET.findall(key))


@functools.lru_cache(maxsize=1 << 16)
def pod_of(target: str) -> str:
    """The pod of a target; empty where none is named."""
    return next((p[4:] for p in target.split(",") if p.startswith("pod=")), "")


@dataclass(frozen=True, slots=True)
class Presence:
    """When pods joined or left their arm while it was watched; others were there all the time.

    pods: those of the arm now. since_s: when watching began.
    """

    joined: Mapping[str, float] = field(default_factory=dict)
    left: Mapping[str, float] = field(default_factory=dict)
    pods: frozenset[str] = frozenset()
    since_s: float = -math.inf

    @property
    def members(self) -> frozenset[str]:
        """All pods that are or were in the arm while it was watched."""
        return self.pods | self.left.keys()

    def came_s(self, pod: str) -> float:
        """Since when a pod can be expected to show itself."""
        return max(self.since_s, self.joined.get(pod, -math.inf))

    def stays(self, target: str, interval: Interval) -> bool:
        """Whether a target had not left before the tick."""
        return self.left.get(pod_of(target), math.inf) > interval.start_s

    def concerns(self, pod: str, interval: Interval) -> bool:
        """Whether a pod can have served anything in the tick."""
        left_s = self.left.get(pod, math.inf)
        return self.joined.get(pod, -math.inf) < interval.end_s and left_s > interval.start_s
