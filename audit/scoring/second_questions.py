"""Questions beside that of the detector's flag: people's decisions, each form by itself, the first of a ranking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audit.counting.count import Second, SecondCounts, count_first, count_people, count_view
from audit.detectors.predictions import PredictionsDetector as Table
from audit.evaluation.checks import run_check
from audit.evaluation.labels import check_labels
from audit.plan.answers import ModelDetector, PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import EvaluationSetSection
from audit.scoring.answer_table import flagged_by
from audit.scoring.decisions import create_scored_view
from audit.scoring.rules import decision_rule
from audit.scoring.scored import AnswerSource

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet


def second_questions(plan: AuditPlan, evaluation_set: EvaluationSet, folder: Path, answers: AnswerSource) -> Second:
    """Count the scored set again for every question that a plan asks beside that of the flag.

    Parameters
    ----------
    answers
        Answers of the detector, from the first time that it was asked.
    """
    counts: list[SecondCounts] = []
    people = None
    if plan.decisions is not None:
        final, people = count_people(evaluation_set, by_people=plan.detector.abstention_means == "people_decide")
        counts.append(final)
    counts += _forms(plan, evaluation_set, folder, answers)
    numbers = () if plan.exposure is None else dict.fromkeys(plan.exposure.first)
    return Second(tuple(counts), people, tuple((number, count_first(evaluation_set, number)) for number in numbers))


def _forms(
    plan: AuditPlan, evaluation_set: EvaluationSet, folder: Path, answers: AnswerSource
) -> Iterator[SecondCounts]:
    """Yield the counts of each form: cases so labelled against all others, answers so called against all others."""
    section, source = plan.evaluation_set, evaluation_set.source
    for index, form in enumerate(plan.forms.named if plan.forms is not None else ()):
        labels = section.model_copy(update=_against(form, section, "label"))
        label = run_check(evaluation_set.engine, source, check_labels(source, labels))
        of_form = replace(evaluation_set, expressions={**evaluation_set.expressions, "label": label})
        answered = _answers_of(form, index, plan.evaluation_set, plan.detector, of_form, folder, answers)
        rule = decision_rule(plan.detector)
        if rule.abstentions != "not_flagged":
            rule = rule._replace(abstentions=None)  # nothing says which form an abstention would be
        create_scored_view(of_form, answered, rule, view := f"form_{index}")
        yield count_view(of_form, "form", form, view)


def _answers_of(
    form: str,
    index: int,
    set_section: EvaluationSetSection,
    detector: DetectorSection,
    evaluation_set: EvaluationSet,
    folder: Path,
    answers: AnswerSource,
) -> AnswerSource:
    section = detector
    if isinstance(section, ModelDetector):
        named = tuple(name for name in section.classes if name.casefold() == form.casefold())
        return answers._replace(flagged=flagged_by(section.model_copy(update={"positive_classes": named})))

    assert isinstance(section, PredictionsDetector)  # noqa: S101 - there are no others
    words = section.model_copy(update=_against(form, section, "decision"))
    table = Table(words, folder, f"__form_{index}__")
    return AnswerSource.of_table(table.find_answers(evaluation_set, set_section.id))


def _against(form: str, section: object, what: Literal["label", "decision"]) -> dict[str, tuple[str, ...]]:
    """Return the words of a section with one form against all others."""
    every: tuple[str, ...] = (*getattr(section, f"{what}_positive"), *getattr(section, f"{what}_negative"))
    positive = tuple(word for word in every if word.casefold() == form.casefold())
    return {f"{what}_positive": positive, f"{what}_negative": tuple(word for word in every if word not in positive)}
