"""Decision of an audit, and verdicts on other decisions over the same cases.

Verdicts on other decisions over the same cases, by the ordinary tests: people's, and each form by itself.

They are other questions than that of the plan, as a change from a baseline is, and each kind of them has a budget of
its own: `alpha`, divided by how many of its kind are asked for. None enters the verdict of the audit, but people's
decisions where the plan lets them count: then they and the detector have half of one budget each.

Decision of an audit: rules on rates and on probes, the change from a baseline, and the verdict over all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from audit.analyses.control_sample import JudgedSample, Verdicts
from audit.analyses.estimates import counted_cells, estimates, group_counts, without_hidden
from audit.counting.count import SecondCounts
from audit.counting.counted import Counted
from audit.counting.table import ABSTAINED, FamilyCounts, count_families, everyone_as_family
from audit.plan.audit_plan import AuditPlan, limited_rates
from audit.result.audit_result import OverallVerdict
from audit.result.findings.change import Change, HeldAgainst
from audit.result.findings.further import NotJudgedAlone, PlannedPass
from audit.result.findings.judged import RuleResult, Verdict, stopped_by_failures
from audit.result.findings.second import SecondVerdict, people_among
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict
from audit.stages import Scope
from audit.verdicts.chance_of_pass import planned_pass
from audit.verdicts.changes.baseline import Joined, Judged, change_from, overall_with
from audit.verdicts.decidability import plan_decidability
from audit.verdicts.decidable_gaps import not_judged_alone
from audit.verdicts.judge import judge, overall_verdict
from audit.verdicts.probe_rules import judge_probes
from audit.vocabulary.groups import Family, SensitiveFeature

if TYPE_CHECKING:
    from audit.counting.probed import Answered
    from audit.verdicts.changes.baseline import JoinedVersions


def judge_second(
    plan: AuditPlan, counts: Sequence[SecondCounts], features: Sequence[SensitiveFeature], *, hides: bool
) -> tuple[SecondVerdict, ...]:
    """Judge the rules of a plan over each of these counts; `hides`: those of a table that hides numbers."""
    by_name = {feature.name: feature for feature in features}
    of_kind = Counter(second.kind for second in counts)
    judged_kinds = []
    for second in counts:
        families = count_families(plan.groups, plan.rules, second.table, features)
        shown = [everyone_as_family(second.table), *families.values()]
        alpha = plan.verdict.alpha / of_kind[second.kind]
        stricter = plan.model_copy(update={"verdict": plan.verdict.model_copy(update={"alpha": alpha})})
        if second.kind == "form":
            stricter = stricter.model_copy(update={"decisions": None})  # forms share no budget with people
        rules, verdicts, overall = judge(stricter, families, by_name, second.moments)
        rates = estimates(
            [without_hidden(family) for family in shown] if hides else shown,
            limited_rates(plan.rules),
            level=plan.verdict.level,
            min_denominator=plan.verdict.min_denominator,
            moments=second.moments,
            of_counts=hides,
        )
        judged_kinds.append(
            SecondVerdict(
                kind=second.kind,
                name=second.name,
                alpha=alpha,
                outcome=overall.outcome,
                rules=rules,
                verdicts=verdicts,
                counts=group_counts(shown),
                estimates=rates,
            )
        )
    return tuple(judged_kinds)


class Decision(NamedTuple):
    """Verdicts of one audit. Nothing outside of `audit.verdicts` makes or changes one."""

    rules: tuple[RuleResult, ...]
    verdicts: tuple[Verdict, ...]
    """One for each rule and group."""
    probe_rules: tuple[ProbeRuleResult, ...]
    probe_verdicts: tuple[ProbeVerdict, ...]
    """One for each rule on probes and changed word."""
    change: Change | None
    """Change from the baseline, or from the accepted version that decides; None if there is none."""
    held_against: HeldAgainst | None
    """Accepted versions, and the change that does not decide; None if there are none."""
    overall: OverallVerdict
    planned: PlannedPass | None
    """Chance that a detector which treats everyone alike would have passed. None if there is a verdict, if details are
    left out, or if a pass also needs people, of whom nothing can be planned.
    """
    not_alone: tuple[NotJudgedAlone, ...]
    """Groups that were not judged alone beside each rule that passes; none if details are left out."""
    second: tuple[SecondVerdict, ...]
    """Verdicts on other decisions over the same cases; of these people's enters `overall`, where the plan says so."""
    sample: JudgedSample | None
    """Control sample judged by itself, which decides nothing; None if the set has none or details are left out."""


def decide(
    plan: AuditPlan,
    features: Sequence[SensitiveFeature],
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    answered: Sequence[Answered] = (),
    joined: Joined | JoinedVersions | None = None,
    *,
    detector_sha256: str | None = None,
    scope: Scope = Scope.DETAILS,
) -> Decision:
    """Judge everything that a plan asks for.

    Parameters
    ----------
    families
        Counts of every family of the plan; see `audit.counting.table.count_families`.
    answered
        Probes of the plan with the detector's answers.
    joined
        Baseline, or accepted versions, and the decisions of both audits; None without one.
    detector_sha256
        Digest of the detector, to say whether the baseline had another one.
    scope
        With details, the control sample is judged too, and the chance of a pass looked for where there is no verdict.
    """
    by_name = {feature.name: feature for feature in features}
    decided = plan_decidability(plan, families, by_name, counted.moments)
    rules, verdicts, _ = judge(plan, families, by_name, counted.moments, decided)
    probe_rules: tuple[ProbeRuleResult, ...] = ()
    probe_verdicts: tuple[ProbeVerdict, ...] = ()
    if plan.named_probe_rules:
        probe_rules, probe_verdicts = judge_probes(plan, answered)
    hides = plan.evaluation_set.is_counted and bool(counted.table.cells[..., ABSTAINED].any())
    second = judge_second(plan, counted.second.counts, features, hides=hides)
    people = people_among(second) if plan.people_count else None
    overall = overall_verdict(plan.audit, (*rules, *probe_rules), people)
    change, versions = None, None
    if joined is not None:
        groups, cells = counted_cells([everyone_as_family(counted.table), *families.values()])
        now = dict(zip(groups, cells, strict=True))
        climbs = {rule: ladder.climb for rule, ladder in decided.items()}
        judged = Judged(plan, features, now, stopped_by_failures(rules), detector_sha256, climbs)
        if isinstance(joined, Joined):
            change = change_from(joined, judged)
        else:
            change, versions = joined.held_against(judged)
        overall = overall_with(overall, change)
    sample, planned = None, None
    not_alone: tuple[NotJudgedAlone, ...] = ()
    if scope.has_details:
        # a gate asks for no details, and does not wait for these
        sample = _judged_sample(plan, counted, families, by_name)
        not_alone = not_judged_alone(plan, rules, families, decided, counted.moments)
        if overall.outcome == "inconclusive":
            planned = planned_pass(plan, counted.table, features, counted.moments, decided)
    return Decision(
        rules, verdicts, probe_rules, probe_verdicts, change, versions, overall, planned, not_alone, second, sample
    )


def _judged_sample(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> JudgedSample | None:
    """Judge the cases drawn at random by themselves; None if the set has no control sample."""
    sample = counted.control_sample
    if sample is None:
        return None
    drawn = {family: sample.family(family, features) for family in families}
    rules, verdicts, _ = judge(plan, drawn, features, counted.control_moments)
    return JudgedSample(drawn, Verdicts(rules, verdicts))
