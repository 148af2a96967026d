"""Forest plots: a row for each group, with its rate and interval, the reference and the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.figures.data import Forest, ForestRow
from reports.figures.sheet import LOOKS, per_cent_axis, settings, sheet, wrapped
from reports.html import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW: Final = 0.235
_NAMES: Final = 2.2
_NUMBERS: Final = 1.75


def draw(forest: Forest) -> Figure:
    """Draw the figure. Lines are labelled: `row N` with the interval and mark of a row, `reference`, `limit`."""
    rows = forest.rows
    with settings():
        page = sheet(forest.head, _ROW * len(rows) + 0.95)
        axes = page.axes(_NAMES, 0.55, page.width - _NAMES - _NUMBERS, _ROW * len(rows) + 0.1)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), [wrapped(row.name, 200)[:38] for row in rows])
        axes.tick_params(axis="y", length=0, labelcolor=palette.INK, labelsize=8.5)
        axes.grid(visible=False, axis="y")
        if forest.reference is not None:
            axes.axvline(forest.reference, color=palette.INK, linewidth=1.2, label="reference", zorder=1)
        for limit in forest.limits:
            axes.axvline(limit, color=palette.BEYOND, linewidth=1.2, linestyle=(0, (4, 3)), label="limit", zorder=1)
        for place, row in enumerate(rows):
            _row(axes, place, row)
        axes.set_xlim(*_span(forest))
        axes.set_xlabel(wrapped(forest.counted, 52))
        per_cent_axis(axes.xaxis)
        _heads(axes, forest)
        return page.figure


def _row(axes: Axes, place: int, row: ForestRow) -> None:
    look = LOOKS[row.outcome]
    if row.rest is not None:
        axes.plot(
            [row.rest, row.rest], [place - 0.36, place + 0.36], color=palette.INK, linewidth=1, label=f"rest {place}"
        )
    for limit in row.limits:
        axes.plot(
            [limit, limit], [place - 0.36, place + 0.36], color=palette.BEYOND, linewidth=1, linestyle=(0, (2, 1.2)),
            label=f"limit {place}",
        )  # fmt: skip
    dashes = "-" if row.value is not None else (0, (2, 1.5))
    axes.plot(
        [row.low, row.high], [place, place], color=look["color"], linewidth=2 if row.outcome == "fail" else 1.4,
        linestyle=dashes, label=f"row {place}",
    )  # fmt: skip
    if row.value is not None:
        axes.plot([row.value], [place], linestyle="none", label=f"mark {place}", markeredgewidth=1.3, **look)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "size": 8.5}
    axes.text(1.03, place, row.rate_text, **beside)
    axes.text(1.03 + 1.68 / _width(axes), place, row.cases, ha="right", **beside)


def _width(axes: Axes) -> float:
    """Return the width of the axes in inches."""
    figure = axes.get_figure()
    assert figure is not None  # noqa: S101 - they were made on one
    return float(axes.get_position().width * figure.get_figwidth())  # type: ignore[union-attr]


def _heads(axes: Axes, forest: Forest) -> None:
    head: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom", "size": 8, "color": palette.MUTED}
    axes.text(1.03, -0.62, f"rate ({forest.interval})", **head)
    axes.text(1.03 + 1.68 / _width(axes), -0.62, "cases", ha="right", **head)
    line: dict[str, Any] = {
        "xycoords": axes.get_xaxis_transform(),
        "textcoords": "offset points",
        "va": "bottom",
        "ha": "center",
        "size": 8,
    }
    if forest.reference is not None:
        axes.annotate("everyone", (forest.reference, 1.0), xytext=(0, 2), color=palette.INK, **line)
    for limit in forest.limits:
        axes.annotate("limit", (limit, 1.0), xytext=(0, 11), color=palette.BEYOND, **line)


def _span(forest: Forest) -> tuple[float, float]:
    """Return the part of 0 to 1 that holds everything drawn, with a margin."""
    ends = [end for row in forest.rows for end in (row.low, row.high, *row.limits, row.rest) if end is not None]
    ends += [*forest.limits, *([] if forest.reference is None else [forest.reference])]
    room = max((max(ends) - min(ends)) * 0.04, 0.01)
    return max(min(ends) - room, -0.01), min(max(ends) + room, 1.01)
