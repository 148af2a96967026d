"""Names over many releases: McNemar's test against statsmodels, levels by enumeration, a small simulation."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.changes import PLAN, RULES
from scipy.stats import binom, multinomial
from statsmodels.stats.contingency_tables import mcnemar

from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, FamilyCounts, rule_families
from audit.plan.file.plan_file import parse_plan
from audit.stats.multiplicity import FamilyRejections
from audit.stats.pairs import level_among_testable, name_in_series, name_paired, not_worse_p, screened_paired_p
from audit.verdicts.changes.judge import Evidence, change_tests
from audit.verdicts.side_tests import budgets_of_versions
from audit.vocabulary.groups import Group, Level
from tools.simulate.lineages import (
    GROUPS,
    REFERENCE,
    Compared,
    drifting,
    line,
    single,
    steady,
    two_bars,
    two_bars_moved,
)

BETA = 1e-6


@pytest.mark.parametrize(("lost", "gained"), [(3, 0), (10, 3), (33, 3), (5, 5), (2, 40), (0, 4)])
def test_the_test_of_no_worse_at_all_is_that_of_mcnemar(lost: int, gained: int) -> None:
    """Of two sides, the smaller one is half of theirs; the larger is what is left beyond the other tail."""
    both_sides = float(mcnemar([[0, lost], [gained, 0]], exact=True).pvalue)
    beyond = 1.0 - both_sides / 2.0 + float(binom.pmf(lost, lost + gained, 0.5))
    own = float(not_worse_p([lost], [gained])[0])
    assert own == pytest.approx(both_sides / 2.0 if lost > gained else beyond if lost < gained else own, rel=1e-12)
    assert own == pytest.approx(float(binom.sf(lost - 1, lost + gained, 0.5)), rel=1e-12)


def test_where_nothing_differs_nothing_is_worse() -> None:
    assert not_worse_p([0], [0]).tolist() == [1.0]


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_case_that_may_be_lost_or_not_is_never_held_against_the_new_model(lost: int, gained: int) -> None:
    """A case without an answer counts as kept or gained, whatever it would have been."""
    p = (
        not_worse_p([lost + 1] * 4, [gained] * 4),
        not_worse_p([lost, lost, lost + 1, lost + 1], [gained, gained + 1] * 2),
    )
    assert (p[1] >= p[0] - 1e-12).all()


def tables(n: int, lost: float, gained: float) -> list[tuple[int, int, float]]:
    cells = [(b, c) for b, c in product(range(n + 1), repeat=2) if b + c <= n]
    shares = [lost, gained, 1.0 - lost - gained]
    return [(b, c, float(multinomial.pmf([b, c, n - b - c], n, shares))) for b, c in cells]


@pytest.mark.parametrize("differ", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_no_share_of_differing_cases_lets_a_family_err_more_often_than_its_level(differ: float, level: float) -> None:
    """Three groups of 4, 6 and 8 cases that gained as much as they lost: every table, with its chance."""
    groups = [tables(n, differ / 2.0, differ / 2.0) for n in (4, 6, 8)]
    p = {(b, c): float(not_worse_p([b], [c])[0]) for group in groups for b, c, _ in group}
    levels = {}
    wrong = 0.0
    for family in product(*groups):
        differing = tuple(b + c for b, c, _ in family)
        if differing not in levels:
            levels[differing] = level_among_testable(differing, level)
        if any(p[b, c] <= levels[differing] for b, c, _ in family):
            wrong += float(np.prod([chance for *_, chance in family]))
    assert 0.0 < wrong <= level


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.floats(1e-5, 0.2), st.integers(0, 39))
def test_the_level_is_tarones_and_a_case_more_never_raises_it(differing: list[int], level: float, place: int) -> None:
    given_level = level_among_testable(differing, level)
    k = round(level / given_level)
    testable = [sum(0.5**t <= level / number for t in differing) for number in range(1, k + 1)]
    assert testable[-1] <= k
    assert all(count > number for number, count in enumerate(testable[:-1], start=1)), "the smallest of them"
    more = list(differing)
    more[place % len(more)] += 1
    assert level_among_testable(more, level) <= given_level


def test_small_groups_cost_the_large_one_nothing() -> None:
    assert level_among_testable([40, *[3] * 200], 0.01) == 0.01
    assert level_among_testable([40] * 5, 0.01) == pytest.approx(0.002)


def paired(lost: list[int], gained: list[int], n: list[int], margin: float, level: float) -> FamilyRejections:
    p = screened_paired_p(lost, gained, n, margin, "worse", BETA)
    return name_paired(p, lost, gained, n, margin, level, BETA, independent=True)


def test_a_name_needs_both_bars() -> None:
    """With a margin of a tenth of a point, thirty lost and ten gained are beyond it, and may be noise in forty."""
    lost, gained, n = [30, 60, 0], [10, 0, 0], [1_000, 1_000, 1_000]
    alone = paired(lost, gained, n, 0.001, 0.018)
    assert alone.rejected.tolist() == [True, True, False]
    differing = [40, 60, 0]
    one, many = (
        name_in_series(alone, lost, gained, differing, 0.018, comparisons, independent=True) for comparisons in (1, 40)
    )
    assert (one.rejected.tolist(), many.rejected.tolist()) == ([True, True, False], [False, True, False])
    assert many.local_level[0] == 0.0 < many.local_level[1] == alone.local_level[1]


def test_cases_without_an_answer_count_among_those_that_can_differ() -> None:
    """An unscored case may have been lost: it takes from the level of all, and gives nobody a name."""
    lost, gained, n = [13, 0], [0, 0], [200, 200]
    alone = paired(lost, gained, n, 0.01, 0.018)
    known, unknown = (
        name_in_series(alone, lost, gained, differing, 0.018, 100, independent=True)
        for differing in ([13, 0], [13, 40])
    )
    assert (known.rejected.tolist(), unknown.rejected.tolist()) == ([True, False], [False, False])


def test_where_groups_share_cases_all_of_them_divide_the_level() -> None:
    """Twelve lost of twelve have 2^-12: enough for a share of .01 alone, and not for one of three."""
    lost, gained = [12, 1, 1], [0, 0, 0]
    alone = FamilyRejections(np.array([True, False, False]), np.full(3, 0.01))
    apart, shared = (
        name_in_series(alone, lost, gained, lost, 0.01, 20, independent=independent) for independent in (True, False)
    )
    assert (apart.rejected[0], shared.rejected[0]) == (True, False)


def test_comparisons_are_counted_from_one() -> None:
    nothing = FamilyRejections(np.zeros(1, dtype=np.bool_), np.zeros(1))
    with pytest.raises(ValueError, match="at least 1"):
        name_in_series(nothing, [0], [0], [0], 0.05, 0, independent=True)


def test_lines_of_releases_err_rarely_and_a_drift_is_found_nearly_as_soon_as_by_a_single_test() -> None:
    rng = np.random.default_rng(57)
    drawn = line(rng, 30, 200, steady("unchanged", 200, 0.02), 0.5)
    same = Compared.of(drawn.lost, drawn.gained, 200, 0.02)
    assert single(same, 0.018).any(axis=(1, 2)).mean() > two_bars(same, 0.018).any(axis=(1, 2)).mean() <= 0.05
    drawn = line(rng, 30, 300, drifting(8), 0.06)
    worse = Compared.of(drawn.lost, drawn.gained, 300, 0.05)
    soon = [way(worse, 0.018)[:, 5, 0].mean() for way in (single, two_bars)]
    assert soon[0] >= soon[1] >= 0.75


@pytest.mark.parametrize("margin", [0.05, 0.02])
@pytest.mark.parametrize("with_first", [True, False])
def test_verdicts_name_the_groups_that_the_simulation_names(margin: float, with_first: bool) -> None:
    """What the simulation measures is what a comparison of a plan with 40 releases says."""
    regions = tuple(Group((Level("region", "level", f"{index}"),)) for index in range(GROUPS))
    plan = parse_plan(
        PLAN.format(version=1, section="", rules=RULES.replace('["gender", "region"]', '["region"]'))
        + f"[verdict]\nreleases = 40\n[baseline]\nregression_margin = {margin}\n",
        folder=Path(),
    ).plan
    size = 300
    drawn = line(np.random.default_rng(5), 6, size, drifting(8), 0.06)
    compared = Compared.of(drawn.lost, drawn.gained, size, margin)
    expected = two_bars(compared, REFERENCE) if with_first else two_bars_moved(compared, REFERENCE)
    assert expected.any()
    budget = budgets_of_versions(plan.verdict, with_first=with_first)[0]
    (rule,) = plan.named_rules
    for run, release in np.ndindex(*expected.shape[:2]):
        lost, gained = drawn.lost[run, release], drawn.gained[run, release]
        pairs = np.zeros((GROUPS, 3, 4, 4), dtype=np.int64)
        pairs[:, POSITIVE, FLAGGED, NOT_FLAGGED], pairs[:, POSITIVE, NOT_FLAGGED, FLAGGED] = lost, gained
        pairs[:, POSITIVE, FLAGGED, FLAGGED] = size - lost - gained
        (family,) = rule_families(plan.groups, rule)
        then, now = (FamilyCounts(family, regions, pairs.sum(axis=axis), pairs.sum(axis=(0, axis))) for axis in (3, 2))
        every = np.ones(GROUPS, dtype=np.bool_)
        tests = change_tests(plan, rule, {family: Evidence(then, now, pairs)}, {family: every}, {family: every}, budget)
        assert tests[family].groups.beyond.tolist() == expected[run, release].tolist()
