"""The faults that a test can order, and the verb that a request is ordered by.

Pure. `faults` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Refuse:
    """Answered by the proxy with a Status; nothing reaches the server."""

    status: int
    reason: str = ""
    retry_after_s: int | None = None


@dataclass(frozen=True)
class Page:
    """Answered by the proxy with a body that is no Status, as a gateway's HTML."""

    body: bytes
    status: int = 200


@dataclass(frozen=True)
class Drop:
    """The connection is lost; with `after` the server has carried the request out."""

    after: bool = False


@dataclass(frozen=True)
class Delay:
    """It takes so long to reach the server."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """Half-open: accepted, and never answered."""


@dataclass(frozen=True)
class Slow:
    """The answer's body trickles."""

    bytes_per_s: float


Fault = Refuse | Page | Drop | Delay | Hang | Slow


@dataclass(frozen=True)
class Passed:
    """A request that came to the proxy. The status is 0 when no answer was given."""

    at: float
    verb: str
    path: str
    query: Mapping[str, str]
    status: int


def verb_of(method: str, path: str, query: Mapping[str, str]) -> str:
    """The API verb of a request; for other servers that of the method."""
    if method != "GET":
        return {"POST": "create", "PATCH": "patch", "PUT": "replace", "DELETE": "delete"}.get(
            method, method.lower()
        )
    if query.get("watch") in ("true", "1"):
        return "watch"
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:] if parts[0] == "apis" else parts
    if len(parts) > 2 and parts[0] == "namespaces":
        parts = parts[2:]
    return "list" if len(parts) == 1 else "get"
