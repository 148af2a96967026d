"""Rounding of numbers for people: a half upwards, from the shortest decimal that stands for the float.

19 of 40 is the 47.5 % that a reader would round, and 0.285 is 29 per cent, although the float is slightly below. Every
figure in a report, a notice or a terminal is rounded here. Verdicts and stored results are not rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_WIDE: Final = Context(prec=400)
"""Context with room for every finite float with the decimals of a report."""


def hundredfold(share: float) -> Decimal:
    """Convert a share to per cent, not rounded: .6315 is 63.15."""
    return Decimal(str(float(share))) * 100


def half_up(number: Decimal | float, digits: int) -> Decimal:
    """Round a finite number to so many decimals, or to tens and hundreds below 0; a half away from zero."""
    exact = number if isinstance(number, Decimal) else Decimal(str(float(number)))
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _WIDE)


def significant(number: float, digits: int) -> Decimal:
    """Round a finite number to so many significant digits, a half away from zero."""
    exact = Decimal(str(float(number)))
    return half_up(exact, digits - 1 - exact.adjusted()) if exact else exact


def percent(share: float | None, *, against: float | None = None) -> str:
    """Write a share as a percentage: whole, and with a decimal below 1 % and above 99 %.

    `against` is the limit that the share is compared with. As many decimals are written as show on which side of it the
    share lies: .796 is "80%", and "79.6%" against .8.
    """
    if share is None:
        return "-"
    digits, exact = least_decimals(share), hundredfold(share)
    while against is not None and _side(half_up(exact, digits), hundredfold(against)) != _side(share, against):
        digits += 1
    return f"{bare_percent(share, digits)}%"


def least_decimals(share: float) -> int:
    """Return how many decimals a percentage has at least: one below 1 % and above 99 %.

    .0046 is "0.5%" and .0026 "0.3%": of two rates that are apart, both would read "<1%" without.
    """
    return int(0 < share < 0.01 or 0.99 < share < 1)


def bare_percent(share: float, digits: int = 0) -> str:
    """Write a share in per cent without its sign, with so many decimals or `least_decimals`.

    "100" and "0" stand only where they are exactly true; else "<0.1" and ">99.9".
    """
    exact, digits = hundredfold(share), max(digits, least_decimals(share))
    rounded, smallest = half_up(exact, digits), Decimal(1).scaleb(-digits)
    if rounded == 0 < exact:
        return f"<{smallest}"
    if rounded == 100 > exact:
        return f">{100 - smallest}"
    return str(rounded)


def exact_percent(share: float) -> str:
    """Write a share of the plan with all its digits: .8 is "80%", .795 is "79.5%"."""
    return f"{hundredfold(share).normalize():f}%"


def _side(number: Decimal | float, limit: Decimal | float) -> int:
    return (number > limit) - (number < limit)


_FLOAT_NOISE = 6

_BASES = (100, 1000)


@dataclass(frozen=True, slots=True)
class Frequency:
    """A share as a count among `base`: "about 51 in 100"."""

    count: int
    base: int
    kind: str
    """`about`, `exactly` (none or all), `below` (more than none, but under 1 in `base`), `above` (nearly all)."""


def frequencies(value: float, other: float | None) -> tuple[Frequency, Frequency | None]:
    """Two shares as counts among one base (100 or 1,000): the smallest at which both are close and distinct."""
    for base in _BASES:
        mine, theirs = _frequency(value, base), None if other is None else _frequency(other, base)
        distinct = theirs is None or mine.count != theirs.count or value == other
        if distinct and _close(mine, value) and (theirs is None or other is None or _close(theirs, other)):
            return mine, theirs
    return _frequency(value, _BASES[-1]), None if other is None else _frequency(other, _BASES[-1])


def rounded_up(value: float) -> int:
    """Round a quantity up to two significant digits, for an upper bound: 47, 820, 12000."""
    integer = math.ceil(round(value, _FLOAT_NOISE))
    step: int = 10 ** max(len(str(integer)) - 2, 0)
    return -(-integer // step) * step


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
    """Whether the frequency is within a quarter of the share it stands for, on the side of the rarer event."""
    if frequency.kind == "exactly":
        return True
    if frequency.kind != "about":
        return False
    return abs(frequency.count / frequency.base - value) <= min(value, 1 - value) / 4


def rounded_gap(scale: str, disparity: float) -> float:
    """Round the smallest gap that would be named so that it never promises more than is true.

    Percentage points of a difference to a tenth, a ratio to a thousandth.
    """
    if scale == "difference":
        return math.ceil(disparity * 1000 - 1e-6) / 10
    return math.floor(disparity * 1000 + 1e-6) / 1000


def disparity_words(scale: str, disparity: float) -> str:
    """Write the smallest gap that would be named: "22.1 points", "ratio 0.640"."""
    rounded = rounded_gap(scale, disparity)
    return f"{rounded:.1f} points" if scale == "difference" else f"ratio {rounded:.3f}"
