"""Figures of an exact result: for restricted use, and the picture says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from audit.errors import AuditError
from audit.result.audit_result import AuditResult
from audit.result.findings.judged import RuleResult
from audit.result.findings.scores import Calibration
from audit.result.findings.scores import Sweep as ResultSweep
from audit.result.reading import JudgedRate, Reading
from audit.result.selected import selected
from audit.vocabulary.groups import Axis, Group
from audit.vocabulary.names import Names
from reports.figures.data import (
    NOTES,
    Curve,
    Forest,
    ForestRow,
    Funnel,
    Head,
    Line,
    Mark,
    Panel,
    Reliability,
    Sweep,
    chosen_family,
    family_text,
    limit_in_words,
    limits_around,
    nothing_drawn_error,
    source_of,
    title_of,
)
from reports.html.funnel import limits_of_a_pass
from reports.language import ENGLISH
from reports.no_funnel import why_no_funnel
from reports.plain_text import capital
from reports.words import Words

MOST_ROWS: Final = 40
MOST_CURVES: Final = 6
MOST_PANELS: Final = 6
_RANK: Final = {"fail": 0, "inconclusive": 1, "pass": 2, "not_evaluable": 3, "not_judged": 4}
_NOTES: Final = NOTES["result"]


class _Reader:
    """A result, and one rule of it."""

    def __init__(self, result: AuditResult, rule: str | None) -> None:
        known = {rule_result.rule: rule_result for rule_result in result.rules}
        if not known or (rule is not None and rule not in known):
            raise AuditError(
                "there is no such rule in this result", slug="figure-rule", hint=f"it has: {', '.join(known) or 'none'}"
            )
        self.result = result
        self.reading = Reading(result)
        self.names = Names(result.features)
        self.rule: RuleResult = known[rule] if rule is not None else result.rules[0]
        self.finest = {feature.name: feature.rungs[0] for feature in result.features}
        self.worse = ("low", "high") if self.rule.worse == "both" else (self.rule.worse,)

    @property
    def counted(self) -> str:
        """The axis title."""
        metric = self.reading.metrics.get(self.rule.metric)
        if metric is None:
            return capital(self.rule.metric.replace("_", " "))
        return f"{capital(metric.plain)}: {metric.counted}, among {metric.among}"

    @property
    def reference(self) -> float | None:
        """Everyone's rate."""
        everyone = self.reading.everyone.get(self.rule.metric)
        return None if everyone is None else everyone.value

    def families(self) -> dict[tuple[Axis, ...], list[JudgedRate]]:
        """The findings of the rule, family by family."""
        findings_by_axes = {family.root: self.reading.judged(self.rule, family) for family in self.reading.families}
        return {axes: findings for axes, findings in findings_by_axes.items() if findings}

    def head(self, kind: str, what: str, drawn: str, notes: tuple[str, ...]) -> Head:
        """Return title, reference and limit."""
        rule, numbers = self.rule, ENGLISH.numbers
        limit = limit_in_words(rule.limit, rule.scale, self.worse, numbers)
        reference = f"Everyone: {numbers.percent(self.reference)}. Limit: {limit}."
        described = f"{kind}: {what}. {drawn} {reference} {self.source}"
        return Head(what, reference, notes, restricted=True, described=described, source=self.source)

    @property
    def source(self) -> str:
        """Where the numbers are from."""
        audit, provenance = self.result.plan.audit, self.result.provenance
        labels = self.result.plan.evaluation_set.label_source
        return source_of(audit.title, audit.auditor, provenance.finished, labels, "exact counts", provenance.tool)

    def title(self, axes: tuple[Axis, ...]) -> str:
        """Return the title: what is shown, and by which features."""
        return title_of(self.rule.metric, self.names.axes(axes))


