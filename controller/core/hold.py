"""Whose pause it is that a Deployment at rest carries. Remembered in the Rollout's `status.hold`.

Three may pause it: the API server, when somebody edits the template (`OnChange`); the operator,
where the server pauses no edits (`Always`); and its owner, before it was adopted (`Owner`). Ours
are resumed at rest, the owner's stays until the first release.
"""

from __future__ import annotations

from typing import Final

from controller.core.observed import HoldMode, Observed
from controller.core.run import remembered

OWNER: Final = "Owner"


def shown_hold(o: Observed) -> str:
    """What the status says from now on. A pause is said until it is resumed: a crash just before
    that must not forget whose it was."""
    was, w = o.rollout.status.hold, o.workload
    if w is None or not w.adopted:
        return was
    if w.paused and was in {HoldMode.ALWAYS, OWNER}:
        return was
    if w.paused and not was and o.hold_mode is HoldMode.ON_CHANGE and not remembered(o).change:
        return OWNER
    return o.hold_mode.value


def may_resume(o: Observed) -> bool:
    """Whether a pause at rest is ours to end."""
    return bool(remembered(o).change) or o.rollout.status.hold not in {"", OWNER}
