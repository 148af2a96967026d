"""Tables behind the findings, for those who check: where rows went, every rate, differences and ratios, tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.result.findings.judged import Disparity, Estimate, FamilyResult, RowAccount
from audit.result.selected import Selected, comparison_limits, picked_level
from audit.vocabulary.groups import Group
from reports.html.tables import WHOLE
from reports.numbers import NOT_KNOWN
from reports.writer import Writer

_TESTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Account:
    """A row account, written out."""

    name: str
    numbers: tuple[str, ...]
    """Read, scored, abstained, failed, labelled, unlabelled."""
    is_whole: bool
    """Whether every row was decided and has a label, so that one number says all."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Every rate of a group, written out. A rate that cannot be stated is a dash with the reason."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A comparison of a group with others, written out."""

    name: str
    rate: str
    compared_with: str
    difference: str
    ratio: str


@dataclass(frozen=True, slots=True)
class Test:
    """The tests behind one verdict, written out."""

    name: str
    rule: str
    word: str
    p_fail: str
    level_fail: str
    p_pass: str
    freedom: str


@dataclass(frozen=True, slots=True)
class FamilyLine:
    """The results of a rule over the groups of one family, written out."""

    rule: str
    family: str
    groups: str
    tested: str
    level: str
    procedure: str
    judged: str
    alone: str
    together: str
    """The test of all its groups together, where there is one: p-value, level, groups that point to harm."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All tables for those who check."""

    everyone: RowAccount
    account_heads: tuple[str, ...]
    accounts: tuple[Account, ...]
    metrics: tuple[tuple[str, str], ...]
    """The name in the field and the head of the column."""
    rates: tuple[Rates, ...]
    differences: tuple[tuple[tuple[Difference, ...], str], ...]
    """Parts of a table, each with why its ranges are wider: groups shown whatever came out, and others that fail."""
    tests: tuple[Test, ...]
    families: tuple[FamilyLine, ...]


