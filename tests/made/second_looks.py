"""Made-up answers to the further questions of a plan, put into the made-up results of `made.results`.

As there: reports read what a result says, and that a result is right is tested elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from made.answering import answering
from made.change_told import change_told
from made.replaced import replaced

from audit.plan.sections import CostsSection
from audit.result.audit_result import AuditResult
from audit.result.findings.further import Agreement, Convention, CostOfErrors, OwnMeasure
from audit.result.findings.judged import Estimate, Membership
from audit.result.findings.like_with_like import ConditionalGap, LikeWithLike
from audit.result.findings.many_groups import BetweenGroups, Entropy, Funnel, FunnelPoint, ShrunkRate
from audit.result.findings.patterns import (
    Amplification,
    Amplifies,
    Deployed,
    DeployedGroup,
    GroupAmplification,
    LabelGap,
    ReferenceComparison,
    ReferenceShare,
)
from audit.result.findings.scores import (
    AucDecomposition,
    Calibration,
    CalibrationBin,
    GroupAuc,
    Sweep,
    SweepGap,
    SweepStep,
)
from audit.result.findings.second import (
    AfterDetector,
    Among,
    Exposure,
    Flag,
    Override,
    PeopleGap,
    SecondKind,
    SecondVerdict,
)
from audit.result.findings.sensitivity import (
    ControlComparison,
    ControlSample,
    ControlVerdict,
    LabelErrorGrid,
    RuleSensitivity,
    SensitivityFinding,
)
from audit.result.findings.subgroup_scan import ScanHalf, ScanValues, SubgroupScan
from audit.result.findings.swaps import ChangedSlot, SwapProbe, SwapShift
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature

NATIONALITIES = [["nationality", "country"]]
AMONG: tuple[Among, ...] = ("victims", "others")


def unnamed_result(base: AuditResult, *, metric: str | None = None, keep_names: bool = False) -> AuditResult:
    """`base` with a FAIL of all nationalities together on one rule, and nobody named for it (or, with names, some)."""
    result = base.model_dump(mode="json", by_alias=True)
    rule = next(rule for rule in result["rules"] if metric in (None, rule["metric"]))
    for verdict in result["verdicts"]:
        mine = verdict["rule"] == rule["rule"]
        nationality = [level[:2] for level in verdict["group"]] == NATIONALITIES
        if verdict["outcome"] == "fail" and (not keep_names or (mine and nationality)):
            verdict.update(outcome="inconclusive", because="limit_not_excluded", cases_needed=40)
    for each in result["rules"]:
        outcomes = [verdict["outcome"] for verdict in result["verdicts"] if verdict["rule"] == each["rule"]]
        each["groups_by_outcome"] = {name: outcomes.count(name) for name in each["groups_by_outcome"]}
        if "fail" not in outcomes:
            each.update(outcome="inconclusive", because="group_undecided")
    if rule["outcome"] != "fail":
        rule.update(outcome="fail", because="unnamed_beyond_limit")
    for family in rule["families"]:
        if family["family"] == NATIONALITIES:
            family.update(unnamed_p=1.3e-5, unnamed_level=0.01, unnamed_survivors=61, unnamed_beyond=True)
            family.update(unnamed_at_least=7)
    _overall(result)
    return AuditResult.model_validate_json(json.dumps(result))


def _overall(result: dict[str, Any]) -> None:
    outcomes = {rule["rule"]: rule["outcome"] for rule in result["rules"]}
    failing = [rule for rule, outcome in outcomes.items() if outcome == "fail"]
    undecided = [rule for rule, outcome in outcomes.items() if outcome not in ("fail", "pass")]
    outcome = "fail" if failing else "inconclusive" if undecided else "pass"
    result["overall"].update(outcome=outcome, failing_rules=failing, undecided_rules=undecided)


EVERYONE = Group(())
WOMEN = Group((Level("gender", "level", "woman"),))
MEN = Group((Level("gender", "level", "man"),))
GHANA = Group((Level("nationality", "country", "GHA"),))
GENDER = Family((Axis("gender", "level"),))
COUNTRY = Family((Axis("nationality", "country"),))
UNKNOWN = tuple(Group((Level("nationality", rung, "unknown"),)) for rung in ("country", "m49-subregion", "m49-region"))


def _second(base: AuditResult, kind: SecondKind, name: str) -> SecondVerdict:
    """The verdicts of `base` as if they were of another decision."""
    known = {key: getattr(base, key) for key in ("rules", "verdicts", "counts", "estimates")}
    return SecondVerdict(kind=kind, name=name, alpha=0.05, outcome=base.overall.outcome, **known)


def _after_detector() -> AfterDetector:
    flags: tuple[Flag, ...] = ("flagged", "not_flagged")
    overrides = tuple(
        Override(
            group=group,
            detector=flag,
            decided=400,
            changed=48,
            undecided=9,
            value=0.12,
            low=0.092,
            high=0.155,
            difference=None if group == EVERYONE else -0.07,
            difference_low=None if group == EVERYONE else -0.11,
            difference_high=None if group == EVERYONE else -0.03,
            level=0.95,
        )
        for group in (EVERYONE, WOMEN, MEN, *UNKNOWN)
        for flag in flags
    )
    words: tuple[tuple[Group, Amplifies], ...] = ((WOMEN, "adds"), (MEN, "repeats"), (GHANA, "removes"))
    gaps = tuple(
        PeopleGap(
            group=group,
            among=among,
            cases=800,
            undecided=18,
            detector_gap=-0.08,
            added=-0.05,
            low=-0.09,
            high=-0.01,
            outcome=outcome,
            level=0.95,
        )
        for among in AMONG
        for group, outcome in (*words, *((unknown, "cannot_tell") for unknown in UNKNOWN))
    )
    return AfterDetector(unanswered=3, overrides=overrides, gaps=gaps)


def _exposure(group: Group, first: int) -> Exposure:
    return Exposure(
        first=first,
        group=group,
        among="everyone",
        cases=900,
        unranked=4,
        fewest=31,
        most=34,
        value=0.036,
        low=0.024,
        high=0.052,
        difference=None if group == EVERYONE else -0.011,
        difference_low=None if group == EVERYONE else -0.03,
        difference_high=None if group == EVERYONE else 0.01,
        level=0.95,
    )


def further_result(base: AuditResult, text: Callable[[str], str] = str) -> AuditResult:
    """`base` with an answer to every further question; `text` is applied to what someone else could have written."""
    costs = CostsSection(cost_missed=10, cost_flagged=1, reason=text("Weighed by survivors"))
    answered = answering(base)
    plan = answered.pop("plan").model_copy(update={"costs": costs})
    return replaced(
        base,
        **answered,
        plan=plan,
        change=change_told(base, text),
        sensitivity=_sensitivity(base),
        control_sample=_control(base),
        conditional=(_conditional(text),),
        second_verdicts=(_second(base, "decisions", ""), _second(base, "form", text("forced labour"))),
        after_detector=_after_detector(),
        exposures=tuple(_exposure(group, first) for first in (50, 200) for group in (EVERYONE, WOMEN, *UNKNOWN)),
        between_groups=_between(),
        entropies=(_entropy(),),
        funnels=(_funnel(base),),
        **_scores(),
        **_patterns(text),
        subgroup_scan=(_scan(text),),
        memberships=(_membership(),),
        features=_with_several(base),
        costs=_costs(),
        own_measures=_measures(text),
        crosscheck=(_agreement(text),),
        crosscheck_state="agreed",
        probes=(made_probe(text),),
    )


def made_probe(text: Callable[[str], str] = str) -> SwapProbe:
    """Two nationality words and two genders in twenty texts; one word moves the score."""
    moved = ("NGA", "Nigerian", 0.12, 20)
    still = ("PHL", "Filipino", 0.0, 0)
    return SwapProbe(
        probe="words",
        kind="text",
        unit="text",
        columns=("advert",),
        languages=("en",),
        source=text("texts.toml"),
        words="the package's words",
        digests={"templates": "ab" * 32},
        unused=(text("demonym KUR: no words in en"),),
        templates=20,
        variants=60,
        scored=57,
        abstained=2,
        failed=1,
        failures={"invalid_output: out_of_range": 1},
        decision="flagged when the score is at least 0.5",
        slots=(
            ChangedSlot(
                slot="demonym",
                anchor="no nationality named",
                levels=2,
                templates=20,
                templates_scored=20,
                spread_mean=0.12,
                spread_max=0.2,
                pairs=40,
                pairs_unscored=0,
                flipped=7,
                undetected_share=0.139,
            ),
        ),
        shifts=tuple(
            SwapShift(
                slot="demonym",
                level=level,
                name=text(name),
                given_slot=given and "gender",
                given=given,
                templates=20,
                pairs=20,
                pairs_unscored=0,
                shift=shift,
                low=shift - raised / 1000,
                high=shift + raised / 1000,
                low_all=shift - raised / 500,
                high_all=shift + raised / 500,
                raised=raised,
                lowered=0,
                unmoved=20 - raised,
                pairs_moved=raised,
                to_flagged=raised * 7 // 20,
                to_not_flagged=0,
            )
            for given in (None, "woman")
            for level, name, shift, raised in (moved, still)
        ),
        level=0.95,
    )


def _sensitivity(base: AuditResult) -> tuple[RuleSensitivity, ...]:
    grid = LabelErrorGrid(
        sensitivity=(1.0, 0.9), specificity=(1.0, 0.8), rates=(0.62, 0.7, None, 0.81), stands=(True, False, None, False)
    )
    rule = base.rules[0]
    return (
        RuleSensitivity(
            rule=rule.rule,
            metric=rule.metric,
            examined="yes",
            held_back=2,
            missing_share_for_all=0.03,
            breakdown_factor=2.6,
            weakest=None,
            not_if_nothing_supposed=4,
            listed=2,
            not_listed=14,
            fewest_labels=7,
            findings=(
                _doubt(GHANA, "fail", "labels_flipped", False, 7, 480, grid),
                _doubt(GHANA, "fail", "labelled_too_often", False, None, 480).model_copy(update={"share": 0.031}),
                _doubt(GHANA, "fail", "unknown_attribute", True, None, 64),
                _doubt(WOMEN, "pass", "labels_flipped", False, 311, 9_000),
                _doubt(WOMEN, "pass", "unscored", False, 12, 40),
                *(_doubt(group, "pass", "labels_flipped", False, 900, 2_000) for group in UNKNOWN),
            ),
        ),
    )


def _doubt(
    group: Group, outcome: Any, kind: Any, stands: bool, by: int | None, among: int, grid: LabelErrorGrid | None = None
) -> SensitivityFinding:
    return SensitivityFinding(
        group=group,
        outcome=outcome,
        kind=kind,
        stands=stands,
        overturned_by=by,
        among=among,
        grid=grid,
        words="In words.",
    )


def _control(base: AuditResult) -> ControlSample:
    return ControlSample(
        cases=400,
        labelled=390,
        other_cases=12_000,
        comparisons=(
            ControlComparison(
                metric="true_positive_rate", group=EVERYONE, numerator=60, denominator=100, other_numerator=3_200,
                other_denominator=4_000, difference=-0.2, difference_low=-0.3, difference_high=-0.11,
            ),
            ControlComparison(
                metric="true_positive_rate", group=WOMEN, numerator=40, denominator=60, other_numerator=1_500,
                other_denominator=2_000, difference=-0.083, difference_low=-0.21, difference_high=0.02,
            ),
        ),
        comparisons_left_out=30,
        verdicts=(
            ControlVerdict(
                rule=base.rules[0].rule, group=GHANA, outcome="fail", control_outcome="inconclusive", control_cases=9
            ),
        ),
        words="In words.",
    )  # fmt: skip


def _conditional(text: Callable[[str], str]) -> LikeWithLike:
    gaps = (
        _gap(GHANA, "vanishes", (-0.14, -0.17, -0.11), (0.01, -0.02, 0.04)),
        _gap(WOMEN, "stays", (0.01, -0.01, 0.03), (0.01, -0.01, 0.03)),
    )
    return LikeWithLike(
        metric="true_positive_rate", rule=None, scale="difference", limit=0.1, controls=(text("form"),), family=COUNTRY,
        strata=4, notes={"vanishes": 1, "stays": 1}, not_evaluable=3, groups=gaps, level=0.95,
    )  # fmt: skip


def _gap(group: Group, note: Any, crude: tuple[float, ...], within: tuple[float, ...]) -> ConditionalGap:
    return ConditionalGap(
        group=group, cases=480, comparable=1.0, strata=4, crude_difference=crude[0], crude_difference_low=crude[1],
        crude_difference_high=crude[2], difference=within[0], difference_low=within[1], difference_high=within[2],
        crude_ratio=0.8, crude_ratio_low=0.7, crude_ratio_high=0.9, ratio=1.0, ratio_low=0.9, ratio_high=1.1,
        shift_low=0.1, shift_high=0.2, p_same=0.4, strata_tested=4, note=note,
    )  # fmt: skip


def _between() -> tuple[BetweenGroups, ...]:
    worst = (ShrunkRate(group=GHANA, value=0.45, shrunk=0.52),)
    return tuple(
        BetweenGroups(
            metric="true_positive_rate", family=family, groups=20, cases=20_000, equality_p=p, divisions=999,
            spread=spread, spread_low=low, spread_high=0.08, level=0.95, prior_mean=0.8, prior_strength=60.0,
            worst=names,
        )
        for family, p, spread, low, names in ((GENDER, 0.4, 0.0, 0.0, ()), (COUNTRY, 0.001, 0.052, 0.03, worst))
    )  # fmt: skip


def _entropy() -> Entropy:
    return Entropy(
        family=COUNTRY, groups=200, cases=60_000, total=0.0687, total_low=0.0665, total_high=0.0707, between=0.0041,
        between_beyond_chance=0.0012, between_low=0.0, between_high=0.0022, within=0.0646, within_low=0.0631,
        within_high=0.0661, level=0.95,
    )  # fmt: skip


def _funnel(base: AuditResult) -> Funnel:
    points = tuple(
        FunnelPoint(cases=cases, level_fail=0.0004, fail_rate=0.7 - 1.6 / cases**0.5, pass_rate=0.7 + 0.8 / cases**0.5)
        for cases in (12, 30, 60, 90, 200, 500, 2_000)
    )
    return Funnel(rule=base.rules[0].rule, family=COUNTRY, side="low", points=points)


def _scores() -> dict[str, Any]:
    aucs = (_auc(EVERYONE, 0.91), _auc(WOMEN, 0.88), _auc(GHANA, 0.72), *(_auc(group, 0.8) for group in UNKNOWN))
    split = AucDecomposition(
        family=COUNTRY, pairs=1_000, within_pairs=200, within_share=0.2, pooled=0.91, within=0.85, between=0.925,
        difference=0.06, difference_low=0.05, difference_high=0.07, level=0.95, groups=200, groups_stated=40,
        highest=WOMEN, highest_auc=0.88, pooled_exceeds_all=True, unused=("clusters",),
    )  # fmt: skip
    gap = SweepGap(
        rate="true_positive_rate", group=GHANA, numerator=20, denominator=80, difference=-0.3, low=-0.4, high=-0.2
    )
    steps = tuple(
        SweepStep(
            threshold=place / 20, share=None, flagged=4_000 - 200 * place, found=900 - 40 * place,
            wrongly_flagged=600 - 30 * place, flagged_by_group=(), found_by_group=(), wrongly_flagged_by_group=(),
            gaps=(gap,) if place % 2 else (gap.model_copy(update={"low": -0.5, "high": 0.1}),),
        )
        for place in range(1, 20)
    )  # fmt: skip
    sweep = Sweep(
        family=COUNTRY, over="threshold", scored=9_000, positives=1_000, negatives=8_000, groups=(), scored_by_group=(),
        positives_by_group=(), negatives_by_group=(), steps=steps, min_denominator=5, level=0.95, unused=(), note="",
    )  # fmt: skip
    return {
        "aucs": aucs,
        "auc_decompositions": (split,),
        "calibrations": (_calibration(EVERYONE, 0.5, 0.0), _calibration(GHANA, 0.001, 0.12)),
        "sweeps": (sweep,),
    }


def _auc(group: Group, auc: float) -> GroupAuc:
    return GroupAuc(
        group=group, positives=90, negatives=400, unscored=3, near_threshold=2, auc=auc, binning=0.0,
        low=auc - 0.03, high=auc + 0.03,
        found_among_rest=0.8 if group.root else None, found_low=0.7, found_high=0.9,
        cleared_among_rest=0.9 if group.root else None, cleared_low=0.8, cleared_high=0.95, level=0.95, unused=(),
        status="estimated",
    )  # fmt: skip


def _calibration(group: Group, p: float, gap: float) -> Calibration:
    part = CalibrationBin(
        low=0.3, high=0.4, cases=50, positives=20, mean_score=0.35, observed=0.4, observed_low=0.28, observed_high=0.54
    )
    return Calibration(
        group=group, cases=490, positives=120, mean_score=0.25, observed=0.25 + gap, gap=gap, gap_low=gap - 0.04,
        gap_high=gap + 0.04, error=0.05, error_by_chance=0.04, error_beyond_chance=0.01, squared_error=0.001, p_value=p,
        p_adjusted=p, bins=(part,), level=0.95, unused=(), status="estimated",
    )  # fmt: skip


def _patterns(text: Callable[[str], str]) -> dict[str, Any]:
    adds = GroupAmplification(
        group=GHANA, cases=900, label_rate=0.24, flag_rate=0.41, difference=0.17, low=0.14, high=0.2,
        labelled_above=False,
        added=0.11, added_low=0.08, added_high=0.14, outcome="adds",
    )  # fmt: skip
    share = ReferenceShare(
        group=WOMEN, labelled=900, share=0.6, low=0.55, high=0.65, reference=0.71, difference=-0.11,
        difference_low=-0.16,
        difference_high=-0.06,
    )  # fmt: skip
    groups = tuple(
        DeployedGroup(
            group=group, set_flag_rate=0.3, set_precision=0.62, flag_rate=0.13, flag_rate_low=0.12, flag_rate_high=0.14,
            precision=0.11, precision_low=0.1, precision_high=0.12, flags_per_1000=130.0, right_per_1000=14.3,
        )
        for group in (EVERYONE, WOMEN)
    )  # fmt: skip
    return {
        "amplification": (
            Amplification(
                family=COUNTRY, label_rate=0.31, flag_rate=0.29, total=0.04, low=0.02, high=0.06, groups_counted=40,
                groups_left_out=160,
                signs_unsettled=3,
                outcomes={"adds": 1, "repeats": 0, "removes": 0, "cannot_tell": 39}, groups=(adds,), level=0.95,
            ),
        ),
        "label_gaps": (
            LabelGap(
                family=COUNTRY, groups_compared=40, group=GHANA, label_rate=0.24, rest_rate=0.33, difference=-0.09,
                low=-0.14, high=-0.04, level=0.95,
            ),
        ),
        "reference_comparison": ReferenceComparison(
            feature="gender", rung="level", source=text("UNODC, 2024"), sha256="ab" * 32, labelled=1_500, left_out=12,
            statistic=40.2, p=0.001, replicates=999, levels=(share,), level=0.95,
        ),
        "deployed": (
            Deployed(
                family=Family(()), prevalence=0.02, source=text("Inspections of 2023"), groups=groups,
                groups_not_shown=0,
                level=0.95,
            ),
        ),
    }  # fmt: skip


def _scan(text: Callable[[str], str]) -> SubgroupScan:
    return SubgroupScan(
        question="missed", metric="false_negative_rate", outcome="confirmed", reason=None,
        attributes=(text("channel"), "nationality"), subsets_power_of_ten=9, subsets_evaluated=4_000,
        subset=(
            ScanValues(attribute=text("channel"), kind="column", values=(text("messaging"),), others=0, of=3),
            ScanValues(attribute="nationality", kind="feature", values=("GHA",), others=2, of=190),
        ),
        search=ScanHalf(harmed=60, cases=90, rest_harmed=900, rest_cases=4_000),
        confirmation=ScanHalf(harmed=50, cases=88, rest_harmed=880, rest_cases=4_010),
        search_cases=4_090, confirmation_cases=4_098, unscored=20, leaves_out_weights=False, score=31.2, p_search=0.005,
        p_confirmation=1e-9, level=0.05, confirmation_level=0.025, detectable_rate=0.4, replicates=199, penalty=1.0,
        by_cluster=False,
    )  # fmt: skip


def _costs() -> tuple[CostOfErrors, ...]:
    return tuple(
        CostOfErrors(
            group=group, missed=120, wrongly_flagged=300, cases=2_000, per_1000=750.0, low=690.0, high=810.0,
            rest_per_1000=None if group is EVERYONE else 500.0, difference=None if group is EVERYONE else 250.0,
            difference_low=None if group is EVERYONE else 180.0, difference_high=None if group is EVERYONE else 320.0,
            level=0.95,
        )
        for group in (EVERYONE, WOMEN, GHANA)
    )  # fmt: skip


def _membership() -> Membership:
    held = Estimate(
        metric="true_positive_rate", group=GHANA, numerator=300, denominator=520, level=0.95, status="estimated",
        reason=None, value=300 / 520, low=0.534, high=0.619, exact_low=0.533, exact_high=0.62,
    )  # fmt: skip
    return Membership(estimate=held, beside_others=40)


def _with_several(base: AuditResult) -> tuple[SensitiveFeature, ...]:
    return tuple(
        feature.model_copy(update={"several": 40, "several_as": "together"})
        if feature.name == "nationality"
        else feature
        for feature in base.features
    )


def _measures(text: Callable[[str], str]) -> tuple[OwnMeasure, ...]:
    whole = OwnMeasure(
        measure=text("Youden’s index"), function="measures:youden_index", given="decision", group=EVERYONE, n=9_000,
        clusters=None, value=0.5897, low=0.57, high=0.61, level=0.95, replicates=499, replicates_used=499,
    )  # fmt: skip
    failed = {
        "group": WOMEN,
        "value": None,
        "low": None,
        "high": None,
        "reason": "raised",
        "error": "ZeroDivisionError",
    }
    return (whole, whole.model_copy(update=failed))


def _agreement(text: Callable[[str], str]) -> Agreement:
    words = text("fairlearn reports a rate of 0 for a group without positives")
    return Agreement(
        library=text("fairlearn 0.15.0"), rates_compared=9_000, disparities_compared=1_200, largest_difference=2.2e-16,
        differs_by_convention=412, conventions=(Convention(code="no_positives", words=words, values=412),),
    )  # fmt: skip
