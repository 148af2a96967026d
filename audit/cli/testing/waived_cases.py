"""Cases of waived findings: skipped with who answers for them until when, and failed again after that day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from audit.cli.testing.cases import OVERALL, AuditCase, CaseOutcome, group_label
from audit.verdicts.outcomes import outcome_left
from audit.vocabulary.groups import Group
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.public.release import PublicRelease, PublicWaiver
    from audit.result.audit_result import AuditResult, Waiver


_HEADS: Final = {"fail": "FAILS", "inconclusive": "is INCONCLUSIVE"}
_SET_ASIDE: Final = "what fails is waived, or only warns"


def waivers_by_case(result: AuditResult) -> Mapping[tuple[str, str], Waiver]:
    """Return every waiver, by rule and label of its group."""
    finest = {feature.name: feature.rungs[0] for feature in result.features}
    return {(waiver.rule, _label(waiver.group, finest)): waiver for waiver in result.waivers}


def public_waivers_by_case(release: PublicRelease) -> Mapping[tuple[str, str], PublicWaiver]:
    """Return the waivers of findings that rows of the release name, by rule and label of the group."""
    finest = {feature.name: feature.rungs[0] for feature in release.features}
    return {
        (waiver.rule, _label(waiver.group, finest)): waiver for waiver in release.waivers if waiver.group is not None
    }


def with_waivers(
    cases: tuple[AuditCase, ...],
    result: AuditResult,
    named: Mapping[tuple[str, str], Waiver | PublicWaiver],
    today: str,
) -> tuple[AuditCase, ...]:
    """Return the cases without waived findings, as `gate` does it: the verdict is what is left of the exact one.

    Parameters
    ----------
    named
        The waivers that may be named, by rule and label of the group.
    today
        The day, as YYYY-MM-DD.
    """
    warning = result.plan.warning_rules
    if not result.waivers and not warning:
        return cases

    left = outcome_left(result, today)
    marked = [_warned(case) if case.rule in warning else case for case in cases]
    marked = [case if case.group is None else _group(case, named, today) for case in marked]
    return tuple(_verdict(case, left) if case.name == OVERALL else _aside(case, left) for case in marked)


def _warned(case: AuditCase) -> AuditCase:
    """Set a case aside under a rule that only warns."""
    if case.outcome != "fail":
        return case
    return replace(case, outcome="waived", text=f'{case.name} FAILS, and its rule only warns (on_fail = "warn")')


def _group(case: AuditCase, named: Mapping[tuple[str, str], Waiver | PublicWaiver], today: str) -> AuditCase:
    waiver = named.get((str(case.rule), str(case.group)))
    if waiver is None or case.outcome != "fail":
        return case
    owner, why = _plain(waiver.who), _plain(waiver.why)
    if waiver.expires < today:
        return replace(case, text=f"{case.text}\n  waiver by {owner} expired on {waiver.expires}: {why}")
    return replace(case, outcome="waived", text=f"{case.name} FAILS, waived by {owner} until {waiver.expires}: {why}")


def _aside(case: AuditCase, left: CaseOutcome) -> AuditCase:
    """Waive a rule, or a row that names none of its findings, where nothing is left that fails."""
    if case.outcome != "fail" or left == "fail":
        return case
    return replace(case, outcome="waived", text=f"{case.name} FAILS; {_SET_ASIDE}")


def _verdict(case: AuditCase, left: CaseOutcome) -> AuditCase:
    """Change the verdict to what is left."""
    if case.outcome == left:
        return case
    if left == "fail":
        return replace(case, outcome="fail", text=f"{case.text}\n  waiver a waiver has expired: renew or remove it")
    if left == "pass":
        return replace(case, outcome="waived", text=f"the audit {_HEADS[case.outcome]}; {_SET_ASIDE}")
    return replace(case, outcome=left, text=f"the audit FAILS; {_SET_ASIDE}, and what is left is INCONCLUSIVE")


def _label(group: Group, finest: Mapping[str, str]) -> str:
    return group_label(((level.feature, level.rung, level.code) for level in group.levels), finest)


def _plain(text: str) -> str:
    return " ".join(printable(text).split())
