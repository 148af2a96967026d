"""A large group that a tiny one must hide beside: it keeps its name, and the tiny one stays hidden."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from made.releases import published

from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRow
from audit.stats.arrays import IntArray
from tools.attack.named import hidden_beside
from tools.attack.near_limits import result_of
from tools.attack.world import world_ladders

WOMEN = {"NPL": 850, "PHL": 700, "NGA": 574}
MEN = {"NPL": 1000, "PHL": 900, "NGA": 800}
SEED = 20260801


def victims(missed: float, others: int = 10, of: dict[str, int] | None = None) -> IntArray:
    """int64[genders, countries, 2]: women of whom so many are missed, men of whom 30 % are, and a few of a third
    gender.
    """
    genders, countries = ([level.code for level in ladder.levels[0]] for ladder in world_ladders())
    cells = np.zeros((len(genders), len(countries), 2), dtype=np.int64)
    for gender, sizes, share in (("woman", of or WOMEN, missed), ("man", MEN, 0.3)):
        for country, people in sizes.items():
            errors = round(people * share)
            cells[genders.index(gender), countries.index(country)] = errors, people - errors
    cells[genders.index("non-binary"), countries.index("NPL")] = others // 2, others - others // 2
    return cells


def row_of_women(release: PublicRelease) -> PublicRow:
    return next(row for row in release.rows if row.key == "gender:level=non-binary+unknown+woman")


def test_women_who_fail_are_named_though_ten_people_must_hide_beside_them(tmp_path: Path) -> None:
    release = published(result_of(victims(0.75)), tmp_path / "restricted")
    row = row_of_women(release)
    assert RowNames(release).row(row.parts) == "Women and few others"
    assert [(word.word, word.smaller_beyond) for word in row.words] == [("beyond", False)]
    assert not release.headline.no_group_named
    # a gender of a country, without a row of its own, is named nowhere
    crossed = [row for row in release.rows if len(row.parts) == 2]
    assert crossed
    assert not any(part.kind == "nearly" for row in crossed for part in row.parts)


def test_a_name_stands_whoever_comes_or_leaves_among_the_few(tmp_path: Path) -> None:
    releases = [
        published(result_of(victims(0.75, others)), tmp_path / "restricted") for others in (15, 14, 19, 20, 22, 8)
    ]
    rows = [row_of_women(release) for release in releases]
    assert len({row.model_dump_json() for row in rows}) == 1


@pytest.mark.parametrize(
    ("missed", "others", "women", "word"),
    [
        (0.30, 10, WOMEN, "within"),
        (0.42, 10, WOMEN, "cannot_tell"),
        (0.75, 10, {"NPL": 60, "PHL": 60, "NGA": 40}, None),  # too few beside 19 who may hide
        (0.75, 25, WOMEN, None),  # these have a row of their own
    ],
)
def test_who_is_named_and_with_which_word(
    tmp_path: Path, missed: float, others: int, women: dict[str, int], word: str | None
) -> None:
    release = published(result_of(victims(missed, others, women)), tmp_path / "restricted")
    rows = [row for row in release.rows if any(part.kind == "nearly" for part in row.parts)]
    assert [[said.word for said in row.words] for row in rows] == ([[word]] if word else [])


def test_a_word_of_a_named_row_is_one_that_the_few_could_not_turn(tmp_path: Path) -> None:
    """Women fail by a little: were the few all missed, the numbers printed would not tell, so that no word does."""
    words = []
    for missed in np.arange(0.40, 0.55, 0.01):
        release = published(result_of(victims(float(missed))), tmp_path / f"{missed:.2f}")
        words.append([said.word for said in row_of_women(release).words])
    assert words[0] == ["cannot_tell"]
    assert words[-1] == ["beyond"]
    assert words == sorted(words, reverse=True)


def test_no_attack_finds_who_hides_beside_a_name() -> None:
    """A slice of `make simulate`."""
    found = hidden_beside(6, SEED)
    assert found.sets == 6
    assert (found.people_told, found.outcomes_told) == (0, 0)
    assert found.narrowest >= 10


def test_a_hint_at_the_large_group_stands_too(tmp_path: Path) -> None:
    """Women fail, and printed numbers do not tell: the row says that a group in it does, also in the next release."""
    cells = next(cells for cells in (victims(missed) for missed in np.arange(0.42, 0.55, 0.01)) if _is_hinted(cells))
    releases = [published(result_of(made), tmp_path / "restricted") for made in (cells, with_one_more(cells))]
    assert len({row_of_women(release).model_dump_json() for release in releases}) == 1


def _is_hinted(cells: IntArray) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        words = row_of_women(published(result_of(cells), Path(folder) / "restricted")).words
    return [word.smaller_beyond for word in words] == [True]


def with_one_more(cells: IntArray) -> IntArray:
    codes = [level.code for level in world_ladders()[0].levels[0]]
    more = cells.copy()
    more[codes.index("non-binary"), int(np.argmax(cells.sum(axis=(0, 2)))), 1] += 1
    return more
