"""Single answers are kept at once and to the bit, and whatever becomes of the file, no answer is ever a wrong one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors.row_cache import Kept, RowCache, remove_row_cache, row_key

KEYS = [row_key("detector", place, b"what is asked") for place in range(60)]
ANSWERS = {
    key: Kept(None if place % 7 == 0 else place / 61, f"model\tstate-{place % 3}") for place, key in enumerate(KEYS)
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a file with answers holds."""
    path = tmp_path_factory.mktemp("whole") / "rows.sqlite"
    fill(path)
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path, whole: bytes) -> Path:
    """A file with answers, closed."""
    path = tmp_path / "rows.sqlite"
    path.write_bytes(whole)
    return path


def fill(path: Path) -> None:
    cache = RowCache(path)
    for key, kept in ANSWERS.items():
        cache.put(key, kept)
    assert not cache.broken
    cache.close()


def found(path: Path) -> dict[bytes, Kept]:
    """What is read of the answers; it can still be written to afterwards, or says that it cannot."""
    cache = RowCache(path)
    try:
        read = {key: kept for key in KEYS if (kept := cache.get(key)) is not None}
        assert sum(cache.sources().values()) >= (0 if cache.broken else len(read))
        other = row_key("another", 1, b"")
        cache.put(other, Kept(0.5, ""))
        assert cache.broken or cache.get(other) == Kept(0.5, "")
    finally:
        cache.close()
    return read


def test_answers_come_back_to_the_bit(file: Path) -> None:
    assert found(file) == ANSWERS
    numbers = [-0.0, 5e-324, 0.1 + 0.2, 1.7976931348623157e308, 0.0, 1.0]
    cache = RowCache(file)
    for place, number in enumerate(numbers):
        cache.put(row_key("bits", place, b""), Kept(number, ""))
    cache.close()
    cache = RowCache(file)
    read = [cache.get(row_key("bits", place, b"")) for place in range(len(numbers))]
    cache.close()
    assert [kept.score.hex() for kept in read if kept is not None and kept.score is not None] == [
        number.hex() for number in numbers
    ]


def test_an_answer_is_brought_to_the_disk_at_once(file: Path) -> None:
    """A power failure cannot be tested here; that SQLite is set to expect one can."""
    cache = RowCache(file)
    assert cache._connection is not None
    settings = [cache._connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")]
    assert settings == [("wal",), (2,)]
    cache.put(KEYS[0], ANSWERS[KEYS[0]])
    assert not cache._connection.in_transaction
    cache.close()


def test_who_answered_is_counted(file: Path) -> None:
    cache = RowCache(file)
    assert cache.sources() == {"model\tstate-0": 20, "model\tstate-1": 20, "model\tstate-2": 20}
    cache.close()


def test_there_is_no_file_before_there_is_an_answer_and_it_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    cache = RowCache(path)
    assert cache.get(KEYS[0]) is None
    assert not cache.sources()
    assert not path.exists()
    former = os.umask(0)
    try:
        cache.put(KEYS[0], ANSWERS[KEYS[0]])
        assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}
        assert {one.name for one in tmp_path.iterdir()} <= {"rows.sqlite", "rows.sqlite-wal"}
    finally:
        os.umask(former)
        cache.close()
    assert [one.name for one in tmp_path.iterdir()] == ["rows.sqlite"]
    remove_row_cache(path)
    assert not list(tmp_path.iterdir())


def test_what_is_kept_after_it_was_closed_is_lost_and_no_error(file: Path) -> None:
    cache = RowCache(file)
    cache.close()
    cache.put(KEYS[0], Kept(0.123, ""))
    assert cache.get(KEYS[0]) is None
    assert found(file) == ANSWERS


def test_a_key_is_of_all_that_an_answer_depends_on() -> None:
    keys = {row_key("a", 1, b"x"), row_key("b", 1, b"x"), row_key("a", 2, b"x"), row_key("a", 1, b"y")}
    assert len(keys) == 4
    assert row_key("a", 1, b"x") in keys


