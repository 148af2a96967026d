"""Log of an audit in a run of MLflow, beside the audited model: `log_audit`.

The caller installs MLflow. It is imported only when something is logged, and audit7k does not need it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.cli.outputs.named_folders import PUBLIC
from audit.cli.outputs.output_folder import RESTRICTED_REPORTS
from audit.cli.outputs.stale_result import check_inputs
from audit.disclosure.read import load_release
from audit.errors import AuditError, ExitCode
from audit.public.cases import relied_on
from audit.public.finding_list import ReleaseFinding, findings_of, tally_of_rule
from audit.result.cases import suites
from audit.result.file import load_result, read_result
from audit.result.findings.judged import RuleResult
from audit.result.reading import Reading
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.finding import outcome_of, tally_of

if TYPE_CHECKING:
    from audit.public.about import PublicAbout
    from audit.public.release import PublicRelease
    from audit.result.audit_result import AuditResult, Provenance
    from audit.vocabulary.finding import Tally

_EXACT: Final = ("result.json", *RESTRICTED_REPORTS)
"""Files of an output folder that are logged with `restricted`: never rows, and never the key."""


@dataclass(frozen=True, slots=True)
class _Entries:
    """Entries for one run of MLflow."""

    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: tuple[tuple[Path, str], ...] = ()
    """Files, each with the folder of the run for it."""


def log_audit(audit: AuditResult | str | Path, run_id: str | None = None, *, restricted: bool = False) -> None:
    """Log the outcome of an audit and its report to a run of MLflow.

    Metrics: `audit7k/exit_code` (0 pass, 1 fail, 3 inconclusive), the same for each rule, and how many rows of the
    release are beyond its limit, within it, cannot be told, are not judged alone, or have no rate. Tags:
    `audit7k.verdict`, `audit7k.plan_sha256`, `audit7k.tool`. Artefacts: the files of the folder `public`, under
    `audit7k/public`. All of that is public.

    Parameters
    ----------
    audit : AuditResult, str or Path
        The output folder of `audit7k run`; or a result in memory, of which the verdict alone is public.
    run_id : str, optional
        The run; the active one by default.
    restricted : bool
        Log exact outcomes in the place of public ones, and `result.json` with the restricted reports as artefacts under
        `audit7k/restricted`: for a server that nobody reads but those who may see exact counts. Rows and keys are never
        logged.

    Raises
    ------
    AuditError
        If MLflow is not installed, no run is named or active, or the folder holds no audit; or if plan, detector, set
        or answers have changed since, or a later run has ended there without a verdict.
    """
    if isinstance(audit, str | Path):
        _check_current(Path(audit) / "result.json")
    logged = _exact_entries(audit) if restricted else _public_entries(audit)
    client, run = _client_and_run(run_id)
    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in logged.metrics.items()]
    client.log_batch(run, metrics=metrics, tags=[RunTag(name, value) for name, value in logged.tags.items()])
    for file, folder in logged.artifacts:
        client.log_artifact(run, str(file), folder)


def _check_current(file: Path) -> None:
    """Raise ResultError if a result is that of other inputs, as a gate would. What is not at hand is not asked for."""
    if file.is_file():
        check_inputs(read_result(file), elsewhere=True, quiet=True)


def _client_and_run(run_id: str | None) -> tuple[Any, str]:
    """Return a client and the id of the run. Raises AuditError."""
    try:
        import mlflow
    except ImportError:
        raise AuditError("MLflow is not installed", slug="no-mlflow") from None
    if run_id is None:
        active = mlflow.active_run()
        if active is None:
            raise AuditError("no run of MLflow is active", slug="no-mlflow-run")
        run_id = str(active.info.run_id)
    return mlflow.MlflowClient(), run_id


def _public_entries(audit: AuditResult | str | Path) -> _Entries:
    """Return what everybody may read: the release in a folder, or the verdict alone of a result in memory."""
    if not isinstance(audit, str | Path):
        return _entries(audit.relied_on, audit.provenance)

    folder = Path(audit) / PUBLIC
    release, _ = load_release(folder / RELEASE)
    files = tuple(
        (file, "audit7k/public") for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()
    )
    return _entries(relied_on(release), release.about, _word_metrics(release), files)


def _word_metrics(release: PublicRelease) -> Iterator[tuple[str, float]]:
    """Yield the metrics of each rule of a release, on rows, people's decisions or changed words, and of the change from
    an earlier one: its exit code, and its findings by word.
    """
    findings = findings_of(release)
    for rule in release.rules:
        yield f"audit7k/{rule.rule}/exit_code", _exit_code(rule.outcome)
        yield from _tally_metrics(rule.rule, tally_of_rule(findings, rule.rule))
    others: dict[str, list[ReleaseFinding]] = {}
    for finding in findings:
        names = {
            "people": f"people.{finding.rule}",
            "changed_word": finding.rule or "probes",
            "change": "change",
        }
        if (name := names.get(finding.subject)) is not None:
            others.setdefault(name, []).append(finding)
    for name, under_rule in others.items():
        yield f"audit7k/{name}/exit_code", _exit_code(outcome_of(under_rule))
        yield from _tally_metrics(name, tally_of(under_rule))


def _tally_metrics(rule: str, tally: Tally) -> Iterator[tuple[str, float]]:
    yield f"audit7k/{rule}/beyond_limit", tally.beyond
    yield f"audit7k/{rule}/within_limit", tally.within
    yield f"audit7k/{rule}/cannot_tell", tally.cannot_tell
    yield f"audit7k/{rule}/not_judged_alone", tally.not_judged_alone
    yield f"audit7k/{rule}/no_rate", tally.no_rate


def _exact_entries(audit: AuditResult | str | Path) -> _Entries:
    files: tuple[tuple[Path, str], ...] = ()
    if isinstance(audit, str | Path):
        folder = Path(audit)
        audit = load_result(folder / "result.json")
        files = tuple((folder / name, "audit7k/restricted") for name in _EXACT if (folder / name).is_file())
    return _entries(audit.relied_on, audit.provenance, _outcome_metrics(audit), files)


def _outcome_metrics(result: AuditResult) -> Iterator[tuple[str, float]]:
    for suite in suites(Reading(result)):
        yield f"audit7k/{suite.name}/exit_code", _exit_code(suite.outcome)
        yield from _tally_metrics(suite.name, suite.tally)
        if isinstance(suite.of, RuleResult) and suite.of.coverage is not None:
            yield f"audit7k/{suite.name}/coverage", suite.of.coverage


def _entries(
    outcome: str,
    about: Provenance | PublicAbout,
    metrics: Iterable[tuple[str, float]] = (),
    files: tuple[tuple[Path, str], ...] = (),
) -> _Entries:
    tags = {"audit7k.verdict": outcome, "audit7k.plan_sha256": about.plan_sha256, "audit7k.tool": about.tool}
    return _Entries({"audit7k/exit_code": _exit_code(outcome), **dict(metrics)}, tags, files)


def _exit_code(outcome: str) -> float:
    """Return the exit code of an outcome; an outcome that cannot be evaluated counts as inconclusive."""
    return float(ExitCode.INCONCLUSIVE if outcome == "not_evaluable" else ExitCode[outcome.upper()])
