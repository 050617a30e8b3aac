"""From what the sampler shows to the evidence that the core may see. Pure."""

from __future__ import annotations

from analysis.verdict import Reason as Unfit
from controller.core.observed import Evidence, Verdict
from controller.runtime.evidence import EvidenceView

UNFIT = frozenset(
    {Unfit.HARM_SUSPECTED, Unfit.HELD, Unfit.NO_DATA, Unfit.DATA_MISSING, Unfit.HARM_UNSEEN}
)
"""Reasons of the analysis for which the data allow no promotion, at a step or in the watch."""


def to_evidence(view: EvidenceView | None) -> Evidence | None:
    """The sampler's newest view as the core sees it."""
    if view is None:
        return None
    silent = "; ".join(f"{n.metric}: {n.reason}" for n in view.no_data)
    a = view.assessment
    if a is None:
        return Evidence(
            Verdict.HOLD, "no tick has been read yet", no_data=silent,
            no_data_since=view.no_data_since, state=view.state, window_end=view.window_end,
            seen_until=view.seen_until,
        )  # fmt: skip
    return Evidence(
        verdict=Verdict(a.verdict),
        explain=a.explain,
        headline=view.column,
        no_data=silent,
        no_data_since=view.no_data_since,
        doubt=a.explain if a.waiting in UNFIT else "",
        state=view.state,
        window_end=view.window_end,
        seen_until=view.seen_until,
        reports=view.reports,
        log_harm=a.log_e,
        log_threshold=a.log_rollback,
        orders_lost=a.orders_lost,
    )
