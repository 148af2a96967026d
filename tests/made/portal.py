"""Public releases of made-up audits, in folders as an audit leaves them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from made.disclosure import ABOUT, RULE, SECRET, made_counts, made_lattice, made_method
from made.public import ABOUT_ALL

from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.protect import protect
from audit.disclosure.words import public_release
from audit.public.about import PublicDigest
from audit.public.site import PublicSite
from audit.public.table import PublicRelease, PublicTable, public_json
from audit.vocabulary.groups import Group, Level
from reports.portal import SitePortal
from reports.public.html import PublicHtmlReporter

COUNTRIES = 6
MINISTRY, BORDER, BANK = "Ministry of Labour", "Border Agency", "Financial Intelligence Unit"
OTHER_SET = (PublicDigest(of="evaluation_set", blake2b="22" * 32),)


def _counts(rows: int, seed: int, found: float, poor: bool) -> CountsTable:
    counts = made_counts(rows, seed, countries=COUNTRIES, found=found)
    if not poor:
        return counts
    # Of the women of the largest country nearly all are missed.
    cells = {key: counts.cells[place].copy() for place, key in enumerate(counts.codes)}
    worst = cells[("woman", "C000")]
    worst[0, 0], worst[0, 1] = (worst[0, 0] + worst[0, 1]) // 5, (worst[0, 0] + worst[0, 1]) * 4 // 5
    return CountsTable.of(counts.features, cells)


@cache
def made_table(rows: int, seed: int, found: float, poor: bool = False) -> PublicTable:
    lattice = made_lattice(COUNTRIES, 3, 2)
    return protect(exact_counts(lattice, _counts(rows, seed, found, poor), SECRET), made_method()).table


def made_release(
    rows: int = 20_000, seed: int = 1, found: float = 0.8, poor: bool = False, outcome: Any = "pass", **about: Any
) -> PublicRelease:
    table = made_table(rows, seed, found, poor)
    return public_release(table, outcome, (RULE,), ABOUT.model_copy(update=about))


WOMEN_OF_THE_FIRST = Group((Level("gender", "level", "woman"), Level("nationality", "country", "C000")))


@cache
def _page(text: str) -> str:
    return PublicHtmlReporter().render(PublicRelease.model_validate_json(text))


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


def made_audits(folder: Path) -> Path:
    """Four systems of three operators, in every state; one of them with three audits of the same cases."""
    screener: dict[str, Any] = {"system": "Advert screener", "owner": MINISTRY}
    put(
        folder / "screener" / "2024",
        made_release(
            found=0.7,
            outcome="inconclusive",
            finished="2024-11-20",
            valid_until="2025-11-20",
            title="Advert screener 2.1",
            **screener,
        ),
    )
    put(
        folder / "screener" / "2025",
        made_release(
            found=0.78,
            outcome="inconclusive",
            finished="2025-11-20",
            valid_until="2026-11-20",
            title="Advert screener 2.2",
            **screener,
        ),
    )
    put(folder / "screener" / "2026", made_release(outcome="pass", title="Advert screener 2.3", **screener))
    put(
        folder / "hotline",
        made_release(
            seed=3,
            poor=True,
            outcome="fail",
            finished="2026-06-20",
            title="Hotline triage 1",
            owner=MINISTRY,
            use="hotline-triage",
            digests=OTHER_SET,
        ),
    )
    put(
        folder / "money",
        made_release(
            seed=5,
            outcome="pass",
            finished="2023-02-01",
            valid_until="2024-02-01",
            title="Payment monitor 4",
            owner=BANK,
            primary_harm="wrongly_flagged",
            metrics=ABOUT_ALL.metrics,
        ),
    )
    put(
        folder / "border" / "deeper" / "still",
        made_release(
            rows=2000,
            seed=6,
            outcome="inconclusive",
            finished="2026-02-01",
            valid_until=None,
            title="Border risk score 7",
            owner=BORDER,
            weighted=True,
            clustered=True,
        ),
        None,
    )
    return folder  # fmt: skip


TODAY = "2026-11-26"


def made_site(folder: Path, languages: tuple[str, ...] = ("en",), today: str = TODAY) -> PublicSite:
    """What `portal` would make of a folder."""
    import datetime as dt

    from audit.cli.outputs.portal_audits import find_audits

    return find_audits(folder, folder / "no-site").site(dt.date.fromisoformat(today), languages)


def rendered(site: PublicSite) -> dict[str, bytes]:
    return dict(SitePortal().render(site))
