"""Writers of parts of the public page, and what they write with."""

from __future__ import annotations

from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRow
from reports.language import Language
from reports.public.reading import PublicReading
from reports.public.words import PublicWords


class Parts:
    """One release in one language. It is built once for each page."""

    def __init__(self, release: PublicRelease, language: Language) -> None:
        self.language = language
        self.reading = PublicReading(release)
        self.names = RowNames(release, language.translations, language.places)
        self.words = PublicWords(language, release.method)


class PublicWriter:
    """The base class of writers. Each writes a part of a page."""

    def __init__(self, parts: Parts) -> None:
        self.reading, self.names, self.words, self.language = parts.reading, parts.names, parts.words, parts.language
        self.release, self.about = parts.reading.release, parts.reading.about
        self.t, self.n = parts.language.translations, parts.language.numbers

    def standing(self, row: PublicRow) -> str:
        """Return the mark of a row whose numbers stand from an earlier audit; empty for others."""
        return "*" if row.as_of < self.about.finished else ""
