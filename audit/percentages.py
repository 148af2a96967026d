"""How shares are written in the terminal and in notices: rounded half up, never saying more than is true."""

from __future__ import annotations

from decimal import Decimal

from audit.rounding import half_up, hundredfold

__all__ = ["exact_percent", "percent"]


def percent(share: float | None, *, against: float | None = None) -> str:
    """A share as a whole percentage; "100%" and "0%" only where they are exactly true.

    With `against`, the limit that the share is compared with, as many decimals as show on which side of it the share
    lies: .796 is "80%", and "79.6%" against .8.
    """
    if share is None:
        return "-"
    digits, rounded = 0, half_up(hundredfold(share), 0)
    while against is not None and _side(rounded, hundredfold(against)) != _side(share, against):
        digits += 1
        rounded = half_up(hundredfold(share), digits)
    if rounded == 0 and share > 0:
        return "<1%"
    if rounded == 100 and share < 1:
        return ">99%"
    return f"{rounded}%"


def exact_percent(share: float) -> str:
    """A share that the plan states, with all its digits: .8 is "80%", .795 is "79.5%"."""
    return f"{hundredfold(share).normalize():f}%"


def _side(number: Decimal | float, limit: Decimal | float) -> int:
    return (number > limit) - (number < limit)
