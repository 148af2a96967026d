"""Doubts about verdicts: what would overturn them.

Verdicts of one rule on one side, with the counts that their test saw: the start of every doubt.

Wrong labels: the number or share of a group's labels that would have to be wrong to overturn its verdict.

Two questions. *Any labels*: the fewest that must be wrong, chosen as badly as can be. This bounds every bias, also one
that goes with what the detector decides. *A share of them*: wrong at a rate that depends on what a person is and not on
the decision (Rogan & Gladen 1978), in this group alone. The second is kinder and needs that assumption. Under it
victims who were never labelled do not touch a true positive rate, nor others labelled as victims a false positive rate.

People of unknown group: the number or share of a group's that would overturn its verdict, and how much more of them,
than a plan supposes, would undo a PASS.

Doubts about every FAIL, and about the largest groups that pass or are held back: what would overturn the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, compress
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.missing_attributes import NOTHING, PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question, questions
from audit.analyses.weighted_rates import Moves, is_exact, weighted_comparison
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts, rule_families
from audit.plan.answers import BlindDetector
from audit.plan.audit_plan import AuditPlan, NamedRule, Route, Rule
from audit.plan.sections import Groups, SensitivitySection, VerdictSection
from audit.result.findings.judged import Verdict
from audit.result.findings.sensitivity import Doubt, LabelErrorGrid, RuleSensitivity, SensitivityFinding
from audit.result.findings.system import Notice
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import Boundary, counted_outcome, counted_rate
from audit.stats.robustness import (
    Corrected,
    FewestFlips,
    asymptotically_fewest,
    corrected_rate,
    fewest_flips,
    fewest_flips_to_rate,
    fewest_to_overturn,
    rate_bounds,
)
from audit.stats.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, screened_p
from audit.vocabulary.groups import Family, Group
from audit.vocabulary.metrics import Cell, Metric
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.sentences import sentence, share


@dataclass(frozen=True, slots=True)
class RuleCounts:
    """Some groups of a rule, side by side, with the people who may belong to them."""

    groups: FamilyCounts
    members: PossibleMembers

    def of(self, verdicts: Sequence[Verdict]) -> RuleCounts:
        """Pick the groups of these verdicts, in their order."""
        at = {group: index for index, group in enumerate(self.groups.groups)}
        places = np.array([at[verdict.group] for verdict in verdicts], dtype=np.int64)
        return RuleCounts(
            _groups_at(self.groups, places),
            PossibleMembers(
                _groups_at(self.members.counts, places),
                self.members.most[places],
                self.members.odds_factor,
                _groups_at(self.members.several, places),
            ),
        )


@dataclass(frozen=True, slots=True)
class VerdictSide:
    """Verdicts of one kind on one side of a rule."""

    test: Literal["fail", "pass"]
    """Test that decided them, or would have."""
    question: Question
    counts: RuleCounts
    level: FloatArray
    """float64[G]: level that the p-values had to reach."""

    @property
    def boundary(self) -> Boundary:
        """Edge that the test looked at."""
        return self.question.fail if self.test == "fail" else self.question.within

    @property
    def beta(self) -> float:
        """Level that the test spent on not knowing the rate of the rest."""
        return FAIL_BETA if self.test == "fail" else PASS_BETA

    @property
    def overturned_upwards(self) -> bool:
        """Whether a higher rate of the group would overturn the verdict."""
        return (self.question.side == "low") == (self.test == "fail")

    def start(self) -> Tables:
        """Return the counts that the test rejected, with everything that is not known where the verdict holds against
        it.
        """
        if self.test == "fail":
            return self.question.at_its_best(self.counts.groups)
        return self.counts.members.at_their_worst(self.question, self.counts.groups)


def rule_counts(
    group_features: Groups, sensitivity: SensitivitySection, rule: Rule, families: Mapping[Family, FamilyCounts]
) -> RuleCounts:
    """Put every group of every family of a rule into one table."""
    counts = [families[family] for family in rule_families(group_features, rule)]
    members = possible_members(counts, rule.rate, Supposed.of(sensitivity))
    groups = FamilyCounts(
        Family(()), members.counts.groups, np.concatenate([family.cells for family in counts]), counts[0].everyone
    )
    return RuleCounts(groups, members)


def _groups_at(counts: FamilyCounts, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FamilyCounts:
    groups = tuple(counts.groups[index] for index in places)
    return FamilyCounts(counts.family, groups, counts.cells[places], counts.everyone)


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
        fewest = fewest_to_overturn(tables, most, doubted.boundary, doubted.beta, doubted.level)
    else:
        # at alpha the large-sample test is near enough for a share of an assumed error
        fewest = asymptotically_fewest(tables, most, doubted.boundary, doubted.level)
    return LabelShares(np.where(fewest > most, -1, fewest), most)


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
    verdict_stands: list[list[bool | None]] = [[] for _ in doubted.counts.groups.groups]
    for sensitivity in sensitivities:
        for specificity in specificities:
            corrected = _corrected(doubted, table, sensitivity, specificity)
            holds = _rejects(doubted, _as_table(doubted, corrected.rate, corrected.size))
            for index, possible in enumerate(corrected.possible):
                rates[index].append(as_known(round(float(corrected.rate[index]), 6)) if possible else None)
                verdict_stands[index].append(bool(holds[index]) if possible else None)
    return tuple(
        LabelErrorGrid.model_construct(
            sensitivity=sensitivities, specificity=specificities, rates=tuple(rate), stands=tuple(stand)
        )
        for rate, stand in zip(rates, verdict_stands, strict=True)
    )


def _quality(axis: ErrorAxis, thousandths: int) -> tuple[float, float]:
    right = 1.0 - thousandths / 1000.0
    return (1.0, right) if axis == "labelled_too_often" else (right, 1.0)


def _tables_at_share(doubted: VerdictSide, table: IntArray, axis: ErrorAxis, thousandths: IntArray) -> Tables:
    rate, size = np.full(thousandths.shape, np.nan), np.zeros(thousandths.shape)
    for thousandth in np.unique(thousandths):
        corrected = _corrected(doubted, table, *_quality(axis, int(thousandth)))
        here = thousandths == thousandth
        rate[here], size[here] = corrected.rate[here], corrected.size[here]
    return _as_table(doubted, rate, size)


def _as_table(doubted: VerdictSide, rate: FloatArray, size: FloatArray) -> Tables:
    """Return whole counts that say as much as the corrected rate, against the same rest; people moved in stay moved."""
    question, groups = doubted.question, doubted.counts.groups
    x, n, y, m = doubted.start()
    before = question.at_its_best(groups) if doubted.test == "fail" else question.at_its_worst(groups)
    whole_size = np.floor(size + 1e-6)
    counted = np.rint(np.nan_to_num(rate) * whole_size)
    counts = np.asarray(counted, dtype=np.int64) + (x - before.x)
    return Tables(counts, np.asarray(whole_size, dtype=np.int64) + (n - before.n), y, m)


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
        raised = max(choices, key=lambda option: _pull(metric, _TABLE[option]))
        lowered = min(choices, key=lambda option: _pull(metric, _TABLE[option]))
        table[:, raised if up else lowered] += groups.cell(unscored)
    return table


def _pull(metric: Metric, cell: Cell) -> int:
    """Return whether one more case here raises the rate (1), lowers it (-1) or is not in it (0)."""
    if cell in metric.numerator:
        return 1
    return -1 if cell in metric.denominator else 0


def flip_words(flips: Flips, index: int) -> str:
    """Name the labels that would have to be wrong: "39 of 60 victims missed would have to be no victims"."""
    parts: Sequence[tuple[int, int, str]] = [
        (int(flips.fewest.by_kind[kind, index]), int(flips.available[kind, index]), flip.words)
        for kind, flip in enumerate(flips.kinds)
    ]
    return "; ".join(f"{number:,} of {available:,} {words}" for number, available, words in parts if number)


LARGEST_FACTOR: Final = 100.0
BISECTIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Unknown:
    """Number of people of unknown group who would overturn each of G verdicts if they belonged to the group."""

    fewest: IntArray
    """int64[G]: -1 where not even all of them do."""
    among: IntArray
    """int64[G]: people of unknown group who may belong to the group and whose case speaks against the verdict."""
    share: FloatArray
    """float64[G]: largest share of the group's own cases that may be unknown without it; nan where any may."""


