"""Asking the system at work again what its vendor answered: group by group, as many cases as the verdict needs."""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.engines.protocol import identifier
from audit.errors import EvidenceError
from audit.evidence.blind.challenge import DECISION, read_cases, read_table
from audit.evidence.blind.regulator import SAID
from audit.evidence.blind.terms import (
    ANSWERS,
    CID,
    LARGEST_TABLE,
    ROWS,
    SECRET,
    TERMS,
    Secret,
    Terms,
    read_part,
)
from audit.evidence.bundle import MAX_BYTES, RESULT, read_bundle
from audit.evidence.commitments import Opening, commitment
from audit.evidence.history import Entry, History
from audit.evidence.history_file import HistoryFile
from audit.evidence.keys import Signer
from audit.evidence.statement import Evidence, read_statement, sha256
from audit.plan.answers import BlindDetector
from audit.plan.file.plan_file import loaded_plan
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.findings.judged import Outcome
from audit.storage import bytes_of_result, storage, write_durably
from audit.verdicts.rows_of_rates import with_codes_above
from audit.vocabulary.file_names import RESTRICTED_EVIDENCE
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import Cell

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet

_UNSEEN: Final = 0.05
"""Chance that of any group enough answers differ to overturn its verdict, and none of them is asked again."""
_LABELS: Final = {frozenset({Cell.TP, Cell.FN}): (1,), frozenset({Cell.FP, Cell.TN}): (0,)}


@dataclass(frozen=True, slots=True)
class Repeat:
    """What is asked again for the verdict on one group."""

    rule: str
    group: Group
    outcome: Outcome
    overturned_by: int
    """Fewest answers that would have to be others for the verdict not to stand."""
    case_count: int
    """Cases of the group whose answers count."""
    ids: frozenset[str]
    """Ids of those that are asked again."""

    def is_shown(self, differing: int) -> bool:
        """Whether the verdict is shown of the system at work, which answered `differing` of those cases otherwise."""
        return not differing or (len(self.ids) == self.case_count and differing < self.overturned_by)


def cases_to_ask(overturned_by: int, cases: int, groups: int) -> int:
    """Return how many of a group's cases must be asked again.

    If `overturned_by` of its `cases` answers differ, all of these are answered alike with a chance of at most 5 % over
    all `groups` (Bonferroni): ceil(ln(0.05 / groups) / ln(1 - overturned_by / cases)).
    """
    if overturned_by >= cases:
        return 1
    return min(cases, math.ceil(math.log(_UNSEEN / groups) / math.log1p(-overturned_by / cases)))


def choose_repeats(result: AuditResult, folder: Path, chance: random.Random) -> list[Repeat]:
    """Choose what is asked again; `folder` has the secret of the challenge.

    Raises
    ------
    EvidenceError
        If the result is of no blind audit, its set or answers changed, or no verdict could be overturned by answers.
    """
    from audit.evaluation.evaluation_set import open_evaluation_set

    doubts = [
        (rule, finding, finding.overturned_by)
        for rule in result.further.sensitivity
        for finding in rule.findings
        if finding.kind == "answers_differ" and finding.overturned_by is not None
    ]
    if not isinstance(result.plan.detector, BlindDetector) or not doubts:
        raise EvidenceError(
            "no verdict of this result could be overturned by other answers",
            slug="nothing-to-repeat",
            hint="name a result of audit7k blind judge; with weights or clusters no number of answers is known",
        )
    loaded = loaded_plan(folder / read_part(folder / SECRET, Secret).plan)
    answers, audited = sha256(bytes_of_result(folder / ANSWERS, LARGEST_TABLE)), result.provenance
    with open_evaluation_set(loaded.plan, loaded.folder) as opened:
        if (opened.sha256, answers) != (audited.evaluation_set_sha256, audited.detector_sha256):
            raise EvidenceError(
                f"the set, or {ANSWERS} in {folder.name}, is not the one that was audited",
                slug="other-set",
                hint="put it back",
            )
        people = _people(opened, [feature.name for feature in result.features])
    codes_above = {
        feature.name: {code: with_codes_above(feature, code) for code in {level.code for level in feature.levels}}
        for feature in result.features
    }
    plan_rates, chosen = result.plan.metrics, []
    for rule, finding, overturned_by in doubts:
        labels = _LABELS.get(frozenset(plan_rates[rule.metric].denominator), (0, 1))
        ids = [
            case_id for case_id, label, codes in people if label in labels and _is_in(finding.group, codes, codes_above)
        ]
        number = cases_to_ask(overturned_by, len(ids), len(doubts))
        sampled_ids = frozenset(chance.sample(ids, number))
        chosen.append(Repeat(rule.rule, finding.group, finding.outcome, overturned_by, len(ids), sampled_ids))
    return chosen


