"""From an answer that is no success to the error of `port.py` that names it.

Pure. Used by `client` for whole answers and by `decoding` for the ERROR line of a watch.
"""

from __future__ import annotations

import msgspec

from controller.kube import settings
from controller.kube.port import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Overloaded,
    ServerError,
)

IDLE_STREAM = "IdleStream"
"""Reason of the Unreachable of a watch on which nothing came for too long."""
_BODY_SHOWN = 200
"""Characters of a body that is no Status (a proxy's page): enough to recognise who spoke."""

_CLASSES: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Invalid,
    422: Invalid,
    429: Overloaded,
}


class Status(msgspec.Struct, frozen=True):
    """`kind: Status`, the server's own words for a refusal."""

    message: str = ""
    reason: str = ""
    code: int = 0


def error_of(
    status: int, body: bytes, *, what: str, retry_after_s: float | None = None
) -> ApiError:
    """The error for an HTTP status and its body; `what` names verb, resource and object."""
    said = status_of(body)
    return error_from(
        Status(said.message, said.reason or f"HTTP{status}", status),
        what=what,
        retry_after_s=retry_after_s,
    )


def error_from(said: Status, *, what: str, retry_after_s: float | None = None) -> ApiError:
    """The error for a Status."""
    if said.reason == "AlreadyExists":
        kind: type[ApiError] = AlreadyExists
    elif said.code >= 500:
        kind = ServerError
    else:
        kind = _CLASSES.get(said.code, ApiError)
    return kind(said.code, said.reason, said.message, what=what, retry_after_s=retry_after_s)


def status_of(body: bytes) -> Status:
    """The Status in a body; a body of another kind becomes its message, shortened."""
    try:
        said = msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Status(_shown(body))
    return said if said.message or said.reason else Status(_shown(body))


def retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, as far as we obey; None if absent, a date, or nonsense."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return min(seconds, settings.RETRY_AFTER_MAX_S) if seconds >= 0 else None


def _shown(body: bytes) -> str:
    text = " ".join(body[:_BODY_SHOWN].decode(errors="replace").split())
    return text or "(empty body)"
