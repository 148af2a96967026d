"""`comment.md` for a comment on a merge request: the verdict in a line, and the rest folded away. It has no link."""

from __future__ import annotations

from typing import Final

from audit.public.release import PublicRelease
from reports.markdown_text import literal
from reports.public.markdown_text import notes, tables
from reports.public.pipeline_reading import PipelineReading


class PublicMarkdownReporter:
    """Writes `comment.md`."""

    name: Final = "markdown"
    filename: Final = "comment.md"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        lines = [
            f"**{reading.verdict}.** {reading.next_step}",
            "",
            f"System: {literal(reading.title)}.",
            "",
            "<details><summary>Groups and limits</summary>",
            "",
            *tables(reading),
            *notes(reading),
            "",
            "</details>",
        ]
        return "\n".join(lines) + "\n"
