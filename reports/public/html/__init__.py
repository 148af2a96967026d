"""The public report: one self-contained HTML file without scripts, requests or inline styles, of rows of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.public.release import PublicRelease

__all__ = ["PublicHtmlReporter"]


class PublicHtmlReporter:
    """Writes the public `report.html`: the verdict, who is affected, how sure that is, and how to check it."""

    def render(self, release: PublicRelease) -> str:
        """Return the whole file as text, in the languages of the release; the same for the same release."""
        from reports.languages import language
        from reports.public.html.document import document

        codes = tuple(dict.fromkeys(release.about.languages)) or ("en",)
        return document(release, [language(code) for code in codes])
