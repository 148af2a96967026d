"""Command `figure`: a picture for a paper, of a public release or, for restricted use, of an exact result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audit.cli.console.terminal import note
from audit.errors import ArgumentError, AuditError
from audit.result.reporters import figure_bytes, find_figures
from audit.vocabulary.file_names import RELEASE

if TYPE_CHECKING:
    from audit.public.release import PublicRelease
    from audit.result.audit_result import AuditResult


FigureKind = Literal["funnel", "forest", "sweep", "reliability"]


def figure(
    result: Annotated[Path, typer.Argument(help="A release.json, or a folder with one.")],
    kind: Annotated[FigureKind, typer.Argument(help="What to draw.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it: .svg or .png.  [KIND.svg, or KIND-restricted.svg]"),
    ] = None,
    rule: Annotated[str | None, typer.Option(metavar="ID", help="The rule whose rate is drawn.  [the first]")] = None,
    by: Annotated[str | None, typer.Option(metavar="FEATURES", help="gender, nationality, gender+nationality.")] = None,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Draw the exact counts of result.json; the picture says so.")
    ] = False,
) -> None:
    """Draw a figure for a paper. The same numbers give the same bytes.

    Funnel and forest are drawn from the printed rows of a public release. Sweep and reliability need scores, which only
    an exact result holds: add --restricted.
    """
    from audit.cli.outputs.output_folder import write_file

    target = out or Path(f"{kind}{'-restricted' if restricted else ''}.svg")
    form = target.suffix.lower().removeprefix(".")
    if form not in ("svg", "png"):
        raise ArgumentError(f"--out {target} ends neither in .svg nor in .png", slug="figure-form")
    maker = find_figures()
    source = _result_at(result) if restricted else _release_at(result, kind)
    content = figure_bytes(maker, kind, source, form, rule, by)
    write_file(target, content, private=restricted)
    note(f"Figure: {target}")


def _release_at(path: Path, kind: FigureKind) -> PublicRelease:
    from audit.disclosure.read import load_release

    places = [path / "public" / RELEASE, path / RELEASE] if path.is_dir() else [path]
    release_path = next((candidate for candidate in places if candidate.exists()), None)
    if release_path is None:
        raise AuditError(
            f"no release.json at {path}",
            slug="no-release",
            hint="name the folder public of an audit, or add --restricted to draw exact counts",
        )
    if release_path.name == "result.json":
        raise ArgumentError(f"{release_path} holds exact counts", slug="figure-restricted")
    if kind in ("sweep", "reliability"):
        raise AuditError(
            f"a public release holds no scores, and no {kind} can be drawn from it", slug="figure-not-public"
        )
    return load_release(release_path)[0]


def _result_at(path: Path) -> AuditResult:
    from audit.result.file import load_result

    return load_result(path / "result.json" if path.is_dir() else path)
