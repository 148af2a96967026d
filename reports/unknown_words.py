"""Words for what a verdict supposes of people whose group is unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Verdict
from audit.vocabulary.names import Names
from reports.language import Language, Wording


class UnknownWords(Wording):
    """Words for people of unknown group: how far a PASS holds whoever they are, and whether a FAIL does."""

    def __init__(self, result: AuditResult, language: Language, names: Names) -> None:
        super().__init__(language)
        self._names = names
        self._section = result.plan.sensitivity
        self._rules = result.further.sensitivity
        self._verdicts = result.verdicts
        self._weighted = any(rule.examined == "weights_or_clusters" for rule in result.further.sensitivity) and any(
            row.attribute_unknown for row in result.rows
        )

    def of_passes(self) -> str:
        """Return how far the passes hold; empty where everybody's group is known."""
        affected_rules = [
            rule
            for rule in self._rules
            if rule.not_if_nothing_supposed or any(finding.kind == "unknown_attribute" for finding in rule.findings)
        ]
        section = self._section
        if (
            not affected_rules
            and self._weighted
            and "worst" not in (section.unknown_share_factor, section.unknown_odds_factor)
        ):
            return self._supposed(section.unknown_share_factor, section.unknown_odds_factor)
        if not affected_rules:
            return ""
        if not any(rule.not_if_nothing_supposed for rule in affected_rules):
            return self._t.gettext("It holds wherever the people whose group is unknown belong.")
        share, odds = self._section.unknown_share_factor, self._section.unknown_odds_factor
        parts = [self._supposed(share, odds)]
        broken = [rule for rule in affected_rules if rule.breakdown_factor is not None and rule.weakest is not None]
        weakest = min(broken, key=lambda rule: rule.breakdown_factor or math.inf, default=None)
        if weakest is not None and weakest.weakest is not None and odds != "worst":
            factor = self._n.fixed(math.floor((weakest.breakdown_factor or 0.0) * 10.0) / 10.0, 1)
            group = self._names.group(weakest.weakest)
            parts.append(self._language.word("supposed", "breaks", factor=factor, group=group))
        fallen = sum(rule.not_if_nothing_supposed for rule in affected_rules)
        passing = sum(verdict.outcome == "pass" for verdict in self._verdicts)
        nothing = self._language.word("supposed", "nothing", count=self._n.count(fallen), all=self._n.count(passing))
        return self._language.joined([*parts, nothing])

    def of_fails(self, failing: Sequence[Verdict]) -> str:
        """Return in how many of these the FAIL is so by the records alone; empty where it stands in all."""
        count = sum(verdict.because == "beyond_limit_as_recorded" for verdict in failing)
        if not count:
            return ""
        return self._language.counted("supposed", "fails_as_recorded", count)

    def _supposed(self, share: float | str, odds: float | str) -> str:
        if isinstance(share, str) or isinstance(odds, str):
            supposed = self._t.gettext("It holds for all that the plan supposes of the people whose group is unknown.")
        else:
            supposed = self._language.word("supposed", "factors", share=self._n.plain(share), odds=self._n.plain(odds))
        ground = self._t.gettext("The plan gives no ground for this.")
        if self._section.reason:
            ground = self._language.word("supposed", "ground", reason=self._names.quoted(self._section.reason))
        return self._language.joined((supposed, ground))
