"""Which features have rows, from which numbers: crossed ones, further ones, open lists, weights and clusters."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from made.audits import gender, result_of
from made.counts import categorical
from made.releases import GENDERS, published

from audit.errors import ResultError
from audit.public.release import PublicPart, row_key
from audit.result.audit_result import AuditResult
from audit.stages import Scope
from audit.stats.arrays import IntArray

RULE = {"metric": "true_positive_rate", "groups": ["gender", "form", "site"], "margin": 0.2}
FORMS = ("labour", "sexual", "begging", "rare")


@cache
def three_features() -> AuditResult:
    """Gender, form and site; `rare` has eight victims."""
    rng = np.random.default_rng(2)
    rows: dict[tuple[str, ...], IntArray] = {}
    for sex in ("woman", "man"):
        for form in FORMS:
            for site in ("north", "south"):
                cell = np.zeros((3, 4), dtype=np.int64)
                victims = 2 if form == "rare" else int(rng.integers(80, 200))
                cell[0, :2] = victims - victims // 5, victims // 5
                cell[1, :2] = victims // 10, victims
                rows[sex, form, site] = cell
    features = [gender(tuple(GENDERS)), categorical("form", FORMS), categorical("site", ("north", "south"))]
    return result_of(rows, features, [RULE], scope=Scope.RECORDS)


def test_every_feature_has_rows_and_two_are_crossed(tmp_path: Path) -> None:
    release = published(three_features(), tmp_path / "restricted")
    tables = {tuple(part.feature for part in row.parts) for row in release.rows}
    assert tables == {(), ("gender",), ("form",), ("site",), ("gender", "form")}


def test_small_levels_of_an_open_list_are_never_named(tmp_path: Path) -> None:
    release = published(three_features(), tmp_path / "restricted")
    text = release.model_dump_json(include={"rows", "features"})
    assert "labour" in text
    assert "rare" not in text
    forms = [row.parts[0] for row in release.rows if [part.feature for part in row.parts] == ["form"]]
    assert any(part.kind == "others" for part in forms)
    assert all(part.members == () for part in forms)


def test_everybody_stands_in_one_row_of_each_table(tmp_path: Path) -> None:
    release = published(three_features(), tmp_path / "restricted")
    for side in ("positives", "negatives"):
        whole = next(row.people for row in release.rows if row.side == side and not row.parts)
        for table in (("gender",), ("form",), ("site",)):
            rows = [
                row.people
                for row in release.rows
                if row.side == side and tuple(part.feature for part in row.parts) == table and not row.total
            ]
            assert abs(sum(rows) - whole) <= 5 * (len(rows) + 1)


def test_what_a_plan_says_cannot_occur_must_not_occur(tmp_path: Path) -> None:
    result = three_features()
    disclosure = result.plan.disclosure.model_copy(update={"absent": ("negatives",)})
    plan = result.plan.model_copy(update={"disclosure": disclosure})
    with pytest.raises(ResultError, match="no negatives, and it has"):
        published(result.model_copy(update={"plan": plan}), tmp_path / "restricted")


def test_no_two_rows_have_one_name() -> None:
    """Levels are written as they are found, whatever marks they hold."""

    def part(feature: str, *codes: str, kind: Literal["level", "joined", "others"] = "level") -> PublicPart:
        return PublicPart(feature=feature, kind=kind, rung="level", codes=codes)

    rows = [
        (part("a", "x,b:level=y"),),
        (part("a", "x"), part("b", "y")),
        (part("a", "x+y"),),
        (part("a", "x", "y", kind="joined"),),
        (part("a", "others of x"),),
        (part("a", "x", kind="others"),),
        (part("a", "others of all"),),
        (part("a", kind="others"),),
        (part("a:level=b", "y"),),
        (part("a", "%2C"),),
        (part("a", ","),),
    ]
    assert len({row_key(row) for row in rows}) == len(rows)
