"""What stands on the pages of a portal, and that they hold together."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from made.pages import find_all, parsed, structure, text
from made.portal import BANK, BORDER, MINISTRY, made_release, made_site, put, rendered

from audit.public.site import PortalIndex, PublicSite

ROOT = Path(__file__).parents[2]


def page(files: dict[str, bytes], start: str) -> str:
    (name,) = [name for name in files if name.startswith(start) and name.endswith(".html")]
    return files[name].decode()


def index_of(files: dict[str, bytes]) -> PortalIndex:
    return PortalIndex.model_validate_json(files["index.json"])


def names(site: PublicSite) -> dict[str, str]:
    return {audit.release.about.title: audit.name for audit in site.audits}


def row(root: ET.Element, name: str) -> ET.Element:
    return next(each for each in find_all(root, "tr") if each.get("data-audit") == name)


def parts(content: str) -> dict[str, list[str]]:
    """The parts of a list, and the systems in each."""
    found = {}
    for part in find_all(parsed(content), "details"):
        (head,) = find_all(part, "h2")
        systems = [
            text(link) for cell in find_all(part, "th") if cell.get("scope") == "row" for link in find_all(cell, "a")
        ]
        found[text(head)] = systems
    return found


def test_systems_are_sorted_by_verdict_operator_and_use(pages: dict[str, bytes]) -> None:
    assert parts(page(pages, "index")) == {
        "Exceeds the limit (1)": ["Hotline triage 1"],
        "We cannot tell (1)": ["Border risk score 7"],
        "Met the limit, and has expired (1)": ["Payment monitor 4"],
        "Within the limit in every group we could judge (1)": ["Advert screener"],
    }
    assert parts(page(pages, "by-operator")) == {
        f"{BORDER} (1)": ["Border risk score 7"],
        f"{BANK} (1)": ["Payment monitor 4"],
        f"{MINISTRY} (2)": ["Hotline triage 1", "Advert screener"],
    }
    assert parts(page(pages, "by-use")) == {
        "Screening at borders and in asylum procedures (1)": ["Border risk score 7"],
        "Monitoring payments and accounts (1)": ["Payment monitor 4"],
        "Sorting calls to a hotline (1)": ["Hotline triage 1"],
        "Moderating a platform (1)": ["Advert screener"],
    }


def test_a_link_shows_one_part_alone_without_a_script(pages: dict[str, bytes]) -> None:
    """Each part is the target of a link; the style hides the others while it is."""
    for start in ("index", "by-operator", "by-use"):
        root = parsed(page(pages, start))
        targets = {str(part.get("id")) for part in find_all(root, "details")}
        links = {str(link.get("href"))[1:] for link in find_all(root, "a") if str(link.get("href")).startswith("#")}
        assert targets <= links
        assert all(part.get("open") is not None for part in find_all(root, "details"))
    assert "main:has(>.part:target)>.part:not(:target){display:none}" in page(pages, "index")


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
    verdict = next(part for part in find_all(parsed(page(pages, "systems/payment")), "section"))
    assert verdict.get("class") == "verdict is-expired"


def test_validity_is_judged_on_the_day_that_is_named(audits: Path) -> None:
    last = rendered(made_site(audits, today="2024-02-01"))
    assert "Payment monitor 4" in parts(page(last, "index"))["Within the limit in every group we could judge (2)"]
    next_day = page(rendered(made_site(audits, today="2024-02-02")), "index")
    assert parts(next_day)["Met the limit, and has expired (1)"] == ["Payment monitor 4"]
    assert "Validity as of 2 February 2024" in text(parsed(next_day))


def test_a_fail_that_has_expired_stays_a_fail(tmp_path: Path) -> None:
    put(tmp_path / "one", made_release("fail", title="Old 1", valid_until="2026-01-01", finished="2025-01-01"), None)
    made = rendered(made_site(tmp_path))
    assert parts(page(made, "index")) == {"Exceeds the limit (1)": ["Old 1"]}
    assert "Expired: was valid until 1 January 2026" in text(parsed(page(made, "index")))
    words = [each for each in find_all(parsed(page(made, "systems/")), "b") if str(each.get("class")).startswith("w-")]
    assert {(each.get("class"), text(each)) for each in words} == {("w-fail", "Exceeds the limit")}


def test_of_two_audits_of_one_day_the_worse_one_speaks(tmp_path: Path) -> None:
    for kind in ("fail", "pass", "inconclusive"):
        put(tmp_path / kind, made_release(kind, system="One"), None)
    assert parts(page(rendered(made_site(tmp_path)), "index")) == {"Exceeds the limit (1)": ["One"]}


def test_the_primary_harm_decides_whose_gap_is_shown(english: PublicSite, pages: dict[str, bytes]) -> None:
    root = parsed(page(pages, "index"))
    assert "wrongly flags about" in text(row(root, names(english)["Payment monitor 4"]))
    assert "misses about" in text(row(root, names(english)["Hotline triage 1"]))


def test_an_audit_without_rows_says_so_and_counts_nothing(pages: dict[str, bytes]) -> None:
    stated = text(parsed(page(pages, "systems/border")))
    assert "No figures are published: too few people for any row." in stated
    assert not re.search(r"(?i)(beyond|within) the limit: 0", stated)
    assert "No day of expiry declared." in stated
    assert "No report stands beside this release." in stated


def test_audits_of_another_set_are_said_not_to_compare(pages: dict[str, bytes]) -> None:
    stated = text(parsed(page(pages, "systems/advert-screener")))
    assert stated.count("(of another set: it does not compare)") == 1
    assert "Advert screener 2.1 (of another set: it does not compare)" in stated


def test_six_groups_are_named_and_the_others_counted(tmp_path: Path) -> None:
    release = made_release("fail", title="S 1")
    rows, marked = [], 0
    for one in release.rows:
        more = len(one.parts) == 1 and one.side == "positives" and marked < 9 and one.words and one.words[0].word
        marked += bool(more)
        words = (one.words[0].model_copy(update={"word": "beyond", "because": "beyond_limit"}),) if more else one.words
        rows.append(one.model_copy(update={"words": words}))
    put(tmp_path / "one", release.model_copy(update={"rows": tuple(rows)}), None)
    stated = parsed(page(rendered(made_site(tmp_path)), "systems/"))
    beyond = sum(word.word == "beyond" for one in rows for word in one.words)
    (listed,) = [each for each in find_all(stated, "ul") if each.get("class") == "prose"]
    assert len(list(find_all(listed, "li"))) == 7
    assert f"and {beyond - 6} more in the report" in text(listed)


def test_audits_of_one_day_are_told_apart_by_what_they_call_the_system(tmp_path: Path) -> None:
    titles = [f"Screener {version}" for version in ("1.2", "1.9", "1.10", "1.10 beta", "2")]
    for title in titles:
        put(tmp_path / title, made_release(system="Screener", title=title, finished="2026-01-01"), None)
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


def test_every_link_leads_somewhere_within_the_site(site: PublicSite, files: dict[str, bytes]) -> None:
    copied = {f"reports/{audit.name}/release.json" for audit in site.audits}
    copied |= {f"reports/{audit.name}/report.html" for audit in site.audits if audit.report}
    there = set(files) | copied
    ids = {name: {str(each.get("id")) for each in parsed(content.decode()).iter() if each.get("id")}
           for name, content in files.items() if name.endswith(".html")}  # fmt: skip
    links = 0
    for name in ids:
        for link in find_all(parsed(files[name].decode()), "a", "link", "img"):
            if link.get("href") == "mailto:audits@labour.example":
                continue
            path, _, anchor = str(link.get("href") or link.get("src")).partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            assert target in there, (name, link.attrib)
            assert not anchor or anchor in ids[target], (name, link.attrib)
            links += 1
    assert links > 300
    said = b"".join(files.values()).decode()
    assert {name for name in there if posixpath.basename(name) in said} == there


def test_previous_and_next_go_round_audits_and_systems(pages: dict[str, bytes], english: PublicSite) -> None:
    root = parsed(page(pages, "systems/advert-screener"))
    by_title = names(english)
    ends = {(link.get("rel"), str(link.get("href"))) for link in find_all(root, "a") if link.get("rel")}
    assert {("prev", f"#{by_title['Advert screener 2.1']}"), ("next", f"#{by_title['Advert screener 2.3']}")} <= ends
    assert any(rel == "prev" and href.startswith("../systems/hotline") for rel, href in ends)
    assert any(rel == "next" and href.startswith("../systems/border") for rel, href in ends)


def test_pages_hold_a_policy_with_their_style_and_no_script(files: dict[str, bytes], pages: dict[str, bytes]) -> None:
    for made, pictures in ((files, 1), (pages, 0)):
        for html in (content.decode() for name, content in made.items() if name.endswith(".html")):
            root = parsed(html)
            (style,) = find_all(root, "style")
            digest = base64.b64encode(hashlib.sha256(str(style.text).encode()).digest()).decode()
            assert f"default-src 'none'; style-src 'sha256-{digest}'; " in html
            assert ("img-src 'self'" in html) == bool(pictures)
            assert len(list(find_all(root, "img"))) == pictures
            assert not list(find_all(root, "script", "iframe", "object", "form"))
            assert not [each for each in root.iter() if each.get("style") or any(k[:2] == "on" for k in each.attrib)]
            assert "://" not in html


def test_each_page_says_its_language_and_direction(files: dict[str, bytes]) -> None:
    for code, tag, direction in (("en", "en", "ltr"), ("ar", "ar", "rtl"), ("zh", "zh-Hans", "ltr")):
        where = "index.html" if code == "en" else f"{code}/index.html"
        assert files[where].decode().startswith(f'<!DOCTYPE html>\n<html lang="{tag}" dir="{direction}">')
    ours = {name for name in files if name.endswith(".html") and "/" not in name.removeprefix("ar/")}
    assert {name.removeprefix("ar/") for name in ours if name.startswith("ar/")} == {n for n in ours if "/" not in n}


def visible_words(root: ET.Element) -> int:
    """How many words are seen before anything is unfolded."""
    closed = [each for each in find_all(root, "details") if each.get("open") is None]
    folded = sum(len(text(each).split()) - len(text(next(find_all(each, "summary"))).split()) for each in closed)
    return len(text(root).split()) - folded


def test_the_annex_is_short_and_says_whose_draft_it_is(english: PublicSite, pages: dict[str, bytes]) -> None:
    root = parsed(page(pages, "operators/ministry"))
    stated = text(root)
    assert "evidence relevant to paragraph 7(k) of a draft resolution" in stated
    assert "a draft by Belarus, Nicaragua and the Syrian Arab Republic" in stated
    assert "10. Invites the Secretary-General to include information" in stated
    assert "declared by the operator" in stated
    assert visible_words(root) <= 700
    people = [row.people for audit in english.audits for row in audit.release.rows if not row.parts]
    sums = {f"{one + other:,}" for one in people for other in people}
    assert not sums & set(re.findall(r"[\d,]+", stated))


def test_an_annex_of_many_systems_keeps_to_its_length(tmp_path: Path) -> None:
    for number in range(12):
        put(tmp_path / str(number), made_release("fail", title=f"System {number}", owner=MINISTRY), None)
    root = parsed(page(rendered(made_site(tmp_path)), "operators/"))
    assert visible_words(root) <= 1500
    assert len([each for each in find_all(root, "details") if each.get("class") == "part"]) == 12


def test_no_word_of_mood_and_nothing_of_the_old_method_is_printed(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        plain = content.decode().split("</style>")[-1]
        assert not re.search(r"(?i)\b(fair|unbiased|debiased|compliant)\b", plain), name
        assert "rotected figures" not in plain


def test_the_index_follows_its_schema_and_says_what_pages_say(pages: dict[str, bytes]) -> None:
    document = json.loads(pages["index.json"])
    jsonschema.validate(document, PortalIndex.model_json_schema(mode="serialization"))
    index = PortalIndex.model_validate_json(pages["index.json"])
    assert index.schema_version == 6
    assert [(system.system, system.state) for system in index.systems] == [
        ("Hotline triage 1", "fail"), ("Advert screener", "pass"), ("Border risk score 7", "inconclusive"),
        ("Payment monitor 4", "expired"),
    ]  # fmt: skip
    screener = index.systems[1].audits
    assert [audit.finished for audit in screener] == sorted(audit.finished for audit in screener)
    assert [audit.set_id for audit in screener] == ["an earlier set", "a set", "a set"]
    assert all(audit.page.partition("#")[0] in pages for system in index.systems for audit in system.audits)
    assert "not_shown" not in pages["index.json"].decode()


def test_the_feed_is_atom_with_ids_that_stay(english: PublicSite, pages: dict[str, bytes]) -> None:
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
        "title": "A 1", "system": "A", "auditor": "An auditor", "finished": "2026-03-04", "valid_until": "2027-05-07",
    }  # fmt: skip
    other_one: dict[str, Any] = {
        "title": "B 1", "system": "B", "auditor": "", "finished": "2026-02-03", "valid_until": None,
    }  # fmt: skip
    for place, stated in enumerate((first_one, other_one)):
        put(tmp_path / str(place), made_release("fail", owner="The ministry", **stated), None)
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
        put(folder, made_release("fail", title=f"{words} 1", system=words, owner=words, auditor=words, use=words), None)
        made[kind] = rendered(made_site(folder))
    for start in ("index", "systems/", "operators/", "by-use"):
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
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=240)
    here = hashlib.sha256(b"".join(name.encode() + pages[name] for name in sorted(pages))).hexdigest()
    assert done.stdout.strip() == here
