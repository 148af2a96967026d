"""Doubts about every FAIL, and about the largest groups that pass or are held back: what would overturn the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.label_doubts import (
    ANSWERS,
    ErrorAxis,
    error_axes,
    error_grid,
    fewest_label_flips,
    flip_words,
    label_flips_to_limit,
    label_shares,
)
from audit.analyses.sides import Question, questions
from audit.analyses.unknown_doubts import (
    NEAREST,
    Unknown,
    breakdown,
    fewest_in_favour,
    fewest_to_hold_back,
    pass_sides,
    smallest_shares,
    unknown_bounds,
    weighted_breakdown,
)
from audit.analyses.verdict_side import RuleCounts, VerdictSide, rule_counts
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.answers import BlindDetector
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.judged import Verdict
from audit.result.findings.sensitivity import Doubt, LabelErrorGrid, RuleSensitivity, SensitivityFinding
from audit.result.findings.system import Notice
from audit.stats.arrays import IntArray
from audit.stats.robustness import rate_bounds
from audit.vocabulary.groups import Family, Group
from audit.vocabulary.metrics import Cell
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.sentences import sentence, share

MOST_LISTED: Final = 60
"""Most groups listed beside those that fail, for each rule."""
_FACTORS: Final = ("unknown_share_factor", "unknown_odds_factor")


def sensitivity_findings(
    plan: AuditPlan,
    families: Mapping[Family, FamilyCounts],
    verdicts: Sequence[Verdict],
    moments: Moments | None = None,
) -> tuple[RuleSensitivity, ...]:
    """Doubt every rule's verdicts, in the order of the plan.

    Parameters
    ----------
    families
        The counts that the verdicts came from.
    verdicts
        Those of `audit.verdicts.judge.judge`.
    moments
        Given where rows have weights or clusters. What would overturn a verdict is asked of the test that reached it:
        of weighted or clustered rows only how much more of the people of unknown group would undo a PASS.
    """
    found = []
    for rule in plan.named_rules:
        of_rule = [verdict for verdict in verdicts if verdict.rule == rule.id]
        if moments is None:
            found.append(_rule_sensitivity(plan, rule, rule_counts(plan, rule, families), of_rule))
        else:
            passing = [verdict for verdict in of_rule if verdict.outcome == "pass"]
            found.append(_not_examined(rule, of_rule, weighted_breakdown(plan, rule, families, moments, passing)))
    return tuple(found)


def sensitivity_notices(plan: AuditPlan, found: Sequence[RuleSensitivity]) -> tuple[Notice, ...]:
    """Say where people of unknown group keep groups from a pass, or would if the plan supposed nothing of them, as one
    that does not say so might want.
    """
    notices = []
    for rule in found:
        if rule.not_if_nothing_supposed and not plan.sensitivity.model_fields_set & {*_FACTORS}:
            several = {"groups": rule.not_if_nothing_supposed} if rule.not_if_nothing_supposed > 1 else {}
            unsaid = sentence("supposed_unsaid" if several else "one_supposed_unsaid", rule=rule.rule, **several)
            notices.append(Notice.of(f"supposed_{rule.rule}", unsaid))
        if not rule.held_back:
            continue
        several = {"groups": rule.held_back} if rule.held_back > 1 else {}
        said = [sentence("held_back" if several else "one_held_back", rule=rule.rule, **several)]
        if rule.missing_share_for_all:
            said.append(sentence("missing_share_for_all", share=share(rule.missing_share_for_all, _share_down)))
        elif rule.missing_share_for_all == 0.0:
            said.append(sentence("no_missing_share_for_all"))
        notices.append(Notice.of(f"unknown_attribute_{rule.rule}", *said))
    return tuple(notices)


def _not_examined(rule: NamedRule, verdicts: Sequence[Verdict], undone: Mapping[str, Any]) -> RuleSensitivity:
    return RuleSensitivity(
        rule=rule.id,
        metric=rule.metric,
        examined="weights_or_clusters",
        held_back=sum(verdict.because == "unknown_attribute" for verdict in verdicts),
        **undone,
        missing_share_for_all=None,
        listed=0,
        not_listed=sum(map(_open_to_doubt, verdicts)),
        fewest_labels=None,
        findings=(),
    )


def _rule_sensitivity(
    plan: AuditPlan, rule: NamedRule, counts: RuleCounts, verdicts: Sequence[Verdict]
) -> RuleSensitivity:
    asked = questions(plan, rule)
    failing = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    others = sorted(filter(_open_to_doubt, verdicts), key=lambda verdict: (-verdict.cases, verdict.group.levels))
    listed, left = others[:MOST_LISTED], others[MOST_LISTED:]
    passing = [verdict for verdict in listed if verdict.outcome == "pass"]
    held = [verdict for verdict in listed if verdict.because == "unknown_attribute"]
    unscored = [verdict for verdict in listed if verdict.because == "unscored_cases"]
    findings: list[SensitivityFinding] = []
    for question in asked:
        of_side = [verdict for verdict in failing if verdict.side == question.side]
        if of_side:
            levels = np.array([verdict.level_fail for verdict in of_side], dtype=np.float64)
            findings.extend(_doubt_fails(VerdictSide("fail", question, counts.of(of_side), levels), of_side))
    if passing:
        findings.extend(_doubt_labels(pass_sides(plan, asked, counts, passing), passing))
    shares: list[float] = []
    if passing or held:
        unknown, shares = _doubt_unknown(pass_sides(plan, asked, counts, passing + held), passing + held)
        findings.extend(unknown)
    if isinstance(plan.detector, BlindDetector):
        findings.extend(_doubt_answers(plan, asked, counts, verdicts))
    for some in (failing, passing, unscored):
        findings.extend(_doubt_unscored(counts.of(some), asked[0], some) if some else ())
    shares.extend(_nearest_shares(plan, asked, counts, left))
    labels = [found.overturned_by for found in findings if found.kind == "labels_flipped"]
    return RuleSensitivity(
        rule=rule.id,
        metric=rule.metric,
        examined="yes",
        held_back=sum(verdict.because == "unknown_attribute" for verdict in verdicts),
        **breakdown(plan, asked, counts, [verdict for verdict in verdicts if verdict.outcome == "pass"]),
        missing_share_for_all=as_known(min(shares)) if shares else None,
        listed=len(failing) + len(listed),
        not_listed=len(left),
        fewest_labels=min((number for number in labels if number is not None), default=None),
        findings=_in_order(findings, [*failing, *others]),
    )


def _open_to_doubt(verdict: Verdict) -> bool:
    return verdict.outcome == "pass" or verdict.because in ("unknown_attribute", "unscored_cases")


def _in_order(findings: Sequence[SensitivityFinding], verdicts: Sequence[Verdict]) -> tuple[SensitivityFinding, ...]:
    place: dict[Group, int] = {verdict.group: number for number, verdict in enumerate(verdicts)}
    return tuple(sorted(findings, key=lambda finding: place[finding.group]))


def _nearest_shares(
    plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, left: Sequence[Verdict]
) -> list[float]:
    """Return the shares at which those groups would be held back that are not listed and look nearest to it."""
    by_records = [verdict for verdict in left if verdict.because == "unknown_attribute"]
    if not by_records:
        return []
    nearest = np.argsort(smallest_shares(pass_sides(plan, asked, counts, by_records)), kind="stable")[:NEAREST]
    shares = fewest_to_hold_back(pass_sides(plan, asked, counts, [by_records[place] for place in nearest])).share
    return [float(share) for share in shares if np.isfinite(share)]


def _doubt_fails(doubted: VerdictSide, verdicts: Sequence[Verdict]) -> list[SensitivityFinding]:
    grids = error_grid(doubted) if error_axes(doubted.question.metric) else None
    findings = _doubt_labels([doubted], verdicts, label_flips_to_limit(doubted), grids)
    metric, counts = doubted.question.metric, doubted.counts
    unknown = fewest_in_favour(doubted)
    low, high = unknown_bounds(counts, metric)
    for place, verdict in enumerate(verdicts):
        among = int(unknown.among[place])
        if not among:
            continue
        stands = verdict.because == "beyond_limit"
        fewest = -1 if stands else int(unknown.fewest[place])
        fewest = among if fewest < 0 and not stands else fewest
        words = (
            f"Would stand if {among:,} cases of unknown group that speak for it belonged to it, the most supposed to."
            if fewest < 0
            else f"Would not stand if {fewest:,} of {among:,} cases of unknown group that speak for it belonged to it."
        )
        findings.append(
            _finding(
                verdict, "unknown_attribute", fewest, among, words, low=as_known(low[place]), high=as_known(high[place])
            )
        )
    return findings


def _doubt_labels(
    sides: Sequence[VerdictSide],
    verdicts: Sequence[Verdict],
    to_limit: IntArray | None = None,
    grids: Sequence[LabelErrorGrid] | None = None,
) -> list[SensitivityFinding]:
    """Find the labels that would overturn each verdict; for a two-sided pass on the side that takes fewer."""
    found = [flipped for side in sides if (flipped := fewest_label_flips(side)) is not None]
    findings: list[SensitivityFinding] = []
    labelled = sides[0].counts.groups.total((Cell.TP, Cell.FN, Cell.FP, Cell.TN))
    for place, verdict in enumerate(verdicts if found else ()):
        side = min(found, key=lambda of: _inf_if_never(of.fewest.total[place]))
        fewest, among = int(side.fewest.total[place]), int(labelled[place])
        words = (
            "No number of wrong labels in this group would change it."
            if fewest < 0
            else f"Would not stand if {fewest:,} of the group's {among:,} labels were wrong: {flip_words(side, place)}."
        )
        limit = None if to_limit is None or to_limit[place] < 0 else int(to_limit[place])
        findings.append(_finding(verdict, "labels_flipped", fewest, among, words, to_limit=limit))
    for axis in error_axes(sides[0].question.metric):
        findings.extend(_doubt_shares(sides, verdicts, axis, grids))
    return findings


def _doubt_answers(
    plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, verdicts: Sequence[Verdict]
) -> list[SensitivityFinding]:
    """Find the answers of a vendor that would overturn each verdict, if the system at work gave others."""
    passing = [verdict for verdict in verdicts if verdict.outcome == "pass"]
    doubted = [(pass_sides(plan, asked, counts, passing), passing)] if passing else []
    for question in asked:
        of_side = [verdict for verdict in verdicts if (verdict.outcome, verdict.side) == ("fail", question.side)]
        if of_side:
            levels = np.array([verdict.level_fail for verdict in of_side], dtype=np.float64)
            doubted.append(([VerdictSide("fail", question, counts.of(of_side), levels)], of_side))
    findings = []
    for sides, of_side in doubted:
        found = [flipped for side in sides if (flipped := fewest_label_flips(side, ANSWERS)) is not None]
        for place, verdict in enumerate(of_side):
            fewest = min((int(each.fewest.total[place]) for each in found), key=_inf_if_never)
            words = f"Would not stand if {fewest:,} of {verdict.cases:,} answers were others."
            words = "No number of other answers would change it." if fewest < 0 else words
            findings.append(_finding(verdict, "answers_differ", fewest, verdict.cases, words))
    return findings


_WRONGLY: Final[dict[ErrorAxis, str]] = {
    "labelled_too_often": "of this group's people who are no victims were labelled as victims",
    "labelled_too_rarely": "of this group's victims were labelled as no victims",
}


def _doubt_shares(
    sides: Sequence[VerdictSide], verdicts: Sequence[Verdict], axis: ErrorAxis, grids: Sequence[LabelErrorGrid] | None
) -> list[SensitivityFinding]:
    found = [label_shares(side, axis) for side in sides]
    groups = sides[0].counts.groups
    among = groups.total((Cell.TP, Cell.FN, Cell.FP, Cell.TN))
    findings = []
    for place, verdict in enumerate(verdicts):
        side = min(found, key=lambda of: _inf_if_never(of.thousandths[place]))
        share, most = int(side.thousandths[place]) / 1000.0, int(side.most[place]) / 1000.0
        falls = share >= 0
        words = (
            f"Would not stand if {_one_in(share)} {_WRONGLY[axis]}, whatever the detector decided."
            if falls
            else f"Would stand even if {_one_in(most)} {_WRONGLY[axis]}, whatever the detector decided."
            if most > 0
            else f"The counts leave no room for the doubt that some {_WRONGLY[axis]}."
        )
        findings.append(
            _finding(
                verdict,
                axis,
                None,
                int(among[place]),
                words,
                stands=not falls,
                share=share if falls else None,
                grid=None if grids is None or axis != error_axes(sides[0].question.metric)[0] else grids[place],
            )
        )
    return findings


def _doubt_unknown(
    sides: Sequence[VerdictSide], verdicts: Sequence[Verdict]
) -> tuple[list[SensitivityFinding], list[float]]:
    unknown = fewest_to_hold_back(sides)
    low, high = unknown_bounds(sides[0].counts, sides[0].question.metric)
    findings = [
        _finding(
            verdict,
            "unknown_attribute",
            int(unknown.fewest[place]),
            int(unknown.among[place]),
            _unknown_words(verdict, unknown, place),
            stands=verdict.outcome == "pass",
            share=as_known(unknown.share[place]),
            low=as_known(low[place]),
            high=as_known(high[place]),
        )
        for place, verdict in enumerate(verdicts)
        if unknown.among[place]
    ]
    held = np.array([verdict.because == "unknown_attribute" for verdict in verdicts])
    return findings, unknown.share[held & np.isfinite(unknown.share)].tolist()


def _unknown_words(verdict: Verdict, unknown: Unknown, place: int) -> str:
    fewest, among = int(unknown.fewest[place]), int(unknown.among[place])
    if fewest < 0:
        return f"Holds even if all {among:,} cases of unknown group that speak against it belonged to this group."
    share = _share_down(float(unknown.share[place]))
    if verdict.outcome == "pass":
        return (
            f"Would not hold if {fewest:,} of {among:,} cases of unknown group that speak against it belonged to it; "
            "the plan supposes fewer."
        )
    return (
        f"Passes by its records. {fewest:,} of {among:,} cases of unknown group would change that if they belonged to "
        f"it; it passes if at most {share} of its own cases are unknown."
    )


def _doubt_unscored(counts: RuleCounts, question: Question, verdicts: Sequence[Verdict]) -> list[SensitivityFinding]:
    metric, groups = question.metric, counts.groups
    x, n = groups.numerator(metric), groups.denominator(metric)
    hits, misses = groups.total(metric.highest_if_unscored), groups.total(metric.lowest_if_unscored)
    low, high = rate_bounds(x, n, hits, misses)
    could_join = sorted(set(metric.highest_if_unscored) | set(metric.lowest_if_unscored))
    open_cases = groups.total(could_join)
    findings = []
    for place, verdict in enumerate(verdicts):
        among = int(open_cases[place])
        decided = verdict.outcome in ("pass", "fail")
        if not among and decided:
            continue
        words = (
            f"Holds whatever the {among:,} cases without a decision would have been; so does every verdict."
            if decided
            else "Cases without a decision, in this group or its rest, stand between it and a pass."
        )
        findings.append(
            _finding(
                verdict,
                "unscored",
                None,
                among,
                words,
                stands=decided,
                low=as_known(low[place]),
                high=as_known(high[place]),
            )
        )
    return findings


def _finding(
    verdict: Verdict, kind: Doubt, fewest: int | None, among: int, words: str, **more: Any
) -> SensitivityFinding:
    """Make a record; `more` are its other fields. `fewest` of -1: no number of people would do."""
    overturned_by = None if fewest is None or fewest < 0 else fewest
    values = {"stands": overturned_by is None, **more}
    return SensitivityFinding.model_construct(
        None,
        group=verdict.group,
        outcome=verdict.outcome,
        kind=kind,
        overturned_by=overturned_by,
        among=among,
        words=words,
        **values,
    )


def _inf_if_never(fewest: int | np.int64) -> float:
    return math.inf if fewest < 0 else float(fewest)


def _one_in(share: float) -> str:
    """Write a share of a thousandth or more in words: "1 in 30 (3.3%)"."""
    shown = f"{half_up(hundredfold(share), 1)}%"
    return f"1 in {math.floor(1.0 / share + 1e-9):,} ({shown})" if share <= 0.5 else shown


def _share_down(share: float) -> str:
    """Write a share that may be declared, never rounded up."""
    return f"{math.floor(share * 1000.0 + 1e-9) / 10.0:.1f}%"
