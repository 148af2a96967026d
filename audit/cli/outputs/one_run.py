"""One audit into one output folder, as `run` and `demo` do it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.cli.console.terminal import note
from audit.cli.outputs.attempt import attempt
from audit.cli.outputs.audience import (
    ExactReports,
    PublicFiles,
    RequestedOutput,
    first_file,
    input_files,
    make_public,
    refuse_exact_among_public,
    release_in,
    set_there,
)
from audit.cli.outputs.baselines import baseline_of_plan
from audit.cli.outputs.made_from import InputsSeen, write_record
from audit.cli.outputs.named_folders import PUBLIC, find_restricted_folder, public_folder
from audit.cli.outputs.output_folder import OutputFolder
from audit.cli.outputs.run_request import RunRequest
from audit.disclosure.publish import check_folder, refuse_other_set
from audit.errors import ArgumentError
from audit.plan.file.plan_file import LoadedPlan
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from audit.result.reporters import render_each
from audit.scoring.checkpoint import Checkpoint
from audit.stages import stage, stages_on
from audit.vocabulary.file_names import RELEASE

SCORING: Final = "scoring"
"""Folder of answers within an output folder."""

if TYPE_CHECKING:
    from audit.cli.outputs.attempt import Attempt, Signed
    from audit.cli.outputs.kept_verdict import UnlessChanged


@dataclass(frozen=True, slots=True)
class OneRun:
    """Result of a run, as an object, as text and as files."""

    result: AuditResult
    """Result of the audit."""
    document: str
    """Text of `result.json`."""
    first: Path
    """File that a person opens first."""


def run_into(
    out: Path,
    request: RunRequest,
    output: RequestedOutput,
    *,
    fresh: bool = False,
    signed: Signed | None = None,
    unless_changed: UnlessChanged | None = None,
) -> OneRun:
    """Run a plan and write result, predictions and the requested reports into `out`: all of them or none.

    Answers of the detector are kept there meanwhile, so that an interrupted run can go on. `fresh` throws away
    what an earlier run has kept. `output` says whether exact reports or public files are made.

    Raises AuditError, and typer.Exit where `unless_changed` finds the verdict kept. Then only the kept answers and the
    chain have changed.
    """
    with stages_on(request.watched_on):
        return _run_into(out, request, output, fresh=fresh, signed=signed, unless_changed=unless_changed)


def _run_into(
    out: Path,
    request: RunRequest,
    output: RequestedOutput,
    *,
    fresh: bool,
    signed: Signed | None,
    unless_changed: UnlessChanged | None,
) -> OneRun:
    restricted_folder = _checked_place(out, request.loaded, output) if isinstance(output, PublicFiles) else None
    _refuse_within_set(request.loaded, out if restricted_folder is None else restricted_folder, out)
    accepted = baseline_of_plan(request, out, output.folder if restricted_folder is None else restricted_folder)
    kept_place = None if unless_changed is None else unless_changed.place_of_run(out, request, accepted)
    seen = InputsSeen.now(request.loaded)
    with OutputFolder(out, publishes=restricted_folder is not None) as folder, _begun(signed, request.loaded) as tried:
        answers = Checkpoint(out / SCORING, fresh=fresh)
        begins = None if tried is None else tried.begin
        answered = folder.place("predictions.parquet")
        result = request.audit(accepted.releases or accepted.baseline, answers, answered, begins)
        accepted.tell_how_held(result, refuse=False)
        result = result if tried is None else tried.noted(result)
        stage("publishing")
        # Recorded before anything is published: a record without a report does no harm. After a report without a
        # record, an older baseline would be accepted.
        accepted.remember()
        document = result_to_json(result)
        folder.add("result.json", document)
        if isinstance(output, PublicFiles):
            assert restricted_folder is not None  # noqa: S101 - looked at above
            first = _publish(folder, result, output, restricted_folder)
            if tried is not None:
                _seal(tried, folder, restricted_folder)
        else:
            had_public = (public_folder(out) / RELEASE).exists()
            first = out / _write_exact(folder, result, output)
            if had_public and not (public_folder(out) / RELEASE).exists():
                note(f"note: the public files in {public_folder(out)} were of an earlier run, and were removed")
    write_record(out, seen, request.loaded, request.path, result, document.encode())
    if kept_place is not None:
        kept_place.keep_result(result)
    return OneRun(result, document, first)


def _begun(signed: Signed | None, loaded: LoadedPlan) -> AbstractContextManager[Attempt | None]:
    """Hold the history of the audit, where it has one."""
    if signed is None:
        return nullcontext()

    return attempt(signed, loaded.plan)


def _seal(tried: Attempt, folder: OutputFolder, restricted_folder: Path) -> None:
    """Seal what was published; take it back where the history will say that the audit was aborted."""
    try:
        tried.seal(folder.path, restricted_folder)
    except BaseException:
        if not tried.is_over:
            folder.take_back()
        raise


def _refuse_within_set(loaded: LoadedPlan, *places: Path) -> None:
    """Refuse to write into the folder that is the evaluation set: the next run would find a file that is no part of it.

    Raises ArgumentError.
    """
    path = loaded.plan.evaluation_set.path
    set_path = None if path is None else (loaded.folder / path).resolve()
    for out_folder in places:
        if set_path is not None and set_path.is_dir() and out_folder.resolve().is_relative_to(set_path):
            raise ArgumentError(f"{out_folder} lies in the folder of the evaluation set", slug="within-the-set")


def _write_exact(folder: OutputFolder, result: AuditResult, output: ExactReports) -> str:
    """Write exact reports, and return the file name of the first."""
    reports = [
        rendered for reporter in output.reporters for rendered in render_each(reporter, result, output.languages)
    ]
    folder.publish_files({report.filename: report.content for report in reports})
    return reports[0].filename


def _checked_place(out: Path, loaded: LoadedPlan, files: PublicFiles) -> Path:
    """Return the restricted folder, checked before the long scoring and not after it."""
    restricted_folder = find_restricted_folder(out, loaded.plan.disclosure, loaded.folder, files.folder)
    refuse_exact_among_public(public_folder(out), [restricted_folder, *input_files(loaded.plan, loaded.folder)])
    public = public_folder(out)
    refuse_other_set(restricted_folder, release_in(public), set_there(public), new_key=files.new_key)
    check_folder(loaded.plan.groups, loaded.plan.evaluation_set, loaded.plan.disclosure, restricted_folder)
    return restricted_folder


def _publish(folder: OutputFolder, result: AuditResult, files: PublicFiles, restricted_folder: Path) -> Path:
    folder.refuse_strangers()  # before the log remembers a release that cannot be written
    public = public_folder(folder.path)
    published = make_public(result, files, restricted_folder, public, partial(folder.publish_files, within=PUBLIC))
    return first_file(public, published)
