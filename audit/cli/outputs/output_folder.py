"""Folder of outputs that is written whole or not at all: its files are made in a hidden folder, then moved."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from audit.cli.outputs.exchange import Exchange
from audit.cli.outputs.named_folders import PUBLIC
from audit.cli.outputs.public_list import (
    PUBLIC_LIST,
    files_of_releases,
    list_text,
    note_public_file,
    refuse_strangers,
    set_line,
    set_listed,
)
from audit.errors import FolderInUseError, StorageError
from audit.operating_system import lock_folder
from audit.storage import GITIGNORE, storage, sync_folder, written_whole
from audit.vocabulary.file_names import RELEASE, RESTRICTED_EVIDENCE
from audit.vocabulary.text import LANGUAGES

_PREFIX: Final = ".audit7k-"
RESTRICTED_REPORTS: Final = (
    "report.html",
    "junit.xml",
    "restricted.sarif.json",
    "restricted.md",
    "report.pdf",
    *(f"report.{language}.pdf" for language in LANGUAGES),
)
"""Reports that show exact counts: those of our reporters."""
EXACT_FILES: Final = ("result.json", "predictions.parquet", *RESTRICTED_REPORTS, RESTRICTED_EVIDENCE)
OUR_FILES: Final = (*EXACT_FILES, PUBLIC)
"""Outputs that never stay beside a result of a later run."""


class OutputFolder:
    """Collector of outputs in a hidden folder inside the output folder, which moves them into place together.

    `public` is written anew and moved there as one folder, in the place of the one before: nothing is in it that this
    run did not write. Other files replace those before in one step each. Where a run is killed meanwhile, the next
    command that writes here puts all back as it was.

    Folder and files are for their owner alone (0700, 0600): exact counts can single out people. Public ones can be read
    by everybody whom the user lets read new files, and be written by nobody else (0755, 0644). Use it with `with`. What
    was not published is removed, and so is the folder if this run made it.

    Parameters
    ----------
    path : Path
        The folder.
    replaces : sequence of str
        Outputs of an earlier run that are removed, even where no new ones replace them; of `public` those that a
        release put there.
    public : bool
        Whether every file is public, not only those in `public`. Then each is exchanged by itself, since the folder may
        be a mount; `release.json` goes first and comes last, so that it lies only beside its own files.
    publishes : bool
        Whether a new `public` may come, where `replaces` names it.

    Raises
    ------
    ResultError
        If `public` is a link, or holds what no release put there; both when it begins and when it publishes.
    StorageError
        From any step, if the folder cannot be made or written; earlier files are then unchanged.
    """

    def __init__(
        self, path: Path, replaces: Sequence[str] = OUR_FILES, *, public: bool = False, publishes: bool = True
    ) -> None:
        self.path = path
        self._public = public
        self._publishes = publishes
        self._replaces = tuple(replaces)
        self._made: list[Path] = []
        self._lock: int | None = None
        self._staging: Path | None = None
        self._published = False
        self._exchange: Exchange | None = None

    def __enter__(self) -> Self:
        if self.path.exists() and not self.path.is_dir():
            raise StorageError(f"{self.path} is a file, not a folder", slug="not-a-folder")
        try:
            with writing(self.path):
                self._make_folders()
                self._take_lock()
                self._remove_leftovers()
                self._staging = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.path))
            self.refuse_strangers()
            self._try_public()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def place(self, name: str) -> Path:
        """Return where to write the output `name`, as in `public/report.html`, until `publish` moves it."""
        return self.staging / name

    @property
    def staging(self) -> Path:
        """Hidden folder in which outputs wait."""
        assert self._staging is not None  # noqa: S101 - only inside `with`
        return self._staging

    def add(self, name: str, content: str | bytes) -> None:
        """Write the output `name`, which must be a new one; text as UTF-8."""
        path = self.place(name)
        with writing(path):
            path.parent.mkdir(mode=0o755, exist_ok=True)
            with path.open("xb") as file:
                file.write(_bytes(content))

    def publish_files(self, files: Mapping[str, str | bytes], *, within: str = "") -> None:
        """Write outputs by their names in the folder `within`, if one is named, and move everything into place."""
        for name, content in files.items():
            self.add(f"{within}/{name}" if within else name, content)
        self.publish()

    def publish(self) -> None:
        """Move everything into place. If one move fails, all are undone."""
        self.refuse_strangers()
        if self.path in self._made and not self._public:  # in a folder of somebody's it would hide what is theirs
            self.add(GITIGNORE, f"*\n!/{PUBLIC}/\n!/{PUBLIC}/**\n")
        if (self.staging / PUBLIC).is_dir():
            with writing(self.path):
                contents = {file.name: file.read_bytes() for file in (self.staging / PUBLIC).iterdir()}
            self.add(PUBLIC_LIST, list_text(contents))
        elif PUBLIC in self._replaces and (known := set_listed(self.path)):
            self.add(PUBLIC_LIST, set_line(known))
        with writing(self.path):
            new = self._settled()
            leads = RELEASE if self._public else f"{PUBLIC}/{RELEASE}"
            self._exchange = Exchange(self.path, self.staging, new, self._names_before(new), (leads,))
            self._exchange.carry_out()
        self._published = True

    def take_back(self) -> None:
        """Put what was there before back in the place of what was published."""
        assert self._exchange is not None  # noqa: S101 - only after `publish`
        with writing(self.path):
            self._exchange.take_back()
        self._published = False

    def refuse_strangers(self) -> None:
        """Refuse to publish into a `public` that holds anything of somebody else. Raises ResultError."""
        if PUBLIC in self._replaces and self._publishes:
            with writing(self.path / PUBLIC):
                refuse_strangers(self.path)

    def _settled(self) -> list[str]:
        """Write what waits through to the disk; return the names by which it moves, `public` as one."""
        new = []
        for entry in sorted(self.staging.iterdir()):
            if not entry.is_dir():
                if (self.path / entry.name).is_dir():
                    raise StorageError(
                        f"{self.path / entry.name} is a folder",
                        slug="not-a-file",
                        hint="choose another folder with --out",
                    )
                _settle(entry, public=self._public)
            else:
                for file in entry.iterdir():
                    _settle(file, public=entry.name == PUBLIC)
                with contextlib.suppress(OSError):  # not every system can
                    sync_folder(entry)
            new.append(entry.name)
        last = RELEASE if self._public else PUBLIC
        return sorted(new, key=lambda name: name == last)

    def _names_before(self, new: Sequence[str]) -> list[str]:
        """Return what is there of what is replaced or removed."""
        old = [*new, *(name for name in self._replaces if name != PUBLIC)]
        if PUBLIC in self._replaces and PUBLIC not in new:
            ours = files_of_releases(self.path)
            old = [*(f"{PUBLIC}/{name}" for name in ours), *old, *([PUBLIC_LIST] if ours else [])]
        return [name for name in dict.fromkeys(old) if (self.path / name).is_file() or self._is_folder(name)]

    def _is_folder(self, name: str) -> bool:
        return name == PUBLIC and (self.path / name).is_dir()

    def _make_folders(self) -> None:
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700)
            self._made.append(folder)

    def _take_lock(self) -> None:
        try:
            self._lock = lock_folder(self.path)
        except BlockingIOError:
            raise FolderInUseError(f"another run is writing into {self.path}", slug="folder-in-use") from None

    def _remove_leftovers(self) -> None:
        """Take back what killed runs exchanged, and remove their folders; the lock shows that none is still alive."""
        for leftover in self.path.glob(f"{_PREFIX}*"):
            half = Exchange.left_in(leftover, self.path)
            if half is not None:
                half.take_back()
            if half is not None or self._lock is not None:
                shutil.rmtree(leftover, ignore_errors=True)

    def _try_public(self) -> None:
        """Refuse a `public` that is a mount, since no folder takes its place in one step.

        Two mounts can have one device number, so only a move shows it; no file of this name is there to be moved.
        """
        public = self.path / PUBLIC
        if PUBLIC not in self._replaces:
            return
        if not public.is_dir():
            if self._publishes and public.exists():
                raise StorageError(f"{public} is no folder", slug="not-a-folder")
            return
        if not self._publishes and not any(name.startswith(f"{PUBLIC}/") for name in self._names_before(())):
            return
        elsewhere = os.path.ismount(public)
        try:
            (public / self.staging.name).replace(self.staging / "tried")
        except OSError as error:
            elsewhere = elsewhere or error.errno == errno.EXDEV
        if elsewhere:
            raise StorageError(
                f"{public} lies on another file system than {self.path}, and is moved there in one step",
                slug="public-elsewhere",
            )

    def _clear(self) -> None:
        if self._staging is not None and Exchange.left_in(self._staging, self.path) is None:
            shutil.rmtree(self._staging, ignore_errors=True)
        if not self._published:
            for folder in reversed(self._made):
                with contextlib.suppress(OSError):
                    folder.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def write_file(path: Path, content: str | bytes, *, private: bool = True) -> None:
    """Write one file, text as UTF-8, whole or not at all; `private`: for its owner alone. Raises StorageError."""
    if path.is_dir():
        raise StorageError(f"{path} is a folder", slug="not-a-file", hint="name a file with --out")
    with writing(path):
        if not private:
            note_public_file(path, _bytes(content))
        with written_whole(path, 0o600 if private else 0o644) as file:
            file.write(_bytes(content))


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8")


def writing(path: Path) -> contextlib.AbstractContextManager[None]:
    """Turn an error of the storage into one line that names `path`. Raises StorageError."""
    hint = "free some space or choose another folder with --out; nothing was changed"
    return storage(path, f"cannot write {path}", hint=hint)


def _settle(file: Path, *, public: bool) -> None:
    """Write a file through to the disk, with the least permissions that it needs.

    A public file keeps what the user denies to new files, and is never one that others can write.
    """
    file.chmod(file.stat().st_mode & 0o644 | 0o600 if public else 0o600)
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
