"""Objects of ours that are written to without being understood: only their status is our business.

An object that an older server let through, and that our struct refuses, must still be told what is
wrong with it, and the answer to that write must not fail for the same reason.
"""

from __future__ import annotations

from typing import Any

import msgspec

from controller.api.meta import Object
from controller.api.resources import Resource


class Unread(Object, frozen=True):
    """An object whose spec nobody looks into."""

    status: dict[str, Any] = msgspec.field(default_factory=dict)


def unread(of: Resource[Any]) -> Resource[Unread]:
    """The same collection, with a spec that nobody looks into."""
    return Resource(of.group, of.version, of.plural, of.kind, Unread)
