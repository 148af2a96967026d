"""The bundle `evidence.a7k`: a ZIP file that has one form, with everything that a second party checks.

Nothing in it is compressed, and it is made again from what was read: a bundle with a byte more or less is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from pydantic import TypeAdapter, ValidationError

from audit.errors import EvidenceError
from audit.evidence.commitments import Opening
from audit.evidence.envelope import Envelope, parse_envelope
from audit.evidence.keys import PublicKey, parse_public_key
from audit.evidence.readme import readme
from audit.evidence.statement import canonical
from audit.evidence.time_stamps import TOKEN, is_over
from audit.vocabulary.file_names import TEST_RESULT
from audit.vocabulary.strict_json import strict_decoder

STATEMENT: Final = "statement.json"
MAX_BYTES: Final = 512 * 1024 * 1024
MOST_MEMBERS: Final = 1000
PUBLIC: Final = "public/"
RESTRICTED: Final = "restricted/"
ANCHORS: Final = "anchors/"
ANCHOR_ENDS: Final = (".checkpoint", ".pem", ".tsr")
"""Ends of the names of what other parties signed: nothing that a person would open."""
RESULT: Final = "result.json"
LOG: Final = "release-log.json"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_LINES: Final = "evidence.intoto.jsonl"
_OPENINGS: Final = "openings.json"
_HISTORY: Final = "history.a7h"
_SUMS: Final = "SHA256SUMS"
_opened: Final = TypeAdapter(dict[str, Opening])


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds. The first envelope is of the audit; others are countersignatures, or of other tools."""

    envelopes: tuple[Envelope, ...]
    keys: tuple[PublicKey, ...]
    """Keys of the signatures. That they lie here says nothing about whose they are."""
    public: Mapping[str, bytes]
    """Public files, by name."""
    anchors: Mapping[str, bytes] = field(default_factory=dict)
    """Tokens of other parties, by name."""
    history: bytes | None = None
    openings: Mapping[str, Opening] | None = None
    """Of a restricted bundle."""
    restricted: Mapping[str, bytes] = field(default_factory=dict)
    """Restricted files of a restricted bundle, by name."""

    @property
    def statement(self) -> bytes:
        """The statement about the audit, as it is signed."""
        return self.envelopes[0].payload

    @property
    def countersignatures(self) -> tuple[Envelope, ...]:
        """Envelopes but that of the audit and that of its test result."""
        return tuple(envelope for envelope in self.envelopes[1:] if envelope.payload != self.public.get(TEST_RESULT))

    @property
    def signatures(self) -> dict[str, bytes]:
        """Signatures over the statement, by the names of their files without their ends."""
        known = {key.fingerprint: number for number, key in enumerate(self.keys, start=1)}
        return {
            f"signature-{known[signature.keyid]}": signature.signature for signature in self.envelopes[0].signatures
        }

    @cached_property
    def content(self) -> bytes:
        """The bytes of the bundle."""
        members = self._members()
        members[_SUMS] = _sums(members)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(members):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16  # as on Unix, everywhere
                archive.writestr(entry, members[name])
        return buffer.getvalue()

    def _members(self) -> dict[str, bytes]:
        of_audit = self.envelopes[0]
        known = {key.fingerprint: number for number, key in enumerate(self.keys, start=1)}
        members = {
            "README.txt": readme([known[signature.keyid] for signature in of_audit.signatures]),
            STATEMENT: of_audit.payload,
            _LINES: b"".join(envelope.line for envelope in self.envelopes),
            **{f"key-{number}.pem": key.pem for number, key in enumerate(self.keys, start=1)},
            **{f"{name}.sig": signature for name, signature in self.signatures.items()},
            **{f"{PUBLIC}{name}": content for name, content in self.public.items()},
            **{f"{ANCHORS}{name}": content for name, content in self.anchors.items()},
            **{f"{RESTRICTED}{name}": content for name, content in self.restricted.items()},
        }
        if self.history is not None:
            members[_HISTORY] = self.history
        if self.openings is not None:
            opened = {role: opening.model_dump(mode="json") for role, opening in self.openings.items()}
            members[_OPENINGS] = canonical(opened) + b"\n"
        return members

    def with_signature(self, key: PublicKey, signature: bytes) -> Bundle:
        """Return the bundle with one signature more over its statement. Raises EvidenceError if it is none."""
        signed = self.envelopes[0].with_signature(key, signature)
        return replace(self, envelopes=(signed, *self.envelopes[1:]), keys=self._keys_with(key))

    def with_time_stamp(self, reply: bytes) -> Bundle:
        """Return the bundle with a time authority's reply over one of its signatures.

        Over the statement alone it would say nothing: whoever steals a key later signs what was stamped before.

        Raises EvidenceError if it is none.
        """
        for name, signature in self.signatures.items():
            if is_over(reply, signature):
                return replace(self, anchors={**self.anchors, f"{name}{TOKEN}": reply})
        raise EvidenceError(
            "the file is no time stamp over a signature of this bundle, such as signature-1.sig",
            slug="other-time-stamp",
            hint="name the public key with --key if it is a signature",
        )

    def with_envelope(self, envelope: Envelope, key: PublicKey) -> Bundle:
        """Return the bundle with one more statement, signed with this key."""
        return replace(self, envelopes=(*self.envelopes, envelope), keys=self._keys_with(key))

    @property
    def for_everybody(self) -> Bundle:
        """The bundle without what is restricted."""
        return replace(self, openings=None, restricted={})

    def _keys_with(self, key: PublicKey) -> tuple[PublicKey, ...]:
        return self.keys if key in self.keys else (*self.keys, key)


