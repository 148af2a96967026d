"""A result made easy to read: every finding by rule, family and group, and the limit each group was held against.

Arithmetic here is on the result's integer counts alone (the rest of a group is everyone minus the group), and nothing
is decided: verdicts are read, never made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Final, TypeVar

from audit.result.findings.change import Change, ChangeVerdict
from audit.result.findings.further import Further
from audit.result.findings.judged import Estimate, FamilyResult, Outcome, RuleResult, Verdict
from audit.result.findings.second import SecondVerdict
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature
from audit.vocabulary.metrics import Metric, MetricDefinition, MetricName, error_of

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

Key = tuple[Level, ...]
People = frozenset[tuple[str, str]]
"""The people of a group, as `Group.people` gives them: on whatever rung they are looked at."""
T = TypeVar("T")


WORST_FIRST: Final[tuple[Outcome, ...]] = ("fail", "inconclusive", "not_evaluable", "pass")


def result_of_second(result: AuditResult, second: SecondVerdict) -> AuditResult:
    """Return a result that says what a verdict beside that of the audit says, and nothing else."""
    fields = ("rules", "verdicts", "counts", "estimates")
    bare = dict.fromkeys(("probes", "probe_rules", "probe_verdicts", "waivers", "notices"), ())
    known = {name: getattr(second, name) for name in fields}
    return result.model_copy(update={**bare, **known, "change": None, "further": Further()})


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of one group and of everyone else; with a rule and a verdict where the plan sets a limit on it."""

    group: Group
    definition: Metric
    estimate: Estimate | None
    everyone: Estimate | None
    harms: str
    """Which side of everyone else's rate harms: low, high, or not_judged where it is neither."""
    rule: RuleResult | None = None
    verdict: Verdict | None = None

    @property
    def metric(self) -> MetricName:
        """The name of the rate."""
        return self.definition.name

    @property
    def value(self) -> float | None:
        """The group's rate."""
        return None if self.estimate is None else self.estimate.value

    @property
    def same_people(self) -> tuple[Group, ...]:
        """Other groups that hold the same people in this set, and have no verdict of their own."""
        return () if self.verdict is None else self.verdict.same_people

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The ends of its likely range; None where no rate is stated."""
        return (None, None) if self.estimate is None or self.value is None else (self.estimate.low, self.estimate.high)

    @property
    def denominator(self) -> int:
        """The cases among which it was counted."""
        return self.estimate.denominator if self.estimate else 0

    @property
    def rest(self) -> float | None:
        """The rate of everyone else, of weighted sums where cases have weights; None where nobody else is counted."""
        everyone, group = self.everyone, self.estimate
        if everyone is None:
            return None
        cases = everyone.denominator - (group.denominator if group else 0)
        x, n = everyone.weighted_numerator, everyone.weighted_denominator
        if x is None or n is None:
            return (everyone.numerator - (group.numerator if group else 0)) / cases if cases else None
        if group is not None and group.weighted_numerator is not None and group.weighted_denominator is not None:
            x, n = x - group.weighted_numerator, n - group.weighted_denominator
        return x / n if cases and n > 0 else None

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
        """The group's rate as a share of errors: victims missed, people wrongly flagged, flags that are wrong."""
        return None if self.value is None else error_of(self.definition, self.value)

    @property
    def rest_error(self) -> float | None:
        """Everyone else's rate as a share of errors."""
        return None if self.rest is None else error_of(self.definition, self.rest)

    @property
    def apart(self) -> float:
        """Cases of this group that would have gone the other way at the rate of everyone else, to whichever side; with
        design weights the cases of the population.
        """
        if self.value is None or self.rest is None or self.estimate is None:
            return 0.0
        weighted = self.estimate.weighted_denominator
        return abs(self.value - self.rest) * (self.denominator if weighted is None else weighted)

    @property
    def more_harmed(self) -> float:
        """How many more were harmed than at everyone else's rate; negative where fewer; 0 where no side harms."""
        if self.value is None or self.rest is None or self.harms == "not_judged":
            return 0.0
        return self.apart if (self.value < self.rest) == (self.harms == "low") else -self.apart

    @property
    def both_ways(self) -> bool:
        """Whether the limit holds in both directions, so that a group beyond it need not be worse off."""
        return self.rule is not None and self.rule.direction == "both"


