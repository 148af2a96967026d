"""The reference table: read strictly, refused in one line, and never with a word of its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made.sets import made_cells, made_plan, write_set

from audit.errors import AuditError, DataError, PlanError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.reference_table import ReferenceTable, read_reference_table
from audit.plan.audit_plan import AuditPlan

SECTION = {"path": "known.csv", "feature": "gender", "level": "who", "share": "persons", "source": "a report of 2024"}
GROUPS = {
    "gender": {"column": "gender"},
    "nationality": {"column": "nationality", "ladder": ["country", "m49-subregion", "m49-region"]},
    "kind": {"column": "text", "coding": "categorical", "map": {"advert 9": "other"}},
}


def plan_with(**section: Any) -> AuditPlan:
    plan = made_plan(groups=GROUPS).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return AuditPlan.model_validate({**plan, "reference_table": {**SECTION, **section}})


def read(folder: Path, text: str, **section: Any) -> ReferenceTable:
    write_set(folder / "set.csv", made_cells(8))
    (folder / "known.csv").write_text(text, encoding="utf-8")
    plan = plan_with(**section)
    with open_evaluation_set(plan, folder) as opened:
        found = read_reference_table(opened, plan.groups, plan.reference_table, folder)
    assert found is not None
    return found


def test_persons_become_shares_in_the_order_of_codes(tmp_path: Path) -> None:
    found = read(tmp_path, "persons,note,who\n300,x,woman\n100,y,man\n0,z,non-binary\n")
    assert list(found.shares.items()) == [("man", 0.25), ("non-binary", 0.0), ("woman", 0.75)]
    assert (found.feature, found.rung, found.source) == ("gender", "level", "a report of 2024")
    assert found.sha256 is not None


@pytest.mark.parametrize("number", ["1", "1.7e308", "5e-324"])
def test_numbers_of_any_size_add_up(tmp_path: Path, number: str) -> None:
    found = read(tmp_path, f"who,persons\nwoman,{number}\nman,{number}\n")
    assert dict(found.shares) == {"man": 0.5, "woman": 0.5}


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("who,persons\nNGA,2\nBTN,1\nXXA,1\n", {"feature": "nationality"}),
        ("who,persons\n011,2\n155,1\n", {"feature": "nationality", "rung": "m49-subregion"}),
        ("who,persons\n002,2e1\n150,0.5\nunknown,1\n", {"feature": "nationality", "rung": "m49-region"}),
        ("who,persons\nadvert 1,2\nother,1\n", {"feature": "kind"}),
    ],
)
def test_levels_that_the_feature_can_have_need_not_be_in_the_set(
    tmp_path: Path, text: str, section: Mapping[str, Any]
) -> None:
    assert sum(read(tmp_path, text, **section).shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "section", "message"),
    [
        ("who,persons\nwoman,1\nfemale secret,1\n", {}, "known.csv row 2 has a level that the feature cannot have"),
        ("who,persons\nNGA,1\n155,1\n", {"feature": "nationality"}, "row 2 has a level that"),
        ("who,persons\n011,1\n002,1\n", {"feature": "nationality", "rung": "m49-subregion"}, "row 2 has a level that"),
        ("who,persons\nsecret,1\n", {"feature": "kind"}, "row 1 has a level that"),
        ("who,persons\nwoman,1\nman,2\nwoman,3\n", {}, "row 3 has a level that an earlier row has"),
        ("who,persons\nwoman,-1\n", {}, "row 1 has a negative share"),
        ("who,persons\nwoman,\n", {}, "row 1 has no number as its share"),
        ("who,persons\nwoman,<5\n", {}, "row 1 has no number as its share"),
        ("who,persons\nwoman,39%\n", {}, "row 1 has no number as its share"),
        ("who,persons\nwoman,nan\n", {}, "row 1 has no number as its share"),
        ("who,persons\nwoman,1e999\n", {}, "row 1 has no number as its share"),
        ("who,persons\nwoman,0\nman,0\n", {}, "known.csv has no share above 0"),
        ("who,persons\n,1\n", {}, "row 1 has no level"),
        ("who,number\nwoman,1\n", {}, r'known.csv has no column "persons" \(reference_table.share\)'),
        ("who,persons\n", {}, "known.csv has no rows"),
        ("who,persons\nwoman,1,2\n", {}, "line 2 has 3 cells where the header has 2"),
    ],
)
def test_anything_wrong_is_one_line_without_the_content(
    tmp_path: Path, text: str, section: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text, **section)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rung_that_the_feature_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"reference_table\.rung"):
        read(tmp_path, "who,persons\nwoman,1\n", rung="country")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"nowhere\.csv does not exist"):
        read(tmp_path, "who,persons\nwoman,1\n", path="nowhere.csv")


def test_without_a_table_none_is_read(tmp_path: Path) -> None:
    write_set(tmp_path / "set.csv", made_cells(8))
    plan = made_plan()
    with open_evaluation_set(plan, tmp_path) as opened:
        assert read_reference_table(opened, plan.groups, plan.reference_table, tmp_path) is None
