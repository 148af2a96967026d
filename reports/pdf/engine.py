"""The PDF engine, WeasyPrint, or one line that says what is missing. The engine fetches nothing, and its log stays
silent.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from audit.errors import AuditError


def weasyprint() -> ModuleType:
    """Return the module.

    Raises
    ------
    AuditError
        If the extra or one of the libraries that it stands on is missing.
    """
    try:
        with silent():
            return importlib.import_module("weasyprint")
    except ModuleNotFoundError:
        raise AuditError(
            'a PDF needs the extra "pdf"',
            slug="pdf-extra",
            hint="pip install 'audit7k[pdf]', or leave --report pdf out",
        ) from None
    except OSError:
        raise AuditError("a PDF needs the library Pango, which is not on this machine", slug="pdf-library") from None
    except Exception as error:
        raise AuditError(
            f'what the extra "pdf" installs cannot be imported ({type(error).__name__})',
            slug="pdf-extra",
            hint="uninstall that package with pip, then pip install 'audit7k[pdf]'",
        ) from None


def selectors() -> ModuleType:
    """Return WeasyPrint's own module that wraps a tree for its style sheets."""
    return importlib.import_module("cssselect2")


def style_parser() -> ModuleType:
    """Return WeasyPrint's own module that reads style sheets."""
    return importlib.import_module("tinycss2")


class _Kept(logging.Handler):
    """A log handler that keeps the sentences of errors, without the content that they quote."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the sentence."""
        self.said.append(str(record.msg))


@contextlib.contextmanager
def silent() -> Iterator[list[str]]:
    """Silence the log and the prints of WeasyPrint, which quote the content of a page. Yields the errors that it
    logged.
    """
    handler, loggers = _Kept(), [logging.getLogger(name) for name in ("weasyprint", "weasyprint.progress", "fontTools")]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield handler.said
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def data_fetcher() -> Any:
    """Return a fetcher that reads `data:` and refuses any other address. Its `refused` says whether another address was
    asked for.

    Everything that a page names (a picture, a style, a font, a file) goes through it. So no byte leaves, none comes in,
    and no file of this machine is read.
    """
    urls = importlib.import_module("weasyprint.urls")

    class OnlyData(urls.URLFetcher):  # type: ignore[name-defined,misc]
        refused = False

        def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
            """Read the content of the address itself."""
            if not url.lower().startswith("data:"):
                self.refused = True
                raise ValueError("only data: is read")
            return super().fetch(url, headers)

    return OnlyData(allowed_protocols={"data"}, allow_redirects=False)
