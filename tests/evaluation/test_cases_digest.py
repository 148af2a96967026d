"""The digest of which cases a set holds: the same in any order, type and format, and another one for other ids."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.nights import made_plan

from audit.evaluation.evaluation_set import open_evaluation_set

IDS = st.lists(st.text(min_size=1, max_size=8).filter(lambda text: "\x00" not in text), min_size=1, unique=True)


def digest(ids: list[str] | list[int]) -> str:
    table = pa.table({"id": ids, "label": ["1"] * len(ids), "band": ["a"] * len(ids), "score": [0.5] * len(ids)})
    with open_evaluation_set(made_plan(), Path(), table) as opened:
        return opened.cases_sha256()


def by_hand(ids: list[str]) -> str:
    """The same by another way: sums over numbers of Python."""
    digests = [hashlib.md5(one.encode(), usedforsecurity=False).digest() for one in ids]
    numbers = [int.from_bytes(one, "little") for one in digests]
    high, low = sum(one >> 64 for one in numbers), sum(one & (1 << 64) - 1 for one in numbers)
    return hashlib.sha256(f"{len(ids)} {high} {low}".encode()).hexdigest()


@given(IDS)
def test_any_order_has_one_digest_and_other_ids_have_another(ids: list[str]) -> None:
    shuffled = sorted(ids, key=lambda one: hashlib.sha256(one.encode()).digest())
    assert digest(shuffled) == by_hand(shuffled) == by_hand(ids)
    assert by_hand(ids) != by_hand([*ids[:-1], ids[-1] + "x" * 9])


def test_a_number_and_its_text_are_one_id(tmp_path: Path) -> None:
    head = "id,label,band,score"
    (tmp_path / "set.csv").write_text("\n".join([head, *(f"{n},1,a,0.5" for n in (3, 1, 2))]), encoding="utf-8")
    section = {"id": "id", "label": "label", "label_source": "made for a test", "path": "set.csv"}
    with open_evaluation_set(made_plan(evaluation_set=section), tmp_path) as opened:
        of_text = opened.cases_sha256()
    table = pa.table({"id": [1, 2, 3], "label": ["1"] * 3, "band": ["a"] * 3, "score": [0.5] * 3})
    pq.write_table(table, tmp_path / "set.parquet")
    with open_evaluation_set(made_plan(evaluation_set={**section, "path": "set.parquet"}), tmp_path) as opened:
        assert opened.cases_sha256() == of_text == by_hand(["1", "2", "3"])
    assert of_text == digest([1, 2, 3])


@pytest.mark.parametrize("ids", [["12", "3"], ["1", "23"], ["123"]])
def test_ids_that_make_one_text_together_are_other_cases(ids: list[str]) -> None:
    assert digest(ids) == by_hand(ids)
    assert by_hand(ids) not in {by_hand(other) for other in (["12", "3"], ["1", "23"], ["123"]) if other != ids}
