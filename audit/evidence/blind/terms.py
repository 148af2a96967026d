"""What travels in a blind audit, and what stays: terms of a challenge, its secret, and the files of both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, ValidationError

from audit.errors import ArgumentError, EvidenceError
from audit.evidence.history import History
from audit.evidence.statement import Index, Moment, Sha256, System
from audit.storage import bytes_of_result
from audit.vocabulary.groups import Part

CASES: Final = "challenge.parquet"
TERMS: Final = "challenge.json"
HISTORY: Final = "history.a7h"
ANSWERS: Final = "answers.parquet"
"""The files that travel: cases, terms and history to the vendor, answers and history back."""
ROWS: Final = "rows.parquet"
SECRET: Final = "secret.json"  # noqa: S105 - name of a file
"""The files of the regulator: who the cases are, and the key."""
CID: Final = "cid"
MODEL: Final = "detector"
LABELS: Final = "labels"
"""Roles of commitments: the vendor's model, and the root over the labels."""
LARGEST_TABLE: Final = 4 * 1024**3
_LARGEST: Final = 1024 * 1024


class Terms(Part):
    """A challenge as its vendor sees it."""

    schema_version: Literal[1] = 1
    system: System
    commitment_entry: Index
    """Number of the entry in which the vendor committed to the model that is asked."""
    features: tuple[str, ...]
    """Columns of the cases."""
    rows: Annotated[int, Field(ge=1)]
    sha256: Sha256
    """SHA-256 of the file of cases."""
    labels: Sha256
    """Root over their labels: none can be changed any more."""
    deadline: Moment
    """Until when answers are taken."""
    attempt: Annotated[int, Field(ge=1)]
    """The how many-th challenge on these cases it is."""
    attempts: Annotated[int, Field(ge=1, le=10)]
    """How many there may be; of more than one, only "not passed" is said before the last."""
    contradictions: Annotated[float, Field(ge=0, le=0.1)]
    """The share of equal cases that may be answered otherwise than their twins."""

    @property
    def content(self) -> bytes:
        """The bytes of their file."""
        return self.model_dump_json(indent=1).encode() + b"\n"


class Secret(Part):
    """What only the regulator knows of a challenge."""

    key: Sha256
    """32 random bytes, in hexadecimal, from which ids and salts follow."""
    plan: str
    """Path of the plan, from this folder."""
    registration_entry: Index
    """Number of the entry that registered question, set and labels."""
    challenge_entry: Index
    """Number of the entry of this challenge."""

    @property
    def key_bytes(self) -> bytes:
        """The key."""
        return bytes.fromhex(self.key)

    def is_open(self, history: History, system: System) -> bool:
        """Whether the registration waits for its audit: it is neither withdrawn nor sealed."""
        return self.registration_entry in {entry.index for entry in history.open_registrations(system)}


def secret_of(out: Path, restricted: Path) -> Path:
    """Return the folder of the secret of a challenge, in a restricted folder.

    Raises
    ------
    ArgumentError
        If it would be sent with the challenge, or lie beside it.
    """
    folder, sent = restricted / f"{out.name}.secret", Path(os.path.realpath(out))
    secret = Path(os.path.realpath(folder))
    if sent in secret.parents or sent.parent == secret.parent:
        raise ArgumentError(f"the secret of {out} would lie in it or beside it", slug="secret-beside")
    return folder


P = TypeVar("P", bound=Part)


def read_part(path: Path, kind: type[P]) -> P:
    """Read one of these documents. Raises EvidenceError if it is none, ResultError if there is no file."""
    try:
        return kind.model_validate_json(bytes_of_result(path, _LARGEST))
    except (ValidationError, ValueError, RecursionError):
        raise EvidenceError(f"{path.name} is not as audit7k wrote it", slug="not-a-challenge") from None