def forest_of_result(result: AuditResult, rule: str | None, by: str | None) -> Forest:
    """Return the groups of a family with exact rates, intervals, and their own limits. Raises AuditError."""
    reader = _Reader(result, rule)
    families = reader.families()
    axes = chosen_family(by, families, reader.finest, next(iter(families), None))
    shown = [finding for finding in families[axes] if _has_rate(finding)]
    if not shown:
        others = [family_axes for family_axes, members in families.items() if any(map(_has_rate, members))]
        raise nothing_drawn_error("no group of this family has a rate", others, reader.finest)
    by_verdict = sorted(shown, key=lambda finding: (finding.outcome != "fail", -finding.denominator))
    selection = selected(by_verdict[:MOST_ROWS], shown)
    rows = [_row(reader, finding) for finding in selection.rows]
    rows.sort(key=lambda row: (_RANK[row.outcome], -row.low if reader.worse == ("high",) else row.high, row.name))
    left_out, none = len(shown) - len(rows), len(families[axes]) - len(shown)
    notes = (
        _NOTES["sees"],
        _NOTES["bars"].format("" if selection.is_part else "95% "),
        *([f"{left_out} more groups are not drawn: those with the fewest cases."] if left_out else []),
        *([picked] if (picked := Words(ENGLISH, reader.names).picked(selection)) else []),
        *([f"{none} groups have too few cases for a rate."] if none else []),
    )
    return Forest(
        head=reader.head("Forest plot", reader.title(axes), f"{len(rows)} groups.", notes),
        counted=reader.counted,
        rows=tuple(rows),
        reference=reader.reference,
        limits=(),
        interval="interval" if selection.is_part else "95% interval",
    )


def funnel_of_result(result: AuditResult, rule: str | None, by: str | None) -> Funnel:
    """Return the groups of a family with the limits of the verdict, from the funnels of the result. Raises
    AuditError.
    """
    reader = _Reader(result, rule)
    families = reader.families()
    drawn = {
        funnel.family.root: funnel
        for funnel in result.further.funnels
        if funnel.rule == reader.rule.rule and funnel.points
    }
    funnels = {axes: funnel for axes, funnel in drawn.items() if any(map(_has_rate, families.get(axes, ())))}
    known = {family_text(axes, reader.finest): axes for axes in families}
    axes = next(iter(funnels), None) if by is None else known.get(by)
    if axes is None or axes not in funnels:
        raise _no_funnel_error(reader, axes, funnels, by)
    findings = families[axes]
    marks = [
        Mark(reader.names.group(finding.group), finding.denominator, finding.value, finding.outcome)
        for finding in findings
        if finding.value is not None
    ]
    alone = min((finding.verdict.cases for finding in findings if finding.verdict.decidable), default=None)
    fails = tuple(
        (float(point.cases), point.fail_rate) for point in funnels[axes].points if point.fail_rate is not None
    )
    passes = tuple((float(cases), rate) for cases, rate in limits_of_a_pass(funnels[axes], alone))
    metric = reader.reading.metrics.get(reader.rule.metric)
    notes = (
        _NOTES["sees"],
        _NOTES["lines"],
    )
    return Funnel(
        head=reader.head("Funnel plot", reader.title(axes), f"{len(marks)} groups.", notes),
        counted=reader.counted,
        cases=f"Number of {metric.among if metric else 'cases'} in the group",
        marks=tuple(marks),
        lines=(Line("fails from here", fails, "fail"), Line("passes from here", passes, "pass")),
        reference=reader.reference,
        limits=limits_around(reader.reference, reader.rule.limit, reader.rule.scale, reader.worse),
    )


def sweep_of_result(result: AuditResult, rule: str | None, by: str | None) -> Sweep:
    """Return what each threshold would have found and flagged, for everyone and the largest groups. Raises
    AuditError.
    """
    reader = _Reader(result, rule)
    sweeps = {sweep.family.root: sweep for sweep in result.further.sweeps if sweep.over == "threshold"}
    if not sweeps:
        raise AuditError(
            "this result holds no sweep of thresholds",
            slug="figure-empty",
            hint="the detector gives decisions, no scores",
        )
    counted = {axes: sweep for axes, sweep in sweeps.items() if sweep.groups}
    axes = chosen_family(by, counted, reader.finest, next(iter(counted), None))
    sweep = sweeps[axes]
    enough = [
        group_index
        for group_index in range(len(sweep.groups))
        if min(sweep.positives_by_group[group_index], sweep.negatives_by_group[group_index]) >= sweep.min_denominator
    ]
    largest = sorted(enough, key=lambda group_index: -sweep.positives_by_group[group_index])[:MOST_CURVES]
    steps = sweep.steps
    everyone = Curve(
        "Everyone",
        tuple(_share(step.found, sweep.positives) for step in steps),
        tuple(_share(step.wrongly_flagged, sweep.negatives) for step in steps),
    )
    left_out = len(sweep.groups) - len(largest)
    notes = (
        _NOTES["void"],
        *([f"{left_out} more groups are not drawn: those with fewer victims, or too few cases."] if left_out else []),
    )
    title = f"Other thresholds, by {reader.names.axes(axes)}"
    return Sweep(
        head=reader.head("Threshold sweep", title, f"Everyone and {len(largest)} groups.", notes),
        thresholds=tuple(step.threshold for step in steps),
        everyone=everyone,
        groups=tuple(_curve(reader, sweep, group_index) for group_index in sorted(largest)),
        chosen=getattr(result.plan.detector, "threshold", None),
        counted=("Victims found, among victims", "Others wrongly flagged, among others"),
    )


