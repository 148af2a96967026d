"""Numbers as reports write them. Every figure of a report is rounded here, and never says more than is true.

"100%" is written only for exactly all and "0%" only for exactly none, and a share below 1% has a decimal. A value that
would round onto the limit it is compared with shows a further digit. Nothing here decides anything: verdicts compare
unrounded numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from audit.vocabulary.numbers import bare_percent, half_up, hundredfold, least_decimals, rounded_up, significant

NOT_KNOWN = "—"
"""The sign where no number can be stated. The reason stands beside it."""

_MOST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """The number style of a language. Digits are Western in every language, so that figures match the data files."""

    decimal: str = "."
    group: str = ","
    percent_pattern: str = "{}%"

    def count(self, value: int) -> str:
        """Return an integer with its thousands set apart: 63,914."""
        return f"{value:,}".replace(",", self.group)

    def about(self, value: float) -> str:
        """Return a quantity that is itself an estimate, to two significant digits: 47, 820, 12,000."""
        return self.count(self.about_whole(value))

    def about_whole(self, value: float) -> int:
        """Return the integer that `about` writes: a sentence takes its plural form from it."""
        rounded = int(half_up(value, 0))
        return int(significant(value, 2)) if abs(rounded) >= 100 else rounded

    def whole(self, value: float) -> str:
        """Return a quantity to the nearest whole one: 3, −1,204."""
        return self.count(int(half_up(value, 0))).replace("-", "−")

    def up_to(self, value: float) -> str:
        """Return a quantity rounded up to a whole number, for an upper bound."""
        return self.count(rounded_up(value))

    def percent(self, value: float | None, *, digits: int = 0, against: float | None = None) -> str:
        """Return a share as a percentage with `digits` decimals, or more where it would otherwise round onto
        `against`; one at least below 1% and above 99%.
        """
        if value is None:
            return NOT_KNOWN
        return self.percent_pattern.format(self._bare_percent(value, digits, against))

    def percent_range(self, low: float | None, high: float | None, *, digits: int = 0) -> str:
        """Return an interval of shares: 42–52%."""
        if low is None or high is None:
            return NOT_KNOWN
        ends = f"{self._bare_percent(low, digits, None)}–{self._bare_percent(high, digits, None)}"
        return self.percent_pattern.format(ends)

    def points(self, margin: float) -> str:
        """Return a difference of shares in percentage points with all its digits: 10, 2.5."""
        return self.plain(margin * 100)

    def percent_of_the_plan(self, share: float) -> str:
        """Return a share that the plan states, as a percentage with all its digits: 2.5%."""
        return self.percent_pattern.format(self.points(share))

    def plain(self, value: float) -> str:
        """Return a number of the plan as it was written there, to 12 significant digits: 0.8, 1.25."""
        return f"{value:.12g}".replace(".", self.decimal)

    def ratio(self, value: float | None) -> str:
        """Return a ratio to two decimals."""
        return NOT_KNOWN if value is None else self.fixed(value, 2)

    def of(self, base: int, share: float) -> str:
        """Return a share as a count of so many: 29 of 100."""
        return self.count(int(half_up(Decimal(str(float(share))) * base, 0)))

    def fixed(self, value: float, digits: int) -> str:
        """Return a number with so many decimals: 0.0830."""
        return f"{half_up(value, digits):f}".replace(".", self.decimal)

    def signed(self, value: float, digits: int) -> str:
        """Return a number with its sign and so many decimals: +0.08, −0.12."""
        return f"{half_up(value, digits):+f}".replace("-", "−").replace(".", self.decimal)

    def significant(self, value: float, digits: int) -> str:
        """Return a number of unknown size to so many significant digits, without zeros at its end: 0.0123, 1.5e-07."""
        return f"{float(significant(value, digits)):.{digits}g}".replace("-", "−").replace(".", self.decimal)

    def points_to_a_tenth(self, share: float) -> str:
        """Return a distance of shares in percentage points to one decimal: 3.5."""
        return f"{half_up(hundredfold(share), 1):f}".replace(".", self.decimal)

    def points_with_range(self, value: float | None, low: float | None, high: float | None) -> str:
        """Return a difference of shares in percentage points with its interval: −24.1 (−30.2 … −17.5)."""
        if value is None:
            return NOT_KNOWN
        text = self._signed(value)
        return text if low is None or high is None else f"{text} ({self._signed(low)} … {self._signed(high)})"

    def ratio_with_range(self, value: float | None, low: float | None, high: float | None) -> str:
        """Return a ratio with its interval: 0.66 (0.58 … 0.75). An interval without an upper end says so."""
        if value is None:
            return NOT_KNOWN
        if low is None:
            return self.ratio(value)
        return f"{self.ratio(value)} ({self.ratio(low)} … {'∞' if high is None else self.ratio(high)})"

    def _signed(self, share: float) -> str:
        return f"{half_up(hundredfold(share), 1):+f}".replace("-", "−").replace(".", self.decimal)

    def probability(self, value: float | None) -> str:
        """Return a p-value, level or other small number to three significant digits. Not for numbers that decide."""
        if value is None:
            return NOT_KNOWN
        if 0 < value < 1e-12:
            return f"<{self.plain(1e-12)}"
        return f"{float(significant(value, 3)):.3g}".replace(".", self.decimal)

    def _bare_percent(self, value: float, digits: int, against: float | None) -> str:
        digits = max(digits, least_decimals(value))
        rounded = half_up(hundredfold(value), digits)
        if against is not None and against != value:
            while digits < _MOST_DIGITS and rounded == half_up(hundredfold(against), digits):
                digits += 1
                rounded = half_up(hundredfold(value), digits)
        return bare_percent(value, digits).replace(".", self.decimal)
