"""The command that makes a page again, byte for byte: what a page says of itself under "Check this report"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports.language import Language

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult


@dataclass(frozen=True, slots=True)
class Origin:
    """What a page is made from and as: its own result holds neither."""

    form: Literal["html", "pdf"] = "html"
    """The report that the page is, or is printed as."""
    compared: bool = False
    """Whether `compare` put the change into it, which the result file then does not hold."""


FROM_THE_RESULT: Final = Origin()


@dataclass(frozen=True, slots=True)
class Again:
    """How a page is made again."""

    origin: Origin
    command: str


def command_again(result: AuditResult, languages: Sequence[Language], origin: Origin) -> str:
    """The command, for a page in these languages, the one that is chosen first at the head."""
    if origin.compared:
        # Without the plan no case can be looked up; named where none was, cases might be that were not.
        paired = result.change is not None and result.change.unpaired is None
        plan = " --plan plan.toml" if paired else ""
        return f"audit7k compare earlier/result.json result.json{plan} --out report.{origin.form}"
    codes = ",".join(language.short for language in languages)
    return f"audit7k report result.json --restricted --format {origin.form} --lang {codes}"
