"""Raw values, what the plan says of them, and the legend of what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made.sets import LADDER, made_cells, made_plan, write_set

from audit.errors import DataError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.vocabulary.groups import LevelName, SensitiveFeature


def opened_features(folder: Path, groups: dict[str, Any], **columns: list[str | None]) -> tuple[Any, Any]:
    rows = len(next(iter(columns.values())))
    write_set(folder / "set.csv", {**made_cells(rows), **columns})
    with open_evaluation_set(made_plan(groups=groups), folder) as opened:
        return opened.codes, opened.features


def test_a_map_and_missing_values_come_before_the_codes(tmp_path: Path) -> None:
    groups = {
        "gender": {"column": "sex", "map": {"K": "woman", "M": "man", "man": "woman"}, "missing": ["9"]},
        "nationality": {"column": "flag", "map": {"NA": "NLD", "Kosovo": "XKX", "UK": "GB"}, "missing": ["0", "XXX"]},
    }
    codes, _ = opened_features(
        tmp_path, groups, sex=["K", "M", "man", "WOMAN", "9", "Unknown"], flag=["NA", "Kosovo", "UK", "0", "XXX", None]
    )
    assert codes["gender"] == {
        "K": "woman", "M": "man", "man": "woman", "WOMAN": "woman", "9": "unknown", "Unknown": "unknown",
    }  # fmt: skip
    assert codes["nationality"] == {
        "NA": "NLD", "Kosovo": "XKX", "UK": "GBR", "0": "unknown", "XXX": "unknown", None: "unknown",
    }  # fmt: skip


def test_unspecified_is_a_group_of_its_own_and_not_unknown(tmp_path: Path) -> None:
    codes, (feature,) = opened_features(
        tmp_path,
        {"nationality": {"column": "flag", "ladder": LADDER}},
        flag=["XXX", None, "xxa", "XXB", "XXC", "unknown"],
    )
    assert codes["nationality"] == {
        "XXX": "XXX", None: "unknown", "xxa": "XXA", "XXB": "XXB", "XXC": "XXC", "unknown": "unknown",
    }  # fmt: skip
    names = {level.code: level.name for level in feature.levels if level.rung == "m49-region"}
    assert names == {
        "XXA": "stateless person",
        "XXB": "refugee (1951 Convention)",
        "XXC": "refugee (other)",
        "XXX": "unspecified nationality",
        "unknown": "unknown",
    }


def test_categories_are_taken_as_they_are(tmp_path: Path) -> None:
    groups = {"race": {"column": "race", "map": {"<18": "under 18"}}}
    codes, features = opened_features(tmp_path, groups, race=["A", "a", " a", "<18", None, 'O\'Hara, "x"'])
    assert codes["race"] == {
        "A": "A", "a": "a", " a": " a", "<18": "under 18", None: "unknown", "O'Hara, \"x\"": "O'Hara, \"x\"",
    }  # fmt: skip
    assert features == (
        SensitiveFeature(
            name="race",
            column="race",
            coding="categorical",
            rungs=("level",),
            levels=tuple(
                LevelName(rung="level", code=code, name=code)
                for code in (" a", "A", 'O\'Hara, "x"', "a", "under 18", "unknown")
            ),
            given_to_detector=False,
        ),
    )


def test_a_declared_mark_is_a_value_and_an_undeclared_one_is_refused(tmp_path: Path) -> None:
    codes, _ = opened_features(tmp_path, {"gender": {"column": "g", "missing": ["*"]}}, g=["*", "man"])
    assert codes["gender"] == {"*": "unknown", "man": "man"}
    for mark in ("<5", "< 10", "<=3", "≤5", "*", "**", "..", "...", "&lt;5"):
        with pytest.raises(DataError, match='"g" holds marks of suppression such as <5 instead of values in row 2'):
            opened_features(tmp_path, {"site": {"column": "g"}}, g=["5", mark])


def test_a_code_of_a_feature_that_is_given_to_the_detector_says_so(tmp_path: Path) -> None:
    groups = {"gender": {"column": "text"}, "nationality": {"column": "nationality"}}
    _, (gender, nationality) = opened_features(tmp_path, groups, text=["man", "woman"])
    assert (gender.given_to_detector, nationality.given_to_detector) == (True, False)


def test_one_column_can_be_two_features(tmp_path: Path) -> None:
    groups = {"nationality": {"column": "flag"}, "raw": {"column": "flag"}}
    codes, _ = opened_features(tmp_path, groups, flag=["NA", "004"])
    assert codes == {"nationality": {"NA": "NAM", "004": "AFG"}, "raw": {"NA": "NA", "004": "004"}}
