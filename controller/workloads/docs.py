"""What an author says about a release on the Deployment itself: origin, what, why, the way back.

Called when a proposal is recorded as a Change. Claims are copied, never believed: who wrote a label
is governance's question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from controller.api import names
from controller.api.k8s import Deployment
from controller.workloads.template import labels_of

ORIGINS: Final = ("human", "assisted", "generated", "autonomous")
UNKNOWN: Final = "unknown"
TEXT_LIMIT: Final = 4096
"""Characters of one text that a Change keeps: an annotation may be as large as 256 kB."""


@dataclass(frozen=True)
class Docs:
    """The author's words; an empty text means that nothing was said."""

    origin: str = UNKNOWN
    what: str = ""
    why: str = ""
    rollback: str = ""
    commits: str = ""
    principal: str = ""
    incident: str = ""


def read(deployment: Deployment) -> Docs:
    """The docs that travel with the Deployment's present template."""
    said = deployment.metadata.annotations
    return Docs(
        origin=origin_of(labels_of(deployment.spec.template).get(names.ORIGIN_LABEL, "")),
        what=_cut(said.get(names.WHAT_ANNOTATION, "")),
        why=_cut(said.get(names.WHY_ANNOTATION, "")),
        rollback=_cut(said.get(names.ROLLBACK_ANNOTATION, "")),
        commits=_cut(said.get(names.COMMITS_ANNOTATION, "")),
        principal=_cut(said.get(names.PRINCIPAL_ANNOTATION, "")),
        incident=_cut(said.get(names.INCIDENT_ANNOTATION, "")),
    )


def origin_of(label: str) -> str:
    """One of `ORIGINS`, or `unknown` for anything else: a typing error is no claim."""
    return label if label in ORIGINS else UNKNOWN


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
