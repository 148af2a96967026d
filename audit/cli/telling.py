"""Commands that tell: `report` redraws a result, `explain` a term, `schema` the format of a result or a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.cli.guard import ArgumentError
from audit.cli.terminal import note, say, say_document

Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="CODES",
        help="Languages of the report for people; PDF: a file each: fr,ar.  [en, fr, es, ar, ru, zh]",
    ),
]


def report(
    result: Annotated[Path, typer.Argument(help="A result.json or a folder with one.")],
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="The reporter to use.")] = "html",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; - for stdout. Beside the result by default.")
    ] = None,
    lang: Lang = None,
) -> None:
    """Write a report of a result that is already there. Scores nothing."""
    from audit.cli.judging import result_at
    from audit.cli.output_folder import write_file
    from audit.cli.reporters import find_reporters, languages_of, render_each
    from audit.result_file import load_result

    path = result_at(result) or result
    (reporter,) = find_reporters([form])
    languages = languages_of([reporter], lang)
    if out is not None and len(languages) > 1 and getattr(reporter, "one_language", False):
        raise ArgumentError(
            f"{reporter.filename} holds one language, and --out names one file",
            slug="one-language",
            hint="leave --out out: there is a file for each language",
        )
    for made in render_each(reporter, load_result(path), languages):
        if out == Path("-"):
            say_document(made.content)
            continue
        target = out or path.parent / made.filename
        write_file(target, made.content)
        note(f"Report: {target}")


def explain(
    term: Annotated[str | None, typer.Argument(help="A metric or a term of the reports, by any of its names.")] = None,
) -> None:
    """Explain a metric or a term of the reports in plain words; without one, list them all."""
    from audit.cli.term_page import everything_listed, explained

    say(explained(term) if term else everything_listed())


def schema(
    plan: Annotated[bool, typer.Option("--plan", help="Of a plan instead of a result.")] = False,
    design: Annotated[bool, typer.Option("--design", help="Of the design of a drawn set.")] = False,
) -> None:
    """Print the JSON Schema of result.json."""
    import json

    from audit.plan_file import design_schema, plan_schema
    from audit.result_file import result_schema

    if plan and design:
        raise ArgumentError("give one of --plan and --design", slug="schema-arguments")
    wanted = design_schema() if design else plan_schema() if plan else result_schema()
    say_document(json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")
