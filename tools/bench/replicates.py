"""Bootstrap replicates of 800 groups and five rates, from counts: `python -m tools.bench.replicates ROWS`.

Prints the shortest seconds of three rounds as JSON. The counts are those of `ROWS` rows; the rows are never there.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Final

import numpy as np

from audit.counting.table import FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE
from audit.stats.bootstrap import replicate_counts

GROUPS: Final = 800
REPLICATES: Final = 2_000


def seconds(rows: int) -> float:
    """Draw `REPLICATES` replicates of the counts of `rows` rows, and five rates of every group in each."""
    rng = np.random.default_rng(20240412)
    sizes = rng.multinomial(rows, np.full(GROUPS, 1.0 / GROUPS))
    cells = np.zeros((GROUPS, 3, 4), dtype=np.int64)
    cells[:, (POSITIVE, POSITIVE, NEGATIVE, NEGATIVE), (FLAGGED, NOT_FLAGGED) * 2] = rng.multinomial(
        sizes, [0.16, 0.04, 0.08, 0.72]
    )
    started = time.perf_counter()
    highest = np.zeros((5, GROUPS))
    for drawn in replicate_counts(cells, REPLICATES, rng):
        tp, fn = drawn[:, :, POSITIVE, FLAGGED], drawn[:, :, POSITIVE, NOT_FLAGGED]
        fp, tn = drawn[:, :, NEGATIVE, FLAGGED], drawn[:, :, NEGATIVE, NOT_FLAGGED]
        pairs = (
            (tp, tp + fn),
            (fp, fp + tn),
            (tp, tp + fp),
            (tp + tn, tp + fn + fp + tn),
            (tp + fp, tp + fn + fp + tn),
        )
        for index, (numerator, denominator) in enumerate(pairs):
            highest[index] = np.maximum(highest[index], (numerator / np.maximum(denominator, 1)).max(axis=0))
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(min(seconds(int(sys.argv[1])) for _ in range(3))))