def fewest_to_hold_back(sides: Sequence[VerdictSide]) -> Unknown:
    """Find how many would keep a group from a pass, on the side that is nearest, whatever share the plan vouches
    for.
    """
    fewest_by_side = [_fewest(doubted, among) for doubted, among in ((side, _against(side)) for side in sides)]
    among = np.stack([_against(side) for side in sides])
    return _nearest(sides[0], np.stack(fewest_by_side), among)


def _guessed_factors(sides: Sequence[VerdictSide]) -> FloatArray:
    """float64[G]: smallest odds factor at which each group would no longer pass the asymptotic test, to half a per cent
    of it; inf where not even a hundred does it. To find the nearest groups.
    """
    size = len(sides[0].counts.groups.groups)
    low, high = np.ones(size), np.full(size, LARGEST_FACTOR)
    ends = pass_as_they_are([_with_odds(side, high) for side in sides], exactly=False)
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        holds = pass_as_they_are([_with_odds(side, middle) for side in sides], exactly=False)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return np.where(ends, np.inf, high)


def _with_odds(side: VerdictSide, factor: FloatArray) -> VerdictSide:
    members = side.counts.members._replace(odds_factor=factor)
    return replace(side, counts=replace(side.counts, members=members))


def pass_as_they_are(sides: Sequence[VerdictSide], *, exactly: bool = True) -> BoolArray:
    """bool[G]: whether each group passes with the people of unknown feature that its counts let belong to it."""
    passing = []
    for side in sides:
        x, n, y, m = side.start()
        counted, counted_rest = counted_outcome(x, n, side.boundary), counted_outcome(y, m, side.boundary)
        p = asymptotic_p(counted, n, counted_rest, m, side.boundary)
        if exactly:
            p = screened_p(counted, n, counted_rest, m, side.boundary, side.beta).p
        passing.append(p <= side.level)
    return np.asarray(np.logical_and.reduce(passing), dtype=np.bool_)


