"""A public release made easy to read: every finding by rule and group, and what it was held against.

Nothing is decided here, and nothing comes from elsewhere than the release: words are read, and numbers are those of the
release or of a function of `audit.public.figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from audit.public.about import PublicMetric
from audit.public.figures import (
    State,
    each_people_once,
    error_of,
    everyone_else,
    limits_beside,
    people_apart,
    short_names,
    size_of,
    state_of,
)
from audit.public.table import PublicGroup, PublicRate, PublicRelease, PublicRule, group_key, why_no_rates
from audit.vocabulary.groups import Axis, Group, Level, LevelName
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricName

Key = tuple[Level, ...]

OUTCOMES: Final = {"below": "fail", "meets": "pass", "cannot_tell": "inconclusive", "not_shown": "not_evaluable"}
"""The look of each state: shape and colour are those of the restricted report."""


@dataclass(frozen=True, slots=True)
class FeatureNames:
    """A feature of the table, as names are made of it."""

    name: str
    coding: Literal["gender", "nationality", "categorical"]
    levels: tuple[LevelName, ...]
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublicFinding:
    """What a release holds about one rate of one group."""

    row: PublicGroup
    rate: PublicRate
    rest: float | None
    """The rate of everyone else."""
    rule: PublicRule | None
    """The rule on the rate; None where it is shown and not judged."""
    state: State | None
    """What the protected figures say under the rule."""
    apart: int | None
    """At most how many people would have fared otherwise at the rate of everyone else."""

    @property
    def group(self) -> Group:
        """The group."""
        return self.row.group

    @property
    def key(self) -> str:
        """The name of the row, for the gate that explains numbers."""
        return group_key(self.row.group)

    @property
    def outcome(self) -> str:
        """The look of the state; empty where there is no rule."""
        return "" if self.state is None else OUTCOMES[self.state]

    @property
    def is_shown(self) -> bool:
        """Whether anything is said of the rate: a value or a bound."""
        return any(end is not None for end in (self.rate.value, self.rate.at_most, self.rate.at_least))

    @property
    def cases(self) -> int | None:
        """Protected number of cases that the rate is among; None where it is not shown."""
        return size_of(self.row, self.rate.metric)

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The smallest and the largest rate within the limit."""
        return (None, None) if self.rest is None or self.rule is None else limits_beside(self.rest, self.rule)

    @property
    def is_worse_off(self) -> bool:
        """Whether the group has more errors than everyone else."""
        if self.rate.value is None or self.rest is None:
            return False
        return error_of(self.rate.metric, self.rate.value) > error_of(self.rate.metric, self.rest)

    @property
    def least_error(self) -> float:
        """The end of the interval at which fewest errors happen: where it is high, a group is surely badly off."""
        rate = self.rate
        ends = [end for end in (rate.low, rate.high, rate.at_most, rate.at_least) if end is not None]
        return min((error_of(rate.metric, end) for end in ends), default=-1.0)


