"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.cli.outputs.verdict_code import OnInconclusive
from audit.detectors.isolation.options import Sandbox

PlanPath = Annotated[Path, typer.Argument(help="The plan file (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code alone.")]

QuietButWaived = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print nothing but a new key, and a line where waivers or `warn` change the exit code."
    ),
]

Where = Annotated[
    Sandbox,
    typer.Option("--sandbox", help="Where a model runs: shut in as far as it can be, in this process, in bubblewrap."),
]

AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Load a pickled model: that runs whatever code stands in the file.")
]

WhenInconclusive = Annotated[
    OnInconclusive | None,
    typer.Option(help="Exit 1 (fail) or 0 (warn, pass) instead of 3 when the verdict is inconclusive."),
]

SigningKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The private key that signs; AUDIT7K_PASSPHRASE may hold its passphrase."),
]
