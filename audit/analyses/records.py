"""Records and notices of an audit: all that a result states beside its verdicts.

What a reader must know before using the numbers: said by the result itself, so that no report can leave it out.

Records of an audit: all that a result states beside its verdicts, from counts. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from audit.analyses.control_sample import JudgedSample, Verdicts
from audit.analyses.crosscheck.agreement import Opinions, compared_by, headlines, question_of
from audit.analyses.crosscheck.libraries import SecondProcess
from audit.analyses.disparities import disparities, impact_ratios
from audit.analyses.estimates import estimates, group_counts, row_accounts, without_hidden
from audit.analyses.further import further_findings
from audit.analyses.sides import possible_cells
from audit.counting.counted import Counted
from audit.counting.moments import Moments
from audit.counting.table import (
    ABSTAINED,
    CountsTable,
    FamilyCounts,
    compared_families,
    everyone_as_family,
    rule_families,
)
from audit.plan.audit_plan import AuditPlan, AuditSection, NamedRule, Rule
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import Groups, feature_rungs
from audit.result.findings.judged import Disparity, Estimate, GroupCounts, RowAccount, Verdict
from audit.result.findings.system import Notice, SystemDescription
from audit.stages import Scope, stage
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.numbers import exact_percent
from audit.vocabulary.sentences import Share, Word, counted, sentence, share

if TYPE_CHECKING:
    from audit.analyses.crosscheck.questions import Rows
    from audit.counting.strata import StratifiedFamily


UNASKED: Final = Notice.of("crosscheck-skipped", sentence("crosscheck_skipped"))
"""What a result says where no other library was asked for the same numbers."""

_LIMITS_HARM = {"missed": MISSED, "wrongly_flagged": WRONGLY_FLAGGED}
_MANY = 0.10
"""Share of rows without a label or an attribute from which on a notice says so."""
_FAR_FROM_PLAN = 0.15
"""How far a rate may lie from the one that was planned with before a notice says so."""


def notices(
    plan: AuditPlan,
    system: SystemDescription,
    everyone: FamilyCounts,
    rows: Sequence[RowAccount],
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
    moments: Moments | None = None,
    added_over: Sequence[str] = (),
) -> tuple[Notice, ...]:
    """Everything a reader must know, the most important first; `added_over` as `Counted` has it."""
    noticed = [
        Notice.of("restricted", sentence("restricted")),
        Notice.of("labels", sentence("labels_not_truth", source=plan.evaluation_set.label_source)),
    ]
    noticed.extend(_harm_not_limited(plan.audit, plan.rules))
    noticed.extend(_added_over(added_over))
    noticed.extend(_rows_as_they_are(plan.evaluation_set))
    noticed.extend(_pickled(system))
    noticed.extend(_given(system))
    noticed.extend(_unscored(plan.evaluation_set, plan.detector, rows[0]))
    noticed.extend(_unlabelled(plan.groups, rows))
    noticed.extend(_unknown(plan.groups, families))
    noticed.extend(_several(features))
    noticed.extend(_far_from_plan(plan.named_rules, everyone, moments))
    noticed.extend(_borders(system))
    noticed.extend(_after_scoring(plan.named_rules, plan.evaluation_set))
    return tuple(noticed)


def _rows_as_they_are(set_section: EvaluationSetSection) -> list[Notice]:
    section = set_section
    if not section.is_weighted and section.cluster is None:
        return []
    ground = " and ".join(
        words
        for words, column in (
            ("strata" if section.stratum else "design weights", section.is_weighted),
            ("clusters", section.cluster),
        )
        if column
    )
    return [Notice.of("rows_as_they_are", sentence("rows_as_they_are", ground=Word(word=ground)))]


def _added_over(columns: Sequence[str]) -> list[Notice]:
    """Name columns of a table of counts that no verdict is by. In public nothing is named that a plan does not name."""
    named = ", ".join(f"“{column}”" for column in columns)
    return [Notice.of("added_over", sentence("added_over", columns=named))] if columns else []


def _harm_not_limited(audit_section: AuditSection, rules: Sequence[Rule]) -> list[Notice]:
    limited = {rule.metric for rule in rules}
    harms = list(_LIMITS_HARM) if audit_section.harm == "both" else [audit_section.harm]
    open_harms = [harm for harm in harms if not limited.intersection(_LIMITS_HARM[harm])]
    words = {"missed": "victims missed", "wrongly_flagged": "people wrongly flagged"}
    return [
        Notice.of(
            f"no_limit_on_{harm}",
            sentence("no_limit_on_harm", harm=Word(word=words[harm]), route=Word(word=audit_section.route)),
        )
        for harm in open_harms
    ]


def _pickled(system: SystemDescription) -> list[Notice]:
    return [Notice.of("pickle", sentence("pickled"))] if system.kind == "pickle" else []


def _given(system: SystemDescription) -> list[Notice]:
    if not system.sensitive_features_used:
        return []
    named = ", ".join(system.sensitive_features_used)
    return [Notice.of("sensitive_features_given", sentence("columns_given", columns=Word(word=named)))]


def _unscored(set_section: EvaluationSetSection, detector: DetectorSection, account: RowAccount) -> list[Notice]:
    notices = _counted_abstentions(detector, account)
    unscored = account.unscored
    if not unscored:
        return notices
    if set_section.is_counted:
        return [Notice.of("hidden_numbers", sentence("hidden_numbers", hidden=unscored, read=account.read))]
    counts = {
        "read": account.read,
        "abstained": account.abstained - account.abstained_counted,
        "failed": account.failed,
    }
    sentences = [sentence("unscored", unscored=unscored, **counts)]
    if detector.top_k is not None:
        sentences.append(sentence("beyond_capacity"))
    return [*notices, Notice.of("unscored_cases", *sentences)]


def _counted_as_decided(
    abstained: CountsTable | None, families: Iterable[Family], features: Sequence[SensitiveFeature]
) -> dict[Group, int]:
    """How many rows of each group count as a decision though the detector declined to answer."""
    if abstained is None or not abstained.codes:
        return {}
    by_name = {feature.name: feature for feature in features}
    counted = [everyone_as_family(abstained), *(abstained.family(family, by_name) for family in families)]
    return {
        group: int(cells[:, :ABSTAINED].sum())
        for family in counted
        for group, cells in zip(family.groups, family.cells, strict=True)
    }


def _counted_abstentions(detector: DetectorSection, account: RowAccount) -> list[Notice]:
    """What the plan says of abstentions, wherever there is one."""
    if detector.abstention_means is None or not account.abstained:
        return []
    key = f"abstentions_{detector.abstention_means}"
    return [Notice.of("abstentions", sentence(key, abstained=account.abstained, read=account.read))]


def _unlabelled(group_features: Groups, rows: Sequence[RowAccount]) -> list[Notice]:
    """Rows without a label are in no rate of victims or others: who they are decides what the rates are about."""
    everyone, *groups = rows
    noticed = []
    if 0 < everyone.unlabelled >= _MANY * everyone.read:
        counts = {"unlabelled": everyone.unlabelled, "read": everyone.read}
        noticed.append(Notice.of("unlabelled", sentence("unlabelled", **counts, share=_share(everyone))))
    shown = [
        account
        for account in groups
        if len(account.group.levels) == 1
        and account.group.levels[0].rung == feature_rungs(group_features, account.group.levels[0].feature)[0]
        and account.unlabelled >= max(_MANY * account.read, 5)
        and account.unlabelled * everyone.read > 2 * everyone.unlabelled * account.read
    ]
    if shown:
        worst = sorted(shown, key=lambda account: (-account.unlabelled, account.group.levels))
        named = "; ".join(
            f"{level.feature} = {level.code} ({_share(account).written})"
            for account in worst[:5]
            for level in account.group.levels
        )
        more = f" and {len(worst) - 5} more" if len(worst) > 5 else ""
        noticed.append(Notice.of("unlabelled_groups", sentence("unlabelled_groups", groups=named + more)))
    return noticed


def _share(account: RowAccount) -> Share:
    return share(account.unlabelled / account.read)


def _unknown(group_features: Groups, families: Mapping[Family, FamilyCounts]) -> list[Notice]:
    noticed: list[Notice] = []
    for feature in group_features:
        for family, counts in families.items():
            axes = family.axes
            if (
                len(axes) != 1
                or axes[0].feature != feature
                or axes[0].rung != feature_rungs(group_features, feature)[0]
            ):
                continue
            total = int(counts.everyone.sum())
            unknown = sum(
                int(counts.cells[index].sum())
                for index, group in enumerate(counts.groups)
                if group.levels[0].code == "unknown"
            )
            if total and unknown >= _MANY * total:
                numbers = {"unknown": unknown, "total": total}
                text = sentence("unknown_feature", feature=Word(word=feature), **numbers, share=share(unknown / total))
                noticed.append(Notice.of(f"unknown_{feature}", text))
    return noticed


def _several(features: Sequence[SensitiveFeature]) -> list[Notice]:
    noticed = []
    for feature in features:
        if feature.several_as is not None:
            cases = counted(feature.several, "case has")
            text = sentence(f"several_{feature.several_as}", feature=Word(word=feature.name), cases=cases)
            noticed.append(Notice.of(f"several_{feature.name}", text))
    return noticed


def _far_from_plan(rules: Sequence[NamedRule], everyone: FamilyCounts, moments: Moments | None) -> list[Notice]:
    noticed: list[Notice] = []
    for rule in rules:
        metric = rule.rate
        x, n = float(everyone.numerator(metric)[0]), float(everyone.denominator(metric)[0])
        if moments is not None:
            family_moments = moments.of(everyone)
            x, n = (
                float(family_moments.weight(metric.numerator)[0]),
                float(family_moments.weight(metric.denominator)[0]),
            )
        if n and abs(x / n - rule.planned_rate) > _FAR_FROM_PLAN:
            shares = {"planned": share(rule.planned_rate, exact_percent), "measured": share(x / n)}
            noticed.append(Notice.of(f"planned_rate_{rule.id}", sentence("far_from_plan", rule=str(rule.id), **shares)))
    return noticed


def _borders(system: SystemDescription) -> list[Notice]:
    noticed: list[Notice] = []
    if system.near_threshold:
        noticed.append(Notice.of("near_threshold", sentence("near_threshold", rows=system.near_threshold)))
    if system.ties_at_capacity and system.ties_at_capacity > 1:
        noticed.append(Notice.of("ties_at_capacity", sentence("ties_at_capacity", rows=system.ties_at_capacity)))
    return noticed


def _after_scoring(plan_rules: Sequence[NamedRule], set_section: EvaluationSetSection) -> list[Notice]:
    by_decision = "decision" in set_section.stratum_by
    rules = [str(rule.id) for rule in plan_rules if by_decision or rule.rate.denominator_is == "decisions"]
    return [Notice.of(f"decided_after_scoring_{rule}", sentence("after_scoring", rule=rule)) for rule in rules]


def full_notices(
    group_features: Groups,
    rules: Sequence[NamedRule],
    set_section: EvaluationSetSection,
    families: Mapping[Family, FamilyCounts],
    moments: Moments | None,
    verdicts: Sequence[Verdict],
) -> tuple[Notice, ...]:
    """Say of how many groups with a PASS or FAIL everybody is in the set, so that it says nothing of the next."""
    if moments is None or set_section.stratum is None:
        return ()
    decided = {(verdict.rule, verdict.group) for verdict in verdicts if verdict.outcome in ("pass", "fail")}
    full: set[Group] = set()
    for rule in rules:
        cells = rule.rate.numerator, possible_cells(rule.rate)
        for family in rule_families(group_features, rule):
            family_moments = moments.of(families[family])
            if family_moments.by_strata:
                family_moments = cast("StratifiedFamily", family_moments)
                known = (
                    family_moments.sampled(cells).known_in_full & family_moments.sampled(cells, rest=True).known_in_full
                )
                full.update(
                    group
                    for group, is_known in zip(families[family].groups, known, strict=True)
                    if is_known and (rule.id, group) in decided
                )
    text = sentence("known_in_full", groups=counted(len(full), "group"))
    return (Notice.of("known_in_full", text),) if full else ()


class Records(NamedTuple):
    """Fields of a result, by the names that it has for them."""

    rows: tuple[RowAccount, ...]
    counts: tuple[GroupCounts, ...]
    estimates: tuple[Estimate, ...]
    disparities: tuple[Disparity, ...]
    notices: tuple[Notice, ...]
    further: dict[str, Any]
    """Findings that decide nothing, by field of `Further`."""


def records(  # noqa: PLR0913 - what a result is written from
    plan: AuditPlan,
    system: SystemDescription,
    features: Sequence[SensitiveFeature],
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    judged: Verdicts,
    sample: JudgedSample | None,
    *,
    libraries: SecondProcess | None,
    rows: Mapping[Group, Rows],
    scope: Scope,
) -> Records:
    """Write every record.

    Parameters
    ----------
    judged, sample
        Verdicts on rates, and the control sample judged by itself, for findings that are about them.
    libraries, rows
        The process that asks other libraries, None if these are not asked; and cases of single groups for them.
    scope
        Questions that decide nothing are answered with details alone. A gate answers few of them.

    Raises
    ------
    CrosscheckError
        If another library states another number.
    """
    everyone = everyone_as_family(counted.table)
    shown = [everyone, *families.values()]
    accounts = row_accounts(counted.table, shown, _counted_as_decided(counted.abstained, families, features))
    least = plan.verdict.min_denominator
    of_counts = plan.evaluation_set.is_counted
    stated = [without_hidden(family) for family in shown] if of_counts else shown
    if of_counts and everyone.cells[..., ABSTAINED].any():
        libraries = None  # they know nothing of hidden numbers
    by_family = dict(zip(families, stated[1:], strict=True))
    compared = [stated[0], *(by_family[family] for family in compared_families(plan.groups, plan.rules))]
    compare = None if libraries is None else _comparison(libraries, plan.rules, compared, rows, counted, judged)
    metrics = plan.metrics.values()
    rates = estimates(
        stated, metrics, level=plan.verdict.level, min_denominator=least, moments=counted.moments, of_counts=of_counts
    )
    gaps = disparities(plan.groups, plan.verdict, stated[1:], metrics, counted.moments)
    further: dict[str, Any] = {"impact_ratios": impact_ratios(plan.groups, rates)}
    doubts: tuple[Notice, ...] = ()
    if scope.has_details:
        findings, doubts = further_findings(plan, counted, families, features, stated, judged, rates, sample)
        further |= findings
    crosscheck, opinions = _crosscheck(compare, (*rates, *gaps))
    known = notices(plan, system, everyone, accounts, families, features, counted.moments, counted.added_over)
    full = full_notices(plan.groups, plan.named_rules, plan.evaluation_set, families, counted.moments, judged.verdicts)
    all_notices = (*known, *full, *doubts, *opinions)
    return Records(accounts, group_counts(shown), rates, gaps, all_notices, {**further, **crosscheck})


_Compare = Callable[[Sequence[Estimate | Disparity]], Opinions]


def _comparison(
    libraries: SecondProcess,
    rules: Sequence[Rule],
    compared: Sequence[FamilyCounts],
    rows: Mapping[Group, Rows],
    counted: Counted,
    judged: Verdicts,
) -> _Compare:
    failing = {verdict.group for verdict in judged.verdicts if verdict.outcome == "fail"}
    return compared_by(libraries, question_of(compared, headlines(rules), rows, counted.moments, failing))


def _crosscheck(
    compare: _Compare | None, numbers: Sequence[Estimate | Disparity]
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return other libraries' numbers, by field of `Further`, and notices for the reader. Raises CrosscheckError."""
    if compare is None:
        return {}, (UNASKED,)
    stage("cross-check")
    opinions = compare(numbers)
    return {"crosscheck": opinions.agreements, "crosscheck_state": opinions.state}, opinions.notices
