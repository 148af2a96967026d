"""`comment.md` for a comment on a merge request: the verdict in a line, and the rest folded away. It has no link."""

from __future__ import annotations

from typing import Final

from audit.public.table import PublicRelease
from reports.markdown_text import literal
from reports.public.markdown_text import counts_table, findings_tables, waiver_lines
from reports.public.pipeline_reading import PipelineReading

_MOST: Final = 10


class PublicMarkdownReporter:
    """Writes `comment.md`."""

    name: Final = "markdown"
    filename: Final = "comment.md"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        features = ", ".join(literal(name) for name in reading.about.without_figures[:_MOST])
        lines = [
            f"**{reading.verdict}.** {reading.next_step}",
            "",
            f"System: {literal(reading.title)}. {reading.notice}.",
            "",
            "<details><summary>Groups and limits</summary>",
            "",
            *counts_table(reading),
            "",
            *findings_tables(reading, _MOST),
            *waiver_lines(reading),
            *(f"- {note}" for note in reading.sentences(features)),
            "",
            "</details>",
        ]
        return "\n".join(lines) + "\n"
