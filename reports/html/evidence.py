"""Tables behind the findings, for those who check: where rows went, every rate, differences and ratios, tests."""

from __future__ import annotations

from collections.abc import Iterable

from audit.result.findings.judged import Disparity, FamilyResult, RowAccount
from audit.result.reading import JudgedRate
from audit.result.selected import Selected, comparison_limits, picked_level
from audit.vocabulary.groups import Group
from reports.html.tables import WHOLE
from reports.numbers import NOT_KNOWN
from reports.writer import Report, Writer

_TESTS_SHOWN = 20


class Evidence(Writer):
    """All tables for those who check. Templates write out the records that they hold."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.everyone: RowAccount = next(account for account in self.result.rows if not account.group.root)
        left = "hidden" if self.result.plan.evaluation_set.is_counted else "abstained"
        heads = ("read", "decided", left, "failed", "labelled", "unlabelled")
        self.account_heads = [self.language.word("account_heads", head) for head in heads]
        single = [account for account in self.result.rows if len(account.group.root) <= 1]
        self.whole_accounts = list(filter(_is_whole, single))
        """Accounts of groups of which every row was decided and has a label, so that one number says all."""
        self.accounts = [account for account in single if not _is_whole(account)]
        self.metrics = [(metric.name, self.words.rate(metric.name)) for metric in self.result.metrics]
        """The name in the field and the head of the column."""
        self._small = [
            group
            for family in self.reading.families
            if len(family.root) == 1 and len(self.reading.groups(family)) <= WHOLE
            for group in self.reading.groups(family)
        ]
        self.rated = [Group(()), *self._small]
        """Groups of which every rate is shown."""
        self.differences = [each for each in self._differences() if each[0]]
        """Parts of a table, each with why its ranges are wider: groups shown whatever came out, others that fail."""
        self.tests = self._tests()
        self.families = [(rule, family) for rule in self.result.rules for family in rule.families]

    def rate(self, metric: str, group: Group) -> str:
        """Return a rate with its counts. A rate that cannot be stated is a dash with the reason."""
        estimate = self.reading.estimate(metric, group)
        if estimate is None:
            return NOT_KNOWN
        counts = self.part(estimate.numerator, estimate.denominator)
        if estimate.value is None:
            return self.t.gettext("— (%(counts)s: too few)") % {"counts": counts}
        return self.t.gettext("%(share)s (%(counts)s)") % {
            "share": self.n.percent(estimate.value, digits=1),
            "counts": counts,
        }

    def _differences(self) -> Iterable[tuple[list[Disparity], str]]:
        limited = {rule.metric for rule in self.result.rules}
        wanted = {group.root for group in self._small}
        added = {finding.group.root for finding in self.reading.with_outcome("fail")} - wanted
        known = [each for each in self.result.disparities if each.metric in limited]
        yield [each for each in known if each.group.root in wanted], ""
        picked = [each for each in known if each.group.root in added]
        shown = Selected(picked, len(picked), sum(each.group.root not in wanted for each in known))
        if shown.is_part:
            picked = [self._widened(each, shown.shown / shown.among) for each in picked]
        ranged = any(each.difference_low is not None for each in picked)
        yield picked, self.words.picked(shown) if ranged else ""

    def _widened(self, disparity: Disparity, share: float) -> Disparity:
        """Return the comparison of a group that stands here because it fails, with the intervals of picked rows."""
        own = self.reading.estimate(disparity.metric, disparity.group)
        level = picked_level(disparity.level, share)
        limits = None if own is None else comparison_limits(disparity, own, level)
        difference, ratio = limits or (None, None)
        (low, high), (ratio_low, ratio_high) = difference or (None, None), ratio or (None, None)
        ends = {"difference_low": low, "difference_high": high, "ratio_low": ratio_low, "ratio_high": ratio_high}
        return disparity.model_copy(update=ends)  # those of weights and clusters are not known at this level

    def compared_with(self, disparity: Disparity) -> str:
        """Return whom a group is compared with."""
        return self.language.word("compared_with", disparity.compared_with)

    def _tests(self) -> list[JudgedRate]:
        """Return the failing groups and the largest others."""
        findings = self.reading.judged_rates
        failing = [finding for finding in findings if finding.outcome == "fail"]
        others = [finding for finding in findings if finding.outcome != "fail" and finding.verdict.p_pass is not None]
        others.sort(key=lambda finding: -finding.verdict.cases)
        return [*failing, *others][:_TESTS_SHOWN]

    def procedure(self, family: FamilyResult) -> str:
        """Return how the level was divided over the groups of a family."""
        return self.language.word("procedures", family.procedure)

    def together(self, family: FamilyResult) -> str:
        """Return the test of all groups of a family together: p-value, level, groups that point to harm."""
        if family.unnamed_p is None:
            return NOT_KNOWN
        return self.t.gettext("p %(p)s, level %(level)s, over %(survivors)s groups") % {
            "p": self.n.probability(family.unnamed_p),
            "level": self.n.probability(family.unnamed_level),
            "survivors": self.n.count(family.unnamed_survivors),
        }


def _is_whole(account: RowAccount) -> bool:
    return account.read == account.scored == account.labelled and bool(account.group.root)