@dataclass(frozen=True, slots=True)
class JudgedRate(Rate):
    """A verdict on one group under one rule, with the rates that it is about."""

    rule: RuleResult
    verdict: Verdict

    @property
    def numbers(self) -> dict[str, object]:
        """What a table says beside the verdict: rates as shares, None where one is not known."""
        apart = None if self.value is None or self.rest is None else self.value - self.rest
        return {
            "rule": self.rule.rule,
            "metric": self.metric,
            "outcome": self.outcome,
            "because": self.verdict.because,
            "rate": self.value,
            "low": self.ends[0],
            "high": self.ends[1],
            "rest": self.rest,
            "difference": apart,
            "lower_limit": self.lower_limit,
            "upper_limit": self.upper_limit,
        }

    @property
    def outcome(self) -> Outcome:
        """The outcome of the verdict."""
        return self.verdict.outcome

    @property
    def excess(self) -> float:
        """Distance of the measured rate beyond the limit, in shares; negative within it. For sorting alone."""
        value, limit = self.value, self.nearest_limit
        if value is None or limit is None:
            return float("-inf")
        return limit - value if self.verdict.side == "low" else value - limit


def each_once(findings: Iterable[T], verdict_of: Callable[[T], Verdict | ChangeVerdict]) -> list[T]:
    """Drop the repeats of people who stand on several rungs of a ladder, such as those of unknown nationality.

    No two rungs share the code of a country or region, so one code on several rungs, with as many cases, stands for the
    same people. Of these the first with the worst outcome is kept, once a rule, in the place of the first.
    """
    once: dict[tuple[str, People, int], T] = {}
    for finding in findings:
        verdict = verdict_of(finding)
        key = verdict.rule, verdict.group.people, verdict.cases
        known = once.get(key)
        if known is None or _badness(verdict) < _badness(verdict_of(known)):
            once[key] = finding
    return list(once.values())


def _badness(verdict: Verdict | ChangeVerdict) -> int:
    return WORST_FIRST.index(verdict.outcome)


def changed_groups(change: Change) -> list[ChangeVerdict]:
    """The verdicts on a change, with the same people once a rule."""
    return each_once(change.verdicts, lambda verdict: verdict)


def changed_worst_first(groups: Iterable[ChangeVerdict]) -> list[ChangeVerdict]:
    """Verdicts of `changed_groups` with a rate: worse first, then unknown, then not worse; the largest loss first."""
    order = ("fail", "inconclusive", "pass")
    rated = [verdict for verdict in groups if verdict.outcome != "not_evaluable"]
    return sorted(rated, key=lambda verdict: (order.index(verdict.outcome), not verdict.decidable, -_loss(verdict)))


def _loss(verdict: ChangeVerdict) -> float:
    difference = verdict.difference or 0.0
    return -difference if verdict.side == "low" else difference


