"""A folder for temporary files, removed at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from audit.engines.private_folder import PrivateFolder


@contextlib.contextmanager
def private_folder() -> Iterator[PrivateFolder]:
    private = PrivateFolder()
    try:
        yield private
    finally:
        private.remove()
