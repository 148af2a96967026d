"""Pack checked answers into bytes of a fixed layout, with no offsets to follow and nothing to decompress.

Arrow's own format holds offsets, dictionaries and compressed parts, and a model that has taken over its process could
write any of them. Here a row is a score and two codes. The child checks the answer as the harness does for a detector
in its own process, and reports what is amiss as an error; the harness checks once more what came out of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from audit.detectors.answers import NO_REASON, CheckedAnswers
from audit.detectors.protocol import REASONS, STATUSES

_ROW: Final = np.dtype([("score", "<f8"), ("status", "i1"), ("reason", "i1")])
BYTES_A_ROW: Final = _ROW.itemsize
"""Bytes of the answer to a row."""


def pack(answers: CheckedAnswers) -> bytes:
    """Pack the answers to a batch, in its order."""
    rows = np.empty(len(answers.scores), dtype=_ROW)
    rows["score"], rows["status"], rows["reason"] = answers.scores, answers.status, answers.reason
    return rows.tobytes()


def unpack(content: bytes | bytearray, row_ids: pa.Array) -> pa.RecordBatch | None:
    """Return the answer with the schema of the protocol; None where the bytes are not one for as many rows."""
    if len(content) != len(row_ids) * BYTES_A_ROW:
        return None
    rows = np.frombuffer(content, dtype=_ROW)
    status, reason = rows["status"].copy(), rows["reason"].copy()
    known = (status >= 0) & (status < len(STATUSES)) & (reason >= NO_REASON) & (reason < len(REASONS))
    return CheckedAnswers(rows["score"].astype(np.float64), status, reason).batch(row_ids) if known.all() else None
