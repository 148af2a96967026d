"""One audit into one output folder: what `run` and `demo` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.cli.reporters import Reporter
    from audit.result import AuditResult


def run_into(
    out: Path, plan: Path, reporters: Sequence[Reporter], *, quiet: bool = False, crosscheck: bool = True
) -> tuple[AuditResult, str]:
    """Run `plan` and write result, predictions and reports into `out`, all or none of them.

    Returns the result and the text of `result.json`. Raises AuditError, and then nothing in `out` has changed.
    """
    from audit.cli.output_folder import OutputFolder
    from audit.cli.reporters import render
    from audit.result_file import result_to_json
    from audit.run import run_audit
    from audit.scoring.progress import progress_on_stderr

    with OutputFolder(out) as folder:
        result = run_audit(
            plan,
            progress=progress_on_stderr(quiet=quiet),
            predictions_to=folder.place("predictions.parquet"),
            crosscheck=crosscheck,
        )
        document = result_to_json(result)
        folder.add("result.json", document)
        for report in [render(reporter, result) for reporter in reporters]:
            folder.add(report.filename, report.text)
        folder.publish()
    return result, document
