"""What the operator asked of an API server, by the server's own audit log.

The server writes one line for each request with its user, verb, object and address, so that the
probe's dry-run is told apart from any other patch of a Deployment. Used by `idle`; it starts
nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from controller.api import names

POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "users": [names.OPERATOR_ACCOUNT, names.PROBE_ACCOUNT]},
        {"level": "None"},
    ],
}


def flags(folder: Path) -> list[str]:
    """Writes the policy into `folder`; the API server's flags that make it write `log(folder)`."""
    policy = folder / "audit-policy.json"
    policy.write_text(json.dumps(POLICY))
    return [f"--audit-policy-file={policy}", f"--audit-log-path={log(folder)}"]


def log(folder: Path) -> Path:
    """Where the log is."""
    return folder / "audit.log"


@dataclass(frozen=True)
class Counts:
    """Requests received in a window. `other` is what an idle operator has no business with."""

    watches: int = 0
    lease: int = 0
    probes: int = 0
    tokens: int = 0
    """Tokens for the probe's account: one is good for an hour."""
    other: dict[str, int] = field(default_factory=dict)


def count(lines: Iterable[str], begin: datetime, end: datetime) -> Counts:
    """Each request once, at the time at which the server received it.

    A watch has a line when it begins and one when it ends: they share their `auditID`, and one that
    began before the window is none of its requests.
    """
    events = {event["auditID"]: event for event in map(json.loads, lines)}.values()
    kinds = Counter(
        kind_of(event)
        for event in events
        if begin <= datetime.fromisoformat(event["requestReceivedTimestamp"]) < end
    )
    known = {name: kinds.pop(name, 0) for name in ("watches", "lease", "probes", "tokens")}
    return Counts(**known, other=dict(sorted(kinds.items())))


def kind_of(event: dict[str, Any]) -> str:
    """`watches`, `lease`, `probes` or `tokens`; else who did what, in words."""
    what = event.get("objectRef", {})
    verb, user = event["verb"], event["user"]["username"]
    resource = "/".join(filter(None, (what.get("resource", ""), what.get("subresource", ""))))
    dry = parse_qs(urlsplit(event["requestURI"]).query).get("dryRun") == ["All"]
    match (user, verb, resource):
        case (names.OPERATOR_ACCOUNT, "watch", _):
            return "watches"
        case (names.OPERATOR_ACCOUNT, "get" | "patch" | "update", "leases"):
            return "lease"
        case (names.OPERATOR_ACCOUNT, "create", "serviceaccounts/token"):
            return "tokens"
        case (names.PROBE_ACCOUNT, "patch", "deployments") if dry:
            return "probes"
        case _:
            where = resource or urlsplit(event["requestURI"]).path
            return f"{user.rpartition(':')[2]}: {verb} {where}"
