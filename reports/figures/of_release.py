"""Figures of a public release: protected figures and their words, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

from audit.errors import AuditError
from audit.public.about import PublicMetric
from audit.public.table import PublicGroup, PublicRate, PublicRelease, PublicRule, PublicSide, PublicWord
from audit.vocabulary.groups import Axis, Group
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from reports.figures.data import (
    Forest,
    ForestRow,
    Funnel,
    Head,
    Line,
    Mark,
    Outcome,
    chosen_family,
    limit_in_words,
    limits_around,
    nothing_drawn_error,
)
from reports.language import ENGLISH
from reports.no_funnel import FUNNEL_GROUPS
from reports.plain_text import capital
from reports.public_names import names_of

MOST_ROWS: Final = 40
_OUTCOME: Final[dict[str, Outcome]] = {"below": "fail", "meets": "pass", "cannot_tell": "inconclusive"}
_RANK: Final = {"fail": 0, "inconclusive": 1, "pass": 2, "not_judged": 3}
_BANDS: Final = ((1.959964, "inner", "95 of 100"), (3.090232, "outer", "998 of 1,000"))
_STEPS: Final = 60
_SEES: Final = (
    "Triangles: in the protected figures beyond the limit. Filled circles: meet it. Open circles: cannot tell."
)
_NOT_JUDGED: Final = "Diamonds: not judged by this limit, which the plan does not set on these groups."
_BARS: Final = (
    "The limit is drawn from everyone's rate; the words compare with everyone else and are corrected for many groups, "
    "so that a bar may cross the line and still not be told."
)
_CURVES: Final = (
    "Curves: where 95 of 100, and 998 of 1,000, groups of that size would lie if all had everyone's rate, the noise "
    "included. They decide nothing: the words compare with everyone else, allow for the limit, and are corrected for "
    "many groups."
)


class _Reader:
    """One rule of a release, and the families under it."""

    def __init__(self, release: PublicRelease, rule: str | None, instead: str) -> None:
        known = {each.rule: each for each in release.rules}
        if not known or (rule is not None and rule not in known):
            raise AuditError(
                "there is no such rule in this release",
                slug="figure-rule",
                hint=f"it has: {', '.join(known) or 'none'}",
            )
        _refuse_without_rates(release, instead)
        self.release = release
        self.rule: PublicRule = known[rule] if rule is not None else release.rules[0]
        self.names = names_of(release, ENGLISH)
        self.finest = {feature.name: feature.rungs[0] for feature in release.table.features}
        self.rates = {rate.group: rate for rate in release.rates if rate.metric == self.rule.metric}
        self.words = {word.group: word for word in release.words if word.rule == self.rule.rule}
        self.everyone: PublicRate | None = self.rates.get(release.table.groups[0].group)
        self.families: dict[tuple[Axis, ...], list[PublicGroup]] = {}
        for row in release.table.groups[1:]:
            self.families.setdefault(row.group.family.axes, []).append(row)

    @property
    def metric(self) -> PublicMetric | None:
        """The words for the rate, or None where the release does not explain it."""
        return next((each for each in self.release.about.metrics if each.name == self.rule.metric), None)

    @property
    def counted(self) -> str:
        """The axis title."""
        metric = self.metric
        if metric is None:
            return capital(self.rule.metric.replace("_", " "))
        return f"{capital(metric.plain)}: {metric.counted}, among {metric.among}"

    @property
    def reference(self) -> float | None:
        """Everyone's rate."""
        return None if self.everyone is None else self.everyone.value

    @property
    def limits(self) -> tuple[float, ...]:
        """The limit, seen from everyone's rate."""
        return limits_around(self.reference, self.rule.limit, self.rule.scale, self.rule.worse)

    def side(self, row: PublicGroup) -> PublicSide | None:
        """Return the cases of the rate's denominator, or None where they do not all have one label."""
        if self.rule.metric in MISSED:
            return row.positives
        return row.negatives if self.rule.metric in WRONGLY_FLAGGED else None

    def head(self, kind: str, family: tuple[Axis, ...], drawn: str, notes: tuple[str, ...]) -> Head:
        """Return title, reference, limit, and the notes that must be read with protected figures."""
        method, about, rule = self.release.table.method, self.release.about, self.rule
        everyone = ENGLISH.numbers.percent(self.reference)
        rate = capital(self.metric.plain if self.metric else rule.metric.replace("_", " "))
        title = f"{rate}, by {self.names.axes(family)}"
        limit = limit_in_words(rule.limit, rule.scale, rule.worse, ENGLISH.numbers)
        reference = f"{about.title}, audited {ENGLISH.date(about.finished)}. Everyone: {everyone}. Limit: {limit}."
        protected = (
            f"Protected figures: every count was changed by at most {method.largest_change}, and none below "
            f"{method.floor} is shown. The overall verdict comes from the exact figures: {_VERDICTS[self._outcome]}."
        )
        return Head(
            title=title,
            reference=reference,
            notes=(*notes, protected),
            restricted=False,
            described=f"{kind} of {title.lower()}. {drawn} {reference} {protected}",
        )

    @property
    def _outcome(self) -> str:
        return self.release.headline.outcome


