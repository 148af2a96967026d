"""Ranks of scores: the AUC is that of scikit-learn whatever scores look like; steps say what they may have moved."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from made.scored_rows import Rows, scored_set
from sklearn.metrics import roc_auc_score

from audit.counting import score_table
from audit.counting.count import FinestGroups
from audit.counting.score_table import ScoreRanks, ScoreTable, count_cases_and_scores, count_score_ranks, scores_at
from audit.engines.duckdb import DuckDBEngine
from audit.evaluation.evaluation_set import EvaluationSet
from audit.stats.arrays import FloatArray
from audit.stats.auc import MOST_BINNING, Auc, auc, count_pairs
from audit.vocabulary.groups import Axis, Family

ROWS = 3000
FAMILIES = (Family(()), Family((Axis("gender", "level"),)), Family((Axis("nationality", "country"),)))


def shapes() -> dict[str, tuple[FloatArray, FloatArray]]:
    """Scores of ten shapes, with labels (1 or 0) that go with them."""
    rng = np.random.default_rng(11)
    label = (rng.random(ROWS) < 0.3).astype(np.float64)
    logit = rng.normal(1.9 * label, 1.0)
    share = 1.0 / (1.0 + np.exp(0.95 - logit))
    softmax = np.exp(np.stack([8.0 * logit, np.zeros(ROWS)]).astype(np.float32))
    near_half = np.nextafter(np.full(ROWS, 0.5), 1.0)
    near_half[logit > 1.5] = 0.5 + 2.0**-51
    near_half[logit < 0.3] = 0.5
    scores = {
        "spread over 0 to 1": share,
        "0 to .004": share * 0.004,
        ".999 to 1": 0.999 + share * 0.001,
        "rare events": 1.0 / (1.0 + np.exp(9.0 - 2.0 * logit)),
        "softmax in float32": (softmax[0] / softmax.sum(axis=0)).astype(np.float64),
        "two decimals": np.round(share, 2),
        "deciles": np.floor(share * 10) / 10,
        "constant": np.full(ROWS, 0.25),
        "a third exactly 0": np.where(share < 0.2, 0.0, share),
        "three doubles in a row": near_half,
    }
    return {name: (score, label) for name, score in scores.items()}


SHAPES = shapes()


def rows_of(score: FloatArray, label: FloatArray) -> Rows:
    rng = np.random.default_rng(12)
    found: Rows = [
        (str(int(one)), str(rng.choice(["F", "MAN"])), str(rng.choice(["NA", "GHA", "THA"])), value)
        for value, one in zip(score.tolist(), label.tolist(), strict=True)
    ]
    # neither rows without a label nor rows without a score are ranked
    return [*found, (None, "F", "NA", 0.9), ("1", "MAN", "GHA", None), (None, None, None, None)]


def counted(opened: EvaluationSet) -> ScoreTable:
    return count_cases_and_scores(opened, (0.0, 1.0), 0.5)[1]


def by_group(table: ScoreTable, opened: EvaluationSet) -> list[tuple[str, Auc, int]]:
    """Every AUC of the families, and those against the rest: a name, AUCs, and the place of the group in them."""
    features = {feature.name: feature for feature in opened.features}
    found = []
    for family in FAMILIES:
        cases, groups = table.ranked(family, features), table.family(family, features).groups
        for kind, pairs in zip(("own", "found", "cleared"), count_pairs(cases)[:3], strict=True):
            values = auc(pairs)
            found += [
                (f"{kind} {'/'.join(level.code for level in group.levels)}", values, place)
                for place, group in enumerate(groups)
            ]
    return found


def by_scikit_learn(rows: Rows) -> dict[str, float]:
    codes = {"F": "woman", "MAN": "man", "NA": "NAM"}
    known = [(label, gender, code, score) for label, gender, code, score in rows if label and score is not None]
    label, score = np.array([int(row[0] or 0) for row in known]), np.array([row[3] for row in known])
    found = {"own ": float(roc_auc_score(label, score))}
    for column in (1, 2):
        of_row = np.array([codes.get(str(row[column]), str(row[column])) for row in known])
        for code in sorted(set(of_row)):
            own = of_row == code
            for kind, positives, negatives in (("own", own, own), ("found", own, ~own), ("cleared", ~own, own)):
                paired = np.where(label == 1, positives, negatives)
                found[f"{kind} {code}"] = float(roc_auc_score(label[paired], score[paired]))
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_that_of_scikit_learn(shape: str) -> None:
    rows = rows_of(*SHAPES[shape])
    expected = by_scikit_learn(rows)
    with scored_set(rows) as opened:
        found = {name: (values, place) for name, values, place in by_group(counted(opened), opened)}
    for name, value in expected.items():
        values, place = found[name]
        assert values.value[place] == pytest.approx(value, rel=0, abs=1e-12)
        assert values.binning[place] == 0.0
    assert all(np.isnan(values.value[place]) for name, (values, place) in found.items() if name not in expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_are_off_by_no_more_than_they_say(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_table, "MOST_RANKED", ROWS - 1)
    monkeypatch.setattr(score_table, "STEPS", 300)
    rows = rows_of(*SHAPES[shape])
    expected = by_scikit_learn(rows)
    with scored_set(rows) as opened:
        table = counted(opened)
        found = {name: (values, place) for name, values, place in by_group(table, opened)}
    assert table.ranks.binned.size <= 2 * 300
    for name, value in expected.items():
        values, place = found[name]
        assert abs(values.value[place] - value) <= values.binning[place] + 1e-12
        assert values.binning[place] <= MOST_BINNING
        if shape in ("two decimals", "deciles", "constant", "three doubles in a row"):
            assert values.value[place] == pytest.approx(value, rel=0, abs=1e-12)
            assert values.binning[place] == 0.0


def test_a_step_holds_no_more_than_its_part_of_the_rows_and_edges_are_those_of_quantile_disc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(score_table, "MOST_RANKED", 0)
    monkeypatch.setattr(score_table, "STEPS", 10)
    rows = rows_of(*SHAPES["a third exactly 0"])
    with scored_set(rows) as opened:
        ranks = counted(opened).ranks
        (quantiles,) = opened.connection.execute(
            "SELECT quantile_disc(score, [.1, .2, .3, .4, .5, .6, .7, .8, .9, 1.0]) FROM scored"
            " WHERE label IS NOT NULL AND score IS NOT NULL"
        ).fetchone() or ([],)
    size = np.bincount(ranks.rank, ranks.positives + ranks.negatives, ranks.binned.size)
    assert 0 < size[ranks.binned].max() < ROWS / 10
    assert size.max() > ROWS / 5  # the zeros are a tie of scores
    score = np.array([row[3] for row in rows if row[0] and row[3] is not None])
    assert sorted(size[~ranks.binned]) == sorted((score == edge).sum() for edge in set(quantiles))


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_at_places_are_those_of_all_rows_in_order_however_they_come_in_pieces(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_table, "PIECE", 100)
    monkeypatch.setattr(score_table, "KEPT", 7)
    score = np.repeat(SHAPES[shape][0], 4)
    with DuckDBEngine() as engine:
        engine.register("scored", pa.table({"label": np.zeros(score.size), "score": score}))
        with engine.sql("SELECT score FROM scored").to_arrow_reader(100) as reader:
            assert sum(1 for _ in reader) > 4
        assert scores_at(engine, "scored", np.arange(1, score.size, 97)).tolist() == np.sort(score)[:-1:97].tolist()


@pytest.mark.parametrize("most", [0, 2_000_000])
def test_it_does_not_depend_on_threads_or_on_the_order_of_rows(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_table, "MOST_RANKED", most)
    monkeypatch.setattr(score_table, "STEPS", 40)
    rows = rows_of(*SHAPES["two decimals"])
    seen = set()
    for threads, order in ((1, rows), (2, rows[::-1]), (8, sorted(rows, key=str))):
        with scored_set(order, threads=threads) as opened:
            found = by_group(counted(opened), opened)
        seen.add(b"".join(array[place].tobytes() for _, values, place in found for array in values_of(values)))
    assert len(seen) == 1


def values_of(values: Auc) -> list[FloatArray]:
    return [getattr(values, name) for name in Auc.__slots__]


@pytest.mark.parametrize("most", [0, 10])
@pytest.mark.parametrize("rows", [1, 3])
def test_rows_that_come_or_go_are_a_defect_and_no_rank(rows: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_table, "MOST_RANKED", most)
    with scored_set([("0", "F", "NA", 0.9), ("1", "MAN", "GHA", 0.5)]) as opened:
        line = opened.connection.sql("SELECT group_gender, group_nationality FROM scored").to_arrow_table()
        finest, _ = FinestGroups.of(line, opened.codes)
        with pytest.raises(AssertionError, match="another number is ranked"):
            count_score_ranks(opened.engine, "scored", finest, rows, (0.0, 1.0))


@pytest.mark.parametrize("most", [0, 10])
def test_no_labelled_row_with_a_score_has_no_rank(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_table, "MOST_RANKED", most)
    with scored_set([(None, "F", "NA", 0.9), ("1", "MAN", "GHA", None)]) as opened:
        ranks: ScoreRanks = counted(opened).ranks
    assert ranks.rank.size == ranks.binned.size == 0