def fewest_in_favour(doubted: VerdictSide) -> Unknown:
    """Find how many would keep a group from its FAIL, as far as the plan lets them belong to it."""
    question, counts = doubted.question, doubted.counts
    among = counts.members.in_favour(question)
    at_best = partial(counts.members.at_their_best, question, counts.groups)
    fewest = fewest_to_overturn(at_best, among, doubted.boundary, doubted.beta, doubted.level)
    return _nearest(doubted, fewest[np.newaxis], among[np.newaxis])


def smallest_shares(sides: Sequence[VerdictSide]) -> FloatArray:
    """float64[G]: the share at which each group would be held back, by the asymptotic test: to find the nearest
    groups.
    """
    shares = []
    for side in sides:
        among = _against(side)
        guess = asymptotically_fewest(
            partial(_at_worst, side.question, _without_limit(side)), among, side.boundary, side.level
        )
        surely_members = side.counts.members.surely(side.question.metric, side.counts.groups)
        shares.append(np.where(guess > among, np.inf, (guess - 1) / np.maximum(surely_members + guess - 1, 1)))
    return np.asarray(np.min(np.stack(shares), axis=0), dtype=np.float64)


def unknown_bounds(counts: RuleCounts, metric: Metric) -> tuple[FloatArray, FloatArray]:
    """float64[G] each: lowest and highest rate of each group, over its scored cases and those who may belong to it."""
    hits, misses = counts.members.joining(metric)
    return rate_bounds(counts.groups.numerator(metric), counts.groups.denominator(metric), hits, misses)


def _fewest(doubted: VerdictSide, among: IntArray) -> IntArray:
    tables = partial(_at_worst, doubted.question, _without_limit(doubted))
    return fewest_to_overturn(tables, among, doubted.boundary, doubted.beta, doubted.level)


def _against(doubted: VerdictSide) -> IntArray:
    counts = _without_limit(doubted)
    return counts.members.against(doubted.question)


def _without_limit(doubted: VerdictSide) -> RuleCounts:
    """Return the counts without what the plan supposes."""
    return replace(doubted.counts, members=doubted.counts.members.without_suppositions())


