"""The history of a system's audits: a file to which entries are added, each with the digest of the one before.

Nothing in it is restricted, and it goes with every bundle. Who holds an earlier copy, or its head, sees whether an
entry was taken out or rewritten since; after the last head that somebody else holds, nobody can see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field

from audit.errors import EvidenceError
from audit.evidence.envelope import Envelope, parse_envelope
from audit.evidence.keys import PublicKey, Signer, verifies
from audit.evidence.statement import Moment, Position, Predicate, Sha256, System, read_statement, statement_bytes
from audit.vocabulary.groups import Part

Kind = Literal[
    "registered",
    "started",
    "sealed",
    "aborted",
    "withdrawn",
    "superseded",
    "committed",
    "challenged",
    "answered",
    "refused",
    "not_passed",
    "asked_again",
    "label_opened",
]
ANSWERS: Final[Mapping[Kind, tuple[Kind, ...]]] = {
    "started": ("registered",),
    "sealed": ("started",),
    "aborted": ("started",),
    "withdrawn": ("registered", "sealed"),
    "superseded": ("sealed",),
    "challenged": ("registered",),
    "answered": ("challenged",),
    "refused": ("answered",),
    "not_passed": ("started",),
    "asked_again": ("sealed",),
    "label_opened": ("challenged",),
}
"""What an entry of a kind answers: a start its registration, if there is one, and an end its start."""
_FREE: Final = frozenset({"registered", "started", "committed"})
"""Kinds that need answer nothing."""
_OFTEN: Final = _FREE | {"challenged", "asked_again", "label_opened"}
"""Kinds that one entry can have several of."""
_ENDS: Final = frozenset({"sealed", "aborted", "not_passed"})
"""How an audit ends: in one of these ways, once."""
MOST_ENTRIES: Final = 100_000
MAX_BYTES: Final = 128 * 1024 * 1024
FIRST: Final = "0" * 64
"""Stands where there is no entry before."""
_BEFORE: Final = "previous entry"
_End = tuple[int | None, Kind]


class CommittedModel(Part):
    """What a vendor says of the model that will answer."""

    version: str
    """Name of the model with its version."""
    deterministic: bool
    """Whether it answers the same cells in the same way, always."""
    features: tuple[str, ...]
    """Columns that it is given."""
    is_whole: bool | None = None
    """Whether the commitment covers all that the model can read, installed libraries aside; missing in entries of
    versions that did not say."""


class Entry(Predicate):
    """One thing that happened."""

    TYPE = "urn:audit7k:history:v1"

    schema_version: Literal[1] = 1
    index: Annotated[int, Field(ge=0)]
    """Number of the entry, from 0."""
    kind: Kind
    at: Moment
    """When, by the clock of whoever wrote it."""
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The 32 bytes of the key that signs the entry, in hexadecimal. That it stands here says nothing about whose it
    is."""
    system: System
    commitments: dict[str, Sha256] = Field(default_factory=dict)
    """Of a registration and a start: to what is asked, and to the set. Equal things have equal commitments. Of a
    vendor: to the model. Of an attempt that is not passed, and of a system that was asked again: to what came out."""
    answers: Annotated[int, Field(ge=0)] | None = None
    """The entry that this one ends or refers to."""
    headline: Literal["pass", "fail", "inconclusive"] | None = None
    """Verdict of a sealed audit."""
    statement: Sha256 | None = None
    """SHA-256 of the statement of a sealed audit, of the terms of a challenge, of the answers to one, or of
    what opens a label."""
    model: CommittedModel | None = None
    """What a vendor commits to, beside the commitment to the model itself."""
    alike: bool | None = None
    """Whether the system at work, asked again, answered every case as its vendor had."""


class Attempt(NamedTuple):
    """An audit that was started."""

    started: Entry
    end: Entry | None
    """How it ended; None where it did not yet, or was killed."""

    @property
    def outcome(self) -> str:
        """Verdict of the attempt, `aborted`, or `unfinished`."""
        if self.end is None:
            return "unfinished"
        return self.end.headline or self.end.kind


