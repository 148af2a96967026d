"""A portal says who answers for which finding, and that a system became worse; its gate holds with both."""

from __future__ import annotations

from pathlib import Path

from made.pages import parsed, text
from made.portal import made_release, made_site, put, rendered

from audit.disclosure.site import blank_site, refuse_unexplained_site
from audit.public.sentences import SENTENCES
from audit.public.table import PublicChange, PublicRelease, PublicWaiver

CHANGE = PublicChange(outcome="fail", paired=True, baseline_finished="2026-01-31")


def system_page(folder: Path, release: PublicRelease) -> str:
    """The page of one system, of a portal that passed its gate."""
    put(folder / "audit", release, None)
    site = made_site(folder)
    files = rendered(site)
    refuse_unexplained_site(files, rendered(blank_site(site)), site)
    (page,) = [content for name, content in files.items() if "systems/" in name]
    return text(parsed(page.decode()))


def test_waived_findings_stand_by_name_where_the_figures_name_them(tmp_path: Path) -> None:
    release = made_release(seed=3, poor=True, outcome="fail", title="Screener 4")
    word = next(word for word in release.words if word.word == "below")
    named = PublicWaiver(rule=word.rule, group=word.group, who="Unit 14", why="Being corrected", expires="2099-12-31")
    other = PublicWaiver(who="Unit 15", expires="2020-01-31")
    shown = system_page(tmp_path, release.model_copy(update={"waivers": (named, other)}))
    assert "Waived findings" in shown
    assert ": waived by Unit 14 until 31 December 2099: Being corrected" in shown
    assert (
        "A group that is not named here: waiver by Unit 15 until 31 January 2020, expired when the audit was" in shown
    )


def test_a_waiver_holds_on_its_last_day(tmp_path: Path) -> None:
    release = made_release(seed=3, poor=True, outcome="fail", title="Screener 4", finished="2026-03-04")
    for place, (day, expired) in enumerate((("2026-03-03", True), ("2026-03-04", False), ("2026-03-05", False))):
        waiver = PublicWaiver(who="Unit 15", expires=day)
        shown = system_page(tmp_path / str(place), release.model_copy(update={"waivers": (waiver,)}))
        assert ("expired when the audit was run" in shown) == expired, day


def test_a_fail_on_a_change_alone_is_told_as_that_and_claims_no_limit(tmp_path: Path) -> None:
    release = made_release(outcome="pass", title="Screener 4")
    alone = {"outcome": "fail", "fails_on": ("change",), "change": CHANGE, "no_group_named": False}
    headline = release.headline.model_copy(update=alone)
    shown = system_page(tmp_path, release.model_copy(update={"headline": headline}))
    assert SENTENCES["change_fail"] in shown
    assert "limit is exceeded" not in shown


def test_a_change_for_the_worse_is_told_beside_a_limit_that_is_exceeded(tmp_path: Path) -> None:
    release = made_release(seed=3, poor=True, outcome="fail", title="Screener 4")
    both = release.headline.model_copy(update={"fails_on": ("groups", "change"), "change": CHANGE})
    shown = system_page(tmp_path, release.model_copy(update={"headline": both}))
    assert "In this test at least one limit is exceeded" in shown
    assert SENTENCES["change_fail"] in shown
