"""Audience of an output: everybody, from the rows of a public release, or those who may see exact ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.cli.console.terminal import note
from audit.cli.outputs.named_folders import PUBLIC
from audit.cli.outputs.output_folder import EXACT_FILES
from audit.errors import ArgumentError, DataError, ResultError
from audit.plan.answers import PredictionsDetector
from audit.plan.offers import names_offered
from audit.result.reporters import GROUP, language_codes
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.text import LANGUAGES

if TYPE_CHECKING:
    from audit.disclosure.publish import Published
    from audit.plan.audit_plan import AuditPlan
    from audit.public.release import PublicRelease
    from audit.result.audit_result import AuditResult
    from audit.result.reporters import Reporter

EXACT_REPORTS: Final = ("html", "junit")
"""Restricted reports that are written unless others are asked for."""


@dataclass(frozen=True, slots=True)
class ExactReports:
    """Restricted reports, of exact counts."""

    reporters: Sequence[Reporter]
    languages: Sequence[str] = ()
    folder: Path | None = None
    """Restricted folder that was named, if one was: the chain lies there."""


@dataclass(frozen=True, slots=True)
class PublicFiles:
    """Public files."""

    formats: tuple[str, ...]
    languages: tuple[str, ...] = ()
    folder: Path | None = None
    """Restricted folder that was named, if one was."""
    new_key: bool = False
    """Whether a person wants a key that is not that of the release which lies there."""


RequestedOutput = ExactReports | PublicFiles


def requested_output(
    names: Sequence[str],
    lang: str | None,
    *,
    restricted: bool,
    folder: Path | None = None,
    exact: Sequence[str] = (),
    new_key: bool = False,
) -> RequestedOutput:
    """Return the requested output, checked before anything is done; `exact` names the default restricted reports.

    Raises
    ------
    ArgumentError
        If no package offers a report, or one of them lacks a language.
    """
    if restricted:
        if new_key:
            raise ArgumentError(
                "--restricted writes no public files, so it needs no --new-key", slug="restricted-arguments"
            )
        from audit.result.reporters import find_reporters, languages_of

        reporters = find_reporters(names or exact or EXACT_REPORTS)
        return ExactReports(reporters, languages_of(reporters, lang), folder)
    formats, languages = _public_formats(names, lang)
    return PublicFiles(formats, languages, folder, new_key)


def _public_formats(names: Sequence[str], lang: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from audit.disclosure.public_files import DEFAULT, REPORTERS, TRANSLATED, find_public_reporters

    formats = tuple(dict.fromkeys(names)) or DEFAULT
    for name in formats:
        if name not in REPORTERS and name in names_offered(GROUP):
            raise ArgumentError(
                f'"{name}" is a report of exact counts alone', slug="unknown-public-reporter", hint="add --restricted"
            )
    try:
        find_public_reporters(formats)
    except DataError as error:
        raise ArgumentError(error.message, slug=error.slug, hint=error.hint) from None
    codes = language_codes({name: LANGUAGES for name in formats if name in TRANSLATED}, formats, lang)
    if "pdf" in formats and len(codes) > 1:
        note(f'note: a public PDF is in one language, here "{codes[0]}"; the page holds them all')
    return formats, codes


def refuse_exact_among_public(public: Path, exact: Sequence[Path]) -> None:
    """Refuse exact files in a folder of public files, through links too: an upload takes the whole folder.

    Raises
    ------
    ArgumentError
        If one of `exact` is the folder `public` or lies under it. These files or folders need not exist yet.
    """
    reached = Path(os.path.realpath(public))
    for exact_path in exact:
        there = Path(os.path.realpath(exact_path))
        if reached in (there, *there.parents):
            raise ArgumentError(
                f"{exact_path} would lie in {public}, a folder of public files", slug="exact-among-public"
            )


def input_files(plan: AuditPlan, plan_folder: Path) -> list[Path]:
    """Return the files of rows and of exact counts that a plan names, whether they exist or not."""
    section = plan.evaluation_set
    named = [section.path, section.counts, Path(section.table) if section.format == "delta" and section.table else None]
    if isinstance(plan.detector, PredictionsDetector):
        named.append(plan.detector.path)
    if plan.baseline.result is not None:  # The file or its folder, which may hold anything.
        named += [plan.baseline.result / name for name in EXACT_FILES]
        named += [plan.baseline.result] if plan.baseline.result.suffix == ".json" else []
    return [plan_folder / path for path in named if path is not None]


def with_files_there(files: PublicFiles, folder: Path) -> PublicFiles:
    """Return what is asked for, and the forms of which a file lies beside a release in a folder.

    A new release makes them again: beside it they would be of another one. Where no translated form is asked for, they
    stay in their languages.
    """
    from audit.disclosure.public_files import REPORTERS, TRANSLATED

    if not (folder / RELEASE).is_file():
        return files
    there = (name for name, (filename, _) in REPORTERS.items() if (folder / filename).is_file())
    known = release_in(folder) if set(TRANSLATED).isdisjoint(files.formats) else None
    return replace(
        files,
        formats=tuple(dict.fromkeys((*files.formats, *there))),
        languages=files.languages or (known.about.languages if known is not None else ()),
    )


def make_public(
    result: AuditResult,
    files: PublicFiles,
    restricted_folder: Path,
    public: Path,
    write: Callable[[Mapping[str, bytes]], None],
) -> Published:
    """Make the public files of a result for the folder `public`. Raises what `publish` raises."""
    from audit.disclosure.digests import read_key
    from audit.disclosure.publish import publish

    had_key = read_key(restricted_folder) is not None
    try:
        before, there = release_in(public), set_there(public)
        return publish(
            result, restricted_folder, write, files.formats, files.languages, before, there, new_key=files.new_key
        )
    finally:
        # Also where nothing was written: the next command would no longer see that the key is new.
        if not had_key:
            note_new_key(restricted_folder)


def release_in(folder: Path) -> PublicRelease | None:
    """Return the release that lies in a folder; None where there is none, or one by a method that is not read.

    Raises
    ------
    ResultError
        If it is damaged or of a later version: nobody could say whose key it was drawn under.
    """
    from audit.disclosure.read import load_release

    if not os.path.lexists(folder / RELEASE):
        return None
    try:
        return load_release(folder / RELEASE)[0]
    except ResultError as error:
        if error.slug != "older-release":
            raise
        return None


def set_there(public: Path) -> str:
    """Return the `set_id` of the last release in a folder `public`, though somebody removed it; empty if not known."""
    from audit.cli.outputs.public_list import set_listed

    return set_listed(public.parent) if public.name == PUBLIC else ""


def first_file(folder: Path, published: Published) -> Path:
    """Return the public file that a person opens first."""
    names = [name for name in published.files if name.endswith(".html")] or list(published.files)
    return folder / names[0] if names else folder


def note_new_key(restricted_folder: Path) -> None:
    """Note on stderr that a folder has a new key, whatever is quiet: figures under two keys could be averaged."""
    from audit.disclosure.digests import read_key, set_id

    secret = read_key(restricted_folder)
    if secret is not None:
        note(f"note: {new_key_words(set_id(secret), str(restricted_folder))}")


def new_key_words(named: str, restricted_folder: str) -> str:
    """State that a new key was made, where, and for which set."""
    return (
        f"a new key was made in {restricted_folder} (set {named}); keep that folder. If this set had public files "
        "before, make them again with its folder: --restricted-folder"
    )
