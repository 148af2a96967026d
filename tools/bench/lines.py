"""Table that the bench prints: what was measured, the goal, and whether it is met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    measured: float | None
    """Measured value; None if it could not be measured."""
    unit: str
    goal: float | None = None
    """Largest value that is good; None if there is no goal."""
    note: str = ""

    @property
    def verdict(self) -> str:
        """Word for the line: `ok`, `over`, `not measured`, or nothing if there is no goal."""
        if self.measured is None:
            return "not measured"
        if self.goal is None:
            return ""
        return "ok" if self.measured <= self.goal else "over"


def table(lines: list[Line]) -> str:
    """Write the lines as text, in columns."""
    rows = [("what", "measured", "goal", "", "")]
    rows += [
        (
            line.what,
            "-" if line.measured is None else f"{_number(line.measured)} {line.unit}",
            "-" if line.goal is None else f"<= {_number(line.goal)} {line.unit}",
            line.verdict,
            line.note,
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