class Reading:
    """An `AuditResult` with its parts found by group. Built once a report; reads and never changes the result."""

    def __init__(self, result: AuditResult) -> None:
        self.result = result
        self.metrics: dict[str, MetricDefinition] = {metric.name: metric for metric in result.metrics}
        self.rates = result.plan.metrics
        self.everyone: dict[str, Estimate] = {}
        self._estimates: dict[tuple[str, Key], Estimate] = {}
        self._groups: dict[tuple[Axis, ...], dict[Key, Group]] = {}
        for estimate in result.estimates:
            key = estimate.group.root
            self._estimates[estimate.metric, key] = estimate
            if key:
                self._add(estimate.group)
            else:
                self.everyone[estimate.metric] = estimate
        self._verdicts: dict[str, dict[Key, Verdict]] = {rule.rule: {} for rule in result.rules}
        for verdict in result.verdicts:
            self._verdicts.setdefault(verdict.rule, {})[verdict.group.root] = verdict
            self._add(verdict.group)

    def _add(self, group: Group) -> None:
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

    def judged(self, rule: RuleResult, family: Family) -> list[JudgedRate]:
        """What `rule` says of the groups of `family`; empty where it is not about them."""
        verdicts = self._verdicts[rule.rule]
        return [self._finding(rule, verdicts[key]) for key in self._groups[family.root] if key in verdicts]

    def shown(self, metric: MetricName, family: Family) -> list[Rate]:
        """A rate of the groups of `family` on which no limit is set: shown, not judged."""
        return [
            Rate(group, self.rates[metric], *self._numbers(group, metric))
            for group in self._groups[family.root].values()
        ]

    @cached_property
    def judged_rates(self) -> list[JudgedRate]:
        """Every verdict with its numbers, rule by rule."""
        return [
            self._finding(rule, verdict) for rule in self.result.rules for verdict in self._verdicts[rule.rule].values()
        ]

    def with_outcome(self, outcome: str) -> list[JudgedRate]:
        """Findings with this outcome, by rule."""
        return [finding for finding in self.judged_rates if finding.outcome == outcome]

    def estimate(self, metric: str, group: Group) -> Estimate | None:
        """One rate of one group."""
        return self._estimates.get((metric, group.root))

    def _finding(self, rule: RuleResult, verdict: Verdict) -> JudgedRate:
        return JudgedRate(
            verdict.group, self.rates[rule.metric], *self._numbers(verdict.group, rule.metric), rule, verdict
        )

    def _numbers(self, group: Group, metric: str) -> tuple[Estimate | None, Estimate | None, str]:
        """The estimate of a group, that of everyone, and which side of everyone else's rate harms."""
        definition = self.metrics.get(metric)
        harms = "not_judged" if definition is None else definition.worse
        return self._estimates.get((metric, group.root)), self.everyone.get(metric), harms

    @cached_property
    def unnamed(self) -> list[tuple[RuleResult, FamilyResult]]:
        """Families some of whose groups are beyond a limit although none of them is named, by rule.

        Where one is named, that one alone may be why all of them together are beyond the limit.
        """
        named = {(finding.rule.rule, finding.group.family) for finding in self.with_outcome("fail")}
        return [
            (rule, family)
            for rule in self.result.rules
            for family in rule.families
            if family.unnamed_beyond and (rule.rule, family.family) not in named
        ]

    @cached_property
    def _parents(self) -> Mapping[tuple[str, str], tuple[str, str]]:
        return _parents(self.result.features)

    @cached_property
    def _around_failing(self) -> frozenset[tuple[str, People]]:
        """Rules, and groups around one that fails there: of as many features, each on its rung or a larger one."""
        return frozenset(
            (finding.rule.rule, frozenset(around))
            for finding in self.with_outcome("fail")
            for around in product(*(_reach((code,), self._parents) for code in finding.group.people))
            if finding.group.people != frozenset(around)
        )

    def holds_failing(self, finding: JudgedRate) -> bool:
        """Whether a smaller group on its ladder fails the same rule, such as a country within its region."""
        return (finding.rule.rule, finding.group.people) in self._around_failing

    def may_be_unnamed(self, finding: JudgedRate) -> bool:
        """Whether a group may be one of several beyond the limit of which none can be named, or a part of one."""
        axes = {Axis(level.feature, level.rung) for level in finding.group.root}
        return any(rule is finding.rule and axes.issuperset(family.family.root) for rule, family in self.unnamed)

    @cached_property
    def each_once(self) -> list[JudgedRate]:
        """Findings with the same people counted once a rule, with their worst outcome, in the order of the result."""
        return each_once(self.judged_rates, lambda finding: finding.verdict)


def least_judged(rule: RuleResult) -> FamilyResult | None:
    """The family in which fewest people are judged, alone or as a part: its share is the rule's coverage."""
    return next((family for family in rule.families if family.coverage == rule.coverage), None)


def worst_outcomes(findings: Iterable[JudgedRate]) -> dict[People, Outcome]:
    """For each group its worst outcome over all rules: fail, inconclusive, not evaluable, pass; same people once."""
    worst: dict[People, Outcome] = {}
    for finding in findings:
        people = finding.group.people
        worst[people] = min(worst.get(people, "pass"), finding.outcome, key=WORST_FIRST.index)
    return worst


def people_beyond(findings: list[JudgedRate], features: Sequence[SensitiveFeature]) -> float:
    """Largest number of cases of these groups that would have gone the other way at the rate of everyone else.

    The same people are counted once: a country, its sub-region and its region count as much as the one of them that is
    furthest apart, or as the groups inside of it together. Of groups that merely overlap nobody need stand in both, so
    that no smaller number than their sum is certain to be enough.
    """
    largest: dict[People, float] = {}
    for finding in findings:
        largest[finding.group.people] = max(largest.get(finding.group.people, 0.0), finding.apart)
    parents = _parents(features)
    # From the inside out, each group into the smallest one around it: whoever is held by fewer codes comes first.
    reach = {people: _reach(people, parents) for people in largest}
    inside: dict[People, float] = dict.fromkeys(largest, 0.0)
    total = 0.0
    for people in sorted(largest, key=lambda people: -len(reach[people])):
        most = max(largest[people], inside[people])
        around = [other for other in largest if other != people and reach[people].issuperset(other)]
        if around:
            inside[max(around, key=lambda other: len(reach[other]))] += most
        else:
            total += most
    return total


def _parents(features: Iterable[SensitiveFeature]) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (feature.name, level.code): (feature.name, level.parent)
        for feature in features
        for level in feature.levels
        if level.parent is not None and level.parent != level.code
    }


def _reach(
    people: Iterable[tuple[str, str]], parents: Mapping[tuple[str, str], tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """The codes of a group, and of all that they are a part of."""
    reached = set()
    for code in people:
        known: tuple[str, str] | None = code
        while known is not None:
            reached.add(known)
            known = parents.get(known)
    return frozenset(reached)
