"""Gateway API HTTPRoute: the canary beside the apex in every rule that names it.

`rules` is one atomic list to the API server, so it is patched member by member, and each patch
tests the names at the indexes that it touches. The owner's weights, and the share that we wrote
last, are kept in an annotation in the same patch. Found by entry point, called by `port.Router`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from controller.api import names
from controller.api.k8s import BackendRef, HTTPRoute
from controller.api.patch import (
    Ops,
    add,
    drop_annotations,
    expect,
    expect_annotation,
    remove,
    set_annotations,
)
from controller.api.problems import Problem
from controller.api.resources import HTTP_ROUTES, Resource
from controller.routers.backends import (
    Owners,
    Record,
    Rule,
    carries_traffic,
    new_weights,
    too_coarse,
    wanted_weights,
)
from controller.routers.gateway import unaccepted, unresolved
from controller.routers.port import Router, RouteView
from controller.routers.rules import NO_RECORD, rules_of


class _Kept(msgspec.Struct, frozen=True):
    """The annotation: the share written last, and the owner's backends by index of the rule."""

    share: Annotated[float, Meta(ge=0, le=100)] = 0.0
    rules: dict[Annotated[int, Meta(ge=0)], Owners] = msgspec.field(default_factory=dict)


def read(route: HTTPRoute, apex: str, canary: str) -> RouteView:
    """What the route says about the canary, and whether its router has taken it up."""
    kept = _kept(route)
    rules = rules_of(route, apex, canary, _known(route, kept))
    ours = any(rule.canaries for rule in rules)
    shared = any(rule.canaries and not rule.replaced for rule in rules)
    share = max((rule.share_pct for rule in rules), default=0.0)
    if kept is None:
        foreign = ours
    else:
        foreign = any(_rule_ops(rule, canary, apex, kept.share) for rule in rules)
    waiting_for = unaccepted(route)
    aborted_for = route.metadata.annotations.get(names.ABORTED_ANNOTATION, "")
    return RouteView(
        # As it was asked for, not as it was rounded: the caller compares it with what he wants.
        weight_pct=kept.share if kept and not foreign and shared else share,
        carries=any(not rule.replaced for rule in rules),
        in_force=not waiting_for,
        waiting_for=waiting_for,
        aborted_for=aborted_for,
        foreign=foreign,
        managed=ours or _annotated(route) or bool(aborted_for),
        unclaimed=ours and not _annotated(route) and not aborted_for,
        unresolved=unresolved(route, canary) if ours else "",
        problems=_problems(route, rules, apex),
    )


def desired(
    route: HTTPRoute, apex: str, canary: str, weight_pct: float, aborted: str | None = None
) -> Ops:
    """The patch that gives the canary this share of what the owner sends to the apex.

    A share over 0 also tests that the containment mark is what was read: a raise that was decided
    before somebody's containment is refused by the server, however late it arrives.
    """
    kept = _kept(route)
    rules = rules_of(route, apex, canary, _known(route, kept))
    operations: Ops = []
    for rule in rules:
        operations += _rule_ops(rule, canary, apex, weight_pct)
    marks = {} if aborted is None else {names.ABORTED_ANNOTATION: aborted}
    if weight_pct > 0 or any(rule.canaries for rule in rules):
        marks[names.ROUTE_ORIGINAL_ANNOTATION] = _record(rules, weight_pct)
    operations += set_annotations(route, marks)
    if operations and weight_pct > 0:
        return [expect_annotation(route, names.ABORTED_ANNOTATION), *operations]
    return operations


def restore(route: HTTPRoute, apex: str, canary: str, *, clear_aborted: bool = False) -> Ops:
    """The patch that puts the owner's weights back and takes the canary out."""
    kept = _kept(route)
    operations: Ops = []
    for rule in rules_of(route, apex, canary, _known(route, kept)):
        operations += _restore_ops(rule, apex)
    ours = [names.ROUTE_ORIGINAL_ANNOTATION]
    if clear_aborted:
        ours.append(names.ABORTED_ANNOTATION)
    return operations + drop_annotations(route, *ours)


