"""Time stamps of another party (RFC 3161), asked for and answered by file: nothing here uses a network."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from audit.errors import EvidenceError
from audit.evidence.keys import certificates

TOKEN: Final = ".tsr"  # noqa: S105 - no password
"""End of the name of a reply."""
MAX_BYTES: Final = 1024 * 1024


def time_request(message: bytes) -> bytes:
    """Return a request for a time stamp over a message, for any authority. Raises EvidenceError without the extra."""
    _need_extra()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True)
    return made.cert_request(cert_request=True).build().as_bytes()


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
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        read = decode_timestamp_response(reply[: MAX_BYTES + 1])
        verifier = VerifierBuilder()
        for certificate in certificates(authorities):
            verifier = verifier.add_root_certificate(certificate)
        verifier.build().verify_message(read, message)
    except (ValueError, VerificationError) as error:
        is_order = "InvalidSetOrdering" in str(error)
        raise EvidenceError(
            "the time stamp is none of an authority that you trust over this"
            if not is_order
            else "the time stamp's certificates are not in the order that this reader wants",
            slug="other-time-stamp",
            hint="openssl ts -verify -in REPLY -data FILE -CAfile AUTHORITY reads it too",
        ) from None
    return read.tst_info.gen_time


def is_over(reply: bytes, message: bytes) -> bool:
    """Say whether a reply is over a message, whoever made it. Raises EvidenceError without the extra."""
    _need_extra()
    from rfc3161_client import decode_timestamp_response

    try:
        over = decode_timestamp_response(reply[: MAX_BYTES + 1]).tst_info.message_imprint.message
    except ValueError:
        return False
    return any(over == hashlib.new(name, message).digest() for name in ("sha256", "sha384", "sha512"))


def stamps_among(
    anchors: Mapping[str, bytes], messages: Mapping[str, bytes], authorities: Sequence[str]
) -> tuple[dict[str, dt.datetime], list[str]]:
    """Return when each message was stamped, by its name, and the names of replies that are not right.

    A reply is called as what it is over, with `.tsr` at the end. Without authorities nothing can be said of any.
    """
    found, wrong = dict[str, dt.datetime](), list[str]()
    if not authorities or not can_stamp():
        return found, wrong
    for name, reply in anchors.items():
        message = messages.get(name.removesuffix(TOKEN)) if name.endswith(TOKEN) else None
        if message is None:
            wrong += [name] * name.endswith(TOKEN)
            continue
        try:
            found[name.removesuffix(TOKEN)] = stamped_at(reply, message, authorities)
        except EvidenceError:
            wrong.append(name)
    return found, wrong


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
