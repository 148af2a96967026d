"""Reporters, found by entry point: ours are registered as anyone's are; and the maker of figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast, runtime_checkable

from audit.errors import ArgumentError, AuditError
from audit.plan.offers import ours, reporters_offered
from audit.storage import storage, write_durably
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.public.release import PublicRelease
    from audit.result.audit_result import AuditResult
    from audit.result.findings.remedies import Remedies

GROUP: Final = "audit.reporters"


@runtime_checkable
class Reporter(Protocol):
    """Form in which a result is shown. An entry point of `audit.reporters` names a class of this kind, or an object.

    `render` gets these further arguments, if it has a parameter for them: `languages`, the codes for its file;
    `language`, where a file holds one language and each language makes a file; `compared`, whether `compare` has put
    the change from an earlier result into this one. A reporter that writes other languages than English has an
    attribute `languages` with all their codes.
    """

    name: str
    """Name in `--report` and `--format`."""
    filename: str
    """Name of the file that it makes."""
    render: Callable[..., str | bytes]
    """Function that makes the whole file from a result: as text, or as bytes if the file is no text."""


@dataclass(frozen=True, slots=True)
class Report:
    """Finished report or figure: its file name and its text, or its bytes if it is no text."""

    filename: str
    content: str | bytes = field(repr=False)

    def save(self, folder: str | Path = ".") -> Path:
        """Write it into a folder, for its owner alone (0600), and return its path. Raises StorageError."""
        return save_for_owner(Path(folder) / self.filename, self.content)

    def _repr_svg_(self) -> str | None:
        """Show a figure in a notebook."""
        return str(self.content) if self.filename.endswith(".svg") else None


def save_for_owner(path: Path, content: str | bytes) -> Path:
    """Write a file of exact counts for its owner alone, whole or not at all; its folder is made if it is missing.

    Raises StorageError.
    """
    with storage(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, content.encode() if isinstance(content, str) else content)
    return path


def check_restricted(restricted: bool) -> None:
    """Raise ArgumentError where nobody has said that exact counts are meant."""
    if not restricted:
        raise ArgumentError(
            "a report made in Python holds exact counts, which can single out people", slug="report-restricted"
        )


def find_reporters(names: Sequence[str]) -> list[Reporter]:
    """Find the reporters with these names, in their order, each once.

    Raises
    ------
    ArgumentError
        If no package offers a name, or more than one does.
    AuditError
        If a reporter cannot be loaded, or is none.
    """
    return reporters_offered(names, GROUP, _is_reporter, ArgumentError)


def languages_of(reporters: Sequence[Reporter], codes: str | None) -> tuple[str, ...]:
    """Read the languages in `codes`, which are separated by commas; if it is None there are none, which means English.

    Raises
    ------
    ArgumentError
        If no reporter writes other languages, or one that does lacks a language.
    """
    able = {reporter.name: tuple(reporter.languages) for reporter in reporters if hasattr(reporter, "languages")}
    return language_codes(able, [reporter.name for reporter in reporters], codes)


def language_codes(able: Mapping[str, Sequence[str]], names: Sequence[str], text: str | None) -> tuple[str, ...]:
    """Read the languages in `text` for reporters by name; empty if it is None.

    `able` maps the reporters that write other languages than English to all their codes. Raises ArgumentError as
    `languages_of` does.
    """
    if text is None:
        return ()
    codes = tuple(dict.fromkeys(code.strip().lower() for code in text.split(",")))
    if not able:
        named = ", ".join(f'"{name}"' for name in names)
        raise ArgumentError(f"{named} writes English alone", slug="english-only")
    for name, languages in able.items():
        for code in codes:
            if code not in languages:
                known = ", ".join(languages)
                raise ArgumentError(
                    f'the reporter "{name}" has no language "{printable(code)[:60]}"',
                    slug="unknown-language",
                    hint=f"it has {known}; several with commas between them: --lang fr,ar,en",
                )
    return codes


def render_each(reporter: Reporter, result: AuditResult, languages: Sequence[str] = ()) -> list[Report]:
    """Make the files of a reporter: one, or one for each language if a file can hold only one. Raises as `render`."""
    names = file_names(reporter, languages)
    if len(names) == 1:
        return [render(reporter, result, languages)]
    return [Report(name, render(reporter, result, [code]).content) for name, code in zip(names, languages, strict=True)]


def file_names(reporter: Reporter, languages: Sequence[str]) -> list[str]:
    """Return the names of a reporter's files: one, or one for each language if a file can hold only one."""
    if len(languages) < 2 or "language" not in signature(reporter.render).parameters:
        return [reporter.filename]
    name = Path(reporter.filename)
    return [f"{name.stem}.{code}{name.suffix}" for code in languages]


def render(reporter: Reporter, result: AuditResult, languages: Sequence[str] = (), *, compared: bool = False) -> Report:
    """Make a report, in these languages if it can; `compared` says that `compare` has put the change into the result.

    Raises AuditError if the reporter fails, never with the text of that failure, which may quote the result.
    """
    options = {"languages": languages, "language": languages[0]} if languages else {}
    try:
        takes = signature(reporter.render).parameters
        content = reporter.render(
            result, **{key: value for key, value in {**options, "compared": compared}.items() if key in takes}
        )
    except AuditError:
        raise
    except Exception as error:
        raise AuditError(
            f'the reporter "{reporter.name}" failed ({type(error).__name__})',
            slug="reporter-failed",
            hint="leave it out, or run again as `audit7k --debug …`",
        ) from error
    if not isinstance(content, (str, bytes)):
        raise AuditError(f'the reporter "{reporter.name}" made no file', slug="reporter-failed")
    return Report(reporter.filename, content)


def remedies_report(remedies: Remedies, codes: str | None = None) -> tuple[Report, str]:
    """Make the page of remedies in the languages in `codes`, and the panel for a terminal. Raises as `find_reporters`
    and `languages_of` do.
    """
    (reporter,) = find_reporters(["html"])
    page, panel = cast("Any", reporter).remedies(remedies, languages_of([reporter], codes))
    return Report("remedy.html", page), panel


def _is_reporter(plugin: object) -> bool:
    filename = getattr(plugin, "filename", None)
    return (
        isinstance(plugin, Reporter)
        and isinstance(filename, str)
        and filename.isprintable()
        and Path(filename).name == filename != ""
        and not filename.startswith(".")
    )


class Figures(Protocol):
    """Maker of figures for papers."""

    kinds: tuple[str, ...]
    """Kinds of figures that it can draw."""

    def draw(
        self,
        kind: str,
        source: PublicRelease | AuditResult,
        form: Literal["svg", "png"],
        rule: str | None,
        by: str | None,
    ) -> bytes:
        """Return the bytes of the file of a figure."""
        ...


def find_figures() -> Figures:
    """Return the maker of figures. Raises AuditError if it cannot be loaded."""
    maker: Figures = ours("the maker of figures", "reports.figures:PaperFigures")()
    return maker


def figure_bytes(
    maker: Figures, kind: str, source: PublicRelease | AuditResult, form: str, rule: str | None, by: str | None
) -> bytes:
    """Return the bytes of a figure. Raises AuditError, never with words of a third party: they may quote a result."""
    try:
        return maker.draw(kind, source, "png" if form == "png" else "svg", rule, by)
    except AuditError:
        raise
    except Exception as error:
        raise AuditError(f"the figure failed ({type(error).__name__})", slug="figure-failed") from error
