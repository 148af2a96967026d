"""Makes every public file of a release, by the public reporters that installed packages offer.

`make_files` is the one renderer that the gates know: what it makes here it must make again in a process of its own,
whoever wrote the reporters. A reporter of a third party passes the same gates as ours.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, runtime_checkable

from audit.errors import AuditError, DataError
from audit.public.table import PublicRelease
from audit.vocabulary.text import printable

__all__ = [
    "GROUP",
    "RENDERER",
    "PublicReporter",
    "default_formats",
    "find_public_reporters",
    "known_formats",
    "make_files",
    "who_answered",
]

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


def known_formats() -> tuple[str, ...]:
    """Names of the public reporters that installed packages offer; none of them is imported."""
    return tuple(sorted(set(entry_points(group=GROUP).names)))


def default_formats() -> tuple[str, ...]:
    """Those that are made unless others are asked for, the one for people first where it is installed."""
    known = known_formats()
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
    found = [_loaded(_offer(name)) for name in dict.fromkeys(names)]
    files = [reporter.filename for reporter in found]
    for filename in files:
        if files.count(filename) > 1:
            raise DataError(
                f"two of these public reporters write {filename}", slug="same-report-file", hint="ask for one"
            )
    return found


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


def _offer(name: str) -> EntryPoint:
    offers = {(offer.value, _package(offer)): offer for offer in entry_points(group=GROUP, name=name)}
    if not offers:
        raise DataError(
            f'no public reporter "{printable(name)[:60]}"',
            slug="unknown-public-reporter",
            hint=f"installed here: {', '.join(known_formats()) or 'none'}",
        )
    if len(offers) > 1:
        raise DataError(
            f'more than one installed package offers the public reporter "{name}": '
            f"{', '.join(sorted({package for _, package in offers}))}",
            slug="ambiguous-reporter",
            hint="uninstall all but one of them",
        )
    return next(iter(offers.values()))


def _loaded(offer: EntryPoint) -> PublicReporter:
    try:
        made = offer.load()
        reporter = made() if isinstance(made, type) else made
    except AuditError:
        raise
    except (Exception, SystemExit) as error:
        raise AuditError(
            f'the public reporter "{offer.name}" of {_package(offer)} cannot be loaded ({type(error).__name__}); '
            f"{who_answered(offer)}",
            slug="reporter-not-loaded",
            hint="start audit7k from another folder or rename what hides it; else reinstall the package",
        ) from error
    filename = getattr(reporter, "filename", None)
    plain = isinstance(filename, str) and _PLAIN.fullmatch(filename)
    if not isinstance(reporter, PublicReporter) or not plain or reporter.audience != "public":
        raise AuditError(
            f'the public reporter "{offer.name}" of {_package(offer)} is none: it needs name, filename, audience '
            '"public" and render',
            slug="reporter-not-loaded",
            hint='see "A public report" in CONTRIBUTING.md',
        )
    return reporter


def who_answered(offer: EntryPoint) -> str:
    """Which file Python took for the reporter's top-level package: a user's own folder can hide it."""
    import importlib.util

    top = offer.module.partition(".")[0]
    module = sys.modules.get(top)
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    if module is None:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            spec = None
        places = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
    place = next((place for place in places if place), None)
    return f'"{top}" is {place} here' if place else f'nothing answers to "{top}"'


def _package(offer: EntryPoint) -> str:
    return offer.dist.name if offer.dist is not None else "an unnamed package"
