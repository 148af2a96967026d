"""The made-up world: the same for the same seed, with what is planted in it and nothing else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from audit.worlds.demo.referral_cases import (
    CONTROL,
    HOURS,
    MEN_SHOW,
    NATIONALITIES,
    NOT_ASKED,
    PLANTED,
    RAISED,
    RAISED_FOR,
    SIGNS,
    SOURCES,
    referral_cases,
)

MANY = 400_000


def cases(size: int, seed: int) -> pa.Table:
    return referral_cases(size, np.random.Generator(np.random.PCG64(seed)))


@pytest.fixture(scope="module")
def many() -> dict[str, np.ndarray]:
    """Columns of a large set as numpy arrays; a missing number is NaN and a missing text is empty."""
    table = cases(MANY, 5)
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type):
            columns[name] = np.array(column.fill_null("").to_pylist())
        else:
            columns[name] = column.cast(pa.float64()).to_numpy()
    return columns


def share(recorded: np.ndarray) -> tuple[float, float]:
    """Share of 1 among the cases that were asked, and four of its standard errors."""
    asked = recorded[~np.isnan(recorded)]
    mean = float(asked.mean())
    return mean, 4.0 * float(np.sqrt(mean * (1.0 - mean) / len(asked))) + 1e-9


def test_a_seed_gives_one_table_and_another_seed_another() -> None:
    assert cases(3_000, 1).equals(cases(3_000, 1))
    assert not cases(3_000, 1).equals(cases(3_000, 2))


@pytest.mark.parametrize("size", [0, 1, 17])
def test_any_size_has_the_same_columns(size: int) -> None:
    table = cases(size, 1)
    assert table.num_rows == size
    assert table.schema == cases(2_000, 1).schema
    assert table["case_id"].to_pylist() == [f"case-{number:05d}" for number in range(1, size + 1)]


def test_the_shares_leave_a_long_tail() -> None:
    assert sum(NATIONALITIES.values()) == pytest.approx(0.9, abs=0.005)
    named = cases(20_000, 5)["nationality"].value_counts().to_pylist()
    counts = {row["values"]: row["counts"] for row in named}
    assert counts[None] == pytest.approx(2_000, rel=0.15)
    assert counts["PRT"] == pytest.approx(9_000, rel=0.05)
    assert 20 < counts["XXA"] < 110
    assert all(0 < counts[rare] < 30 for rare in ("FJI", "BTN"))
    assert len(counts) == 1 + 1 + 11 + 1 + 2 + 1  # unknown, home, named, stateless, rare


def test_genders_and_labels_are_missing_as_often_as_they_should(many: dict[str, np.ndarray]) -> None:
    assert (many["gender"] == "").mean() == pytest.approx(0.08, abs=0.003)
    assert (many["gender"] == "non-binary").mean() == pytest.approx(0.005 * 0.92, abs=0.001)
    assert np.isnan(many["exploited"]).mean() == pytest.approx(0.04, abs=0.003)
    known = many["gender"] != ""
    men_exploited = many["gender"][known & (many["exploited"] == 1)] == "man"
    assert men_exploited.mean() == pytest.approx(0.39 * 0.995, abs=0.01)


def test_a_sign_that_was_not_asked_is_missing_and_not_zero(many: dict[str, np.ndarray]) -> None:
    for source in SOURCES:
        of_source = many["referral_source"] == source
        for sign in SIGNS:
            assert np.isnan(many[sign][of_source]).mean() == pytest.approx(NOT_ASKED[source], abs=0.01)


def test_mens_cases_show_fewer_signs_and_their_ordinary_cases_do_not(many: dict[str, np.ndarray]) -> None:
    man, woman = many["gender"] == "man", many["gender"] == "woman"
    ordinary = ~np.isin(many["nationality"], (*RAISED_FOR, ""))
    for name, sign in SIGNS.items():
        of_men, error = share(many[name][man & (many["exploited"] == 1)])
        assert of_men == pytest.approx(sign.other + MEN_SHOW * (sign.exploited - sign.other), abs=error)
        of_women, error = share(many[name][woman & (many["exploited"] == 1)])
        assert of_women == pytest.approx(sign.exploited, abs=error)
        for gender in (man, woman):
            of_others, error = share(many[name][gender & ordinary & (many["exploited"] == 0)])
            assert of_others == pytest.approx(sign.other, abs=error)
    hours = many[HOURS]
    assert np.nanmean(hours[man & (many["exploited"] == 1)]) == pytest.approx(44 + 9 * MEN_SHOW, abs=0.2)
    assert np.nanmean(hours[woman & (many["exploited"] == 1)]) == pytest.approx(53, abs=0.2)


def test_two_nationalities_ordinary_cases_show_three_signs_more_often(many: dict[str, np.ndarray]) -> None:
    for code in RAISED_FOR:
        of_code = many["nationality"] == code
        for name, sign in SIGNS.items():
            ordinary, error = share(many[name][of_code & (many["exploited"] == 0)])
            assert ordinary == pytest.approx(RAISED.get(name, sign.other), abs=error)
            women, error = share(many[name][of_code & (many["exploited"] == 1) & (many["gender"] == "woman")])
            assert women == pytest.approx(sign.exploited, abs=error)


def test_the_control_is_like_everyone_else(many: dict[str, np.ndarray]) -> None:
    control = many["nationality"] == CONTROL
    others = ~np.isin(many["nationality"], (*RAISED_FOR, CONTROL, ""))
    for name in SIGNS:
        for label in (0, 1):
            own, error = share(many[name][control & (many["exploited"] == label)])
            theirs, _ = share(many[name][others & (many["exploited"] == label)])
            assert own == pytest.approx(theirs, abs=1.2 * error)


def test_what_is_planted_names_groups_that_exist() -> None:
    gaps = [planted.group.levels[0].code for planted in PLANTED if planted.kind == "gap"]
    controls = {planted.group.levels[0].code for planted in PLANTED if planted.kind == "control"}
    assert gaps == ["man", *RAISED_FOR]
    assert controls == {CONTROL}
    assert not controls & set(gaps)
    assert {CONTROL, *RAISED_FOR} <= set(NATIONALITIES)
