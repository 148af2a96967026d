"""Public releases of made-up audits, in folders as an audit leaves them."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from made import releases

from audit.cli.outputs.portal_audits import find_audits
from audit.public.release import PublicRelease, public_json
from audit.public.site import PublicPublisher, PublicSite
from reports.portal import SitePortal
from reports.public.html.document import html_file

MINISTRY, BORDER, BANK = "Ministry of Labour", "Border Agency", "Financial Intelligence Unit"
TODAY = "2026-11-26"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z" fill="#12436d"/></svg>'


def made_release(kind: str = "pass", set_id: str = "one set", **about: Any) -> PublicRelease:
    """Return a release of `made.releases` with other facts about it."""
    release = releases.made_release(kind)
    other = {name: value for name, value in about.items() if name != "languages"}
    result = hashlib.sha256(repr((kind, sorted(other.items()))).encode()).hexdigest()
    changed = {
        "digests": {"result": result},
        "finished": "2026-11-20",
        "valid_until": "2027-11-20",
        "languages": ("en",),
        **about,
    }
    return release.model_copy(update={"about": release.about.model_copy(update=changed), "set_id": set_id})


@cache
def _page(text: str) -> str:
    return html_file(PublicRelease.model_validate_json(text))


def put(folder: Path, release: PublicRelease, report: str | None = "made") -> Path:
    """Write a release and a report as an audit leaves them; the path of `release.json`.

    `report` is what stands in it; "made" is the public report of the release.
    """
    public = folder / "public"
    public.mkdir(parents=True)
    (public / "release.json").write_text(public_json(release), encoding="utf-8")
    if report is not None:
        text = _page(public_json(release)) if report == "made" else report
        (public / "report.html").write_text(text, encoding="utf-8")
    return public / "release.json"


def made_audits(folder: Path, report: str | None = "made") -> Path:
    """Four systems of three operators, in every state; one of them with three audits, two of them of one set."""
    screener: dict[str, Any] = {"system": "Advert screener", "owner": MINISTRY, "use": "moderation"}
    for year, kind, set_id in (("2024", "inconclusive", "an earlier set"), ("2025", "inconclusive", "a set"),
                               ("2026", "pass", "a set")):  # fmt: skip
        about = {"finished": f"{year}-11-20", "valid_until": f"{int(year) + 1}-11-20"}
        release = made_release(kind, set_id, title=f"Advert screener 2.{int(year) - 2023}", **about, **screener)
        put(folder / "screener" / year, release, report)
    hotline = {"title": "Hotline triage 1", "owner": MINISTRY, "use": "hotline-triage", "finished": "2026-06-20"}
    put(folder / "hotline", made_release("fail", "calls", **hotline), report)
    money = {"finished": "2023-02-01", "valid_until": "2024-02-01", "use": "financial-monitoring", "owner": BANK}
    put(
        folder / "money",
        made_release("pass", "payments", title="Payment monitor 4", primary_harm="wrongly_flagged", **money),
        report,
    )
    border = {"finished": "2026-02-01", "valid_until": None, "title": "Border risk score 7", "use": "border-screening"}
    put(folder / "border" / "deeper" / "still", made_release("none", "", owner=BORDER, **border), None)
    return folder


def made_site(
    folder: Path,
    languages: tuple[str, ...] = ("en",),
    today: str = TODAY,
    publisher: PublicPublisher | None = None,
) -> PublicSite:
    """Return what `portal` would make of a folder."""
    day = dt.date.fromisoformat(today)
    return find_audits(folder, folder / "no-site", day).site(day, languages, publisher)


def rendered(site: PublicSite) -> dict[str, bytes]:
    """Render the pages of a site."""
    return dict(SitePortal().render(site))
