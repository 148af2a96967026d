"""Who an output is for: everybody, from protected figures, or those who may see the exact ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from audit.cli.console.guard import ArgumentError
from audit.cli.console.terminal import note
from audit.cli.outputs.output_folder import EXACT_FILES, PUBLIC

if TYPE_CHECKING:
    from audit.cli.outputs.reporters import Reporter
    from audit.disclosure.publish import Published
    from audit.plan.audit_plan import AuditPlan
    from audit.result.audit_result import AuditResult

RESTRICTED: Final = "restricted"
"""The folder within an output folder that holds the key and the log, unless another is named."""
EXACT_REPORTS: Final = ("html", "junit")
"""Restricted reports that are written unless others are asked for."""

ExactCounts = Annotated[
    bool,
    typer.Option("--restricted/--public", help="Exact counts, not for publication, in the place of public files."),
]
RestrictedFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Where the key and the log of public releases are.  [restricted, in the output folder]"
    ),
]


@dataclass(frozen=True, slots=True)
class ExactReports:
    """Restricted reports, of exact counts."""

    reporters: Sequence[Reporter]
    languages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PublicFiles:
    """Public files, of protected counts."""

    formats: tuple[str, ...]
    languages: tuple[str, ...] = ()
    folder: Path | None = None
    """The restricted folder that was named, if one was."""


RequestedOutput = ExactReports | PublicFiles


def requested_output(
    names: Sequence[str], lang: str | None, *, restricted: bool, folder: Path | None = None, exact: Sequence[str] = ()
) -> RequestedOutput:
    """What was asked for, checked before anything is done; `exact` are the restricted reports by default.

    Raises
    ------
    ArgumentError
        If no package offers a report, or one of them lacks a language.
    """
    if restricted:
        if folder is not None:
            raise ArgumentError(
                "--restricted writes no public files, so it needs no --restricted-folder",
                slug="restricted-arguments",
                hint="leave one of the two out",
            )
        from audit.cli.outputs.reporters import find_reporters, languages_of

        reporters = find_reporters(names or exact or EXACT_REPORTS)
        return ExactReports(reporters, languages_of(reporters, lang))
    formats, languages = _public(names, lang)
    return PublicFiles(formats, languages, folder)


def _public(names: Sequence[str], lang: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from audit.cli.outputs.reporters import GROUP, language_codes
    from audit.disclosure import public_files
    from audit.errors import DataError
    from audit.plan.offers import names_offered

    formats = tuple(dict.fromkeys(names)) or public_files.default_formats()
    if "pdf" in formats:  # a gate compares it with the page, and what is attached to it with the file of the release
        formats = tuple(dict.fromkeys((*formats, "html", "csv")))
    for name in formats:
        if name not in names_offered(public_files.GROUP) and name in names_offered(GROUP):
            raise ArgumentError(
                f'"{name}" is a report of exact counts alone', slug="unknown-public-reporter", hint="add --restricted"
            )
    try:
        reporters = public_files.find_public_reporters(formats)
    except DataError as error:
        raise ArgumentError(error.message, slug=error.slug, hint=error.hint) from None
    able = {one.name: tuple(one.languages) for one in reporters if hasattr(one, "languages")}
    codes = language_codes(able, formats, lang)
    if "pdf" in formats and len(codes) > 1:
        note(f'note: a public PDF is in one language, here "{codes[0]}"; the page holds them all')
    return formats, codes


def restricted_place(out: Path, plan: AuditPlan, plan_folder: Path | None, named: Path | None) -> Path:
    """The restricted folder: the one that was named, else the plan's, else the one in the output folder.

    Raises
    ------
    ArgumentError
        If the plan has one and it is not known where the plan is.
    """
    if named is not None:
        return named
    if plan.disclosure.folder is None:
        return out / RESTRICTED
    if plan_folder is None and not plan.disclosure.folder.is_absolute():
        raise ArgumentError(
            "the plan keeps its restricted folder beside itself, and a result does not say where the plan is",
            slug="restricted-folder-unknown",
            hint="name the folder with --restricted-folder",
        )
    return (plan_folder or Path()) / plan.disclosure.folder


def refuse_exact_among_public(public: Path, exact: Sequence[Path]) -> None:
    """Let nothing exact lie in a folder of public files, whatever links lead there: whoever uploads one takes it whole.

    Raises
    ------
    ArgumentError
        If one of `exact`, files or folders that need not be there yet, is the folder `public` or lies under it.
    """
    reached = Path(os.path.realpath(public))
    for place in exact:
        there = Path(os.path.realpath(place))
        if reached in (there, *there.parents):
            raise ArgumentError(
                f"{place} would lie in {public}, a folder of public files",
                slug="exact-among-public",
                hint="keep what is exact elsewhere: name another folder with --restricted-folder or --out",
            )


def input_files(plan: AuditPlan, plan_folder: Path) -> list[Path]:
    """The files of rows and of exact counts that a plan names, whether they are there or not."""
    from audit.plan.answers import PredictionsDetector

    named = [plan.evaluation_set.path]
    if isinstance(plan.detector, PredictionsDetector):
        named.append(plan.detector.path)
    if plan.baseline.result is not None:  # the file or its folder, in which anything may lie
        named += [plan.baseline.result / name for name in EXACT_FILES]
        named += [plan.baseline.result] if plan.baseline.result.suffix == ".json" else []
    return [plan_folder / path for path in named if path is not None]


def make_public(
    result: AuditResult,
    asked: PublicFiles,
    place: Path,
    out: Path,
    write: Callable[[Mapping[str, bytes]], None],
    elsewhere: Sequence[Path] = (),
) -> Published:
    """Make the public files of a result that lies, or will lie, in `out`. Raises what `publish` raises.

    No reporter may open what is exact there or `elsewhere`.
    """
    from audit.disclosure.publish import publish

    hidden = [*(out / name for name in EXACT_FILES), out / "scoring", *elsewhere]
    return publish(result, place, write, asked.formats, asked.languages, hidden)


def first_file(folder: Path, published: Published) -> Path:
    """The public file that a person opens first."""
    names = [name for name in published.files if name.endswith(".html")] or list(published.files)
    return folder / names[0] if names else folder


def note_published(published: Published, place: Path) -> None:
    """One line on stderr where no figure was released, and one where a new key was made."""
    if published.refusal is not None:
        left_out = f", and {' and '.join(published.left_out)} left out" if published.left_out else ""
        note(
            f"refused ({published.refusal.slug}): {published.refusal.message}; public files were written without "
            f"figures{left_out}"
        )
    if published.new_key:
        note(
            f"note: a new key was made in {place}; keep that folder. If this set had public files before, make them "
            "again with its folder: --restricted-folder"
        )


def public_folder(out: Path) -> Path:
    """The only folder of an output folder that may leave the house."""
    return out / PUBLIC
