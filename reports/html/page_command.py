"""The command that makes a page again, byte for byte. A page shows it under "Check this report"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports.language import Language

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a page: its source and form, which its own result does not hold."""

    form: Literal["html", "pdf"] = "html"
    """The report that the page is, or that it is printed as."""
    compared: bool = False
    """Whether `compare` put the change into the page. The result file then does not hold the change."""


FROM_THE_RESULT: Final = Origin()


@dataclass(frozen=True, slots=True)
class PageCommand:
    """The origin of a page and the command that makes it again."""

    origin: Origin
    command: str


def page_command(result: AuditResult, languages: Sequence[Language], origin: Origin) -> str:
    """Return the command for a page in these languages. The language that is chosen first stands first."""
    if origin.compared:
        # Without a plan no cases are looked up. With one, where none was named, cases might be paired that were not.
        paired = result.change is not None and result.change.unpaired is None
        plan = " --plan plan.toml" if paired else ""
        return f"audit7k compare earlier/result.json result.json{plan} --out report.{origin.form}"
    codes = ",".join(language.short for language in languages)
    return f"audit7k report result.json --restricted --format {origin.form} --lang {codes}"