def reliability_of_result(result: AuditResult, rule: str | None, by: str | None) -> Reliability:
    """Return scores against labels, for everyone and the largest groups. Raises AuditError."""
    reader = _Reader(result, rule)
    stated = [
        calibration
        for calibration in result.further.calibrations
        if calibration.status == "estimated" and calibration.bins
    ]
    families: dict[tuple[Axis, ...], list[Calibration]] = {}
    for calibration in stated:
        if calibration.group.root:
            families.setdefault(calibration.group.family.axes, []).append(calibration)
    if not stated:
        raise AuditError(
            "this result does not say whether scores mean what they say",
            slug="figure-empty",
            hint="it takes scores between 0 and 1 and enough labelled cases",
        )
    axes = chosen_family(by, families, reader.finest, next(iter(families), None))
    largest = sorted(families[axes], key=lambda calibration: -calibration.cases)[: MOST_PANELS - 1]
    panels = [calibration for calibration in stated if not calibration.group.root] + largest
    left_out = len(families[axes]) - len(largest)
    notes = (
        _NOTES["bins"],
        *([f"{left_out} more groups are not drawn: those with fewer cases."] if left_out else []),
    )
    title = f"Do scores mean what they say? Everyone, and by {reader.names.axes(axes)}"
    reference = "Reference: the diagonal. The plan sets no limit here."
    described = f"Reliability diagram: {title}. {reference} {reader.source}"
    head = Head(title, reference, notes, restricted=True, described=described, source=reader.source)
    return Reliability(head, tuple(_panel(reader, calibration) for calibration in panels))


def _has_rate(finding: JudgedRate) -> bool:
    return finding.value is not None


def _no_funnel_error(
    reader: _Reader, axes: tuple[Axis, ...] | None, funnels: Iterable[tuple[Axis, ...]], by: str | None
) -> AuditError:
    """Return the error that says why the requested family has no funnel, or, without a request, why no family of one
    feature has one.
    """
    rated = any(any(map(_has_rate, members)) for members in reader.families().values())
    forest = "a forest can be drawn of it: audit7k figure RESULT forest --restricted" if rated else ""
    if by is not None and axes is None:
        what = "there is no such family of groups to draw"
        return nothing_drawn_error(what, funnels, reader.finest, forest, slug="figure-family")
    families = [family_axes for family_axes in reader.families() if len(family_axes) == 1] if axes is None else [axes]
    by_reason = dict[str, list[str]]()
    for family_axes in families:
        why = why_no_funnel(reader.result, reader.rule, family_axes)
        words = "no group of it has a rate" if why is None else why.text(ENGLISH)
        by_reason.setdefault(words, []).append(reader.names.axes(family_axes))
    reasons = "; ".join(f"by {' or by '.join(names)}: {words}" for words, names in by_reason.items())
    return nothing_drawn_error(f"there is no funnel to draw {reasons}".rstrip(), funnels, reader.finest, forest)


def _row(reader: _Reader, finding: JudgedRate) -> ForestRow:
    numbers = ENGLISH.numbers
    value = finding.value or 0.0
    low, high = [value if end is None else end for end in finding.ends]
    limits = limits_around(finding.rest, reader.rule.limit, reader.rule.scale, reader.worse)
    return ForestRow(
        name=reader.names.group(finding.group),
        outcome=finding.outcome,
        value=value,
        low=low,
        high=high,
        rate_text=f"{numbers.percent(value)} ({numbers.percent_range(low, high)})",
        cases=numbers.count(finding.denominator),
        rest=finding.rest,
        limits=limits,
    )


def _share(count: int, total: int) -> float | None:
    return count / total if total else None


def _curve(reader: _Reader, sweep: ResultSweep, group_index: int) -> Curve:
    group: Group = sweep.groups[group_index]
    return Curve(
        reader.names.group(group),
        tuple(_share(step.found_by_group[group_index], sweep.positives_by_group[group_index]) for step in sweep.steps),
        tuple(
            _share(step.wrongly_flagged_by_group[group_index], sweep.negatives_by_group[group_index])
            for step in sweep.steps
        ),
    )


def _panel(reader: _Reader, calibration: Calibration) -> Panel:
    return Panel(
        f"{reader.names.group(calibration.group)} ({ENGLISH.numbers.count(calibration.cases)})", calibration.bins
    )
