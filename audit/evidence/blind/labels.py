"""Labels that were fixed before the answers: a root over all of them, and the proof of one that tells no other.

Source: RFC 6962, section 2.1, for the tree; a leaf is a commitment as `audit.evidence.commitments` makes one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from audit.evidence.checkpoint import root_of
from audit.evidence.commitments import Opening, commitment
from audit.evidence.statement import Sha256
from audit.vocabulary.groups import Part

Label = Literal["1", "0", ""]
"""Exploitation, none, or no label."""


class LabelOpening(Part):
    """The label of one case of a challenge, with what shows that it was fixed before."""

    cid: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
    """Id of the case in the challenge."""
    label: Label
    """Its label: 1 for exploitation, 0 for none, empty for a row without one."""
    salt: Sha256
    """Salt of its commitment, in hexadecimal."""
    place: Annotated[int, Field(ge=0)]
    """Place of the case in the challenge, from 0."""
    rows: Annotated[int, Field(ge=1)]
    """Rows of the challenge."""
    path: Annotated[tuple[Sha256, ...], Field(max_length=64)]
    """Digests beside the way from the case to the root, from below."""

    @property
    def root(self) -> str | None:
        """The root that follows from it, in hexadecimal; None if it is no way to one."""
        opening = Opening(salt=self.salt, sha256=hashlib.sha256(self.label.encode()).hexdigest())
        node = hashlib.sha256(b"\0" + bytes.fromhex(commitment(f"label {self.cid}", opening))).digest()
        index, rows, beside = self.place, self.rows, list(map(bytes.fromhex, self.path))
        while rows > 1:
            if index ^ 1 < rows:
                if not beside:
                    return None
                other = beside.pop(0)
                node = hashlib.sha256(b"\1" + (other + node if index % 2 else node + other)).digest()
            index, rows = index // 2, (rows + 1) // 2
        return None if beside or index else node.hex()


def label_root(key: bytes, cids: Sequence[str], labels: Sequence[Label]) -> str:
    """Return the root over the labels of a challenge, in hexadecimal; `key` is the challenge's."""
    return root_of(_leaves(key, cids, labels)).hex()


def open_label(key: bytes, cids: Sequence[str], labels: Sequence[Label], cid: str) -> LabelOpening:
    """Return the opening of one label. Raises ValueError if the challenge has no such case."""
    index = at = cids.index(cid)
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in _leaves(key, cids, labels)]
    path = []
    while len(level) > 1:
        if at ^ 1 < len(level):
            path.append(level[at ^ 1].hex())
        pairs = [
            hashlib.sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level, at = [*pairs, *level[len(pairs) * 2 :]], at // 2
    salt = _salt(key, cid)
    return LabelOpening(cid=cid, label=labels[index], salt=salt, place=index, rows=len(cids), path=tuple(path))


def _leaves(key: bytes, cids: Sequence[str], labels: Sequence[Label]) -> list[bytes]:
    digests = {label: hashlib.sha256(label.encode()).hexdigest() for label in ("1", "0", "")}
    return [
        bytes.fromhex(commitment(f"label {cid}", Opening.model_construct(salt=_salt(key, cid), sha256=digests[label])))
        for cid, label in zip(cids, labels, strict=True)
    ]


def _salt(key: bytes, cid: str) -> str:
    """Return a salt of its own for each case: to give one away opens no other."""
    return hmac.digest(key, f"salt {cid}".encode(), "sha256").hex()
