"""What `check` says of a set itself: on sets with one flaw each, and numbers against scikit-learn and scipy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from audit.cli.console.terminal import Style
from audit.cli.pages.check_summary import check_summary
from audit.counting.set_columns import ColumnLabels
from audit.plan.audit_plan import AuditPlan
from audit.planning.check import CheckReport, check_plan
from audit.planning.set_review import LEAK_AUC, SetReview, revealing_columns, uneven_empty_cells

ROWS = 600
PLAIN = Style(colour=False)


def columns(seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, ROWS)
    return {
        "id": [f"c{n}" for n in range(ROWS)],
        "label": [str(one) for one in label],
        "sex": rng.choice(["woman", "man"], ROWS).tolist(),
        "age": rng.integers(18, 70, ROWS).tolist(),
        "note": [f"words of case {n} alone" for n in range(ROWS)],
        "form": rng.choice(["home", "farm", "site"], ROWS).tolist(),
        "score": rng.random(ROWS).tolist(),
    }


def plan(**section: Any) -> AuditPlan:
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "t", "owner": "o", "use": "hotline-triage", "route": "services"},
            "detector": section.pop("detector", {"kind": "predictions", "score": "score", "threshold": 0.5}),
            "evaluation_set": {"id": "id", "label": "label", "label_source": "made up", **section},
            "groups": {"sex": {"column": "sex"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}],
        }
    )


def checked(table: dict[str, Any], **section: Any) -> CheckReport:
    return check_plan(plan(**section), pa.table(table))


def review(table: dict[str, Any], **section: Any) -> SetReview:
    found = checked(table, **section).review
    assert found is not None
    return found


def shown(table: dict[str, Any], **section: Any) -> str:
    lines = check_summary(checked(table, **section), PLAIN).splitlines()
    of_the_set = lines[lines.index("The set itself") :]
    of_the_set = of_the_set[: of_the_set.index("")]
    assert max(map(len, of_the_set)) <= 80
    return " ".join(" ".join(of_the_set).split())


def test_a_set_without_a_flaw_is_told_so() -> None:
    found = review(columns())
    assert (found.revealed_by, found.one_label, found.empty_cells, found.repeats, found.left_out) == (
        (),
        (),
        (),
        None,
        (),
    )
    assert "Nothing conspicuous was found in its columns" in shown(columns())


@pytest.mark.parametrize("copied", ["text", "number", "reversed", "nearly"])
def test_a_column_that_is_the_label_is_a_leak(copied: str) -> None:
    table = columns()
    label = np.array([int(one) for one in table["label"]])
    table["outcome"] = {
        "text": np.where(label == 1, "confirmed", "closed").tolist(),
        "number": (label * 3.5).tolist(),
        "reversed": (-label - np.arange(ROWS) / 1e4).tolist(),
        "nearly": [None, *(label * 1.0 + np.arange(ROWS) / 1e4)[1:].tolist()],
    }[copied]
    (leak,) = review(table).revealed_by
    assert (leak.column, leak.kind, leak.given) == ("outcome", "leak", False)
    assert leak.auc > LEAK_AUC
    assert '"outcome" is as good as the label' in shown(table)


def test_a_leak_that_the_detector_is_given_says_so() -> None:
    table = columns()
    table["outcome"] = [float(one) for one in table["label"]]
    detector = {"kind": "python", "entry": "detector:score", "features": ["age", "outcome"], "threshold": 0.5}
    (leak,) = review(table, detector=detector).revealed_by
    assert leak.given
    assert "and the detector is given it: it may be a copy of the answer" in shown(table, detector=detector)


def test_ids_and_free_texts_tell_nothing() -> None:
    """Every value occurs once: without the row itself nothing is left to tell by."""
    assert revealing_columns({"note": ColumnLabels({(1, 0): 300, (0, 1): 300}, None)}, ()) == ()


def test_a_source_that_goes_with_the_label_is_mixed_with_it() -> None:
    table = columns()
    rng = np.random.default_rng(3)
    hotline = np.where(np.array(table["label"]) == "1", rng.random(ROWS) < 0.95, rng.random(ROWS) < 0.05)
    table["source"] = np.where(hotline, "hotline", "police").tolist()
    (mixed,) = review(table).revealed_by
    assert (mixed.column, mixed.kind) == ("source", "mixed")
    assert '"source" and the label go together' in shown(table)


def test_groups_of_one_label_are_named() -> None:
    table = columns()
    table["label"] = ["1" if sex == "woman" else one for one, sex in zip(table["label"], table["sex"], strict=True)]
    (one,) = review(table).one_label
    assert [group.levels[0].code for group in one.without_others] == ["woman"]
    assert one.without_cases == ()
    assert "sex: 1 with nothing but exploitation: sex = woman" in shown(table)


def test_cells_that_are_empty_in_one_group_are_told() -> None:
    table = columns()
    sexes = enumerate(table["sex"])
    table["age"] = [None if sex == "woman" and n % 2 else table["age"][n] for n, sex in sexes]
    (empty,) = [found for found in review(table).empty_cells if found.column == "age"]
    assert (empty.feature, empty.most[0], empty.least[:2]) == ("sex", "woman", ("man", 0))
    assert '"age" is empty in' in shown(table)


def test_labels_that_are_missing_in_one_group_are_told() -> None:
    table = columns()
    sexes = enumerate(table["sex"])
    table["label"] = [None if sex == "man" and n % 3 else table["label"][n] for n, sex in sexes]
    assert any(found.column is None and found.most[0] == "man" for found in review(table).empty_cells)
    assert "The label is empty in" in shown(table)


def test_rows_that_repeat_another_are_counted() -> None:
    table = columns()
    for name in ("age", "note", "form"):
        table[name][10] = table[name][20] = table[name][0]
    table["note"][10] = "  WORDS of  case 0 alone"
    table["sex"][10] = table["sex"][20] = table["sex"][0]
    table["label"][0], table["label"][10], table["label"][20] = "1", "0", "1"
    table["advertiser"] = [f"a{n // 2}" for n in range(ROWS)]
    found = review(table, cluster="advertiser").repeats
    assert found is not None
    assert (found.rows, found.distinct, found.across_clusters, found.contradicted) == (2, ROWS - 2, 2, 1)
    text = shown(table, cluster="advertiser")
    assert "2 rows repeat another in" in text
    assert "2 of them in other clusters; 1 set of equal rows has both labels" in text


def test_few_categories_alone_are_no_repeats() -> None:
    table = columns()
    del table["note"], table["age"]
    assert review(table).repeats is None


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_are_read_with_all_their_columns(tmp_path: Path, kind: str) -> None:
    table = columns()
    table["outcome"] = [float(one) for one in table["label"]]
    made = pa.table(table)
    path = tmp_path / f"set.{kind}"
    if kind == "csv":
        pa.csv.write_csv(made, path)
    else:
        pq.write_table(made, path)
    found = check_plan(plan(path=str(path)), folder=tmp_path).review
    assert found is not None
    assert [one.column for one in found.revealed_by] == ["outcome"]


def test_columns_of_lists_are_said_to_be_left_out() -> None:
    table = columns()
    table["flags"] = [["a"]] * ROWS
    assert review(table).left_out == ("flags",)
    assert 'Not looked at: 1 column ("flags")' in shown(table)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 1)), min_size=20, max_size=80))
def test_the_order_of_numbers_is_the_auc_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    label = [one for _, one in rows]
    if not 5 <= sum(label) <= len(label) - 5:
        return
    table = {key: [values[n % ROWS] for n in range(len(rows))] for key, values in columns().items()}
    table |= {"id": [str(n) for n in range(len(rows))], "label": [str(one) for one in label]}
    from audit.counting.set_columns import column_labels
    from audit.evaluation.evaluation_set import open_evaluation_set

    table["number"] = [number for number, _ in rows]
    asked = plan(numbers=["number"])
    with open_evaluation_set(asked, Path(), pa.table(table)) as opened:
        order = column_labels(opened, opened.source, "number").order
    assert order is not None
    positive, negative, twice = order
    assert (positive, negative) == (sum(label), len(label) - sum(label))
    assert twice / (2 * positive * negative) == pytest.approx(roc_auc_score(label, [number for number, _ in rows]))


def by_every_pair(values: list[tuple[int, int]]) -> float:
    """Leave out each pair, and compare the shares of exploitation that are left of the values of its two rows."""
    positive, negative = (sum(of) for of in zip(*values, strict=True))
    wins = 0.0
    for u, (p, n) in enumerate(values):
        for v, (q, k) in enumerate(values):
            if u == v:
                wins += p * n / 2
            elif p and k:
                base = (positive - 1) / (positive + negative - 2)
                won = (p - 1) / (p + n - 1) if p + n > 1 else base
                lost = q / (q + k - 1) if q + k > 1 else base
                wins += p * k * ((won > lost) + (won == lost) / 2)
    return float(wins / (positive * negative))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(any), min_size=2, max_size=12))
def test_values_tell_by_the_rows_outside_each_pair(values: list[tuple[int, int]]) -> None:
    positive, negative = (sum(of) for of in zip(*values, strict=True))
    if positive < 5 or negative < 5:
        return
    expected = by_every_pair(values)
    found = revealing_columns({"c": ColumnLabels(Counter(values), None)}, ())
    if expected >= 0.8:
        assert found[0].auc == pytest.approx(expected)
    else:
        assert found == ()


def test_a_text_tells_as_much_as_the_same_column_in_numbers() -> None:
    """Rows of one value count one half each way, as for scikit-learn: that of two values was .15 too low."""
    for hits, others in ((78, 1), (90, 5), (95, 2)):
        labels, scores = np.repeat([1, 0], 100), np.repeat([1, 0, 1, 0], [hits, 100 - hits, others, 100 - others])
        counted = {(hits, others): 1, (100 - hits, 100 - others): 1}
        (found,) = revealing_columns({"c": ColumnLabels(counted, None)}, ())
        assert found.auc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_a_column_of_noise_tells_one_half_on_average() -> None:
    """In the sample itself, thirty values of four rows on average would tell .75."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(400):
        label, value = rng.integers(0, 2, 120), rng.integers(0, 30, 120)
        counts = [np.bincount(value[label == one], minlength=30).tolist() for one in (1, 0)]
        found.append(by_every_pair([pair for pair in zip(*counts, strict=True) if any(pair)]))
    assert np.mean(found) == pytest.approx(0.5, abs=4 * float(np.std(found)) / 20)
    assert np.std(found) < 0.1


def test_empty_cells_are_compared_by_pearsons_test() -> None:
    by_group = {"a": (100, 0, 40), "b": (100, 0, 25), "c": (10, 0, 10)}
    p = stats.chi2_contingency([[40, 60], [25, 75]], correction=False).pvalue
    assert 0.05 / 3 < p < 0.05
    assert [found.column for found in uneven_empty_cells("g", by_group, ["x"], 1)] == ["x"]
    assert uneven_empty_cells("g", by_group, ["x"], 3) == ()
