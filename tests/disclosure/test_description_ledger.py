"""The ledger of descriptions: private, whole, one writer at a time, and refused where it is not as it was written."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.disclosure.description.ledger import LEDGER, TableSpending, open_ledger
from audit.errors import FolderInUseError, RefusedReleaseError, ResultError
from audit.storage import patience

SHA = "a" * 64
DAY = "2026-11-26"


def spend(folder: Path, *shares: str) -> None:
    with open_ledger(folder) as ledger:
        ledger.settle(None, None)
        ledger.append(DAY, SHA, 1, tuple(TableSpending(table="label", epsilon=Decimal(share)) for share in shares))


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    spend(tmp_path / "restricted", "0.5")
    assert stat.S_IMODE((tmp_path / "restricted").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "restricted" / LEDGER).stat().st_mode) == 0o600


def test_sums_are_exact(tmp_path: Path) -> None:
    for _ in range(10):
        spend(tmp_path, "0.1", "0.2")
    with open_ledger(tmp_path) as ledger:
        assert ledger.spent == 3
    with pytest.raises(RefusedReleaseError, match="publish the descriptions that there are"):
        spend(tmp_path, "0.000001")


def test_nobody_spends_at_the_same_time(tmp_path: Path) -> None:
    with open_ledger(tmp_path), patience(0), pytest.raises(FolderInUseError), open_ledger(tmp_path):
        pass


def _renumbered(book: dict[str, Any]) -> None:
    book["entries"][0]["number"] = 2


def _negative(book: dict[str, Any]) -> None:
    book["entries"][0]["tables"][0]["epsilon"] = "-1"


def _not_a_number(book: dict[str, Any]) -> None:
    book["entries"][0]["tables"][0]["epsilon"] = "NaN"


def _infinite(book: dict[str, Any]) -> None:
    book["budget"] = "Infinity"


def _newer(book: dict[str, Any]) -> None:
    book["schema_version"] = 2


def _unit(book: dict[str, Any]) -> None:
    book["unit"] = "cluster"


def _extra(book: dict[str, Any]) -> None:
    book["rows"] = 1


@pytest.mark.parametrize("harm", [_renumbered, _negative, _not_a_number, _infinite, _newer, _unit, _extra])
def test_a_ledger_that_was_changed_is_refused(tmp_path: Path, harm: Any) -> None:
    spend(tmp_path, "0.5")
    book = json.loads((tmp_path / LEDGER).read_bytes())
    harm(book)
    (tmp_path / LEDGER).write_text(json.dumps(book))
    with pytest.raises(ResultError, match="not as it was written"):
        spend(tmp_path, "0.5")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"null"])
def test_a_ledger_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LEDGER).write_bytes(content)
    with pytest.raises(ResultError, match="not as it was written"):
        spend(tmp_path, "0.5")
    assert (tmp_path / LEDGER).read_bytes() == content
