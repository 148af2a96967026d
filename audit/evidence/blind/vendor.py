"""The vendor's side: a plan that says no more than which model answers, and its answers to a challenge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from audit.detectors.isolation.options import Isolating
from audit.detectors.isolation.placement import place_detector
from audit.detectors.protocol import table_detector
from audit.errors import EvidenceError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evidence.blind.challenge import DECISION, read_challenge, table_bytes
from audit.evidence.blind.terms import ANSWERS, CID, HISTORY, MODEL, Terms
from audit.evidence.history import MAX_BYTES, CommittedModel, Entry, History
from audit.evidence.history_file import HistoryFile
from audit.evidence.keys import Signer
from audit.evidence.registration import system_of
from audit.evidence.statement import System, canonical, sha256
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditSection
from audit.plan.detectors import Detector, is_of_numbers
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.file.known_keys import PLAN
from audit.plan.file.plan_file import LoadedPlan, loaded_plan, read_toml
from audit.scoring import Keeping, score
from audit.scoring.checkpoint import Checkpoint
from audit.scoring.foreign_errors import open_detector
from audit.scoring.predictions_file import DECISIONS
from audit.scoring.provenance import scoring_identity
from audit.scoring.runner import run_context
from audit.storage import bytes_of_result, make_folder, storage, write_durably

if TYPE_CHECKING:
    from audit.scoring import Progress

_CASES: Final = "cases.parquet"
_LABEL, _GROUP = "audit7k label", "audit7k group"
"""Columns without values, which a set needs: the vendor has neither labels nor groups."""


def vendor_plan(path: Path) -> LoadedPlan:
    """Read a vendor's plan: `[audit]` with title, owner and system, `[detector]`, `[scoring]` and `[sandbox]`.

    Raises
    ------
    PlanError
        If it is no plan of that kind. What else stands in it is not read.
    """
    written, _ = read_toml(path, PLAN)
    sections: dict[str, Any] = {key: written[key] for key in ("detector", "scoring", "sandbox") if key in written}
    about: Any = written.get("audit")
    named = {key: about[key] for key in ("title", "owner", "system") if key in about} if isinstance(about, dict) else {}
    sections |= {
        "schema": 1,
        "audit": {"use": "victim-identification", "route": "both", **named},
        "evaluation_set": {"path": _CASES, "id": CID, "label": _LABEL, "label_source": "none"},
        "groups": {"group": {"column": _GROUP}},
        "rules": [{"metric": "true_positive_rate", "groups": ["group"], "margin": 0.1}],
    }
    loaded = loaded_plan(sections, path.parent.absolute())
    if loaded.plan.detector.kind == "blind":
        raise EvidenceError(
            "the vendor's plan names the model itself", slug="no-detector", hint="name its kind and file"
        )
    return loaded


def system_in(audit_section: AuditSection) -> System:
    """Return the system that a plan is about, as a history names it."""
    return system_of(audit_section.owner, audit_section.system, audit_section.title)


class Artefact(NamedTuple):
    """Files of a model, as they were loaded."""

    sha256: str | None
    """None if it has none."""
    is_whole: bool
    """Whether the digest covers all that the model can read, installed libraries aside."""


def _artefact(sha256: str | None, detector: DetectorSection, *, digest_is_whole: bool) -> Artefact:
    """Say what a digest covers: a program can ask what day it is and which files there are, even if it is kept in."""
    return Artefact(sha256, sha256 is not None and digest_is_whole and is_of_numbers(detector))


def model_of(
    audit_section: AuditSection, detector: DetectorSection, *, deterministic: bool, is_whole: bool
) -> CommittedModel:
    """Return what a vendor says of its model."""
    return CommittedModel(
        version=audit_section.title,
        deterministic=deterministic,
        features=getattr(detector, "features", ()),
        is_whole=is_whole,
    )


def sections_for(history: History) -> str:
    """Return the sections of plans that ask the models of a history, by the columns that their vendors declared.

    Raises
    ------
    EvidenceError
        If none is committed to.
    """
    last = {entry.system: entry.model for entry in history.entries if entry.kind == "committed"}
    if not last:
        raise EvidenceError("the history names no model", slug="no-model")
    parts = []
    for system, model in last.items():
        columns = () if model is None else model.features
        known = "" if columns else "  # the vendor declared none: its answers come in a file"
        named = [("owner", system.owner), ("system", system.name)]
        about = "".join(f"{key} = {_toml(value)}\n" for key, value in named)
        listed = ", ".join(map(_toml, columns))
        parts.append(f'[audit]\n{about}[detector]\nkind = "blind"\nfeatures = [{listed}]{known}')
    return "\n\n".join(parts)


def _toml(text: str) -> str:
    """Write a text as a string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def model_digest(detector: Detector, artefact: str | None) -> str:
    """Return the SHA-256 that a vendor commits to: of what its plan says of the model, and of the model's file."""
    section = detector.model_dump(mode="json")
    return sha256(canonical({"artefact": artefact, "detector": section}))


