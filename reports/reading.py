"""A result made easy to read: every finding by rule, family and group, and the limit each group was held against.

Arithmetic here is on the result's integer counts alone (the rest of a group is everyone minus the group), and nothing
is decided: verdicts are read, never made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from audit.result.audit_result import (
    AuditResult,
    Axis,
    Estimate,
    Family,
    FamilyResult,
    Group,
    Level,
    MetricDefinition,
    Outcome,
    RuleResult,
    SensitiveFeature,
    Verdict,
)

Key = tuple[Level, ...]
Who = tuple[tuple[str, str], ...]
"""The people of a group: feature and code, without the rung. Unknown is unknown on every rung."""

MISSED = ("true_positive_rate", "false_negative_rate")
"""Rates that speak of victims missed."""
WRONGLY_FLAGGED = ("false_positive_rate", "true_negative_rate")
"""Rates that speak of people wrongly flagged."""
SHARES_OF_GOOD = ("true_positive_rate", "true_negative_rate", "precision", "accuracy")
"""Rates whose complement is the share of errors."""


UNDECIDED_ALONE = (
    "too_many_failed",
    "unscored_cases",
    "several_nationalities",
    "unknown_attribute",
    "limit_not_excluded",
    "limit_cannot_be_exceeded",
    "too_few_clusters",
)
"""Reasons of groups that were large enough to be judged, and were not decided."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a result holds about one rate of one group; with a rule and a verdict where the plan sets a limit on it."""

    group: Group
    metric: str
    estimate: Estimate | None
    rest_numerator: int
    rest_denominator: int
    rule: RuleResult | None = None
    verdict: Verdict | None = None
    rest_weights: tuple[float, float] | None = None
    """With design weights: the weighted numerator and denominator of everyone else."""
    harms: str = "not_judged"
    """Which side of everyone else's rate harms: low, high, or not_judged where it is neither."""

    @property
    def value(self) -> float | None:
        """The group's rate."""
        return None if self.estimate is None else self.estimate.value

    @property
    def rest(self) -> float | None:
        """The rate of everyone else; None where nobody else has a denominator."""
        if self.rest_weights is not None:
            numerator, denominator = self.rest_weights
            return numerator / denominator if self.rest_denominator and denominator > 0 else None
        return self.rest_numerator / self.rest_denominator if self.rest_denominator else None

    @property
    def lower_limit(self) -> float | None:
        """The smallest rate within the limit; None where the low side is not limited or there is no rest."""
        if self.rule is None or self.rest is None or self.rule.worse == "high":
            return None
        return self.rest - self.rule.limit if self.rule.scale == "difference" else self.rest * self.rule.limit

    @property
    def upper_limit(self) -> float | None:
        """The largest rate within the limit; None where the high side is not limited or there is no rest."""
        if self.rule is None or self.rest is None or self.rule.worse == "low":
            return None
        return self.rest + self.rule.limit if self.rule.scale == "difference" else self.rest / self.rule.limit

    @property
    def nearest_limit(self) -> float | None:
        """The limit on the side on which the group is nearer to failing."""
        side = self.verdict.side if self.verdict else "low"
        return self.lower_limit if side == "low" and self.lower_limit is not None else self.upper_limit

    @property
    def beyond(self) -> bool:
        """Whether the measured rate itself lies beyond the limit; says nothing of chance, and is no verdict."""
        low, high = self.lower_limit, self.upper_limit
        value = self.value
        return value is not None and ((low is not None and value < low) or (high is not None and value > high))

    @property
    def error(self) -> float | None:
        """The group's rate told as a share of errors: victims missed, people wrongly flagged, flags that are wrong."""
        return _error(self.metric, self.value)

    @property
    def rest_error(self) -> float | None:
        """The same of everyone else."""
        return _error(self.metric, self.rest)

    @property
    def apart(self) -> float:
        """Cases of this group that would have gone the other way at the rate of everyone else, to whichever side."""
        if self.estimate is None or self.value is None or self.rest is None:
            return 0.0
        return abs(self.value - self.rest) * self.estimate.denominator

    @property
    def people(self) -> float:
        """The same with its sign: how many more were harmed; negative where fewer were; 0 where no side harms."""
        if self.value is None or self.rest is None or self.harms == "not_judged":
            return 0.0
        return self.apart if (self.value < self.rest) == (self.harms == "low") else -self.apart

    @property
    def both_ways(self) -> bool:
        """Whether the limit holds in both directions, so that a group beyond it need not be worse off."""
        return self.rule is not None and self.rule.direction == "both"

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The features and rungs of the group: its family."""
        return tuple([Axis(level.feature, level.rung) for level in self.group.root])

    @property
    def who(self) -> Who:
        """The people concerned, whatever the rung on which they are looked at."""
        return who(self.group)


def who(group: Group) -> Who:
    """The people of a group. Codes of rungs do not overlap: one code on several rungs stands for the same people."""
    return tuple([(level.feature, level.code) for level in group.root])


def _error(metric: str, value: float | None) -> float | None:
    if value is None:
        return None
    return 1 - value if metric in SHARES_OF_GOOD else value


class Reading:
    """An `AuditResult` with its parts found by group. Built once a report; reads and never changes the result."""

    def __init__(self, result: AuditResult) -> None:
        self.result = result
        self.metrics: dict[str, MetricDefinition] = {metric.name: metric for metric in result.metrics}
        self.everyone: dict[str, Estimate] = {}
        self._estimates: dict[tuple[str, Key], Estimate] = {}
        self._groups: dict[tuple[Axis, ...], dict[Key, Group]] = {}
        for estimate in result.estimates:
            key = estimate.group.root
            self._estimates[estimate.metric, key] = estimate
            if key:
                self._know(estimate.group)
            else:
                self.everyone[estimate.metric] = estimate
        self._verdicts: dict[str, dict[Key, Verdict]] = {rule.rule: {} for rule in result.rules}
        for verdict in result.verdicts:
            self._verdicts.setdefault(verdict.rule, {})[verdict.group.root] = verdict
            self._know(verdict.group)

    def _know(self, group: Group) -> None:
        axes = tuple([Axis(level.feature, level.rung) for level in group.root])
        self._groups.setdefault(axes, {}).setdefault(group.root, group)

    @property
    def outcome_of_rates(self) -> str:
        """What the verdict would be without limits on probes."""
        outcomes = {rule.outcome for rule in self.result.rules}
        return "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "inconclusive"

    @property
    def families(self) -> Iterator[Family]:
        """The families, in the order in which the result names them."""
        return map(Family, self._groups)

    def groups(self, family: Family) -> list[Group]:
        """The groups of a family, in the order in which the result names them."""
        return list(self._groups[family.root].values())

    def judged(self, rule: RuleResult, family: Family) -> list[Finding]:
        """What `rule` says of the groups of `family`; empty where it is not about them."""
        verdicts = self._verdicts[rule.rule]
        return [
            self._finding(group, rule.metric, rule, verdicts[key])
            for key, group in self._groups[family.root].items()
            if key in verdicts
        ]

    def shown(self, metric: str, family: Family) -> list[Finding]:
        """A rate of the groups of `family` on which no limit is set: shown, not judged."""
        return [self._finding(group, metric, None, None) for group in self._groups[family.root].values()]

    @cached_property
    def findings(self) -> list[Finding]:
        """Every verdict with its numbers, rule by rule."""
        return [
            self._finding(verdict.group, rule.metric, rule, verdict)
            for rule in self.result.rules
            for verdict in self._verdicts[rule.rule].values()
        ]

    def with_outcome(self, outcome: str) -> list[Finding]:
        """Findings with this outcome, by rule."""
        return [finding for finding in self.findings if finding.verdict and finding.verdict.outcome == outcome]

    def estimate(self, metric: str, group: Group) -> Estimate | None:
        """One rate of one group."""
        return self._estimates.get((metric, group.root))

    def _finding(self, group: Group, metric: str, rule: RuleResult | None, verdict: Verdict | None) -> Finding:
        estimate, everyone = self._estimates.get((metric, group.root)), self.everyone.get(metric)
        numerator = denominator = 0
        if everyone is not None:
            numerator = everyone.numerator - (estimate.numerator if estimate else 0)
            denominator = everyone.denominator - (estimate.denominator if estimate else 0)
        definition = self.metrics.get(metric)
        harms = "not_judged" if definition is None else definition.worse
        weights = _weights_of_the_rest(everyone, estimate)
        return Finding(group, metric, estimate, numerator, denominator, rule, verdict, weights, harms)

    @cached_property
    def unnamed(self) -> list[tuple[RuleResult, FamilyResult]]:
        """Families some of whose groups are beyond a limit although none of them is named, by rule.

        Where one is named, that one alone may be why all of them together are beyond the limit.
        """
        named = {(each.rule.rule, each.axes) for each in self.with_outcome("fail") if each.rule is not None}
        return [
            (rule, family)
            for rule in self.result.rules
            for family in rule.families
            if family.unnamed_beyond and (rule.rule, family.family.root) not in named
        ]

    def may_be_unnamed(self, finding: Finding) -> bool:
        """Whether a group may be one of several beyond the limit of which none can be named, or a part of one."""
        return finding.rule is not None and any(
            rule.rule == finding.rule.rule and set(family.family.root) <= set(finding.axes)
            for rule, family in self.unnamed
        )

    @cached_property
    def each_once(self) -> list[Finding]:
        """Findings with the same people counted once a rule, with their worst outcome, in the order of the result."""
        once: dict[tuple[str, Who], Finding] = {}
        for finding in self.findings:
            if finding.rule is not None and finding.verdict is not None:
                key = finding.rule.rule, finding.who
                known = once.get(key)
                if known is None or _place(finding) < _place(known):
                    once[key] = finding
        return list(once.values())


def _weights_of_the_rest(everyone: Estimate | None, estimate: Estimate | None) -> tuple[float, float] | None:
    if everyone is None or everyone.weighted_numerator is None or everyone.weighted_denominator is None:
        return None
    own = (0.0, 0.0)
    if estimate is not None and estimate.weighted_numerator is not None and estimate.weighted_denominator is not None:
        own = estimate.weighted_numerator, estimate.weighted_denominator
    return everyone.weighted_numerator - own[0], everyone.weighted_denominator - own[1]


_WORST_FIRST = ("fail", "inconclusive", "not_evaluable", "pass")


def _place(finding: Finding) -> int:
    return _WORST_FIRST.index(finding.verdict.outcome) if finding.verdict else len(_WORST_FIRST)


def worst_outcomes(findings: list[Finding]) -> dict[Who, Outcome]:
    """For each group its worst outcome over all rules: fail, inconclusive, not evaluable, pass; same people once."""
    worst: dict[Who, Finding] = {}
    for finding in findings:
        if finding.verdict is not None:
            known = worst.get(finding.who)
            if known is None or _place(finding) < _place(known):
                worst[finding.who] = finding
    return {people: finding.verdict.outcome for people, finding in worst.items() if finding.verdict}


def people_beyond(findings: list[Finding], features: Sequence[SensitiveFeature]) -> float:
    """At most how many cases of these groups would have gone the other way at the rate of everyone else.

    The same people are counted once: a country, its sub-region and its region count as much as the one of them that is
    furthest apart, or as the groups inside of it together. Of groups that merely overlap nobody need stand in both, so
    that no smaller number than their sum is certain to be enough.
    """
    largest: dict[Who, float] = {}
    for finding in findings:
        largest[finding.who] = max(largest.get(finding.who, 0.0), finding.apart)
    parents = {
        (feature.name, level.code): (feature.name, level.parent)
        for feature in features
        for level in feature.levels
        if level.parent is not None and level.parent != level.code
    }
    # From the inside out, each group into the smallest one around it: whoever is held by fewer codes comes first.
    reach = {people: _reach(people, parents) for people in largest}
    inside: dict[Who, float] = dict.fromkeys(largest, 0.0)
    total = 0.0
    for people in sorted(largest, key=lambda each: -len(reach[each])):
        most = max(largest[people], inside[people])
        around = [other for other in largest if other != people and reach[people].issuperset(other)]
        if around:
            inside[max(around, key=lambda other: len(reach[other]))] += most
        else:
            total += most
    return total


def _reach(people: Who, parents: Mapping[tuple[str, str], tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The codes of a group, and of all that they are a part of."""
    reached = set()
    for code in people:
        known: tuple[str, str] | None = code
        while known is not None:
            reached.add(known)
            known = parents.get(known)
    return frozenset(reached)
