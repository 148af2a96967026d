"""The numbers that the method runs on, fixed for all releases of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from audit.disclosure.noise import NoiseTable, noise_table
from audit.errors import PlanError
from audit.public.about import Unit
from audit.public.release import PublicMethod

SMALLEST_FLOOR: Final = 3
LARGEST_FLOOR: Final = 100


@dataclass(frozen=True, slots=True)
class Method:
    """Floor, noise, and what cannot occur."""

    floor: int
    """k: nothing below it is shown."""
    noise: NoiseTable
    """The table of changes; its `largest` is D."""
    absent: tuple[str, ...] = field(default=())
    """Totals that cannot occur in this set, by `COUNTED`'s names: declared, checked, and left out of the table."""
    unit: Unit = "row"
    """What is counted once."""

    @property
    def row(self) -> int:
        """T: people that make a row, and that must be left beside it."""
        return 2 * self.floor

    @property
    def keep(self) -> int:
        """People with whom a row that stood goes on standing."""
        return self.floor + self.largest

    @property
    def largest(self) -> int:
        """D: no count is changed by more."""
        return self.noise.largest

    def public(self) -> PublicMethod:
        """What a public table says of it: everything but the key."""
        return PublicMethod(
            floor=self.floor,
            row=self.row,
            largest_change=self.noise.largest,
            variance=self.noise.variance,
            absent=self.absent,
        )


def method_of(floor: int = 10, variance: float = 3.0, absent: tuple[str, ...] = (), unit: Unit = "row") -> Method:
    """The method for a floor; the largest change is half of it, rounded up: less hides less, and more gains nothing.

    Raises
    ------
    PlanError
        If the floor is below 3 or above 100.
    """
    if not SMALLEST_FLOOR <= floor <= LARGEST_FLOOR:
        raise PlanError(
            f"a floor of {floor} protects nobody or shows nothing",
            slug="no-such-floor",
            hint=f"choose one from {SMALLEST_FLOOR} to {LARGEST_FLOOR}; 10 is the default",
        )
    return Method(floor, noise_table(-(-floor // 2), variance), absent, unit)
