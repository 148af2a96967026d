"""`findings.json`: each finding of a public release, and their tally, for programs that ask who, under which rule, why.

All of it stands in `release.json` too, as rows and words. Here it is put together as every other output reads it.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Final, Literal

from audit.public.cases import relied_on
from audit.public.finding_list import ReleaseFinding, findings_of, who_words
from audit.public.names import RowNames
from audit.public.release import Outcome, PublicRelease, PublicRow
from audit.vocabulary.finding import Cause, PipelineOutcome, Subject, Word, tally_of
from audit.vocabulary.groups import Part
from audit.vocabulary.metrics import MetricName

FINDINGS_SCHEMA: Final = 1


class FindingEntry(Part):
    """What the verdict says of somebody. Numbers are those that the release prints."""

    subject: Subject
    """What is judged: a row against everyone else, groups of which none is named, what people decided, a changed word,
    or the change since an earlier audit."""
    rule: str
    """Id of the rule; empty where the public does not read under which."""
    metric: MetricName | None
    """Rate that the rule limits; null where a score moves, or the public does not read which rate it is."""
    who: str
    """Key of the row, as `groups.csv` has it; else the name in English."""
    name: str
    """Name in English."""
    word: Word
    """What is said."""
    outcome: PipelineOutcome
    """What the word is to a pipeline."""
    cause: Cause | None
    """Why it has its word; null where nothing is beyond a limit and the cases say no more."""
    rate: float | None
    """The rate, or of a changed word the mean shift of the score as a share of its range; null where none stands."""
    low: float | None
    """Lower end of its likely range."""
    high: float | None
    """Upper end of its likely range."""
    compared: float | None
    """Rate of everyone else."""
    lower_limit: float | None
    """Smallest rate within the limit; null for a side without one."""
    upper_limit: float | None
    """Largest rate within the limit; null for a side without one."""
    people: int | None
    """People, or texts, among which was counted, as printed."""


class FindingTally(Part):
    """Number of findings with each word; they add up to all findings."""

    beyond: int
    within: int
    cannot_tell: int
    not_judged_alone: int
    no_rate: int
    smaller_groups: int
    """Findings, of those beyond, about a smaller group within a row."""


class FindingsDocument(Part):
    """All findings of a public release, those beyond a limit first."""

    findings_schema: Literal[1]
    """Version of this format."""
    set_id: str
    """Name of the set and key of the release; empty where it has no figures."""
    finished: str
    """Day on which the audit ended, as YYYY-MM-DD."""
    outcome: Outcome
    """The verdict as far as it may be relied on."""
    tally: FindingTally
    findings: tuple[FindingEntry, ...]


def findings_file(release: PublicRelease) -> str:
    """Write `findings.json`."""
    findings, names = findings_of(release), RowNames(release)
    document = FindingsDocument(
        findings_schema=FINDINGS_SCHEMA,
        set_id=release.set_id,
        finished=release.about.finished,
        outcome=relied_on(release),
        tally=_tally(findings),
        findings=tuple(_entry(finding, names) for finding in findings),
    )
    return document.model_dump_json(indent=1) + "\n"


def _tally(findings: Iterable[ReleaseFinding]) -> FindingTally:
    return FindingTally(**asdict(tally_of(findings)))


def _entry(finding: ReleaseFinding, names: RowNames) -> FindingEntry:
    name = who_words(finding, names)
    measured = finding.measured
    return FindingEntry(
        subject=finding.subject,
        rule=finding.rule,
        metric=finding.metric,
        who=finding.who.key if isinstance(finding.who, PublicRow) else name,
        name=name,
        word=finding.word,
        outcome=finding.outcome,
        cause=finding.cause,
        rate=measured.rate,
        low=measured.low,
        high=measured.high,
        compared=measured.compared,
        lower_limit=measured.lower_limit,
        upper_limit=measured.upper_limit,
        people=measured.people,
    )
