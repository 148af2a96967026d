"""Request to run a plan: the plan itself, read once, and the options of the command that asks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from audit.cli.console.guard import InterruptibleProgress
from audit.detectors.isolation.options import Sandbox
from audit.errors import PlanError
from audit.stages import Scope, stages_on

if TYPE_CHECKING:
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult
    from audit.scoring.checkpoint import Checkpoint
    from audit.verdicts.changes.baseline import AcceptedVersions, Baseline


class RunRequest(NamedTuple):
    """A plan to be run and judged, and how."""

    path: Path
    """File of the plan."""
    loaded: LoadedPlan
    """The plan, with what the options replace in it."""
    baseline: Path | None = None
    """Earlier result in the place of the one that the plan names."""
    quiet: bool = False
    exact: bool = True
    """Whether progress and errors may show exact counts: a log that many read may not."""
    crosscheck: bool = True
    """Whether other libraries are asked for the same numbers, beside the details."""
    scope: Scope = Scope.DETAILS
    sandbox: Sandbox = Sandbox.AUTO
    allow_pickle: bool = False

    @property
    def watched_on(self) -> TextIO | None:
        """Stream on which stages are shown if it is a terminal; None if this is to be quiet."""
        return None if self.quiet else sys.stderr

    def audit(
        self,
        earlier: AcceptedVersions | Baseline | None,
        checkpoint: Checkpoint | None = None,
        predictions_to: Path | None = None,
        begins: Callable[[], None] | None = None,
    ) -> AuditResult:
        """Run the plan against accepted versions or a baseline, `earlier`, if there are any. Raises AuditError.

        Where answers are kept, the first interrupt ends the run after the batch that is being scored.
        """
        from audit.result.waivers_file import publishable_errors
        from audit.run import run_audit
        from audit.scoring.progress import progress_on_stderr

        # a line of progress counts rows and failures
        display = progress_on_stderr(quiet=self.quiet or not self.exact)
        with stages_on(self.watched_on), publishable_errors(exact=self.exact):
            return run_audit(
                self.loaded,
                progress=display if checkpoint is None else InterruptibleProgress(display),
                predictions_to=predictions_to,
                crosscheck=self.crosscheck and self.scope.has_details,
                scope=self.scope,
                checkpoint=checkpoint,
                baseline=earlier,
                begins=begins,
                sandbox=self.sandbox,
                allow_pickle=self.allow_pickle,
            )


def plan_with(path: Path, *, waivers: Path | None = None, repeat: int | None = None) -> LoadedPlan:
    """Read a plan, with a file of waivers and a `scoring.repeat` in the place of its own where they are given.

    Raises PlanError, also if the detector cannot be asked again.
    """
    from audit.plan.answers import PredictionsDetector
    from audit.plan.file.plan_file import read_plan_file

    loaded = read_plan_file(path)
    if waivers is not None:
        loaded = loaded._replace(waivers=waivers)
    if repeat is None:
        return loaded
    if repeat > 1 and isinstance(loaded.plan.detector, PredictionsDetector):
        raise PlanError(
            "--repeat asks the detector again, and one known by its predictions cannot be asked",
            slug="repeat-predictions",
        )
    scoring = loaded.plan.scoring.model_copy(update={"repeat": repeat})
    return loaded._replace(plan=loaded.plan.model_copy(update={"scoring": scoring}))
