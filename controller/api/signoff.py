"""`Signoff`: one immutable act of one person. Commands are objects, never edits of status."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from controller.api.fields import Name
from controller.api.meta import Object, Struct

Decision = Literal["Abort", "Retry", "Promote", "Release", "Hold"]


class SignoffSpec(Struct, frozen=True):
    """Who does what to which release, and why. Immutable."""

    rollout: Annotated[Name, Meta(description="The Rollout that it speaks about.")]
    decision: Annotated[
        Decision,
        Meta(
            description="Abort: take the release back. Retry: try the refused proposal again."
            " Promote: pass the step or the watch in hand (harm still rolls back). Hold: keep the"
            " weight. Release: end a Hold."
        ),
    ]
    change: Annotated[
        str, Meta(description="Name of the Change; empty: the one in hand when this was created.")
    ] = ""
    by: Annotated[
        str,
        Meta(description="The person's user name; the API server checks it when the policy is on."),
    ] = ""
    reason: Annotated[str, Meta(max_length=1024, description="Why, in a sentence.")] = ""


class SignoffStatus(Struct, frozen=True):
    """What became of it."""

    state: Annotated[str, Meta(description="Applied or Refused.")] = ""
    message: Annotated[str, Meta(description="What was done, or why not.")] = ""


class Signoff(Object, frozen=True, kw_only=True):
    """One act of one person about one release."""

    spec: SignoffSpec
    status: SignoffStatus = SignoffStatus()