def _at_worst(question: Question, counts: RuleCounts, moved: IntArray) -> Tables:
    return counts.members.at_their_worst(question, counts.groups, moved)


def _nearest(doubted: VerdictSide, fewest_moved: IntArray, among: IntArray) -> Unknown:
    """Pick, over sides, the one that takes the fewest people."""
    never = fewest_moved > among
    at = np.argmin(np.where(never, np.iinfo(np.int64).max, fewest_moved), axis=0)[np.newaxis]
    fewest, all_of_them, none = (np.take_along_axis(array, at, axis=0)[0] for array in (fewest_moved, among, never))
    surely_members = doubted.counts.members.surely(doubted.question.metric, doubted.counts.groups)
    share = (fewest - 1) / np.maximum(surely_members + fewest - 1, 1)
    return Unknown(np.where(none, -1, fewest), all_of_them, np.where(none, np.nan, share))


NEAREST: Final = 10
"""Number of groups, of those that look nearest to losing their PASS, that are examined by the test itself."""

_Fallen = Callable[[Supposed], Iterator[Group]]
"""Function that returns the groups that no longer pass where so much is supposed."""


def breakdown(
    verdict: VerdictSection,
    sensitivity: SensitivitySection,
    rule_questions: Sequence[Question],
    counts: RuleCounts,
    passing: Sequence[Verdict],
) -> dict[str, Any]:
    """Find the group whose PASS falls at the smallest odds factor, and how many fall where nothing is supposed.

    Returns
    -------
    :
        ``breakdown_factor``, ``weakest`` and ``not_if_nothing_supposed`` of `RuleSensitivity`; empty without a PASS.
    """
    if not passing:
        return {}
    guessed = _guessed_factors(pass_sides(verdict, rule_questions, counts, passing))
    near = [passing[passed] for passed in np.argsort(guessed, kind="stable")[:NEAREST]]
    undone = _undone(
        sensitivity,
        _exactly(verdict, rule_questions, counts, near),
        _exactly(verdict, rule_questions, counts, passing),
    )
    return undone | {"breakdown_factor": as_known(undone["breakdown_factor"])}


def pass_sides(
    verdict: VerdictSection, rule_questions: Sequence[Question], counts: RuleCounts, verdicts: Sequence[Verdict]
) -> list[VerdictSide]:
    """Return each question's side of a PASS for these groups."""
    some = counts.of(verdicts)
    return [VerdictSide("pass", question, some, np.full(len(verdicts), verdict.alpha)) for question in rule_questions]


def weighted_breakdown(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], moments: Moments, passing: Sequence[Verdict]
) -> dict[str, Any]:
    """Find what `breakdown` finds where rows have weights or clusters.

    Each family is asked by the test that judged it: of whole counts where its rows count alike, else by weights.
    """
    fallen_of_families: list[_Fallen] = []
    for family in rule_families(plan.groups, rule):
        members = set(families[family].groups)
        if passing_members := [verdict for verdict in passing if verdict.group in members]:
            if is_exact(plan.audit.route, rule, families[family], moments):
                fallen_of_families.append(
                    _exactly(
                        plan.verdict,
                        questions(plan.audit.route, rule),
                        rule_counts(plan.groups, plan.sensitivity, rule, families),
                        passing_members,
                    )
                )
            else:
                fallen_of_families.append(
                    _by_weights(
                        plan.audit.route,
                        plan.verdict,
                        rule,
                        families[family],
                        moments,
                        [verdict.group for verdict in passing_members],
                    )
                )

    def fallen(supposed: Supposed) -> Iterator[Group]:
        return chain.from_iterable(fallen_of_family(supposed) for fallen_of_family in fallen_of_families)

    return _undone(plan.sensitivity, fallen, fallen) if fallen_of_families else {}


