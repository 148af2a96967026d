"""A public release: the rows that may be printed of an audit, its words, and nothing else. Public reports read this.

Every row stands for at least `PublicMethod.row` people of its side, and together the rows of a table hold everybody
once; but rows that hold a number that a table of counts hides are left out. Numbers of people and of errors were
changed by a secret key; fewer than `floor` errors, or right answers, are printed as that. Words are those of the exact
audit. See docs/disclosure.md.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from audit.public.about import PublicAbout
from audit.vocabulary.groups import Group, Level, LevelName, Part
from audit.vocabulary.metrics import METRICS, Metric, MetricName
from audit.vocabulary.text import harmless

METHOD_VERSION: Final = 2

Side = Literal["positives", "negatives", "both"]
TotalName = Literal["positives", "negatives", "unscored", "unlabelled"]
Outcome = Literal["pass", "fail", "inconclusive"]
FailsOn = Literal["groups", "people", "probes", "change"]
Word = Literal["beyond", "within", "cannot_tell"]
WordReason = Literal[
    "beyond_limit",  # beyond: the exact audit fails the group
    "within_limit",  # within: the exact audit passes the group
    "limit_not_excluded",  # cannot tell: the data point neither way
    "unknown_people",  # cannot tell: it hangs on people whose feature is unknown
    "too_few_cases",  # cannot tell: too few cases to judge the group alone
    "too_few_in_public",  # cannot tell in public: a word would say more than "fewer than ten"; the auditor knows
    "numbers_of_before",  # cannot tell in public: the numbers stand from an earlier audit, and their word holds no more
]
TEST_RESULTS: Final[Mapping[str, str]] = {"pass": "PASSED", "inconclusive": "WARNED", "fail": "FAILED"}
"""Word of each outcome in a test result of in-toto, which knows three."""
PlanPart = Literal["detector", "audit.title", "scoring", "sandbox", "disclosure", "governance", "waivers"]
"""Parts of a plan that may differ between two audits that are compared."""


class PublicMethod(Part):
    """Method by which people are protected: everything but the key."""

    version: int = METHOD_VERSION
    floor: int
    """k: no number of people below it is printed or follows; fewer errors or right answers are printed as that."""
    row: int
    """T: people of a side that make a row, and that must be left beside it; twice the floor."""
    largest_change: int
    """D: a printed number differs by at most this from the one on the day it was drawn."""
    variance: float
    absent: tuple[TotalName, ...] = ()


class PublicPart(Part):
    """Levels of one feature that the people of a row have."""

    feature: str
    kind: Literal["level", "joined", "others", "nearly"]
    """`level`: the one in `codes`. `joined`: those in `codes` together. `others`: everyone of the place in `codes` who
    has no row of their own; `codes` is empty where the place is the whole list. `nearly`: nearly all have the level in
    `codes`, and few the others of `members`; words of the row are about that level alone."""
    rung: str
    """Rung of `codes`; the finest where `codes` is empty."""
    codes: tuple[str, ...]
    members: tuple[str, ...] = ()
    """Codes on the finest rung of `others`, whether anybody has them or not, and of `nearly`; none where levels are no
    fixed list."""


class PublicFeature(Part):
    """A feature by which the audit judges groups."""

    name: str
    coding: Literal["gender", "nationality", "categorical"]
    rungs: tuple[str, ...]
    """Rungs, finest first."""
    levels: tuple[LevelName, ...] = ()
    """Levels that rows name, and every level above them; none where it has no rows."""
    children: tuple[str, ...] = ()
    means: str = ""
    forced_criminality: tuple[str, ...] = ()
    """Codes of levels that are forced criminality, for the form of exploitation."""


class PublicRate(Part):
    """A rate of a row, from printed numbers. Where few errors are printed as such it is a bound; weighted and clustered
    sets print none.
    """

    metric: MetricName
    value: float | None
    low: float | None
    """Lower end of the likely range at `PublicRelease.level`, rounded outwards to whole per cents, or to tenths below 5
    per cent. It includes the change of the numbers."""
    high: float | None
    at_least: float | None = None
    at_most: float | None = None
    rest: float | None = None
    """The rate of everyone else, by printed numbers; null for everyone, and where it is not known."""


class PublicWord(Part):
    """Verdict of the exact audit on a row under a rule, on the day on which its numbers were drawn."""

    rule: str
    word: Word | None
    """The verdict; null where the audit does not judge the people of this row as one group."""
    because: WordReason | None
    judged_as: tuple[PublicPart, ...] | None = None
    """Row of the larger group as a part of which a group with too few cases is judged; null where there is none."""
    smaller_beyond: bool = False
    """Whether the audit fails a group within this row that has no row of its own."""


class PublicRow(Part):
    """People who stand in one row of a table."""

    side: Side
    """`positives`: victims; errors are those missed. `negatives`: others; errors are those wrongly flagged. `both`:
    everyone labelled and decided, for rates that are made of both sides."""
    parts: tuple[PublicPart, ...]
    """Who they are, by feature in the order of the plan; none: everyone."""
    total: bool = False
    people: int
    """Number of people on this side with a decision, changed by at most `largest_change`."""
    errors: int | None
    """Number of errors, changed by at most `largest_change`; null where it is not printed."""
    few: Literal["errors", "right"] | None = None
    fewer_than: int | None = None
    as_of: str
    """Day on which the numbers were drawn, as YYYY-MM-DD; a later audit in which fewer than ten people or answers
    of the row changed prints them again."""
    rates: tuple[PublicRate, ...] = ()
    words: tuple[PublicWord, ...] = ()
    """A word for each rule on these rates; for everyone only that a smaller group is beyond."""

    @property
    def key(self) -> str:
        """Name of the row among those of its side."""
        return row_key(self.parts)

    @property
    def holds_few_others(self) -> bool:
        """Whether people who are not of its group stand in the row."""
        return any(part.kind == "nearly" for part in self.parts)

    @property
    def group(self) -> Group | None:
        """The group of the audit that words of this row are about; None where it joins several."""
        if any(part.kind not in ("level", "nearly") for part in self.parts):
            return None
        return Group(tuple(Level(part.feature, part.rung, part.codes[0]) for part in self.parts))


class PublicRule(Part):
    """A rule of the plan on rates, as far as the public reads it."""

    rule: str
    metric: MetricName
    scale: Literal["difference", "ratio"]
    limit: float
    worse: tuple[Literal["low", "high"], ...]
    """Directions in which a group is worse off; both if either harms."""
    outcome: Outcome
    judged: int
    groups: tuple[tuple[str, ...], ...] = ()
    """The features, and features crossed, whose groups the rule judges; every group where none is named."""
    line: int | None = None
    """Line of the plan file on which it stands, from 1; null where it is not known."""
    on_fail: Literal["fail", "warn"] = "fail"
    """`warn`: the plan lets builds go on with a warning where it fails. It changes no verdict."""


class PublicChange(Part):
    """Change from an earlier audit as the public reads it: one word for the whole set, and none about a group."""

    outcome: Outcome
    """`fail`: at least one group became worse by more than its margin. `pass`: none that could be judged did."""
    paired: bool
    baseline_finished: str
    not_judged: Literal["weighted_set", "clustered_set"] | None = None
    """Why no change of such a set is judged, whatever it is; null where that is not why."""
    differs: tuple[PlanPart, ...] = ()
    """Parts of the plan that differ from the earlier audit's; `detector` also if only its file differs."""

    @property
    def sentence_names(self) -> tuple[str, ...]:
        """Names of the `SENTENCES` that state the change; the last one takes `differs` as its features."""
        names = [f"change_{self.outcome}", *([f"change_{self.not_judged}"] if self.not_judged else [])]
        return (*names, *(["change_differs"] if self.differs else []))


