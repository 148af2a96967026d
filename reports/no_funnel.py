"""Reasons why a rule has no funnel over a family. The lines of a funnel are limits of exact tests, which not every
family has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import RuleResult
from audit.vocabulary.groups import Axis
from reports.language import Language

FUNNEL_GROUPS: Final = 10
"""The fewest groups of a family, tested exactly, for which an audit makes a funnel."""


@dataclass(frozen=True, slots=True)
class NoFunnel:
    """The reason why there is no funnel."""

    axes: tuple[Axis, ...]
    reason: Literal["several_features", "not_judged", "weights_or_clusters", "too_few", "no_lines"]
    tested: int = 0
    """The number of groups that were tested exactly."""

    def text(self, language: Language) -> str:
        """Return the reason as a clause."""
        if self.reason != "too_few":
            return language.word("no_funnel", self.reason)
        return language.counted(
            "no_funnel",
            "too_few",
            self.tested,
            tested=language.numbers.count(self.tested),
            fewest=language.numbers.count(FUNNEL_GROUPS),
        )


def why_no_funnel(result: AuditResult, rule: RuleResult, axes: tuple[Axis, ...]) -> NoFunnel | None:
    """Return why a result has no funnel of a rule over the family with these axes, or None where it has one."""
    if any(
        funnel.rule == rule.rule and funnel.family.root == axes and funnel.points for funnel in result.further.funnels
    ):
        return None
    if len(axes) > 1:
        return NoFunnel(axes, "several_features")
    verdicts = [
        verdict for verdict in result.verdicts if verdict.rule == rule.rule and verdict.group.family.root == axes
    ]
    if not verdicts:
        return NoFunnel(axes, "not_judged")
    if any(verdict.degrees_of_freedom is not None for verdict in verdicts) or _is_weighted(result):
        return NoFunnel(axes, "weights_or_clusters")
    tested = sum(verdict.level_fail is not None for verdict in verdicts)
    return NoFunnel(axes, "too_few" if tested < FUNNEL_GROUPS else "no_lines", tested)


def _is_weighted(result: AuditResult) -> bool:
    return any(estimate.effective_cases is not None for estimate in result.estimates if not estimate.group.root)