@pytest.mark.parametrize("left", [0, 1, 50, 100, 4096, 4097, 6000])
def test_a_file_that_was_cut_off_costs_answers_and_falsifies_none(file: Path, left: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    assert found(file).items() <= ANSWERS.items()
    again = found(file)  # it was begun anew, or is as it was
    assert again.items() <= ANSWERS.items()


def test_a_file_of_something_else_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    for content in (b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 9000, os.urandom(10_000)):
        path.write_bytes(content)
        assert found(path) == {}
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    fill(path)
    assert not path.is_symlink()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "change",
    [
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 1",
        "CREATE TABLE other (a)",
        "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END",
        "ALTER TABLE answers ADD COLUMN more",
        "DROP TABLE answers",
    ],
)
def test_a_database_of_another_form_is_begun_anew(file: Path, change: str) -> None:
    with sqlite3.connect(file) as other:
        other.execute(change)
    other.close()
    assert found(file) == {}  # and what is kept now is found, see there


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE answers SET score = x'000000000000F03F'",
        "UPDATE answers SET score = NULL WHERE score IS NOT NULL",
        "UPDATE answers SET score = 0.5",
        "UPDATE answers SET source = 'other'",
        "UPDATE answers SET source = CAST(x'FF' AS TEXT)",
        "UPDATE answers SET seal = x''",
        "UPDATE answers SET seal = 'text'",
    ],
)
def test_an_entry_that_was_changed_is_not_there(file: Path, change: str) -> None:
    with sqlite3.connect(file) as other:
        other.execute(change)
    other.close()
    read = found(file)
    assert read.items() <= ANSWERS.items()
    assert len(read) <= 9  # abstentions, where scores alone were changed


def test_answers_that_changed_places_are_not_there(file: Path) -> None:
    with sqlite3.connect(file) as other:
        (one,), (two,) = other.execute("SELECT key FROM answers LIMIT 2").fetchall()
        other.execute("UPDATE answers SET key = x'00' WHERE key = ?", (one,))
        other.execute("UPDATE answers SET key = ? WHERE key = ?", (one, two))
    other.close()
    assert found(file) == {key: kept for key, kept in ANSWERS.items() if key not in {one, two}}


@given(data=st.data())
def test_no_bit_that_flips_makes_an_answer_wrong(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    path = tmp_path / "rows.sqlite"
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    remove_row_cache(path)
    path.write_bytes(content)
    assert found(path).items() <= ANSWERS.items()


KILLED = """
import os, signal, sys
from pathlib import Path
from audit.detectors.row_cache import Kept, RowCache, row_key
cache = RowCache(Path(sys.argv[1]))
for place in range(60):
    cache.put(row_key("detector", place, b"what is asked"), Kept(place / 61, ""))
    if place == 41:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("cut", [0, 1, 5000])
def test_what_was_kept_is_there_after_a_kill_also_where_the_log_was_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.sqlite"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -9
    log = path.with_name("rows.sqlite-wal")
    log.write_bytes(log.read_bytes()[: log.stat().st_size - cut])
    read = {place: kept.score for place, key in enumerate(KEYS) if (kept := found(path).get(key)) is not None}
    expected = {place: place / 61 for place in range(42)}
    assert read == expected if not cut else read.items() <= expected.items()
    assert len(read) >= (42 if not cut else 38)


def test_a_folder_that_cannot_be_written_is_no_error_and_is_told(tmp_path: Path) -> None:
    cache = RowCache(tmp_path / "missing" / "rows.sqlite")
    cache.put(KEYS[0], Kept(0.5, ""))
    assert cache.broken
    assert cache.get(KEYS[0]) is None
    cache.close()


def test_many_threads(tmp_path: Path) -> None:
    cache = RowCache(tmp_path / "rows.sqlite")

    def work(first: int) -> None:
        for key in KEYS[first::4]:
            cache.put(key, ANSWERS[key])
            assert cache.get(key) == ANSWERS[key]

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not cache.broken
    cache.close()
    assert found(tmp_path / "rows.sqlite") == ANSWERS
