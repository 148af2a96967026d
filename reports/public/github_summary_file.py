"""`summary.md` for the summary of a job on GitHub: verdict, four counts, at most ten groups, and what comes next."""

from __future__ import annotations

from typing import Final

from audit.public.table import PublicRelease
from reports.markdown_text import literal
from reports.public.markdown_text import counts_table, findings_tables, waiver_lines
from reports.public.pipeline_reading import PipelineReading

_MOST: Final = 10
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
            f"System: {literal(reading.title)}. Audited: {literal(reading.about.finished)}. {reading.notice}.",
            "",
            *counts_table(reading),
            "",
            *findings_tables(reading, _MOST),
            *waiver_lines(reading),
            f"**What comes next.** {reading.next_step}",
            "",
            *_notes(reading),
        ]
        return "\n".join(lines) + "\n"


def _notes(reading: PipelineReading) -> list[str]:
    features = ", ".join(literal(name) for name in reading.about.without_figures[:_MOST])
    return [f"- {note}" for note in reading.sentences(features)]
