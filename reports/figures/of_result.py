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
        known = {each.rule: each for each in result.rules}
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
        found = {family.root: self.reading.judged(self.rule, family) for family in self.reading.families}
        return {axes: findings for axes, findings in found.items() if findings}

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
    shown = [each for each in families[axes] if _has_rate(each)]
    if not shown:
        others = [each for each, members in families.items() if any(map(_has_rate, members))]
        raise nothing_drawn_error("no group of this family has a rate", others, reader.finest)
    by_verdict = sorted(shown, key=lambda each: (each.outcome != "fail", -each.denominator))
    kept = selected(by_verdict[:MOST_ROWS], shown)
    rows = [_row(reader, each) for each in kept.rows]
    rows.sort(key=lambda row: (_RANK[row.outcome], -row.low if reader.worse == ("high",) else row.high, row.name))
    left_out, none = len(shown) - len(rows), len(families[axes]) - len(shown)
    notes = (
        _NOTES["sees"],
        _NOTES["bars"].format("" if kept.is_part else "95% "),
        *([f"{left_out} more groups are not drawn: those with the fewest cases."] if left_out else []),
        *([picked] if (picked := Words(ENGLISH, reader.names).picked(kept)) else []),
        *([f"{none} groups have too few cases for a rate."] if none else []),
    )
    return Forest(
        head=reader.head("Forest plot", reader.title(axes), f"{len(rows)} groups.", notes),
        counted=reader.counted,
        rows=tuple(rows),
        reference=reader.reference,
        limits=(),
        interval="interval" if kept.is_part else "95% interval",
    )


def funnel_of_result(result: AuditResult, rule: str | None, by: str | None) -> Funnel:
    """Return the groups of a family with the limits of the verdict, from the funnels of the result. Raises
    AuditError.
    """
    reader = _Reader(result, rule)
    families = reader.families()
    drawn = {each.family.root: each for each in result.further.funnels if each.rule == reader.rule.rule and each.points}
    funnels = {axes: each for axes, each in drawn.items() if any(map(_has_rate, families.get(axes, ())))}
    known = {family_text(axes, reader.finest): axes for axes in families}
    axes = next(iter(funnels), None) if by is None else known.get(by)
    if axes is None or axes not in funnels:
        raise _no_funnel_error(reader, axes, funnels, by)
    findings = families[axes]
    marks = [
        Mark(reader.names.group(each.group), each.denominator, each.value, each.outcome)
        for each in findings
        if each.value is not None
    ]
    alone = min((each.verdict.cases for each in findings if each.verdict.decidable), default=None)
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
    sweeps = {each.family.root: each for each in result.further.sweeps if each.over == "threshold"}
    if not sweeps:
        raise AuditError(
            "this result holds no sweep of thresholds",
            slug="figure-empty",
            hint="the detector gives decisions, no scores",
        )
    counted = {axes: each for axes, each in sweeps.items() if each.groups}
    axes = chosen_family(by, counted, reader.finest, next(iter(counted), None))
    each = sweeps[axes]
    enough = [
        place
        for place in range(len(each.groups))
        if min(each.positives_by_group[place], each.negatives_by_group[place]) >= each.min_denominator
    ]
    largest = sorted(enough, key=lambda place: -each.positives_by_group[place])[:MOST_CURVES]
    steps = each.steps
    everyone = Curve(
        "Everyone",
        tuple(_share(step.found, each.positives) for step in steps),
        tuple(_share(step.wrongly_flagged, each.negatives) for step in steps),
    )
    left_out = len(each.groups) - len(largest)
    notes = (
        _NOTES["void"],
        *([f"{left_out} more groups are not drawn: those with fewer victims, or too few cases."] if left_out else []),
    )
    title = f"Other thresholds, by {reader.names.axes(axes)}"
    return Sweep(
        head=reader.head("Threshold sweep", title, f"Everyone and {len(largest)} groups.", notes),
        thresholds=tuple(step.threshold for step in steps),
        everyone=everyone,
        groups=tuple(_curve(reader, each, place) for place in sorted(largest)),
        chosen=getattr(result.plan.detector, "threshold", None),
        counted=("Victims found, among victims", "Others wrongly flagged, among others"),
    )


def reliability_of_result(result: AuditResult, rule: str | None, by: str | None) -> Reliability:
    """Return scores against labels, for everyone and the largest groups. Raises AuditError."""
    reader = _Reader(result, rule)
    stated = [each for each in result.further.calibrations if each.status == "estimated" and each.bins]
    families: dict[tuple[Axis, ...], list[Calibration]] = {}
    for each in stated:
        if each.group.root:
            families.setdefault(each.group.family.axes, []).append(each)
    if not stated:
        raise AuditError(
            "this result does not say whether scores mean what they say",
            slug="figure-empty",
            hint="it takes scores between 0 and 1 and enough labelled cases",
        )
    axes = chosen_family(by, families, reader.finest, next(iter(families), None))
    largest = sorted(families[axes], key=lambda each: -each.cases)[: MOST_PANELS - 1]
    panels = [each for each in stated if not each.group.root] + largest
    left_out = len(families[axes]) - len(largest)
    notes = (
        _NOTES["bins"],
        *([f"{left_out} more groups are not drawn: those with fewer cases."] if left_out else []),
    )
    title = f"Do scores mean what they say? Everyone, and by {reader.names.axes(axes)}"
    reference = "Reference: the diagonal. The plan sets no limit here."
    described = f"Reliability diagram: {title}. {reference} {reader.source}"
    head = Head(title, reference, notes, restricted=True, described=described, source=reader.source)
    return Reliability(head, tuple(_panel(reader, each) for each in panels))


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
    asked = [each for each in reader.families() if len(each) == 1] if axes is None else [axes]
    by_reason = dict[str, list[str]]()
    for each in asked:
        why = why_no_funnel(reader.result, reader.rule, each)
        words = "no group of it has a rate" if why is None else why.text(ENGLISH)
        by_reason.setdefault(words, []).append(reader.names.axes(each))
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


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _curve(reader: _Reader, sweep: ResultSweep, place: int) -> Curve:
    group: Group = sweep.groups[place]
    return Curve(
        reader.names.group(group),
        tuple(_share(step.found_by_group[place], sweep.positives_by_group[place]) for step in sweep.steps),
        tuple(_share(step.wrongly_flagged_by_group[place], sweep.negatives_by_group[place]) for step in sweep.steps),
    )


def _panel(reader: _Reader, each: Calibration) -> Panel:
    return Panel(f"{reader.names.group(each.group)} ({ENGLISH.numbers.count(each.cases)})", each.bins)