def _refuse_without_rates(release: PublicRelease, instead: str) -> None:
    """Raise AuditError where no family has a rate to draw, and say what can be drawn instead."""
    why = next(
        (
            words
            for said, words in (
                (release.figures != "shown", "this release holds no figures"),
                (release.about.weighted, "the exact audit weighs its cases, so that its release holds sizes alone"),
                (release.about.clustered, "cases of this set belong together, so that its release holds sizes alone"),
            )
            if said
        ),
        None,
    )
    if why is not None:
        raise AuditError(
            f"{why}, and no rate to draw",
            slug="figure-not-public",
            hint=instead,
        )


def _other_funnel_hint(release: PublicRelease) -> str:
    """Return what to do where no funnel can be drawn from a release. The exact result may have none either."""
    about = release.about
    sizes = [sum(level.rung == rung for level in each.levels) for each in release.table.features for rung in each.rungs]
    if about.weighted or about.clustered or max(sizes, default=0) < FUNNEL_GROUPS:
        return _EXACT_FOREST
    return (
        "draw it from the exact result, for restricted use: add --restricted. It takes "
        f"{FUNNEL_GROUPS} groups of a kind that were tested exactly"
    )


_EXACT_FOREST: Final = "draw a forest from the exact result, for restricted use: add --restricted"
_VERDICTS: Final = {"fail": "exceeds the limits", "pass": "within the limits", "inconclusive": "we cannot tell"}


def forest_of_release(release: PublicRelease, rule: str | None, by: str | None) -> Forest:
    """Return the groups of a family with their protected rates, as many as there is room for. Raises AuditError."""
    reader = _Reader(release, rule, _EXACT_FOREST)
    first = release.table.features[0]
    default = next((axes for axes in reader.families if axes == (Axis(first.name, first.rungs[0]),)), None)
    family = chosen_family(by, reader.families, reader.finest, default)
    found = [(row, reader.rates[row.group], reader.words.get(row.group)) for row in reader.families[family]]
    shown = [each for each in found if _is_shown(each[1])]
    if not shown:
        others = [axes for axes, rows in reader.families.items() if any(_is_shown(reader.rates[r.group]) for r in rows)]
        raise nothing_drawn_error(
            "no group of this family has a rate that is shown", others, reader.finest, _EXACT_FOREST
        )
    kept = sorted(shown, key=lambda each: (_RANK[_outcome(each[2])], -(_cases(reader, each[0]) or 0)))[:MOST_ROWS]
    rows = [_row(reader, *each) for each in kept]
    high_is_worse = reader.rule.worse == ("high",)
    rows.sort(key=lambda row: (_RANK[row.outcome], -row.low if high_is_worse else row.high, row.name))
    hidden, left_out = len(found) - len(shown), len(shown) - len(kept)
    notes = (
        _NOT_JUDGED if _none_judged(rows) else _SEES,
        _BARS,
        *([f"{left_out} more groups are not drawn: those with the fewest cases."] if left_out else []),
        *([f"{hidden} groups have no rate here: small, or withheld to protect others."] if hidden else []),
    )
    return Forest(
        head=reader.head("Forest plot", family, f"{len(rows)} groups.", notes),
        counted=reader.counted,
        rows=tuple(rows),
        reference=reader.reference,
        limits=() if _none_judged(rows) else reader.limits,
    )