@dataclass(frozen=True, slots=True)
class History:
    """A history as it was read: every entry in its place, and signed by the key that it names."""

    envelopes: tuple[Envelope, ...] = ()
    entries: tuple[Entry, ...] = field(default=())

    @property
    def content(self) -> bytes:
        """The bytes of its file."""
        return b"".join(envelope.line for envelope in self.envelopes)

    @property
    def head(self) -> Position:
        """Place of the entry that comes next."""
        last = self.envelopes[-1].payload if self.envelopes else None
        return Position(index=len(self.entries), previous=FIRST if last is None else payload_sha256(last))

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """Signed bytes, entry by entry."""
        return tuple(envelope.payload for envelope in self.envelopes)

    @property
    def vendors(self) -> list[PublicKey]:
        """Keys that signed answers to a challenge. Whoever answers signs all that stood before."""
        return [PublicKey(bytes.fromhex(entry.key)) for entry in self.entries if entry.kind == "answered"]

    def attempts(self, system: System) -> list[Attempt]:
        """Return every audit of a system that was started, in order."""
        ends = {entry.answers: entry for entry in self.entries if entry.kind in _ENDS}
        started = (entry for entry in self.entries if entry.kind == "started" and entry.system == system)
        return [Attempt(entry, ends.get(entry.index)) for entry in started]

    def registrations(self, system: System, before: int | None = None) -> list[Entry]:
        """Return the registrations of a system that stand, before an entry if one is named."""
        withdrawn = {entry.answers for entry in self.entries[:before] if entry.kind == "withdrawn"}
        return [
            entry
            for entry in self.entries[:before]
            if entry.kind == "registered" and entry.system == system and entry.index not in withdrawn
        ]

    def open_registrations(self, system: System, before: int | None = None) -> list[Entry]:
        """Return registrations that no sealed audit answers, as of an entry if one is named."""
        starts = {
            entry.answers: self.entries[entry.answers]
            for entry in self.entries[:before]
            if entry.kind == "sealed" and entry.answers is not None
        }
        answered = {start.answers for start in starts.values()}
        return [entry for entry in self.registrations(system, before) if entry.index not in answered]

    def with_entry(self, signer: Signer, kind: Kind, at: str, system: System, **more: Any) -> History:
        """Return the history with one entry more, signed.

        Raises
        ------
        EvidenceError
            If such an entry cannot stand there.
        """
        head = self.head
        entry = Entry(index=head.index, kind=kind, at=at, key=signer.public.raw.hex(), system=system, **more)
        _check_answer(entry, self.entries, {_end_of(other) for other in self.entries})
        envelope = Envelope(statement_bytes({_BEFORE: head.previous}, entry)).signed(signer)
        return History((*self.envelopes, envelope), (*self.entries, entry))


def read_history(content: bytes, name: str) -> History:
    """Read a history from the bytes of its file; errors call it `name`.

    Raises
    ------
    EvidenceError
        If an entry is missing, out of place, changed, or not signed by the key that it names.
    """
    lines = content.splitlines(keepends=True)
    if len(content) > MAX_BYTES or len(lines) > MOST_ENTRIES:
        raise EvidenceError(f"{name} is larger than a history can be", slug="not-a-history")
    envelopes, entries, previous = list[Envelope](), list[Entry](), FIRST
    ended = set[_End]()  # a look at all entries before for each would take minutes for a long file
    for index, line in enumerate(lines):
        envelope = parse_envelope(line, name)
        subjects, entry = read_statement(envelope.payload, Entry, f"entry {index} of {name}")
        if subjects != {_BEFORE: previous} or entry.index != index or not _is_signed(envelope, entry):
            raise EvidenceError(
                f"entry {index} of {name} does not follow from the one before, or is not signed by its key",
                slug="broken-history",
                hint="an entry was taken out, put in or changed; ask for the file again",
            )
        _check_answer(entry, entries, ended)
        ended.add(_end_of(entry))
        envelopes.append(envelope)
        entries.append(entry)
        previous = payload_sha256(envelope.payload)
    return History(tuple(envelopes), tuple(entries))


def payload_sha256(payload: bytes) -> str:
    """Return the SHA-256 of a signed statement. Never of its envelope: that has more than one form."""
    return hashlib.sha256(payload).hexdigest()


def _is_signed(envelope: Envelope, entry: Entry) -> bool:
    key = PublicKey(bytes.fromhex(entry.key))
    return [signature.keyid for signature in envelope.signatures] == [key.fingerprint] and verifies(
        key, envelope.signatures[0].signature, envelope.message
    )


def _end_of(entry: Entry) -> _End:
    """Return what an entry ends, and how it does: an audit is sealed or aborted, one of both, once."""
    return entry.answers, "sealed" if entry.kind in _ENDS else entry.kind


def _check_answer(entry: Entry, before: Sequence[Entry], ended: set[_End]) -> None:
    """Raise EvidenceError if an entry answers what it cannot, or a second time."""
    wanted = ANSWERS.get(entry.kind, ())
    answered = before[entry.answers] if entry.answers is not None and entry.answers < len(before) else None
    is_free = entry.answers is None and entry.kind in _FREE
    is_right = answered is not None and answered.kind in wanted and answered.system == entry.system
    once = entry.kind in _OFTEN or _end_of(entry) not in ended
    is_whole = (entry.headline is None, entry.statement is None, entry.model is None, entry.alike is None) == (
        entry.kind != "sealed",
        entry.kind not in {"sealed", "challenged", "answered", "label_opened"},
        entry.kind != "committed",
        entry.kind != "asked_again",
    )
    if not ((is_free or is_right) and once and is_whole):
        raise EvidenceError(
            f'entry {entry.index} of the history, "{entry.kind}", cannot stand where it does', slug="broken-history"
        )