class PublicChangedWord(Part):
    """Verdict of a rule on one word that stood in the place of another. The texts were written: no person is in it."""

    rule: str
    probe: str
    slot: str
    """Slot of the texts that was changed."""
    level: str
    """Level that it was changed to."""
    name: str
    """That level, named for a reader."""
    given_slot: str | None = None
    """Slot that was held at the level `given`; null where every other was at its anchor."""
    given: str | None = None
    word: Word
    shift: float | None
    """Mean over texts of the score after the change less the score before it, as a share of the score range."""
    low: float | None
    """Lower end of the likely range of `shift`."""
    high: float | None
    margin: float
    """Largest mean shift within the limit, up or down."""
    texts: int
    """Texts that were changed and scored both ways."""


class PublicPeopleRule(Part):
    """A rule on what people decided after the detector, where that is a part of the verdict: its word, and no figure.

    Detector and people are two tables of the same people, and their difference would tell who was overruled.
    """

    rule: str
    outcome: Outcome


class PublicHeadline(Part):
    """The verdict of the exact audit over the whole set."""

    outcome: Outcome
    no_group_named: bool
    """Whether a rule on groups fails, and no row says that it, or a group within it, is beyond the limit."""
    fails_on: tuple[FailsOn, ...] = ()
    """Reasons of a fail: the kinds of rules that fail, `people` where one fails on what people decided, and `change`
    where a group became worse than in an earlier audit."""
    change: PublicChange | None = None
    people: Annotated[tuple[PublicPeopleRule, ...], Field(exclude_if=lambda rules: not rules)] = ()
    """Each rule on what people decided after the detector; left out where that is no part of the verdict."""

    @property
    def people_outcome(self) -> Outcome | None:
        """Outcome of all rules on what people decided; None where that is no part of the verdict."""
        outcomes = {rule.outcome for rule in self.people}
        if not outcomes:
            return None
        return "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "inconclusive"


