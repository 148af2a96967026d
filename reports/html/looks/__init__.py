"""Answers of an audit beside its verdicts: one look for each question, with one sentence, one small table, and the rest
folded.

All further questions of an audit, in the order of a reader who decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.html.looks.all_groups import AllGroupsWriter
from reports.html.looks.answers import AskedAgainWriter, ChangeWriter, FailuresWriter
from reports.html.looks.costs import CostWriter, MeasureWriter, OpinionWriter
from reports.html.looks.doubts import ControlWriter, DoubtsWriter
from reports.html.looks.like_cases import LikeCasesWriter, SearchWriter, SeveralNationalitiesWriter
from reports.html.looks.parts import Look
from reports.html.looks.patterns import DeployedWriter, PatternWriter
from reports.html.looks.scores import CalibrationWriter, RankingWriter, SweepWriter
from reports.html.looks.second import ExposureWriter, FormsWriter, PeopleWriter
from reports.html.looks.swaps import SwapsWriter
from reports.writer import Report

_ANSWERED = (
    PeopleWriter,
    FormsWriter,
    RankingWriter,
    ExposureWriter,
    CalibrationWriter,
    SweepWriter,
    DeployedWriter,
    SwapsWriter,
    DoubtsWriter,
    ControlWriter,
    LikeCasesWriter,
    SeveralNationalitiesWriter,
    FailuresWriter,
    AskedAgainWriter,
    PatternWriter,
    SearchWriter,
    CostWriter,
    MeasureWriter,
    OpinionWriter,
)
"""People and forms, scores and thresholds, swaps, what would overturn a verdict, then what else was asked."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of an audit, those without an answer among them."""

    together: Look
    """The look at all groups at once. It has a section of its own between the findings, with or without an answer."""
    others: tuple[Look, ...]
    change: Look
    """The look at the change since the last audit. It has a section of its own as well."""

    @property
    def answered(self) -> list[Look]:
        """Return the looks with an answer, in the order of the page."""
        return [look for look in self.others if not look.absent]

    @property
    def unanswered(self) -> list[Look]:
        """Return the looks without an answer, each with the reason."""
        return [look for look in self.others if look.absent]


def looks(report: Report) -> Looks:
    """Write every look."""
    others = tuple(writer(report).look() for writer in _ANSWERED)
    return Looks(AllGroupsWriter(report).look(), others, ChangeWriter(report).look())


__all__ = ["Looks", "looks"]
