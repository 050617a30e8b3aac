"""The backends of one HTTPRoute rule: whose they are, and the weights that give the canary a share.

A rule's weights are the owner's, all multiplied by one whole number, so that every other backend
keeps its share exactly; the apex's part is then divided between apex and canary. Knows nothing of
annotations but the record of the owner's weights that it is given. Called by httproute.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from controller.api.k8s import BackendRef, HTTPRoute
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
    """One rule that carries the apex, seen as the owner's backends and our canaries."""

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

    @property
    def canaries(self) -> tuple[int, ...]:
        """Indexes of all canaries in the rule."""
        return tuple(sorted((*self.canary_of.values(), *self.surplus, *self.lost)))

    @property
    def share_pct(self) -> float:
        """Share of the apex's traffic that goes to the canary, in percent."""
        canary = sum(self.refs[i].weight for i in self.canaries)
        both = canary + sum(self.refs[i].weight for i in self.apexes)
        return 100 * canary / both if both else 0.0

    @property
    def others(self) -> tuple[int, ...]:
        """Indexes of the owner's other backends."""
        return tuple(i for i in self.owned if i not in self.apexes)

    @property
    def owned(self) -> tuple[int, ...]:
        """Indexes of the owner's backends; `owners` has their weights in the same order."""
        return tuple(i for i in range(len(self.refs)) if i not in self.canaries)


def rules_of(route: HTTPRoute, apex: str, canary: str, record: Record) -> tuple[Rule, ...]:
    """The rules that carry the apex; others, and rules for the canary alone, are the owner's."""
    found = (_rule(route, i, apex, canary, record) for i in range(len(route.spec.rules)))
    return tuple(rule for rule in found if rule is not None)


def _rule(route: HTTPRoute, index: int, apex: str, canary: str, record: Record) -> Rule | None:
    refs = route.spec.rules[index].backend_refs
    apexes = _named(refs, apex, route.namespace)
    canaries = _named(refs, canary, route.namespace)
    rest = tuple(identity(ref) for i, ref in enumerate(refs) if i not in canaries)
    was = _without_apex(record.get(index, ()), apex)
    if not apexes and not (canaries and was is not None and was[0] == rest):
        return None
    canary_of, left = _pairs(refs, apexes, canaries)
    rule = Rule(
        index=index,
        refs=refs,
        apexes=apexes,
        canary_of=canary_of,
        surplus=left if apexes else (),
        lost=() if apexes else left,
        owners=_derived(refs, canaries, canary_of, () if apexes else left, apex),
        recorded=False,
    )
    kept = _kept(record, index, rest) if apexes else was and was[1]
    return _from_record(rule, kept) if kept and len(kept) == len(rule.owners) else rule


def _from_record(rule: Rule, kept: Owners) -> Rule:
    recorded = replace(rule, owners=kept, recorded=True)
    if rule.canaries:
        return recorded
    # The canary is gone from the rule. Either the owner wrote his own weights again, and they are
    # his newest word, or only the canary was taken out and the weights still are our multiples.
    weights = wanted_weights(recorded, 0)
    multiples = all(rule.refs[i].weight == weights[i] for i in rule.others)
    return recorded if multiples else rule


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
    common = reduce(gcd, weights, 0) or 1
    base = [weight // common for weight in weights]
    apexes = [n for n, i in enumerate(rule.owned) if i in rule.apexes]
    parts = [base[n] for n in (*apexes, *range(len(rule.owned), len(base))) if base[n]]
    if not parts:
        return base, 1
    enough = -(-WEIGHT_SCALE // min(parts))
    return base, max(1, min(enough, MOST // max(base)))


def _named(refs: Sequence[BackendRef], name: str, namespace: str) -> tuple[int, ...]:
    return tuple(
        i
        for i, ref in enumerate(refs)
        if (ref.name, ref.kind, ref.group) == (name, "Service", "")
        and ref.namespace in ("", namespace)
    )


def _without_apex(kept: Owners, apex: str) -> tuple[tuple[str, ...], Owners] | None:
    """What a rule looks like after its apex was taken out, and its weights with the apex last."""
    ours = tuple(pair for pair in kept if pair[0].rpartition(":")[0].rpartition("/")[2] == apex)
    others = tuple(pair for pair in kept if pair not in ours)
    return (tuple(who for who, _ in others), others + ours) if ours else None


def _pairs(
    refs: Sequence[BackendRef], apexes: Sequence[int], canaries: Sequence[int]
) -> tuple[dict[int, int], tuple[int, ...]]:
    """Each apex with the canary on its port, and the canaries left over."""
    waiting = defaultdict(list)
    for i in canaries:
        waiting[refs[i].port].append(i)
    pairs = {i: waiting[refs[i].port].pop(0) for i in apexes if waiting[refs[i].port]}
    return pairs, tuple(sorted(i for left in waiting.values() for i in left))


def _derived(
    refs: Sequence[BackendRef],
    canaries: Sequence[int],
    canary_of: Mapping[int, int],
    lost: Sequence[int],
    apex: str,
) -> Owners:
    """The owner's weights as far as the present ones tell: apex and canary together."""
    owners = []
    for i, ref in enumerate(refs):
        if i not in canaries:
            together = refs[canary_of[i]].weight if i in canary_of else 0
            owners.append((identity(ref), ref.weight + together))
    owners += [
        (identity(msgspec.structs.replace(refs[i], name=apex)), refs[i].weight) for i in lost
    ]
    return tuple(owners)


def _kept(record: Record, index: int, identities: tuple[str, ...]) -> Owners | None:
    """The record of a rule with these backends: at its index, or where it was before a move."""
    here = _in_order(record.get(index, ()), identities)
    if here is not None:
        return here
    elsewhere = {_in_order(owners, identities) for owners in record.values()} - {None}
    return elsewhere.pop() if len(elsewhere) == 1 else None


def _in_order(owners: Owners, identities: tuple[str, ...]) -> Owners | None:
    """The recorded backends in the order in which they stand now; None if they are others."""
    if sorted(who for who, _ in owners) != sorted(identities):
        return None
    waiting = list(owners)
    ordered = []
    for who in identities:
        found = next(pair for pair in waiting if pair[0] == who)
        waiting.remove(found)
        ordered.append(found)
    return tuple(ordered)
