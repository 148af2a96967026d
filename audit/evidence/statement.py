"""Statements in the form of in-toto: digests of what is public, and what is said of it.

The bytes of a statement are what is signed. There is one way to write each, so that nobody can read one in two ways.
Source: in-toto attestation framework, Statement v1 (https://in-toto.io/Statement/v1).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from audit.errors import EvidenceError
from audit.storage import file_sha256
from audit.version import __version__
from audit.vocabulary.file_names import STATEMENT_TYPE
from audit.vocabulary.groups import Part
from audit.vocabulary.strict_json import strict_decoder
from audit.vocabulary.text import printable

MAX_BYTES: Final = 1024 * 1024
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Index = Annotated[int, Field(ge=0, lt=2**31)]
_HEX: Final = re.compile(r"[0-9a-f]{64}")


def _real(moment: str) -> str:
    """Refuse 30 February, and digits of other scripts. Raises ValueError."""
    if dt.datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ") != moment:
        raise ValueError
    return moment


Moment = Annotated[str, AfterValidator(_real)]
"""A time in UTC, as YYYY-MM-DDTHH:MM:SSZ."""


class Predicate(Part):
    """What a statement says, beside the digests."""

    TYPE: ClassVar[str]
    """URI of this kind of statement."""


class System(Part):
    """The system under audit, as the public report names it."""

    owner: str
    name: str


class Software(Part):
    """What made the audit, as it says itself: only a replay by somebody else can show it."""

    audit7k: str
    """Version."""
    record: Sha256 | None = None
    """SHA-256 over the code, and the versions of what it writes files with; missing where the code is no files."""

    @property
    def is_this(self) -> bool:
        """Whether the same code runs here, with the same libraries: then it writes the same bytes."""
        return self.record is not None and self == software()

    @property
    def install(self) -> str:
        """How a reader comes by it."""
        shown = printable(self.audit7k)
        return "another build, or with other libraries" if shown == __version__ else f"pip install audit7k=={shown}"


class Position(Part):
    """Place in a history."""

    index: Index
    """Number of the entry, from 0."""
    previous: Sha256
    """SHA-256 of the statement of the entry before."""


class Evidence(Predicate):
    """An audit: its verdict, and commitments to all that is restricted."""

    TYPE = "urn:audit7k:evidence:v1"

    schema_version: Literal[1] = 1
    sealed_at: Moment
    """When it was sealed, by the clock of whoever did."""
    system: System
    headline: Literal["pass", "fail", "inconclusive"]
    commitments: dict[str, Sha256]
    """By role; a thing that is not there has a random one."""
    software: Software
    history: Position | None = None
    """Place of the entry that says that it was sealed."""
    registration: Index | None = None
    """Number of the entry that registered its question."""


_PACKAGES: Final = ("audit", "reports")
_WRITES_WITH: Final = ("babel", "jinja2", "markupsafe", "pydantic")
"""Libraries whose versions can change a public file."""


def software() -> Software:
    """Return what this process runs."""
    return Software(audit7k=__version__, record=_code_sha256())


@cache
def _code_sha256() -> str | None:
    """Return the SHA-256 over each file of our packages, by name, and over what they write with.

    A wheel and a checkout of one commit have the same: what installers add to a package is bytecode alone.
    """
    root = Path(__file__).parents[2]
    if not all((root / name).is_dir() for name in _PACKAGES):
        return None
    paths = (path for name in _PACKAGES for path in (root / name).rglob("*") if "__pycache__" not in path.parts)
    digests = {path.relative_to(root).as_posix(): file_sha256(path) for path in paths if path.is_file()}
    versions = {
        "python": platform.python_version(),
        **dict(zip(_WRITES_WITH, map(_version, _WRITES_WITH), strict=True)),
    }
    return sha256(canonical({"code": digests, "versions": versions}))


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


Level = Literal["public", "counts", "scores"]
"""What is made again of an audit, from the figures for the public to the scores."""


class Countersignature(Predicate):
    """A second party's word on which levels it made again and found equal."""

    TYPE = "urn:audit7k:countersignature:v1"

    schema_version: Literal[1] = 1
    signed_at: Moment
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    """Levels that were replayed, each of which came out byte for byte."""
    software: Software


P = TypeVar("P", bound=Predicate)


def canonical(document: Mapping[str, Any]) -> bytes:
    """Write JSON in the one way in which it is signed: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def statement_bytes(subjects: Mapping[str, str], predicate: Predicate) -> bytes:
    """Write a statement; `subjects` gives the SHA-256 of each thing that it is about, by name."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": subjects[name]}} for name in sorted(subjects)],
            "predicateType": predicate.TYPE,
            "predicate": predicate.model_dump(mode="json", exclude_none=True),
        }
    )


def read_statement(content: bytes, kind: type[P], name: str) -> tuple[dict[str, str], P]:
    """Read the subjects and the predicate of a statement; errors call it `name`.

    Raises
    ------
    EvidenceError
        If it is no statement of this kind, or is not written in the one way in which it is signed.
    """
    try:
        document: Any = strict_decoder(finite=True).decode(content[: MAX_BYTES + 1].decode("ascii"))
        subjects = {subject["name"]: subject["digest"]["sha256"] for subject in document["subject"]}
        predicate = kind.model_validate_json(json.dumps(document["predicate"]))
        if all(map(is_sha256, subjects.values())) and statement_bytes(subjects, predicate) == content:
            return subjects, predicate
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError):
        pass
    raise EvidenceError(f"{name} is no statement as audit7k writes it", slug="not-a-statement")


def is_sha256(value: object) -> bool:
    """Say whether a value is a SHA-256, or the fingerprint of a key, in hexadecimal."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
