"""Like with like, amplification, labels and deployed rates: how often their intervals miss, and their words are wrong.

Runs are simulated side by side: a run is a group of its own, so that every setting is one call of the code under test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audit.analyses.amplification import amplification, amplification_outcomes
from audit.analyses.label_gaps import label_gaps
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import RateLimits, difference_of_independent, newcombe_difference, wilson
from audit.stats.mantel_haenszel import (
    NOTES,
    StratumPairs,
    change_by_conditioning,
    common_difference,
    common_ratio,
    conditioning_shift,
    difference_interval,
    ratio_interval,
    same_in_all_strata,
)
from audit.stats.operating_points import flag_rate_at, precision_at
from audit.stats.pairs import newcombe_paired
from audit.vocabulary.groups import Axis, Family, Group, Level
from tools.simulate.verdict_size import Measured

STRATA = {
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

SHIFT = -0.16
"""Effect of composition alone on the crude difference in the settings of the notes."""
NOTE_RATES = np.array([0.2, 0.4, 0.6, 0.75])
NOTE_GROUP = np.array([0.55, 0.30, 0.10, 0.05])
NOTE_REST = np.array([0.25, 0.25, 0.25, 0.25])
LIMIT = 0.1


def pairs_of(
    rng: np.random.Generator, runs: int, n: IntArray, m: IntArray, group: FloatArray, rest: FloatArray
) -> StratumPairs:
    """`runs` groups, each with its own rest, drawn over the same strata."""
    x, y = rng.binomial(n, group, (runs, n.size)), rng.binomial(m, rest, (runs, n.size))
    of = np.repeat(np.arange(runs), n.size)
    tiled = (np.broadcast_to(cases, (runs, n.size)).ravel() for cases in (n, m))
    own, others = tiled
    return StratumPairs.of_counts(x.ravel(), own, y.ravel(), others, of, runs)


def missed(interval: tuple[FloatArray, FloatArray], truth: FloatArray | float) -> int:
    """Return how many intervals do not hold the truth; one that is not known holds it."""
    return int(((interval[0] > truth) | (interval[1] < truth)).sum())


def stratified_intervals(runs: int, rng: np.random.Generator, setting: str, gap: float) -> Iterator[Measured]:
    """Coverage of the stratified difference and ratio, beside those from a standard error."""
    n, m, rates = STRATA[setting]
    pairs = pairs_of(rng, runs, n, m, rates + gap, rates)
    value, error = common_difference(pairs)
    label = f"{setting}, difference {gap:g}"
    yield Measured(label, "score interval misses", missed(difference_interval(pairs), gap), runs, "5 %")
    wald = value - 1.959964 * error, value + 1.959964 * error
    yield Measured(label, "Sato interval misses (not used)", missed(wald, gap), runs, "5 %")
    factor = 1.0 + gap / rates.mean()
    pairs = pairs_of(rng, runs, n, m, rates * factor, rates)
    value, error = common_ratio(pairs)
    label = f"{setting}, ratio {factor:.2f}"
    yield Measured(label, "score interval misses", missed(ratio_interval(pairs), factor), runs, "5 %")
    with np.errstate(divide="ignore", invalid="ignore"):
        wald = np.exp(np.log(value) - 1.959964 * error), np.exp(np.log(value) + 1.959964 * error)
    unknown = int(np.isnan(wald[0]).sum())
    yield Measured(label, "log interval misses or is none", missed(wald, factor) + unknown, runs, "5 %")


def shift_interval(runs: int, rng: np.random.Generator, setting: str, gap: float) -> Measured:
    """Return how often the interval of conditional minus crude misses what composition does."""
    n, m, rates = STRATA[setting]
    skewed = np.maximum(1, np.round(n * np.linspace(1.6, 0.4, n.size))).astype(np.int64)
    pairs = pairs_of(rng, runs, skewed, m, rates + gap, rates)
    truth = -float(skewed @ rates / skewed.sum() - m @ rates / m.sum())
    _, low, high = conditioning_shift(pairs)
    return Measured(
        f"{setting}, difference {gap:g}", "interval of the shift misses", missed((low, high), truth), runs, "5 %"
    )


def same_everywhere(runs: int, rng: np.random.Generator, setting: str, gap: float) -> Iterator[Measured]:
    """Return how often the test of "the same in all strata" rejects although it is true."""
    n, m, rates = STRATA[setting]
    factor = 1.0 + gap / rates.mean()
    for scale, group in (("difference", rates + gap), ("ratio", rates * factor)):
        p, _ = same_in_all_strata(
            pairs_of(rng, runs, n, m, group, rates), "difference" if scale == "difference" else "ratio"
        )
        tested = int((~np.isnan(p)).sum())
        if tested:
            yield Measured(f"{setting}, same {scale}", "p <= .05", int((p <= 0.05).sum()), tested, "<= 5 %")


def notes(
    runs: int, rng: np.random.Generator, cases: int, gap: float, *, confounded: bool, limit: float | None
) -> dict[str, int]:
    """Return how often each note is given, for a group of `cases` and a rest of twenty times as many."""
    n = np.round(cases * (NOTE_GROUP if confounded else NOTE_REST)).astype(np.int64)
    m = np.round(20 * cases * NOTE_REST).astype(np.int64)
    pairs = pairs_of(rng, runs, n, m, NOTE_RATES + gap, NOTE_RATES)
    x, own, y, rest = (pairs.over_strata(values) for values in (pairs.x, pairs.n, pairs.y, pairs.m))
    crude = (x / own - y / rest, *newcombe_difference(x, own, y, rest))
    conditional = (common_difference(pairs)[0], *difference_interval(pairs))
    given = change_by_conditioning(crude, conditional, conditioning_shift(pairs), limit)
    return {note: int((given == place).sum()) for place, note in enumerate(NOTES)}


NOTE_WORLDS: Sequence[tuple[str, float, bool, frozenset[str]]] = (
    ("no gap, composition as the rest's", 0.0, False, frozenset({"stays"})),
    ("gap -.16, composition as the rest's", SHIFT, False, frozenset({"stays"})),
    ("composition alone", 0.0, True, frozenset({"vanishes"})),
    ("composition and gap, half each", SHIFT, True, frozenset({"stays"})),
    ("composition hides a gap", -SHIFT, True, frozenset({"appears"})),
    ("composition turns a gap round", -SHIFT / 2.0, True, frozenset({"reverses"})),
)
"""Setting, true gap within strata, whether composition differs, and the notes that are right."""


def wrong_notes(runs: int, rng: np.random.Generator, cases: int, limit: float | None) -> Iterator[Measured]:
    """Return how often a note is wrong, and how often it is right; the remainder is `cannot_tell`."""
    for world, gap, confounded, right in NOTE_WORLDS:
        given = notes(runs, rng, cases, gap, confounded=confounded, limit=limit)
        wrong = sum(count for note, count in given.items() if note not in right | {"cannot_tell"})
        label = f"{world}, {cases} cases{'' if limit else ', no limit'}"
        yield Measured(label, "wrong note", wrong, runs, "<= 5 %")
        yield Measured(label, f"{' or '.join(sorted(right))}", sum(given[note] for note in right), runs, "power")


def amplified(
    runs: int, rng: np.random.Generator, cases: int, rates: Sequence[float], rest: Sequence[float]
) -> Iterator[Measured]:
    """Coverage of D and of what is added; `rates` and `rest` are P(flag | label), P(flag | none) and the base rate."""
    own, others = (_confusion(rng, runs, size, *of) for size, of in ((cases, rates), (20 * cases, rest)))
    change, elsewhere = newcombe_paired(*own), newcombe_paired(*others)
    truth, truth_rest = (base * tpr + (1.0 - base) * fpr - base for tpr, fpr, base in (rates, rest))
    label = f"{cases} cases, TPR {rates[0]:g}, FPR {rates[1]:g}, base {rates[2]:g}"
    yield Measured(label, "interval of D misses", missed(change[1:], truth), runs, "5 %")
    added = difference_of_independent(change, elsewhere)
    yield Measured(label, "interval of added misses", missed(added[1:], truth - truth_rest), runs, "5 %")
    words = _words(own, others, added)
    gap, extra = rates[2] - rest[2], truth - truth_rest
    wrong = {"adds", "removes"} if abs(extra) < 1e-12 else {"removes"} if gap * extra > 0 else {"adds"}
    if abs(extra) > abs(gap) / 2.0:
        wrong.add("repeats")
    yield Measured(
        f"{label}, adds {extra:+.3f} to {gap:+.3f}", "wrong word", sum(w in wrong for w in words), runs, "<= 5 %"
    )


def total_amplification(runs: int, rng: np.random.Generator, cases: int, base: Sequence[float]) -> Measured:
    """Coverage of BiasAmp over as many groups as there are base rates, TPR .8 and FPR .1 for all."""
    tpr, fpr = 0.8, 0.1
    rates = np.array(base)
    change = rates * tpr + (1.0 - rates) * fpr - rates
    truth = float(np.mean(np.where(rates > rates.mean(), change, -change)))
    outside = 0
    plan = _plan()
    for _ in range(runs):
        cells = [_confusion(rng, 1, cases, tpr, fpr, rate) for rate in base]
        (found,) = amplification(plan, [_family([[int(cell[0]) for cell in group] for group in cells])])
        outside += _outside(found.low, found.high, truth)
    return Measured(
        f"{len(base)} groups of {cases}, base rates {min(base):g} to {max(base):g}",
        "interval of BiasAmp misses",
        outside,
        runs,
        "5 %",
    )


def widest_label_gap(runs: int, rng: np.random.Generator, groups: int, cases: int) -> Measured:
    """Return how often the interval of the named gap leaves 0 out, although no group differs."""
    outside = 0
    plan = _plan()
    for _ in range(runs):
        labelled = rng.binomial(cases, 0.2, groups)
        (found,) = label_gaps(plan, [_family([[int(x), 0, 0, cases - int(x)] for x in labelled])])
        outside += _outside(found.low, found.high, 0.0)
    return Measured(
        f"{groups} equal groups of {cases}", "the widest label gap is taken for real", outside, runs, "<= 5 %"
    )


def at_work(
    runs: int, rng: np.random.Generator, positives: int, negatives: int, tpr: float, fpr: float, prevalence: float
) -> Iterator[Measured]:
    """Coverage of precision and share flagged at a deployed base rate."""
    x, y = rng.binomial(positives, tpr, runs), rng.binomial(negatives, fpr, runs)
    limits: list[RateLimits] = [(c / n, *wilson(c, n)) for c, n in ((x, positives), (y, negatives))]
    label = f"{positives} positives, {negatives} others, TPR {tpr:g}, FPR {fpr:g}, base {prevalence:g}"
    flags = prevalence * tpr + (1.0 - prevalence) * fpr
    found = precision_at(prevalence, limits[0], limits[1])
    yield Measured(label, "interval of precision misses", missed(found[1:], prevalence * tpr / flags), runs, "5 %")
    found = flag_rate_at(prevalence, limits[0], limits[1])
    yield Measured(label, "interval of share flagged misses", missed(found[1:], flags), runs, "5 %")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers; most cost next to nothing."""
    streams = iter(np.random.default_rng(seed).spawn(128))
    many = 20 * runs
    for setting in STRATA:
        for gap in (0.0, -0.1) if "rare" not in setting else (0.0, 0.1):
            if gap + STRATA[setting][2].min() >= 0.0:
                yield from stratified_intervals(many, next(streams), setting, gap)
                yield shift_interval(many, next(streams), setting, gap)
                yield from same_everywhere(many, next(streams), setting, gap)
    for cases in (40, 100, 300, 2_000):
        yield from wrong_notes(many, next(streams), cases, LIMIT)
    yield from wrong_notes(many, next(streams), 300, None)
    rest = (0.8, 0.1, 0.2)
    for cases, rates in (
        (30, (0.8, 0.1, 0.2)), (100, (0.8, 0.1, 0.4)), (1_000, (0.8, 0.1, 0.4)), (30, (0.5, 0.02, 0.05)),
        (300, (0.95, 0.2, 0.4)), (1_000, (0.8, 0.2, 0.4)),
    ):  # fmt: skip
        yield from amplified(many, next(streams), cases, rates, rest)
    for size, base in ((300, (0.1, 0.2, 0.4)), (100, (0.05, 0.1, 0.2, 0.3, 0.4)), (100, (0.2, 0.2, 0.2))):
        yield total_amplification(runs, next(streams), size, base)
    for groups, size in ((4, 500), (60, 50)):
        yield widest_label_gap(runs, next(streams), groups, size)
    for positives, negatives, tpr, fpr, prevalence in (
        (20, 200, 0.8, 0.1, 0.01), (100, 1_000, 0.8, 0.1, 0.01), (100, 1_000, 0.6, 0.01, 0.001),
        (1_000, 10_000, 0.95, 0.05, 0.05), (10, 30, 0.5, 0.05, 0.02),
    ):  # fmt: skip
        yield from at_work(many, next(streams), positives, negatives, tpr, fpr, prevalence)


