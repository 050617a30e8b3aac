"""Any look that a run may meet, drawn by Hypothesis: every phase, in any mixture of misfortunes."""

from __future__ import annotations

from hypothesis import strategies as st

from controller.core.observed import HoldMode, Observed, Verdict
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.shop import (
    NEWER,
    OLD_SET,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    UID,
    WEIGHTS,
    replicaset,
)

RUNNING = tuple(p for p in Phase if p is not Phase.FINISHED)
DECISIONS = ("Abort", "Retry", "Promote", "Release", "Hold")
MINUTES = st.sampled_from((-0.5, 0.0, 0.1, 5.0, 11.0, 90.0, 60 * 25.0, 60 * 80.0))
WEIGHT = st.sampled_from((None, 0.0, 0.0, 1.0, 5.0, 25.0, 50.0, 98.0, 100.0))
PODS = st.integers(0, 5)


@st.composite
def looks(draw: st.DrawFn, phases: tuple[Phase, ...] = tuple(Phase)) -> Observed:
    """One look in one of these phases; what the phase makes likely is not assumed."""
    made = in_phase(draw(st.sampled_from(phases)), draw(st.integers(1, 4)))
    made.entered(draw(MINUTES))
    if draw(st.booleans()):
        made.not_in_force()
    _workload(draw, made)
    _traffic(draw, made)
    _evidence(draw, made)
    _people(draw, made)
    _troubles(draw, made)
    return made.observed()


def in_phase(phase: Phase, step: int = 2) -> Release:
    """A release in this phase, all well in it."""
    match phase:
        case Phase.PROPOSED:
            return release().proposed()
        case Phase.STEPPING:
            return release().stepping(step)
        case Phase.SHIFTING:
            return release().shifting()
        case Phase.WATCHING:
            return release().watching()
        case Phase.ABSORBING:
            return release().absorbing()
        case Phase.SETTLING:
            return release().settling()
        case Phase.REVERTING:
            return release().reverting()
        case Phase.RETREATING:
            return release().retreating()
        case Phase.FINISHED:
            return release().finished(Outcome.ROLLED_BACK)


def _workload(draw: st.DrawFn, r: Release) -> None:
    sets = []
    for name, digest in ((STABLE_SET, STABLE), (TARGET_SET, TARGET), (OLD_SET, "01d00000")):
        if draw(st.booleans()):
            ready, wanted = draw(PODS), draw(PODS)
            sets.append(replicaset(digest, ready, name=name, wanted=wanted))
    r.workload(
        replicas=draw(PODS), paused=draw(st.booleans()), rolling=draw(st.booleans()),
        complete=draw(st.booleans()), adopted=draw(_rarely_not()), sets=tuple(sets),
    )  # fmt: skip
    edit = draw(st.sampled_from((TARGET, TARGET, TARGET, STABLE, NEWER)))
    if edit != TARGET:
        r.edited(edit)
    if not draw(_rarely_not()):
        r.recreated(ready=draw(PODS))


def _traffic(draw: st.DrawFn, r: Release) -> None:
    r.weight(draw(WEIGHT))
    if not draw(_rarely_not()) and r.o.traffic.weight is not None:
        r.traffic(least=draw(st.sampled_from((None, 0.0, min(5.0, r.o.traffic.weight)))))
    r.traffic(
        in_force=draw(_rarely_not()), foreign=not draw(_rarely_not()), touched=draw(st.booleans())
    )
    if not draw(_rarely_not()):
        r.not_found()
    if not draw(_rarely_not()):
        r.marked(draw(st.sampled_from((UID, "uid-other"))))
    if not draw(_rarely_not()):
        r.by_pods()
    if not draw(_rarely_not()):
        r.no_canary()
    elif draw(st.booleans()):
        r.canary(
            ready=draw(PODS), wanted=draw(PODS), intact=draw(_rarely_not()),
            change_uid=draw(st.sampled_from((UID, UID, UID, "uid-other"))),
            crashing="" if draw(_rarely_not()) else "container shop, 5 restarts",
        )  # fmt: skip


def _evidence(draw: st.DrawFn, r: Release) -> None:
    verdict = draw(st.sampled_from((None, *Verdict)))
    if verdict is None:
        r.no_evidence()
        return
    r.verdict(verdict.value)
    if not draw(_rarely_not()):
        r.no_data()


def _people(draw: st.DrawFn, r: Release) -> None:
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2, 3)))):
        r.signed(
            draw(st.sampled_from(DECISIONS)),
            change=draw(st.sampled_from(("", "", "checkout-7arget00", "another"))),
            minutes=draw(MINUTES),
            answered=not draw(_rarely_not()),
        )
    if not draw(_rarely_not()):
        r.held_by("alice")
    if not draw(_rarely_not()):
        r.paused_by_author()


def _troubles(draw: st.DrawFn, r: Release) -> None:
    troubles = (
        r.in_place,
        lambda: r.limits(on_no_evidence="Hold"),
        lambda: r.blocked(Reason.ANALYSIS_MISSING),
        lambda: r.blocked(Reason.INVALID),
        r.edits_wait,
        lambda: r.edits_wait().edited(),
        r.restart_only,
        lambda: r.acting_for(0.5),
        lambda: r.floor(original=1),
        lambda: r.hold_mode(HoldMode.ALWAYS),
        r.revision_lost,
        r.kill_switch,
        lambda: r.workload(taken_by="another"),
        r.no_finalizer,
        r.leaving,
        r.namespace_ending,
    )
    for trouble in draw(st.lists(st.sampled_from(troubles), max_size=3)):
        trouble()
    if draw(st.integers(0, 9)) == 0:
        r.no_workload()
    if not draw(_rarely_not()):
        r.no_change()


def _rarely_not() -> st.SearchStrategy[bool]:
    return st.sampled_from((True, True, True, True, False))


def entering(step: int) -> Release:
    """The first look at this rung: the weight is still that of the one before."""
    before = release().stepping(step).not_in_force()
    return before.weight(WEIGHTS[step - 2] if step > 1 else 0.0)
