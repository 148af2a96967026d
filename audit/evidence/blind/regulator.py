"""The regulator's side: what is asked, each step an entry of the history, and what is taken to be judged."""

from __future__ import annotations

import copy
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.errors import ArgumentError, EvidenceError, PlanError
from audit.evidence.blind.challenge import (
    DECISION,
    cells_asked,
    ids_asked,
    labels_by_id,
    labels_of,
    make_challenge,
    read_cases,
    read_table,
    table_bytes,
)
from audit.evidence.blind.checks import Checked, check_answers, check_entries
from audit.evidence.blind.labels import LabelOpening, label_root, open_label
from audit.evidence.blind.ledger import Ledger
from audit.evidence.blind.terms import (
    ANSWERS,
    CASES,
    CID,
    HISTORY,
    LABELS,
    LARGEST_TABLE,
    ROWS,
    SECRET,
    TERMS,
    Secret,
    Terms,
    read_part,
)
from audit.evidence.blind.vendor import system_in
from audit.evidence.history import MAX_BYTES, Entry
from audit.evidence.history_file import HistoryFile
from audit.evidence.keys import Signer
from audit.evidence.registration import QUESTION, SET
from audit.evidence.seal import question_digest
from audit.evidence.statement import sha256
from audit.plan.answers import BlindDetector
from audit.plan.file.plan_file import LoadedPlan, loaded_plan, read_plan_file
from audit.scoring.predictions_file import DECISIONS
from audit.storage import GITIGNORE, bytes_of_result, storage, write_durably
from audit.vocabulary.text import count_of

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ATTEMPTS: Final = 10
_LEAST_ALPHA: Final = 0.005
SAID: Final = dict(zip(DECISIONS, ("1", "0", None, None), strict=True))
"""What a plan reads of an answer: nobody says why there is none, and a case without one counts at its worst."""


def with_attempts(loaded: LoadedPlan, attempts: int) -> LoadedPlan:
    """Return the plan that one of several attempts is judged by: each spends its part of alpha.

    Raises
    ------
    ArgumentError
        If too little is left for each.
    """
    if attempts == 1:
        return loaded
    alpha = loaded.plan.verdict.alpha / attempts
    if attempts > MOST_ATTEMPTS or alpha < _LEAST_ALPHA - 1e-9:
        raise ArgumentError(
            f"{attempts} attempts leave {alpha:g} of alpha for each",
            slug="too-many-attempts",
            hint=f"at most {MOST_ATTEMPTS}, and at least {_LEAST_ALPHA:g} for each",
        )
    return _changed(loaded, {"verdict": {"alpha": max(alpha, _LEAST_ALPHA)}})


def _changed(loaded: LoadedPlan, changes: dict[str, dict[str, Any]]) -> LoadedPlan:
    document = copy.deepcopy(loaded.as_asked)
    for table, values in changes.items():
        document[table] = {**document.get(table, {}), **values}
    changed = loaded_plan(document, loaded.folder)
    return changed._replace(file=loaded.file, rule_lines=loaded.rule_lines, waivers=loaded.waivers)


