"""A second party's signature: which levels of an audit it made again, and found the same."""

from __future__ import annotations

from collections.abc import Sequence

from audit.errors import EvidenceError
from audit.evidence.bundle import STATEMENT, Bundle
from audit.evidence.envelope import Envelope
from audit.evidence.keys import Signer
from audit.evidence.replay import LEVELS
from audit.evidence.seal import software
from audit.evidence.shown import Shown, State
from audit.evidence.statement import Countersignature, statement_bytes
from audit.evidence.verification import sha256


def countersigned(bundle: Bundle, replayed: Sequence[Shown], signed_at: str, signer: Signer) -> Bundle:
    """Return a bundle with a countersignature over what a replay of it found.

    Parameters
    ----------
    replayed : sequence of Shown
        What `replay` found, level by level.
    signed_at : str
        Now, as YYYY-MM-DDTHH:MM:SSZ.

    Raises
    ------
    EvidenceError
        If no level was made again, or one did not come out the same: nobody signs what they did not see.
    """
    states = {each.code: each.state for each in replayed}
    if not states or set(states.values()) != {State.HOLDS}:
        raise EvidenceError("nothing is countersigned that was not made again", slug="not-replayed")
    levels = tuple(level for level in LEVELS if level in states)
    said = Countersignature(signed_at=signed_at, levels=levels, software=software())
    envelope = Envelope(statement_bytes({STATEMENT: sha256(bundle.statement)}, said)).signed(signer)
    return bundle.with_envelope(envelope, signer.public)
