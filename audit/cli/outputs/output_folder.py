"""Folder of outputs that is written whole or not at all: its files are made in a hidden folder, then moved."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from audit.errors import FolderInUseError, StorageError
from audit.operating_system import lock_folder
from audit.storage import GITIGNORE, storage, sync_folder, written_whole
from audit.vocabulary.file_names import EVIDENCE, RELEASE, RESTRICTED_EVIDENCE
from audit.vocabulary.text import LANGUAGES

_PREFIX: Final = ".audit7k-"
_TRIED: Final = f"{_PREFIX}try-"
PUBLIC: Final = "public"
"""Folder within an output folder that may leave the house; nothing else in it may."""
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
"""Outputs that never stay beside a result of a later run; in `public` this holds for files that an earlier run
wrote there."""
_LIST: Final = ".public-files"
"""List, beside `public`, of the files that the last run wrote there. Other files belong to somebody, and stay."""


class OutputFolder:
    """Collector of outputs in a hidden folder inside the output folder, which moves them into place together.

    Each file replaces the one before in one step, and files without a successor are removed after that. So when a run
    is killed, every file that was there is there, old or new. Only `release.json` of public files is removed
    first and put in place last: where it is missing, the files may come from two runs. Folders are never replaced: they
    may be links, or be served to somebody.

    Folder and files are for their owner alone (0700, 0600): exact counts can single out people. Those in `public` have
    the permissions that the user gives new files. Use it with `with`. What was not published is removed, and so is the
    folder if this run made it.

    Parameters
    ----------
    path : Path
        The folder.
    replaces : sequence of str
        Outputs of an earlier run that are removed, even where no new ones replace them; in `public` those that an
        earlier run wrote.
    public : bool
        Whether every file is public, not only those in `public`.
    publishes : bool
        Whether new files may come into `public`, where `replaces` names it.

    Raises
    ------
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
        self._new: Sequence[str] = ()
        self._listed_before: bytes | None = None

    def __enter__(self) -> Self:
        if self.path.exists() and not self.path.is_dir():
            raise StorageError(f"{self.path} is a file, not a folder", slug="not-a-folder")
        try:
            with writing(self.path):
                self._make_folders()
                self._take_lock()
                self._remove_leftovers()
                self._staging = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.path))
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
        """Write the output `name`; text as UTF-8."""
        place = self.place(name)
        with writing(place):
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(_bytes(content))

    def publish_files(self, files: Mapping[str, str | bytes], *, within: str = "") -> None:
        """Write outputs by their names in the folder `within`, if one is named, and move everything into place."""
        for name, content in files.items():
            self.add(f"{within}/{name}" if within else name, content)
        self.publish()

    def publish(self) -> None:
        """Move everything into place. If one move fails, all are undone."""
        if self.path in self._made and not self._public:  # in a folder of somebody's it would hide what is theirs
            self.add(GITIGNORE, f"*\n!/{PUBLIC}/\n!/{PUBLIC}/**\n")
        with writing(self.path):
            new = sorted(
                file.relative_to(self.staging).as_posix() for file in self.staging.rglob("*") if file.is_file()
            )
            for name in new:
                if (self.path / name).is_dir():
                    raise StorageError(
                        f"{self.path / name} is a folder", slug="not-a-file", hint="choose another folder with --out"
                    )
                public = self._public or name.startswith(f"{PUBLIC}/")
                _settle(self.place(name), 0o666 & ~_umask() if public else 0o600)
            old = list(dict.fromkeys((*new, *self._files_to_replace())))
            earlier = self.staging / "earlier"
            for folder in {(earlier / name).parent for name in old}:
                folder.mkdir(parents=True, exist_ok=True)
            made = [folder for folder in {(self.path / name).parent for name in new} if not folder.is_dir()]
            for folder in made:
                folder.mkdir()
            try:
                with self._listed(new, old):
                    self._exchange(new, old, earlier)
            except BaseException:
                for folder in made:
                    with contextlib.suppress(OSError):
                        folder.rmdir()
                raise
            for folder in {(self.path / name).parent for name in new}:
                with contextlib.suppress(OSError):  # not every system can
                    sync_folder(folder)
        self._published, self._new = True, new

    def take_back(self) -> None:
        """Put what was there before back in the place of what was published. The release goes first and comes last."""
        earlier = self.staging / "earlier"
        before = [file.relative_to(earlier).as_posix() for file in earlier.rglob("*") if file.is_file()]
        with writing(self.path):
            for name in sorted(self._new, key=self._is_release, reverse=True):
                (self.path / name).unlink(missing_ok=True)
            for name in sorted(before, key=self._is_release):
                (earlier / name).replace(self.path / name)
            if self._listed_before is not None:
                write_file(self.path / _LIST, self._listed_before)
            elif (self.path / _LIST).is_file():
                (self.path / _LIST).unlink()
        self._published = False

    def _files_to_replace(self) -> Iterator[str]:
        for name in self._replaces:
            place = self.path / name
            if name != PUBLIC and place.is_file():
                yield name
            elif place.is_dir():
                ours = self._ours()
                files = (file for file in sorted(place.iterdir()) if file.name in ours and file.is_file())
                yield from (f"{name}/{file.name}" for file in files)

    def _ours(self) -> frozenset[str]:
        """Return names of the files in `public` that an earlier run wrote; none without a sign of such a run.

        A result is no sign: a run with `--restricted` writes a result, and nothing into `public`.
        """
        with contextlib.suppress(OSError, UnicodeDecodeError):  # a damaged list says no more than none
            return frozenset({EVIDENCE, *(self.path / _LIST).read_text(encoding="utf-8").splitlines()})
        if not (self.path / PUBLIC / RELEASE).is_file():
            return frozenset()
        from audit.disclosure.public_files import REPORTERS

        return frozenset({EVIDENCE, *(filename for filename, _ in REPORTERS.values())})

    @contextlib.contextmanager
    def _listed(self, new: list[str], old: list[str]) -> Iterator[None]:
        """List our files in `public`. Meanwhile list old and new ones: a killed run must leave no file unlisted."""
        place = self.path / _LIST
        self._listed_before = before = _bytes_there(place)
        nothing = before is None and not any(name.startswith(f"{PUBLIC}/") for name in (*new, *old))
        if nothing or place.is_dir():  # a folder of that name is somebody's
            yield
            return
        write_file(place, _lines([*new, *old]))
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError, StorageError):
                place.unlink() if before is None else write_file(place, before)
            raise
        write_file(place, _lines(new))

    def _exchange(self, new: list[str], old: list[str], earlier: Path) -> None:
        """Exchange old files for new ones. The release goes first and comes last: it lies only beside its own."""
        undo: list[tuple[Path, Path]] = []
        there = sorted((name for name in old if (self.path / name).is_file()), key=self._is_release)
        for name in there:
            _keep(self.path / name, earlier / name)
        try:
            for name in filter(self._is_release, there):
                (self.path / name).unlink()
            for name in [name for name in new if not self._is_release(name)]:
                self._move(name, undo)
            for name in [name for name in there if name not in new and not self._is_release(name)]:
                (self.path / name).unlink()
            for name in filter(self._is_release, new):
                self._move(name, undo)
        except BaseException:
            for now, before in reversed(undo):
                with contextlib.suppress(OSError):
                    now.replace(before)
            for name in there:
                with contextlib.suppress(OSError):
                    (earlier / name).replace(self.path / name)
            raise

    def _move(self, name: str, undo: list[tuple[Path, Path]]) -> None:
        self.place(name).replace(self.path / name)
        undo.append((self.path / name, self.place(name)))

    def _is_release(self, name: str) -> bool:
        return name == f"{PUBLIC}/{RELEASE}" or (self._public and name == RELEASE)

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
        """Remove folders of killed runs; the lock shows that none of these runs is still alive."""
        if self._lock is not None:
            for leftover in self.path.glob(f"{_PREFIX}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            if PUBLIC in self._replaces:
                for leftover in (self.path / PUBLIC).glob(f"{_TRIED}*"):
                    with contextlib.suppress(OSError):
                        leftover.unlink()

    def _try_public(self) -> None:
        """Move an empty file into `public` and remove it: through a link or a mount no move may be possible.

        Two mounts can have one device number, so only a move shows it.
        """
        place = self.path / PUBLIC
        if PUBLIC not in self._replaces:
            return
        if not place.is_dir():
            if self._publishes and (place.is_symlink() or place.exists()):
                raise StorageError(f"{place} is no folder", slug="not-a-folder")
            return
        with writing(place):
            if not self._publishes and not any(name.startswith(f"{PUBLIC}/") for name in self._files_to_replace()):
                return
            handle, tried = tempfile.mkstemp(prefix=_TRIED, dir=self.staging)
            os.close(handle)
            there = place / Path(tried).name
            try:
                Path(tried).replace(there)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                raise StorageError(
                    f"{place} lies on another file system than {self.path}, and files are moved there in one step",
                    slug="public-elsewhere",
                ) from None
            there.unlink(missing_ok=True)

    def _clear(self) -> None:
        if self._staging is not None:
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
    with writing(path), written_whole(path, 0o600 if private else 0o666 & ~_umask()) as file:
        file.write(_bytes(content))


def _lines(names: list[str]) -> str:
    ours = {name.removeprefix(f"{PUBLIC}/") for name in names if name.startswith(f"{PUBLIC}/")}
    return "".join(f"{name}\n" for name in sorted(ours))


def _bytes_there(file: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        return file.read_bytes()
    return None


def _keep(file: Path, copy: Path) -> None:
    """Give a file a second name, or copy it where the storage gives no file two names."""
    try:
        os.link(file, copy)
    except OSError:
        shutil.copy2(file, copy)


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8")


def writing(path: Path) -> contextlib.AbstractContextManager[None]:
    """Turn an error of the storage into one line that names `path`. Raises StorageError."""
    hint = "free some space or choose another folder with --out; nothing was changed"
    return storage(path, f"cannot write {path}", hint=hint)


def _umask() -> int:
    """Return the permissions that the user denies to new files. Only setting the mask can read it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _settle(file: Path, mode: int) -> None:
    """Write a file through to the disk, with these permissions."""
    file.chmod(mode)
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
