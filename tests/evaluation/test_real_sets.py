"""Real files: their codes, their missing values, and every one of their rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made.sets import LADDER, canonical_rows, made_plan

from audit.errors import DataError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan


@pytest.fixture(scope="module")
def shared() -> Path:
    folder = Path(os.environ.get("AUDIT7K_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared data are not beside the repository; AUDIT7K_SHARED_DATA names their folder")
    return folder


def ctdc_plan(**nationality: object) -> AuditPlan:
    """A plan over the k-anonymised victim records, with the row's number as its id."""
    return made_plan(
        "with_ids.csv",
        evaluation_set={"label": "isForcedLabour", "label_missing": ["-99"]},
        detector={"kind": "python", "entry": "m:f", "features": ["ExploitType"], "threshold": 0.5},
        groups={
            "gender": {"column": "gender", "map": {"Female": "woman", "Male": "man"}},
            "nationality": {"column": "citizenship", "ladder": LADDER, **nationality},
        },
    )


@pytest.fixture(scope="module")
def with_ids(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ctdc")
    lines = (shared / "ctdc_kanon_2012_2018_victims.csv").read_text(encoding="utf-8").splitlines()
    numbered = [f"{'case_id' if number == 0 else number},{line}" for number, line in enumerate(lines)]
    (folder / "with_ids.csv").write_text("\n".join(numbered) + "\n", encoding="utf-8")
    return folder


def test_victim_records_keep_those_without_citizenship(with_ids: Path) -> None:
    with open_evaluation_set(ctdc_plan(missing=["0"]), with_ids) as opened:
        counted = canonical_rows(opened)
        assert opened.rows == sum(counted.values()) == 14_299
        unknown = sum(count for (_, _, code), count in counted.items() if code == "unknown")
        assert round(unknown / opened.rows, 2) == 0.58
        assert {gender for _, gender, _ in counted} == {"woman", "man"}
        assert {label for label, _, _ in counted} == {1, 0, None}
        (_, nationality) = opened.features
        assert {level.code for level in nationality.levels if level.rung == "m49-region"} == {
            "002", "019", "142", "150", "unknown",
        }  # fmt: skip


def test_the_code_for_missing_is_refused_until_the_plan_declares_it(with_ids: Path) -> None:
    with pytest.raises(
        DataError, match=r'the nationality "citizenship" is read as no nationality in rows \d+, .* and \d+ more'
    ):
        open_evaluation_set(ctdc_plan(), with_ids)


def test_repeated_records_are_refused_as_ids(shared: Path) -> None:
    plan = made_plan(
        "ctdc_kanon_2012_2018_victims.csv",
        evaluation_set={"id": "yearOfRegistration", "label": "isForcedLabour"},
        detector={"kind": "python", "entry": "m:f", "features": ["ExploitType"], "threshold": 0.5},
        groups={"gender": {"column": "gender"}},
    )
    with pytest.raises(DataError, match="was seen before in rows 2, 3, 4, 5, 6 and 14287 more"):
        open_evaluation_set(plan, shared)


def test_published_counts_of_compas_by_race(shared: Path) -> None:
    from audit.counting.count import count_cases

    plan = made_plan(
        "compas_two_years_deid.csv",
        evaluation_set={"id": "row_id", "label": "two_year_recid", "numbers": ["decile_score"]},
        detector={"kind": "python", "entry": "m:f", "features": ["decile_score"], "threshold": 0.5},
        groups={"race": {"column": "race"}},
    )
    with open_evaluation_set(plan, shared) as opened:
        picked = ", ".join(f"{expression} AS {name}" for name, expression in opened.expressions.items())
        score = opened.feature_expression("decile_score")
        opened.connection.execute(
            f"CREATE VIEW scored AS SELECT {picked}, ({score} < 5)::TINYINT AS decision FROM source"
        )
        counts = count_cases(opened)
    by_race = dict(zip(counts.codes, counts.cells.tolist(), strict=True))
    assert by_race[("African-American",)] == [[1369, 532, 0, 0], [805, 990, 0, 0], [0, 0, 0, 0]]
    assert by_race[("Caucasian",)] == [[505, 461, 0, 0], [349, 1139, 0, 0], [0, 0, 0, 0]]
    assert int(counts.cells.sum()) == 7214