def _undone(sensitivity: SensitivitySection, fallen: _Fallen, all_fallen: _Fallen) -> dict[str, Any]:
    """What `breakdown` returns. `fallen` looks at the groups that may be the weakest."""
    supposed = Supposed.of(sensitivity)
    low, high = 1.0, LARGEST_FACTOR
    weakest = next(fallen(supposed._replace(odds_factor=high)), None)
    for _ in range(BISECTIONS if weakest else 0):
        middle = float(np.sqrt(low * high))
        first = next(fallen(supposed._replace(odds_factor=middle)), None)
        low, high, weakest = (low, middle, first) if first else (middle, high, weakest)
    return {
        "breakdown_factor": high if weakest else None,
        "weakest": weakest,
        "not_if_nothing_supposed": sum(1 for _ in all_fallen(NOTHING)),
    }


def _by_weights(
    route: Route, verdict: VerdictSection, rule: Rule, family: FamilyCounts, moments: Moments, groups: Sequence[Group]
) -> _Fallen:
    family_moments, alpha = moments.of(family), verdict.alpha
    places = [family.groups.index(group) for group in groups]
    is_passing = np.isin(np.arange(len(family.groups)), places)
    moves_and_tests = [
        (
            question.within,
            Moves.of_question(
                family_moments, family, question, weighted_comparison(family_moments, family, question, "worst")
            ),
        )
        for question in questions(route, rule)
    ]

    def fallen(supposed: Supposed) -> Iterator[Group]:
        still_passes = is_passing.copy()
        for within, moves in moves_and_tests:
            still_passes &= moves.largest_p(supposed, still_passes, within, alpha) <= alpha
        return compress(groups, ~still_passes[places])

    return fallen


def _exactly(
    verdict_section: VerdictSection, rule_questions: Sequence[Question], counts: RuleCounts, passing: Sequence[Verdict]
) -> _Fallen:
    def fallen(supposed: Supposed) -> Iterator[Group]:
        known, odds = counts.members, supposed.odds_factor
        members = known.without_suppositions() if supposed == NOTHING else known._replace(odds_factor=odds)
        still_passes = pass_as_they_are(
            pass_sides(verdict_section, rule_questions, replace(counts, members=members), passing)
        )
        return compress((verdict.group for verdict in passing), ~still_passes)

    return fallen


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
    findings = []
    for rule in plan.named_rules:
        of_rule = [verdict for verdict in verdicts if verdict.rule == rule.id]
        if moments is None:
            findings.append(
                _rule_sensitivity(plan, rule, rule_counts(plan.groups, plan.sensitivity, rule, families), of_rule)
            )
        else:
            passing = [verdict for verdict in of_rule if verdict.outcome == "pass"]
            findings.append(_not_examined(rule, of_rule, weighted_breakdown(plan, rule, families, moments, passing)))
    return tuple(findings)


