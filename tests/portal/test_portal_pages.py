"""What stands on the pages of a portal, and that it is what the releases say."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import posixpath
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from made.disclosure import ABOUT
from made.pages import find_all, parsed, structure, text
from made.portal import BANK, BORDER, MINISTRY, OTHER_SET, made_release, made_site, put, rendered

from audit.disclosure.explain import blank
from audit.disclosure.words import public_release
from audit.public.about import PublicDigest
from audit.public.figures import state_tally
from audit.public.site import PortalIndex, PublicSite
from audit.public.table import PublicRate, group_key

ROOT = Path(__file__).parents[2]


def page(files: dict[str, bytes], start: str) -> str:
    (name,) = [name for name in files if name.startswith(start) and name.endswith(".html")]
    return files[name].decode()


def index_of(files: dict[str, bytes]) -> PortalIndex:
    return PortalIndex.model_validate_json(files["index.json"])


def everyone(site: PublicSite, title: str, metric: str) -> PublicRate:
    (audit,) = [audit for audit in site.audits if audit.release.about.title == title]
    return next(rate for rate in audit.release.rates if rate.metric == metric and not rate.group.levels)


def names(site: PublicSite) -> dict[str, str]:
    return {audit.release.about.title: audit.name for audit in site.audits}


def row(root: ET.Element, name: str) -> ET.Element:
    return next(each for each in find_all(root, "tr") if each.get("data-audit") == name)


def test_systems_stand_by_operator_and_in_the_order_of_their_states(pages: dict[str, bytes]) -> None:
    root = parsed(page(pages, "index"))
    headings = [text(heading) for heading in find_all(root, "h2")]
    assert [name for name in headings if name in (MINISTRY, BORDER, BANK)] == [MINISTRY, BORDER, BANK]
    systems = [text(head) for head in find_all(root, "th") if head.get("scope") == "row"]
    assert [name.split(" Identifying")[0].split(" Sorting")[0] for name in systems[:2]] == [
        "Hotline triage 1",
        "Advert screener",
    ]


def test_a_system_is_one_history_by_its_owner_and_name(english: PublicSite, pages: dict[str, bytes]) -> None:
    history = parsed(page(pages, "systems/advert-screener"))
    (table,) = [table for table in find_all(history, "table") if table.get("class") == "history"]
    stated = [text(line) for line in find_all(table, "tr")][1:]
    assert [re.findall(r"^\d+ \w+ (\d{4})", line)[0] for line in stated] == ["2026", "2025", "2024"]
    assert len([name for name in pages if name.startswith("systems/")]) == 4
    assert {audit.system for audit in english.audits} == {
        "Advert screener", "Hotline triage 1", "Payment monitor 4", "Border risk score 7",
    }  # fmt: skip


def test_a_pass_that_has_expired_is_none_and_stays(english: PublicSite, pages: dict[str, bytes]) -> None:
    stated = text(row(parsed(page(pages, "index")), names(english)["Payment monitor 4"]))
    assert "Met the limit, and has expired" in stated
    assert "Expired: was valid until 1 February 2024" in stated
    assert "Payment monitor 4" in page(pages, "state-expired")
    assert "Payment monitor 4" not in page(pages, "state-pass")
    verdict = next(part for part in find_all(parsed(page(pages, "systems/payment")), "section"))
    assert verdict.get("class") == "verdict is-expired"


def test_validity_is_judged_on_the_day_that_is_named(audits: Path) -> None:
    (last,) = [made_site(audits, today="2024-02-01")]
    assert "Payment monitor 4" in rendered(last)["state-pass.html"].decode()
    next_day = rendered(made_site(audits, today="2024-02-02"))
    assert "Payment monitor 4" in next_day["state-expired.html"].decode()
    assert "Validity as of 2 February 2024" in next_day["index.html"].decode()


def test_a_fail_that_has_expired_stays_a_fail(tmp_path: Path) -> None:
    put(tmp_path / "one", made_release(outcome="fail", valid_until="2026-01-01", finished="2025-01-01"))
    made = rendered(made_site(tmp_path))
    assert "Recruitment-advert screener 2.3" in made["state-fail.html"].decode()
    assert "Expired: was valid until 1 January 2026" in made["state-fail.html"].decode()
    words = [each for each in find_all(parsed(page(made, "systems/")), "b") if str(each.get("class")).startswith("w-")]
    assert {(each.get("class"), text(each)) for each in words} == {("w-fail", "Exceeds the limit")}


def test_each_list_says_how_many_systems_are_in_its_state(pages: dict[str, bytes]) -> None:
    """Of the four systems one fails, one is undecided, one has expired and one passes; of each operator its own."""
    links = {str(each.get("href")): text(each) for each in find_all(parsed(page(pages, "index")), "a")}
    words = {
        "fail": "exceeds the limit",
        "inconclusive": "we cannot tell",
        "expired": "expired",
        "pass": "within the limit",
    }
    states: list[str] = [system.state for system in index_of(pages).systems]
    assert set(states) == set(words)
    for state, word in words.items():
        assert links[f"state-{state}.html"] == f"{word} ({states.count(state)})"
    for name in (name for name in pages if name.startswith("operators/")):
        root = parsed(pages[name].decode())
        (legend,) = [each for each in find_all(root, "ul") if each.get("class") == "legend"]
        own: list[str] = [
            system.state for system in index_of(pages).systems if Path(system.page).name in pages[name].decode()
        ]
        assert [text(each) for each in find_all(legend, "li")] == [f"{own.count(each)} {words[each]}" for each in words]


def test_ten_groups_are_named_and_the_others_counted(tmp_path: Path) -> None:
    put(tmp_path / "one", made_release(poor=True, outcome="fail"))
    site = made_site(tmp_path)
    (audit,) = site.audits
    shown = {rate.group for rate in audit.release.rates if rate.value is not None}
    known = [word for word in audit.release.words if word.group in shown and len(word.group.levels) == 1][:13]
    words = tuple(word.model_copy(update={"word": "below", "why": "beyond_limit"}) for word in known)
    below = audit.model_copy(update={"release": audit.release.model_copy(update={"words": words})})
    stated = parsed(page(rendered(site.model_copy(update={"audits": (below,)})), "systems/"))
    assert len([each for each in find_all(stated, "li") if each.get("data-group")]) == 10
    assert "and 3 more in the report" in text(stated)


def test_of_two_audits_of_one_day_the_worse_one_speaks(tmp_path: Path) -> None:
    for folder, outcome in (("a", "fail"), ("b", "pass"), ("c", "inconclusive")):
        put(tmp_path / folder, made_release(outcome=outcome, system="One"))
    made = rendered(made_site(tmp_path))
    assert "One" in made["state-fail.html"].decode().split("</style>")[1]
    assert "There is no" not in made["state-fail.html"].decode()
    assert "No system is in this state" in made["state-pass.html"].decode()


@pytest.mark.parametrize("title", ["Advert screener 2.3", "Hotline triage 1"])
def test_rates_are_those_of_the_release(english: PublicSite, pages: dict[str, bytes], title: str) -> None:
    rate = everyone(english, title, "true_positive_rate")
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    stated = f"{round(100 * rate.value)}% {round(100 * rate.low)}–{round(100 * rate.high)}%"
    assert stated in text(row(parsed(page(pages, "index")), names(english)[title]))


def test_the_primary_harm_decides_which_rate_is_shown(english: PublicSite, pages: dict[str, bytes]) -> None:
    stated = text(row(parsed(page(pages, "index")), names(english)["Payment monitor 4"]))
    rate = everyone(english, "Payment monitor 4", "false_positive_rate")
    assert rate.value is not None
    assert f"{round(100 * rate.value)}%" in stated
    assert "wrongly flagged" in stated


def test_drawings_show_the_numbers_of_the_releases(english: PublicSite, pages: dict[str, bytes]) -> None:
    """Both drawings, read back: bars from end to end, dots at the rate, one for each audit."""
    rates = {audit.name: everyone(english, audit.release.about.title, "true_positive_rate") for audit in english.audits}
    for start, axis in (("index", "y"), ("systems/advert-screener", "x")):
        root = parsed(page(pages, start))
        drawn: dict[str, list[tuple[float, float]]] = {}
        for line in find_all(root, "line"):
            if line.get("data-audit"):
                ends = [float(str(line.get(f"{axis}{end}")).rstrip("%")) for end in (1, 2)]
                ends = [100 - end for end in ends] if axis == "y" else ends
                drawn.setdefault(str(line.get("data-audit")), []).append((ends[0], ends[1]))
        shown = [name for name, title in names_by_audit(english).items() if title.startswith("Advert screener")]
        assert set(shown) <= set(drawn)
        for name in shown:
            rate = rates[name]
            assert rate.low is not None
            assert rate.high is not None
            assert rate.value is not None
            assert drawn[name][0] == pytest.approx((100 * rate.low, 100 * rate.high), abs=0.051)
            assert drawn[name][1] == pytest.approx((100 * rate.value, 100 * rate.value), abs=0.051)


def names_by_audit(site: PublicSite) -> dict[str, str]:
    return {audit.name: audit.release.about.title for audit in site.audits}


def test_words_on_groups_are_counted_and_the_furthest_group_is_named(
    english: PublicSite, pages: dict[str, bytes]
) -> None:
    (audit,) = [audit for audit in english.audits if audit.release.about.title == "Hotline triage 1"]
    counted = list(state_tally(audit.release.words).values())
    stated = text(row(parsed(page(pages, "index")), audit.name))
    states = ("beyond the limit", "within the limit", "cannot tell", "not shown")
    assert " ".join(f"{count:,} {state}" for count, state in zip(counted, states, strict=True)) in stated
    assert min(counted[2:]) > 0, "neither stands for the other"
    (listed,) = [one for system in index_of(pages).systems for one in system.audits if one.audit == audit.name]
    assert [listed.below, listed.meets, listed.cannot_tell, listed.not_shown] == counted
    below = {group_key(word.group) for word in audit.release.words if word.word == "below"}
    worst = min(
        (rate for rate in audit.release.rates
         if rate.metric == "true_positive_rate" and group_key(rate.group) in below and rate.high is not None),
        key=lambda rate: rate.high or 1.0,
    )  # fmt: skip
    assert "Furthest beyond: Country 0, women" in stated
    assert group_key(worst.group) == "gender:level=woman,nationality:country=C000"
    assert f"{round(100 * (worst.value or 0))}%" in stated
    assert re.search(r"Furthest beyond: Country 0, women, \d+% \(\d+–\d+%\), share of victims found", stated)
    alone = parsed(page(pages, str(Path(listed.page).with_suffix(""))))
    named = [text(each) for each in find_all(alone, "li") if each.get("data-group")]
    assert named, "and each group on the page of its system: limits on several rates share the list"
    assert all(each.endswith(", share of victims found") for each in named)


def test_changes_are_told_where_they_are_clear_and_not_where_they_are_not(
    english: PublicSite, pages: dict[str, bytes]
) -> None:
    by_title = {audit.release.about.title: audit.release.table.groups[0] for audit in english.audits}
    errors = [by_title[f"Advert screener 2.{n}"].positives.errors for n in (1, 2, 3)]
    assert all(errors)
    fewer = [abs((after or 0) - (before or 0)) for before, after in pairwise(errors)]
    stated = text(parsed(page(pages, "systems/advert-screener")))
    for count in fewer:
        assert f"Victims missed: about {count:,} fewer ({count - 10:,} to {count + 10:,} fewer)" in stated
    assert "There is no audit before this one here." in stated


def test_no_change_is_told_between_other_cases_or_small_ones(tmp_path: Path) -> None:
    put(tmp_path / "a", made_release(system="S", finished="2024-01-01"))
    put(tmp_path / "b", made_release(system="S", finished="2025-01-01"))
    put(tmp_path / "c", made_release(system="S", finished="2026-01-01", digests=OTHER_SET, found=0.5))
    put(tmp_path / "d", made_release(system="S", finished="2026-02-01", digests=(), found=0.9))
    stated = text(parsed(page(rendered(made_site(tmp_path)), "systems/s-")))
    not_compared = "Victims missed: not compared: whether these are the same cases cannot be told, because "
    assert stated.count(f"{not_compared}another key may have been used") == 1
    assert stated.count(f"{not_compared}no digest of them was published") == 1
    assert "other cases" not in stated
    assert stated.count("Victims missed: no clear change") == 1
    assert "fewer (" not in stated
    assert "more (" not in stated


def test_other_cases_are_told_only_where_one_key_is_known_to_have_been_used(tmp_path: Path) -> None:
    """Digests stand under a key: a set has another one under another key, and one that is shared shows the key."""
    (first,) = ABOUT.digests
    (other,) = OTHER_SET
    model = PublicDigest(of="detector", blake2b="33" * 32)
    answers = PublicDigest(of="predictions", blake2b="33" * 32)
    for place, (then, now, said) in enumerate([
        ((first, model), (other, model), "the audit before was of other cases"),
        ((first, answers), (other, model), "another key may have been used"),
        ((first,), (other,), "another key may have been used"),
        ((first, model), (first, answers), "no clear change"),
        ((model,), (first, model), "no digest of them was published"),
    ]):  # fmt: skip
        folder = tmp_path / str(place)
        put(folder / "a", made_release(system="S", finished="2024-01-01", digests=then))
        put(folder / "b", made_release(system="S", finished="2025-01-01", digests=now))
        stated = text(parsed(page(rendered(made_site(folder)), "systems/s-"))).partition("Since the audit before")[2]
        assert said in stated.partition("Since the audit before")[0], said


def test_audits_of_one_day_are_told_apart_by_what_they_call_the_system(tmp_path: Path) -> None:
    titles = [f"Screener {version}" for version in ("1.2", "1.9", "1.10", "1.10 beta", "2")]
    for seed, title in enumerate(titles):
        put(tmp_path / title, made_release(system="Screener", title=title, seed=seed + 1, finished="2026-01-01"))
    files = rendered(made_site(tmp_path))
    root = parsed(page(files, "systems/"))
    by_name = {each.audit: each.title for each in index_of(files).systems[0].audits}
    assert list(by_name.values()) == titles
    stated: dict[str, list[str]] = {}
    for link in find_all(root, "a"):
        stated.setdefault(str(link.get("href")).removeprefix("#"), []).append(text(link))
    for name, title in by_name.items():
        assert len(stated[name]) > 2
        assert all(title in said for said in stated[name])
        (head,) = [each for each in find_all(root, "h2") if each.get("id") == name]
        assert text(head) == f"1 January 2026: {title}"


def test_every_link_leads_somewhere_within_the_site(site: PublicSite, files: dict[str, bytes]) -> None:
    copied = {f"reports/{audit.name}/release.json" for audit in site.audits}
    copied |= {f"reports/{audit.name}/report.html" for audit in site.audits if audit.report}
    there = set(files) | copied
    ids = {name: {str(each.get("id")) for each in parsed(content.decode()).iter() if each.get("id")}
           for name, content in files.items() if name.endswith(".html")}  # fmt: skip
    links = 0
    for name in ids:
        for link in find_all(parsed(files[name].decode()), "a", "link"):
            path, _, anchor = str(link.get("href")).partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            assert target in there, (name, link.get("href"))
            assert not anchor or anchor in ids[target], (name, link.get("href"))
            links += 1
    assert links > 300
    reached = {name for name in there if any(name in content.decode() or posixpath.basename(name) in content.decode()
               for content in files.values())}  # fmt: skip
    assert reached == there


def test_previous_and_next_go_round_audits_and_systems(pages: dict[str, bytes], english: PublicSite) -> None:
    root = parsed(page(pages, "systems/advert-screener"))
    by_title = names(english)
    ends = {(link.get("rel"), str(link.get("href"))) for link in find_all(root, "a") if link.get("rel")}
    assert {("prev", f"#{by_title['Advert screener 2.1']}"), ("next", f"#{by_title['Advert screener 2.3']}")} <= ends
    assert any(rel == "prev" and href.startswith("../systems/hotline") for rel, href in ends)
    assert any(rel == "next" and href.startswith("../systems/border") for rel, href in ends)


def test_pages_hold_a_policy_with_their_style_and_no_script(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".html"):
            html = content.decode()
            root = parsed(html)
            (style,) = find_all(root, "style")
            digest = base64.b64encode(hashlib.sha256(str(style.text).encode()).digest()).decode()
            assert f"default-src 'none'; style-src 'sha256-{digest}'" in html
            assert not list(find_all(root, "script", "img", "iframe", "object", "form"))
            assert not [each for each in root.iter() if each.get("style") or any(k[:2] == "on" for k in each.attrib)]
            assert "://" not in html


def test_each_page_says_its_language_and_direction(files: dict[str, bytes]) -> None:
    for code, tag, direction in (("en", "en", "ltr"), ("ar", "ar", "rtl"), ("zh", "zh-Hans", "ltr")):
        where = "index.html" if code == "en" else f"{code}/index.html"
        assert files[where].decode().startswith(f'<!DOCTYPE html>\n<html lang="{tag}" dir="{direction}">')
    ours = {name for name in files if name.endswith(".html") and "/" not in name.removeprefix("ar/")}
    assert {name.removeprefix("ar/") for name in ours if name.startswith("ar/")} == {n for n in ours if "/" not in n}


def test_the_annex_says_whose_draft_it_is_and_adds_nothing_up(english: PublicSite, pages: dict[str, bytes]) -> None:
    stated = text(parsed(page(pages, "operators/ministry")))
    assert "evidence relevant to paragraph 7(k) of a draft resolution" in stated
    assert "a draft by Belarus, Nicaragua and the Syrian Arab Republic" in stated
    assert "10. Invites the Secretary-General to include information" in stated
    assert "7(k) “and oversight”" in stated
    assert "declared by the operator" in stated
    cases = [audit.release.table.groups[0].positives.cases for audit in english.audits]
    sums = {f"{(one or 0) + (other or 0):,}" for one in cases for other in cases if one is not None}
    assert not sums & set(re.findall(r"[\d,]+", stated))


def test_notes_say_what_the_protected_figures_leave_aside(pages: dict[str, bytes]) -> None:
    stated = text(parsed(page(pages, "systems/border")))
    assert "The exact audit weighs its cases, and the protected figures do not: no rates are made of them" in stated
    assert "Cases of this set belong together, and the protected figures do not know which: no rates" in stated
    assert "too narrow" not in stated
    assert "0 beyond the limit" not in stated
    assert "No day of expiry declared." in stated
    assert "No report stands beside this release." in stated


def test_a_fail_of_sizes_alone_is_not_called_coarse(tmp_path: Path) -> None:
    put(tmp_path / "one", made_release(poor=True, outcome="fail", weighted=True))
    stated = text(parsed(page(rendered(made_site(tmp_path)), "systems/")))
    assert "on the exact figures; the protected figures do not say for whom." in stated
    assert "do not show which" not in stated


def test_the_index_counts_no_words_where_no_group_has_one(tmp_path: Path) -> None:
    """A zero would read like a finding."""
    put(tmp_path / "one", made_release(poor=True, outcome="fail", weighted=True))
    put(tmp_path / "two", made_release(poor=True, outcome="fail", title="Other 1", system="Other"))
    index = PortalIndex.model_validate_json(rendered(made_site(tmp_path))["index.json"])
    audits = [audit for system in index.systems for audit in system.audits]
    found = {audit.title: (audit.below, audit.meets, audit.cannot_tell, audit.not_shown) for audit in audits}
    other = found.pop("Other 1")
    assert all(isinstance(count, int) for count in other)
    assert list(found.values()) == [(None,) * 4]


def test_no_word_of_mood_is_printed(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        plain = content.decode().split("</style>")[-1]
        assert not re.search(r"(?i)\b(fair|unbiased|debiased|compliant)\b", plain), name


def test_the_index_follows_its_schema_and_says_what_pages_say(english: PublicSite, pages: dict[str, bytes]) -> None:
    document = json.loads(pages["index.json"])
    jsonschema.validate(document, PortalIndex.model_json_schema(mode="serialization"))
    index = PortalIndex.model_validate_json(pages["index.json"])
    assert [(system.system, system.state) for system in index.systems] == [
        ("Hotline triage 1", "fail"), ("Advert screener", "pass"), ("Border risk score 7", "inconclusive"),
        ("Payment monitor 4", "expired"),
    ]  # fmt: skip
    screener = index.systems[1].audits
    assert [audit.previous for audit in screener] == [None, screener[0].audit, screener[1].audit]
    assert [audit.following for audit in screener] == [screener[1].audit, screener[2].audit, None]
    for system in index.systems:
        for audit in system.audits:
            rate = everyone(english, audit.title, audit.everyone.metric)
            assert (audit.everyone.value, audit.everyone.low, audit.everyone.high) == (rate.value, rate.low, rate.high)
            assert audit.page.partition("#")[0] in pages


def test_the_feed_is_atom_with_ids_that_stay(english: PublicSite, pages: dict[str, bytes], tmp_path: Path) -> None:
    atom = "{http://www.w3.org/2005/Atom}"
    root = ET.fromstring(pages["feed.xml"])
    entries = root.findall(f"{atom}entry")
    ids = [entry.findtext(f"{atom}id") for entry in entries]
    assert len(set(ids)) == len(english.audits) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", str(each)) for each in (*ids, root.findtext(f"{atom}id")))
    days = [str(entry.findtext(f"{atom}updated")) for entry in entries]
    assert days == sorted(days, reverse=True)
    assert root.findtext(f"{atom}updated") == days[0]
    for entry in entries:
        assert entry.findtext(f"{atom}author/{atom}name")
        (link,) = entry.findall(f"{atom}link")
        assert str(link.get("href")).partition("#")[0] in pages
    fewer = english.model_copy(update={"audits": english.audits[:-1]})
    again = ET.fromstring(rendered(fewer)["feed.xml"])
    assert {entry.findtext(f"{atom}id") for entry in again.findall(f"{atom}entry")} < set(ids)


@pytest.mark.parametrize(("code", "tag", "until"), [("en", "en", "Valid until 7 May 2027."), ("fr", "fr", "7 mai 2027"),
                                                     ("zh", "zh-Hans", "2027年5月7日")])  # fmt: skip
def test_an_entry_of_the_feed_has_its_own_day_author_and_language(
    tmp_path: Path, code: str, tag: str, until: str
) -> None:
    first_one: dict[str, Any] = {
        "title": "A 1",
        "system": "A",
        "auditor": "An auditor",
        "finished": "2026-03-04",
        "valid_until": "2027-05-07",
    }
    other_one: dict[str, Any] = {
        "title": "B 1",
        "system": "B",
        "auditor": "",
        "finished": "2026-02-03",
        "valid_until": None,
    }
    for place, stated in enumerate((first_one, other_one)):
        put(tmp_path / str(place), made_release(poor=True, outcome="fail", owner="The ministry", **stated))
    atom = "{http://www.w3.org/2005/Atom}"
    root = ET.fromstring(rendered(made_site(tmp_path, (code,)))["feed.xml"])
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == tag
    first, second = root.findall(f"{atom}entry")
    assert first.findtext(f"{atom}updated") == root.findtext(f"{atom}updated") == "2026-03-04T00:00:00Z"
    assert second.findtext(f"{atom}updated") == "2026-02-03T00:00:00Z"
    people = [each.findtext(f"{atom}author/{atom}name") for each in (first, second)]
    assert people == ["An auditor", "The ministry"]
    assert until in str(first.findtext(f"{atom}summary"))
    assert "2027" not in str(second.findtext(f"{atom}summary"))


HOSTILE = "</title></style><script>document.title='owned'</script>\u202eevil\u2066 ]]> =1+1 \x07 {{ 7*7 }} %(x)s"


def test_hostile_titles_change_no_markup(tmp_path: Path) -> None:
    made = {}
    for kind, words in (("plain", "Words"), ("hostile", HOSTILE)):
        folder = tmp_path / kind
        put(
            folder,
            made_release(poor=True, outcome="fail", title=f"{words} 1", system=words, owner=words, auditor=words),
        )
        made[kind] = rendered(made_site(folder))
    for start in ("index", "systems/", "operators/", "state-fail"):
        plain, hostile = (page(made[kind], start) for kind in ("plain", "hostile"))
        assert structure(parsed(hostile)) == structure(parsed(plain))
        assert "\u202e" not in hostile
        assert "[U+202E]" in hostile
        assert "\x07" not in hostile
    feed = ET.fromstring(made["hostile"]["feed.xml"])
    assert "[U+202E]" in ET.tostring(feed, encoding="unicode")
    json.loads(made["hostile"]["index.json"])
    assert all(re.fullmatch(r"[a-z./-]+", name) for name in made["hostile"])


def test_the_same_releases_give_the_same_bytes_in_another_process(audits: Path, pages: dict[str, bytes]) -> None:
    program = (
        "import hashlib, sys; from pathlib import Path; from made.portal import made_site, rendered\n"
        "made = rendered(made_site(Path(sys.argv[1])))\n"
        "print(hashlib.sha256(b''.join(name.encode() + made[name] for name in sorted(made))).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", program, str(audits)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    here = hashlib.sha256(b"".join(name.encode() + pages[name] for name in sorted(pages))).hexdigest()
    assert done.stdout.strip() == here


def test_of_a_system_without_words_on_groups_no_count_is_told(tmp_path: Path) -> None:
    """ "0 beyond the limit" would read like a finding."""
    shown = made_release(outcome="pass")
    release = public_release(blank(shown).table, "pass", shown.rules, shown.about, figures="refused")
    put(tmp_path / "one", release, report=None)
    files = rendered(made_site(tmp_path))
    pages = [text(parsed(files[name].decode())) for name in files if name.endswith(".html")]
    assert not [page for page in pages if "0 beyond the limit" in page]
    assert any("not shown" in page for page in pages)
