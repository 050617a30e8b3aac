"""Evidence that outlives a process or a plan: read from a Change's status, or put under a new spec.

What cannot be read or no longer fits is begun anew, and that is logged; it never stops a run.
Called by `folding`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

import structlog

from analysis.codec import from_json, to_json
from analysis.release import ReleaseSpec, ReleaseState
from controller.runtime.evidence import ATTENDING, Run

APART_S: Final = 1.0
"""A status tells the end of its evidence twice, once as a date; more than this is no rounding."""

log = structlog.get_logger(__name__)


def restored(run: Run) -> ReleaseState:
    """The evidence that the Change's status holds; none where it holds none that can be read."""
    if not run.evidence:
        return run.plan.release.start()
    try:
        state = from_json(run.plan.release, json.loads(run.evidence))
        return _ended_as_told(run, state)
    except (ValueError, RecursionError) as error:
        log.warning("evidence_unreadable", release=str(run.key), reason=str(error))
        return run.plan.release.start()


def _ended_as_told(run: Run, state: ReleaseState) -> ReleaseState:
    """The state, unless it ends at another time than the status says: one that ended in the future
    would take every tick for one that it knows already, and be judged as it stands for ever."""
    if run.window_end is None:
        return state
    told_s = run.window_end.timestamp()
    if state.window_end_s is None:
        return replace(state, window_end_s=told_s)
    if abs(state.window_end_s - told_s) > APART_S:
        raise ValueError(f"evidence ends at {state.window_end_s}, by the status at {told_s}")
    return state


def attended(evidence: str) -> str:
    """Who was in the arms when this evidence was kept; empty where it does not say."""
    try:
        document = json.loads(evidence)
    except (ValueError, RecursionError):
        return ""
    return str(document.get(ATTENDING, "")) if isinstance(document, dict) else ""


def rebound(spec: ReleaseSpec, state: ReleaseState) -> ReleaseState:
    """The same evidence under an edited spec; begun anew only if it no longer fits."""
    try:
        return from_json(spec, to_json(state))
    except ValueError as error:
        log.warning("evidence_begun_anew", reason=str(error))
        return replace(spec.start(), window_end_s=state.window_end_s)
