"""One audit into one output folder, as `run` and `demo` do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

SCORING: Final = "scoring"
"""Folder of answers within an output folder."""

if TYPE_CHECKING:
    from audit.cli.outputs.audience import ExactReports, PublicFiles, RequestedOutput
    from audit.cli.outputs.baselines import BaselineInUse
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.detectors.isolation.options import IsolationOptions
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult


@dataclass(frozen=True, slots=True)
class OneRun:
    """Result of a run, as an object, as text and as files."""

    result: AuditResult
    """Result of the audit."""
    document: str
    """Text of `result.json`."""
    first: Path
    """File that a person opens first."""


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
    """Run `plan` and write result, predictions and the requested reports into `out`: all of them or none.

    Answers of the detector are kept there meanwhile, so that an interrupted run can go on. `fresh` throws away
    what an earlier run has kept. `repeat`, if given, replaces how often the plan asks about every row.
    `waivers` replaces the plan's file of waivers, and `baseline` the earlier result that the plan names.
    `asked` says whether exact reports or public files are made. `isolation` is passed to `run_audit`.

    Raises AuditError. Then only the kept answers and the record of the accepted baseline have changed.
    """
    from audit.cli.outputs.audience import PublicFiles
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.cli.outputs.waivers import with_waivers_from
    from audit.result.json_text import result_to_json
    from audit.result.waivers_file import publishable_errors
    from audit.run import run_audit
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.progress import progress_on_stderr

    loaded = with_waivers_from(_plan_with_repeat(plan, repeat), waivers)
    place = _checked_place(out, loaded, asked) if isinstance(asked, PublicFiles) else None
    accepted = _baseline_of_run(out, loaded, place, baseline, quiet=quiet)
    # A quiet run writes for a log that many read.
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
        # Recorded before anything is published: a record without a report does no harm. After a report without a
        # record, an older baseline would be accepted.
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
    """Return the baseline of a run, if it has one, checked before the long scoring."""
    from audit.cli.outputs.baselines import baseline_in_use, gate_restricted_folder, refuse_overwritten_baseline
    from audit.verdicts.changes.baseline import baseline_for

    earlier = baseline_for(loaded, named)
    if earlier is not None:
        refuse_overwritten_baseline(earlier, out)
    return baseline_in_use(
        earlier, loaded.plan, place or gate_restricted_folder(out, loaded.plan, loaded.folder, None), quiet=quiet
    )


def _write_exact(folder: OutputFolder, result: AuditResult, asked: ExactReports) -> str:
    """Write exact reports, and return the file name of the first."""
    from audit.cli.outputs.reporters import render_each

    made = [render_each(reporter, result, asked.languages) for reporter in asked.reporters]
    for report in [each for files in made for each in files]:
        folder.add(report.filename, report.content)
    folder.publish()
    return made[0][0].filename


def _checked_place(out: Path, loaded: LoadedPlan, asked: PublicFiles) -> Path:
    """Return the restricted folder, checked before the long scoring and not after it."""
    from audit.cli.outputs.audience import find_restricted_folder, input_files, public_folder, refuse_exact_among_public
    from audit.disclosure.publish import check_folder

    place = find_restricted_folder(out, loaded.plan, loaded.folder, asked.folder)
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


def _plan_with_repeat(path: Path, repeat: int | None) -> LoadedPlan:
    """Return the plan, with another `scoring.repeat` if asked. Raises PlanError if it cannot be asked again."""
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
