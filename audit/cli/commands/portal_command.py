"""Command `portal`: a static site over the public releases of many audits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.console.terminal import note, say
from audit.errors import ArgumentError
from audit.vocabulary.text import LANGUAGES, day_in


def portal(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with audits, at any depth.")],
    out: Annotated[Path, typer.Option(metavar="SITE", help="The site.")] = Path("audit-portal"),
    lang: Annotated[
        str | None,
        typer.Option(metavar="CODES", help=f"Languages, the first at the root: en,fr.  [{', '.join(LANGUAGES)}]"),
    ] = None,
    publisher: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who publishes it: a TOML file with name, logo, contact, text."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Whose signatures the site names: trust.toml.  [nobody's]"),
    ] = None,
    today: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD", help="The day on which validity is judged; it is shown.  [the real one]",
            show_default=False,
        ),
    ] = None,
) -> None:  # fmt: skip
    """Build a static site over many audits: systems, their history, a summary for each operator, a feed.

    Reads public releases (release.json) and never an exact result. The same releases and day give the same bytes.
    """
    from audit.cli.outputs.portal_audits import find_audits, is_site
    from audit.cli.outputs.portals import (
        find_portal,
        portal_files,
        portal_languages,
        read_publisher,
        refuse_place,
        write_site,
    )
    from audit.evidence.trust import read_trust

    day = _day(today)
    maker = find_portal()
    languages = portal_languages(maker, lang)
    refuse_place(out, folder, ours=is_site(out))
    published_by, pictures = (None, {}) if publisher is None else read_publisher(publisher)
    found_audits = find_audits(folder, out, day, None if trust is None else read_trust(trust))
    site = found_audits.site(day, languages, published_by)
    write_site(out, {**portal_files(maker, site), **pictures, **found_audits.copies})
    for count, words in (
        (found_audits.links, "links not followed"),
        (found_audits.sites, "portals passed over"),
        (found_audits.again, "releases in other languages or formats, of audits that stand here once"),
        (found_audits.others, "reports not copied, as they are not what this version makes of their releases"),
    ):
        if count:
            note(f"note: {words}: {count}")
    systems = {(audit.release.about.owner, audit.system) for audit in site.audits}
    say(f"Portal: {out / 'index.html'} (audits: {len(site.audits)}, systems: {len(systems)}, as of {day.isoformat()})")


def _day(text: str | None) -> dt.date:
    if text is None:
        return dt.datetime.now(dt.UTC).date()
    day = day_in(text)
    if day is None:
        raise ArgumentError("--today is no day", slug="portal-day")
    return day
