"""Funnels: rates of groups over their number of cases, with lines over size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.figures.data import Funnel
from reports.figures.sheet import LOOKS, per_cent_axis, settings, sheet, wrapped
from reports.html import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLOT: Final = 3.9
_LINES: Final[dict[str, dict[str, Any]]] = {
    "fail": {"color": palette.BEYOND, "linewidth": 1.6, "linestyle": "-"},
    "pass": {"color": palette.WITHIN, "linewidth": 1.6, "linestyle": (0, (5, 3))},
    "inner": {"color": palette.MUTED, "linewidth": 1.0, "linestyle": (0, (5, 3))},
    "outer": {"color": palette.MUTED, "linewidth": 1.0, "linestyle": "-"},
}
_WORDS: Final = {
    "fail": "beyond the limit",
    "pass": "within the limit",
    "inconclusive": "cannot tell",
    "not_evaluable": "no rate stated",
    "not_judged": "not judged by this limit",
}


def draw(funnel: Funnel) -> Figure:
    """Draw the figure. Marks of one outcome are one line, labelled with its words. Other lines have their names."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    with settings():
        page = sheet(funnel.head, _PLOT)
        axes = page.axes(0.85, 0.95, page.width - 0.95, _PLOT - 1.05)
        axes.set_xscale("log")
        if funnel.reference is not None:
            axes.axhline(funnel.reference, color=palette.INK, linewidth=1.2, label="everyone")
        for place, limit in enumerate(funnel.limits):
            axes.axhline(
                limit, color=palette.BEYOND, linewidth=1.1, linestyle=(0, (2, 2)),
                label="_limit" if place else "limit, from everyone's rate",
            )  # fmt: skip
        for place, line in enumerate(funnel.lines):
            if line.points:
                cases, rates = zip(*line.points, strict=True)
                axes.plot(cases, rates, label=line.name or f"_line {place}", **_LINES[line.style])
        for outcome in ("not_judged", "not_evaluable", "inconclusive", "pass", "fail"):
            marks = [mark for mark in funnel.marks if mark.outcome == outcome]
            if marks:
                axes.plot(
                    [mark.cases for mark in marks], [mark.rate for mark in marks], linestyle="none",
                    label=f"{_WORDS[outcome]} ({len(marks)})", markeredgewidth=1.2, **LOOKS[outcome],
                )  # fmt: skip
        axes.set_xlim(*_sizes(funnel))
        axes.set_ylim(*_rates(funnel))
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(wrapped(f"{funnel.cases}, on a logarithmic axis", 100))
        axes.set_ylabel(wrapped(funnel.counted, 44))
        per_cent_axis(axes.yaxis)
        axes.legend(loc="upper center", bbox_to_anchor=(0.46, -0.15), ncols=3, borderaxespad=0.0, columnspacing=1.4)
        return page.figure


def _sizes(funnel: Funnel) -> tuple[float, float]:
    sizes = [float(mark.cases) for mark in funnel.marks]
    return min(sizes) / 1.25, max(sizes) * 1.25


def _rates(funnel: Funnel) -> tuple[float, float]:
    """Return the range that holds every group, the reference, its limits, and the limits of the verdict where groups
    are large.
    """
    rates = [mark.rate for mark in funnel.marks] + list(funnel.limits)
    rates += [] if funnel.reference is None else [funnel.reference]
    middle = sorted(mark.cases for mark in funnel.marks)[len(funnel.marks) // 2]
    verdict = [line for line in funnel.lines if line.style in ("fail", "pass")]
    rates += [rate for line in verdict for cases, rate in line.points if cases >= middle]
    room = max((max(rates) - min(rates)) * 0.08, 0.02)
    return max(min(rates) - room, -0.02), min(max(rates) + room, 1.02)
