"""Record of the last accepted baseline of each system, in the restricted folder, so that nobody goes back to an older
one.

A gate that may be pointed at any earlier audit passes what became worse, as long as it is no worse than the worst of
them. The record is read before anything is scored. It is written once the comparison is judged, before anything is
published.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from audit.errors import ResultError
from audit.plan.audit_plan import AuditPlan
from audit.storage import locked, storage, write_durably
from audit.verdicts.changes.acceptance import question_of
from audit.verdicts.changes.baseline import Baseline

ACCEPTED: Final = "accepted-baselines.json"
_SCHEMA: Final = 1
_LARGEST: Final = 16 * 1024 * 1024


def refuse_rolled_back(baseline: Baseline, plan: AuditPlan, restricted: Path) -> None:
    """Refuse a baseline that is older than the last one accepted for the system of a plan.

    Raises
    ------
    ResultError
        If it is older, or the record is not as it was written.
    StorageError
        If the record cannot be read.
    """
    with storage(restricted):
        last = _read(restricted / ACCEPTED).get(_record_key(plan))
    if last is None:
        return
    if _moment(baseline.result.provenance.finished) < _moment(last["finished"]):
        raise ResultError(
            f"the baseline is of {_to_the_second(baseline.result.provenance.finished)}, and one of "
            f"{_to_the_second(last['finished'])} was accepted already",
            slug="baseline-rolled-back",
        )


def record_accepted(baseline: Baseline, plan: AuditPlan, restricted: Path) -> None:
    """Write a baseline down as the last accepted one of its system, unless a later one stands there by now.

    Raises
    ------
    FolderInUseError, StorageError, ResultError
        If the folder is in use, or the record cannot be read or written.
    """
    with locked(restricted), storage(restricted):
        path, name = restricted / ACCEPTED, _record_key(plan)
        known = dict(_read(path))
        described = baseline.description
        entry = {"finished": described.finished, "sha256": described.sha256}
        last = known.get(name)
        if last == entry or (last is not None and _moment(described.finished) < _moment(last["finished"])):
            return
        known[name] = entry
        text = json.dumps({"schema": _SCHEMA, "systems": known}, sort_keys=True, indent=1, ensure_ascii=False)
        write_durably(path, f"{text}\n".encode())


def _record_key(plan: AuditPlan) -> str:
    """Return the key of a record: operator, system, and what the plan asks.

    A title would not do: it names the version, so that every version would have a record of its own. Nor would the
    system alone: two plans for one system would take each other's later audits for their own.
    """
    canonical = json.dumps(question_of(plan), sort_keys=True, ensure_ascii=False)
    question = f"plan {hashlib.sha256(canonical.encode()).hexdigest()}"
    return json.dumps([plan.audit.owner, plan.audit.system or "", question], ensure_ascii=False)


def _read(path: Path) -> Mapping[str, Mapping[str, str]]:
    if not path.exists():
        return {}
    try:
        if path.stat().st_size > _LARGEST:
            raise _damaged()
        records = json.loads(path.read_bytes())
        return _checked(records)
    except (ValueError, RecursionError):
        raise _damaged() from None


def _checked(records: Any) -> Mapping[str, Mapping[str, str]]:
    if (
        not isinstance(records, dict)
        or records.get("schema") != _SCHEMA
        or not isinstance(records.get("systems"), dict)
    ):
        raise _damaged()
    for entry in records["systems"].values():
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("finished", "sha256")):
            raise _damaged()
        if _moment(entry["finished"]).tzinfo is None:
            raise _damaged()
    known: Mapping[str, Mapping[str, str]] = records["systems"]
    return known


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _to_the_second(stamp: str) -> str:
    return _moment(stamp).isoformat(sep=" ", timespec="seconds")


def _damaged() -> ResultError:
    return ResultError(
        f"{ACCEPTED} of the restricted folder is not as it was written", slug="accepted-baselines-damaged"
    )
