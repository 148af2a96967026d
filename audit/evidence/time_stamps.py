"""Time stamps of another party (RFC 3161), asked for and answered by file: nothing here uses a network."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

from audit.errors import EvidenceError
from audit.evidence.keys import Claim, certificates, claim_of

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

TOKEN: Final = ".tsr"  # noqa: S105 - no password
"""End of the name of a reply."""
MAX_BYTES: Final = 1024 * 1024


def time_request(message: bytes) -> bytes:
    """Return a request for a time stamp over a message, for any authority. Raises EvidenceError without the extra."""
    _need_extra()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True)
    return builder.cert_request(cert_request=True).build().as_bytes()


def stamped_at(reply: bytes, message: bytes, authorities: Sequence[str]) -> dt.datetime:
    """Return when an authority says that it saw a message.

    Parameters
    ----------
    reply : bytes
        Its reply, as a file of it holds it.
    authorities : sequence of str
        Certificates of the authorities that are trusted, in PEM.

    Raises
    ------
    EvidenceError
        If the reply is none of them over this message, or the extra `timestamp` is not installed.
    """
    _need_extra()
    from rfc3161_client import VerifierBuilder

    roots = certificates(authorities)

    try:
        read = _read(reply)
        verifier = VerifierBuilder()
        for certificate in roots:
            verifier = verifier.add_root_certificate(certificate)
        verifier.build().verify_message(read, message)
    except Exception:  # over foreign bytes the reader raises KeyError, InvalidVersion and others too
        raise EvidenceError(
            "the time stamp is none of an authority that you trust over this",
            slug="other-time-stamp",
            hint="openssl ts -verify -in REPLY -data FILE -CAfile AUTHORITY reads it too",
        ) from None
    return read.tst_info.gen_time


def is_over(reply: bytes, message: bytes) -> bool:
    """Say whether a reply is over a message, whoever made it. Raises EvidenceError without the extra."""
    _need_extra()
    try:
        over = _read(reply).tst_info.message_imprint.message
    except Exception:
        return False
    return any(over == hashlib.new(name, message).digest() for name in ("sha256", "sha384", "sha512"))


class Stamps(NamedTuple):
    """What replies say, by the names of what they are over."""

    at: dict[str, dt.datetime]
    """When an authority that is trusted saw it."""
    of_others: tuple[str, ...] = ()
    """Over it, by an authority that nobody listed."""
    wrong: tuple[str, ...] = ()
    """Over something else, or not by the authority that they name."""
    unchecked: tuple[str, ...] = ()
    """Over it, in the name of an authority that is listed, without what leads up to a root that is."""


def stamps_among(anchors: Mapping[str, bytes], messages: Mapping[str, bytes], authorities: Sequence[str]) -> Stamps:
    """Read replies, of which each is called as what it is over, with `.tsr` at the end. Nothing without the extra."""
    at, by_claim = dict[str, dt.datetime](), {claim: list[str]() for claim in Claim}
    for name, reply in anchors.items() if can_stamp() else ():
        if not name.endswith(TOKEN):
            continue
        over = name.removesuffix(TOKEN)
        try:
            at[over] = stamped_at(reply, messages[over], authorities)
        except (EvidenceError, KeyError):
            is_right = over in messages and is_over(reply, messages[over])
            by_claim[_claim(reply, authorities) if is_right else Claim.FALSE].append(name)
    return Stamps(at, *(tuple(by_claim[claim]) for claim in (Claim.OTHER, Claim.FALSE, Claim.OPEN)))


def _claim(reply: bytes, authorities: Sequence[str]) -> Claim:
    """Return what a reply has to do with these authorities; false where it cannot be read so far."""
    trusted = certificates(authorities)
    try:
        signed = _read(reply).signed_data
        signers = [(signer.issuer, signer.serial_number) for signer in signed.signer_infos]
        return claim_of(signed.certificates, signers, trusted)
    except Exception:
        return Claim.FALSE


def _read(reply: bytes) -> TimeStampResponse:
    """Read a reply. Raises ValueError."""
    from rfc3161_client import decode_timestamp_response

    return decode_timestamp_response(in_order(reply[: MAX_BYTES + 1]))


_CONTEXT_0: Final = 0xA0


def in_order(reply: bytes) -> bytes:
    """Return a reply with its certificates in the order of DER, which its reader wants and OpenSSL does not write.

    No signature covers their order. What is no such reply comes back as it is.
    """
    try:
        signed = _parts(reply, *_parts(reply, *_parts(reply, *_parts(reply, 0, len(reply))[0][1:])[1][1:])[1][1:])[0]
        certificates_at = next(part for part in _parts(reply, *signed[1:]) if part[0] == _CONTEXT_0)
        _, start, end = certificates_at
        parts = _parts(reply, start, end, with_header=True)
    except (IndexError, StopIteration):
        return reply
    return reply[:start] + b"".join(sorted(reply[first:last] for _, first, last in parts)) + reply[end:]


def _parts(content: bytes, start: int, end: int, *, with_header: bool = False) -> list[tuple[int, int, int]]:
    """Return tag, start and end of what stands side by side in DER; `with_header`: all of it. Raises IndexError."""
    parts = []
    while start < end:
        size, body = content[start + 1], start + 2
        if size & 0x80:
            body += size & 0x7F
            size = int.from_bytes(content[start + 2 : body], "big")
        if body + size > end:
            raise IndexError(size)
        parts.append((content[start], start if with_header else body, body + size))
        start = body + size
    return parts


def can_stamp() -> bool:
    """Say whether the extra that reads time stamps is installed."""
    return find_spec("rfc3161_client") is not None


def _need_extra() -> None:
    if not can_stamp():
        raise EvidenceError(
            'time stamps need the extra "timestamp"',
            slug="evidence-extra",
            hint="pip install 'audit7k[timestamp]', or openssl ts -verify -in REPLY -data FILE -CAfile AUTHORITY",
        )
