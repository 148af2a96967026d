"""Figures that may be shown: protected counts, and arithmetic on them. Public reports read this and nothing else.

Every number here was changed by a secret key, and shown only where the exact and the changed count both reach the
floor. No field holds an exact count of a group, and none has a place for one. Rates, intervals and words are computed
from the protected counts alone; only the headline, one word for the whole set, comes from the exact ones.
"""

from __future__ import annotations

from typing import Final, Literal

from audit.public.about import PublicAbout
from audit.public.sentences import SENTENCES
from audit.vocabulary.groups import Group, LevelName, Part
from audit.vocabulary.metrics import MetricName
from audit.vocabulary.text import harmless

METHOD_VERSION: Final = 1

TotalName = Literal["positives", "negatives", "unscored", "unlabelled"]
Shown = Literal["value", "few_errors", "few_correct", "not_shown"]
Why = Literal["small_or_withheld", "too_small_for_a_rate", "cannot_occur", "not_in_table"]
FailsOn = Literal["groups", "probes", "change"]
PlanPart = Literal["detector", "audit.title", "scoring", "sandbox", "disclosure", "governance", "waivers"]
"""Parts of a plan that may differ between two audits that are compared."""
SizeClass = Literal["below 20", "20-49", "50-99", "100-299", "300-999", "1000 or more"]


class PublicMethod(Part):
    """Method of protecting counts: everything but the key."""

    version: int
    """Version of the method."""
    floor: int
    """k: no count below it is shown, and no changed count below it either."""
    largest_change: int
    """D: every count shown differs from the exact one by at most this."""
    variance: float
    """V: the variance of the change."""
    absent: tuple[TotalName, ...] = ()
    """Kinds of cases that the plan says this set cannot have."""

    @property
    def few_errors(self) -> int:
        """K + D: a group that shows few errors has fewer than this."""
        return self.floor + self.largest_change

    @property
    def few_correct(self) -> int:
        """K + 2 D: a group that shows few right answers has fewer than this."""
        return self.floor + 2 * self.largest_change


class PublicFeature(Part):
    """A feature by which the table is broken down, with its fixed levels."""

    name: str
    """The feature's name in the plan."""
    rungs: tuple[str, ...]
    """Rungs of the feature, finest first."""
    levels: tuple[LevelName, ...]
    """Every level of the fixed list, in the set or not."""


class PublicSide(Part):
    """The cases of one label in a group, and the errors among them."""

    cases: int | None
    """Protected number of cases that have this label and a decision; null where it is not shown."""
    shown: Shown
    """`value`: `errors` is shown. `few_errors`: fewer than k + D errors. `few_correct`: all but fewer than k + 2 D are
    errors. `not_shown`: nothing is said."""
    errors: int | None
    """Protected number of errors (victims missed; others wrongly flagged); null unless `shown` is `value`."""
    why: Why | None
    """Why something is not shown. Small and withheld have one sign: telling them apart would tell the small ones."""


class PublicGroup(Part):
    """The protected counts of one group."""

    group: Group
    """The group; the first of a table is everyone."""
    positives: PublicSide
    """Cases labelled as exploitation; errors are those not flagged."""
    negatives: PublicSide
    """Cases labelled as none; errors are those flagged."""
    unscored: int | None
    """Protected number of cases without a usable answer; null where it is not shown."""
    unlabelled: int | None
    """Protected number of cases that have a decision and no label; null where it is not shown."""


class PublicTable(Part):
    """The protected counts of one release. The wall is this type: public reporters accept nothing else."""

    method: PublicMethod
    """Method by which the counts were protected."""
    features: tuple[PublicFeature, ...]
    """The features and their fixed levels."""
    groups: tuple[PublicGroup, ...]
    """Every group of the fixed lists, in a fixed order: everyone, one feature, two features crossed."""


class PublicRate(Part):
    """A rate of one group, computed from protected counts."""

    metric: MetricName
    """The rate."""
    group: Group
    """The group."""
    value: float | None
    """The rate; null where only a bound or nothing is known."""
    low: float | None
    """Lower end of the interval, rounded down to a whole per cent. It includes the noise."""
    high: float | None
    """Upper end, rounded up to a whole per cent."""
    level: float
    """Level of the interval."""
    at_most: float | None = None
    """Upper bound of the rate in this set, rounded up, if few errors or few right answers are shown."""
    at_least: float | None = None
    """Lower bound of the rate in this set, rounded down."""
    size: SizeClass | None = None
    """Size of the protected denominator; intervals of small ones are less sure (see docs/disclosure.md)."""
    why: Why | None = None
    """Why there is no value."""


class PublicRule(Part):
    """A rule of the plan on rates, as far as the public reads it."""

    rule: str
    """Id of the rule."""
    metric: MetricName
    """The rate."""
    scale: Literal["difference", "ratio"]
    """Scale on which a group is compared with everyone else."""
    limit: float
    """The margin of a difference, or the smallest ratio."""
    worse: tuple[Literal["low", "high"], ...]
    """Directions in which a group is worse off; both if either harms."""
    least_cases: int = 0
    """Cases of the rate's denominator that a group needs to be passed alone, as the plan sets or plans it."""
    groups: tuple[tuple[str, ...], ...] = ()
    """The features, and features crossed, whose groups the rule judges; every group where none is named. A group that
    it does not judge has no word under it."""
    line: int | None = None
    """The line of the plan file on which it stands, from 1; null where it is not known."""


