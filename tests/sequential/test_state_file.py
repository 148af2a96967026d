"""The file of a history: private, whole or not at all, and refused in one line where it is not as it was written."""

from __future__ import annotations

import fcntl
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError, FolderInUseError, StorageError
from audit.verdicts.nights.state import (
    Evidence,
    FamilySeen,
    LevelSeen,
    Process,
    Reset,
    SetTaken,
    State,
    locked,
    read_state,
    write_state,
)
from audit.vocabulary.groups import Axis, Family, Group, Level, LevelName

BAND = Family((Axis("band", "level"),))


def made_state() -> State:
    process = Process(counted=(3,), cases=(9,), rest_counted=(0,), rest_cases=(0,), log_e=(-math.pi,))
    return State(
        identity={"alpha": 0.05, "rules": [{"limit": 0.1}]},
        sample="growing",
        nights=2,
        outcome="fail",
        sets=(SetTaken(cases="a" * 64, totals="b" * 64, counts="c" * 64),),
        levels={"band": (LevelSeen(level=LevelName(rung="level", code="Ä", name="Ä"), late=0),)},
        families=(
            FamilySeen(family=BAND, groups=(Group((Level("band", "level", "Ä"),)),), cells=((1,) * 12,)),
        ),
        evidence=(
            Evidence(
                rule=0, side="low", family=BAND, beyond=process, failed=(True,), within=process, passed=(False,),
                moved=(0,), drift=(math.e,), nights_since=(3,), doubted=(False,), several=False,
            ),
        ),
        resets=(Reset(nights=3, outcome="pass", changed=("the detector",)),),
    )  # fmt: skip


def test_what_was_written_is_read_to_the_last_bit_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert read_state(path) is None
    write_state(path, made_state())
    first = path.read_bytes()
    again = read_state(path)
    assert again == made_state()
    assert again.evidence[0].beyond.log_e == (-math.pi,)
    write_state(path, again)
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def sealed(shown: dict[str, Any]) -> bytes:
    """The text of a document with the checksum that belongs to it, as somebody could write it by hand."""
    from audit.verdicts.nights import state

    shown.pop("checksum", None)
    return state._text({**shown, "checksum": state._digest(shown)}).encode()


def test_a_file_that_is_not_as_it_was_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_state(path, made_state())
    whole = path.read_bytes()
    shown = json.loads(whole)
    changed = json.dumps({**shown, "nights": 1}).encode()
    shorter = {**shown, "families": [{**shown["families"][0], "groups": []}]}
    below = {**shown, "families": [{**shown["families"][0], "cells": [[-1] * 12]}]}
    for content in (
        b"", whole[:-20], b"[]", b"null", b"[" * 100_000, b'{"a": 1}', b"\xff\xfe", changed,
        sealed(shorter), sealed(below), sealed({"schema_version": 2}),
        sealed({**shown, "unknown": 1}),
    ):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(AuditError, match="not as it was written") as caught:
            read_state(path)
        assert caught.value.exit_code == 4
        assert path.read_bytes() == content


def test_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_state(path, made_state())
    path.write_bytes(sealed({**json.loads(path.read_bytes()), "schema_version": 1}))
    with pytest.raises(AuditError, match="another version"):
        read_state(path)


def test_a_folder_in_its_place_and_a_place_in_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="not as it was written"):
        read_state(tmp_path)
    with pytest.raises(StorageError, match="could not be read or written"), locked(tmp_path / "none" / "state.json"):
        pass


def test_two_nights_at_once_are_one_too_many(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with locked(path):
        with pytest.raises(FolderInUseError, match="in use by another night") as caught, locked(path):
            pass
        assert caught.value.exit_code == 73
    with locked(path):
        handle = os.open(tmp_path / ".state.json.lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)


def test_two_nights_at_once_are_one_too_many_where_the_system_has_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    path = tmp_path / "state.json"
    left = r"if it was killed, remove \.state\.json\.lock\.held"
    with locked(path), pytest.raises(FolderInUseError, match=left), locked(path):
        pass
    with locked(path):
        write_state(path, made_state())
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def test_a_full_disk_leaves_the_state_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    write_state(path, made_state())
    before = path.read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="No space left"):
        write_state(path, made_state().model_copy(update={"nights": 3}))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]