def sensitivity_notices(sensitivity: SensitivitySection, findings: Sequence[RuleSensitivity]) -> tuple[Notice, ...]:
    """Say where people of unknown group keep groups from a pass, or would if the plan supposed nothing of them, as one
    that does not say so might want.
    """
    notices = []
    for rule in findings:
        if rule.not_if_nothing_supposed and not sensitivity.model_fields_set & {*_FACTORS}:
            several = {"groups": rule.not_if_nothing_supposed} if rule.not_if_nothing_supposed > 1 else {}
            unsaid = sentence("supposed_unsaid" if several else "one_supposed_unsaid", rule=rule.rule, **several)
            notices.append(Notice.of(f"supposed_{rule.rule}", unsaid))
        if not rule.held_back:
            continue
        several = {"groups": rule.held_back} if rule.held_back > 1 else {}
        sentences = [sentence("held_back" if several else "one_held_back", rule=rule.rule, **several)]
        if rule.missing_share_for_all:
            sentences.append(sentence("missing_share_for_all", share=share(rule.missing_share_for_all, _share_down)))
        elif rule.missing_share_for_all == 0.0:
            sentences.append(sentence("no_missing_share_for_all"))
        notices.append(Notice.of(f"unknown_attribute_{rule.rule}", *sentences))
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
    rule_questions = questions(plan.audit.route, rule)
    failing = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    others = sorted(filter(_open_to_doubt, verdicts), key=lambda verdict: (-verdict.cases, verdict.group.levels))
    listed, left = others[:MOST_LISTED], others[MOST_LISTED:]
    passing = [verdict for verdict in listed if verdict.outcome == "pass"]
    held_verdicts = [verdict for verdict in listed if verdict.because == "unknown_attribute"]
    unscored = [verdict for verdict in listed if verdict.because == "unscored_cases"]
    findings: list[SensitivityFinding] = []
    for question in rule_questions:
        of_side = [verdict for verdict in failing if verdict.side == question.side]
        if of_side:
            levels = np.array([verdict.level_fail for verdict in of_side], dtype=np.float64)
            findings.extend(_doubt_fails(VerdictSide("fail", question, counts.of(of_side), levels), of_side))
    if passing:
        findings.extend(_doubt_labels(pass_sides(plan.verdict, rule_questions, counts, passing), passing))
    shares: list[float] = []
    if passing or held_verdicts:
        unknown, shares = _doubt_unknown(
            pass_sides(plan.verdict, rule_questions, counts, passing + held_verdicts), passing + held_verdicts
        )
        findings.extend(unknown)
    if isinstance(plan.detector, BlindDetector):
        findings.extend(_doubt_answers(plan.verdict, rule_questions, counts, verdicts))
    for some in (failing, passing, unscored):
        findings.extend(_doubt_unscored(counts.of(some), rule_questions[0], some) if some else ())
    shares.extend(_nearest_shares(plan.verdict, rule_questions, counts, left))
    labels = [finding.overturned_by for finding in findings if finding.kind == "labels_flipped"]
    return RuleSensitivity(
        rule=rule.id,
        metric=rule.metric,
        examined="yes",
        held_back=sum(verdict.because == "unknown_attribute" for verdict in verdicts),
        **breakdown(
            plan.verdict,
            plan.sensitivity,
            rule_questions,
            counts,
            [verdict for verdict in verdicts if verdict.outcome == "pass"],
        ),
        missing_share_for_all=as_known(min(shares)) if shares else None,
        listed=len(failing) + len(listed),
        not_listed=len(left),
        fewest_labels=min((number for number in labels if number is not None), default=None),
        findings=_in_order(findings, [*failing, *others]),
    )


def _open_to_doubt(verdict: Verdict) -> bool:
    return verdict.outcome == "pass" or verdict.because in ("unknown_attribute", "unscored_cases")


def _in_order(findings: Sequence[SensitivityFinding], verdicts: Sequence[Verdict]) -> tuple[SensitivityFinding, ...]:
    position: dict[Group, int] = {verdict.group: number for number, verdict in enumerate(verdicts)}
    return tuple(sorted(findings, key=lambda finding: position[finding.group]))


def _nearest_shares(
    verdict_section: VerdictSection, rule_questions: Sequence[Question], counts: RuleCounts, left: Sequence[Verdict]
) -> list[float]:
    """Return the shares at which those groups would be held back that are not listed and look nearest to it."""
    by_records = [verdict for verdict in left if verdict.because == "unknown_attribute"]
    if not by_records:
        return []
    nearest = np.argsort(
        smallest_shares(pass_sides(verdict_section, rule_questions, counts, by_records)), kind="stable"
    )[:NEAREST]
    shares = fewest_to_hold_back(
        pass_sides(verdict_section, rule_questions, counts, [by_records[record] for record in nearest])
    ).share
    return [float(share) for share in shares if np.isfinite(share)]


