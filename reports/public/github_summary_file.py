"""`summary.md` for the summary of a job on GitHub: the verdict, what comes next, each rule, at most ten rows."""

from __future__ import annotations

from typing import Final

from audit.public.release import PublicRelease
from reports.markdown_text import literal
from reports.public.markdown_text import notes, tables
from reports.public.pipeline_reading import PipelineReading

_SIGNS: Final = {"fail": "✕", "pass": "○", "inconclusive": "?", "expired": "!"}
"""Shapes, never a colour alone; none of them is a green tick."""


class PublicGithubSummaryReporter:
    """Writes `summary.md`."""

    name: Final = "github-summary"
    filename: Final = "summary.md"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        lines = [
            f"## {_SIGNS[reading.look]} {reading.verdict}",
            "",
            f"**What comes next.** {reading.next_step}",
            "",
            f"System: {literal(reading.title)}. Audited: {literal(reading.about.finished)}.",
            "",
            *tables(reading),
            *notes(reading),
        ]
        return "\n".join(lines) + "\n"
