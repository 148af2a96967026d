"""Wrong labels: the number or share of a group's labels that would have to be wrong to overturn its verdict.

Two questions. *Any labels*: the fewest that must be wrong, chosen as badly as can be. This bounds every bias, also one
that goes with what the detector decides. *A share of them*: wrong at a rate that depends on what a person is and not on
the decision (Rogan & Gladen 1978), in this group alone. The second is kinder and needs that assumption. Under it
victims who were never labelled do not touch a true positive rate, nor others labelled as victims a false positive rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.verdict_side import VerdictSide
from audit.result.findings.sensitivity import LabelErrorGrid
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import counted_outcome, counted_rate
from audit.stats.robustness import (
    Corrected,
    FewestFlips,
    asymptotically_fewest,
    corrected_rate,
    fewest_flips,
    fewest_flips_to_rate,
    fewest_to_overturn,
)
from audit.stats.score_test import screened_p
from audit.vocabulary.metrics import Cell, Metric

GRID: Final = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7)
"""Sensitivities and specificities of a group's labels that are tried."""
_TABLE: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN)
_THOUSANDTHS: Final = 950
"""Largest share of wrong labels that is looked for: most victims may never have been labelled."""

ErrorAxis = Literal["labelled_too_often", "labelled_too_rarely"]


@dataclass(frozen=True, slots=True)
class Flip:
    """A way in which a label can be wrong, by the decision that the case got."""

    labelled: Cell
    """Cell in which the case was counted."""
    truly: Cell
    """Cell in which it would be counted."""
    words: str
    """People concerned, and what they would have to be."""


_FLIPS: Final = (
    Flip(Cell.FN, Cell.TN, "victims missed would have to be no victims"),
    Flip(Cell.FP, Cell.TP, "people wrongly flagged would have to be victims"),
    Flip(Cell.TN, Cell.FN, "people left alone would have to be victims"),
    Flip(Cell.TP, Cell.FP, "victims found would have to be no victims"),
)
ANSWERS: Final = tuple(
    Flip(said, other, "answers would have to be otherwise")
    for said, other in ((Cell.FN, Cell.TP), (Cell.TP, Cell.FN), (Cell.FP, Cell.TN), (Cell.TN, Cell.FP))
)
"""Ways in which an answer can be another one."""


@dataclass(frozen=True, slots=True)
class Flips:
    """Fewest labels that overturn each of G verdicts."""

    kinds: tuple[Flip, ...]
    """One or two kinds that push the rate the right way; none where no label is in the rate."""
    available: IntArray
    """int64[kinds, G]: labels of each kind in the group."""
    fewest: FewestFlips


def fewest_label_flips(doubted: VerdictSide, flips: tuple[Flip, ...] = _FLIPS) -> Flips | None:
    """Find the fewest labels of each group that must be wrong for its test to reject no longer; None without labels.

    With `ANSWERS`: the fewest answers that must be others.
    """
    useful = _useful_flips(doubted, flips)
    if not useful.kinds:
        return None
    fewest = fewest_flips(
        doubted.start(), useful.effects, useful.available, doubted.boundary, doubted.beta, doubted.level
    )
    return Flips(useful.kinds, useful.available, fewest)


def label_flips_to_limit(doubted: VerdictSide) -> IntArray:
    """int64[G]: the fewest wrong labels that bring the measured rate to the limit; -1 where none do."""
    useful = _useful_flips(doubted)
    if not useful.effects:
        return np.full(len(doubted.counts.groups.groups), -1, dtype=np.int64)
    x, n, y, m = doubted.question.as_scored(doubted.counts.groups)
    edge = doubted.boundary.edge(counted_outcome(y, m, doubted.boundary) / np.maximum(m, 1))
    return fewest_flips_to_rate(x, n, useful.effects, useful.available, counted_rate(edge, doubted.boundary)).total


class _Useful(NamedTuple):
    """Flips that move a rate to where its verdict falls."""

    kinds: tuple[Flip, ...]
    effects: list[tuple[int, int]]
    """What each adds to numerator and denominator."""
    available: IntArray
    """int64[F, G]: cases of each group that can be flipped so."""


