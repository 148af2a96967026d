"""How a number is rounded for people: a half upwards, from the shortest decimal that means the float.

19 of 40 is the 47.5 that a reader would round, and 0.285 is 29 per cent, although the float lies a little below. Every
figure that a report, a notice or a terminal shows is rounded here; verdicts and stored results are not rounded at all.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

__all__ = ["half_up", "hundredfold", "significant"]

_WIDE: Final = Context(prec=400)
"""Room for every finite float with the decimals of a report."""


def hundredfold(share: float) -> Decimal:
    """A share in per cent, not rounded: .6315 is 63.15."""
    return Decimal(str(float(share))) * 100


def half_up(number: Decimal | float, digits: int) -> Decimal:
    """A finite number to so many decimals, or to tens and hundreds where `digits` is below 0; a half away from zero."""
    exact = number if isinstance(number, Decimal) else Decimal(str(float(number)))
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _WIDE)


def significant(number: float, digits: int) -> Decimal:
    """A finite number to so many significant digits, a half away from zero."""
    exact = Decimal(str(float(number)))
    return half_up(exact, digits - 1 - exact.adjusted()) if exact else exact
