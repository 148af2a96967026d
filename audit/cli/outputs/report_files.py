"""Files of a result that is already there, or of a `release.json` alone: whoever may read it can make each public form.

Nothing is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from audit.cli.console.terminal import note, say_document
from audit.cli.outputs.audience import (
    ExactReports,
    PublicFiles,
    first_file,
    input_files,
    make_public,
    refuse_exact_among_public,
    requested_output,
    with_files_there,
)
from audit.cli.outputs.named_folders import PUBLIC, find_restricted_folder, public_folder
from audit.cli.outputs.output_folder import OutputFolder, write_file
from audit.disclosure.public_files import DATA, TRANSLATED, find_public_reporters, mapped_file
from audit.disclosure.publish import reproduce
from audit.disclosure.read import load_release
from audit.errors import ArgumentError, ResultError
from audit.result.audit_result import AuditResult
from audit.result.file import load_result
from audit.result.reporters import file_names, render_each
from audit.storage import bytes_of_result
from audit.vocabulary.file_names import LARGEST_MAPPING, RELEASE, RESTRICTED_EVIDENCE

_BEGINS: Final = b'{"method":'
"""How audit7k begins such a file, whatever it is called."""


def release_at(path: Path) -> Path | None:
    """Return the public release that a path names, or that a folder without a result holds; else None."""
    file = path / RELEASE if path.is_dir() and not (path / "result.json").exists() else path
    if not file.is_file():
        return None
    if file.name == RELEASE:
        return file
    with file.open("rb") as content:
        return file if content.read(len(_BEGINS)) == _BEGINS else None


def files_of_release(path: Path, names: Sequence[str], lang: str | None) -> dict[str, bytes]:
    """Return the public files of a release, by name.

    Raises
    ------
    ResultError
        If the file is no release, is of another version, or contradicts itself.
    ArgumentError
        If there is no such report, or it lacks a language.
    """
    output = requested_output(names, lang, restricted=False)
    assert isinstance(output, PublicFiles)  # noqa: S101 - not restricted
    release, content = load_release(path)
    languages = output.languages if lang else release.about.languages
    about = release.about.model_copy(update={"languages": languages})
    shown = release.model_copy(update={"about": about})
    return {
        file.filename: content if file.name == DATA else file.content(shown if file.name in TRANSLATED else release)
        for file in find_public_reporters(output.formats)
    }


def _say_file(name: str, content: bytes) -> None:
    """Print a file on stdout, as text where it is some."""
    say_document(content if name.endswith(".pdf") else content.decode("utf-8"))


def write_exact(result: AuditResult, beside: Path, output: ExactReports, out: Path | None) -> None:
    """Write exact reports beside their result, or one of them into the file `out`; `-` is stdout."""
    if out is not None and len(output.reporters) > 1:
        raise ArgumentError("--out names one file", slug="several-reports-one-file", hint="ask for one --format")
    if out is not None and len(file_names(output.reporters[0], output.languages)) > 1:
        raise ArgumentError(
            f"{output.reporters[0].filename} holds one language, and --out names one file", slug="one-language"
        )
    reports = [report for reporter in output.reporters for report in render_each(reporter, result, output.languages)]
    for report in reports:
        if out == Path("-"):
            say_document(report.content)
            return
        target = out or beside / report.filename
        write_file(target, report.content)
        note(f"Report: {target}")


def write_public(result: AuditResult, beside: Path, files: PublicFiles, out: Path | None) -> None:
    """Publish a result in its folder `public`, or in the folder `out`; with `-` one report goes to stdout.

    Other public files that lie there are made again, of the same release.
    """
    restricted_folder = find_restricted_folder(beside, result.plan.disclosure, None, files.folder)
    out = None if out is not None and out.resolve() == public_folder(beside).resolve() else out
    if out == Path("-"):
        _print_public(result, beside, files, restricted_folder)
        return
    refuse_exact_among_public(out or public_folder(beside), _exact_paths(result, beside, restricted_folder))
    files = with_files_there(files, out or public_folder(beside))
    replaced = (PUBLIC, RESTRICTED_EVIDENCE) if out is None else ()
    with OutputFolder(out or beside, replaced, public=out is not None) as folder:
        write = partial(folder.publish_files, within=PUBLIC if out is None else "")
        published = make_public(result, files, restricted_folder, out or public_folder(beside), write)
    note(f"Report: {first_file(out or public_folder(beside), published)}")


def _print_public(result: AuditResult, beside: Path, files: PublicFiles, restricted_folder: Path) -> None:
    if len(files.formats) > 1:
        raise ArgumentError("--out - is for one report", slug="several-reports-one-file")
    (first,) = find_public_reporters(files.formats)
    printed: dict[str, bytes] = {}
    make_public(result, files, restricted_folder, public_folder(beside), printed.update)
    _say_file(first.filename, printed[first.filename])


def write_of_release(
    path: Path, names: Sequence[str], lang: str | None, out: Path | None, mapping: Path | None = None
) -> None:
    """Write the public files of a release beside it, or into the folder `out`; with `-` one goes to stdout.

    A mapping makes one file more, or the only one where no form is named. Nobody has signed that, so it
    lies beside the mapping, not the release.
    """
    filled_name = f"{mapping.stem}-filled.csv" if mapping is not None else ""
    files = {} if mapping is not None and not names else files_of_release(path, names, lang)
    if mapping is not None:
        mapping_bytes = bytes_of_result(mapping, LARGEST_MAPPING)
        files[filled_name] = mapped_file(load_release(path)[0], mapping_bytes, mapping.name)
    if out == Path("-"):
        if len(files) != 1 or len(names) > 1:
            raise ArgumentError("--out - is for one report", slug="several-reports-one-file")
        (file,) = files.items()
        _say_file(*file)
        return
    for name, content in files.items():
        folder = out or (mapping.parent if mapping is not None and name == filled_name else path.parent)
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if folder / name != path:
            write_file(folder / name, content, private=False)
            note(f"Report: {folder / name}")


def _exact_paths(result: AuditResult, beside: Path, restricted_folder: Path) -> list[Path]:
    """Return the files and folders that no public file may lie beside.

    Inputs count only where they exist, because the plan may have moved.
    """
    inputs = input_files(result.plan, Path(result.provenance.plan_file).parent)
    return [restricted_folder, beside / "result.json", *(path for path in inputs if path.exists())]


def reproduce_release(path: Path, named: Path | None, number: int, out: Path | None) -> None:
    """Make a release again; the result is needed only to find the folder, and to keep public files out of its own."""
    result = load_result(path) if named is None or path.is_file() else None
    restricted = named if result is None else find_restricted_folder(path.parent, result.plan.disclosure, None, named)
    if restricted is None or not restricted.is_dir():
        raise ResultError(
            f"there is no release {number}", slug="no-such-release", hint="name its folder with --restricted-folder"
        )
    if out is not None:
        refuse_exact_among_public(
            out, [restricted] if result is None else _exact_paths(result, path.parent, restricted)
        )
    files = reproduce(restricted, number)
    if out is not None:
        with OutputFolder(out, replaces=(), public=True) as folder:
            folder.publish_files(files)
    note(f"release {number} comes out byte for byte: {', '.join(files)}{f'; written to {out}' if out else ''}")
