"""Verdict kept for `--changed-only`, and one digest of all that it depends on; None if that cannot be known.

The digest covers every byte of the plan, the set, the model, and every other file that the plan names. What has no
bytes to read counts as changed: a service, a program, a function with the modules that it imports, and an expiry in
the past. So does another version of this tool, of Python, or of any installed package.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from audit.cli.console.terminal import Style, say, say_document
from audit.cli.outputs.baselines import BaselineInUse
from audit.cli.outputs.made_from import (
    RECORD,
    SCHEMA,
    InputFile,
    digest_now,
    named_files,
    read_record,
    recorded_files,
)
from audit.cli.outputs.verdict_code import OnInconclusive, outcome_exit_code
from audit.errors import ArgumentError
from audit.plan.detectors import is_of_numbers
from audit.plan.file.unfinished import leaves
from audit.scoring.answer_cache import private_folder
from audit.stages import Scope
from audit.storage import file_sha256, read_sealed, write_sealed
from audit.version import __version__

if TYPE_CHECKING:
    from audit.cli.outputs.run_request import RunRequest
    from audit.plan.audit_plan import AuditPlan
    from audit.result.audit_result import AuditResult

_UNTIL: Final = ("valid_until", "expires", "until")
_NAME_AND_VERSION: Final = re.compile(r"^(?:Name|Version): *(.*?) *$", re.MULTILINE)
_MOST: Final = 100
"""Most verdicts that are kept in one cache: the latest ones."""
_VERDICT: Final = re.compile(r"verdict-[0-9a-f]{64}\.json")
_SAID: Final = "kept: plan, detector, set and versions are as they were; nothing was scored or judged"


def check_changed_only_run(other: Mapping[str, object], *, fresh: bool) -> None:
    """Raise ArgumentError if `--fresh`, or an option that changes a verdict, is given beside `run --changed-only`."""
    options = [option for option, value in other.items() if value]
    if options:
        raise ArgumentError(
            f"{options[0]} cannot be asked together with --changed-only",
            slug="gate-arguments",
            hint="only the whole verdict is kept; leave one of them out",
        )
    if fresh:
        raise ArgumentError(
            "--fresh scores everything, and --changed-only nothing that is unchanged", slug="changed-only-fresh"
        )


def inputs_digest(request: RunRequest, options: Sequence[object] = (), document: Path | None = None) -> str | None:
    """Return the SHA-256 (hex) of all that the verdict of a plan depends on; None if that cannot be known.

    `options` are requests beside the plan that change what is done. Files that are in the state recorded beside
    `document`, a result, are not read again.
    """
    loaded = request.loaded
    plan = loaded.plan
    # A waiver ends on some day, and a baseline has files beside it.
    named = loaded.waivers_file is not None or plan.baseline.result is not None
    if named or not _all_known(plan, request.scope):
        return None
    values = list(leaves(plan.model_dump(mode="python", by_alias=True)))
    ends = [str(value) for where, value in values if where[-1] in _UNTIL and value is not None]
    if any(day < dt.datetime.now(tz=dt.UTC).date().isoformat() for day in ends):
        return None
    try:
        recorded = {} if document is None else _recorded(document)
        files = {key: digest_now(loaded.folder / path, recorded.get(key)) for key, path in named_files(plan).items()}
        files["plan"] = file_sha256(request.path)
    except OSError:
        return None
    if files["plan"] != loaded.sha256:
        return None
    versions = {"tool": __version__, "python": platform.python_version(), "platform": platform.platform()}
    inputs = {"files": files, "versions": versions, "packages": _installed_packages(), "options": list(options)}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _all_known(plan: AuditPlan, scope: Scope) -> bool:
    if not (plan.detector.kind == "predictions" or is_of_numbers(plan.detector)):
        return False
    if scope.has_details and plan.measures:
        return False
    # the exit code of a kept verdict is that of the verdict
    return plan.evaluation_set.path is not None and not plan.warning_rules


def _recorded(document: Path) -> Mapping[str, InputFile]:
    record = read_record(document.parent, file_sha256(document)) if document.is_file() else None
    return {} if record is None else recorded_files(record)


def _installed_packages() -> list[str]:
    """Name and version of each: of the file that has them no more is read, which takes a twentieth of the time."""
    from importlib.metadata import distributions

    files = (package.read_text("METADATA") or package.read_text("PKG-INFO") or "" for package in distributions())
    return sorted({" ".join(_NAME_AND_VERSION.findall(text.partition("\n\n")[0])) for text in files})


@dataclass(frozen=True, slots=True)
class VerdictPlace:
    """Place of a kept verdict, and what it depends on."""

    place: Path
    request: RunRequest
    inputs: str | None
    """Digest of the inputs before the audit."""
    options: Sequence[object] = ()
    document: Path | None = None
    """File that must be unchanged too."""
    has_chains: bool = False
    """Whether versions were accepted: a verdict that is held against none is not kept, or its note would be lost."""

    @property
    def outcome(self) -> str | None:
        """Outcome that was kept for the same inputs; None if there is none."""
        if self.inputs is None:
            return None
        with contextlib.suppress(OSError):
            record = read_sealed(self.place) or {}
            same = record.get("schema") == SCHEMA and record.get("inputs") == self.inputs
            if same and record.get("document") == self._document_sha256():
                outcome = record.get("outcome")
                return outcome if outcome in ("pass", "fail", "inconclusive") else None
        return None

    def keep(self, outcome: str) -> None:
        """Keep an outcome if its inputs were known and are still unchanged. On a full disk nothing is kept."""
        if self.inputs is None or self.inputs != inputs_digest(self.request, self.options, self.document):
            return
        with contextlib.suppress(OSError):
            document = self._document_sha256()
            beside = None if document is None else read_record(self.place.parent, document)
            record = {"schema": SCHEMA, "inputs": self.inputs, "outcome": outcome, "document": document}
            write_sealed(self.place, {**(beside or {}), **record})
            others = [path for path in self.place.parent.iterdir() if _VERDICT.fullmatch(path.name)]
            for old in sorted(others, key=lambda path: (path.stat().st_mtime_ns, path.name))[:-_MOST]:
                old.unlink()

    def keep_result(self, result: AuditResult) -> None:
        """Keep the verdict of a result, unless the detector failed on too many rows, or is not shown to be the system,
        or the result is held against none of the versions that were accepted.
        """
        if result.too_many_failed or result.relied_on != result.overall.outcome:
            return
        if not self.has_chains or result.further.held_against is not None:
            self.keep(result.overall.outcome)

    def _document_sha256(self) -> str | None:
        return None if self.document is None else file_sha256(self.document)


class UnlessChanged(NamedTuple):
    """Request to say the verdict that is kept, where nothing that it depends on has changed."""

    on_inconclusive: OnInconclusive | None
    as_json: bool
    options: Sequence[object] = ()
    """Requests beside the plan that change what is done."""

    def place_of_gate(self, cache: Path, request: RunRequest, in_use: BaselineInUse) -> VerdictPlace:
        """Return the place of a plan's verdict in a cache. Raises typer.Exit where one is kept there."""
        private_folder(cache)
        options = (*self.options, *_chain_digest(in_use))
        inputs = inputs_digest(request, options)
        place = cache / f"verdict-{inputs}.json"
        return self._unless_kept(VerdictPlace(place, request, inputs, options, has_chains=in_use.has_chains))

    def place_of_run(self, out: Path, request: RunRequest, in_use: BaselineInUse) -> VerdictPlace:
        """Return the place of a plan's verdict in an output folder. Raises typer.Exit where one is kept there."""
        document, options = out / "result.json", (*self.options, *_chain_digest(in_use))
        inputs = inputs_digest(request, options, document)
        return self._unless_kept(
            VerdictPlace(out / RECORD, request, inputs, options, document, has_chains=in_use.has_chains)
        )

    def _unless_kept(self, place: VerdictPlace) -> VerdictPlace:
        _exit_with_kept_verdict(place, self.on_inconclusive, quiet=place.request.quiet, as_json=self.as_json)
        return place


def _chain_digest(in_use: BaselineInUse) -> tuple[str, ...]:
    return () if in_use.releases is None else (in_use.releases.chain.last,)


def _exit_with_kept_verdict(
    verdict_place: VerdictPlace, on_inconclusive: OnInconclusive | None, *, quiet: bool, as_json: bool
) -> None:
    """Print the kept verdict and raise typer.Exit with its code, if there is one.

    As JSON it is the document that is there, or else the headline.
    """
    outcome = verdict_place.outcome
    if outcome is None:
        return
    if as_json and not quiet:
        alone = json.dumps({"headline": {"outcome": outcome}, "kept": True}) + "\n"
        say_document(alone if verdict_place.document is None else verdict_place.document.read_bytes())
    elif not quiet:
        style = Style.of(sys.stdout)
        shape = style.shape("pass" if outcome == "pass" else "fail" if outcome == "fail" else "inconclusive")
        say(f"{style.paint(f'{shape} {outcome.upper()}', outcome)}  {_SAID}")
    raise typer.Exit(outcome_exit_code(outcome, on_inconclusive, quiet=quiet))
