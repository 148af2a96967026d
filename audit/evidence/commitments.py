"""Commitments to what is restricted: who has the thing and its salt can check one, and nobody can guess and compare.

A digest alone would tell: 20 labels, or four small counts, are found again in a second by trying all that they can be.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from audit.evidence.statement import Sha256
from audit.vocabulary.groups import Part

ROLES: Final = (
    "question",
    "plan",
    "evaluation-set",
    "cases",
    "detector",
    "predictions",
    "result",
    "release-log",
    "environment",
)
"""What every audit commits to, whether it has it or not: a missing role would tell that it is missing."""
SALT_BYTES: Final = 32


class Opening(Part):
    """What a commitment was made of."""

    salt: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * SALT_BYTES}}}$")]
    """32 bytes from the operating system's source of random bits, in hexadecimal.

    No other length is taken: HMAC fills a shorter key up with zeros, so that it would have twins.
    """
    sha256: Sha256 | None
    """SHA-256 of the thing; null where there was none."""


def open_anew(digests: Mapping[str, str | None], earlier: Mapping[str, Opening] | None = None) -> dict[str, Opening]:
    """Return an opening of each role. One of `earlier` of the same thing stands: who compares sees that it is so."""
    earlier = earlier or {}
    return {
        role: earlier[role]
        if role in earlier and earlier[role].sha256 == digest and digest is not None
        else Opening(salt=secrets.token_hex(SALT_BYTES), sha256=digest)
        for role, digest in digests.items()
    }


def commitment(role: str, opening: Opening) -> str:
    """Return the commitment to a thing, in hexadecimal: HMAC-SHA-256 under the salt. OpenSSL computes the same."""
    thing = "absent" if opening.sha256 is None else f"sha256:{opening.sha256}"
    text = f"audit7k commitment v1\n{role}\n{thing}\n"
    return hmac.digest(bytes.fromhex(opening.salt), text.encode("ascii"), "sha256").hex()


def commitments_of(openings: Mapping[str, Opening]) -> dict[str, str]:
    """Return the commitments of openings, by role."""
    return {role: commitment(role, opening) for role, opening in openings.items()}
