"""Look at all groups at once: whether they differ at all, by how much beyond chance, and where verdicts change with
size.
"""

from __future__ import annotations

from collections.abc import Iterator

from audit.result.findings.judged import RuleResult
from audit.result.findings.many_groups import BetweenGroups, Funnel
from reports.html.funnel import Mark, funnel_chart
from reports.html.looks.parts import Look, LookWriter, Picture

_RARELY = 0.05
_FINEST = ("country", "level")
"""The rungs whose funnels stand on the page."""


class AllGroupsWriter(LookWriter):
    """Writer of the look at how the groups of each family differ."""

    anchor = "together"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        limited = [comparison for comparison in self._limited() if comparison.reason is None]
        if not self.result.further.between_groups:
            return self.absent()
        if not limited:
            reasons = {comparison.reason for comparison in self._limited()}
            why = "absent_weighted" if "weights_or_clusters" in reasons else "absent_alike"
            return self.absent(why)
        return self.answer(self._sentences(limited), pictures=self._pictures())

    def _limited(self) -> list[BetweenGroups]:
        metrics = {rule.metric for rule in self.result.rules}
        comparisons = [comparison for comparison in self.result.further.between_groups if comparison.metric in metrics]
        return sorted(comparisons, key=lambda comparison: len(comparison.family.axes))

    def _sentences(self, limited: list[BetweenGroups]) -> Iterator[str]:
        widest = max(
            (comparison for comparison in limited if comparison.spread is not None),
            key=lambda comparison: comparison.spread_low or 0.0,
            default=None,
        )
        differ = sum(self._differ(comparison, limited) for comparison in limited)
        if not differ:
            yield self.said("none_differ", all=self.n.count(len(limited)))
            return
        yield self.said("some_differ", differ=self.n.count(differ), all=self.n.count(len(limited)))
        if widest is not None and widest.spread and widest.spread_low:
            yield self.said(
                "furthest",
                axes=self.names.axes(widest.family.axes),
                rate=self.words.rate(widest.metric),
                spread=self.n.points_to_a_tenth(widest.spread),
            )

    def _pictures(self) -> Iterator[Picture]:
        explained = False
        for funnel, rule in self._funnels():
            marks = [
                Mark(finding.denominator, finding.value, finding.outcome)
                for finding in self.reading.judged(rule, funnel.family)
                if finding.value is not None
            ]
            drawing = funnel_chart(funnel, marks, self._alone_from(funnel, rule), self._funnel_title(rule), self.n)
            if drawing:
                yield Picture(self._funnel_caption(funnel, rule, explained=explained), drawing)
                explained = True

    def _alone_from(self, funnel: Funnel, rule: RuleResult) -> int | None:
        """Return the size of the smallest group of the family that is judged alone. A smaller one never passes."""
        verdicts = [rate.verdict for rate in self.reading.judged(rule, funnel.family)]
        return min((verdict.cases for verdict in verdicts if verdict.decidable), default=None)

    def _funnel_title(self, rule: RuleResult) -> str:
        return self.said("funnel_title", rate=self.words.rate(rule.metric))

    def _funnel_caption(self, funnel: Funnel, rule: RuleResult, *, explained: bool) -> str:
        values = {"rate": self.words.rate(rule.metric), "axes": self.names.axes(funnel.family.axes)}
        if explained:
            return self.t.gettext("%(rate)s, by %(axes)s: to be read in the same way.") % values
        return self.said("funnel_read", **values)

    def _funnels(self) -> Iterator[tuple[Funnel, RuleResult]]:
        rules = {rule.rule: rule for rule in self.result.rules}
        for funnel in self.result.further.funnels:
            if funnel.rule in rules and funnel.points and funnel.family.axes[0].rung in _FINEST:
                yield funnel, rules[funnel.rule]

    def _differ(self, comparison: BetweenGroups, comparisons: list[BetweenGroups]) -> bool:
        """Say whether groups differ by more than chance explains, corrected for the number of tests."""
        return comparison.equality_p is not None and comparison.equality_p <= _RARELY / len(comparisons)