def _rule_ops(rule: Rule, canary: str, apex: str, share_pct: float) -> Ops:
    """What makes one rule so; nothing for a rule without canary while the share is 0."""
    if share_pct <= 0 and not rule.canaries:
        return []
    writes: Ops = []
    touched = set()
    for i, weight in sorted(wanted_weights(rule, share_pct).items()):
        if rule.refs[i].weight != weight:
            touched.add(i)
            writes.append(add(weight, *_at(rule, i), "weight"))
    for of, mine in rule.canary_of.items():
        if rule.refs[of].filters != rule.refs[mine].filters:
            touched |= {of, mine}
            writes.append(add(list(rule.refs[of].filters), *_at(rule, mine), "filters"))
    for of, as_canary, weight in new_weights(rule, share_pct):
        touched.add(of)
        body = _backend(rule.refs[of], canary if as_canary else apex, weight)
        writes.append(add(body, *_at(rule, "-")))
    return [_same_name(rule, i) for i in sorted(touched)] + writes


def _restore_ops(rule: Rule, apex: str) -> Ops:
    if not rule.canaries and not rule.recorded:
        return []
    writes: Ops = []
    touched = set(rule.canaries)
    positions = (*rule.owned, *rule.lost)
    for i, (_, weight) in zip(positions, rule.owners, strict=True):
        if rule.refs[i].weight != weight:
            touched.add(i)
            writes.append(add(weight, *_at(rule, i), "weight"))
    writes += [add(apex, *_at(rule, i), "name") for i in rule.lost]
    # From the end, so that no removal shifts an index that is still to be used.
    gone = sorted(set(rule.canaries) - set(rule.lost), reverse=True)
    writes += [remove(*_at(rule, i)) for i in gone]
    return [_same_name(rule, i) for i in sorted(touched)] + writes


def _at(rule: Rule, backend: int | str) -> tuple[str | int, ...]:
    return ("spec", "rules", rule.index, "backendRefs", backend)


def _same_name(rule: Rule, backend: int) -> Mapping[str, Any]:
    return expect(rule.refs[backend].name, *_at(rule, backend), "name")


def _backend(ref: BackendRef, name: str, weight: int) -> dict[str, Any]:
    """A backend like `ref` under another name; the server fills in the rest."""
    body = msgspec.json.decode(msgspec.json.encode(ref))
    return {**body, "name": name, "weight": weight}


def _kept(route: HTTPRoute) -> _Kept | None:
    """Our record; None when there is none, or when somebody made it unreadable."""
    text = route.metadata.annotations.get(names.ROUTE_ORIGINAL_ANNOTATION)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=_Kept)
    except (msgspec.DecodeError, RecursionError):
        return None


def _known(route: HTTPRoute, kept: _Kept | None) -> Record | None:
    """The owner's weights by rule; None where they were kept and cannot be read any more."""
    if kept is not None:
        return kept.rules
    return None if _annotated(route) else NO_RECORD


def _record(rules: tuple[Rule, ...], share_pct: float) -> str:
    kept = _Kept(share=share_pct, rules={r.index: r.record or r.owners for r in rules})
    return msgspec.json.encode(kept).decode()


def _annotated(route: HTTPRoute) -> bool:
    return names.ROUTE_ORIGINAL_ANNOTATION in route.metadata.annotations


def _problems(route: HTTPRoute, rules: tuple[Rule, ...], apex: str) -> tuple[Problem, ...]:
    carrying = [rule for rule in rules if not rule.replaced]
    if not carrying:
        named = {ref.name for rule in route.spec.rules for ref in rule.backend_refs}
        got = ", ".join(sorted(named)) or "no backends"
        return (Problem("spec.rules[*].backendRefs", got, f"must name the Service {apex}"),)
    if not any(carries_traffic(rule) for rule in carrying):
        where = f"spec.rules[{carrying[0].index}].backendRefs"
        return (Problem(where, f"weight 0 for {apex}", "must send it some traffic to share"),)
    return tuple(
        Problem(
            f"spec.rules[{rule.index}].backendRefs",
            "weights " + ", ".join(f"{who}={weight}" for who, weight in rule.owners),
            f"must be less uneven: within 1000000 no percent of {apex} can be said",
        )
        for rule in carrying
        if too_coarse(rule)
    )


class _HTTPRoutes:
    """The plug-in."""

    kind: str = "HTTPRoute"
    resource: Resource[HTTPRoute] = HTTP_ROUTES
    read = staticmethod(read)
    desired = staticmethod(desired)
    restore = staticmethod(restore)


ROUTER: Final[Router[HTTPRoute]] = _HTTPRoutes()
