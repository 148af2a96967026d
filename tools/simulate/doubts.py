"""Further questions: how often their intervals miss, and their words are wrong.

Like with like, amplification, labels, rates at work, people after the detector, and the first of a ranking. Runs are
simulated side by side: a run is a group of its own, so that every world is one call of the code under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.analyses.amplification import amplification, amplification_outcomes, people_gaps
from audit.analyses.deployment import Ranked
from audit.analyses.label_gaps import label_gaps
from audit.counting.table import FamilyCounts
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Scale
from audit.stats.intervals import RateLimits, difference_of_independent, newcombe_difference, wilson
from audit.stats.mantel_haenszel import (
    NOTES,
    StratumPairs,
    change_by_conditioning,
    common_difference,
    conditioning_shift,
    difference_interval,
    ratio_interval,
    same_in_all_strata,
)
from audit.stats.operating_points import flag_rate_at, precision_at
from audit.stats.pairs import newcombe_paired
from audit.vocabulary.groups import Axis, Family, Group, Level
from tools.simulate.audited import cells, plan_of
from tools.simulate.runner import Counts, Share

Limits = tuple[FloatArray, FloatArray]

STRATA: Final = {
    "5 large strata": (np.full(5, 100), np.full(5, 400), np.linspace(0.2, 0.6, 5)),
    "40 sparse strata of 2 and 6": (np.full(40, 2), np.full(40, 6), np.linspace(0.1, 0.7, 40)),
    "12 strata of 12 and 60": (np.full(12, 12), np.full(12, 60), np.linspace(0.2, 0.6, 12)),
    "100 pairs of one case each": (np.full(100, 1), np.full(100, 1), np.linspace(0.2, 0.7, 100)),
    "30 cases in 8 strata, rest 5,000, rare": (
        np.array([8, 6, 5, 4, 3, 2, 1, 1]),
        np.array([900, 900, 800, 700, 600, 500, 300, 300]),
        np.linspace(0.02, 0.1, 8),
    ),
}
"""Cases of the group and of the rest, and rates of the rest, by stratum."""


def _pairs(
    rng: np.random.Generator, runs: int, n: IntArray, m: IntArray, group: FloatArray, rest: FloatArray
) -> StratumPairs:
    """Draw `runs` groups, each with its own rest, over the same strata."""
    x, y = rng.binomial(n, group, (runs, n.size)), rng.binomial(m, rest, (runs, n.size))
    sizes, rest_sizes = (np.broadcast_to(cases, (runs, n.size)).ravel() for cases in (n, m))
    return StratumPairs.of_counts(x.ravel(), sizes, y.ravel(), rest_sizes, np.repeat(np.arange(runs), n.size), runs)


def _missed(limits: Limits, truth: FloatArray | float, runs: int) -> Share:
    """Count intervals that do not hold the truth; one that is not known holds it."""
    return Share(int(((limits[0] > truth) | (limits[1] < truth)).sum()), runs)


def stratified(runs: int, rng: np.random.Generator, strata: str, gap: float) -> Counts:
    """Count misses of the stratified difference and ratio."""
    n, m, rates = STRATA[strata]
    factor = 1.0 + gap / rates.mean()
    difference = difference_interval(_pairs(rng, runs, n, m, rates + gap, rates))
    ratio = ratio_interval(_pairs(rng, runs, n, m, rates * factor, rates))
    return {
        "stratified difference missed": _missed(difference, gap, runs),
        "stratified ratio missed": _missed(ratio, factor, runs),
    }


def composition(runs: int, rng: np.random.Generator, strata: str, gap: float) -> Counts:
    """Count misses of conditional less crude difference, which is what composition does."""
    n, m, rates = STRATA[strata]
    skewed = np.maximum(1, np.round(n * np.linspace(1.6, 0.4, n.size))).astype(np.int64)
    pairs = _pairs(rng, runs, skewed, m, rates + gap, rates)
    truth = -float(skewed @ rates / skewed.sum() - m @ rates / m.sum())
    _, low, high = conditioning_shift(pairs)
    return {"shift by composition missed": _missed((low, high), truth, runs)}


def same_everywhere(runs: int, rng: np.random.Generator, strata: str, gap: float) -> Counts:
    """Count how often the test of "the same in all strata" rejects although it is true."""
    n, m, rates = STRATA[strata]
    scales: dict[Scale, FloatArray] = {"difference": rates + gap, "ratio": rates * (1.0 + gap / rates.mean())}
    counts = {}
    for scale, group in scales.items():
        p, _ = same_in_all_strata(_pairs(rng, runs, n, m, group, rates), scale)
        counts[f"same {scale} rejected"] = Share(int((p <= 0.05).sum()), int((~np.isnan(p)).sum()))
    return {name: share for name, share in counts.items() if share.trials}


LIMIT: Final = 0.1
NOTE_WORLDS: Final[dict[str, tuple[float, bool, str]]] = {
    "no gap, composition as the rest's": (0.0, False, "stays"),
    "gap -.16, composition as the rest's": (-0.16, False, "stays"),
    "composition alone": (0.0, True, "vanishes"),
    "composition and gap, half each": (-0.16, True, "stays"),
    "composition hides a gap": (0.16, True, "appears"),
    "composition turns a gap round": (0.08, True, "reverses"),
}
"""True gap within strata, whether composition differs (by -.16 of the crude difference), and the note that is right."""


def notes(runs: int, rng: np.random.Generator, world: str, cases: int, limit: float | None = LIMIT) -> Counts:
    """Count wrong and right notes for a group of `cases` and a rest of twenty times as many; others are silent."""
    gap, confounded, right = NOTE_WORLDS[world]
    rates, even = np.array([0.2, 0.4, 0.6, 0.75]), np.full(4, 0.25)
    n = np.round(cases * (np.array([0.55, 0.30, 0.10, 0.05]) if confounded else even)).astype(np.int64)
    pairs = _pairs(rng, runs, n, np.round(20 * cases * even).astype(np.int64), rates + gap, rates)
    x, sizes, y, rest = (pairs.over_strata(values) for values in (pairs.x, pairs.n, pairs.y, pairs.m))
    crude = (x / sizes - y / rest, *newcombe_difference(x, sizes, y, rest))
    conditional = (common_difference(pairs)[0], *difference_interval(pairs))
    noted = np.array(NOTES)[change_by_conditioning(crude, conditional, conditioning_shift(pairs), limit)]
    wrong = ~np.isin(noted, (right, "cannot_tell"))
    return {"wrong note": Share(int(wrong.sum()), runs), "right note": Share(int((noted == right).sum()), runs)}


def _confusion(
    rng: np.random.Generator, runs: int, cases: int, tpr: float, fpr: float, base: float
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """TP, FP, FN and TN of `runs` samples: both, flagged only, labelled only, neither."""
    drawn = rng.multinomial(cases, [base * tpr, (1 - base) * fpr, base * (1 - tpr), (1 - base) * (1 - fpr)], runs)
    return drawn[:, 0], drawn[:, 1], drawn[:, 2], drawn[:, 3]


def amplified(
    runs: int, rng: np.random.Generator, cases: int, rates: Sequence[float], rest: Sequence[float] = (0.8, 0.1, 0.2)
) -> Counts:
    """Count misses of flags less labels and of what is added; `rates`: P(flag | label), P(flag | none), base rate."""
    sides = [_confusion(rng, runs, size, *side) for size, side in ((cases, rates), (20 * cases, rest))]
    change, elsewhere = (newcombe_paired(*side) for side in sides)
    truth, truth_rest = (base * tpr + (1.0 - base) * fpr - base for tpr, fpr, base in (rates, rest))
    added = difference_of_independent(change, elsewhere)
    (n, m) = (np.sum(side, axis=0) for side in sides)
    (labelled, flags), (rest_labelled, rest_flags) = ((side[0] + side[2], side[0] + side[1]) for side in sides)
    labels = (labelled / n - rest_labelled / m, *newcombe_difference(labelled, n, rest_labelled, m))
    flag_gap = (flags / n - rest_flags / m, *newcombe_difference(flags, n, rest_flags, m))
    gap, extra = rates[2] - rest[2], truth - truth_rest
    wrong = {"adds", "removes"} if abs(extra) < 1e-12 else {"removes"} if gap * extra > 0 else {"adds"}
    if abs(extra) > abs(gap) / 2.0:
        wrong.add("repeats")
    words = [str(word) for word in amplification_outcomes(labels, flag_gap, added)]
    return {
        "flags less labels missed": _missed(change[1:], truth, runs),
        "what is added missed": _missed(added[1:], extra, runs),
        "wrong word": Share(sum(word in wrong for word in words), runs, f"{extra:+.3f} to {gap:+.3f}"),
    }


def _family(groups: Sequence[Sequence[int]]) -> FamilyCounts:
    """Return a family of groups given as TP, FP, FN, TN."""
    counts = np.stack([cells((tp, fn), (fp, tn)) for tp, fp, fn, tn in groups])
    named = tuple(Group((Level("group", "level", f"{number:04}"),)) for number in range(len(groups)))
    return FamilyCounts(Family((Axis("group", "level"),)), named, counts, counts.sum(axis=0))


_PLAN: Final = plan_of([{"margin": 0.1}])


def _outside(low: float | None, high: float | None, truth: float) -> bool:
    return low is None or high is None or not low <= truth <= high


def total_amplification(runs: int, rng: np.random.Generator, cases: int, base: Sequence[float]) -> Counts:
    """Count misses of BiasAmp over as many groups as there are base rates, TPR .8 and FPR .1 for all."""
    tpr, fpr, rates = 0.8, 0.1, np.array(base)
    change = rates * tpr + (1.0 - rates) * fpr - rates
    truth = float(np.mean(np.where(rates > rates.mean(), change, -change)))
    outside = 0
    for _ in range(runs):
        drawn = [_confusion(rng, 1, cases, tpr, fpr, rate) for rate in base]
        (answer,) = amplification(_PLAN.verdict, [_family([[int(cell[0]) for cell in group] for group in drawn])])
        outside += _outside(answer.low, answer.high, truth)
    return {"total amplification missed": Share(outside, runs)}


def widest_label_gap(runs: int, rng: np.random.Generator, groups: int, cases: int) -> Counts:
    """Count how often the interval of the named gap leaves 0 out, although no group differs."""
    outside = 0
    for _ in range(runs):
        labelled = rng.binomial(cases, 0.2, groups)
        (answer,) = label_gaps(_PLAN.verdict, [_family([[int(x), 0, 0, cases - int(x)] for x in labelled])])
        outside += _outside(answer.low, answer.high, 0.0)
    return {"the widest label gap is taken for real": Share(outside, runs)}


def at_work(
    runs: int, rng: np.random.Generator, positives: int, negatives: int, tpr: float, fpr: float, prevalence: float
) -> Counts:
    """Count misses of precision and share flagged at a deployed base rate."""
    x, y = rng.binomial(positives, tpr, runs), rng.binomial(negatives, fpr, runs)
    limits: list[RateLimits] = [(c / n, *wilson(c, n)) for c, n in ((x, positives), (y, negatives))]
    flags = prevalence * tpr + (1.0 - prevalence) * fpr
    return {
        "precision at work missed": _missed(precision_at(prevalence, *limits)[1:], prevalence * tpr / flags, runs),
        "share flagged at work missed": _missed(flag_rate_at(prevalence, *limits)[1:], flags, runs),
    }


PEOPLE: Final[dict[str, tuple[int, int, float, float, float, float, float, float]]] = {
    "2 groups of 300, 5 and 5 % overruled": (2, 300, 0.6, 0.05, 0.05, 0.0, 0.6, 0.05),
    "20 groups of 100, 10 and 2 % overruled": (20, 100, 0.8, 0.10, 0.02, 0.0, 0.8, 0.10),
    "20 groups of 40, 30 and 20 % overruled": (20, 40, 0.5, 0.30, 0.20, 0.0, 0.5, 0.30),
    "60 groups of 30, rare flags, 20 and 1 % overruled": (60, 30, 0.1, 0.20, 0.01, 0.0, 0.1, 0.20),
    "20 groups of 100, one flagged at .6 and not .8, the gap kept": (
        20, 100, 0.8, 0.10, 0.0, 0.0, 0.6, 0.08 / 0.6,
    ),
    "20 groups of 100, a tenth undecided, in one group all of them dismissed": (
        20, 100, 0.8, 0.10, 0.02, 0.1, 0.8, 0.10,
    ),
}  # fmt: skip
"""Groups, cases of each, share flagged, shares dismissed and taken up, share without a decision; and of the first group
share flagged and dismissed."""


def people(runs: int, rng: np.random.Generator, world: str) -> Counts:
    """Count wrong intervals and words where people overrule so that they add nothing to any gap; in whole families."""
    groups, n, flagged, dismissed, taken, undecided, first_flagged, first_dismissed = PEOPLE[world]
    is_first = np.arange(groups) == 0
    flags = rng.binomial(n, np.where(is_first, first_flagged, flagged), (runs, groups))
    fewer = rng.binomial(flags, np.where(is_first, first_dismissed, dismissed))
    more = rng.binomial(n - flags, taken)
    decided = (flags - fewer, fewer, more, n - flags - more)
    hidden: list[IntArray] = [np.zeros_like(flags)] * 4
    if undecided:
        # the decisions that are missing in the first group are those to dismiss; elsewhere they are missing by chance
        by_chance = [rng.binomial(cell, undecided) for cell in decided]
        hidden = [np.where(is_first, 0, cell) for cell in by_chance]
        hidden[1][:, 0] = fewer[:, 0]
    shown = [cell - gone for cell, gone in zip(decided, hidden, strict=True)]
    tables = [*shown, hidden[0] + hidden[1], hidden[2] + hidden[3]]
    rest = [(cell.sum(axis=1, keepdims=True) - cell).ravel() for cell in tables]
    with np.errstate(invalid="ignore", divide="ignore"):
        before, after, added = people_gaps([cell.ravel() for cell in tables], rest, 1.0 - 0.05 / groups)
    missed = ((added[1] > 0.0) | (added[2] < 0.0)).reshape(runs, groups).any(axis=1)
    words = np.array(amplification_outcomes(before, after, added)).reshape(runs, groups)
    return {
        "any range of a family misses": Share(int(missed.sum()), runs),
        'any "widen" or "narrow"': Share(int(np.isin(words, ("adds", "removes")).any(axis=1).sum()), runs),
    }


FIRST: Final[dict[str, tuple[int, float, float, float, int | None]]] = {
    "1 % of 5,000, a group of 5 %, scores alike": (5000, 0.01, 0.05, 0.0, None),
    "10 % of 5,000, a group of 5 %, scores lower": (5000, 0.10, 0.05, -0.5, None),
    "30 % of 500, a group of 20 %, scores lower": (500, 0.30, 0.20, -0.5, None),
    "10 % of 5,000, ten different scores, a group of 20 %": (5000, 0.10, 0.20, -0.5, 10),
}
"""Cases, share that is first, share of the group, by how much its scores are lower, number of different scores."""


def first(runs: int, rng: np.random.Generator, world: str) -> Counts:
    """Count misses of the share of a group among the first of a set, and of its difference from everybody else's."""
    cases, share, part, lower, levels = FIRST[world]
    places, n = round(cases * share), round(cases * part)

    def ranked(runs: int, size: int, others: int, places: int) -> tuple[Ranked, Ranked]:
        scores = np.concatenate([rng.normal(lower, 1.0, (runs, size)), rng.normal(0.0, 1.0, (runs, others))], axis=1)
        if levels is not None:
            scores = np.clip(np.floor((scores + 2.5) * levels / 5.0), 0, levels - 1)
        border = np.partition(scores, -places, axis=1)[:, -places][:, None]
        above, tied = scores > border, scores == border
        sides = [
            np.stack([kind[:, rows].sum(axis=1) for kind in (above, ~above & ~tied, tied)])
            for rows in (slice(0, size), slice(size, None))
        ]
        all_tied, left = sides[0][2] + sides[1][2], places - sides[0][0] - sides[1][0]
        joined = [
            [Ranked.of(np.array([[*side[:, run], 0]]), int(all_tied[run]), int(left[run])) for run in range(runs)]
            for side in sides
        ]
        group, rest = (Ranked(*(np.concatenate(values) for values in zip(*every, strict=True))) for every in joined)
        return group, rest

    truth = [side.expected.sum() / side.cases.sum() for side in ranked(20, 50 * n, 50 * (cases - n), 50 * places)]
    group, rest = ranked(runs, n, cases - n, places)
    limits = wilson(group.fewest, group.cases)[0], wilson(group.most, group.cases)[1]
    differences = (
        newcombe_difference(group.fewest, group.cases, rest.most, rest.cases)[0],
        newcombe_difference(group.most, group.cases, rest.fewest, rest.cases)[1],
    )
    return {
        "share among the first missed": _missed(limits, truth[0], runs),
        "difference among the first missed": _missed(differences, truth[0] - truth[1], runs),
    }
