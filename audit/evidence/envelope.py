"""Envelopes of DSSE: a statement and the signatures over it, on one line of text.

What is signed is not JSON but its bytes with their length before them, so that no two readers can differ about it.
Source: DSSE 1.0.2 (https://github.com/secure-systems-lab/dsse), protocol.md and envelope.md.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from audit.errors import EvidenceError
from audit.evidence.keys import SIGNATURE_BYTES, PublicKey, Signer, verifies
from audit.evidence.statement import canonical, is_sha256
from audit.vocabulary.strict_json import strict_decoder

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_BYTES: Final = 4 * 1024 * 1024


class Signature(NamedTuple):
    """A signature over a statement."""

    keyid: str
    """Fingerprint of the key. Nothing follows from it alone."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A statement and its signatures."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    @property
    def message(self) -> bytes:
        """What is signed: type and statement, each with its length in bytes before it."""
        head = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(self.payload)} "
        return head.encode("ascii") + self.payload

    @property
    def line(self) -> bytes:
        """The envelope as one line."""
        signatures = [{"keyid": keyid, "sig": _text(signature)} for keyid, signature in self.signatures]
        return (
            canonical({"payload": _text(self.payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures}) + b"\n"
        )

    def signed(self, signer: Signer) -> Envelope:
        """Return the envelope with one signature more."""
        return self.with_signature(signer.public, signer.sign(self.message))

    def with_signature(self, key: PublicKey, signature: bytes) -> Envelope:
        """Return the envelope with a signature that was made elsewhere, on a card for example.

        Raises
        ------
        EvidenceError
            If it is none over this statement with this key, or this key has signed it before.
        """
        if len(signature) != SIGNATURE_BYTES or not verifies(key, signature, self.message):
            raise EvidenceError("the signature is none over this statement with this key", slug="other-signature")
        if any(present.keyid == key.fingerprint for present in self.signatures):
            raise EvidenceError("this key has signed this statement before", slug="signed-before")
        return Envelope(self.payload, (*self.signatures, Signature(key.fingerprint, signature)))


def parse_envelope(line: bytes, name: str) -> Envelope:
    """Read an envelope from its line; errors call it `name`.

    Raises
    ------
    EvidenceError
        If it is none, or is not written as audit7k writes one: whitespace, other keys, spare bits of Base64.
    """
    read = None
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error):
        document: Any = strict_decoder(finite=True).decode(line[: MAX_BYTES + 1].decode("ascii"))
        signatures = tuple(Signature(entry["keyid"], _bytes(entry["sig"])) for entry in document["signatures"])
        read = Envelope(_bytes(document["payload"]), signatures)
    if read is None or read.line != line or not _signed_once_each(read.signatures):
        raise EvidenceError(f"{name} is no envelope as audit7k writes it", slug="not-an-envelope")
    return read


def _signed_once_each(signatures: tuple[Signature, ...]) -> bool:
    """Whether each signature is of a key of its own, and has the length of one: nothing else is shown to a reader."""
    is_whole = all(is_sha256(keyid) and len(signature) == SIGNATURE_BYTES for keyid, signature in signatures)
    return is_whole and len({keyid for keyid, _ in signatures}) == len(signatures)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii"), validate=True)
