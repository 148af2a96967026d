"""What a verdict says of somebody: the one form in which terminal, pages, pipelines and portal read verdicts.

`audit.result.finding_list` makes the findings of an exact result, and `audit.public.finding_list` those of a release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import MetricName
from audit.vocabulary.sentences import SLOT_WORDS

Word = Literal["beyond", "within", "cannot_tell", "not_judged_alone", "no_rate"]
"""What a finding says. `not_judged_alone`: its people are judged only as a part of a larger group. `no_rate`: no rate
may be stated of them."""
WORDS: Final[tuple[Word, ...]] = ("beyond", "cannot_tell", "not_judged_alone", "within", "no_rate")
"""Every word, the most urgent first."""
Subject = Literal["group", "together", "people", "changed_word", "change"]
"""What is judged: a group against everyone else, the groups of a family together, either of these in what people
decided after the detector, a word in place of another, or a group against an earlier release."""
SUBJECTS: Final[tuple[Subject, ...]] = ("group", "together", "people", "changed_word", "change")
Cause = Literal[
    "beyond_limit",  # worse than everyone else by more than the limit
    "as_recorded",  # the same of the people recorded, and not with all whose group is unknown
    "smaller_group",  # the same of a group within a public row, which has no row of its own
    "many_together",  # some groups of a family are; none of them can be named
    "people_decided",  # beyond the limit in what people decided after the detector
    "changed_word",  # one changed word moves the score by more than the limit
    "earlier_release",  # worse than in an earlier release by more than the limit
    "unknown_people",  # cannot tell: it hangs on people whose group is unknown
    "unanswered_cases",  # cannot tell: it hangs on cases without an answer
]
"""Why a finding has its word."""
PipelineOutcome = Literal["fail", "pass", "inconclusive"]
OUTCOMES: Final[Mapping[Word, PipelineOutcome]] = {"beyond": "fail", "within": "pass"}
"""What words are to a pipeline; every other word is `inconclusive`."""
WhoT = TypeVar("WhoT")


@dataclass(frozen=True, slots=True)
class ChangedWord:
    """A word, or the level of a column, that stood in the place of another. It is no person."""

    probe: str
    slot: str
    level: str
    name: str
    """The level, named for a reader."""
    given_slot: str | None = None
    """Slot that was held at the level `given`; None where every other was at its anchor."""
    given: str | None = None

    def __str__(self) -> str:
        """Name it in English: "demonym Moroccan"."""
        within = "" if self.given is None else f" within {self.given}"
        return f"{SLOT_WORDS.get(self.slot, self.slot)} {self.name}{within}" if self.slot else "a changed word or field"


@dataclass(frozen=True, slots=True)
class Together:
    """Groups of a family of which some are beyond a limit, and none can be named."""

    family: Family | None = None
    """None in public, which says neither which family nor how many groups."""
    at_least: int | None = None
    """So many groups, at least, are beyond the limit."""
    among: int | None = None
    """Number of groups that were tested."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of a finding, None where one is not known.

    They are shares of the rate, and of a changed word the mean shift of the score as a share of its range.
    """

    rate: float | None = None
    low: float | None = None
    """Lower end of the likely range."""
    high: float | None = None
    """Upper end of the likely range."""
    compared: float | None = None
    """The rate of everyone else, or of the earlier release."""
    lower_limit: float | None = None
    """Smallest rate within the limit; None for a side without one."""
    upper_limit: float | None = None
    """Largest rate within the limit; None for a side without one."""
    people: int | None = None
    """People, or texts, among which was counted."""
    harmed: float = 0.0
    """How many more people were harmed than at the compared rate; negative where fewer were."""


@dataclass(frozen=True, slots=True)
class Finding(Generic[WhoT]):
    """One thing that a verdict says: of whom, under which rule, in one word, why, and by which numbers."""

    subject: Subject
    rule: str
    """Id of the rule."""
    metric: MetricName | None
    """Rate that the rule limits; None of a changed word, which moves a score."""
    who: WhoT
    word: Word
    cause: Cause | None = None
    """None where nothing is beyond a limit, and the reason is that the cases say no more."""
    because: str = ""
    """Reason from the closed set of the verdict that it is read from."""
    measured: Measured = Measured()

    @property
    def outcome(self) -> PipelineOutcome:
        """What it is to a pipeline: `fail`, `pass` or `inconclusive`."""
        return OUTCOMES.get(self.word, "inconclusive")


def outcome_of(findings: Iterable[Finding[Any]]) -> PipelineOutcome:
    """Return the outcome of a rule from all its findings: fail if any is beyond, pass if every one is within."""
    outcomes = {finding.outcome for finding in findings}
    return "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "inconclusive"


@dataclass(frozen=True, slots=True)
class Tally:
    """Number of findings with each word. They add up to `total`."""

    beyond: int = 0
    within: int = 0
    cannot_tell: int = 0
    not_judged_alone: int = 0
    no_rate: int = 0
    smaller_groups: int = 0
    """Findings, of those beyond, about a smaller group within a public row."""

    @property
    def total(self) -> int:
        """Number of findings."""
        return self.beyond + self.within + self.cannot_tell + self.not_judged_alone + self.no_rate

    def __str__(self) -> str:
        """Write it in English; without what there is none of, except beyond and within."""
        undecided = (
            (self.cannot_tell, "cannot tell"),
            (self.not_judged_alone, "not judged alone"),
            (self.no_rate, "without a rate"),
        )
        smaller = f" ({self.smaller_groups:,} of these for a smaller group within)" if self.smaller_groups else ""
        parts = [f"{self.beyond:,} beyond the limit{smaller}", f"{self.within:,} within it"]
        return ", ".join([*parts, *(f"{count:,} {words}" for count, words in undecided if count)])


def tally_of(findings: Iterable[Finding[Any]]) -> Tally:
    """Count findings by word: every output that counts verdicts shows this count, or a part of it."""
    counted = list(findings)
    counts = Counter[str]([finding.word for finding in counted])
    return Tally(**counts, smaller_groups=[finding.cause for finding in counted].count("smaller_group"))
