"""Sweeps: victims found and others wrongly flagged at every threshold, for everyone and some groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.figures.data import Curve, Sweep
from reports.figures.sheet import per_cent_axis, settings, sheet, wrapped
from reports.html import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL: Final = 2.3
_CURVES: Final[tuple[dict[str, Any], ...]] = (
    {"color": palette.BEYOND, "linestyle": "-", "marker": "^"},
    {"color": palette.WITHIN, "linestyle": (0, (5, 2)), "marker": "s"},
    {"color": palette.WITHIN_AREA, "linestyle": "-", "marker": "o"},
    {"color": palette.UNDECIDED, "linestyle": (0, (1, 1.2)), "marker": "D"},
    {"color": palette.BEYOND, "linestyle": (0, (5, 2)), "marker": "v"},
    {"color": palette.WITHIN, "linestyle": (0, (5, 1.5, 1, 1.5)), "marker": "P"},
)
"""Styles of curves. Shape and dashes differ, so that curves can be distinguished in grey."""


def draw(sweep: Sweep) -> Figure:
    """Draw the figure: two axes over one scale of thresholds. Curves are labelled with the names of groups."""
    rows = -(-(len(sweep.groups) + 2) // 3)
    foot = 0.6 + 0.2 * rows
    with settings():
        page = sheet(sweep.head, 2 * _PANEL + 0.3 + foot)
        upper = page.axes(0.9, foot + _PANEL + 0.2, page.width - 1.05, _PANEL)
        lower = page.axes(0.9, foot, page.width - 1.05, _PANEL, sharex=upper)
        _curves(upper, sweep, found=True)
        _curves(lower, sweep, found=False)
        upper.tick_params(axis="x", labelbottom=False)
        lower.set_xlabel("Threshold: cases with at least this score are flagged")
        lower.legend(loc="upper center", bbox_to_anchor=(0.46, -0.2), ncols=3, borderaxespad=0.0, columnspacing=1.4)
        return page.figure


def _curves(axes: Axes, sweep: Sweep, *, found: bool) -> None:
    if sweep.chosen is not None:
        axes.axvline(
            sweep.chosen, color=palette.INK, linewidth=1.1, linestyle=(0, (2, 2)), label="threshold of the plan"
        )
    for curve, look in zip(sweep.groups, _CURVES, strict=False):
        axes.plot(
            sweep.thresholds, _shares(curve, found=found), label=wrapped(curve.name, 200)[:38], linewidth=1.4,
            markersize=4, markevery=2, **look,
        )  # fmt: skip
    axes.plot(
        sweep.thresholds,
        _shares(sweep.everyone, found=found),
        label=sweep.everyone.name,
        color=palette.INK,
        linewidth=2.4,
    )
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(wrapped(sweep.counted[0 if found else 1], 30))
    per_cent_axis(axes.yaxis)


def _shares(curve: Curve, *, found: bool) -> list[float]:
    shares = curve.found if found else curve.flagged
    return [float("nan") if share is None else share for share in shares]
