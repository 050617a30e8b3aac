"""The backends of one HTTPRoute rule, and the weights that give the canary its share of it.

A rule's weights are the owner's, all multiplied by one whole number, so that every other backend
keeps its share exactly; the apex's part is then divided between apex and canary. Knows nothing of
annotations. Called by httproute.py; which rules there are is found by rules.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Annotated, Final

from msgspec import Meta

from controller.api.k8s import BackendRef
from controller.api.names import WEIGHT_SCALE

MOST: Final = 1_000_000
"""The largest weight that the Gateway API allows."""
COARSEST: Final = 100
"""Parts that the apex's weight must have at least: fewer cannot say one percent."""

Owners = tuple[tuple[str, Annotated[int, Meta(ge=0, le=MOST)]], ...]
"""The owner's backends of one rule in their order: identity and weight."""
Record = Mapping[int, Owners]
"""What is kept of the owner's weights, by index of the rule."""


@dataclass(frozen=True)
class Rule:
    """One rule that carries the apex, or did: the owner's backends and our canaries."""

    index: int
    refs: tuple[BackendRef, ...]
    apexes: tuple[int, ...]
    """Indexes into `refs`."""
    canary_of: Mapping[int, int]
    """Index of an apex -> index of its canary (same port)."""
    surplus: tuple[int, ...]
    """Canaries beyond one for each apex: never ours."""
    lost: tuple[int, ...]
    """Canaries whose apex somebody took out: they have to become the apex again."""
    owners: Owners
    recorded: bool
    """The owner's weights are those of the record; else they were derived from what is there."""
    replaced: bool = False
    """The owner put other backends where the apex was, and our canary stayed: it gets nothing any
    more. `apexes` then are what stands in the apex's place, if that can be told."""
    record: Owners = ()
    """What is to be kept on record for it, if not `owners`: the apex that was there."""

    @property
    def canaries(self) -> tuple[int, ...]:
        """Indexes of all canaries in the rule."""
        return tuple(sorted((*self.canary_of.values(), *self.surplus, *self.lost)))

    @property
    def share_pct(self) -> float:
        """Share of the apex's traffic that goes to the canary, in percent.

        Where the apex was replaced, of the traffic of what took its place.
        """
        canary = sum(self.refs[i].weight for i in self.canaries)
        beside = self.owned if self.replaced and not self.apexes else self.apexes
        both = canary + sum(self.refs[i].weight for i in beside)
        return 100 * canary / both if both else 0.0

    @property
    def others(self) -> tuple[int, ...]:
        """Indexes of the owner's other backends."""
        return tuple(i for i in self.owned if i not in self.apexes)

    @property
    def owned(self) -> tuple[int, ...]:
        """Indexes of the owner's backends; `owners` has their weights in the same order."""
        return tuple(i for i in range(len(self.refs)) if i not in self.canaries)


def identity(ref: BackendRef) -> str:
    """What tells a backend from another: `name:port`, with kind and namespace when unusual.

    >>> identity(BackendRef(name="checkout", port=80))
    'checkout:80'
    """
    kind = "" if (ref.group, ref.kind) == ("", "Service") else f"{ref.kind}.{ref.group}/"
    namespace = f"{ref.namespace}/" if ref.namespace else ""
    return f"{kind}{namespace}{ref.name}:{ref.port}"


def wanted_weights(rule: Rule, share_pct: float) -> dict[int, int]:
    """Weight of each backend by its index; the canary that an apex lacks is not among them."""
    base, factor = _scale(rule)
    share_pct = 0.0 if rule.replaced else share_pct
    weights = {i: w * factor for i, w in zip(rule.owned, base, strict=False)}
    for apex in rule.apexes:
        total = weights[apex]
        part = portion(total, share_pct)
        weights[apex] = total - part
        if apex in rule.canary_of:
            weights[rule.canary_of[apex]] = part
    for i, w in zip(rule.lost, base[len(rule.owned) :], strict=True):
        weights[i] = portion(w * factor, share_pct)
    return weights | dict.fromkeys(rule.surplus, 0)


def new_weights(rule: Rule, share_pct: float) -> list[tuple[int, bool, int]]:
    """Backends to append: (copied from this index, as a canary?, weight)."""
    if rule.replaced:
        return []
    base, factor = _scale(rule)
    totals = {i: w * factor for i, w in zip(rule.owned, base, strict=False)}
    missing = [i for i in rule.apexes if i not in rule.canary_of]
    canaries = [(i, True, portion(totals[i], share_pct)) for i in missing]
    lost = [
        (i, False, w * factor - portion(w * factor, share_pct))
        for i, w in zip(rule.lost, base[len(rule.owned) :], strict=True)
    ]
    return canaries + lost


def portion(total: int, share_pct: float) -> int:
    """The canary's part of a weight: never nothing of something, never all of less than 100%.

    >>> portion(10_000, 5), portion(10_000, 0.001), portion(10_000, 99.999), portion(0, 5)
    (500, 1, 9999, 0)
    """
    if share_pct <= 0 or total == 0:
        return 0
    if share_pct >= 100:
        return total
    return min(total - 1, max(1, round(total * share_pct / 100)))


def too_coarse(rule: Rule) -> bool:
    """Whether the owner's weights are so uneven that no percent of the apex can be said."""
    return any(0 < total < COARSEST for total in _apex_totals(rule))


def carries_traffic(rule: Rule) -> bool:
    """Whether the owner sends anything to the apex by this rule."""
    return any(_apex_totals(rule))


def _apex_totals(rule: Rule) -> list[int]:
    base, factor = _scale(rule)
    positions = [n for n, i in enumerate(rule.owned) if i in rule.apexes]
    positions += range(len(rule.owned), len(base))
    return [base[n] * factor for n in positions]


def _scale(rule: Rule) -> tuple[list[int], int]:
    """The owner's weights in lowest terms, and the whole number that all are multiplied by."""
    weights = [weight for _, weight in rule.owners]
    if rule.replaced and not rule.apexes:
        return weights, 1  # all of it is the owner's newest word
    common = reduce(gcd, weights, 0) or 1
    base = [weight // common for weight in weights]
    apexes = [n for n, i in enumerate(rule.owned) if i in rule.apexes]
    parts = [base[n] for n in (*apexes, *range(len(rule.owned), len(base))) if base[n]]
    if not parts:
        return base, 1
    enough = -(-WEIGHT_SCALE // min(parts))
    return base, max(1, min(enough, MOST // max(base)))
