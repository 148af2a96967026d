"""Every further question of an audit in the order of a reader who decides."""

from __future__ import annotations

from reports.html.looks.answering import AskedAgainTeller, FailuresTeller
from reports.html.looks.change import ChangeTeller
from reports.html.looks.like import LikeTeller
from reports.html.looks.parts import Look
from reports.html.looks.patterns import DeployedTeller, PatternTeller
from reports.html.looks.scores import CalibrationTeller, RankingTeller, SweepTeller
from reports.html.looks.search import SearchTeller
from reports.html.looks.several import SeveralTeller
from reports.html.looks.sure import ControlTeller, SureTeller
from reports.html.looks.swaps import SwapsTeller
from reports.html.looks.together import TogetherTeller
from reports.html.looks.weighing import CostTeller, MeasureTeller, OpinionTeller
from reports.language import Language
from reports.names import Names
from reports.reading import Reading
from reports.words import Words

_IN_ORDER = (
    ChangeTeller,
    SwapsTeller,
    SureTeller,
    ControlTeller,
    FailuresTeller,
    AskedAgainTeller,
    SeveralTeller,
    LikeTeller,
    TogetherTeller,
    RankingTeller,
    CalibrationTeller,
    SweepTeller,
    DeployedTeller,
    PatternTeller,
    SearchTeller,
    CostTeller,
    MeasureTeller,
    OpinionTeller,
)


def looks(reading: Reading, names: Names, words: Words, language: Language) -> tuple[Look, ...]:
    """Every look, those without an answer among them."""
    return tuple(teller(reading, names, words, language).look() for teller in _IN_ORDER)
