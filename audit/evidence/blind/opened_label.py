"""Opening the label of one case, once its audit is over."""

from __future__ import annotations

from pathlib import Path

from audit.errors import ArgumentError, EvidenceError
from audit.evidence.blind.challenge import labels_of, read_table
from audit.evidence.blind.labels import LabelOpening, open_label
from audit.evidence.blind.terms import CID, ROWS, SECRET, TERMS, Secret, Terms, read_part, sha256
from audit.evidence.history_file import HistoryFile
from audit.evidence.keys import Signer


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
