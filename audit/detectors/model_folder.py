"""List the files of a model folder, check that they are plain files in it, and compute a digest of all.

The folder is searched for links before any file name in it is used. After that, a name on the list is a file of the
folder, and any other name is refused, whatever dots and slashes it has.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from audit.errors import DetectorError
from audit.storage import file_sha256
from audit.vocabulary.text import shown

_MOST_FILES: Final = 10_000
_LARGEST: Final = 64 * 2**30
"""Bytes of all files together."""


class ModelFolder:
    """A model folder on this machine, with the names and digests of its files."""

    def __init__(self, path: Path, name: str, described_in: str) -> None:
        """List the files of a folder, without reading them. Messages call it `name`; one file describes the model.

        Raises
        ------
        DetectorError
            It is no folder with that file, or it holds a link, a pipe, a device or a name that cannot be shown.
        """
        self.name = name
        self._path = path
        self._described_in = described_in
        self._files = self._listed()
        self._digests: Mapping[str, str] = {}
        self._read: dict[str, str] = {}
        if described_in not in self._files:
            raise DetectorError(
                f"{name} holds no file {described_in}",
                slug="detector-file",
                hint="`path` names the folder that save_model or save_pretrained wrote; runs and registries of MLflow "
                "hold it further down",
            )

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files in the folder, with `/`, sorted by their bytes."""
        return tuple(self._files)

    def digest(self) -> str:
        """Read every file. Returns the SHA-256 of the list of their digests and names, as `sha256sum` writes it.

        Raises
        ------
        DetectorError
            A file cannot be read, or differs from the content that `read` returned.
        """
        digests: dict[str, str] = {}
        for file in self._files:
            try:
                digests[file] = file_sha256(self._path / file)
            except OSError as error:
                raise self._unreadable(file, error) from None
        self._digests = digests
        for file, sha256 in self._read.items():
            self.check(file, sha256)
        lines = "".join(f"{digest}  {file}\n" for file, digest in digests.items())
        return hashlib.sha256(lines.encode()).hexdigest()

    def read(self, file: str, largest: int) -> bytes:
        """Read a file on the list. Raises DetectorError if it is too large or cannot be read."""
        if self._files[file] > largest:
            raise DetectorError(
                f"{self.name}/{file} is larger than {largest // 2**20} MiB",
                slug="detector-too-large",
                hint="it is no description of a model; have the model saved again",
            )
        try:
            with (self._path / file).open("rb") as opened:
                content = opened.read(largest)
        except OSError as error:
            raise self._unreadable(file, error) from None
        self._read[file] = hashlib.sha256(content).hexdigest()
        return content

    def member(self, written: object, key: str) -> str:
        """Return the file that the description names under `key`. Raises DetectorError if it is not on the list."""
        if isinstance(written, str) and written in self._files:
            return written
        label = repr(shown(written)) if isinstance(written, str) else "none"
        raise DetectorError(
            f"{self.name}/{self._described_in} names a model file that is not in the folder ({key}: {label})",
            slug="detector-path",
            hint="only files of the folder are read; copy the whole folder, or have the model saved again",
        )

    def check(self, file: str, sha256: str | None) -> None:
        """Raise DetectorError if the content loaded from `file` differs from the content in the digest."""
        if self._digests.get(file) != sha256:
            raise DetectorError(f"{self.name}/{file} changed while it was read", slug="detector-changed")

    def _listed(self) -> dict[str, int]:
        """Names and sizes of all files; names have `/` and are sorted by their bytes."""
        if not self._path.is_dir():
            raise DetectorError(
                f"{self.name} is no folder" if self._path.exists() else f"no model folder {self.name}",
                slug="detector-file",
                hint=f"`path` names the folder with the file {self._described_in}, relative to the folder of the plan; "
                "nothing is downloaded",
            )
        sizes: dict[str, int] = {}
        total = 0
        waiting = [""]
        try:
            while waiting:
                inside = waiting.pop()
                with os.scandir(self._path / inside) as entries:
                    for entry in entries:
                        file = f"{inside}/{entry.name}" if inside else entry.name
                        if self._is_folder(entry, file):
                            waiting.append(file)
                        else:
                            sizes[file] = entry.stat(follow_symlinks=False).st_size
                            total += sizes[file]
                        if len(sizes) + len(waiting) > _MOST_FILES or total > _LARGEST:
                            raise self._too_large()
        except OSError as error:
            raise self._unreadable("", error) from None
        return dict(sorted(sizes.items(), key=lambda item: item[0].encode()))

    def _is_folder(self, entry: os.DirEntry[str], file: str) -> bool:
        """Whether the entry is a folder. Raises DetectorError if it is no file either, or its name cannot be listed."""
        if entry.is_symlink():
            raise DetectorError(
                f"{self.name}/{shown(file)} is a link, and those are not followed",
                slug="detector-path",
                hint="audit a copy that holds the files themselves: cp -rL",
            )
        if not file.isprintable() or "\\" in file:
            raise DetectorError(
                f"{self.name} holds a file whose name is not plain text: {shown(file)!r}",
                slug="detector-path",
                hint="have the model saved again",
            )
        if entry.is_dir(follow_symlinks=False):
            return True
        if not entry.is_file(follow_symlinks=False):
            raise DetectorError(
                f"{self.name}/{shown(file)} is a pipe or a device",
                slug="detector-path",
                hint="have the model saved again",
            )
        return False

    def _too_large(self) -> DetectorError:
        return DetectorError(
            f"{self.name} holds more than {_MOST_FILES:,} files, or more than {_LARGEST // 2**30} GiB",
            slug="detector-too-large",
            hint="`path` names the folder of one model",
        )

    def _unreadable(self, file: str, error: OSError) -> DetectorError:
        where = f"{self.name}/{shown(file)}" if file else f"the folder {self.name}"
        return DetectorError(f"{where} cannot be read ({type(error).__name__})", slug="detector-file")
