"""Command `report`: files of a result that is already there; public files unless exact ones are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.commands.reference_commands import Lang
from audit.cli.console.guard import ArgumentError
from audit.cli.console.terminal import note, say_document
from audit.cli.outputs.audience import (
    ExactCounts,
    ExactReports,
    PublicFiles,
    RestrictedFolder,
    find_restricted_folder,
    first_file,
    input_files,
    make_public,
    public_folder,
    refuse_exact_among_public,
    requested_output,
)

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult


def report(
    result: Annotated[Path, typer.Argument(help="A result.json, a folder with one, or a public release.json.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAMES",
            help="The reports: html,csv,json,junit, or forms for pipelines: sarif, badge …  [the four; exact: html]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Where to write: a folder for public files, a file for a restricted report, - for stdout.  [beside]",
        ),
    ] = None,
    lang: Lang = None,
    restricted: ExactCounts = False,
    restricted_folder: RestrictedFolder = None,
    reproduce: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Make the public files of an earlier release again.")
    ] = None,
) -> None:
    """Write reports of a result that is already there, for the public or of exact counts. Scores nothing."""
    from audit.cli.outputs.release_files import release_at
    from audit.cli.outputs.verdict_code import result_at
    from audit.result.file import load_result

    names = [name.strip() for name in form.split(",")] if form else []
    release = release_at(result)
    if release is not None:
        if restricted or restricted_folder is not None or reproduce is not None:
            raise ArgumentError(
                "a public release holds nothing restricted",
                slug="release-arguments",
                hint="leave --restricted, --restricted-folder and --reproduce out, or name the result.json",
            )
        _write_of_release(release, names, lang, out)
        return
    if reproduce is not None:
        if restricted or names or lang:
            raise ArgumentError(
                "--reproduce makes a release as it was", slug="reproduce-arguments", hint="leave the other options out"
            )
        _reproduce(result_at(result) or result, restricted_folder, reproduce, out)
        return
    path = result_at(result) or result
    asked = requested_output(names, lang, restricted=restricted, folder=restricted_folder, exact=("html",))
    if isinstance(asked, ExactReports):
        _write_exact(load_result(path), path.parent, asked, out)
    else:
        _write_public(load_result(path), path.parent, asked, out)


def _write_exact(result: AuditResult, beside: Path, asked: ExactReports, out: Path | None) -> None:
    from audit.cli.outputs.output_folder import write_file
    from audit.result.reporters import file_names, render_each

    if out is not None and len(asked.reporters) > 1:
        raise ArgumentError("--out names one file", slug="several-reports-one-file", hint="ask for one --format")
    if out is not None and len(file_names(asked.reporters[0], asked.languages)) > 1:
        raise ArgumentError(
            f"{asked.reporters[0].filename} holds one language, and --out names one file",
            slug="one-language",
            hint="leave --out out: there is a file for each language",
        )
    made = [each for reporter in asked.reporters for each in render_each(reporter, result, asked.languages)]
    for each in made:
        if out == Path("-"):
            say_document(each.content)
            return
        target = out or beside / each.filename
        write_file(target, each.content)
        note(f"Report: {target}")


def _write_public(result: AuditResult, beside: Path, asked: PublicFiles, out: Path | None) -> None:
    from audit.cli.outputs.output_folder import PUBLIC, RESTRICTED_EVIDENCE, OutputFolder

    place = find_restricted_folder(beside, result.plan, None, asked.folder)
    if out == Path("-"):
        _print_public(result, beside, asked, place)
        return
    refuse_exact_among_public(out or public_folder(beside), _exact_paths(result, beside, place))
    prefix = f"{PUBLIC}/" if out is None else ""
    replaced = (PUBLIC, RESTRICTED_EVIDENCE) if out is None else ()
    with OutputFolder(out or beside, replaced, public=out is not None) as folder:

        def write(files: Mapping[str, bytes]) -> None:
            for name, content in files.items():
                folder.add(f"{prefix}{name}", content)
            folder.publish()

        published = make_public(result, asked, place, out or public_folder(beside), write)
    note(f"Report: {first_file(out or public_folder(beside), published)}")


def _print_public(result: AuditResult, beside: Path, asked: PublicFiles, place: Path) -> None:
    from audit.cli.outputs.release_files import say_file
    from audit.disclosure.public_files import find_public_reporters

    if len(asked.formats) > 1:
        raise ArgumentError("--out - is for one report", slug="several-reports-one-file", hint="ask for one")
    (first,) = find_public_reporters(asked.formats)
    printed: dict[str, bytes] = {}
    make_public(result, asked, place, public_folder(beside), printed.update)
    say_file(first.filename, printed[first.filename])


def _write_of_release(path: Path, names: Sequence[str], lang: str | None, out: Path | None) -> None:
    from audit.cli.outputs.output_folder import write_file
    from audit.cli.outputs.release_files import files_of_release, say_file

    files = files_of_release(path, names, lang)
    if out == Path("-"):
        if len(names) != 1:
            raise ArgumentError("--out - is for one report", slug="several-reports-one-file", hint="ask for one")
        (made,) = files.items()
        say_file(*made)
        return
    folder = out or path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if folder / name != path:
            write_file(folder / name, content, private=False)
            note(f"Report: {folder / name}")


def _exact_paths(result: AuditResult, beside: Path, place: Path) -> list[Path]:
    """Return the files and folders that no public file may lie beside.

    Inputs count only where they exist, because the plan may have moved.
    """
    return [place, beside / "result.json", *(path for path in _audit_inputs(result) if path.exists())]


def _audit_inputs(result: AuditResult) -> list[Path]:
    """Return the files that the audit read, if its plan is still where it was."""
    return input_files(result.plan, Path(result.provenance.plan_file).parent)


def _reproduce(path: Path, named: Path | None, number: int, out: Path | None) -> None:
    """Make a release again; the result is needed only to find the folder, and to keep public files out of its own."""
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.disclosure.publish import reproduce
    from audit.errors import ResultError
    from audit.result.file import load_result

    result = load_result(path) if named is None or path.is_file() else None
    place = named if result is None else find_restricted_folder(path.parent, result.plan, None, named)
    if place is None or not place.is_dir():
        raise ResultError(
            f"there is no release {number}", slug="no-such-release", hint="name its folder with --restricted-folder"
        )
    if out is not None:
        refuse_exact_among_public(out, [place] if result is None else _exact_paths(result, path.parent, place))
    files = reproduce(place, number)
    if out is not None:
        with OutputFolder(out, replaces=(), public=True) as folder:
            for name, content in files.items():
                folder.add(name, content)
            folder.publish()
    note(f"release {number} comes out byte for byte: {', '.join(files)}{f'; written to {out}' if out else ''}")
