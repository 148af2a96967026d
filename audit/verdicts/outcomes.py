"""Outcome of a rule from those of its groups: in one place for audits, changes, nights and what waivers leave."""

from __future__ import annotations

from collections.abc import Iterable

from audit.result.findings.change import ChangeOutcome
from audit.result.findings.judged import RuleBecause


def rule_outcome(
    groups: Iterable[tuple[str, bool]], coverage: float | None, min_coverage: float, *, together: bool, missing: bool
) -> tuple[ChangeOutcome, RuleBecause]:
    """Return the outcome of a rule on groups, and the first reason for it.

    Parameters
    ----------
    groups
        For each group its outcome, and whether it has the cases to be judged alone.
    coverage
        Smallest coverage over the families of the rule; None where there is none.
    together
        Whether the groups of a family are beyond the limit together, though none of them is named.
    missing
        Whether a group that the plan expects has too few cases.
    """
    found = list(groups)
    judged = [outcome for outcome, is_judged in found if is_judged]
    reasons: dict[RuleBecause, bool] = {
        "group_beyond_limit": any(outcome == "fail" for outcome, _ in found),
        "unnamed_beyond_limit": together,
        "nothing_judged": not judged,
        "expected_group_missing": missing,
        "group_undecided": any(outcome != "pass" for outcome in judged),
        "coverage_too_small": coverage is None or coverage < min_coverage,
    }
    because = next((reason for reason, holds in reasons.items() if holds), None)
    if because is None:
        return "pass", "all_judged_within_limit"
    return "fail" if because in ("group_beyond_limit", "unnamed_beyond_limit") else "inconclusive", because
