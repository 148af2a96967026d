"""Makes every public file of a release, by the public reporters that installed packages offer.

`make_files` is the one renderer that the gates know: what it makes here it must make again in a process of its own,
whoever wrote the reporters. A reporter of a third party passes the same gates as ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from audit.errors import AuditError, DataError
from audit.plan.offers import names_offered, reporters_offered
from audit.public.table import PublicRelease

GROUP: Final = "audit.public_reporters"
RENDERER: Final = "audit.disclosure.public_files:make_files"
"""What a release names as its renderer."""
DATA: Final = "json"
"""Always made: everything else can be checked against it."""
_PREFERRED: Final = ("html", DATA, "csv", "junit")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@runtime_checkable
class PublicReporter(Protocol):
    """A form of a public release. An entry point of `audit.public_reporters` names a class of these, or one of them.

    One that writes other languages than English has an attribute `languages` too, with their codes, and reads
    `release.about.languages`.
    """

    name: str
    """What `--report` and `--format` call it: the name of its entry point."""
    filename: str
    """The name of the file that it makes: HTML, SVG, XML, CSV, JSON or text."""
    audience: str
    """`public`."""

    def render(self, release: PublicRelease) -> str | bytes:
        """The whole file, from the release and nothing else. Text is written as UTF-8."""
        ...


def default_formats() -> tuple[str, ...]:
    """Those that are made unless others are asked for, the one for people first where it is installed."""
    known = names_offered(GROUP)
    return tuple(name for name in _PREFERRED if name in known)


def find_public_reporters(names: Sequence[str]) -> list[PublicReporter]:
    """The public reporters with these names, in their order, each once.

    Raises
    ------
    DataError
        No package offers a name, or more than one does, or two write one file.
    AuditError
        A reporter cannot be loaded, or is none.
    """
    return reporters_offered(names, GROUP, _is_reporter, DataError, public=True)


def make_files(release: PublicRelease) -> dict[str, bytes]:
    """Every file of `release.about.formats`, by name.

    Raises
    ------
    AuditError
        A reporter is not there or fails. Never with the text of that failure.
    """
    files = {}
    for reporter in find_public_reporters(release.about.formats):
        try:
            made = reporter.render(release)
        except AuditError:  # it says what it lacks
            raise
        except Exception as error:
            raise AuditError(
                f'the public reporter "{reporter.name}" failed ({type(error).__name__})',
                slug="reporter-failed",
                hint="leave it out, or run again as `audit7k --debug …`",
            ) from error
        files[reporter.filename] = made.encode("utf-8") if isinstance(made, str) else made
    return files


def _is_reporter(made: object) -> bool:
    if not isinstance(made, PublicReporter) or made.audience != "public":
        return False
    filename: object = made.filename
    return isinstance(filename, str) and bool(_PLAIN.fullmatch(filename))