def role_of(name: str) -> str:
    """Return what a restricted file of a bundle is, among the things that an audit commits to."""
    return name.partition(".")[0]


def read_bundle(content: bytes, name: str) -> Bundle:
    """Read a bundle from its bytes; errors call it `name`.

    Raises
    ------
    EvidenceError
        If it is none, is too large, or has any byte that audit7k would not have written.
    """
    if len(content) > MAX_BYTES:
        raise EvidenceError(f"{name} is larger than a bundle can be", slug="not-a-bundle")
    with contextlib.suppress(ValueError, LookupError, struct.error, EvidenceError):
        members = _unpacked(content)
        if members.pop(_SUMS) == _sums(members) and (bundle := _bundle(members, name)).content == content:
            return bundle
    raise EvidenceError(
        f"{name} is not as audit7k writes a bundle", slug="not-a-bundle", hint="get it again from whoever made it"
    )


def _unpacked(content: bytes) -> dict[str, bytes]:
    """Read members one after the other; that no byte was passed over is seen when the bundle is made again.

    `zipfile` would first read the whole directory, and a directory of 512 MiB takes many times its size in memory.
    """
    members: dict[str, bytes] = {}
    at = 0
    while content.startswith(b"PK\3\4", at) and len(members) < MOST_MEMBERS:
        size, length = struct.unpack_from("<I4xH", content, at + 18)
        begin = at + 30 + length
        at = begin + size
        name = content[begin - length : begin].decode("ascii")
        if name in members:
            raise ValueError
        members[name] = content[begin:at]
    return members


def _sums(members: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in sorted(members)).encode("ascii")


def _bundle(members: Mapping[str, bytes], name: str) -> Bundle:
    lines = members[_LINES].splitlines(keepends=True)
    count = sum(member.startswith("key-") for member in members)
    bundle = Bundle(
        envelopes=tuple(parse_envelope(line, name) for line in lines[:MOST_MEMBERS]),
        keys=tuple(parse_public_key(members[f"key-{at}.pem"], name) for at in range(1, count + 1)),
        public=_under(PUBLIC, members),
        anchors=_under(ANCHORS, members),
        history=members.get(_HISTORY),
        openings=_openings(members[_OPENINGS]) if _OPENINGS in members else None,
        restricted=_under(RESTRICTED, members),
    )
    named = {signature.keyid for envelope in bundle.envelopes for signature in envelope.signatures}
    stamps = {f"signature-{at}{TOKEN}" for at in range(1, count + 1)}
    others = [
        name
        for name in bundle.anchors
        if name not in stamps and (bundle.history is None or not name.endswith(ANCHOR_ENDS))
    ]
    if sorted(key.fingerprint for key in bundle.keys) != sorted(named) or others:
        raise ValueError
    if bundle.restricted and bundle.openings is None:
        raise ValueError
    return bundle


def _openings(content: bytes) -> dict[str, Opening]:
    try:
        document = strict_decoder(finite=True).decode(content.decode("ascii"))
        return _opened.validate_json(json.dumps(document))
    except (ValidationError, RecursionError):
        raise ValueError from None


def _under(prefix: str, members: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the members of a folder by name. Raises ValueError for a name that is no plain one of a file."""
    files = {name.removeprefix(prefix): content for name, content in members.items() if name.startswith(prefix)}
    if not are_plain(files):
        raise ValueError
    return files


def are_plain(names: Collection[str]) -> bool:
    """Say whether these are names of files on every system, and no two are one where case does not count."""
    plain = (name.isascii() and name.isprintable() and not set(name) & set('\\:*?"<>|/') for name in names)
    short = all(not name.startswith(".") and len(name) <= 255 for name in names)
    return all(plain) and short and len({name.casefold() for name in names}) == len(names)