class PublicReading:
    """A `PublicRelease` with its parts found by group."""

    def __init__(self, release: PublicRelease) -> None:
        self.release = release
        self.about = release.about
        self.method = release.table.method
        self.shown = release.figures == "shown"
        self.has_rates = not why_no_rates(release)
        """Protected figures know neither of weights nor of cases that belong together, and then have no rates."""
        self.everyone = release.table.groups[0]
        self.metrics: dict[str, PublicMetric] = {metric.name: metric for metric in release.about.metrics}
        self._rows: dict[Key, PublicGroup] = {row.group.root: row for row in release.table.groups}
        self._rates: dict[tuple[str, Key], PublicRate] = {
            (rate.metric, rate.group.root): rate for rate in release.rates
        }
        self._states: dict[str, dict[Key, State]] = {rule.rule: {} for rule in release.rules}
        for word in release.words:
            self._states.setdefault(word.rule, {})[word.group.root] = self._stands(state_of(word))
        self._findings: dict[str, list[PublicFinding]] = {}

    def _stands(self, state: State) -> State:
        """Rates without the audit's weights stand for no verdict, so that no word is said of them."""
        return "cannot_tell" if not self.has_rates and state in ("below", "meets") else state

    @cached_property
    def short(self) -> dict[str, str]:
        """The short names of rows, by their keys."""
        return short_names(group_key(row.group) for row in self.release.table.groups)

    @property
    def features(self) -> tuple[FeatureNames, ...]:
        """The features, with what names are made of."""
        codings = {coding.name: coding for coding in self.about.codings}
        return tuple(
            FeatureNames(
                feature.name,
                codings[feature.name].coding if feature.name in codings else "categorical",
                feature.levels,
                codings[feature.name].children if feature.name in codings else (),
            )
            for feature in self.release.table.features
        )

    @cached_property
    def rules(self) -> tuple[PublicRule, ...]:
        """The rules: the primary harm first, then the other error, then other rates."""
        errors = [MISSED, WRONGLY_FLAGGED]
        if self.about.primary_harm == "wrongly_flagged":
            errors.reverse()
        return tuple(
            sorted(
                self.release.rules,
                key=lambda rule: next((place for place, error in enumerate(errors) if rule.metric in error), 2),
            )
        )

    @property
    def families(self) -> Iterator[tuple[Axis, ...]]:
        """Features and rungs of the table, in its order; everyone left out."""
        found = (
            tuple(Axis(level.feature, level.rung) for level in row.group.root) for row in self.release.table.groups
        )
        return (axes for axes in dict.fromkeys(found) if axes)

    def findings(self, rule: PublicRule) -> list[PublicFinding]:
        """What a rule says of every group that it judges, in the order of the table."""
        if rule.rule not in self._findings:
            states = self._states[rule.rule]
            self._findings[rule.rule] = [
                self._finding(key, rule.metric, rule, states.get(key))
                for key in self._keys
                if judges(rule, (level.feature for level in key))
            ]
        return self._findings[rule.rule]

    def each_once(self, rule: PublicRule) -> list[PublicFinding]:
        """Return findings, with people who have one code on several rungs once, where it is worst for them."""
        words = [word for word in self.release.words if word.rule == rule.rule]
        once = {word.group.root for word in each_people_once(words)}
        return [finding for finding in self.findings(rule) if finding.group.root in once]

    def of_family(self, axes: tuple[Axis, ...], rule: PublicRule) -> list[PublicFinding]:
        """Return findings on the groups of one family; rates alone where the rule does not judge the family."""
        if not judges(rule, (axis.feature for axis in axes)):
            return self.unjudged(axes, rule.metric)
        return [finding for finding in self.findings(rule) if _axes_of(finding.group) == axes]

    def unjudged(self, axes: tuple[Axis, ...], metric: MetricName) -> list[PublicFinding]:
        """A rate on which no limit is set, of the groups of a family."""
        return [self._finding(key, metric, None, None) for key in self._keys if _axes_of(self._rows[key].group) == axes]

    def everyone_at(self, metric: MetricName) -> PublicRate | None:
        """A rate of everyone."""
        return self._rates.get((metric, ()))

    def below(self, rules: Sequence[PublicRule] | None = None) -> list[PublicFinding]:
        """Findings beyond a limit, most people first; the same people once a rule."""
        found = [
            finding
            for rule in (self.rules if rules is None else rules)
            for finding in self.each_once(rule)
            if finding.state == "below"
        ]
        return sorted(found, key=lambda finding: (not finding.is_worse_off, -(finding.apart or 0), finding.key))

    def tells_any(self, rule: PublicRule) -> bool:
        """Whether a group that a rule judges has another state than not shown."""
        return any(finding.state != "not_shown" for finding in self.findings(rule))

    @property
    def _keys(self) -> Iterator[Key]:
        return (key for key in self._rows if key)

    def _finding(self, key: Key, metric: MetricName, rule: PublicRule | None, state: State | None) -> PublicFinding:
        row, rate = self._rows[key], self._rates[metric, key]
        rest = None if rate.value is None else everyone_else(self.everyone, row, metric)
        apart = None if rate.value is None else people_apart(self.everyone, row, rate)
        return PublicFinding(row, rate, rest, rule, state or ("not_shown" if rule else None), apart)


def judges(rule: PublicRule, features: Iterable[str]) -> bool:
    """Whether a rule judges the groups of these features, or of these crossed."""
    asked = set(features)
    return not rule.groups or any(set(judged) == asked for judged in rule.groups)


def _axes_of(group: Group) -> tuple[Axis, ...]:
    return tuple(Axis(level.feature, level.rung) for level in group.root)
