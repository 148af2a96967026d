"""What the protected figures say about each group under each rule: below the limit, meets it, or cannot tell.

`below` accuses, and is held to one budget of false alarms over all groups of a rule (Bonferroni over those whose
figures can be compared). `meets` is held to the plan's level group by group, needs the cases that a verdict on the
group alone needs, and must survive the people of unknown features at their worst, more of them than a pass of the exact
audit supposes. No exact count enters, so that a word tells nothing that the table does not. The one word for the whole
set comes from the exact counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from audit.counting.table import UNKNOWN
from audit.disclosure.rates import DRAWN, drawn_counts, effective, few_of, public_rates, side_of, sums, why_no_rate
from audit.public.about import PublicAbout
from audit.public.figures import RATES, RateOf
from audit.public.table import (
    FailsOn,
    PublicChange,
    PublicGroup,
    PublicHeadline,
    PublicMethod,
    PublicRate,
    PublicRelease,
    PublicRule,
    PublicSide,
    PublicTable,
    PublicWord,
)
from audit.stats.arrays import IntArray
from audit.stats.rates.intervals import wilson
from audit.stats.rates.mover import Limits, difference_of_limits, ratio_of_limits
from audit.vocabulary.groups import Group

Outcome = Literal["pass", "fail", "inconclusive"]
Figures = Literal["shown", "refused", "not_made"]


class Told(NamedTuple):
    """What follows from a table, once it is known how the exact audit ended."""

    headline: PublicHeadline
    """The verdict, and whether a group is named."""
    rates: tuple[PublicRate, ...]
    """Of `about.metrics` and the rules, of every group."""
    words: tuple[PublicWord, ...]
    """Rule by rule and group by group."""


def public_release(  # noqa: PLR0913 - what a release is made of
    table: PublicTable,
    outcome: Outcome,
    rules: Sequence[PublicRule],
    about: PublicAbout,
    *,
    level: float = 0.95,
    alpha: float = 0.05,
    fails_on: Sequence[FailsOn] | None = None,
    change: PublicChange | None = None,
    figures: Figures = "shown",
) -> PublicRelease:
    """All that a public report prints. Of the exact audit only `outcome` enters, with the kinds of rules that fail.

    `change` is the same of an earlier audit that this one was held against, and is part of the outcome. Where
    `fails_on` is None, a fail is one of groups. `figures` says why there are none, where there are none; the table is
    empty then.
    """
    if about.unit == "cluster":
        table = sizes_alone(table)
    failing = tuple(fails_on) if fails_on is not None else ("groups",) if outcome == "fail" else ()
    verdict = PublicHeadline(outcome=outcome, no_group_named=False, fails_on=failing, change=change)
    told = follow(table, rules, about, verdict, figures, level=level, alpha=alpha)
    return PublicRelease(
        about=about,
        table=table,
        headline=told.headline,
        rules=tuple(rules),
        rates=told.rates,
        words=told.words,
        figures=figures,
    )


def sizes_alone(table: PublicTable) -> PublicTable:
    """The table without errors, for one that counts clusters.

    Whose case was found once counts as found: the more cases a person has, the fewer are missed, and who divides would
    get a better rate than the result has.
    """
    groups = []
    for row in table.groups:
        sides = {
            name: side.model_copy(update={"shown": "not_shown", "errors": None, "why": side.why or "not_in_table"})
            for name, side in (("positives", row.positives), ("negatives", row.negatives))
        }
        groups.append(row.model_copy(update=sides))
    return table.model_copy(update={"groups": tuple(groups)})


def follow(
    table: PublicTable,
    rules: Sequence[PublicRule],
    about: PublicAbout,
    verdict: PublicHeadline,
    figures: Figures,
    *,
    level: float,
    alpha: float,
) -> Told:
    """Headline, rates and words of a release. Whoever makes a release asks here, and whoever reads one back.

    No word contradicts the verdict: where no rule on groups fails, no group is below a limit. Where rows are weighted
    or belong together the table has sizes alone: rates of it would stand for no verdict. Of `verdict` the outcome and
    the kinds of rules that fail are taken, and whether a group is named is worked out.
    """
    words = tuple(word for rule in rules for word in public_words(table, rule, alpha=alpha))
    metrics = dict.fromkeys([*(metric.name for metric in about.metrics), *(rule.metric for rule in rules)])
    rates = public_rates(table, list(metrics), level=level)
    if "groups" not in verdict.fails_on:
        words = tuple(map(_not_below, words))
    if about.weighted or about.clustered:
        words, rates = tuple(map(_no_word, words)), tuple(map(_no_rate, rates))
    return Told(headline_of(verdict, words, figures), rates, words)


def headline_of(verdict: PublicHeadline, words: Sequence[PublicWord], figures: Figures) -> PublicHeadline:
    """The headline over these words. Where there are no figures, it is not for coarse ones that nobody is named."""
    named = any(word.word == "below" for word in words)
    unnamed = figures == "shown" and "groups" in verdict.fails_on and not named
    return verdict.model_copy(update={"no_group_named": unnamed})


def _not_below(word: PublicWord) -> PublicWord:
    if word.word != "below":
        return word
    return word.model_copy(update={"word": "cannot_tell", "why": "limit_not_excluded"})


def _no_word(word: PublicWord) -> PublicWord:
    return word.model_copy(update={"word": "cannot_tell", "why": "rate_not_shown"})


def _no_rate(rate: PublicRate) -> PublicRate:
    nothing = dict.fromkeys(("value", "low", "high", "at_most", "at_least", "size"))
    return rate.model_copy(update={**nothing, "why": rate.why or "not_in_table"})


def public_words(table: PublicTable, rule: PublicRule, *, alpha: float = 0.05) -> tuple[PublicWord, ...]:
    """The word on every group that the rule judges, from the table alone."""
    of, method = RATES[rule.metric], table.method
    judged_sets = [set(features) for features in rule.groups]
    everyone, rows = table.groups[0], [row for row in table.groups[1:] if _is_judged(row.group, judged_sets)]
    compared = [] if why_no_rate(everyone, of, method) else [_compared(row, everyone, rule, method) for row in rows]
    judged = {place: pair for place, pair in enumerate(compared) if pair is not None}
    below, meets = set[int](), set(judged)
    for side in rule.worse:
        accusing = _gaps(judged, rule, method.variance, 1.0 - 2.0 * alpha / max(len(judged), 1))
        below |= {place for place, gap in accusing.items() if _is_beyond(gap, rule, side)}
        doubted = _doubted(table, rows, judged, rule, side)
        passing = _gaps(doubted, rule, method.variance, 1.0 - 2.0 * alpha)
        meets &= {place for place, gap in passing.items() if _is_within(gap, rule, side)}
    return tuple(
        _word(rule, row, judged=place in judged, below=place in below, meets=place in meets)
        for place, row in enumerate(rows)
    )


def _is_judged(group: Group, judged: Sequence[set[str]]) -> bool:
    return not judged or {level.feature for level in group.levels} in judged


def _doubted(
    table: PublicTable,
    rows: Sequence[PublicGroup],
    judged: Mapping[int, _Pair],
    rule: PublicRule,
    side: Literal["low", "high"],
) -> dict[int, _Pair]:
    """Pairs of groups with enough cases, with everyone of unknown features who may belong to them at their worst."""
    of, method = RATES[rule.metric], table.method
    at = {row.group: row for row in table.groups}
    doubted = {}
    for place, pair in judged.items():
        moved = np.zeros(len(DRAWN), dtype=np.int64)
        for unknown in _unknown_of(rows[place].group):
            if unknown in at:
                moved += _worst(at[unknown], of, side, method)
        own = (pair.own[0] + moved, pair.own[1] + moved)
        rest = (pair.rest[0] - moved, pair.rest[1] - moved)
        cases = min(int(counts @ np.array(of.bottom)) for counts in pair.own)
        if cases - method.largest_change >= rule.least_cases and all(_has_rate(counts, of) for counts in rest):
            doubted[place] = _Pair(own, rest)
    return doubted


def _unknown_of(group: Group) -> list[Group]:
    """Groups of people who may belong to `group`: features of theirs are unknown, and the others are its own."""
    own = group.levels
    choices = product(*((level, level._replace(code=UNKNOWN)) for level in own))
    return [Group(choice) for choice in choices if choice != own and not any(level.code == UNKNOWN for level in own)]


def _worst(row: PublicGroup, of: RateOf, side: Literal["low", "high"], method: PublicMethod) -> IntArray:
    """int64[4]: the most people of a row, as drawn counts, who pull the rate to the side that harms."""
    moved = np.zeros(len(DRAWN), dtype=np.int64)
    for place, label in enumerate((row.positives, row.negatives)):
        errors, correct = _most(label, method)
        top, bottom = of.top[2 * place : 2 * place + 2], of.bottom[2 * place : 2 * place + 2]
        for most, is_error in ((errors, True), (correct, False)):
            counted, within = (sum(bottom), sum(top)) if is_error else (bottom[0], top[0])
            if counted and (within == 0) == (side == "low"):
                moved[2 * place] += most
                moved[2 * place + 1] += most if is_error else 0
    return moved


def _most(side: PublicSide, method: PublicMethod) -> tuple[int, int]:
    """The most errors and right answers of a side; where nothing is shown, of one that is small."""
    k, most = method.floor, method.largest_change
    if side.why == "cannot_occur":
        return 0, 0
    cases = k - 1 + most if side.cases is None else side.cases + most
    errors = cases if side.errors is None else side.errors + most
    correct = cases if side.errors is None or side.cases is None else side.cases - side.errors + 2 * most
    if side.shown == "few_errors":
        errors = k - 1 + most
    if side.shown == "few_correct":
        correct = k - 1 + 2 * most
    return min(errors, cases), min(correct, cases)


class _Pair(NamedTuple):
    """Drawn counts of a group and of everyone else: the least and the most that they can be where errors are few."""

    own: tuple[IntArray, IntArray]
    rest: tuple[IntArray, IntArray]


def _compared(row: PublicGroup, everyone: PublicGroup, rule: PublicRule, method: PublicMethod) -> _Pair | None:
    """What is compared; None where too little is shown, or everyone else has no rate between 0 and 1."""
    of = RATES[rule.metric]
    if why_no_rate(row, of, method) is None:
        own = (drawn_counts(row), drawn_counts(row))
    else:
        few = _few_counts(row, rule, method)
        if few is None:
            return None
        own = few
    rest = (drawn_counts(everyone) - own[0], drawn_counts(everyone) - own[1])
    return _Pair(own, rest) if all(_has_rate(counts, of) for counts in rest) else None


def _few_counts(row: PublicGroup, rule: PublicRule, method: PublicMethod) -> tuple[IntArray, IntArray] | None:
    """Drawn counts with none and with all of the few."""
    at = side_of(rule.metric)
    few = None if at is None else few_of((row.positives, row.negatives)[at], method)
    if at is None or few is None:
        return None
    side = (row.positives, row.negatives)[at]
    most, fewest = few
    ends = []
    for count in (0, most):
        counts = np.zeros(len(DRAWN), dtype=np.int64)
        counts[2 * at] = fewest
        counts[2 * at + 1] = count if side.shown == "few_errors" else fewest - count
        ends.append(counts)
    return ends[0], ends[1]


def _has_rate(counts: IntArray, of: RateOf) -> bool:
    top, bottom = int(counts @ np.array(of.top)), int(counts @ np.array(of.bottom))
    return 0 < top < bottom


def _gaps(
    judged: Mapping[int, _Pair], rule: PublicRule, variance: float, level: float
) -> dict[int, tuple[float, float]]:
    """Limits of difference or ratio of each group against everyone else."""
    if not judged:
        return {}
    of, pairs = RATES[rule.metric], list(judged.values())
    own = [_limits(np.stack([pair.own[end] for pair in pairs]), of, variance, level) for end in (0, 1)]
    rest = [_limits(np.stack([pair.rest[end] for pair in pairs]), of, 2.0 * variance, level) for end in (0, 1)]
    exact = np.array([np.array_equal(*pair.own) for pair in pairs])
    if rule.scale == "difference":
        low, high = difference_of_limits(own[0], rest[0])
    else:
        low, high = ratio_of_limits(own[0], rest[0])
    own_low, own_high = np.minimum(own[0].low, own[1].low), np.maximum(own[0].high, own[1].high)
    rest_low, rest_high = np.minimum(rest[0].low, rest[1].low), np.maximum(rest[0].high, rest[1].high)
    if rule.scale == "difference":
        widest = own_low - rest_high, own_high - rest_low
    else:
        widest = own_low / rest_high, own_high / rest_low
    ends = zip(np.where(exact, low, widest[0]).tolist(), np.where(exact, high, widest[1]).tolist(), strict=True)
    return dict(zip(judged, ends, strict=True))


def _limits(counts: IntArray, of: RateOf, variance: float, level: float) -> Limits:
    """Rates and their limits. A rate of exactly none or all has the limits of a sample of that size."""
    top, bottom = sums(counts, of)
    rate = top / bottom
    inside = (top > 0) & (top < bottom)
    successes, size = top.copy(), bottom.copy()
    moves = np.array(of.top)[np.newaxis] - rate[:, np.newaxis] * np.array(of.bottom)[np.newaxis]
    if inside.any():
        successes[inside], size[inside] = effective(top[inside], bottom[inside], moves[inside], variance)
    low, high = wilson(successes, size, level)
    return Limits(rate, low, high)


def _is_beyond(gap: tuple[float, float], rule: PublicRule, side: Literal["low", "high"]) -> bool:
    low, high = gap
    if rule.scale == "difference":
        return high < -rule.limit if side == "low" else low > rule.limit
    return high < rule.limit if side == "low" else low > 1.0 / rule.limit


def _is_within(gap: tuple[float, float], rule: PublicRule, side: Literal["low", "high"]) -> bool:
    low, high = gap
    if rule.scale == "difference":
        return low > -rule.limit if side == "low" else high < rule.limit
    return low > rule.limit if side == "low" else high < 1.0 / rule.limit


def _word(rule: PublicRule, row: PublicGroup, *, judged: bool, below: bool, meets: bool) -> PublicWord:
    if below:
        return PublicWord.model_construct(rule=rule.rule, group=row.group, word="below", why="beyond_limit")
    if meets:
        return PublicWord.model_construct(rule=rule.rule, group=row.group, word="meets", why="within_limit")
    return PublicWord.model_construct(
        rule=rule.rule,
        group=row.group,
        word="cannot_tell",
        why="limit_not_excluded" if judged else "rate_not_shown",
    )