def artefact_of(loaded: LoadedPlan, isolating: Isolating) -> Artefact:
    """Load the model of a plan, and return its digest. Raises DetectorError if it cannot be loaded."""
    detector: Any = place_detector(loaded.plan, loaded.folder, isolating)
    if table_detector(detector) is not None:
        return Artefact(None, is_whole=False)
    with open_detector(
        detector, loaded.plan.detector.kind, run_context(loaded.plan.detector, loaded.plan.scoring, loaded.folder)
    ):
        info = detector.info
        return _artefact(info.artefact_sha256, loaded.plan.detector, digest_is_whole=info.digest_is_whole)


class Answered(NamedTuple):
    """What a model answered."""

    answers: pa.Table
    """`cid` and `decision` (flagged, not flagged, abstained or failed), in the order of the cases."""
    artefact: Artefact


def answer(
    loaded: LoadedPlan, cases: pa.Table, work: Path, isolating: Isolating, progress: Progress | None = None
) -> Answered:
    """Let the model of a plan answer the cases of a challenge.

    Parameters
    ----------
    loaded : LoadedPlan
        From `vendor_plan`.
    cases : pyarrow.Table
        `cid` and the features.
    work : Path
        A folder in which answers are kept meanwhile, so that an interrupted run can go on.
    isolating : Isolating
    progress : Progress, optional

    Raises
    ------
    AuditError
        If the model cannot answer.
    """
    nothing = pa.nulls(cases.num_rows, pa.string())
    with storage(work):
        make_folder(work)
        write_durably(work / _CASES, table_bytes(cases.append_column(_LABEL, nothing).append_column(_GROUP, nothing)))
    plan = loaded.plan
    section = plan.evaluation_set.model_copy(update={"path": (work / _CASES).absolute()})
    plan = plan.model_copy(update={"evaluation_set": section})
    with open_evaluation_set(plan, loaded.folder) as opened:
        keeping = Keeping(Checkpoint(work / "scoring"), scoring_identity(plan))
        scored = score(plan, opened, loaded.folder, progress=progress, keeping=keeping, isolating=isolating)
        query = f"SELECT case_id, {DECISION} FROM scored ORDER BY case_id"  # noqa: S608
        table: Any = opened.local_engine.sql(query).to_arrow_table()
    words = [DECISIONS[code] for code in table.column(1).to_pylist()]
    # a file of answers is made after the question, and nobody can commit to it before
    sha = None if isinstance(plan.detector, PredictionsDetector) else scored.detector_sha256
    artefact = _artefact(sha, plan.detector, digest_is_whole=scored.digest_is_whole)
    return Answered(pa.table({CID: table.column(0), DECISION: words}).combine_chunks(), artefact)


def commit(
    file: HistoryFile, signer: Signer, at: str, loaded: LoadedPlan, artefact: Artefact, *, deterministic: bool
) -> Entry:
    """Write down which model will answer: a commitment to it, and what its vendor declares."""
    opened = file.opened({MODEL: model_digest(loaded.plan.detector, artefact.sha256)}, None)
    model = model_of(loaded.plan.audit, loaded.plan.detector, deterministic=deterministic, is_whole=artefact.is_whole)
    return file.append(signer, "committed", at, system_in(loaded.plan.audit), opened, model=model)


def open_challenge(file: HistoryFile, folder: Path) -> tuple[Terms, pa.Table]:
    """Take over the history of a challenge, and return its terms and its cases, for whoever answers it.

    Raises
    ------
    EvidenceError
        If the history knows no challenge of these terms.
    """
    terms, cases = read_challenge(folder)
    file.adopt(bytes_of_result(folder / HISTORY, MAX_BYTES), f"{folder.name}/{HISTORY}")
    challenge_numbers = [entry.index for entry in file.history.entries if entry.statement == sha256(terms.content)]
    if not challenge_numbers:
        raise EvidenceError(f"{HISTORY} knows no challenge of these terms", slug="other-challenge")
    if any(entry.kind == "answered" and entry.answers in challenge_numbers for entry in file.history.entries):
        raise EvidenceError("this challenge was answered before", slug="answered-before")
    return terms, cases


def give_answers(
    file: HistoryFile, signer: Signer, at: str, loaded: LoadedPlan, terms: Terms, answered: Answered, out: Path
) -> str:
    """Sign answers, and write them into the empty folder `out`. Returns their digest.

    Raises
    ------
    EvidenceError
        If another model gave them than the one that was committed to, or another key signs; or if the commitment says
        that it covers all that the model can read, and more was open to it now.
    """
    committed = file.history.entries[terms.commitment_entry].model
    if committed is not None and committed.is_whole and not answered.artefact.is_whole:
        raise EvidenceError(
            "the commitment says that answers depend on nothing else, and these could", slug="not-kept-in"
        )
    opened = file.opened({MODEL: model_digest(loaded.plan.detector, answered.artefact.sha256)}, terms.commitment_entry)
    before = file.openings.get(terms.commitment_entry, {})
    if opened != before or file.history.entries[terms.commitment_entry].key != signer.public.raw.hex():
        raise EvidenceError("this is not the model, or not the key, that was committed to", slug="other-model")
    content = table_bytes(answered.answers)
    challenged = next(entry for entry in reversed(file.history.entries) if entry.statement == sha256(terms.content))
    with storage(out):
        write_durably(out / ANSWERS, content)
    digest = sha256(content)
    file.append(signer, "answered", at, terms.system, opened, answers=challenged.index, statement=digest)
    with storage(out):
        write_durably(out / HISTORY, file.history.content)
    return digest