class PublicWaiver(Part):
    """A finding that somebody answers for until a day, as the operator declares it. It changes no verdict and no word.

    By name only where the word of its group under its rule is printed as `beyond`.
    """

    rule: str = ""
    group: Group | None = None
    who: str
    why: str = ""
    """On what ground; empty where the finding is not named."""
    expires: str
    """The last day on which it holds, as YYYY-MM-DD. Where `about.finished` is later, it had expired by then."""


class PublicRelease(Part):
    """All that a public report prints of an audit."""

    method: PublicMethod
    about: PublicAbout
    """What was audited, by whom. No number in it follows from a count."""
    headline: PublicHeadline
    sides: Mapping[Literal["positives", "negatives"], Literal["shown", "people", "hidden", "none"]]
    """`shown`. `people`: numbers of people and no outcomes in this release. `hidden`: only rows without a number that
    the table of counts hides, so that everyone has none. `none`: too few people for any row."""
    level: float
    rules: tuple[PublicRule, ...]
    features: tuple[PublicFeature, ...]
    rows: tuple[PublicRow, ...]
    """The rows: of each side everyone first, then by one feature, then by two. None where neither side has enough
    people for one, all would hold hidden numbers, or the plan has no feature to make rows by."""
    unscored: int | None = None
    """Number of people without a usable answer, changed; null where it is below `method.row`, zero or not."""
    unlabelled: int | None = None
    """Number of people with a decision and no label, changed; null where it is below `method.row`, zero or not."""
    waivers: tuple[PublicWaiver, ...] = ()
    changed_words: tuple[PublicChangedWord, ...] = ()
    """What rules say of each changed word of written texts. Of changed columns of rows the headline alone speaks."""
    set_id: str = ""
    """Name of the set and key: equal in all releases whose numbers were drawn under one key."""
    number: int | None = None
    """Number of the release under that key, from 1; null where it has no figures."""
    set_before: str = ""
    """`set_id` of releases before, where the key is a new one; left out of the file where there were none."""

    @property
    def rates(self) -> dict[MetricName, Metric]:
        """Rates by name: those of audit7k, and those that the plan declares."""
        return {**METRICS, **{definition.name: definition.metric for definition in self.about.metrics}}

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of the `SENTENCES` that say which figures are left out, or cannot be compared, and why."""
        sides = set(self.sides.values())
        return (
            *(["figures_none"] if not self.rows and "hidden" not in sides else []),
            *(f"figures_{name}" for name in ("people", "hidden") if name in sides),
            *(["other_key"] if self.set_before else []),
        )


def row_key(parts: tuple[PublicPart, ...]) -> str:
    """Return the text by which a public file says whose numbers stand beside it.

    `gender:level=woman,nationality:country=NGA`; joined codes with `+`; `nationality:m49-subregion=others of 011`;
    `everyone` for all. Unseen characters and marks that have a meaning here are written out: no two rows have one name.
    """
    return harmless(",".join(f"{_plain(part.feature)}:{part.rung}={_codes(part)}" for part in parts)) or "everyone"


_MARKS: Final = str.maketrans({mark: f"%{ord(mark):02X}" for mark in "%,=:+"})


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    written = text.translate(_MARKS)
    return written.replace(" ", "%20", 1) if written.startswith("others of ") else written


def _codes(part: PublicPart) -> str:
    codes = "+".join(map(_plain, part.members if part.kind == "nearly" else part.codes))
    return f"others of {codes or 'all'}" if part.kind == "others" else codes


def public_json(release: PublicRelease) -> str:
    """Write the canonical text of a release: the same bytes for the same numbers.

    Keys that only some audits have are left out where they are empty, as in releases of versions without them.
    """
    without: dict[str, Any] = {name: True for name in ("set_before", "changed_words") if not getattr(release, name)}
    if unset := {name for name in ("deployed", "respond_by") if getattr(release.about, name) is None}:
        without["about"] = unset
    return release.model_dump_json(exclude=without) + "\n"