def funnel_of_release(release: PublicRelease, rule: str | None, by: str | None) -> Funnel:
    """Return the groups of a family over their protected sizes, and where chance and noise would leave them. Raises
    AuditError.
    """
    reader = _Reader(release, rule, _other_funnel_hint(release))
    if reader.side(release.table.groups[0]) is None:
        raise AuditError(
            f"{reader.rule.metric} is no rate among cases of one label, and a release holds no size for it",
            slug="figure-not-public",
            hint=f"draw a forest; or {_other_funnel_hint(release)}",
        )
    drawn = {axes: [mark for row in rows if (mark := _mark(reader, row))] for axes, rows in reader.families.items()}
    single = [axes for axes in drawn if len(axes) == 1]
    default = max(single, key=lambda axes: len(drawn[axes]), default=None)
    family = chosen_family(by, reader.families, reader.finest, default)
    marks = drawn[family]
    if not marks or reader.reference is None:
        others = [axes for axes in reader.families if drawn[axes] and reader.reference is not None]
        what = "no group of this family has a rate that is shown"
        raise nothing_drawn_error(what, others, reader.finest, _other_funnel_hint(release))
    hidden = len(reader.families[family]) - len(marks)
    notes = (
        _NOT_JUDGED if _none_judged(marks) else _SEES,
        _CURVES,
        *([f"{hidden} groups have no rate here: small, or withheld to protect others."] if hidden else []),
    )
    return Funnel(
        head=reader.head("Funnel plot", family, f"{len(marks)} groups.", notes),
        counted=reader.counted,
        cases=f"Protected number of {reader.metric.among if reader.metric else 'cases'} in the group",
        marks=tuple(marks),
        lines=_bands(reader, marks),
        reference=reader.reference,
        limits=() if _none_judged(marks) else reader.limits,
    )


def _is_shown(rate: PublicRate) -> bool:
    return rate.value is not None or rate.at_least is not None or rate.at_most is not None


def _outcome(word: PublicWord | None) -> Outcome:
    return "not_judged" if word is None else _OUTCOME[word.word]


def _none_judged(drawn: Iterable[ForestRow | Mark]) -> bool:
    """Tell whether the limit is on none of the groups drawn. A limit is on all groups of a family, or on none."""
    return all(each.outcome == "not_judged" for each in drawn)


def _cases(reader: _Reader, row: PublicGroup) -> int | None:
    side = reader.side(row)
    return None if side is None else side.cases


def _row(reader: _Reader, row: PublicGroup, rate: PublicRate, word: PublicWord | None) -> ForestRow:
    numbers, cases = ENGLISH.numbers, _cases(reader, row)
    if rate.value is not None and rate.low is not None and rate.high is not None:
        low, high = rate.low, rate.high
        rate_text = f"{numbers.percent(rate.value)} ({numbers.percent_range(low, high)})"
    else:
        low, high = rate.at_least or 0.0, 1.0 if rate.at_most is None else rate.at_most
        rate_text = (
            f"at least {numbers.percent(low)}" if rate.at_least is not None else f"at most {numbers.percent(high)}"
        )
    return ForestRow(
        name=reader.names.group(row.group),
        outcome=_outcome(word),
        value=rate.value,
        low=low,
        high=high,
        rate_text=rate_text,
        cases=numbers.count(cases) if cases is not None else rate.size or "",
    )


def _mark(reader: _Reader, row: PublicGroup) -> Mark | None:
    rate, cases = reader.rates[row.group], _cases(reader, row)
    if rate.value is None or cases is None:
        return None
    group: Group = row.group
    return Mark(reader.names.group(group), cases, rate.value, _outcome(reader.words.get(group)))


def _bands(reader: _Reader, marks: list[Mark]) -> tuple[Line, ...]:
    """Return the bands of sampling and noise about everyone's rate, computed as the intervals of the release
    (docs/disclosure.md).
    """
    rate = reader.reference or 0.0
    wrong = 1 - rate if reader.rule.metric in ("true_positive_rate", "true_negative_rate") else rate
    variance = reader.release.table.method.variance
    first, last = math.log(min(mark.cases for mark in marks)), math.log(max(mark.cases for mark in marks) * 1.1)
    sizes = [math.exp(first + (last - first) * step / _STEPS) for step in range(_STEPS + 1)]
    made = []
    for away, style, often in _BANDS:
        name = f"{often} groups, were all alike"
        look: Literal["inner", "outer"] = "inner" if style == "inner" else "outer"
        spread = [away * math.sqrt(rate * (1 - rate) / n + variance * (1 + wrong**2) / n**2) for n in sizes]
        below = tuple((n, max(rate - each, 0.0)) for n, each in zip(sizes, spread, strict=True))
        above = tuple((n, min(rate + each, 1.0)) for n, each in zip(sizes, spread, strict=True))
        made += [Line(name, below, look), Line("", above, look)]
    return tuple(made)
