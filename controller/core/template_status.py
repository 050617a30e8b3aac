"""What an AnalysisTemplate says of itself: whether a release could be judged by it."""

from __future__ import annotations

from datetime import datetime

from controller.api.kinds import AnalysisTemplate
from controller.api.template import AnalysisTemplateStatus
from controller.core.conditions import stamped
from controller.core.reasons import Reason


def template_status(
    template: AnalysisTemplate, wrong: str, now: datetime
) -> AnalysisTemplateStatus:
    """Ready with nothing wrong; else Stalled, as nothing but an edit helps.

    Equal to the status that stands when nothing has changed, so that nothing need be written.
    """
    reason = (Reason.INVALID if wrong else Reason.USABLE).value
    found = {
        "Ready": ("False" if wrong else "True", reason, wrong),
        "Stalled": ("True" if wrong else "False", reason, wrong),
    }
    generation = template.metadata.generation
    return AnalysisTemplateStatus(
        observed_generation=generation,
        provider=", ".join(sorted(template.spec.provider)),
        metrics=", ".join(metric.name for metric in template.spec.metrics),
        conditions=stamped(template.status.conditions, found, now, generation),
    )
