"""The rule by which a case is flagged, in a form that decides and as a sentence."""

from __future__ import annotations

from typing import Any, NamedTuple

from audit.plan.answers import BlindDetector, PredictionsDetector
from audit.vocabulary.sentences import Sentence, Word, english, sentence
from audit.vocabulary.statuses import AbstentionMeaning
from audit.vocabulary.text import shown


class DecisionRule(NamedTuple):
    """The rule by which a case is flagged: at a threshold, within a capacity, or when the detector says so."""

    threshold: float | None
    top_k: int | None
    sentence: Sentence
    """The rule, to follow "A case is"."""
    abstentions: AbstentionMeaning | None = None
    """What a case counts as on which the detector declines to answer; None: at its worst."""

    @property
    def words(self) -> str:
        """The rule in English."""
        return english([self.sentence])


def decision_rule(section: Any) -> DecisionRule:
    """Make the decision rule of a `[detector]` section."""
    return _rule_on_answers(section)._replace(abstentions=section.abstention_means)


def _rule_on_answers(section: Any) -> DecisionRule:
    if not section.has_scores:
        return DecisionRule(None, None, _without_scores(section))
    what = "level" if section.answers == "ordinal" else "score"
    if section.threshold is None:
        return DecisionRule(None, section.top_k, sentence(f"top_k_{what}s", count=section.top_k))
    threshold_sentence = sentence("threshold", what=Word(word=what), threshold=_number(section.threshold))
    return DecisionRule(section.threshold, section.top_k, threshold_sentence)


def _without_scores(section: Any) -> Sentence:
    if isinstance(section, BlindDetector):
        compared = {} if section.deployed == "declared" else {"differ": section.differ, "count": section.production}
        return sentence(f"blind_{section.deployed}", **compared)
    if isinstance(section, PredictionsDetector):
        column = shown(section.answer)
        if section.rank is not None:
            return sentence("rank_says", column=column, count=section.top_k or 0)
        return sentence("column_says", column=column)
    if section.answers == "class":
        only = len(section.positive_classes) == 1
        named = ", ".join(shown(name) for name in section.positive_classes)
        return sentence("class_says" if only else "one_of_classes", answers=named)
    return sentence("detector_says")


def _number(value: float) -> int | Word:
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else Word(word=repr(float(value)))
