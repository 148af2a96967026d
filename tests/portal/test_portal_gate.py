"""The gate of a portal: what no release prints is refused, wherever it is planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made.portal import made_release, made_site, put, rendered

from audit.disclosure.printed import read_numbers
from audit.disclosure.site import blank_site, refuse_unexplained_site, unexplained_in_site
from audit.errors import DataError
from audit.public.site import PublicSite

EXACT = "48317"
"""A number that no release holds."""

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def furniture(english: PublicSite) -> Files:
    return rendered(blank_site(english))


def changed(files: Files, name: str, old: str, new: str) -> Files:
    (path,) = [path for path in files if path.startswith(name)]
    text = files[path].decode()
    assert old in text
    return {**files, path: text.replace(old, new, 1).encode()}


def test_every_number_of_six_languages_is_explained(site: PublicSite, files: Files) -> None:
    assert unexplained_in_site(files, rendered(blank_site(site)), site) == []


@pytest.mark.parametrize("name", ["Ninety Mile", "Noventa", "NinetyForce", "91-97"])
def test_a_number_in_the_name_of_a_group_is_nobodys(tmp_path: Path, name: str) -> None:
    """The group furthest beyond is named where it is, and nowhere in a portal without figures."""
    release = made_release(poor=True, outcome="fail")
    first, features = release.table.features[1].levels[0], list(release.table.features)
    features[1] = features[1].model_copy(
        update={"levels": (first.model_copy(update={"name": name}), *features[1].levels[1:])}
    )
    table = release.table.model_copy(update={"features": tuple(features)})
    put(tmp_path, release.model_copy(update={"table": table}), None)
    site = made_site(tmp_path)
    files = rendered(site)
    assert any(f"<bdi>{name}, women</bdi>" in content.decode() for content in files.values())
    assert unexplained_in_site(files, rendered(blank_site(site)), site) == []


PLANTS: dict[str, Callable[[Files], Files]] = {
    "a cell": lambda files: changed(files, "index.html", "</td></tr>", f" {EXACT}</td></tr>"),
    "an attribute": lambda files: changed(files, "index.html", "<tr data-audit", f'<tr data-n="{EXACT}" data-audit'),
    "a comment": lambda files: changed(files, "systems/advert", "</main>", f"<!-- n={EXACT} --></main>"),
    "a drawing": lambda files: changed(files, "systems/advert", '="round"><line', '="round"><line dx="48.317%"'),
    "the annex": lambda files: changed(files, "operators/ministry", "</h1>", f": {EXACT} people</h1>"),
    "the style": lambda files: changed(files, "index.html", "</style>", f".n{{z-index:{EXACT}}}</style>"),
    "the feed": lambda files: changed(files, "feed.xml", "<summary>", f"<summary>{EXACT} "),
    "the index": lambda files: changed(files, "index.json", '"schema_version":', f'"n": {EXACT}, "schema_version":'),
    "the name of a file": lambda files: {**files, f"systems/n{EXACT}.html": files["index.html"]},
}  # fmt: skip


@pytest.mark.parametrize("place", PLANTS)
def test_a_planted_number_is_refused(english: PublicSite, pages: Files, furniture: Files, place: str) -> None:
    planted = {name: said for name, said in PLANTS[place](dict(pages)).items() if pages.get(name) != said}
    assert len(planted) == 1
    with pytest.raises(DataError, match=r"do not come from the public releases") as caught:
        refuse_unexplained_site(planted, furniture, english)
    assert caught.value.slug == "unexplained-number"
    assert EXACT not in str(caught.value).replace(f"n{EXACT}", "")


def test_a_number_of_one_audit_beside_another_is_refused(english: PublicSite, pages: Files, furniture: Files) -> None:
    """The rates are both printed, each in its own row: swapped, both are wrong."""
    index = pages["index.html"].decode()
    shown = [f"<b>{n}%</b> {low}–{high}%" for n, low, high in _rates(english)]
    first, second = shown[0], next(each for each in shown[1:] if each != shown[0])
    assert first in index
    assert second in index
    swapped = index.replace(first, "@").replace(second, first).replace("@", second)
    assert unexplained_in_site({**pages, "index.html": swapped.encode()}, furniture, english)


def _rates(site: PublicSite) -> list[tuple[int, int, int]]:
    latest = [
        audit for audit in site.audits if audit.release.about.title in ("Hotline triage 1", "Advert screener 2.3")
    ]
    found = []
    for audit in latest:
        rate = next(rate for rate in audit.release.rates if not rate.group.levels)
        found.append(tuple(round(100 * (share or 0)) for share in (rate.value, rate.low, rate.high)))
    return [(a, b, c) for a, b, c in found]


def test_furniture_of_another_page_or_row_excuses_nothing(english: PublicSite, pages: Files, furniture: Files) -> None:
    rows = [audit.name for audit in english.audits]
    known = read_numbers(furniture, rows)
    here = {number.text for number in known if number.file.startswith("operators/ministry")}
    elsewhere = next(number.text for number in known if number.file == "index.html" and number.text not in here)
    planted = changed(dict(pages), "operators/ministry", "</main>", f"{elsewhere}</main>")
    assert [found.text for found in unexplained_in_site(planted, furniture, english)] == [elsewhere]


def test_an_exact_rate_is_refused_to_its_digits(english: PublicSite, pages: Files, furniture: Files) -> None:
    (audit,) = [audit for audit in english.audits if audit.release.about.title == "Hotline triage 1"]
    rate = next(rate for rate in audit.release.rates if not rate.group.levels)
    assert rate.value is not None
    printed = f'"value": {rate.value!r}'
    assert printed in pages["index.json"].decode()
    exact = changed(dict(pages), "index.json", printed, f'"value": {rate.value + 0.0002!r}')
    assert unexplained_in_site(exact, furniture, english)


def test_a_file_that_cannot_be_read_is_refused(english: PublicSite, pages: Files, furniture: Files) -> None:
    with pytest.raises(DataError, match="cannot be read by the gate"):
        refuse_unexplained_site({**pages, "picture.png": b"\x89PNG"}, furniture, english)
