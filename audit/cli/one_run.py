"""One audit into one output folder: what `run` and `demo` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

SCORING: Final = "scoring"
"""The folder of answers within an output folder."""

if TYPE_CHECKING:
    from audit.cli.reporters import Reporter
    from audit.isolation.options import IsolationOptions
    from audit.plan_file import LoadedPlan
    from audit.result import AuditResult


def run_into(
    out: Path,
    plan: Path,
    reporters: Sequence[Reporter],
    *,
    languages: Sequence[str] = (),
    quiet: bool = False,
    crosscheck: bool = True,
    fresh: bool = False,
    repeat: int | None = None,
    **isolation: Unpack[IsolationOptions],
) -> tuple[AuditResult, str]:
    """Run `plan` and write result, predictions and reports into `out`, all or none of them.

    What the detector answered is kept there meanwhile, so that a run which is interrupted goes on; `fresh` throws away
    what an earlier run has kept. `repeat` is how often the detector is asked about every row, if not as the plan says;
    reports are in `languages` where they can be, else in English;
    `isolation` is that of `run_audit`.

    Returns the result and the text of `result.json`. Raises AuditError, and then nothing in `out` has changed but that.
    """
    from audit.cli.output_folder import OutputFolder
    from audit.cli.reporters import render_each
    from audit.result_file import result_to_json
    from audit.run import run_audit
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.progress import progress_on_stderr

    with OutputFolder(out) as folder:
        result = run_audit(
            _asked_so_often(plan, repeat),
            progress=progress_on_stderr(quiet=quiet),
            predictions_to=folder.place("predictions.parquet"),
            crosscheck=crosscheck,
            checkpoint=Checkpoint(out / SCORING, fresh=fresh),
            **isolation,
        )
        document = result_to_json(result)
        folder.add("result.json", document)
        for report in [made for reporter in reporters for made in render_each(reporter, result, languages)]:
            folder.add(report.filename, report.content)
        folder.publish()
    return result, document


def _asked_so_often(path: Path, repeat: int | None) -> LoadedPlan | Path:
    """The plan with another `scoring.repeat`. Raises PlanError where its detector cannot be asked again."""
    if repeat is None:
        return path
    from audit.errors import PlanError
    from audit.plan import PredictionsDetector
    from audit.plan_file import read_plan_file

    loaded = read_plan_file(path)
    if repeat > 1 and isinstance(loaded.plan.detector, PredictionsDetector):
        raise PlanError(
            "--repeat asks the detector again, and one known by its predictions cannot be asked",
            slug="repeat-predictions",
            hint="leave it out",
        )
    scoring = loaded.plan.scoring.model_copy(update={"repeat": repeat})
    return replace(loaded, plan=loaded.plan.model_copy(update={"scoring": scoring}))
