"""Keep answers for later runs, found by digests of detector, set, plan and installed packages.

The cache is a folder with one folder for each key. A key is the SHA-256 of everything that answers depend on. Within
the folder of a key, answers are kept and checked as `audit.scoring.checkpoint` does for a run: a key that is complete
is not scored again. Limits, groups and words are in no key, because they are applied to answers afterwards. No digest
covers a function, a program or a service, so these are always asked anew: nobody watches a gate, and one batch with the
same answers does not show that the next batch has them too.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from audit.errors import AuditError, DataError
from audit.operating_system import is_of_others, is_open_to_others
from audit.scoring.checkpoint import Checkpoint, answers_digest
from audit.storage import make_folder

MOST_KEYS: Final = 10
"""Number of keys that are kept: the ones used last."""
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class AnswerCache(Checkpoint):
    """A checkpoint that finds its folder within a cache once the run is known.

    Parameters
    ----------
    root : Path
        The folder of the cache. Where it is missing, it is made for its owner alone (0700).
    most : int
        Number of keys that are kept.

    Raises
    ------
    DataError
        Others own the folder or can write into it: they could plant answers.
    FolderInUseError
        Another run is using the same key.
    """

    only_by_digest = True

    def __init__(self, root: Path, *, most: int = MOST_KEYS) -> None:
        super().__init__(root, refuse=False)
        self._root = root
        self._most = most
        self._found = False

    def __enter__(self) -> Self:
        with self._storing():
            private_folder(self._root)
        return self

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Begin as `Checkpoint.begin` does, in the folder of the key."""
        self._move_to(self._root / answers_digest(identity))
        with self._storing():
            make_folder(self._folder)
            self._take_lock()
            os.utime(self._folder)
        self._found = True  # from here on it is ours to clear up
        super().begin(identity)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._found:
            super().__exit__(kind, error, trace)
            self._forget_oldest()

    def forget(self) -> None:
        """Throw the answers of this run away: answers from an outage are not worth keeping."""
        if self._found:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _forget_oldest(self) -> None:
        keys = [folder for folder in self._root.iterdir() if _KEY.fullmatch(folder.name) and folder.is_dir()]
        keys.sort(key=lambda folder: (folder == self._folder, folder.stat().st_mtime_ns, folder.name))
        for old in keys[: max(len(keys) - self._most, 0)]:
            with contextlib.suppress(AuditError, OSError), Checkpoint(old):  # whoever is using it keeps it
                shutil.rmtree(old, ignore_errors=True)


def private_folder(folder: Path) -> None:
    """Make a folder for its owner alone. Raises OSError, and DataError where others own it or can write into it."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_folder(folder)
    state = folder.stat()
    if is_of_others(state):
        raise DataError(
            f"{folder.name} belongs to another user, who could plant answers there",
            slug="cache-not-private",
            hint="name a folder of your own",
        )
    if is_open_to_others(state, 0o022):
        raise DataError(
            f"others than its owner can write into {folder.name}, and could plant answers there",
            slug="cache-not-private",
            hint="chmod 700 the folder, and empty it if somebody may have done so",
        )
