"""Record how a result was made: digests, versions and times."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.plan.audit_plan import AuditPlan, Rule
from audit.plan.file.plan_file import LoadedPlan, canonical_plan_sha256
from audit.plan.governance import GovernanceSection
from audit.plan.sections import BaselineSection, DisclosureSection, SandboxSection
from audit.result.audit_result import Provenance, StratumDrawn
from audit.stages import Scope
from audit.storage import file_sha256
from audit.version import __version__

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.scoring.scored import Scored

_NO_BASELINE: Final = {"regression_margin": None}

_TOOL: Final = f"audit7k {__version__}"

_PACKAGES: Final = Path(__file__).with_name("packages.txt").read_text(encoding="utf-8").split()


def provenance(
    loaded: LoadedPlan,
    evaluation_set: EvaluationSet,
    scored: Scored,
    predictions: Path | None,
    started: datetime,
    scope: Scope,
) -> Provenance:
    """Record digests, versions and times of a scored set; `predictions` is the file with its answers, if there is one.

    Verdicts alone need no digest of the cases, no versions of packages and no commit.
    """
    commit, dirty = _git(loaded.folder) if scope.has_records else (None, None)
    legs, strata = scored.legs, evaluation_set.strata
    return Provenance(
        plan_sha256=canonical_plan_sha256(loaded.plan),
        evaluation_set_sha256=evaluation_set.sha256,
        evaluation_set_digest_of=evaluation_set.digest_of,
        counted_on=evaluation_set.engine.counted_on,
        detector_sha256=scored.detector_sha256,
        predictions_sha256=sha256_of(predictions),
        cases_sha256=evaluation_set.cases_sha256() if scope.has_records else None,
        tool=_TOOL,
        packages=_packages() if scope.has_records else {},
        python=platform.python_version(),
        platform=_platform(),
        git_commit=commit,
        git_dirty=dirty,
        started=_stamp(started),
        finished=_stamp(datetime.now(UTC)),
        legs=legs if any(begun < _stamp(started) for begun, _ in legs) else (),
        ran_in=scored.ran_in,
        course=scored.course,
        strata=()
        if strata is None
        else tuple(StratumDrawn(name=name, size=size, drawn=strata.drawn[name]) for name, size in strata.sizes.items()),
        plan_file=loaded.file,
        rule_lines=_rule_lines(loaded),
    )


def sha256_of(path: Path | None) -> str | None:
    """SHA-256 (hex) of a file; None if there is no file."""
    if path is None or not path.is_file():
        return None

    return file_sha256(path)


def _rule_lines(loaded: LoadedPlan) -> tuple[int | None, ...]:
    """The lines of the rules on rates in the plan file; nothing if the plan differs from its file."""
    rules = loaded.plan.every_rule
    if len(rules) != len(loaded.rule_lines):
        return ()
    return tuple(line for rule, line in zip(rules, loaded.rule_lines, strict=True) if isinstance(rule, Rule))


def scoring_identity(plan: AuditPlan) -> dict[str, Any]:
    """Everything that answers depend on, beside set and detector; and a digest of the whole plan."""
    sections = plan.model_dump(mode="json", by_alias=True, include={"detector", "scoring", "evaluation_set"})
    # the sandbox changes no answer: whoever raises a limit that was too low goes on; and what is public, a contact or a
    # role enters no number and no verdict
    defaults = {"sandbox": SandboxSection(), "disclosure": DisclosureSection(), "governance": GovernanceSection()}
    # answers are compared with a baseline only afterwards
    rules = tuple(rule.model_copy(update=_NO_BASELINE) if isinstance(rule, Rule) else rule for rule in plan.every_rule)
    plan = plan.model_copy(update={**defaults, "baseline": BaselineSection(), "every_rule": rules})
    return {
        "tool": _TOOL,
        "packages": {**_packages(), "python": platform.python_version(), "platform": _platform()},
        "plan": canonical_plan_sha256(plan),
        "scoring": hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest(),
    }


def _packages() -> dict[str, str]:
    return {name: version for name in _PACKAGES if (version := package_version(name)) is not None}


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}"


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@functools.cache
def package_version(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of the checkout that holds the plan, and whether it is dirty; None without a checkout or without git."""
    commit = _ask_git(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None, None
    status = _ask_git(folder, "status", "--porcelain", "--untracked-files=no")
    return commit, None if status is None else bool(status)


def _ask_git(folder: Path, *question: str) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command, without a shell
            ["git", "-C", str(folder), *question],  # noqa: S607 - git is found as the operator's shell finds it
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
