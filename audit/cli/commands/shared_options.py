"""Options that several commands share. Importing them loads nothing that does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from audit.detectors.isolation.options import Sandbox
from audit.vocabulary.text import LANGUAGES

PlanPath = Annotated[Path, typer.Argument(help="The plan file (TOML).")]
SetFile = Annotated[Path, typer.Argument(help="The evaluation set: Parquet, CSV, JSONL, .xlsx, .xls or .ods.")]
Sheet = Annotated[str | None, typer.Option(metavar="NAME", help="Sheet of a spreadsheet.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
OneDocument = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code alone.")]

QuietButWaived = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print nothing but a new key, and a line where waivers or `warn` change the exit code."
    ),
]

Where = Annotated[
    Sandbox,
    typer.Option(
        "--sandbox",
        help="Where a model runs: kept in as far as the system can, in this process, kept in or refused.",
    ),
]

AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Load a pickled model: that runs whatever code stands in the file.")
]

WhenInconclusive = Annotated[
    Literal["fail", "warn", "pass"] | None,
    typer.Option(help="Exit 1 (fail) or 0 (warn, pass) instead of 3 when the verdict is inconclusive."),
]

SigningKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The private key that signs; AUDIT7K_PASSPHRASE may hold its passphrase."),
]

PlanOfResult = Annotated[
    Path | None, typer.Option(metavar="PLAN", help="The plan of the result.  [where the result says it was]")
]

ExactCounts = Annotated[
    bool,
    typer.Option("--restricted/--public", help="Exact counts, not for publication, in the place of public files."),
]

RestrictedFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the key, the log of public releases and the chain are.  [restricted, in the output folder]",
    ),
]

NewKey = Annotated[
    bool,
    typer.Option(
        "--new-key", help="The key of the release that lies there is lost: draw under a new one; the page says so."
    ),
]

BaselineResult = Annotated[
    Path | None,
    typer.Option(
        metavar="RESULT", help="An earlier result.json of the same plan and set: fail what became worse since then."
    ),
]

WaiversFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file of waivers, in the place of the plan's: findings somebody answers for."),
]

ChangedOnly = Annotated[
    bool,
    typer.Option(
        "--changed-only", help="Give the verdict that was kept where plan, detector and set are byte for byte the same."
    ),
]

Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="CODES",
        help="Languages of the report for people: fr,ar. PDF: restricted a file each, public the first."
        f"  [{', '.join(LANGUAGES)}]",
    ),
]
