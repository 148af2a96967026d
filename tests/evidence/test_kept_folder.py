"""A restricted folder in one encrypted file: what comes back, what is refused, and which key belongs to a secret."""

from __future__ import annotations

import hashlib
import hmac
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.published import keep_key, write_set

from audit.cli.outputs.signer import SECRET as VARIABLE
from audit.cli.outputs.signer import secret_of_pipeline
from audit.disclosure.restricted import restricted_folder
from audit.errors import ArgumentError, EvidenceError, ResultError
from audit.evidence import kept_folder
from audit.evidence.kept_folder import begin_kept, pack, unpack
from audit.evidence.keys import figures_key, opened_under, sealed_under

SECRET: Final = b"5d" * 32


def contents(folder: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, but for its lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = keep_key(tmp_path / "kept")
    (folder / "chains" / "ab" / "0000").mkdir(parents=True)
    (folder / "chains" / "ab" / "0000" / "result.json").write_bytes(b"{}" * 5_000)
    (folder / "releases").mkdir()
    pack(folder, tmp_path / "file", SECRET)
    unpack(tmp_path / "file", tmp_path / "again", SECRET)
    assert contents(tmp_path / "again") == contents(folder)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "again").rglob("*")} == {0}
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0
    with restricted_folder(tmp_path / "again") as opened:
        assert not opened.made_key


@given(content=st.binary(max_size=200), at=st.integers(min_value=0), flip=st.integers(1, 255))
def test_no_byte_can_be_changed(content: bytes, at: int, flip: int) -> None:
    sealed = bytearray(sealed_under(SECRET, content))
    assert opened_under(SECRET, bytes(sealed), "file") == content
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(EvidenceError, match="the secret does not open file"):
        opened_under(SECRET, bytes(sealed), "file")


@pytest.mark.parametrize("sealed", [b"", b"audit7k kept 1\n", b"PK\x03\x04", b"audit7k kept 1\n" + bytes(60)])
def test_what_is_no_such_file_is_one_line(tmp_path: Path, sealed: bytes) -> None:
    (tmp_path / "file").write_bytes(sealed)
    with pytest.raises(EvidenceError, match="the secret does not open file"):
        unpack(tmp_path / "file", tmp_path / "folder", SECRET)
    assert not (tmp_path / "folder").exists()


def test_two_files_of_one_folder_share_no_key_and_show_nothing(tmp_path: Path) -> None:
    folder = keep_key(tmp_path / "kept")
    files = []
    for name in ("first", "second"):
        pack(folder, tmp_path / name, SECRET)
        files.append((tmp_path / name).read_bytes())
    begins = len(b"audit7k kept 1\n")
    assert files[0][:begins] == files[1][:begins]
    assert files[0][begins : begins + 28] != files[1][begins : begins + 28]
    assert b"counter" not in files[0]
    assert (folder / "key").read_bytes().strip() not in files[0]


def test_the_key_of_figures_is_that_of_the_secret_by_the_published_formulas() -> None:
    """Scrypt by hashlib, and HKDF as RFC 5869 writes it."""
    name = b"audit7k kept 1\n"
    stretched = hashlib.scrypt(SECRET, salt=name, n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    extracted = hmac.digest(bytes(32), stretched, "sha256")
    assert figures_key(SECRET) == hmac.digest(extracted, name + b"figures\x01", "sha256")
    assert figures_key(SECRET) != figures_key(SECRET[:-1])


def test_a_begun_folder_has_that_key_and_no_release(tmp_path: Path) -> None:
    begin_kept(tmp_path / "new", SECRET)
    with restricted_folder(tmp_path / "new") as folder:
        assert (folder.secret, folder.releases, folder.made_key) == (figures_key(SECRET), 0, False)
    with pytest.raises(ArgumentError, match="is not empty"):
        begin_kept(tmp_path / "new", SECRET)


def test_what_would_be_written_elsewhere_is_refused(tmp_path: Path) -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("key", "counter.json", "../outside"):
            archive.writestr(name, b"")
    (tmp_path / "file").write_bytes(sealed_under(SECRET, content.getvalue()))
    with pytest.raises(ResultError, match="holds no restricted folder"):
        unpack(tmp_path / "file", tmp_path / "folder", SECRET)
    assert not (tmp_path / "outside").exists()


def test_places_that_are_no_restricted_folder_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path)
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ResultError, match="is no restricted folder"):
            pack(place, tmp_path / "file", SECRET)
    assert not (tmp_path / "nowhere").exists()
    folder = keep_key(tmp_path / "kept")
    pack(folder, tmp_path / "file", SECRET)
    monkeypatch.setattr(kept_folder, "_LARGEST", 50)
    with pytest.raises(ResultError, match="has more than 50 bytes"):
        pack(folder, tmp_path / "other", SECRET)
    with pytest.raises(ResultError, match="has more than 50 bytes"):
        unpack(tmp_path / "file", tmp_path / "folder", SECRET)


@pytest.mark.parametrize(
    ("secret", "slug"), [("", "no-secret"), ("  ", "no-secret"), ("correct horse", "short-secret")]
)
def test_a_secret_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str, slug: str) -> None:
    monkeypatch.setenv(VARIABLE, secret)
    with pytest.raises(ArgumentError) as caught:
        secret_of_pipeline()
    assert caught.value.slug == slug
    assert secret.strip() == "" or secret not in str(caught.value)
