"""Which features have rows, from which numbers: crossed ones, further ones, open lists, weights and clusters."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from made.audits import gender, result_of
from made.counts import categorical
from made.releases import GENDERS, published

from audit.result.audit_result import AuditResult
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
    return result_of(rows, features, [RULE])


def test_every_feature_has_rows_and_two_are_crossed(tmp_path: Path) -> None:
    release = published(three_features(), tmp_path / "restricted")
    tables = {tuple(part.feature for part in row.parts) for row in release.rows}
    assert tables == {(), ("gender",), ("form",), ("site",), ("gender", "form")}


def test_small_levels_of_an_open_list_are_never_named(tmp_path: Path) -> None:
    release = published(three_features(), tmp_path / "restricted")
    text = release.model_dump_json(include={"rows", "others", "features"})
    assert "labour" in text
    assert "rare" not in text
    forms = [row.parts[0] for row in release.rows if [part.feature for part in row.parts] == ["form"]]
    assert any(part.kind == "others" for part in forms)
    assert all(other.members == () for other in release.others if other.feature == "form")


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