def _confusion(
    rng: np.random.Generator, runs: int, cases: int, tpr: float, fpr: float, base: float
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """TP, FP, FN and TN of `runs` samples: both, flagged only, labelled only, neither."""
    drawn = rng.multinomial(cases, [base * tpr, (1 - base) * fpr, base * (1 - tpr), (1 - base) * (1 - fpr)], runs)
    return drawn[:, 0], drawn[:, 1], drawn[:, 2], drawn[:, 3]


def _words(
    own: Sequence[IntArray], rest: Sequence[IntArray], added: tuple[FloatArray, FloatArray, FloatArray]
) -> list[str]:
    n, m = own[0] + own[1] + own[2] + own[3], rest[0] + rest[1] + rest[2] + rest[3]
    labelled, others = own[0] + own[2], rest[0] + rest[2]
    flagged, flags = own[0] + own[1], rest[0] + rest[1]
    labels = (labelled / n - others / m, *newcombe_difference(labelled, n, others, m))
    flag_gap = (flagged / n - flags / m, *newcombe_difference(flagged, n, flags, m))
    return [str(word) for word in amplification_outcomes(labels, flag_gap, added)]


def _outside(low: float | None, high: float | None, truth: float) -> bool:
    return low is None or high is None or not low <= truth <= high


def _family(groups: Sequence[Sequence[int]]) -> FamilyCounts:
    """Return a family of groups given as TP, FP, FN, TN."""
    cells = np.zeros((len(groups), 3, 4), dtype=np.int64)
    for place, (tp, fp, fn, tn) in enumerate(groups):
        cells[place, 0, :2], cells[place, 1, :2] = (tp, fn), (fp, tn)
    named = tuple(Group((Level("group", "level", f"{place:04}"),)) for place in range(len(groups)))
    return FamilyCounts(Family((Axis("group", "level"),)), named, cells, cells.sum(axis=0))


def _plan() -> AuditPlan:
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "t", "owner": "o", "use": "victim-identification", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated"},
            "groups": {"group": {"column": "group", "coding": "categorical"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["group"], "margin": 0.1}],
        }
    )
