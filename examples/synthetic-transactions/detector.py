"""The detector under audit: rules on amounts, times and counts, each with a weight, added up as a logit.

It is given numbers of one transaction and of its account's last thirty days, and neither gender nor nationality. A
number that was not recorded speaks neither way.
"""

from __future__ import annotations

import math

import pyarrow as pa

BOUNDS = {
    "minutes_to_cash_out": ("below", 60, 2.5),
    "senders_30_days": ("from", 8, 2.6),
    "accounts_on_device": ("from", 3, 2.6),
    "same_reference_30_days": ("from", 5, 2.3),
    "hour": ("below", 5, 1.7),
    "balance_after": ("below", 10, 1.8),
    "days_payee_known": ("below", 7, 1.7),
}
INTERCEPT = -4.15


def score(batch: pa.RecordBatch) -> list[float]:
    """One score between 0 and 1 a row, in the order of the rows."""
    logits = [INTERCEPT] * batch.num_rows
    for name, (side, bound, weight) in BOUNDS.items():
        for row, value in enumerate(batch.column(name).to_pylist()):
            if value is not None and (value < bound) == (side == "below"):
                logits[row] += weight
    return [round(1.0 / (1.0 + math.exp(-logit)), 6) for logit in logits]
