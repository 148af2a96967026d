"""The sheet of every figure: type, colours and shapes of the report, words around the axes, files that repeat.

Sizes are in inches from the edges, so that words never run into axes however many lines they take.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from xml.sax.saxutils import escape

from audit.errors import AuditError
from reports.figures.data import RESTRICTED, Head
from reports.html import palette
from reports.plain_text import xml_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 7.2
_EDGE: Final = 0.15
_LETTERS: Final = 108
_NOTE_LETTERS: Final = 122
_LINE: Final = 0.165
LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "fail": {"marker": "^", "color": palette.BEYOND, "markerfacecolor": palette.BEYOND, "markersize": 7},
    "pass": {"marker": "o", "color": palette.WITHIN, "markerfacecolor": palette.WITHIN, "markersize": 5.5},
    "inconclusive": {"marker": "o", "color": palette.UNDECIDED, "markerfacecolor": palette.PAPER, "markersize": 5.5},
    "not_judged": {"marker": "D", "color": palette.UNDECIDED, "markerfacecolor": palette.PAPER, "markersize": 5},
    "not_evaluable": {"marker": "x", "color": palette.UNDECIDED, "markerfacecolor": palette.PAPER, "markersize": 5},
}
"""The marks of outcomes. Shape and filling differ, so that they can be distinguished in grey."""
_SETTINGS: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": palette.INK,
    "text.parse_math": False,  # a dollar in somebody's title is a dollar
    "axes.labelcolor": palette.INK,
    "axes.edgecolor": palette.RULE_STRONG,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": palette.RULE,
    "grid.linewidth": 0.6,
    "xtick.color": palette.MUTED,
    "ytick.color": palette.MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "audit7k",
    "path.simplify": False,
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure with its words, and the place for axes, in inches from the lower left corner."""

    figure: Figure
    height: float
    left: float
    bottom: float
    width: float
    plot: float

    def axes(self, left: float, bottom: float, width: float, height: float, **more: Any) -> Axes:
        """Add axes at a place within the part for them, in inches."""
        bounds = (
            (self.left + left) / WIDTH, (self.bottom + bottom) / self.height, width / WIDTH, height / self.height
        )  # fmt: skip
        return self.figure.add_axes(bounds, **more)


@contextmanager
def settings() -> Iterator[None]:
    """Use the type and colours of all figures. Raises AuditError where there is no matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise AuditError('figures need the extra "figures"', slug="figure-extra") from None
    # Nobody's own matplotlibrc changes a figure.
    defaults: Any = {name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")}
    with mpl.rc_context(defaults | _SETTINGS):
        yield


def sheet(head: Head, plot: float) -> Sheet:
    """Return a figure with title, reference and notes around a part of `plot` inches for axes."""
    from matplotlib.figure import Figure

    title = textwrap.wrap(xml_text(head.title), 78) or [""]
    above = textwrap.wrap(xml_text(head.reference), _LETTERS)
    below = [line for note in (*head.notes, head.source) for line in textwrap.wrap(xml_text(note), _NOTE_LETTERS)]
    banner = 0.3 if head.restricted else 0.0
    top = banner + 0.12 + 0.22 * len(title) + _LINE * len(above) + 0.12
    bottom = 0.12 + _LINE * len(below)
    height = top + plot + bottom
    figure = Figure(figsize=(WIDTH, height), facecolor=palette.PAPER)
    figure.set_label(xml_text(head.described + (f" {RESTRICTED.capitalize()}." if head.restricted else "")))
    x, y = _EDGE / WIDTH, height
    if head.restricted:
        figure.text(
            0.5, 1 - 0.15 / height, RESTRICTED.capitalize(), ha="center", va="center", weight="bold",
            color=palette.PAPER,
            bbox={"facecolor": palette.INK, "edgecolor": palette.INK, "boxstyle": "square,pad=0.35"},
        )  # fmt: skip
        y -= banner
    y -= 0.12
    figure.suptitle("\n".join(title), x=x, y=y / height, ha="left", va="top", weight="bold", size=11.5)
    y -= 0.22 * len(title) + 0.02
    figure.text(x, y / height, "\n".join(above), ha="left", va="top", size=8.5, color=palette.MUTED, linespacing=1.3)
    figure.text(
        x,
        (bottom - 0.06) / height,
        "\n".join(below),
        ha="left",
        va="top",
        size=8,
        color=palette.MUTED,
        linespacing=1.35,
    )
    return Sheet(figure, height, _EDGE, bottom, WIDTH - 2 * _EDGE, plot)


def per_cent_axis(axis: Any) -> None:
    """Label an axis in per cent."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))


def logarithmic_axis(axis: Any) -> None:
    """Label a logarithmic axis of whole cases."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def wrapped(text: str, width: int = 60) -> str:
    """Return a text that somebody wrote, on lines that fit."""
    return "\n".join(textwrap.wrap(xml_text(text), width)) or " "


def image_of(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Return a figure as a file: no time, no version, the same bytes each time; title and description inside."""
    title, described = figure.get_suptitle().replace("\n", " "), str(figure.get_label())
    written = io.BytesIO()
    with settings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        if form == "png":
            figure.savefig(
                written, format="png", dpi=200, metadata={"Software": None, "Title": title, "Description": described}
            )
            return written.getvalue()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": "audit7k", "Title": title})
    text = written.getvalue().decode()
    head, named, rest = text.partition("</title>")
    image = head.replace("<svg ", '<svg role="img" ', 1)
    return f"{image}{named}\n <desc>{escape(described)}</desc>{rest}".encode()
