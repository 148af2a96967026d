"""Log of an audit in a run of MLflow, beside the audited model: `log_audit`.

The caller installs MLflow. It is imported only when something is logged, and audit7k does not need it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.cli.outputs.output_folder import RESTRICTED_REPORTS
from audit.cli.outputs.public_list import PUBLIC
from audit.errors import AuditError, ExitCode
from audit.vocabulary.file_names import RELEASE

if TYPE_CHECKING:
    from audit.public.about import PublicAbout
    from audit.public.release import PublicRelease
    from audit.result.audit_result import AuditResult, Provenance

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
    release are beyond its limit, hold a smaller group that is, are within it, or are undecided. Tags:
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
        If MLflow is not installed, no run is named or active, or the folder holds no audit.
    """
    logged = _exact_entries(audit) if restricted else _public_entries(audit)
    client, run = _client_and_run(run_id)
    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in logged.metrics.items()]
    client.log_batch(run, metrics=metrics, tags=[RunTag(name, value) for name, value in logged.tags.items()])
    for file, folder in logged.artifacts:
        client.log_artifact(run, str(file), folder)


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
    from audit.disclosure.read import load_release
    from audit.public.cases import relied_on

    folder = Path(audit) / PUBLIC
    release, _ = load_release(folder / RELEASE)
    files = tuple(
        (file, "audit7k/public") for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()
    )
    return _entries(relied_on(release), release.about, _word_metrics(release), files)


def _word_metrics(release: PublicRelease) -> Iterator[tuple[str, float]]:
    """Yield the metrics of each rule of a public release: its exit code, and its rows by state."""
    from audit.public.cases import PublicCases

    cases = PublicCases(release)
    for rule in release.rules:
        counted = cases.tally(rule.rule)
        yield f"audit7k/{rule.rule}/exit_code", _exit_code(rule.outcome)
        yield f"audit7k/{rule.rule}/beyond_limit", counted["beyond"]
        yield f"audit7k/{rule.rule}/smaller_beyond_limit", counted["smaller_beyond"]
        yield f"audit7k/{rule.rule}/within_limit", counted["within"]
        yield f"audit7k/{rule.rule}/cannot_tell", counted["cannot_tell"] + counted["not_judged"]


def _exact_entries(audit: AuditResult | str | Path) -> _Entries:
    files: tuple[tuple[Path, str], ...] = ()
    if isinstance(audit, str | Path):
        from audit.result.file import load_result

        folder = Path(audit)
        audit = load_result(folder / "result.json")
        files = tuple((folder / name, "audit7k/restricted") for name in _EXACT if (folder / name).is_file())
    return _entries(audit.relied_on, audit.provenance, _outcome_metrics(audit), files)


def _outcome_metrics(result: AuditResult) -> Iterator[tuple[str, float]]:
    for rule in result.rules:
        for outcome, count in rule.groups_by_outcome.items():
            yield f"audit7k/{rule.rule}/{outcome}", count
        if rule.coverage is not None:
            yield f"audit7k/{rule.rule}/coverage", rule.coverage
    for rule_on_probes in result.probe_rules:
        yield f"audit7k/{rule_on_probes.rule}/exit_code", _exit_code(rule_on_probes.outcome)


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
