"""The four kinds of this group, in one place."""

from controller.api.change import Change
from controller.api.rollout import Rollout
from controller.api.signoff import Signoff
from controller.api.template import AnalysisTemplate

__all__ = ["AnalysisTemplate", "Change", "Rollout", "Signoff"]
