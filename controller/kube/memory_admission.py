"""What the cluster in memory asks before a write, in the shape of an admission request.

The functions that answer are handed in (`controller/local/admission.py` has the hold and the lock),
mutating ones first; each sees what the one before it made of the object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from controller.api.meta import Key
from controller.api.resources import Resource
from controller.kube.port import ApiError, Forbidden, Invalid

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True)
class AdmissionRequest:
    """One write by one user. `object` is absent in a DELETE, `old` in a CREATE."""

    operation: Operation
    resource: Resource[Any]
    key: Key
    user: str
    object: Mapping[str, Any] | None
    old: Mapping[str, Any] | None
    subresource: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class Denied:
    """A refusal: the message that the user reads, and the reason of the Status."""

    message: str
    reason: Literal["Forbidden", "Invalid"] = "Forbidden"


Admission = Callable[[AdmissionRequest], AdmissionRequest | Denied]


def admit(request: AdmissionRequest, admission: Sequence[Admission]) -> AdmissionRequest:
    """The request as it may be carried out; raises Forbidden or Invalid when it may not."""
    for asked in admission:
        answer = asked(request)
        if isinstance(answer, Denied):
            raise _refusal(request, answer)
        request = answer
    return request


def _refusal(request: AdmissionRequest, denied: Denied) -> ApiError:
    subject = f'{request.resource} "{request.key.name}"'
    if denied.reason == "Invalid":
        return Invalid(422, "Invalid", f"{subject} is invalid: {denied.message}")
    return Forbidden(403, "Forbidden", f"{subject} is forbidden: {denied.message}")
