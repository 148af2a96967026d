"""When a case is flagged, in a form that decides and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.plan.audit_plan import PredictionsDetector
from audit.vocabulary.text import shown

__all__ = ["DecisionRule", "decision_rule"]


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """When a case is flagged: at a threshold, within a capacity, or when the detector says so."""

    threshold: float | None
    top_k: int | None
    source: str
    """Where the decision comes from if neither is set, in words."""
    what: str = "score"
    """What the threshold is compared with: a score, or a level."""

    @property
    def words(self) -> str:
        """The rule in words, to follow "A case is"."""
        if self.threshold is not None:
            return f"flagged when the {self.what} is at least {_number(self.threshold)}"
        if self.top_k is not None:
            what = self.what
            return f"flagged when its {what} is among the {self.top_k} highest; equal {what}s in the order of their ids"
        return f"flagged when {self.source}"


def decision_rule(section: Any) -> DecisionRule:
    """When a case is flagged, by a `[detector]` section."""
    what = "level" if section.answers == "ordinal" else "score"
    if section.has_scores:
        return DecisionRule(section.threshold, section.top_k, source="", what=what)
    return DecisionRule(None, None, source=_source(section))


def _source(section: Any) -> str:
    """Who flags a case where no score does, to follow "flagged when"."""
    if isinstance(section, PredictionsDetector):
        column = f"the column {shown(section.answer)}"
        if section.rank is not None:
            return f"{column} puts it among the first {section.top_k}"
        return f"{column} says so"
    if section.answers == "class":
        named = ", ".join(shown(name) for name in section.positive_classes)
        only = len(section.positive_classes) == 1
        return f"the detector's answer is {'' if only else 'one of: '}{named}"
    return "the detector says so"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
