"""Keeps the libraries below from logging while a service is asked: their records name addresses, queries and sizes."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Final

_TOPS: Final = ("httpcore2", "httpx2")
_lock = threading.Lock()
_former: dict[str, bool] = {}
_held = 0


@contextlib.contextmanager
def silent_loggers() -> Iterator[None]:
    """Disable their loggers, whatever level somebody has set, until everybody who asked for it has done."""
    global _held  # noqa: PLW0603 - loggers are global
    with _lock:
        _held += 1
        if _held == 1:
            for name in [*_TOPS, *logging.root.manager.loggerDict]:
                if name.partition(".")[0] in _TOPS:
                    logger = logging.getLogger(name)
                    _former[name] = logger.disabled
                    logger.disabled = True
    try:
        yield
    finally:
        with _lock:
            _held -= 1
            if not _held:
                for name, disabled in _former.items():
                    logging.getLogger(name).disabled = disabled
                _former.clear()
