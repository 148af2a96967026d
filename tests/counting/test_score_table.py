"""The scan of scores: every row in the bin it belongs to, exact sums, and the same counts as the scan of decisions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.scored_rows import LADDERED, Rows, scored_set

from audit.counting.count import count_cases
from audit.counting.score_table import BINS, UNIT, ScoreTable, count_cases_and_scores, score_text
from audit.counting.table import NEAR
from audit.vocabulary.groups import Axis, Family

CODES = {"F": "woman", "woman": "woman", "MAN": "man", None: "unknown", "NA": "NAM", "nam": "NAM", "516": "NAM"}
LABELS = {"1": 0, "0": 1, None: 2}

SCORES = st.one_of(
    st.none(),
    st.floats(0, 1),
    st.integers(0, BINS).map(lambda edge: edge / BINS),
    st.sampled_from([0.5, 0.5 + 9e-7, 0.5 - 9e-7, 0.5 + 2e-6]),
)
GENDERS = st.sampled_from(["F", "woman", "MAN", None])
COUNTRIES = st.sampled_from(["NA", "516", None])
ROWS = st.lists(st.tuples(st.sampled_from(list(LABELS)), GENDERS, COUNTRIES, SCORES), min_size=1, max_size=30)


def by_bin(table: ScoreTable) -> dict[tuple[tuple[str, ...], int, int], list[int]]:
    found: dict[tuple[tuple[str, ...], int, int], list[int]] = {}
    columns = (table.place, table.label, table.bin, table.rows, table.sums, table.squares)
    for place, label, fine, *amounts in zip(*(column.tolist() for column in columns), strict=True):
        total = found.setdefault((table.codes[place], label, fine), [0, 0, 0])
        found[table.codes[place], label, fine] = [a + b for a, b in zip(total, amounts, strict=True)]
    return found


@given(ROWS)
def test_it_is_what_python_counts_row_by_row(rows: Rows) -> None:
    with scored_set(rows) as opened:
        counts, table = count_cases_and_scores(opened, (0.0, 1.0), 0.5)
        alone = count_cases(opened)
    assert (counts.features, counts.codes) == (alone.features, alone.codes)
    assert (counts.cells == alone.cells).all()
    expected: dict[tuple[tuple[str, ...], int, int], list[int]] = {}
    near = dict.fromkeys(table.codes, 0)
    for label, gender, code, score in rows:
        key = CODES[gender], CODES[code]
        fine = BINS if score is None else max(k for k in range(BINS) if score >= k / BINS - 5e-12)
        total = expected.setdefault((key, LABELS[label], fine), [0, 0, 0])
        total[0] += 1
        total[1] += round((score or 0.0) * UNIT)
        total[2] += round((score or 0.0) ** 2 * UNIT)
        near[key] += score is not None and abs(score - 0.5) <= NEAR
    assert by_bin(table) == expected
    assert table.near is not None
    assert dict(zip(table.codes, table.near.tolist(), strict=True)) == near


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 6.0), (-5.0, 5.0), (300.0, 850.0)])
def test_every_edge_is_in_the_bin_that_starts_there_and_the_highest_score_in_the_last(low: float, high: float) -> None:
    rows: Rows = [("1", "F", "NA", edge / BINS) for edge in range(BINS + 1)]
    with scored_set(rows, low, high) as opened:
        table = count_cases_and_scores(opened, (low, high), None)[1]
    counted = np.bincount(table.bin, weights=table.rows, minlength=BINS)
    assert counted.tolist() == [1.0] * (BINS - 1) + [2.0]
    assert table.near is None


def test_scores_in_a_bin_are_cut_and_never_rounded_up() -> None:
    with scored_set([("1", "F", "NA", 0.0049), ("0", "F", "NA", 0.0099)]) as opened:
        table = count_cases_and_scores(opened, (0.0, 1.0), 0.5)[1]
    assert sorted(zip(table.label.tolist(), table.bin.tolist(), strict=True)) == [(0, 0), (1, 1)]


def test_it_does_not_depend_on_threads_or_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(20240412)
    picks = (("1", "0", None), ("F", "MAN", None), ("NA", None))
    rows: Rows = [(*(pick[rng.integers(len(pick))] for pick in picks), score) for score in rng.random(4000).tolist()]
    seen = []
    for threads, order in ((1, rows), (2, rows[::-1]), (8, sorted(rows, key=str))):
        with scored_set(order, threads=threads) as opened:
            seen.append(by_bin(count_cases_and_scores(opened, (0.0, 1.0), 0.5)[1]))
    assert seen[0] == seen[1] == seen[2]


def test_families_add_up_and_have_the_groups_of_the_counts() -> None:
    rng = np.random.default_rng(5)
    picks = (("1", "0", None), ("F", "MAN"), ("NGA", "GHA", "THA", None))
    scores = [None if score < 0.1 else score for score in rng.random(500).tolist()]
    rows: Rows = [(*(pick[rng.integers(len(pick))] for pick in picks), score) for score in scores]  # type: ignore[misc]
    with scored_set(rows, groups=LADDERED) as opened:
        counts, table = count_cases_and_scores(opened, (0.0, 1.0), 0.5)
        features = {feature.name: feature for feature in opened.features}
    axes = [Axis("gender", "level"), Axis("nationality", "m49-subregion")]
    everyone = table.family(Family(()), features)
    assert everyone.groups[0].levels == ()
    for family in (Family(()), Family((axes[0],)), Family((axes[1],)), Family(tuple(axes))):
        found, counted = table.family(family, features), counts.family(family, features)
        assert found.groups == counted.groups
        assert (found.cases.sum(axis=2) + found.unscored == counted.cells.sum(axis=2)).all()
        assert (found.cases.sum(axis=0) == everyone.cases[0]).all()
        assert (found.sums.sum(axis=0) == everyone.sums[0]).all()
        assert (found.squares.sum(axis=0) == everyone.squares[0]).all()
        assert found.near is not None
        assert everyone.near is not None
        assert found.near.sum() == everyone.near[0]
        # at 0.5, the edge of bin 100, the reverse sum is what the decisions were
        assert (found.cases[:, :, 100:].sum(axis=2) == counted.cells[:, :, 0]).all()


def test_a_row_without_a_decision_or_a_lost_row_is_a_defect_and_no_count() -> None:
    with scored_set([("1", "F", "NA", 0.7), ("0", "F", "NA", 0.2)]) as opened:
        opened.connection.execute(
            "CREATE TEMP VIEW undecided AS SELECT * REPLACE (NULLIF(decision, 1) AS decision) FROM scored"
        )
        opened.connection.execute("CREATE TEMP VIEW lost AS SELECT * FROM scored LIMIT 1")
        with pytest.raises(AssertionError, match="1 rows have no decision"):
            count_cases_and_scores(opened, (0.0, 1.0), 0.5, "undecided")
        with pytest.raises(AssertionError, match="2 rows were read and 1 were counted"):
            count_cases_and_scores(opened, (0.0, 1.0), 0.5, "lost")


def test_it_is_one_scan_without_the_ids() -> None:
    query = score_text("scored", ["group_gender"], (0.0, 1.0), 0.5)
    assert query.upper().count("SELECT") == 1
    assert "case_id" not in query
