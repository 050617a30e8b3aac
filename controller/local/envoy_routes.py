"""HTTPRoutes -> Envoy's virtual hosts, and what was wrong with each route.

Pure: it knows the Gateway API's rules of matching and precedence and Envoy's words for them. What
it cannot serve (another filter, another backend kind) becomes a problem that the gateway writes
into the route's status. A backend that cannot be resolved keeps its weight and answers 500, as the
Gateway API asks. Called by `gateway`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from controller.api.k8s import BackendRef, HTTPRoute, RouteRule

Json = Mapping[str, Any]

UNRESOLVED: Final = "unresolved"
"""A cluster that never exists: the share of a backend that cannot be resolved."""
_OLDEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_DEFAULT_MATCH: Final[Json] = {"path": {"type": "PathPrefix", "value": "/"}}


@dataclass(frozen=True)
class Problem:
    """Why a part of a route is not served as written: a condition's reason and message."""

    reason: str
    message: str


Resolve = Callable[[HTTPRoute, BackendRef], "str | Problem"]
"""Cluster name of a backend of a route, or why there is none."""


@dataclass(frozen=True)
class Entry:
    """One match of one rule in Envoy's words; the smaller rank is tried first."""

    rank: tuple[Any, ...]
    route: Json


@dataclass(frozen=True)
class Served:
    """How one route is served: its part of Envoy's routes and what is wrong with it."""

    route: HTTPRoute
    entries: tuple[Entry, ...]
    unsupported: tuple[Problem, ...]
    unresolved: tuple[Problem, ...]


def virtual_hosts(served: Iterable[Served]) -> tuple[Json, ...]:
    """All routes together: the most specific match wins, then the older route, then its name."""
    hosts: dict[str, list[Entry]] = {}
    for one in served:
        for host in one.route.spec.hostnames or ("*",):
            hosts.setdefault(host, []).extend(one.entries)
    return tuple(
        {
            "name": host,
            "domains": [host],
            "routes": [entry.route for entry in sorted(hosts[host], key=lambda one: one.rank)],
        }
        for host in sorted(hosts)
    )


def serve(route: HTTPRoute, resolve: Resolve) -> Served:
    """One route. A rule with a filter or match that we do not know is left out and named."""
    entries: list[Entry] = []
    unsupported: list[Problem] = []
    unresolved: list[Problem] = []
    for index, rule in enumerate(route.spec.rules):
        try:
            headers = _header_changes(rule.filters, f"spec.rules[{index}].filters")
            action, missing = _action(route, rule, index, resolve)
            matches = [_match(match) for match in rule.matches or (_DEFAULT_MATCH,)]
        except _UnsupportedError as problem:
            unsupported.append(Problem("UnsupportedValue", str(problem)))
            continue
        unresolved.extend(missing)
        entries.extend(
            Entry((*rank, *_seniority(route), index), {"match": match, **action, **headers})
            for rank, match in matches
        )
    return Served(route, tuple(entries), tuple(unsupported), tuple(unresolved))


class _UnsupportedError(Exception):
    """A field whose value this gateway does not serve; the text names both."""


def _seniority(route: HTTPRoute) -> tuple[datetime, str]:
    return route.metadata.creation_timestamp or _OLDEST, str(route.key)


def _action(
    route: HTTPRoute, rule: RouteRule, index: int, resolve: Resolve
) -> tuple[Json, list[Problem]]:
    """Where the requests of a rule go, weights as given."""
    problems: list[Problem] = []
    clusters: list[Json] = []
    for place, ref in enumerate(rule.backend_refs):
        cluster = resolve(route, ref)
        if isinstance(cluster, Problem):
            problems.append(cluster)
            cluster = UNRESOLVED
        headers = _header_changes(ref.filters, f"spec.rules[{index}].backendRefs[{place}].filters")
        clusters.append({"name": cluster, "weight": ref.weight, **headers})
    if not any(one["weight"] for one in clusters):
        return {"direct_response": {"status": 500}}, problems
    action = {
        "weighted_clusters": {"clusters": clusters},
        "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR",
    }
    return {"route": action}, problems


def _match(match: Json) -> tuple[tuple[Any, ...], Json]:
    """Rank and Envoy's match: exact path, longest prefix, method, headers, then parameters."""
    path_rank, path = _path(match.get("path") or _DEFAULT_MATCH["path"])
    headers = [_named(one) for one in match.get("headers", ())]
    parameters = [_named(one) for one in match.get("queryParams", ())]
    method = match.get("method")
    rank = (*path_rank, not method, -len(headers), -len(parameters))
    if method:
        headers = [*headers, {"name": ":method", "string_match": {"exact": method}}]
    envoy = dict(path)
    if headers:
        envoy["headers"] = headers
    if parameters:
        envoy["query_parameters"] = parameters
    return rank, envoy


def _path(path: Json) -> tuple[tuple[int, int], Json]:
    kind, value = path.get("type", "PathPrefix"), str(path.get("value", "/"))
    match kind:
        case "Exact":
            return (0, -len(value)), {"path": value}
        case "PathPrefix":
            prefix = value.rstrip("/")
            if not prefix:
                return (2, 0), {"prefix": "/"}
            return (2, -len(prefix)), {"path_separated_prefix": prefix}
        case "RegularExpression":
            return (1, -len(value)), {"safe_regex": {"regex": value}}
    raise _UnsupportedError(f"path match of type {kind}")


def _named(match: Json) -> Json:
    """A header or query parameter match."""
    name, kind, value = match.get("name"), match.get("type", "Exact"), match.get("value", "")
    if not name:
        raise _UnsupportedError("a match without a name")
    match kind:
        case "Exact":
            return {"name": name, "string_match": {"exact": value}}
        case "RegularExpression":
            return {"name": name, "string_match": {"safe_regex": {"regex": value}}}
    raise _UnsupportedError(f"match of {name} of type {kind}")


def _header_changes(filters: Sequence[Json], where: str) -> Json:
    """The header modifiers among `filters`; any other filter is refused."""
    changes: dict[str, Any] = {}
    for one in filters:
        match one.get("type"):
            case "RequestHeaderModifier":
                changes |= _modified("request", one.get("requestHeaderModifier") or {})
            case "ResponseHeaderModifier":
                changes |= _modified("response", one.get("responseHeaderModifier") or {})
            case other:
                raise _UnsupportedError(f"{where}: {other}; served are header modifiers")
    return changes


def _modified(side: str, modifier: Json) -> Json:
    added = [_header(one, "OVERWRITE_IF_EXISTS_OR_ADD") for one in modifier.get("set", ())]
    added += [_header(one, "APPEND_IF_EXISTS_OR_ADD") for one in modifier.get("add", ())]
    removed = list(modifier.get("remove", ()))
    changes: dict[str, Any] = {}
    if added:
        changes[f"{side}_headers_to_add"] = added
    if removed:
        changes[f"{side}_headers_to_remove"] = removed
    return changes


def _header(header: Json, action: str) -> Json:
    return {
        "header": {"key": header.get("name", ""), "value": header.get("value", "")},
        "append_action": action,
    }
