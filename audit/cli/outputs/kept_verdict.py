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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from audit.cli.outputs.run_request import RunRequest
    from audit.plan.audit_plan import AuditPlan

_WHOLE: Final = ("predictions", "skops", "onnx", "mlflow", "transformers")
"""Kinds of detectors for which the plan names everything that answers depend on. A pickle can import anything."""
_UNTIL: Final = ("valid_until", "expires", "until")
_NAME_AND_VERSION: Final = re.compile(r"^(?:Name|Version): *(.*?) *$", re.MULTILINE)
_SCHEMA: Final = 1
_MOST: Final = 100
"""Most verdicts that are kept in one cache: the latest ones."""
_VERDICT: Final = re.compile(r"verdict-[0-9a-f]{64}\.json")


def inputs_digest(request: RunRequest, options: Sequence[object] = ()) -> str | None:
    """Return the SHA-256 (hex) of all that the verdict of a plan depends on; None if that cannot be known.

    `options` are requests beside the plan that change what is done.
    """
    from audit.version import __version__

    loaded = request.loaded
    plan = loaded.plan
    # A waiver ends on some day, and a baseline has files beside it.
    if (
        not _all_known(plan, details=request.details)
        or loaded.waivers_file is not None
        or plan.baseline.result is not None
    ):
        return None
    record = plan.model_dump(mode="python", by_alias=True)
    if any(day < dt.datetime.now(tz=dt.UTC).date().isoformat() for day in _days(record)):
        return None
    try:
        files = {str(one): _path_sha256(loaded.folder / one) for one in sorted(set(_paths(record)))}
        files["plan"] = _path_sha256(request.path)
    except OSError:
        return None
    if files["plan"] != loaded.sha256:
        return None
    versions = {"tool": __version__, "python": platform.python_version(), "platform": platform.platform()}
    whole = {"files": files, "versions": versions, "packages": _installed_packages(), "options": list(options)}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _all_known(plan: AuditPlan, *, details: bool) -> bool:
    if plan.detector.kind not in _WHOLE or (details and plan.measures):
        return False
    # The exit code of a kept verdict is that of the verdict.
    if getattr(plan, "warning_rules", None):
        return False
    # Each waiver of a file ends on a day of its own, which no digest shows.
    if getattr(getattr(plan, "waivers", None), "file", None) is not None:
        return False
    # A type from another package runs code of that package.
    return plan.evaluation_set.path is not None and not getattr(plan.detector, "trusted", ())


def _paths(record: object) -> Iterator[Path]:
    """Find every file or folder that a plan names, except the folder that keeps the log of public files."""
    if isinstance(record, Path):
        yield record
    elif isinstance(record, Mapping):
        for key, value in record.items():
            if key != "disclosure":
                yield from _paths(value)
    elif isinstance(record, (list, tuple)):
        for value in record:
            yield from _paths(value)


def _days(record: object) -> Iterator[str]:
    """Find every day on which something in a plan ends."""
    if isinstance(record, Mapping):
        for key, value in record.items():
            if key in _UNTIL and value is not None:
                yield str(value)
            else:
                yield from _days(value)
    elif isinstance(record, (list, tuple)):
        for value in record:
            yield from _days(value)


def _path_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of a list of all files in a folder with their SHA-256. Raises OSError."""
    if path.is_dir():
        found = sorted(path.rglob("*"))
        if any(one.is_symlink() and one.is_dir() for one in found):
            raise OSError("a link to a folder, whose files are not among them")
        files = [one for one in found if not one.is_dir()]
        lines = "".join(f"{_path_sha256(one)}  {one.relative_to(path).as_posix()}\n" for one in files)
        return hashlib.sha256(lines.encode()).hexdigest()
    from audit.storage import file_sha256

    return file_sha256(path)


def _installed_packages() -> list[str]:
    """Name and version of each: of the file that has them no more is read, which takes a twentieth of the time."""
    from importlib.metadata import distributions

    files = (one.read_text("METADATA") or one.read_text("PKG-INFO") or "" for one in distributions())
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


def kept_verdict(kept: VerdictPlace) -> str | None:
    """Return the outcome that was kept for the same inputs; None if there is none."""
    from audit.scoring.sealed_json import read_sealed

    if kept.inputs is None:
        return None
    with contextlib.suppress(OSError):
        record = read_sealed(kept.place)
        same = record is not None and record.get("schema") == _SCHEMA and record.get("inputs") == kept.inputs
        if record is not None and same and record.get("document") == _document_sha256(kept):
            outcome = record.get("outcome")
            return outcome if outcome in ("pass", "fail", "inconclusive") else None
    return None


def keep_verdict(kept: VerdictPlace, outcome: str) -> None:
    """Keep an outcome if its inputs were known and are still unchanged. On a full disk nothing is kept."""
    from audit.scoring.sealed_json import write_sealed

    if kept.inputs is None or kept.inputs != inputs_digest(kept.request, kept.options):
        return
    record = {"schema": _SCHEMA, "inputs": kept.inputs, "outcome": outcome, "document": _document_sha256(kept)}
    with contextlib.suppress(OSError):
        write_sealed(kept.place, record)
        others = [one for one in kept.place.parent.iterdir() if _VERDICT.fullmatch(one.name)]
        for old in sorted(others, key=lambda one: (one.stat().st_mtime_ns, one.name))[:-_MOST]:
            old.unlink()


def _document_sha256(kept: VerdictPlace) -> str | None:
    return None if kept.document is None else _path_sha256(kept.document)
