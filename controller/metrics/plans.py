"""What a release is judged by, or why nothing can judge it. Values only.

Made by `judging` out of a Rollout and its templates; read by the sampler, which asks the questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.release import ReleaseSpec
from controller.api.meta import Key
from controller.api.problems import Problem
from controller.metrics.port import Provider, Role


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a template, with its placeholders still open."""

    metric: str
    role: Role
    query: str


@dataclass(frozen=True)
class Source:
    """One provider with its settings, and all that one template asks of it."""

    template: str
    provider: Provider
    spec: Any
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Plan:
    """How one release is judged. `weights_pct` is the ladder; the watch is one step more.

    slo_s: latency objective by metric, for those that read a histogram.
    """

    release: ReleaseSpec
    sources: tuple[Source, ...]
    weights_pct: tuple[float, ...]
    slo_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def tick_s(self) -> float:
        """Width of one look, in seconds."""
        return self.release.tick_s


@dataclass(frozen=True)
class Refusal:
    """A problem and the object that it is about."""

    kind: str
    key: Key
    problem: Problem

    def __str__(self) -> str:
        return self.problem.of(self.kind, self.key)


@dataclass(frozen=True)
class Problems:
    """Why there is no plan; never empty."""

    problems: tuple[Refusal, ...]

    def __str__(self) -> str:
        return "; ".join(str(one) for one in self.problems)
