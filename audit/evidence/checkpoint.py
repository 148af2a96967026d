"""The head of a history in three lines of text that others sign: who holds one sees what was rewritten before it.

Sources: C2SP signed-note, tlog-checkpoint and tlog-cosignature (https://c2sp.org); RFC 6962, section 2.1, for the root.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from audit.errors import EvidenceError
from audit.evidence.history import payload_sha256
from audit.evidence.keys import SIGNATURE_BYTES, PublicKey, Signer, verifies

HEAD: Final = ".checkpoint"
"""End of the name of its file, which is called by the number of entries."""
_LINE: Final = re.compile(r"— (\S+) (\S+)")
_COSIGNED: Final = 0x04
"""Type of a signature that states the time, of Ed25519, in tlog-cosignature."""
_LAST_TIME: Final = bytes(3) + b"\x0f"
"""Begin of the largest time that is read: later ones have no date."""
MAX_BYTES: Final = 64 * 1024


class Cosignature(NamedTuple):
    """A witness's signature over a head."""

    name: str
    hash4: bytes
    """First bytes of a digest of name and key: they help to find the key, and prove nothing."""
    time: int
    """Seconds since 1970, by the witness's clock."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head: how many entries there were, and the root of their tree."""

    origin: str
    size: int
    root: bytes
    cosignatures: tuple[Cosignature, ...] = ()

    @property
    def body(self) -> str:
        """Text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @property
    def content(self) -> bytes:
        """The bytes of its file."""
        lines = (
            f"— {name} {_text(hash4 + time.to_bytes(8, 'big') + signature)}\n"
            for name, hash4, time, signature in self.cosignatures
        )
        return f"{self.body}\n{''.join(lines)}".encode()

    def is_of(self, payloads: Sequence[bytes]) -> bool:
        """Say whether it is the head of the first entries of a history, by their signed statements."""
        return 1 <= self.size <= len(payloads) and checkpoint_of(payloads[: self.size]).body == self.body

    def cosigned(self, signer: Signer, time: int) -> Checkpoint:
        """Return the head with a witness's signature more."""
        name = f"audit7k.witness/{signer.public.fingerprint[:16]}"
        cosignature = Cosignature(name, _hash4(name, signer.public), time, signer.sign(self._message(time)))
        return Checkpoint(self.origin, self.size, self.root, (*self.cosignatures, cosignature))

    def witnessed_by(self, witnesses: Mapping[PublicKey, float]) -> list[tuple[PublicKey, int]]:
        """Return whose signatures are right, and when they say that they signed; others are left out.

        `witnesses` has keys, and from when on each counts.
        """
        return [
            (key, cosignature.time)
            for cosignature in self.cosignatures
            for key, begins in witnesses.items()
            if cosignature.time >= begins
            and cosignature.hash4 == _hash4(cosignature.name, key)
            and verifies(key, cosignature.signature, self._message(cosignature.time))
        ]

    def _message(self, time: int) -> bytes:
        return f"cosignature/v1\ntime {time}\n{self.body}".encode()


def checkpoint_of(payloads: Sequence[bytes]) -> Checkpoint:
    """Return the head of a history, by the signed statements of its entries, of which there is at least one."""
    return Checkpoint(f"audit7k.history/{payload_sha256(payloads[0])[:32]}", len(payloads), root_of(payloads))


def root_of(payloads: Sequence[bytes]) -> bytes:
    """Return the root of the Merkle tree over these leaves (RFC 6962, section 2.1)."""
    level = [hashlib.sha256(b"\0" + payload).digest() for payload in payloads]
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = [*pairs, *level[len(pairs) * 2 :]]
    return level[0]


def parse_checkpoint(content: bytes, name: str) -> Checkpoint:
    """Read a head from its file; errors call it `name`. Raises EvidenceError if it is none."""
    read = None
    try:
        body, _, signatures = content[: MAX_BYTES + 1].decode().partition("\n\n")
        origin, size, root = body.split("\n")
        matches = [_LINE.fullmatch(line) for line in signatures.splitlines()]
        cosignatures = [_cosignature(match[1], base64.b64decode(match[2], validate=True)) for match in matches if match]
        read = Checkpoint(origin, int(size), base64.b64decode(root, validate=True), tuple(cosignatures))
    except (ValueError, binascii.Error):
        pass
    if read is None or read.content != content:
        raise EvidenceError(f"{name} is no head of a history as audit7k writes it", slug="not-a-checkpoint")
    return read


def _cosignature(name: str, content: bytes) -> Cosignature:
    if len(content) != 12 + SIGNATURE_BYTES or content[4:8] > _LAST_TIME:
        raise ValueError
    return Cosignature(name, content[:4], int.from_bytes(content[4:12], "big"), content[12:])


def _hash4(name: str, key: PublicKey) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([_COSIGNED]) + key.raw).digest()[:4]


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
