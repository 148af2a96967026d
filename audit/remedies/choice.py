"""Candidates on the half that chooses: thresholds, capacities, bands, thresholds of groups; their front, and a few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product, zip_longest
from typing import Final

import numpy as np

from audit.counting.table import FLAGGED, NEGATIVE, POSITIVE, rule_families
from audit.plan.audit_plan import AuditSection, NamedRule
from audit.plan.sections import CostsSection, Groups
from audit.remedies.ways_to_flag import Candidate, Half, Limits, Measured, members_of
from audit.result.findings.remedies import MOST_TRIED, ORDER, Way
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.operating_points import edges_flagging
from audit.vocabulary.groups import Group, SensitiveFeature

_MOST_TO_PEOPLE: Final = 0.3
"""Largest share of cases that a band may give to people: beyond it people decide and the detector helps."""
_BAND_EDGES: Final = 40
_ALL_VECTORS: Final = 20_000
"""Vectors of thresholds of groups up to which every one is looked at, and most that are."""
_ROOMY: Final = 500
"""Candidates with the most room to the limits that are asked whether they level down."""
_WINDOW_STARTS: Final = np.linspace(0.0, 1.0, 41)
_WINDOW_WIDTHS: Final = (0.05, 0.1, 0.2, 1.0)


@dataclass(frozen=True, slots=True)
class Measures:
    """Candidates of one way, with what they do to the half that chooses."""

    candidates: Sequence[Candidate]
    measured: Measured

    @property
    def points(self) -> FloatArray:
        """float64[C, 3]: worst gap beyond its limit (0: within), missed, wrongly flagged."""
        beyond, missed, wrong = self.measured
        return np.stack([np.maximum(beyond, 0.0), missed, wrong], axis=1).astype(np.float64)


def candidates_of(
    way: Way,
    group_features: Groups,
    rules: Sequence[NamedRule],
    half: Half,
    limits: Limits,
    features: Mapping[str, SensitiveFeature],
    right: Sequence[float],
) -> Measures:
    """Measure every candidate of a way on `half`; a band as its worst where people are right in the shares `right`."""
    k = half.total.shape[0]
    occupied = half.occupied()
    if way == "per_group":
        candidates = [
            candidate
            for names in _feature_sets(group_features, rules)
            for candidate in _per_group(group_features, rules, half, limits, features, names)
        ]
    elif way == "band":
        candidates = [Candidate(way, np.full(k, high), low) for low, high in _bands(half, occupied)]
    elif way == "capacity":
        shares = np.arange(1, 100) / 100
        met = dict(zip(edges_flagging(half.everyone, shares).tolist(), shares.tolist(), strict=True))
        candidates = [Candidate(way, np.full(k, edge), share=share) for edge, share in met.items() if edge in occupied]
    else:
        candidates = [Candidate(way, np.full(k, edge), parts=((None, int(edge)),)) for edge in occupied]
    if not candidates:
        nothing = np.zeros(0)
        return Measures((), Measured(nothing, nothing.astype(np.int64), nothing.astype(np.int64)))
    edges = np.stack([candidate.edges for candidate in candidates])
    if way != "band":
        return Measures(candidates, limits.measured(half, edges))
    below = np.array([candidate.below for candidate in candidates])
    ends = [limits.measured(half, edges, below, share) for share in right]
    return Measures(candidates, Measured(*(np.maximum.reduce(column) for column in zip(*ends, strict=True))))


def _bands(half: Half, occupied: IntArray) -> Iterator[tuple[int, int]]:
    """Bands outside of which nothing changes and that give people no more than their share of cases."""
    flagged, unflagged = (np.flatnonzero(counts) for counts in half.scores.scored[half.half].sum(axis=(0, 1)))
    if not flagged.size or not unflagged.size:
        return
    starts, ends = occupied[occupied <= flagged[0]], occupied[occupied > unflagged[-1]]
    most = _MOST_TO_PEOPLE * half.everyone[0]
    for low, high in product(thinned(starts, _BAND_EDGES), thinned(ends, _BAND_EDGES)):
        if 0 < half.everyone[low] - half.everyone[high] <= most:
            yield low, high


def thinned(places: IntArray, most: int) -> list[int]:
    """Pick at most `most` of some places at equal distances, the first and the last among them."""
    at = np.unique(np.linspace(0, places.size - 1, most).astype(np.int64))
    return [int(edge) for edge in places[at]] if places.size else []


def _feature_sets(group_features: Groups, rules: Sequence[NamedRule]) -> dict[tuple[str, ...], None]:
    families = (family for rule in rules for family in rule_families(group_features, rule))
    return {tuple(axis.feature for axis in family.axes): None for family in families}


def _per_group(
    group_features: Groups,
    rules: Sequence[NamedRule],
    half: Half,
    limits: Limits,
    features: Mapping[str, SensitiveFeature],
    names: tuple[str, ...],
) -> list[Candidate]:
    """Thresholds of the groups of some features: a person has that of the smallest judged group that holds them."""
    groups, part = _parts(group_features, rules, half, limits, features, names)
    flags_now = np.flatnonzero(half.scores.scored[half.half][:, :, FLAGGED].sum(axis=(0, 1)))
    if not groups or len(groups) + (part < 0).any() < 2 or not flags_now.size:
        return []
    above = np.stack([half.above[part == index].sum(axis=(0, 2)) for index in range(len(groups))])
    edges = [np.flatnonzero(np.diff(counts.sum(axis=0)) < 0)[1:] for counts in above]
    if any(starts.size == 0 for starts in edges):
        return []
    many = np.prod([float(starts.size) for starts in edges]) > _ALL_VECTORS
    vectors = _windows(above, half.occupied()) if many else np.array(list(product(*edges)), dtype=np.int64)
    # everyone else is too few to choose for, and keeps the threshold of today
    vectors = np.insert(vectors, len(groups), flags_now[0], axis=1)
    named = [*groups, *([None] if (part < 0).any() else [])]
    return [
        Candidate("per_group", vector[part], parts=tuple(zip(named, vector.tolist(), strict=False)))
        for vector in vectors
    ]


def _parts(
    group_features: Groups,
    plan_rules: Sequence[NamedRule],
    half: Half,
    limits: Limits,
    features: Mapping[str, SensitiveFeature],
    names: tuple[str, ...],
) -> tuple[list[Group], IntArray]:
    """Groups with thresholds of their own; and int64[K], whose threshold a finest group has, -1: everyone else's."""
    rules = [rule for rule in plan_rules if any(set(feature_set) == set(names) for feature_set in rule.feature_sets)]
    families = [
        family
        for family in rule_families(group_features, rules[0])
        if tuple(axis.feature for axis in family.axes) == names
    ]
    part, groups = np.full(half.total.shape[0], -1), list[Group]()
    for family in families:
        for group, members in sorted(members_of(half.scores, family, features).items(), key=lambda pair: pair[0].root):
            unassigned = members & (part < 0)
            if unassigned.any() and all((rule.id, group) in limits.judged for rule in rules):
                part[unassigned] = len(groups)
                groups.append(group)
    return groups, part


