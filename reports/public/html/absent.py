"""Sections without evidence: each keeps its place and its heading, and says why nothing is shown.

Why follows from the plan and from what the release publishes at all, never from a count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reports.language import Language
from reports.public.reading import PublicReading


@dataclass(frozen=True, slots=True)
class Absent:
    """A section of which nothing is shown."""

    anchor: str
    title: str
    why: str


def absent_sections(reading: PublicReading, present: Collection[str], language: Language) -> dict[str, Absent]:
    """By its anchor each section of the page that is not among those `present`."""
    t = language.translations
    of_figures = {
        "gender": (t.gettext("By gender"), t.gettext("This audit has no public figures by gender.")),
        "region": (t.gettext("By region"), t.gettext("This audit has no public figures by region.")),
        "both": (
            t.gettext("By nationality and gender together"),
            t.gettext("This audit has no public figures by nationality and gender together."),
        ),
        "sure": (
            t.gettext("How sure it is"),
            t.gettext("This audit has no limit on a rate that the public figures hold."),
        ),
        "all": (
            t.gettext("All groups at once"),
            t.gettext("This audit has no limit on a rate that the public figures hold."),
        ),
        "nationality": (t.gettext("By nationality"), t.gettext("This audit has no public figures by nationality.")),
    }
    needs_rates = ("both", "sure", "all")
    found = {}
    for anchor, (title, why) in of_figures.items():
        if anchor in present:
            continue
        reason = why
        if not reading.shown:
            reason = t.gettext("No figures are published; the top of this page says why.")
        elif anchor in needs_rates and not reading.has_rates:
            reason = t.gettext(
                "No rates are made of the public figures of this set; “About the figures on this page” says why."
            )
        found[anchor] = Absent(anchor, title, reason)
    return found