def _useful_flips(doubted: VerdictSide, flips: tuple[Flip, ...] = _FLIPS) -> _Useful:
    metric, groups = doubted.question.metric, doubted.counts.groups
    kinds = [(flip, _effect(metric, flip)) for flip in flips]
    useful = [(flip, effect) for flip, effect in kinds if _raises_rate(effect) is doubted.overturned_upwards]
    available = [groups.cell(flip.labelled) for flip, _ in useful]
    return _Useful(
        tuple(flip for flip, _ in useful),
        [effect for _, effect in useful],
        np.stack(available) if available else np.zeros((0, len(groups.groups)), dtype=np.int64),
    )


def _effect(metric: Metric, flip: Flip) -> tuple[int, int]:
    if metric.denominator_is == "cases" and flip in _FLIPS:
        return 0, 0  # flagged or not is no matter of labels
    top, bottom = metric.numerator, metric.denominator
    return (flip.truly in top) - (flip.labelled in top), (flip.truly in bottom) - (flip.labelled in bottom)


def _raises_rate(effect: tuple[int, int]) -> bool | None:
    if effect == (0, 0):
        return None
    return effect[0] > 0 or (effect[0] == 0 and effect[1] < 0)


def error_axes(metric: Metric) -> tuple[ErrorAxis, ...]:
    """List the errors of labels that a rate depends on, as long as they do not depend on the decision."""
    if metric.denominator_is == "cases":
        return ()
    if set(metric.denominator) == {Cell.TP, Cell.FN}:
        return ("labelled_too_often",)
    if set(metric.denominator) == {Cell.FP, Cell.TN}:
        return ("labelled_too_rarely",)
    return ("labelled_too_often", "labelled_too_rarely")


@dataclass(frozen=True, slots=True)
class LabelShares:
    """Smallest share of wrong labels that overturns each of G verdicts, in thousandths."""

    thousandths: IntArray
    """int64[G]: -1 where no share up to `most` does."""
    most: IntArray
    """int64[G]: the largest share that the counts allow, up to 950."""


def label_shares(doubted: VerdictSide, axis: ErrorAxis) -> LabelShares:
    """Find the smallest share that matters of a group's others labelled as victims, or of its victims labelled as
    none.
    """
    table = _decided_table(doubted)
    most = _most_allowed(table, axis)
    tables = partial(_tables_at_share, doubted, table, axis)
    if doubted.test == "fail":
        found = fewest_to_overturn(tables, most, doubted.boundary, doubted.beta, doubted.level)
    else:
        # at alpha the large-sample test is near enough for a share of an assumed error
        found = asymptotically_fewest(tables, most, doubted.boundary, doubted.level)
    return LabelShares(np.where(found > most, -1, found), most)


def _most_allowed(table: IntArray, axis: ErrorAxis) -> IntArray:
    """Return the largest share: among each decision's cases no more can be labelled wrongly one way than are labelled
    so.
    """
    tp, fn, fp, tn = table.T
    wrong = (tp, fn) if axis == "labelled_too_often" else (fp, tn)
    shares = [
        np.where(total > 0, part / np.maximum(total, 1), 1.0)
        for part, total in zip(wrong, (tp + fp, fn + tn), strict=True)
    ]
    return np.asarray(np.minimum(np.floor(1000.0 * np.min(shares, axis=0) + 1e-9), _THOUSANDTHS), dtype=np.int64)


def error_grid(doubted: VerdictSide) -> tuple[LabelErrorGrid, ...]:
    """Compute for each verdict the corrected rate, and whether it stands, at every quality of labels that is tried."""
    axes = error_axes(doubted.question.metric)
    sensitivities = GRID if "labelled_too_rarely" in axes else (1.0,)
    specificities = GRID if "labelled_too_often" in axes else (1.0,)
    table = _decided_table(doubted)
    rates: list[list[float | None]] = [[] for _ in doubted.counts.groups.groups]
    stands: list[list[bool | None]] = [[] for _ in doubted.counts.groups.groups]
    for sensitivity in sensitivities:
        for specificity in specificities:
            corrected = _corrected(doubted, table, sensitivity, specificity)
            holds = _rejects(doubted, _as_table(doubted, corrected.rate, corrected.size))
            for place, possible in enumerate(corrected.possible):
                rates[place].append(as_known(round(float(corrected.rate[place]), 6)) if possible else None)
                stands[place].append(bool(holds[place]) if possible else None)
    return tuple(
        LabelErrorGrid.model_construct(
            sensitivity=sensitivities, specificity=specificities, rates=tuple(rate), stands=tuple(stand)
        )
        for rate, stand in zip(rates, stands, strict=True)
    )


