"""Which rules of an HTTPRoute are shared with the canary, and whose each of their backends is.

A rule carries the apex, or it did when we put a canary there: our record says so. A canary in such
a rule is ours whatever stands beside it by now, or it would keep its traffic when it is taken back.
Knows nothing of weights that are wanted. Called by httproute.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from controller.api.k8s import BackendRef, HTTPRoute
from controller.routers.backends import MOST, Owners, Record, Rule, identity, wanted_weights

NO_RECORD: Final[Record] = {}


@dataclass(frozen=True)
class _Sight:
    """One rule as it stands: indexes of the apexes, of the canaries, and who else is there."""

    index: int
    refs: tuple[BackendRef, ...]
    apexes: tuple[int, ...]
    canaries: tuple[int, ...]

    @property
    def rest(self) -> tuple[str, ...]:
        """The owner's backends: all but the canaries."""
        return tuple(identity(r) for i, r in enumerate(self.refs) if i not in self.canaries)


def rules_of(route: HTTPRoute, apex: str, canary: str, record: Record | None) -> tuple[Rule, ...]:
    """The rules that carry the apex, and those whose apex was taken out beside our canary.

    Others, and rules of the owner's own for the canary, are not among them. `record` is None where
    there was one that cannot be read any more.
    """
    sights = [_sight(route, i, apex, canary) for i in range(len(route.spec.rules))]
    known = record or NO_RECORD
    lost = record is None or _some_lost(sights, record)
    found = []
    for sight in sights:
        if sight.apexes:
            found.append(_shared(sight, apex, known))
        elif sight.canaries and lost and _put_by_us(sight, record):
            found.append(_without_its_apex(sight, apex, known.get(sight.index, ())))
    return tuple(found)


def _sight(route: HTTPRoute, index: int, apex: str, canary: str) -> _Sight:
    refs = route.spec.rules[index].backend_refs
    space = route.namespace
    return _Sight(index, refs, _named(refs, apex, space), _named(refs, canary, space))


def _shared(sight: _Sight, apex: str, record: Record) -> Rule:
    """A rule with the apex in it."""
    canary_of, left = _pairs(sight.refs, sight.apexes, sight.canaries)
    rule = Rule(
        index=sight.index,
        refs=sight.refs,
        apexes=sight.apexes,
        canary_of=canary_of,
        surplus=left,
        lost=(),
        owners=_derived(sight, canary_of, (), apex),
        recorded=False,
    )
    return _from_record(rule, _kept(record, sight.index, sight.rest))


def _from_record(rule: Rule, kept: Owners | None) -> Rule:
    if not kept or len(kept) != len(rule.owners):
        return rule
    recorded = replace(rule, owners=kept, recorded=True)
    if rule.canaries:
        return recorded
    # The canary is gone from the rule. Either the owner wrote his own weights again, and they are
    # his newest word, or only the canary was taken out and the weights still are our multiples.
    weights = wanted_weights(recorded, 0)
    multiples = all(rule.refs[i].weight == weights[i] for i in rule.others)
    return recorded if multiples else rule


# -- rules whose apex is gone ---------------------------------------------------------------------


def _some_lost(sights: Sequence[_Sight], record: Record) -> bool:
    """Whether more rules are on record than carry the apex: counted, as rules may have moved.

    A rule that the owner added in mid-run has no canary of ours, and stands for none of them.
    """
    standing = sum(1 for s in sights if s.apexes and (s.canaries or s.index in record))
    return standing < len(record)


def _put_by_us(sight: _Sight, record: Record | None) -> bool:
    """Whether a canary without apex is one of ours, once some rule has lost its apex.

    At another place than recorded, or with the record spoilt, a rule for the canary alone that says
    no weight is the owner's own, for his testers.
    """
    weighed = any(sight.refs[i].weight != 1 for i in sight.canaries)
    return bool(sight.rest) or weighed or (record is not None and sight.index in record)


