"""Figures for papers: matplotlib objects, and SVG or PNG files whose bytes repeat.

    from reports.figures import forest, image
    figure = forest(release)              # a matplotlib Figure, to be changed at will
    Path("forest.svg").write_bytes(image(figure, "svg"))

Figures of a `PublicRelease` draw its printed rows. An `AuditResult` holds exact counts, so a figure of one says
inside the picture that it is restricted. matplotlib comes with the extra `figures` and is loaded when a figure is
drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, Never, TypeVar, get_args

from audit.errors import AuditError
from audit.public.release import PublicRelease
from reports.figures.drawings import draw_forest, draw_funnel, draw_reliability, draw_sweep
from reports.figures.of_release import forest_of_release, funnel_of_release
from reports.figures.of_result import forest_of_result, funnel_of_result, reliability_of_result, sweep_of_result
from reports.figures.sheet import image_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from audit.result.audit_result import AuditResult

__all__ = ["KINDS", "PaperFigures", "forest", "funnel", "image", "reliability", "sweep"]

Kind = Literal["funnel", "forest", "sweep", "reliability"]
Data = TypeVar("Data")
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def funnel(source: PublicRelease | AuditResult, *, rule: str | None = None, by: str | None = None) -> Figure:
    """Draw the rate of each group over its number of cases.

    Parameters
    ----------
    source : PublicRelease or AuditResult
        What to draw. For a result, the lines are the limits of the verdict. For a release, the lines show where chance
        and the change of numbers alone would leave rows, and the marks show the words of rows.
    rule : str, optional
        Id of a rule; by default the first of a result, and the one on the error that harms most of a release.
    by : str, optional
        `gender`, `gender+nationality`; of a result also rungs, `nationality:m49-region`. By default the first family
        that can be drawn.

    Raises
    ------
    AuditError
        If there is no such rule or family, nothing to draw, or no matplotlib.
    """
    return draw_funnel(_data(source, funnel_of_release, funnel_of_result, rule, by))


def forest(source: PublicRelease | AuditResult, *, rule: str | None = None, by: str | None = None) -> Figure:
    """Draw the rate of each group with its range, everyone else's rate and the limit. Parameters, errors: `funnel`."""
    return draw_forest(_data(source, forest_of_release, forest_of_result, rule, by))


def sweep(source: PublicRelease | AuditResult, *, rule: str | None = None, by: str | None = None) -> Figure:
    """Draw the victims found and the others wrongly flagged at other thresholds. Errors as of `funnel`, and for a
    public release.
    """
    return draw_sweep(_data(source, _not_public("sweep"), sweep_of_result, rule, by))


def reliability(source: PublicRelease | AuditResult, *, rule: str | None = None, by: str | None = None) -> Figure:
    """Draw whether scores mean what they say, group by group. Errors as of `sweep`; `rule` is not used."""
    return draw_reliability(_data(source, _not_public("reliability"), reliability_of_result, rule, by))


def _data(
    source: PublicRelease | AuditResult,
    of_release: Callable[[PublicRelease, str | None, str | None], Data],
    of_result: Callable[[AuditResult, str | None, str | None], Data],
    rule: str | None,
    by: str | None,
) -> Data:
    """Return the data of a figure. The type of the source says whether it is public or exact."""
    if isinstance(source, PublicRelease):
        return of_release(source, rule, by)
    return of_result(source, rule, by)


def _not_public(kind: str) -> Callable[[PublicRelease, str | None, str | None], Never]:
    def refuse(release: PublicRelease, rule: str | None, by: str | None) -> Never:  # noqa: ARG001 - as the others
        raise AuditError(
            f"a public release holds no scores, and no {kind} can be drawn from it", slug="figure-not-public"
        )

    return refuse


def image(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Return a figure as a file: the same bytes for the same figure, with its title and description inside."""
    return image_of(figure, form)


class PaperFigures:
    """Maker of the figures of `audit7k figure`."""

    name: str = "matplotlib"
    kinds: tuple[str, ...] = KINDS

    def draw(
        self,
        kind: str,
        source: PublicRelease | AuditResult,
        form: Literal["svg", "png"],
        rule: str | None,
        by: str | None,
    ) -> bytes:
        """Return the file of a figure. Raises AuditError as the functions of this module do."""
        builders = {"funnel": funnel, "forest": forest, "sweep": sweep, "reliability": reliability}
        return image(builders[kind](source, rule=rule, by=by), form)
