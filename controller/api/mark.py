"""The containment mark: on a route, or on the Service of a share by pods.

`<uid of the Change> <outcome> <reason>`: who was taken back, and how it is to be recorded should
the operator be stopped between the patch and the status. Written and read by the shell; a router
plug-in carries the text and does not look into it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """Why a route was contained; the words are empty in a mark of an older version."""

    change_uid: str
    outcome: str = ""
    reason: str = ""

    @staticmethod
    def read(text: str) -> Mark | None:
        """None for a route that has no mark."""
        words = text.split()
        return Mark(*words[:3]) if words else None

    def __str__(self) -> str:
        """The value of the annotation."""
        return " ".join(word for word in (self.change_uid, self.outcome, self.reason) if word)
