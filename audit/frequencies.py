"""Shares told as natural frequencies ("about 5 in 10"), and estimates told with two digits.

Here and not with the reports, because the gate that explains every number of a public file must know exactly what a
report may make of a rate (`audit.public_figures`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from audit.rounding import half_up

__all__ = ["Frequency", "frequencies", "rounded_up"]

_FLOAT_NOISE = 6
_BASES = (10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Frequency:
    """A share as a count among `base`: "about 5 in 10"."""

    count: int
    base: int
    kind: str
    """`about`, `exactly` (none or all), `below` (more than none, but under 1 in `base`), `above` (nearly all)."""


def frequencies(value: float, other: float | None) -> tuple[Frequency, Frequency | None]:
    """Two shares as counts among one base (10, 100 or 1,000): the smallest at which both are told truly and apart."""
    for base in _BASES:
        mine, theirs = _frequency(value, base), None if other is None else _frequency(other, base)
        told_apart = theirs is None or mine.count != theirs.count or value == other
        if told_apart and _close(mine, value) and (theirs is None or other is None or _close(theirs, other)):
            return mine, theirs
    return _frequency(value, _BASES[-1]), None if other is None else _frequency(other, _BASES[-1])


def rounded_up(value: float) -> int:
    """A quantity rounded up to two significant digits, for an upper bound: 47, 820, 12000."""
    whole = math.ceil(round(value, _FLOAT_NOISE))
    step: int = 10 ** max(len(str(whole)) - 2, 0)
    return -(-whole // step) * step


def _frequency(value: float, base: int) -> Frequency:
    count = int(half_up(Decimal(str(float(value))) * base, 0))
    if value in (0.0, 1.0):
        return Frequency(count, base, "exactly")
    if count == 0:
        return Frequency(1, base, "below")
    if count == base:
        return Frequency(base - 1, base, "above")
    return Frequency(count, base, "about")


def _close(frequency: Frequency, value: float) -> bool:
    """Whether the frequency is within a quarter of what it stands for, on the side of the rarer event."""
    if frequency.kind == "exactly":
        return True
    if frequency.kind != "about":
        return False
    return abs(frequency.count / frequency.base - value) <= min(value, 1 - value) / 4
