"""Drawings of figures: forests, funnels, sweeps and reliability diagrams, from the data of `reports.figures.data`.

Forest plots: a row for each group, with its rate and interval, the reference and the limit.

Sweeps: victims found and others wrongly flagged at every threshold, for everyone and some groups.

Reliability diagrams: a panel for everyone and for each group, with the number of cases under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.figures.data import Curve, Forest, ForestRow, Funnel, Panel, Reliability, Sweep
from reports.figures.sheet import LOOKS, Sheet, logarithmic_axis, per_cent_axis, settings, sheet, wrapped
from reports.html import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from audit.result.findings.scores import CalibrationBin

_ACROSS: Final = 3
_PANEL_HEIGHT: Final = 1.75
_BARS_HEIGHT: Final = 0.45
_PANEL_ROW: Final = _PANEL_HEIGHT + _BARS_HEIGHT + 0.55


def draw_reliability(reliability: Reliability) -> Figure:
    """Draw the figure. Each panel has a line `labels` of scores and shares with its intervals, and bars of cases
    below.
    """
    panels = reliability.panels
    rows = -(-len(panels) // _ACROSS)
    with settings():
        page = sheet(reliability.head, _PANEL_ROW * rows + 0.4)
        for index, panel in enumerate(panels):
            _panel(page, panel, index, rows, last=index + _ACROSS >= len(panels))
        page.figure.text(
            0.5, (page.bottom + 0.12) / page.height, "Mean score of the cases of a bin", ha="center", va="bottom"
        )
        return page.figure


def _panel(page: Sheet, panel: Panel, index: int, rows: int, *, last: bool) -> None:
    down, across = divmod(index, _ACROSS)
    width = (page.width - 0.8) / _ACROSS
    left = 0.78 + across * width
    bottom = 0.55 + (rows - 1 - down) * _PANEL_ROW
    upper = page.axes(left, bottom + _BARS_HEIGHT + 0.08, width - 0.28, _PANEL_HEIGHT - 0.08)
    lower = page.axes(left, bottom, width - 0.28, _BARS_HEIGHT, sharex=upper)
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


def draw_sweep(sweep: Sweep) -> Figure:
    """Draw the figure: two axes over one scale of thresholds. Curves are labelled with the names of groups."""
    rows = -(-(len(sweep.groups) + 2) // 3)
    foot = 0.6 + 0.2 * rows
    with settings():
        page = sheet(sweep.head, 2 * _PANEL + 0.3 + foot)
        upper = page.axes(0.9, foot + _PANEL + 0.2, page.width - 1.05, _PANEL)
        lower = page.axes(0.9, foot, page.width - 1.05, _PANEL, sharex=upper)
        _curves(upper, sweep, of_victims=True)
        _curves(lower, sweep, of_victims=False)
        upper.tick_params(axis="x", labelbottom=False)
        lower.set_xlabel("Threshold: cases with at least this score are flagged")
        lower.legend(loc="upper center", bbox_to_anchor=(0.46, -0.2), ncols=3, borderaxespad=0.0, columnspacing=1.4)
        return page.figure


def _curves(axes: Axes, sweep: Sweep, *, of_victims: bool) -> None:
    if sweep.chosen is not None:
        axes.axvline(
            sweep.chosen, color=palette.INK, linewidth=1.1, linestyle=(0, (2, 2)), label="threshold of the plan"
        )
    for curve, look in zip(sweep.groups, _CURVES, strict=False):
        axes.plot(
            sweep.thresholds, _shares(curve, of_victims=of_victims), label=wrapped(curve.name, 200)[:38], linewidth=1.4,
            markersize=4, markevery=2, **look,
        )  # fmt: skip
    axes.plot(
        sweep.thresholds,
        _shares(sweep.everyone, of_victims=of_victims),
        label=sweep.everyone.name,
        color=palette.INK,
        linewidth=2.4,
    )
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(wrapped(sweep.counted[0 if of_victims else 1], 30))
    per_cent_axis(axes.yaxis)


def _shares(curve: Curve, *, of_victims: bool) -> list[float]:
    shares = curve.victims_found if of_victims else curve.flagged
    return [float("nan") if share is None else share for share in shares]


_ROW: Final = 0.235
_NAMES: Final = 2.2
_NUMBERS: Final = 1.75


def draw_forest(forest: Forest) -> Figure:
    """Draw the figure. Lines are labelled: `row N` with the interval and mark of a row, `reference`, `limit`."""
    rows = forest.rows
    with settings():
        counted = wrapped(forest.counted, 52)
        foot = 0.4 + 0.16 * len(counted.splitlines())
        page = sheet(forest.head, _ROW * len(rows) + 0.4 + foot)
        axes = page.axes(_NAMES, foot, page.width - _NAMES - _NUMBERS, _ROW * len(rows) + 0.1)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), [wrapped(row.name, 200)[:38] for row in rows])
        axes.tick_params(axis="y", length=0, labelcolor=palette.INK, labelsize=8.5)
        axes.grid(visible=False, axis="y")
        if forest.reference is not None:
            axes.axvline(forest.reference, color=palette.INK, linewidth=1.2, label="reference", zorder=1)
        for limit in forest.limits:
            axes.axvline(limit, color=palette.BEYOND, linewidth=1.2, linestyle=(0, (4, 3)), label="limit", zorder=1)
        for row_index, row in enumerate(rows):
            _row(axes, row_index, row)
        axes.set_xlim(*_span(forest))
        axes.set_xlabel(counted)
        per_cent_axis(axes.xaxis)
        _heads(axes, forest)
        return page.figure


def _row(axes: Axes, row_index: int, row: ForestRow) -> None:
    look = LOOKS[row.outcome]
    if row.rest is not None:
        axes.plot(
            [row.rest, row.rest],
            [row_index - 0.36, row_index + 0.36],
            color=palette.INK,
            linewidth=1,
            label=f"rest {row_index}",
        )
    for limit in row.limits:
        axes.plot(
            [limit, limit], [row_index - 0.36, row_index + 0.36], color=palette.BEYOND, linewidth=1,
            linestyle=(0, (2, 1.2)), label=f"limit {row_index}",
        )  # fmt: skip
    dashes = "-" if row.value is not None else (0, (2, 1.5))
    axes.plot(
        [row.low, row.high], [row_index, row_index], color=look["color"], linewidth=2 if row.outcome == "fail" else 1.4,
        linestyle=dashes, label=f"row {row_index}",
    )  # fmt: skip
    if row.value is not None:
        axes.plot([row.value], [row_index], linestyle="none", label=f"mark {row_index}", markeredgewidth=1.3, **look)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "size": 8.5}
    axes.text(1.03, row_index, row.rate_text, **beside)
    axes.text(1.03 + 1.68 / _width(axes), row_index, row.cases, ha="right", **beside)


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


def draw_funnel(funnel: Funnel) -> Figure:
    """Draw the figure. Marks of one outcome are one line, labelled with its words. Other lines have their names."""
    with settings():
        page = sheet(funnel.head, _PLOT)
        axes = page.axes(0.85, 0.95, page.width - 0.95, _PLOT - 1.05)
        axes.set_xscale("log")
        if funnel.reference is not None:
            axes.axhline(funnel.reference, color=palette.INK, linewidth=1.2, label="everyone")
        for index, limit in enumerate(funnel.limits):
            axes.axhline(
                limit, color=palette.BEYOND, linewidth=1.1, linestyle=(0, (2, 2)),
                label="_limit" if index else "limit, from everyone's rate",
            )  # fmt: skip
        for index, line in enumerate(funnel.lines):
            if line.points:
                cases, rates = zip(*line.points, strict=True)
                axes.plot(cases, rates, label=line.name or f"_line {index}", **_LINES[line.style])
        for outcome in ("not_judged", "not_evaluable", "inconclusive", "pass", "fail"):
            marks = [mark for mark in funnel.marks if mark.outcome == outcome]
            if marks:
                axes.plot(
                    [mark.cases for mark in marks], [mark.rate for mark in marks], linestyle="none",
                    label=f"{_WORDS[outcome]} ({len(marks)})", markeredgewidth=1.2, **LOOKS[outcome],
                )  # fmt: skip
        axes.set_xlim(*_sizes(funnel))
        axes.set_ylim(*_rates(funnel))
        logarithmic_axis(axes.xaxis)
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