class PublicWord(Part):
    """Word of the protected figures about one group under one rule. No exact count enters."""

    rule: str
    """Id of the rule."""
    group: Group
    """The group."""
    word: Literal["below", "meets", "cannot_tell"]
    """`below` the limit, `meets` it, or the protected figures do not tell."""
    why: Literal["beyond_limit", "within_limit", "limit_not_excluded", "rate_not_shown"]
    """The reason."""


class PublicChange(Part):
    """Change from an earlier audit as the public reads it: one word for the whole set, and none about a group."""

    outcome: Literal["pass", "fail", "inconclusive"]
    """`fail`: at least one group became worse by more than its margin. `pass`: none that could be judged did."""
    paired: bool
    """Whether the same cases were compared one by one."""
    baseline_finished: str
    """The day on which the earlier audit ended, as YYYY-MM-DD (UTC)."""
    not_judged: Literal["weighted_set", "clustered_set"] | None = None
    """Why no change of such a set is judged, whatever it is; null where that is not why."""
    differs: tuple[PlanPart, ...] = ()
    """Parts of the plan that differ from the earlier audit's; `detector` also if only its file differs."""

    @property
    def sentence_names(self) -> tuple[str, ...]:
        """Names of the `SENTENCES` that state the change; the last one takes `differs` as its features."""
        names = [f"change_{self.outcome}", *([f"change_{self.not_judged}"] if self.not_judged else [])]
        return (*names, *(["change_differs"] if self.differs else []))

    @property
    def sentences(self) -> tuple[str, ...]:
        """Sentences, in English, that state the change."""
        return tuple(SENTENCES[name].format(features=", ".join(self.differs)) for name in self.sentence_names)


class PublicHeadline(Part):
    """The one word that comes from exact counts."""

    outcome: Literal["pass", "fail", "inconclusive"]
    """The verdict over the whole set, computed from the exact figures that the auditor holds."""
    no_group_named: bool
    """A rule on groups fails, and no group is below a limit in the protected figures."""
    fails_on: tuple[FailsOn, ...] = ()
    """Reasons of a fail: the kinds of rules that fail, on rates of groups or on probes, and `change` where a group
    became worse than in an earlier audit. Of the whole set, as the outcome is."""
    change: PublicChange | None = None
    """Change from an earlier audit, if one was named; it is part of the outcome."""


class PublicWaiver(Part):
    """A finding that somebody answers for until a day, as the operator declares it. It changes no verdict and no word.

    By name only where the word of its group under its rule is `below`: of another one that it was written at all says
    what the protected figures do not, and who answers for it until when is all that stands here.
    """

    rule: str = ""
    """Id of the rule; empty where the finding is not named."""
    group: Group | None = None
    """The group; null where the finding is not named."""
    who: str
    """Who answers for it."""
    why: str = ""
    """On what ground; empty where the finding is not named."""
    expires: str
    """The last day on which it holds, as YYYY-MM-DD. Where `about.finished` is later, it had expired by then."""


class PublicRelease(Part):
    """All that a public report prints: the table, what follows from it, and what the audit is of."""

    about: PublicAbout
    """Who audits what. No number in it follows from a count."""
    table: PublicTable
    """The protected counts."""
    headline: PublicHeadline
    """The verdict."""
    rules: tuple[PublicRule, ...]
    """The rules."""
    rates: tuple[PublicRate, ...]
    """The rates of `about.metrics` and of the rules, of every group."""
    words: tuple[PublicWord, ...]
    """Rule by rule and group by group."""
    figures: Literal["shown", "refused", "not_made"] = "shown"
    """`refused`: the check before publication found that figures could tell on people. `not_made`: no feature of the
    plan has a fixed list of levels. Both show headline and what the audit is of; `SENTENCES["figures_…"]` says so."""
    waivers: tuple[PublicWaiver, ...] = ()
    """Findings that somebody answers for; first those that are named."""


def group_key(group: Group) -> str:
    """Return the text by which a public file says whose numbers stand beside it, in a column or attribute `group`.

    `gender:level=woman,nationality:country=NGA`; `everyone` for all. Unseen characters are written out.
    """
    return harmless(",".join(f"{level.feature}:{level.rung}={level.code}" for level in group.levels)) or "everyone"


def clear_change(before: int | None, after: int | None, method: PublicMethod) -> tuple[int, int, int] | None:
    """Return the change of a protected count from one release to the next, with the least and the most it can be.

    None, to be printed as "no clear change", if it is smaller than k + 2 D or one of the two is not shown: a
    smaller one has the wrong sign too often.
    """
    if before is None or after is None or abs(after - before) < method.few_correct:
        return None
    change, most = after - before, 2 * method.largest_change
    return change, change - most, change + most


def public_json(part: PublicTable | PublicRelease) -> str:
    """Write the canonical text of a table or a release: the same bytes for the same numbers."""
    return part.model_dump_json() + "\n"


def why_no_rates(release: PublicRelease) -> tuple[str, ...]:
    """Name the `SENTENCES` that say why a release has sizes and no rates; none if it has rates."""
    once = release.about.unit == "cluster"
    weighted, clustered = ("weighted_once", "counted_once") if once else ("weighted", "clustered")
    return (*([weighted] if release.about.weighted else []), *([clustered] if release.about.clustered else []))


def has_words(release: PublicRelease) -> bool:
    """Say whether the protected figures have words for groups; if they have none, none may be counted."""
    return release.figures == "shown" and not why_no_rates(release)


def why_nobody_named(release: PublicRelease) -> tuple[str, ...]:
    """Name the `SENTENCES` that say why a fail on groups names none; none if one is named or no such rule fails."""
    return (why_no_rates(release) or ("no_group_named",)) if release.headline.no_group_named else ()