class EvidenceWriter(Writer):
    """Writer of the tables of one result."""

    def write(self) -> Evidence:
        """Write all tables."""
        metrics = [metric.name for metric in self.result.metrics]
        small = [
            group
            for family in self.reading.families
            if len(family.root) == 1 and len(self.reading.groups(family)) <= WHOLE
            for group in self.reading.groups(family)
        ]
        return Evidence(
            everyone=next(account for account in self.result.rows if not account.group.root),
            account_heads=(
                self.t.gettext("Read"),
                self.t.gettext("Decided"),
                self.t.gettext("Hidden") if self.result.plan.evaluation_set.is_counted else self.t.gettext("Abstained"),
                self.t.gettext("Failed"),
                self.t.gettext("Labelled"),
                self.t.gettext("Unlabelled"),
            ),
            accounts=tuple(self._accounts()),
            metrics=tuple((name, self.words.rate(name)) for name in metrics),
            rates=tuple(self._rates(group, metrics) for group in (Group(()), *small)),
            differences=tuple(each for each in self._differences(small) if each[0]),
            tests=tuple(self._tests()),
            families=tuple(self._families()),
        )

    def _accounts(self) -> Iterable[Account]:
        for account in self.result.rows:
            if len(account.group.root) <= 1:
                numbers = (
                    account.read,
                    account.scored,
                    account.abstained,
                    account.failed,
                    account.labelled,
                    account.unlabelled,
                )
                yield Account(
                    self.names.group(account.group),
                    tuple(self.n.count(number) for number in numbers),
                    is_whole=account.read == account.scored == account.labelled and bool(account.group.root),
                )

    def _rates(self, group: Group, metrics: Sequence[str]) -> Rates:
        return Rates(
            self.names.group(group),
            tuple(self._rate(self.reading.estimate(metric, group)) for metric in metrics),
        )

    def _rate(self, estimate: Estimate | None) -> str:
        if estimate is None:
            return NOT_KNOWN
        counts = self.t.gettext("%(part)s of %(whole)s") % {
            "part": self.n.count(estimate.numerator),
            "whole": self.n.count(estimate.denominator),
        }
        if estimate.value is None:
            return self.t.gettext("— (%(counts)s: too few)") % {"counts": counts}
        return self.t.gettext("%(share)s (%(counts)s)") % {
            "share": self.n.percent(estimate.value, digits=1),
            "counts": counts,
        }

    def _differences(self, small: list[Group]) -> Iterable[tuple[tuple[Difference, ...], str]]:
        limited = {rule.metric for rule in self.result.rules}
        wanted = {group.root for group in small}
        added = {finding.group.root for finding in self.reading.with_outcome("fail")} - wanted
        known = [each for each in self.result.disparities if each.metric in limited]
        yield tuple(self._difference(each) for each in known if each.group.root in wanted), ""
        picked = [each for each in known if each.group.root in added]
        shown = Selected(picked, len(picked), sum(each.group.root not in wanted for each in known))
        if shown.is_part:
            picked = [self._widened(each, shown.shown / shown.among) for each in picked]
        ranged = any(each.difference_low is not None for each in picked)
        yield tuple(map(self._difference, picked)), self.words.picked(shown) if ranged else ""

    def _widened(self, disparity: Disparity, share: float) -> Disparity:
        """Return the comparison of a group that stands here because it fails, with the intervals of picked rows."""
        own = self.reading.estimate(disparity.metric, disparity.group)
        level = picked_level(disparity.level, share)
        limits = None if own is None else comparison_limits(disparity, own, level)
        difference, ratio = limits or (None, None)
        (low, high), (ratio_low, ratio_high) = difference or (None, None), ratio or (None, None)
        ends = {"difference_low": low, "difference_high": high, "ratio_low": ratio_low, "ratio_high": ratio_high}
        return disparity.model_copy(update=ends)  # those of weights and clusters are not known at this level

    def _difference(self, disparity: Disparity) -> Difference:
        others = {
            "rest": self.t.gettext("everyone else"),
            "overall": self.t.gettext("everyone, the group included"),
            "reference": self.t.gettext("the reference group"),
        }
        return Difference(
            name=self.names.group(disparity.group),
            rate=self.words.rate(disparity.metric),
            compared_with=others[disparity.compared_with],
            difference=self.n.points_with_range(
                disparity.difference, disparity.difference_low, disparity.difference_high
            ),
            ratio=self.n.ratio_with_range(disparity.ratio, disparity.ratio_low, disparity.ratio_high),
        )

    def _tests(self) -> Iterable[Test]:
        """Yield the tests of failing groups and of the largest others."""
        findings = self.reading.findings
        failing = [finding for finding in findings if finding.outcome == "fail"]
        others = [finding for finding in findings if finding.outcome != "fail" and finding.verdict.p_pass is not None]
        others.sort(key=lambda finding: -finding.verdict.cases)
        for finding in (*failing, *others)[:_TESTS_SHOWN]:
            verdict = finding.verdict
            yield Test(
                name=self.names.group(finding.group),
                rule=verdict.rule,
                word=self.words.outcome(verdict.outcome),
                p_fail=self.n.probability(verdict.p_fail),
                level_fail=self.n.probability(verdict.level_fail),
                p_pass=self.n.probability(verdict.p_pass),
                freedom=NOT_KNOWN
                if verdict.degrees_of_freedom is None
                else self.n.count(int(verdict.degrees_of_freedom)),
            )

    def _families(self) -> Iterable[FamilyLine]:
        procedures = {
            "discarding": self.t.gettext("some discarded, the rest weighted by size"),
            "weights_only": self.t.gettext("weighted by size"),
            "any_dependence": self.t.gettext("valid under any dependence"),
        }
        for rule in self.result.rules:
            for family in rule.families:
                yield FamilyLine(
                    rule=rule.rule,
                    family=self.names.axes(family.family.axes),
                    groups=self.n.count(family.groups),
                    tested=self.n.count(family.tested),
                    level=self.n.probability(family.level),
                    procedure=procedures[family.procedure],
                    judged=self.n.percent(family.coverage, against=rule.min_coverage),
                    alone=self.n.percent(family.judged_alone),
                    together=self._together(family),
                )

    def _together(self, family: FamilyResult) -> str:
        if family.unnamed_p is None:
            return NOT_KNOWN
        return self.t.gettext("p %(p)s, level %(level)s, over %(survivors)s groups") % {
            "p": self.n.probability(family.unnamed_p),
            "level": self.n.probability(family.unnamed_level),
            "survivors": self.n.count(family.unnamed_survivors),
        }
