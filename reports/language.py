"""The language of a report: its words, its numbers, its direction. English is the only one so far.

Every sentence of a report goes through `translations` (in Python as `translations.gettext("…")` and `ngettext`, in
templates as `{% trans %}`), so that a catalog is all that a further language needs.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from gettext import NullTranslations
from typing import Literal

from reports.numbers import Numbers

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language of reports."""

    code: str
    """BCP 47, for the `lang` attribute."""
    direction: Literal["ltr", "rtl"]
    translations: NullTranslations = field(default_factory=NullTranslations)
    numbers: Numbers = field(default_factory=Numbers)

    def date(self, moment: str) -> str:
        """The day of an ISO 8601 moment: "24 November 2026"; the text itself where it is none."""
        try:
            day = dt.date.fromisoformat(moment[:10])
        except ValueError:
            return moment
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


ENGLISH = Language(code="en", direction="ltr")
