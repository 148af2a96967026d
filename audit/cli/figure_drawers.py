"""Finds what draws figures by entry point, as reporters are found: `audit` never names the package that draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

from audit.cli.offered import nothing_of_the_kind, offered
from audit.errors import AuditError

if TYPE_CHECKING:
    from audit.public.table import PublicRelease
    from audit.result.audit_result import AuditResult

GROUP: Final = "audit.figures"


@runtime_checkable
class Figures(Protocol):
    """What draws figures for papers. An entry point of `audit.figures` names a class of these."""

    kinds: tuple[str, ...]
    """What it can draw."""

    def draw(
        self,
        kind: str,
        source: PublicRelease | AuditResult,
        form: Literal["svg", "png"],
        rule: str | None,
        by: str | None,
    ) -> bytes:
        """The file of a figure."""
        ...


class GuardedFigures:
    """Figures that never say what went wrong in words of a third party, which may quote a result."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def draw(
        self, kind: str, source: PublicRelease | AuditResult, form: str, rule: str | None, by: str | None
    ) -> bytes:
        """The file of a figure. Raises AuditError where it cannot be drawn."""
        try:
            return self._figures.draw(kind, source, "png" if form == "png" else "svg", rule, by)
        except AuditError:
            raise
        except Exception as error:
            raise AuditError(
                f"the figure failed ({type(error).__name__})",
                slug="figure-failed",
                hint="run again as `audit7k --debug …`",
            ) from error


def find_figures(name: str = "matplotlib") -> GuardedFigures:
    """What an installed package offers under this name. Raises AuditError where nothing is, or it cannot be loaded."""
    figures = offered(GROUP, name, "figures")
    if not isinstance(figures, Figures):
        raise nothing_of_the_kind("figures")
    return GuardedFigures(figures)
