"""The subset scan on counts: its score, the best values of one attribute, and the search against all subsets."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.subset_scan import (
    SEVERITIES,
    Corners,
    SubsetSearch,
    bernoulli_score,
    best_values,
    random_starts,
    two_blocks,
)


@given(st.integers(1, 500), st.data(), st.floats(0.02, 0.98))
def test_the_score_is_the_largest_likelihood_ratio_over_all_severities(n: int, data: st.DataObject, p: float) -> None:
    h = data.draw(st.integers(0, n))
    found = minimize_scalar(
        lambda t: -(h * t - n * np.log1p(p * np.expm1(t))),
        bounds=(0.0, 40.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert float(bernoulli_score(h, n, p)) == pytest.approx(max(0.0, -found.fun), abs=1e-5)


def test_nothing_counted_and_less_than_expected_score_nothing() -> None:
    assert bernoulli_score([0, 3, 2, 0], [0, 10, 10, 7], 0.3).tolist() == [0.0, 0.0, 0.0, 0.0]
    assert float(bernoulli_score(5, 5, 0.2)) == pytest.approx(5 * np.log(5))


VALUES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=7
)


def best_of_all(harmed: FloatArray, cases: FloatArray, p: float, penalty: float) -> float:
    best = float(bernoulli_score(harmed.sum(), cases.sum(), p))
    for mask in product((False, True), repeat=len(harmed)):
        inside = np.array(mask)
        score = float(bernoulli_score(harmed[inside].sum(), cases[inside].sum(), p)) - penalty * inside.sum()
        best = max(best, score)
    return best


def best_of_the_grid(harmed: FloatArray, cases: FloatArray, p: float, penalty: float) -> float:
    """The most that any subset scores at one of the severities tried, all subsets and severities one by one."""
    best = float(bernoulli_score(harmed.sum(), cases.sum(), p))
    for mask, theta in product(product((False, True), repeat=len(harmed)), SEVERITIES.tolist()):
        inside = np.array(mask)
        likelihood = harmed[inside].sum() * theta - cases[inside].sum() * math.log1p(p * math.expm1(theta))
        best = max(best, likelihood - penalty * inside.sum())
    return best


@given(VALUES, st.floats(0.05, 0.8), st.sampled_from([0.0, 0.3, 1.0, 3.0]))
@example([(0, 1), (11, 28), (13, 35), (43, 57)], 0.15625, 0.0)
def test_the_best_values_of_an_attribute_are_the_best_of_all_its_subsets(
    values: list[tuple[int, int]], p: float, penalty: float
) -> None:
    harmed, cases = np.array(values, dtype=np.float64).T
    (mask,), (score,) = (of.T for of in best_values(harmed[:, None], cases[:, None], np.array([p]), penalty))
    best = best_of_all(harmed, cases, p, penalty)
    assert score <= best + 1e-9
    # Severities are tried on a grid, so that two subsets of almost one score may be taken for each other.
    assert score >= best_of_the_grid(harmed, cases, p, penalty) - 1e-9
    assert score >= best - 0.02 - 0.01 * best
    named = 0 if mask.all() else int(mask.sum())
    own = float(bernoulli_score(harmed[mask].sum(), cases[mask].sum(), p)) - penalty * named
    assert own == pytest.approx(score, abs=1e-9) or mask.all()


def random_table(rng: np.random.Generator, levels: tuple[int, ...], rows: int) -> tuple[IntArray, IntArray, IntArray]:
    codes = np.stack([rng.integers(0, count, rows) for count in levels], axis=1)
    distinct, place = np.unique(codes, axis=0, return_inverse=True)
    harmed = rng.random(rows) < rng.uniform(0.1, 0.6)
    return distinct, np.bincount(place), np.bincount(place, harmed).astype(np.int64)


def subset_score(
    codes: IntArray, cases: IntArray, harmed: IntArray, chosen: tuple[BoolArray, ...], penalty: float
) -> float:
    inside = np.ones(len(codes), dtype=np.bool_)
    named = 0
    for column, mask in enumerate(chosen):
        inside &= mask[codes[:, column]]
        named += 0 if mask.all() else int(mask.sum())
    return (
        float(bernoulli_score(harmed[inside].sum(), cases[inside].sum(), harmed.sum() / cases.sum())) - penalty * named
    )


def subsets_of(count: int) -> list[BoolArray]:
    return [np.array(mask) for mask in product((False, True), repeat=count) if any(mask)]


def test_the_search_finds_the_best_of_all_subsets_of_small_tables() -> None:
    rng = np.random.default_rng(11)
    levels, hits = (3, 4, 2), 0
    for _ in range(40):
        codes, cases, harmed = random_table(rng, levels, 150)
        search = SubsetSearch(codes, levels, cases, 1.0)
        found = search.search(harmed[None], random_starts(levels, 16, rng))
        chosen = tuple(mask[0] for mask in found.chosen)
        best = max(
            subset_score(codes, cases, harmed, subset, 1.0) for subset in product(*(subsets_of(n) for n in levels))
        )
        assert float(found.score[0]) == pytest.approx(subset_score(codes, cases, harmed, chosen, 1.0), abs=1e-9)
        assert found.score[0] <= best + 1e-9
        hits += bool(found.score[0] >= best - 1e-6)
    assert hits >= 38


@pytest.mark.parametrize("levels", [(5,), (3, 4), (30, 40, 3, 2), (2, 3, 2, 2, 2)])
def test_many_data_sets_are_searched_like_each_by_itself(levels: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    codes, cases, harmed = random_table(rng, levels, 400)
    search = SubsetSearch(codes, levels, cases, 0.5)
    drawn = rng.multivariate_hypergeometric(cases, int(harmed.sum()), size=6)
    starts = random_starts(levels, 5, rng)
    together = search.search(drawn, starts)
    for place, single in enumerate(drawn):
        alone = search.search(single[None], starts)
        assert alone.score[0] == together.score[place]
        for one, all_of in zip(alone.chosen, together.chosen, strict=True):
            assert (one[0] == all_of[place]).all()


def test_sums_are_the_same_by_matrices_one_by_one_and_beyond_what_two_counts_in_a_float_hold() -> None:
    rng = np.random.default_rng(8)
    levels = (12, 15, 3)
    codes, cases, harmed = random_table(rng, levels, 300)
    sparse = SubsetSearch(codes, levels, cases, 1.0)
    full = np.stack(np.unravel_index(np.arange(540), levels), axis=1)
    dense_cases, dense_harmed = np.ones(540, dtype=np.int64), np.zeros(540, dtype=np.int64)
    at = np.ravel_multi_index(tuple(codes.T), levels)
    dense_cases[at], dense_harmed[at] = cases, harmed
    for table_codes, of, hit in ((codes, cases, harmed), (full, dense_cases, dense_harmed)):
        for scale in (1, 10**6):
            search = SubsetSearch(table_codes, levels, of * scale, 1.0)
            mine, other = search.blocks
            held = rng.random((len(other.codes), 4)) < 0.5
            sums, totals = search.unpack(search.contract(hit[None] * scale, 0, held, np.zeros(4, dtype=np.int64)))
            for row in range(4):
                inside = held[:, row][other.place]
                assert (sums[:, row] == np.bincount(mine.place, hit * scale * inside, len(mine.codes))).all()
                assert (totals[:, row] == np.bincount(mine.place, of * scale * inside, len(mine.codes))).all()
    assert sparse.widest >= 12


def test_a_planted_corner_is_found_exactly() -> None:
    rng = np.random.default_rng(21)
    levels = (60, 3, 5, 4)
    codes = np.stack(np.unravel_index(np.arange(3600), levels), axis=1)
    cases = rng.poisson(20, 3600) + 1
    corner = (codes[:, 0] == 17) & (codes[:, 1] == 1) & (codes[:, 2] == 4)
    harmed = rng.binomial(cases, np.where(corner, 0.7, 0.2))
    found = SubsetSearch(codes, levels, cases, 1.0).search(harmed[None], random_starts(levels, 16, rng))
    named = [np.flatnonzero(mask[0]).tolist() for mask in found.chosen]
    assert named == [[17], [1], [4], [0, 1, 2, 3]]


def test_everybody_worse_alike_names_nobody() -> None:
    codes = np.stack(np.unravel_index(np.arange(12), (3, 4)), axis=1)
    found = SubsetSearch(codes, (3, 4), np.full(12, 100), 1.0).search(
        np.full((1, 12), 30), random_starts((3, 4), 4, np.random.default_rng(0))
    )
    assert found.score[0] == 0.0
    assert all(mask.all() for mask in found.chosen)


def test_corners_of_many_attributes_are_bounded_and_of_one_attribute_is_its_value() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 2, (80, 14))
    corners = Corners(codes, [2] * 14, np.ones(80), 1.0)
    assert len(corners.margins) == 64
    assert corners.starts(rng.integers(0, 2, (1, 80)), np.array([0.5]))[0].shape == (1, corners.kept, 2) == (1, 12, 2)
    (single,) = Corners(np.arange(4)[:, None], [4], np.full(4, 50.0), 1.0).starts(
        np.array([[5, 30, 5, 5]]), np.array([0.2])
    )
    assert single.tolist() == [[[False, True, False, False]]]


def test_corners_of_many_sets_are_those_of_each_also_where_a_margin_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    codes, harmed = rng.integers(0, 3, (60, 3)), rng.integers(0, 4, (9, 60))
    corners = Corners(codes, [3] * 3, np.full(60, 5.0), 0.5)
    rates = harmed.sum(axis=1) / 300.0
    together = corners.starts(harmed, rates)
    alone = [corners.starts(harmed[at : at + 1], rates[at : at + 1]) for at in range(9)]
    monkeypatch.setattr("audit.stats.subset_scan._LARGEST_MARGIN", 60)
    for attribute, masks in enumerate(together):
        assert np.array_equal(masks, np.concatenate([masks_of[attribute] for masks_of in alone]))
        assert np.array_equal(masks, corners.starts(harmed, rates)[attribute])


def test_blocks_share_the_attributes_out() -> None:
    assert (
        two_blocks((200, 3, 5, 6, 5, 8)) == ((0, 2), (1, 3, 4, 5))
        or sum(map(len, two_blocks((200, 3, 5, 6, 5, 8)))) == 6
    )
    assert two_blocks((7,)) == ((0,), ())


@pytest.mark.parametrize(
    ("codes", "levels", "cases"),
    [
        (np.zeros((0, 1), dtype=np.int64), [2], np.zeros(0, dtype=np.int64)),
        (np.zeros((2, 1), dtype=np.int64), [2, 2], np.ones(2, dtype=np.int64)),
        (np.zeros((2, 1), dtype=np.int64), [2], np.array([1, 0])),
    ],
)
def test_impossible_tables_are_refused(codes: IntArray, levels: list[int], cases: IntArray) -> None:
    with pytest.raises(ValueError, match="scan"):
        SubsetSearch(codes, levels, cases, 1.0)
