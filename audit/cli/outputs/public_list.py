"""List of what releases put into a folder `public`, and search for what none of them did.

The list lies beside the folder, for its owner alone: a line for each file, with its SHA-256, as `sha256sum` writes it.
The first line names the set, and stays where the files are removed: whoever has them knows a key that may be lost.
Lists of earlier versions name the files alone. Where there is no list, `release.json` says which forms it has.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from audit.cli.outputs.named_folders import PUBLIC
from audit.disclosure.public_files import REPORTERS
from audit.disclosure.read import load_release
from audit.errors import ResultError
from audit.storage import bytes_of_result, write_durably
from audit.vocabulary.file_names import EVIDENCE, OF_FILE_MANAGERS, RELEASE
from audit.vocabulary.text import listed, shown

PUBLIC_LIST: Final = ".public-files"
_LINE: Final = re.compile(r"([0-9a-f]{64})  (.+)")
_SET: Final = re.compile(r"set ([0-9a-f]{16})")
_LARGEST: Final = 256 * 1024 * 1024
_NAMED: Final = 5


def list_text(files: Mapping[str, bytes]) -> str:
    """Return the list of the files of a release."""
    named = ""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        named = set_line(json.loads(files[RELEASE])["set_id"])
    return named + "".join(_line(name, content) for name, content in sorted(files.items()))


def set_line(set_id: str) -> str:
    """Return the line of the list that names a set; empty where there is none."""
    return f"set {set_id}\n" if set_id else ""


def set_listed(out: Path) -> str:
    """Return the `set_id` of the last release that was put into `public`, there or not; empty where no list says it."""
    matches = map(_SET.fullmatch, _lines(out))
    return next((match[1] for match in matches if match), "")


def note_public_file(path: Path, content: bytes) -> None:
    """Add a file to the list, before it is written into a listed folder `public`. Raises OSError."""
    list_path = path.parent.parent / PUBLIC_LIST
    if path.parent.name == PUBLIC and list_path.is_file():
        line = _line(path.name, content)
        before = list_path.read_bytes()
        if line.encode() not in before.splitlines(keepends=True):
            write_durably(list_path, before + line.encode())


def files_of_releases(out: Path) -> list[str]:
    """Return the names of the files in `public` that lie there as a release wrote them; none through a link."""
    public, known = out / PUBLIC, _listed(out)
    entries = sorted(public.iterdir()) if public.is_dir() and not public.is_symlink() else []
    return [entry.name for entry in entries if entry.name in known and _kind_of_stranger(entry, known) is None]


def refuse_strangers(out: Path) -> None:
    """Refuse to release into a folder `public` with anything that no release put there, or that was changed since.

    Raises
    ------
    ResultError
        With the names; a link to a folder is refused whatever it holds.
    OSError
        If the folder cannot be read.
    """
    public = out / PUBLIC
    if public.is_symlink():
        raise ResultError(f"{public} is a link", slug="public-is-a-link")
    if not public.is_dir():
        return
    strangers = list(_strangers(public, _listed(out)))
    if strangers:
        raise ResultError(
            f"{public} holds what no release put there: {listed(strangers, _NAMED)}", slug="not-of-a-release"
        )


def _strangers(public: Path, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for entry in sorted(public.iterdir()):
        kind = _kind_of_stranger(entry, known)
        if kind is not None:
            yield f"{shown(entry.name)}{kind}"


def _kind_of_stranger(entry: Path, known: Mapping[str, frozenset[str]]) -> str | None:
    """Say what an entry of `public` is that no release put there; None where one did, or nobody misses it."""
    mode = entry.lstat().st_mode
    if stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
        return " (a link)" if stat.S_ISLNK(mode) else " (a folder)"
    if not stat.S_ISREG(mode):
        return " (no file)"
    if entry.name not in known:
        return None if entry.name in OF_FILE_MANAGERS else ""
    return " (changed since)" if known[entry.name] and _digest(entry) not in known[entry.name] else None


def _listed(out: Path) -> dict[str, frozenset[str]]:
    """Return the files of the list with the digests that they may have; none where the list does not say."""
    lines = _lines(out)
    if not lines:  # a damaged list says no more than none
        return dict.fromkeys(_names_by_release(out / PUBLIC / RELEASE), frozenset())
    listed_files: dict[str, frozenset[str]] = {}
    for line in lines:
        if _SET.fullmatch(line):
            continue
        match = _LINE.fullmatch(line)
        digest, name = match.groups() if match else ("", line)
        listed_files[name] = listed_files.get(name, frozenset()) | ({digest} if digest else frozenset())
    if listed_files and not any(listed_files.values()):
        listed_files.setdefault(EVIDENCE, frozenset())  # earlier versions did not list it
    return listed_files


def _lines(out: Path) -> list[str]:
    try:
        return (out / PUBLIC_LIST).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _names_by_release(file: Path) -> Iterator[str]:
    with contextlib.suppress(ResultError):
        release, _ = load_release(file)
        yield from (EVIDENCE, RELEASE, *(REPORTERS[name][0] for name in release.about.formats if name in REPORTERS))


def _digest(file: Path) -> str:
    with contextlib.suppress(ResultError):
        return hashlib.sha256(bytes_of_result(file, _LARGEST)).hexdigest()
    return ""


def _line(name: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n"