def _windows(above: IntArray, edges: IntArray) -> IntArray:
    """int64[V, P]: thresholds of P parts with their shares found and wrongly flagged within common windows: of each
    window the lowest thresholds, which miss fewest, and the highest, which flag fewest wrongly.
    """
    lows, highs = [], []
    for label in (POSITIVE, NEGATIVE):
        counts = above[:, label]
        rates = counts[:, edges] / np.maximum(counts[:, :1], 1)
        starts = np.array([(start, start + width) for width in _WINDOW_WIDTHS for start in _WINDOW_STARTS])
        lowest = (rates[np.newaxis] > starts[:, 1, np.newaxis, np.newaxis] + 1e-12).sum(axis=2)
        highest = (rates[np.newaxis] >= starts[:, 0, np.newaxis, np.newaxis] - 1e-12).sum(axis=2) - 1
        empty = counts[:, 0] == 0
        lows.append(np.where(empty, 0, lowest))
        highs.append(np.where(empty, edges.size - 1, highest))
    low = np.maximum(lows[0][:, np.newaxis], lows[1][np.newaxis]).reshape(-1, above.shape[0])
    high = np.minimum(highs[0][:, np.newaxis], highs[1][np.newaxis]).reshape(-1, above.shape[0])
    met = (low <= high).all(axis=1)
    indices = np.unique(np.concatenate([low[met], high[met]]), axis=0)
    return np.asarray(edges[indices[:: -(-indices.shape[0] // _ALL_VECTORS) or 1]])


def front_of(points: FloatArray) -> BoolArray:
    """bool[C]: points, float64[C, D], that no other point betters in one coordinate without being worse in another."""
    on_front = np.ones(points.shape[0], dtype=np.bool_)
    for index in np.lexsort(points.T[::-1]).tolist():
        if on_front[index]:
            worse = (points >= points[index]).all(axis=1) & (points > points[index]).any(axis=1)
            on_front &= ~worse
    return on_front


def candidates_to_try(
    audit_section: AuditSection, costs: CostsSection | None, half: Half, limits: Limits, ways: Sequence[Measures]
) -> list[Candidate]:
    """Pick at most five candidates that are within every limit on the half that chooses, the least intrusive first.

    First the best of each way, then the second best of each, and so on. Errors of the two kinds are never added, unless
    the plan says what each costs: one candidate holds the primary error where it is, one the other error. One more
    leaves the most room to the limits without levelling down. Of bands the smallest goes on.
    """
    now = half.scores.as_it_is(half.half)
    picked: list[Candidate] = []
    seen = [now.sum(axis=2)]
    for one_of_each in zip_longest(*(_best(audit_section, costs, half, limits, way, now) for way in ways)):
        for candidate in one_of_each:
            if candidate is None or len(picked) == MOST_TRIED:
                continue
            flags = half.of(candidate).sum(axis=2)
            if candidate.way == "band" or not any(np.array_equal(flags, seen_flags) for seen_flags in seen):
                seen.append(flags)
                picked.append(candidate)
    return sorted(picked, key=lambda candidate: ORDER.index(candidate.way))


def _best(
    audit_section: AuditSection, costs: CostsSection | None, half: Half, limits: Limits, way: Measures, now: IntArray
) -> list[Candidate]:
    beyond, *errors = way.measured
    within = np.flatnonzero(beyond <= 0.0)
    if not within.size:
        return []
    orders: list[tuple[FloatArray | IntArray, ...]] = []
    if way.candidates[0].way == "band":
        orders.append((np.array([half.to_people(candidate) for candidate in way.candidates]), beyond))
    elif costs is not None:
        orders.append((costs.cost_missed * errors[0] + costs.cost_flagged * errors[1], beyond))
    else:
        missed = int((half.total - now)[:, POSITIVE].sum())
        holding = [(np.maximum(errors[0] - missed, 0), errors[1], beyond)]
        holding.append((np.maximum(errors[1] - int(now[:, NEGATIVE].sum()), 0), errors[0], beyond))
        orders += reversed(holding) if audit_section.harm == "wrongly_flagged" else holding
    best = [int(within[np.lexsort(tuple(key[within] for key in keys[::-1]))[0]]) for keys in orders]
    for index in within[np.argsort(beyond[within], kind="stable")][:_ROOMY].tolist():
        if way.candidates[0].way == "per_group" and not limits.levelled_down(half, now, half.of(way.candidates[index])):
            best.append(index)
            break
    return [way.candidates[index] for index in dict.fromkeys(best)]
