"""Public files of a `release.json` alone: whoever may read it can make every public form of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from audit.cli.console.terminal import say_document

_FILE: Final = "release.json"
_BEGINS: Final = b'{"method":'
"""How audit7k begins such a file, whatever it is called."""


def release_at(path: Path) -> Path | None:
    """Return the public release that a path names, or that a folder without a result holds; else None."""
    file = path / _FILE if path.is_dir() and not (path / "result.json").exists() else path
    if not file.is_file():
        return None
    if file.name == _FILE:
        return file
    with file.open("rb") as content:
        return file if content.read(len(_BEGINS)) == _BEGINS else None


def files_of_release(path: Path, names: Sequence[str], lang: str | None) -> dict[str, bytes]:
    """Return the public files of a release, by name.

    Raises
    ------
    ResultError
        If the file is no release, is of another version, or contradicts itself.
    ArgumentError
        If there is no such report, or it lacks a language.
    """
    from audit.cli.outputs.audience import PublicFiles, requested_output
    from audit.disclosure.public_files import DATA, find_public_reporters
    from audit.disclosure.read import load_release

    asked = requested_output(names, lang, restricted=False)
    assert isinstance(asked, PublicFiles)  # noqa: S101 - not restricted
    release, content = load_release(path)
    languages = asked.languages if lang else release.about.languages
    about = release.about.model_copy(update={"languages": languages})
    shown = release.model_copy(update={"about": about})
    return {
        file.filename: content if file.name == DATA else file.content(shown)
        for file in find_public_reporters(asked.formats)
    }


def say_file(name: str, content: bytes) -> None:
    """Print a file on stdout, as text where it is some."""
    say_document(content if name.endswith(".pdf") else content.decode("utf-8"))
