"""How shares are written in the terminal and in notices: rounded half up, never saying more than is true."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

__all__ = ["exact_percent", "percent"]


def percent(share: float | None, *, against: float | None = None) -> str:
    """A share as a whole percentage; "100%" and "0%" only where they are exactly true.

    With `against`, the limit that the share is compared with, as many decimals as show on which side of it the share
    lies: .796 is "80%", and "79.6%" against .8.
    """
    if share is None:
        return "-"
    digits, rounded = 0, _rounded(share, 0)
    while against is not None and _side(rounded, _hundredfold(against)) != _side(share, against):
        digits += 1
        rounded = _rounded(share, digits)
    if rounded == 0 and share > 0:
        return "<1%"
    if rounded == 100 and share < 1:
        return ">99%"
    return f"{rounded}%"


def exact_percent(share: float) -> str:
    """A share that the plan states, with all its digits: .8 is "80%", .795 is "79.5%"."""
    return f"{_hundredfold(share).normalize():f}%"


def _side(number: Decimal | float, limit: Decimal | float) -> int:
    return (number > limit) - (number < limit)


def _hundredfold(share: float) -> Decimal:
    # From the shortest decimal that means this float, so that 23 of 40 is the 57.5 that a reader would round.
    return Decimal(str(float(share))) * 100


def _rounded(share: float, digits: int) -> Decimal:
    return _hundredfold(share).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