def _without_its_apex(sight: _Sight, apex: str, kept: Owners) -> Rule:
    """What becomes of the canary's traffic: what took the apex's place gets it, else what stands
    beside; where nothing does, the canary has to become the apex again."""
    rule = Rule(
        index=sight.index,
        refs=sight.refs,
        apexes=(),
        canary_of={},
        surplus=(),
        lost=sight.canaries,
        owners=_derived(sight, {}, sight.canaries, apex),
        recorded=False,
    )
    was = _without_apex(kept, apex)
    if was is not None and was[0] == sight.rest:
        return _from_record(rule, was[1])
    if (exchanged := _exchanged(sight, apex, kept)) is not None:
        return exchanged
    if not any(ref.weight for i, ref in enumerate(sight.refs) if i not in sight.canaries):
        apexes = tuple(pair for pair in kept if _is_of(pair[0], apex))
        known = len(apexes) == len(sight.canaries)
        return replace(rule, owners=rule.owners[: len(sight.rest)] + apexes) if known else rule
    owners = _derived(sight, {}, (), apex)
    return replace(
        rule, surplus=sight.canaries, lost=(), owners=owners, replaced=True, record=kept or owners
    )


def _exchanged(sight: _Sight, apex: str, kept: Owners) -> Rule | None:
    """The rule in which one backend, new to it, stands for the apex: it has the apex's weights."""
    ours = [who for who, _ in kept if _is_of(who, apex)]
    others = [who for who, _ in kept if not _is_of(who, apex)]
    new = [who for who in sight.rest if who not in others]
    if len(ours) != 1 or len(new) != 1:
        return None
    named = tuple((new[0] if who == ours[0] else who, weight) for who, weight in kept)
    owners = _in_order(named, sight.rest)
    if owners is None:
        return None
    place = next(i for i, ref in enumerate(sight.refs) if identity(ref) == new[0])
    canary_of, left = _pairs(sight.refs, (place,), sight.canaries)
    return Rule(
        index=sight.index,
        refs=sight.refs,
        apexes=(place,),
        canary_of=canary_of,
        surplus=left,
        lost=(),
        owners=owners,
        recorded=True,
        replaced=True,
        record=kept,
    )


def _without_apex(kept: Owners, apex: str) -> tuple[tuple[str, ...], Owners] | None:
    """What a rule looks like after its apex was taken out, and its weights with the apex last."""
    ours = tuple(pair for pair in kept if _is_of(pair[0], apex))
    others = tuple(pair for pair in kept if pair not in ours)
    return (tuple(who for who, _ in others), others + ours) if ours else None


def _is_of(who: str, service: str) -> bool:
    return who.rpartition(":")[0].rpartition("/")[2] == service


# -- what the weights tell ------------------------------------------------------------------------


def _named(refs: Sequence[BackendRef], name: str, namespace: str) -> tuple[int, ...]:
    return tuple(
        i
        for i, ref in enumerate(refs)
        if (ref.name, ref.kind, ref.group) == (name, "Service", "")
        and ref.namespace in ("", namespace)
    )


def _pairs(
    refs: Sequence[BackendRef], apexes: Sequence[int], canaries: Sequence[int]
) -> tuple[dict[int, int], tuple[int, ...]]:
    """Each apex with the canary on its port, and the canaries left over."""
    waiting = defaultdict(list)
    for i in canaries:
        waiting[refs[i].port].append(i)
    pairs = {i: waiting[refs[i].port].pop(0) for i in apexes if waiting[refs[i].port]}
    return pairs, tuple(sorted(i for left in waiting.values() for i in left))


def _derived(sight: _Sight, canary_of: Mapping[int, int], lost: Sequence[int], apex: str) -> Owners:
    """The owner's weights as far as the present ones tell: apex and canary together."""
    refs, owners = sight.refs, []
    for i, ref in enumerate(refs):
        if i not in sight.canaries:
            together = refs[canary_of[i]].weight if i in canary_of else 0
            owners.append((identity(ref), min(MOST, ref.weight + together)))
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
