"""Every further question of an audit in the order of a reader who decides."""

from __future__ import annotations

from dataclasses import dataclass

from audit.result.reading import Reading
from reports.html.looks.answers import AskedAgainTeller, FailuresTeller
from reports.html.looks.change import ChangeTeller
from reports.html.looks.costs import CostTeller, MeasureTeller, OpinionTeller
from reports.html.looks.like import LikeTeller
from reports.html.looks.parts import Look
from reports.html.looks.patterns import DeployedTeller, PatternTeller
from reports.html.looks.scores import CalibrationTeller, RankingTeller, SweepTeller
from reports.html.looks.search import SearchTeller
from reports.html.looks.several import SeveralTeller
from reports.html.looks.sure import ControlTeller, SureTeller
from reports.html.looks.swaps import SwapsTeller
from reports.html.looks.together import TogetherTeller
from reports.language import Language
from reports.names import Names
from reports.words import Words

_ANSWERED = (
    RankingTeller,
    CalibrationTeller,
    SweepTeller,
    DeployedTeller,
    SwapsTeller,
    SureTeller,
    ControlTeller,
    LikeTeller,
    SeveralTeller,
    FailuresTeller,
    AskedAgainTeller,
    PatternTeller,
    SearchTeller,
    CostTeller,
    MeasureTeller,
    OpinionTeller,
)
"""Scores and thresholds, swaps, what would overturn a verdict, then what else was asked."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Every further question, those without an answer among them."""

    together: Look
    """All groups at once: a section of its own, between the findings, whether there is an answer or not."""
    asked: tuple[Look, ...]
    change: Look
    """What changed since the last audit: the same."""

    @property
    def answered(self) -> list[Look]:
        """Those with an answer, in the order of the page."""
        return [look for look in self.asked if not look.absent]

    @property
    def unanswered(self) -> list[Look]:
        """Those without one, each with the reason."""
        return [look for look in self.asked if look.absent]

    @property
    def terms(self) -> set[str]:
        """The terms that the answers use."""
        return {term for look in (self.together, *self.asked, self.change) if not look.absent for term in look.terms}


def looks(reading: Reading, names: Names, words: Words, language: Language) -> Looks:
    """Every look."""
    asked = tuple(teller(reading, names, words, language).look() for teller in _ANSWERED)
    return Looks(
        together=TogetherTeller(reading, names, words, language).look(),
        asked=asked,
        change=ChangeTeller(reading, names, words, language).look(),
    )
