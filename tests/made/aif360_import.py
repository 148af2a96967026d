"""Import of AIF360 in a test: without its log of optional packages, which sets up a handler of the root logger."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath


@contextmanager
def quiet_import() -> Iterator[None]:
    """Hold back the records and warnings of AIF360, and leave logging as it was."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    root.addFilter(_not_from_aif360)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeFilter(_not_from_aif360)
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)


def _not_from_aif360(record: logging.LogRecord) -> bool:
    return "aif360" not in PurePath(record.pathname).parts
