"""Doubt about the data is seen by the core whatever verdict stands above it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.verdict import Assessment, Reason, Verdict, assess
from controller.core import observed
from controller.runtime.evidence import EvidenceView
from controller.runtime.evidence_facts import to_evidence
from tests.unit.analysis.releases import SPEC, folded, ticks


def view(assessment: Assessment | None) -> EvidenceView:
    return EvidenceView(
        release=SPEC.start(), assessment=assessment, reports=(), column="", no_data=(),
        no_data_since=None,
    )  # fmt: skip


def good() -> Assessment:
    return assess(SPEC, folded(SPEC, ticks(3, seconds=60)), step=0, step_elapsed_s=60.0)


@pytest.mark.parametrize(
    ("waiting", "doubted"),
    [(Reason.DATA_MISSING, True), (Reason.HARM_SUSPECTED, True), (Reason.HELD, True),
     (Reason.HARM_UNSEEN, True),
     (Reason.BAKING, False), (Reason.EVIDENCE_PENDING, False), (None, False)],
)  # fmt: skip
def test_data_that_are_unfit_are_doubted_also_under_an_expired_hold(
    waiting: Reason | None, doubted: bool
) -> None:
    expired = replace(
        good(), verdict=Verdict.NO_EVIDENCE, reason=Reason.HOLD_EXPIRED, waiting=waiting
    )
    found = to_evidence(view(expired))
    assert found is not None
    assert bool(found.doubt) is doubted
    assert found.verdict is observed.Verdict.NO_EVIDENCE


def test_before_the_first_tick_there_is_a_hold_and_no_view_is_no_evidence() -> None:
    waits = to_evidence(view(None))
    assert waits is not None
    assert waits.verdict is observed.Verdict.HOLD
    assert to_evidence(None) is None