def section_of(loaded: LoadedPlan) -> BlindDetector:
    """Return the section that asks for a blind audit. Raises PlanError for a plan of another kind."""
    section = loaded.plan.detector
    if not isinstance(section, BlindDetector):
        raise PlanError("the plan names a detector of another kind", slug="not-blind")
    return section


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a regulator wants of a challenge."""

    plan: Path
    out: Path
    """Folder for the vendor."""
    secret: Path
    """Folder for what only the regulator knows."""
    deadline: str
    """Until when answers are taken, as YYYY-MM-DDTHH:MM:SSZ."""
    attempts: int = 1
    twins: int = 0
    """How many cases are given twice."""
    production: Path | None = None
    """File of cases with decisions of the system at work."""


def challenge(file: HistoryFile, signer: Signer, at: str, wanted: Wanted) -> tuple[Terms, int]:
    """Register what is asked, and write a challenge and its secret into two empty folders.

    Returns its terms, and how many of its cases have the cells of one that was asked in an earlier challenge.

    Raises
    ------
    AuditError
        If no model is committed to, the plan asks for what its vendor did not declare, or a case was asked before.
    """
    from audit.evaluation.evaluation_set import open_evaluation_set

    loaded, out = with_attempts(read_plan_file(wanted.plan), wanted.attempts), wanted.out
    key, ledger = secrets.token_bytes(32), Ledger(file)
    section, commitment = section_of(loaded), _commitment(file, loaded)
    with open_evaluation_set(loaded.plan, loaded.folder) as opened:
        tables = make_challenge(opened, section.features, key, wanted.twins, wanted.production, _columns(loaded))
        set_sha256 = opened.sha256
    spent = ledger.used(ids_asked(tables.rows))
    if spent:
        raise EvidenceError(
            f"{count_of(len(spent), 'case of the set was', 'cases of the set were')} asked in an earlier challenge",
            slug="cases-spent",
        )
    cases, registration = table_bytes(tables.cases), file.history.head.index
    terms = Terms(
        system=system_in(loaded.plan.audit),
        commitment_entry=commitment.index,
        features=section.features,
        rows=tables.cases.num_rows,
        sha256=sha256(cases),
        labels=tables.root(key),
        deadline=wanted.deadline,
        attempt=1,
        attempts=wanted.attempts,
        contradictions=section.contradictions,
    )
    digests = {QUESTION: question_digest(loaded.plan), SET: set_sha256, LABELS: terms.labels}
    openings = file.opened(digests, None)
    alike = ledger.count_alike(cells_asked(tables))
    ledger.add(registration, ids_asked(tables.rows), cells_asked(tables), openings[LABELS])
    folder = wanted.secret
    with storage(folder):
        write_durably(folder / GITIGNORE, b"*\n")
        write_durably(folder / ROWS, table_bytes(tables.rows))
    secret = Secret(
        key=key.hex(),
        plan=os.path.relpath(wanted.plan, folder),
        registration_entry=registration,
        challenge_entry=registration + 1,
    )
    _keep(folder, terms, secret, cases)
    _give(out, terms, cases)
    file.append(signer, "registered", at, terms.system, openings)
    _ask(file, signer, at, terms, registration, out)
    return terms, alike


def challenge_again(file: HistoryFile, signer: Signer, at: str, folder: Path, out: Path, deadline: str) -> Terms:
    """Ask the cases of an earlier challenge again, whose secret lies in `folder`: another of its attempts, into
    the empty folder `out`.

    Raises
    ------
    AuditError
        If there is none left.
    """
    secret, before = read_part(folder / SECRET, Secret), read_part(folder / TERMS, Terms)
    if before.attempt == before.attempts or not secret.is_open(file.history, before.system):
        raise EvidenceError(f"no attempt is left of {before.attempts} on these cases", slug="no-attempts")
    commitment = _commitment(file, loaded_plan(folder / secret.plan))
    changed = {"commitment_entry": commitment.index, "deadline": deadline, "attempt": before.attempt + 1}
    terms = before.model_copy(update=changed)
    cases = bytes_of_result(folder / CASES, LARGEST_TABLE)
    secret = secret.model_copy(update={"challenge_entry": file.history.head.index})
    _give(out, terms, cases)
    _ask(file, signer, at, terms, secret.registration_entry, out)
    _keep(folder, terms, secret, cases)  # the attempt before stands until this one does
    return terms


def _columns(loaded: LoadedPlan) -> list[str]:
    """Return the columns of the groups of a plan."""
    groups = loaded.plan.groups.values()
    return [name for group in groups for name in (group.column, group.country_column) if name is not None]


def _commitment(file: HistoryFile, loaded: LoadedPlan) -> Entry:
    """Return the entry of the model that is asked. Raises EvidenceError if the plan asks more of it than it may."""
    system, section = system_in(loaded.plan.audit), section_of(loaded)
    commitments = [entry for entry in file.history.entries if entry.kind == "committed" and entry.system == system]
    if not commitments:
        raise EvidenceError(f"{file.path.name} names no model of this system", slug="no-model")
    model = commitments[-1].model
    assert model is not None  # noqa: S101 - so is every entry of that kind
    groups = {feature.column for feature in loaded.plan.groups.values()}
    # answers that come in a file name no columns: then no group's is given
    declared_features = set(model.features) or set(section.features) - groups
    undeclared = [name for name in section.features if name not in declared_features]
    if undeclared:
        raise EvidenceError(
            f"the vendor did not declare that its model is given {', '.join(undeclared)}",
            slug="undeclared-features",
            hint=f"audit7k blind features {file.path.name} prints what it declared; nothing else leaves the house",
        )
    if not model.deterministic and not section.contradictions:
        raise EvidenceError(
            "the vendor does not declare that its model is deterministic, so equal cases may be answered otherwise",
            slug="no-limit",
        )
    return commitments[-1]


def _keep(folder: Path, terms: Terms, secret: Secret, cases: bytes) -> None:
    with storage(folder):
        write_durably(folder / CASES, cases)
        write_durably(folder / SECRET, secret.model_dump_json(indent=1).encode() + b"\n")
        write_durably(folder / TERMS, terms.content)


def _give(out: Path, terms: Terms, cases: bytes) -> None:
    with storage(out):
        write_durably(out / CASES, cases)
        write_durably(out / TERMS, terms.content)


def _ask(file: HistoryFile, signer: Signer, at: str, terms: Terms, registered: int, out: Path) -> None:
    file.append(signer, "challenged", at, terms.system, answers=registered, statement=sha256(terms.content))
    with storage(out):
        write_durably(out / HISTORY, file.history.content)


def take_answers(file: HistoryFile, folder: Path, sent: Path, received: str) -> tuple[Checked, Entry, LoadedPlan]:
    """Take over what a vendor sent, check it, and join it to the cases.

    Parameters
    ----------
    file : HistoryFile
        The regulator's history.
    folder, sent : Path
        The secret of the challenge, and the vendor's folder.
    received : str
        The moment at which it came, by the regulator's clock.

    Returns
    -------
    checked : Checked
    answered : Entry
    loaded : LoadedPlan
        The plan with the answers in it, as a run takes it; the plan alone where the answers do not hold together.

    Raises
    ------
    EvidenceError
        If the labels are not those that were registered, the answers are to another challenge, or it is over.
    ArgumentError
        If they came before they were asked for.
    """
    secret, terms = read_part(folder / SECRET, Secret), read_part(folder / TERMS, Terms)
    over = EvidenceError("this challenge was withdrawn, or its answers were judged before", slug="judged-before")
    if not secret.is_open(file.history, terms.system):
        raise over
    asked_at = file.history.entries[secret.challenge_entry].at
    if received < asked_at:
        raise ArgumentError(f"--received {received} is before the challenge, {asked_at}", slug="received-before")
    cases, (rows, _) = read_cases(folder, terms.sha256), read_table(folder / ROWS)
    loaded = with_attempts(loaded_plan(folder / secret.plan), terms.attempts)
    _check_labels(secret, terms, rows, loaded)
    answers, content = read_table(sent / ANSWERS, terms.rows)
    file.adopt(bytes_of_result(sent / HISTORY, MAX_BYTES), f"{sent.name}/{HISTORY}", "committed", "answered")
    ours = (
        entry for entry in file.history.entries if entry.kind == "answered" and entry.answers == secret.challenge_entry
    )
    answered = next(ours, None)
    if answered is None:
        raise EvidenceError(
            f"{sent.name}/{HISTORY} holds no answer to this challenge", slug="other-challenge", hint="ask for it again"
        )
    if _is_judged(file.history.entries, answered, secret.registration_entry):
        raise over
    model = file.history.entries[terms.commitment_entry].model
    checks = check_answers(terms, cases, rows, answers, deterministic=model is not None and model.deterministic)
    checked = replace(checks, shown=(*check_entries(file.history, terms, answered, content, received), *checks.shown))
    return checked, answered, _joined(loaded, folder, rows, answers, checked) if checked.holds else loaded


def registered_in(folder: Path) -> int:
    """Return the entry that registered a challenge whose secret lies in `folder`."""
    return read_part(folder / SECRET, Secret).registration_entry


def _is_judged(entries: Sequence[Entry], answered: Entry, registered: int) -> bool:
    """Whether answers were refused, or an audit that started after them on their registration came to its end."""
    later = entries[answered.index :]
    started = {entry.index for entry in later if entry.kind == "started" and entry.answers == registered}
    return any(
        entry.answers == answered.index if entry.kind == "refused" else entry.answers in started
        for entry in later
        if entry.kind in {"refused", "sealed", "not_passed"}
    )


def refuse(file: HistoryFile, signer: Signer, at: str, folder: Path, answered: Entry) -> None:
    """Write down that answers do not hold together; and that the registration is over, if no attempt is left of it."""
    file.append(signer, "refused", at, answered.system, answers=answered.index)
    terms, secret = read_part(folder / TERMS, Terms), read_part(folder / SECRET, Secret)
    if terms.attempt == terms.attempts:
        file.append(signer, "withdrawn", at, answered.system, answers=secret.registration_entry)


def _check_labels(secret: Secret, terms: Terms, rows: pa.Table, loaded: LoadedPlan) -> None:
    """Raise EvidenceError where labels are not those that the terms name: they were changed after the answers."""
    from audit.evaluation.evaluation_set import open_evaluation_set

    with open_evaluation_set(loaded.plan, loaded.folder) as opened:
        by_id = labels_by_id(opened)
    current_labels = [
        by_id.get(case_id, "") if kind != "production" else ""
        for kind, case_id in zip(rows["kind"].to_pylist(), rows["id"].to_pylist(), strict=True)
    ]
    same = current_labels == labels_of(rows) and set(by_id) == set(ids_asked(rows))
    if not same or label_root(secret.key_bytes, rows[CID].to_pylist(), labels_of(rows)) != terms.labels:
        raise EvidenceError(
            "the cases or their labels are not those that were registered before the answers", slug="other-labels"
        )


def _joined(loaded: LoadedPlan, folder: Path, rows: pa.Table, answers: pa.Table, checked: Checked) -> LoadedPlan:
    import pyarrow as pa

    decisions = dict(zip(answers[CID].to_pylist(), answers[DECISION].to_pylist(), strict=True))
    answers_by_id = {
        case_id: SAID[decisions[cid]]
        for cid, kind, case_id in zip(
            rows[CID].to_pylist(), rows["kind"].to_pylist(), rows["id"].to_pylist(), strict=True
        )
        if kind == "case"
    }
    identity, column = loaded.plan.evaluation_set.id, section_of(loaded).answer
    table = pa.table(
        [list(answers_by_id), pa.array(answers_by_id.values(), type=pa.string())], names=[identity, column]
    )
    with storage(folder):
        write_durably(folder / ANSWERS, table_bytes(table))
    path = os.path.relpath(folder / ANSWERS, loaded.folder)
    written = {"path": Path(path).as_posix(), "deployed": checked.deployed, "production": checked.production}
    return _changed(loaded, {"detector": {**written, "differ": checked.differ}})


def opening_of(folder: Path, cid: str) -> LabelOpening:
    """Open the label of one case of a challenge, whose secret lies in `folder`. Raises ArgumentError for no case."""
    secret, (rows, _) = read_part(folder / SECRET, Secret), read_table(folder / ROWS)
    cids = rows[CID].to_pylist()
    if cid not in cids:
        raise ArgumentError("the challenge has no case of this id", slug="no-case")
    return open_label(secret.key_bytes, cids, labels_of(rows), cid)


def write_opening(file: HistoryFile, signer: Signer, at: str, folder: Path, cid: str) -> str:
    """Open a label as `opening_of` does, write that down, and return the text that shows it.

    Raises
    ------
    EvidenceError
        If answers to the challenge may still be judged: a vendor that knows a label could gain by it.
    """
    secret, terms = read_part(folder / SECRET, Secret), read_part(folder / TERMS, Terms)
    if secret.is_open(file.history, terms.system):
        raise EvidenceError(
            "the audit of these cases is not over, and a vendor that knows a label could gain by it",
            slug="labels-closed",
            hint=f"judge them, or end it: audit7k history HISTORY --withdraw {secret.registration_entry} --key FILE",
        )
    text = opening_of(folder, cid).model_dump_json(indent=1) + "\n"
    file.append(
        signer, "label_opened", at, terms.system, answers=secret.challenge_entry, statement=sha256(text.encode())
    )
    return text
