"""Command `report`: files of a result that is already there; public files unless exact ones are asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.commands.shared_options import ExactCounts, Lang, NewKey, RestrictedFolder
from audit.errors import ArgumentError
from audit.stages import stages_on

if TYPE_CHECKING:
    from audit.cli.outputs.audience import RequestedOutput


def report(  # noqa: PLR0913, PLR0917 - a parameter for each option
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
    new_key: NewKey = False,
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Of a public release: fill in this mapping, a copy of one that schema printed."
        ),
    ] = None,
    reproduce: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Make the public files of an earlier release again.")
    ] = None,
) -> None:
    """Write reports of a result that is already there, for the public or of exact counts. Scores and judges nothing.

    A note says where plan, detector or set are no longer those of the result.
    """
    with stages_on(sys.stderr, "writing"):
        from audit.cli.outputs import report_files
        from audit.cli.outputs.audience import requested_output
        from audit.cli.outputs.verdict_code import result_at

        names = [name.strip() for name in form.split(",")] if form else []
        release = report_files.release_at(result)
        exact = restricted or restricted_folder is not None or new_key or reproduce is not None
        _check_of_release(release, exact=exact, mapping=mapping)
        if release is not None:
            report_files.write_of_release(release, names, lang, out, mapping)
            return
        if reproduce is not None:
            if restricted or new_key or names or lang:
                raise ArgumentError("--reproduce makes a release as it was", slug="reproduce-arguments")
            report_files.reproduce_release(result_at(result) or result, restricted_folder, reproduce, out)
            return
        output = requested_output(
            names, lang, restricted=restricted, folder=restricted_folder, exact=("html",), new_key=new_key
        )
        _write_of_result(result_at(result) or result, output, out)


def _write_of_result(path: Path, output: RequestedOutput, out: Path | None) -> None:
    from audit.cli.outputs import report_files
    from audit.cli.outputs.audience import ExactReports
    from audit.cli.outputs.stale_result import report_stale
    from audit.result.file import read_result

    if isinstance(output, ExactReports) and output.folder is not None:
        raise ArgumentError(
            "--restricted writes no public files, so it needs no --restricted-folder", slug="restricted-arguments"
        )
    file = read_result(path)
    if isinstance(output, ExactReports):
        report_files.write_exact(file.result, path.parent, output, out)
    else:
        report_files.write_public(file.result, path.parent, output, out)
    report_stale(file)


def _check_of_release(release: Path | None, *, exact: bool, mapping: Path | None) -> None:
    if release is not None and exact:
        raise ArgumentError("a public release holds nothing restricted", slug="release-arguments")
    if release is None and mapping is not None:
        raise ArgumentError("--mapping is for a public release", slug="mapping-arguments")