def _doubt_fails(doubted: VerdictSide, verdicts: Sequence[Verdict]) -> list[SensitivityFinding]:
    grids = error_grid(doubted) if error_axes(doubted.question.metric) else None
    findings = _doubt_labels([doubted], verdicts, label_flips_to_limit(doubted), grids)
    metric, counts = doubted.question.metric, doubted.counts
    unknown = fewest_in_favour(doubted)
    low, high = unknown_bounds(counts, metric)
    for index, verdict in enumerate(verdicts):
        among = int(unknown.among[index])
        if not among:
            continue
        is_named = verdict.because == "beyond_limit"
        fewest = -1 if is_named else int(unknown.fewest[index])
        fewest = among if fewest < 0 and not is_named else fewest
        words = (
            f"Would stand if {among:,} cases of unknown group that speak for it belonged to it, the most supposed to."
            if fewest < 0
            else f"Would not stand if {fewest:,} of {among:,} cases of unknown group that speak for it belonged to it."
        )
        findings.append(
            _finding(
                verdict, "unknown_attribute", fewest, among, words, low=as_known(low[index]), high=as_known(high[index])
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
    flips = [flipped for side in sides if (flipped := fewest_label_flips(side)) is not None]
    findings: list[SensitivityFinding] = []
    labelled = sides[0].counts.groups.total((Cell.TP, Cell.FN, Cell.FP, Cell.TN))
    for index, verdict in enumerate(verdicts if flips else ()):
        side = min(flips, key=lambda flipped_side: _inf_if_never(flipped_side.fewest.total[index]))
        fewest, among = int(side.fewest.total[index]), int(labelled[index])
        words = (
            "No number of wrong labels in this group would change it."
            if fewest < 0
            else f"Would not stand if {fewest:,} of the group's {among:,} labels were wrong: {flip_words(side, index)}."
        )
        limit = None if to_limit is None or to_limit[index] < 0 else int(to_limit[index])
        findings.append(_finding(verdict, "labels_flipped", fewest, among, words, to_limit=limit))
    for axis in error_axes(sides[0].question.metric):
        findings.extend(_doubt_shares(sides, verdicts, axis, grids))
    return findings


def _doubt_answers(
    verdict_section: VerdictSection, rule_questions: Sequence[Question], counts: RuleCounts, verdicts: Sequence[Verdict]
) -> list[SensitivityFinding]:
    """Find the answers of a vendor that would overturn each verdict, if the system at work gave others."""
    passing = [verdict for verdict in verdicts if verdict.outcome == "pass"]
    doubted = [(pass_sides(verdict_section, rule_questions, counts, passing), passing)] if passing else []
    for question in rule_questions:
        of_side = [verdict for verdict in verdicts if (verdict.outcome, verdict.side) == ("fail", question.side)]
        if of_side:
            levels = np.array([verdict.level_fail for verdict in of_side], dtype=np.float64)
            doubted.append(([VerdictSide("fail", question, counts.of(of_side), levels)], of_side))
    findings = []
    for sides, of_side in doubted:
        flips = [flipped for side in sides if (flipped := fewest_label_flips(side, ANSWERS)) is not None]
        for index, verdict in enumerate(of_side):
            fewest = min((int(flipped_side.fewest.total[index]) for flipped_side in flips), key=_inf_if_never)
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
    shares = [label_shares(side, axis) for side in sides]
    groups = sides[0].counts.groups
    among = groups.total((Cell.TP, Cell.FN, Cell.FP, Cell.TN))
    findings = []
    for index, verdict in enumerate(verdicts):
        side = min(shares, key=lambda share_of_side: _inf_if_never(share_of_side.thousandths[index]))
        share, most = int(side.thousandths[index]) / 1000.0, int(side.most[index]) / 1000.0
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
                int(among[index]),
                words,
                stands=not falls,
                share=share if falls else None,
                grid=None if grids is None or axis != error_axes(sides[0].question.metric)[0] else grids[index],
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
            int(unknown.fewest[index]),
            int(unknown.among[index]),
            _unknown_words(verdict, unknown, index),
            stands=verdict.outcome == "pass",
            share=as_known(unknown.share[index]),
            low=as_known(low[index]),
            high=as_known(high[index]),
        )
        for index, verdict in enumerate(verdicts)
        if unknown.among[index]
    ]
    is_held_back = np.array([verdict.because == "unknown_attribute" for verdict in verdicts])
    return findings, unknown.share[is_held_back & np.isfinite(unknown.share)].tolist()


def _unknown_words(verdict: Verdict, unknown: Unknown, index: int) -> str:
    fewest, among = int(unknown.fewest[index]), int(unknown.among[index])
    if fewest < 0:
        return f"Holds even if all {among:,} cases of unknown group that speak against it belonged to this group."
    share = _share_down(float(unknown.share[index]))
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
    for index, verdict in enumerate(verdicts):
        among = int(open_cases[index])
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
                low=as_known(low[index]),
                high=as_known(high[index]),
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
