"""A portal says who answers for which finding, that a system became worse, and what its cases stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made.pages import find_all, parsed, text
from made.portal import made_release, made_site, put, rendered

from audit.public.names import RowNames
from audit.public.release import PublicChange, PublicRelease, PublicWaiver
from audit.public.sentences import SENTENCES

CHANGE = PublicChange(outcome="fail", paired=True, baseline_finished="2026-01-31")


def system_page(folder: Path, release: PublicRelease) -> str:
    put(folder / "audit", release, None)
    (page,) = [content for name, content in rendered(made_site(folder)).items() if "systems/" in name]
    return text(parsed(page.decode()))


def changed(release: PublicRelease, **headline: Any) -> PublicRelease:
    return release.model_copy(update={"headline": release.headline.model_copy(update=headline)})


def test_waived_findings_stand_by_name_where_a_row_names_them(tmp_path: Path) -> None:
    release = made_release("fail", title="Screener 4")
    rule, group = next(
        (word.rule, row.group) for row in release.rows for word in row.words if word.word == "beyond" and row.group
    )
    named = PublicWaiver(rule=rule, group=group, who="Unit 14", why="Being corrected", expires="2099-12-31")
    other = PublicWaiver(who="Unit 15", expires="2020-01-31")
    shown = system_page(tmp_path, release.model_copy(update={"waivers": (named, other)}))
    assert "Waived findings" in shown
    assert "Nepal: waived by Unit 14 until 31 December 2099: Being corrected" in shown
    assert (
        "A group that is not named here: waiver by Unit 15 until 31 January 2020, expired when the audit was" in shown
    )


def test_a_portal_says_what_cases_stand_for(tmp_path: Path) -> None:
    shown = system_page(tmp_path, made_release("weighted", title="Screener 4", clustered=True, unit="cluster"))
    assert all(SENTENCES[name] in shown for name in ("weighted", "clustered", "counted_once"))
    assert "Nepal: Share of victims found: beyond the limit" in shown
    assert "—" not in shown.partition("Beyond the limit")[2]


def test_a_waiver_holds_on_its_last_day(tmp_path: Path) -> None:
    release = made_release("fail", title="Screener 4", finished="2026-03-04")
    for place, (day, expired) in enumerate((("2026-03-03", True), ("2026-03-04", False), ("2026-03-05", False))):
        waiver = PublicWaiver(who="Unit 15", expires=day)
        shown = system_page(tmp_path / str(place), release.model_copy(update={"waivers": (waiver,)}))
        assert ("expired when the audit was run" in shown) == expired, day


def test_a_fail_on_a_change_alone_is_told_as_that_and_claims_no_limit(tmp_path: Path) -> None:
    release = made_release("pass", title="Screener 4")
    shown = system_page(tmp_path, changed(release, outcome="fail", fails_on=("change",), change=CHANGE))
    assert SENTENCES["change_fail"] in shown
    assert "limit is exceeded" not in shown


def test_a_change_for_the_worse_is_told_beside_a_limit_that_is_exceeded(tmp_path: Path) -> None:
    release = made_release("fail", title="Screener 4")
    shown = system_page(tmp_path, changed(release, fails_on=("groups", "change"), change=CHANGE))
    assert "In this test at least one limit is exceeded" in shown
    assert SENTENCES["change_fail"] in shown


def test_a_fail_of_a_group_without_a_row_is_told_as_that(tmp_path: Path) -> None:
    release = made_release("inconclusive", title="Screener 4")
    shown = system_page(tmp_path, changed(release, outcome="fail", fails_on=("groups",), no_group_named=True))
    assert "for which group only the auditor knows, because the group is too small to be named" in shown


def test_a_row_within_which_a_smaller_group_fails_is_named_in_the_list_too(tmp_path: Path) -> None:
    """Beside it the furthest row, which is within its limit, could be taken for the one that fails."""
    release = changed(made_release("pass", title="Screener 4"), outcome="fail", fails_on=("groups",))
    rows = [
        row.model_copy(update={"words": (row.words[0].model_copy(update={"smaller_beyond": True}),)})
        if row.key == "nationality:country=BGD" and row.side == "positives"
        else row
        for row in release.rows
    ]
    release = release.model_copy(update={"rows": tuple(rows)})
    assert "Bangladesh: a smaller group within it is beyond the limit" in system_page(tmp_path, release)
    listed = rendered(made_site(tmp_path))["index.html"].decode()
    assert "Bangladesh: a smaller group within it is beyond the limit" in text(parsed(listed))


def first_finding(content: bytes) -> str:
    (cell,) = [
        each for each in find_all(parsed(content.decode()), "td") if str(each.get("data-l")).startswith("First finding")
    ]
    return text(cell)


def test_a_fail_under_the_second_rule_names_a_group_that_fails_there(tmp_path: Path) -> None:
    """The group furthest from everyone else under the first rule cannot be told: it is no finding."""
    release = changed(made_release("fail", title="Screener 4"), outcome="fail", fails_on=("groups",))
    first, second = (rule.rule for rule in release.rules)
    rows, failing = [], set()
    for row in release.rows:
        words = [word.model_copy(update={"word": "cannot_tell"}) if word.rule == first else word for word in row.words]
        rows.append(row.model_copy(update={"words": tuple(words)}))
        if any(word.word == "beyond" and word.rule == second for word in words):
            failing.add(RowNames(release).row(row.parts))
    put(tmp_path, release.model_copy(update={"rows": tuple(rows)}), None)
    said = first_finding(rendered(made_site(tmp_path))["index.html"])
    assert said.partition(":")[0] in failing
    assert "wrongly flags about" in said


@pytest.mark.parametrize(
    ("fails_on", "said"),
    [
        ("change", "The system became worse for at least one group than in the earlier audit"),
        ("probes", "Changing one word or field of a case, and nothing else, moved its score"),
        ("groups", "because the group is too small to be named"),
    ],
)
def test_a_fail_that_is_about_no_row_says_so_and_names_nobody(tmp_path: Path, fails_on: str, said: str) -> None:
    failed = {"outcome": "fail", "fails_on": (fails_on,), "no_group_named": fails_on == "groups"}
    release = changed(made_release("pass", title="Screener 4"), **failed)
    names = {RowNames(release).row(row.parts) for row in release.rows if row.parts}
    put(tmp_path, release, None)
    files = rendered(made_site(tmp_path))
    for name in ["index.html", *(name for name in files if name.startswith("systems/"))]:
        assert said in first_finding(files[name])
        assert not [each for each in names if each in first_finding(files[name])]
