"""Names of groups of a public table, in the reader's language, as the report names them."""

from __future__ import annotations

from audit.public.table import PublicRelease
from reports.language import Language
from reports.names import Names
from reports.public.reading import PublicReading


def names_of(release: PublicRelease, language: Language) -> Names:
    """The names of every group of a release."""
    return Names(PublicReading(release).features, language)
