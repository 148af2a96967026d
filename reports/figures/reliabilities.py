"""Reliability diagrams: a panel for everyone and for each group, with the number of cases under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.figures.data import Panel, Reliability
from reports.figures.sheet import Sheet, per_cent_axis, settings, sheet, wrapped
from reports.html import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from audit.result.findings.scores import CalibrationBin

_ACROSS: Final = 3
_HEIGHT: Final = 1.75
_BARS: Final = 0.45
_ROW: Final = _HEIGHT + _BARS + 0.55


def draw(reliability: Reliability) -> Figure:
    """Draw the figure. Each panel has a line `labels` of scores and shares with its intervals, and bars of cases
    below.
    """
    panels = reliability.panels
    rows = -(-len(panels) // _ACROSS)
    with settings():
        page = sheet(reliability.head, _ROW * rows + 0.4)
        for place, panel in enumerate(panels):
            _panel(page, panel, place, rows, last=place + _ACROSS >= len(panels))
        page.figure.text(
            0.5, (page.bottom + 0.12) / page.height, "Mean score of the cases of a bin", ha="center", va="bottom"
        )
        return page.figure


def _panel(page: Sheet, panel: Panel, place: int, rows: int, *, last: bool) -> None:
    down, across = divmod(place, _ACROSS)
    width = (page.width - 0.8) / _ACROSS
    left = 0.78 + across * width
    bottom = 0.55 + (rows - 1 - down) * _ROW
    upper = page.axes(left, bottom + _BARS + 0.08, width - 0.28, _HEIGHT - 0.08)
    lower = page.axes(left, bottom, width - 0.28, _BARS, sharex=upper)
    scores = [part.mean_score for part in panel.bins]
    upper.plot([0, 1], [0, 1], color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)), label="scores as labels")
    upper.vlines(
        scores, [_or_observed(part, part.observed_low) for part in panel.bins],
        [_or_observed(part, part.observed_high) for part in panel.bins], color=palette.WITHIN,
        linewidth=1.4, label="intervals",
    )  # fmt: skip
    upper.plot(
        scores, [part.observed for part in panel.bins], color=palette.WITHIN, marker="o", markersize=4, linewidth=1,
        label="labels",
    )  # fmt: skip
    lower.bar(scores, [part.cases for part in panel.bins], width=0.06, color=palette.WITHIN_AREA, label="cases")
    upper.set_xlim(-0.03, 1.03)
    upper.set_ylim(-0.03, 1.03)
    upper.set_title(wrapped(panel.name, 30), size=9, loc="left", pad=4)
    upper.tick_params(axis="x", labelbottom=False)
    lower.grid(visible=False)
    lower.tick_params(labelsize=7)
    lower.tick_params(axis="x", labelbottom=last)
    most = max((part.cases for part in panel.bins), default=1)
    lower.set_yticks([0, most], ["0", f"{most:,}"])
    per_cent_axis(upper.yaxis)
    if across == 0:
        upper.set_ylabel("Labelled as victims,\namong cases of the bin", size=8.5)
        lower.set_ylabel("Cases", size=8)
    else:
        upper.tick_params(axis="y", labelleft=False)


def _or_observed(part: CalibrationBin, end: float | None) -> float:
    return part.observed if end is None else end
