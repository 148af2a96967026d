"""The key of a restricted folder, and digests under it: who has it can check them, nobody can guess and compare."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Final

from audit.plan.answers import PredictionsDetector
from audit.public.about import Digested
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_sha256

_LARGEST: Final = 256 * 1024 * 1024
KEY: Final = "key"
"""The file of the key."""
KEY_BYTES: Final = 32
"""256 random bits for a data set: never derived from a seed, a name or a plan."""


def new_key() -> bytes:
    """Return a new secret key, from the operating system's source of random bits."""
    return secrets.token_bytes(KEY_BYTES)


def read_key(restricted: Path) -> bytes | None:
    """The key; None where there is none that can be read, or it is none."""
    try:
        text = (restricted / KEY).read_bytes()[: 4 * KEY_BYTES]
        secret = bytes.fromhex(text.decode("ascii").strip())
    except (OSError, ValueError):
        return None
    return secret if len(secret) == KEY_BYTES else None


def digests_of(result: AuditResult, secret: bytes) -> dict[Digested, str]:
    """Return digests under the key of what a result was made from, and of itself."""
    digests: dict[Digested, str] = {}
    if result.provenance.evaluation_set_sha256 is not None:
        digests["evaluation_set"] = result.provenance.evaluation_set_sha256
    if result.provenance.detector_sha256 is not None:
        is_table = isinstance(result.plan.detector, PredictionsDetector)
        digests["predictions" if is_table else "detector"] = result.provenance.detector_sha256
    digests["result"] = result_sha256(result)
    return {kind: _under(digest, secret) for kind, digest in sorted(digests.items())}


def set_id(secret: bytes) -> str:
    """Name the set and key: equal in all releases under one key, and nothing of the key follows."""
    return hashlib.blake2b(b"", digest_size=8, key=secret, person=b"set").hexdigest()


def release_of(digest: str, file: Path, restricted: Path) -> PublicRelease | None:
    """The public release in a file, if the key says that it is of the result of a digest; None if that is not known."""
    secret = read_key(restricted)
    try:
        if secret is None or file.stat().st_size > _LARGEST:
            return None
        release = PublicRelease.model_validate_json(file.read_bytes())
    except (OSError, ValueError):
        return None
    return release if release.about.digests.get("result") == _under(digest, secret) else None


def _under(digest: str, secret: bytes) -> str:
    return hashlib.blake2b(digest.encode("ascii"), digest_size=32, key=secret, person=b"digest").hexdigest()