def sealed_entry(history: History, folder: Path) -> Entry:
    """Return the entry that sealed the audit of a challenge, whose secret lies in `folder`.

    Raises EvidenceError if there is none: before, nobody knows what came out.
    """
    registration = read_part(folder / SECRET, Secret).registration_entry
    started = {entry.index for entry in history.entries if entry.kind == "started" and entry.answers == registration}
    seals = [entry for entry in history.entries if entry.kind == "sealed" and entry.answers in started]
    if not seals:
        raise EvidenceError(
            "the history has no sealed audit of this challenge", slug="nothing-to-repeat", hint="audit7k blind judge"
        )
    return seals[-1]


def sealed_result(sealed: Entry, path: Path) -> AuditResult:
    """Read the result that an entry sealed, from its output folder or from the file in it.

    Raises
    ------
    EvidenceError
        If it is another one than was sealed.
    ResultError
        If it, or the evidence that lay beside it, is missing.
    """
    folder, file = (path, path / RESULT) if path.is_dir() else (path.parent, path)
    document = bytes_of_result(file, MAX_BYTES)
    bundle = read_bundle(bytes_of_result(folder / RESTRICTED_EVIDENCE, MAX_BYTES), RESTRICTED_EVIDENCE)
    _, evidence = read_statement(bundle.statement, Evidence, RESTRICTED_EVIDENCE)
    opened = (bundle.openings or {}).get("result", Opening(salt="0" * 64, sha256=None))
    is_sealed = commitment("result", opened) == evidence.commitments.get("result") and opened.sha256 == sha256(document)
    if not is_sealed or sha256(bundle.statement) != sealed.statement:
        raise EvidenceError(
            f"{file.name} is not the result that entry {sealed.index} of the history sealed", slug="other-result"
        )
    return parse_result(document.decode("utf-8", "replace"), file.name)


def record_repeat(
    file: HistoryFile, signer: Signer, at: str, sealed: Entry, folder: Path, lines: Sequence[str], *, alike: bool
) -> Entry:
    """Keep what came out in `folder`, and write into the history whether all was alike, with a commitment to it."""
    content = "".join(f"{line}\n" for line in lines).encode()
    with storage(folder):
        write_durably(folder / f"asked-again-{file.history.head.index}.txt", content)
    opened = file.opened({"result": sha256(content)}, None)
    return file.append(signer, "asked_again", at, sealed.system, opened, answers=sealed.index, alike=alike)


def _people(opened: EvaluationSet, features: Sequence[str]) -> list[tuple[str, int | None, dict[str, str]]]:
    """Return id, label and codes of each case."""
    names = [f"group_{name}" for name in features]
    columns = ", ".join(f"{opened.expressions[name]} AS {identifier(name)}" for name in ("case_id", "label", *names))
    query = f"SELECT {columns} FROM {opened.source.name}"  # noqa: S608 - checked expressions
    table: Any = opened.local_engine.sql(query).to_arrow_table()
    return [
        (row["case_id"], row["label"], {name: opened.codes[name][row[f"group_{name}"]] for name in features})
        for row in table.to_pylist()
    ]


def _is_in(group: Group, codes: Mapping[str, str], codes_above: Mapping[str, Mapping[str, set[str]]]) -> bool:
    return all(level.code in codes_above[level.feature].get(codes[level.feature], ()) for level in group.levels)


def cases_of(folder: Path, repeats: Sequence[Repeat]) -> tuple[pa.Table, dict[str, str]]:
    """Return the cases to be asked again under new random ids, and what the vendor answered by these.

    `folder` has the secret of the challenge.
    """
    import pyarrow as pa

    cases, (rows, _) = read_cases(folder, read_part(folder / TERMS, Terms).sha256), read_table(folder / ROWS)
    wanted = frozenset[str]().union(*(repeat.ids for repeat in repeats))
    places = [
        index
        for index, (kind, case_id) in enumerate(zip(rows["kind"].to_pylist(), rows["id"].to_pylist(), strict=True))
        if kind == "case" and case_id in wanted
    ]
    order = sorted((secrets.token_hex(12), index) for index in places)
    chosen_cases = cases.take([index for _, index in order])
    chosen_cases = chosen_cases.set_column(0, CID, pa.array([cid for cid, _ in order]))
    return chosen_cases, {cid: rows["id"][index].as_py() for cid, index in order}


def ids_that_differ(folder: Path, answers: pa.Table, ids: Mapping[str, str]) -> set[str]:
    """Return the ids of the cases that were answered otherwise than the vendor did."""
    table, _ = read_table(folder / ANSWERS)
    before = dict(zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True))
    new_answers = zip(answers[CID].to_pylist(), answers[DECISION].to_pylist(), strict=True)
    return {ids[cid] for cid, word in new_answers if SAID[word] != before[ids[cid]]}
