"""One audit into one output folder: what `run` and `demo` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

SCORING: Final = "scoring"
"""The folder of answers within an output folder."""

if TYPE_CHECKING:
    from audit.cli.outputs.audience import ExactReports, PublicFiles, RequestedOutput
    from audit.cli.outputs.baselines import BaselineInUse
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.detectors.isolation.options import IsolationOptions
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult


@dataclass(frozen=True, slots=True)
class OneRun:
    """What a run came to."""

    result: AuditResult
    """The result."""
    document: str
    """The text of `result.json`."""
    first: Path
    """The file that a person opens first."""


def run_into(  # noqa: PLR0913 - what a run can be given
    out: Path,
    plan: Path,
    asked: RequestedOutput,
    *,
    quiet: bool = False,
    crosscheck: bool = True,
    fresh: bool = False,
    repeat: int | None = None,
    waivers: Path | None = None,
    baseline: Path | None = None,
    **isolation: Unpack[IsolationOptions],
) -> OneRun:
    """Run `plan` and write result, predictions and what was asked for into `out`, all or none of them.

    What the detector answered is kept there meanwhile, so that a run which is interrupted goes on; `fresh` throws away
    what an earlier run has kept. `repeat` is how often the detector is asked about every row if not as the plan says;
    `waivers` stands in the place of the plan's, and `baseline` of the earlier result that it holds this one against.
    `asked` says whether exact reports or public files are made. `isolation` is that of `run_audit`.

    Raises AuditError, and then nothing in `out` has changed but that, and which baseline was accepted.
    """
    from audit.cli.outputs.audience import PublicFiles
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.cli.outputs.waivers import with_waivers_from
    from audit.result.json_text import result_to_json
    from audit.result.waivers_file import publishable_errors
    from audit.run import run_audit
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.progress import progress_on_stderr

    loaded = with_waivers_from(_asked_so_often(plan, repeat), waivers)
    place = _checked_place(out, loaded, asked) if isinstance(asked, PublicFiles) else None
    accepted = _baseline_of_run(out, loaded, place, baseline, quiet=quiet)
    # a quiet run is one for a log that many read
    exact = not quiet or not isinstance(asked, PublicFiles)
    with OutputFolder(out, publishes=place is not None) as folder, publishable_errors(exact=exact):
        result = run_audit(
            loaded,
            progress=progress_on_stderr(quiet=quiet),
            predictions_to=folder.place("predictions.parquet"),
            crosscheck=crosscheck,
            checkpoint=Checkpoint(out / SCORING, fresh=fresh),
            baseline=accepted.baseline,
            **isolation,
        )
        # Recorded before anything is published: a record without a report does no harm, and after a report without a
        # record an older baseline would be taken.
        accepted.remember()
        document = result_to_json(result)
        folder.add("result.json", document)
        if isinstance(asked, PublicFiles):
            assert place is not None  # noqa: S101 - looked at above
            first = _publish(folder, result, loaded.folder, asked, place, quiet=quiet)
        else:
            first = out / _write_exact(folder, result, asked)
    return OneRun(result, document, first)


def _baseline_of_run(
    out: Path, loaded: LoadedPlan, place: Path | None, named: Path | None, *, quiet: bool
) -> BaselineInUse:
    """The baseline of a run, where it has one, looked at before a night of scoring."""
    from audit.cli.outputs.baselines import baseline_in_use, check_kept, gate_place
    from audit.verdicts.changes.baseline import baseline_for

    earlier = baseline_for(loaded, named)
    if earlier is not None:
        check_kept(earlier, out)
    return baseline_in_use(
        earlier, loaded.plan, place or gate_place(out, loaded.plan, loaded.folder, None), quiet=quiet
    )


def _write_exact(folder: OutputFolder, result: AuditResult, asked: ExactReports) -> str:
    """Write exact reports; the name of the first."""
    from audit.cli.outputs.reporters import render_each

    made = [render_each(reporter, result, asked.languages) for reporter in asked.reporters]
    for report in [each for files in made for each in files]:
        folder.add(report.filename, report.content)
    folder.publish()
    return made[0][0].filename


def _checked_place(out: Path, loaded: LoadedPlan, asked: PublicFiles) -> Path:
    """The restricted folder, looked at before a night of scoring and not after."""
    from audit.cli.outputs.audience import input_files, public_folder, refuse_exact_among_public, restricted_place
    from audit.disclosure.publish import check_folder

    place = restricted_place(out, loaded.plan, loaded.folder, asked.folder)
    refuse_exact_among_public(public_folder(out), [place, *input_files(loaded.plan, loaded.folder)])
    check_folder(loaded.plan, place)
    return place


def _publish(
    folder: OutputFolder, result: AuditResult, plan_folder: Path, asked: PublicFiles, place: Path, *, quiet: bool
) -> Path:
    from audit.cli.outputs.audience import first_file, input_files, make_public, note_published, public_folder
    from audit.cli.outputs.output_folder import PUBLIC

    def write(files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            folder.add(f"{PUBLIC}/{name}", content)
        folder.publish()

    exact = [folder.staging, *input_files(result.plan, plan_folder)]
    published = make_public(result, asked, place, folder.path, write, exact)
    if not quiet:
        note_published(published, place)
    return first_file(public_folder(folder.path), published)


def _asked_so_often(path: Path, repeat: int | None) -> LoadedPlan:
    """The plan, with another `scoring.repeat` if asked. Raises PlanError where its detector cannot be asked again."""
    from audit.errors import PlanError
    from audit.plan.answers import PredictionsDetector
    from audit.plan.file.plan_file import read_plan_file

    loaded = read_plan_file(path)
    if repeat is None:
        return loaded
    if repeat > 1 and isinstance(loaded.plan.detector, PredictionsDetector):
        raise PlanError(
            "--repeat asks the detector again, and one known by its predictions cannot be asked",
            slug="repeat-predictions",
            hint="leave it out",
        )
    scoring = loaded.plan.scoring.model_copy(update={"repeat": repeat})
    return replace(loaded, plan=loaded.plan.model_copy(update={"scoring": scoring}))