def _quality(axis: ErrorAxis, thousandths: int) -> tuple[float, float]:
    right = 1.0 - thousandths / 1000.0
    return (1.0, right) if axis == "labelled_too_often" else (right, 1.0)


def _tables_at_share(doubted: VerdictSide, table: IntArray, axis: ErrorAxis, thousandths: IntArray) -> Tables:
    rate, size = np.full(thousandths.shape, np.nan), np.zeros(thousandths.shape)
    for share in np.unique(thousandths):
        corrected = _corrected(doubted, table, *_quality(axis, int(share)))
        here = thousandths == share
        rate[here], size[here] = corrected.rate[here], corrected.size[here]
    return _as_table(doubted, rate, size)


def _as_table(doubted: VerdictSide, rate: FloatArray, size: FloatArray) -> Tables:
    """Return whole counts that say as much as the corrected rate, against the same rest; people moved in stay moved."""
    question, groups = doubted.question, doubted.counts.groups
    x, n, y, m = doubted.start()
    before = question.at_its_best(groups) if doubted.test == "fail" else question.at_its_worst(groups)
    whole = np.floor(size + 1e-6)
    counted = np.rint(np.nan_to_num(rate) * whole)
    counts = np.asarray(counted, dtype=np.int64) + (x - before.x)
    return Tables(counts, np.asarray(whole, dtype=np.int64) + (n - before.n), y, m)


def _rejects(doubted: VerdictSide, tables: Tables) -> BoolArray:
    x, n, y, m = tables
    boundary = doubted.boundary
    threshold = float(np.clip(2.0 * doubted.level.max(initial=0.05), 0.1, 0.9))
    p = screened_p(
        counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary, doubted.beta, threshold
    ).p
    return np.asarray(p <= doubted.level)


def _corrected(doubted: VerdictSide, table: IntArray, sensitivity: float, specificity: float) -> Corrected:
    metric = doubted.question.metric
    top, bottom = ([int(cell in cells) for cell in _TABLE] for cells in (metric.numerator, metric.denominator))
    return corrected_rate(table, top, bottom, sensitivity, specificity)


def _decided_table(doubted: VerdictSide) -> IntArray:
    """int64[G, 4]: the four counts, unscored cases decided as the verdict's test has them."""
    metric, groups = doubted.question.metric, doubted.counts.groups
    table = np.stack([groups.cell(cell) for cell in _TABLE], axis=1)
    up = doubted.overturned_upwards
    for unscored, choices in ((Cell.UNSCORED_POSITIVE, (0, 1)), (Cell.UNSCORED_NEGATIVE, (3, 2))):
        # where either does the same, the detector is taken to agree with the label
        raised = max(choices, key=lambda place: _pull(metric, _TABLE[place]))
        lowered = min(choices, key=lambda place: _pull(metric, _TABLE[place]))
        table[:, raised if up else lowered] += groups.cell(unscored)
    return table


def _pull(metric: Metric, cell: Cell) -> int:
    """Return whether one more case here raises the rate (1), lowers it (-1) or is not in it (0)."""
    if cell in metric.numerator:
        return 1
    return -1 if cell in metric.denominator else 0


def flip_words(found: Flips, place: int) -> str:
    """Name the labels that would have to be wrong: "39 of 60 victims missed would have to be no victims"."""
    parts: Sequence[tuple[int, int, str]] = [
        (int(found.fewest.by_kind[kind, place]), int(found.available[kind, place]), flip.words)
        for kind, flip in enumerate(found.kinds)
    ]
    return "; ".join(f"{number:,} of {available:,} {words}" for number, available, words in parts if number)
