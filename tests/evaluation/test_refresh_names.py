"""The tool that writes the names: from small sources like the real ones, with the errors that those have."""

from __future__ import annotations

import csv
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from audit.evaluation.nationality import data_rows
from audit.evaluation.nationality_words import historic_codes, name_rows
from tools import refresh_names
from tools.refresh_names import (
    cldr_claims,
    collisions,
    historic,
    names_elsewhere,
    rows_of,
    taxonomy_claims,
    without_article,
)

COLUMNS = [
    "ISO 3166-1 Alpha 3-Codes", *refresh_names.TERMS, "English Formal",
    *(f"{kind} {word}" if kind == "M49" else f"{word} {kind}"
      for word in refresh_names.UN_LANGUAGES.values() for kind in ("M49", "Short")),
]  # fmt: skip


def entry(code: str, official: str, demonym: str, **more: Any) -> dict[str, Any]:
    words = {"official": official}
    translations = dict.fromkeys(("ara", "fra", "rus", "spa", "zho"), words)
    return {
        "cca3": code, "independent": True, "name": words, "translations": translations,
        "demonyms": {"eng": {"f": demonym, "m": demonym}}, **more,
    }  # fmt: skip


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, entries: list[dict[str, Any]], **nationalities: str) -> None:
    with (folder / "taxonomy.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerow(
            {"ISO 3166-1 Alpha 3-Codes": "GMB", "Preferred Term": "Gambia", "ISO Alt Term": "Gambia (the)"}
            | {"M49 French": "Gambie", "English Formal": "the Republic of the Gambia", "RW Short Name": "GAM"}
        )
        writer.writerow({"ISO 3166-1 Alpha 3-Codes": "", "Preferred Term": "Sark"})
    (folder / "countries.json").write_text(json.dumps(entries), encoding="utf-8")
    for language in ("en", "es", "fr"):
        content = json.dumps({"nationalities": nationalities}, ensure_ascii=False)
        (folder / f"{language}.json").write_text(content, encoding="utf-8")
    arguments = ["--taxonomy", str(folder / "taxonomy.csv"), "--countries", str(folder / "countries.json")]
    monkeypatch.setattr(sys, "argv", ["", *arguments, "--nationalities", str(folder), "--to", str(folder / "to")])
    refresh_names.main()


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]


def test_names_are_written_once_with_their_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, monkeypatch, [entry("GMB", "Republic of the Gambia", "Gambian")], GM="Gambian", XX="Nowherian")
    ours = [row for row in table(tmp_path / "to" / "names.csv") if row[0] == "GMB" and row[4] != "CLDR"]
    assert ours == [
        ["GMB", "demonym", "Gambian", "en es fr", "i18n-nationality"],
        ["GMB", "official", "Republic of the Gambia", "en", "OCHA"],
        ["GMB", "official", "the Republic of the Gambia", "en", "OCHA"],
        ["GMB", "short", "Gambia", "en", "OCHA"],
        ["GMB", "short", "Gambia (the)", "en", "OCHA"],
        ["GMB", "short", "Gambie", "fr", "OCHA"],
        ["GMB", "short", "the Gambia", "en", "OCHA"],
    ]
    assert table(tmp_path / "to" / "names_odbl.csv") == [
        ["GMB", "demonym", "Gambian", "en", "world-countries"],
        ["GMB", "official", "Republic of the Gambia", "ar en es fr ru zh", "world-countries"],
    ]


def test_errors_of_a_source_are_dropped_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        entry("DMA", "Dominican Republic", "Dominican"),  # pycountry gives this name to another
        entry("DOM", "Dominican Republic", "Dominican"),
        entry("IOT", "British Indian Ocean Territory", "Indian", independent=False),
        entry("IND", "Republic of India", "Indian"),
        entry("ATA", "Antarctica", "Antarctican", independent=False),
        entry("WLF", "Wallis", "Wallisian", independent=False),
    ]
    run(tmp_path, monkeypatch, entries, WF="Welsh", IN="Indian", DM="Brok\ufffden")
    claimed = {(row[0], row[2]) for name in ("names.csv", "names_odbl.csv") for row in table(tmp_path / "to" / name)}
    assert ("DOM", "Dominican Republic") in claimed
    assert ("IND", "Indian") in claimed
    assert claimed.isdisjoint(
        {("DMA", "Dominican Republic"), ("IOT", "Indian"), ("ATA", "Antarctican"), ("WLF", "Welsh")}
    )
    assert not any("\ufffd" in name for _, name in claimed)
    assert "dropped from world-countries: DMA 'Dominican Republic' (DOM)" in capsys.readouterr().out
    assert ["dominican", "DMA DOM"] in [row[:2] for row in table(tmp_path / "to" / "collisions.csv")]


def test_two_runs_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for entries in ([entry("GMB", "A", "B"), entry("NGA", "C", "D")], [entry("NGA", "C", "D"), entry("GMB", "A", "B")]):
        run(tmp_path, monkeypatch, entries, GM="Gambian", NG="Nigerian")
        written.append({path.name: path.read_bytes() for path in sorted((tmp_path / "to").iterdir())})
    assert written[0] == written[1]
    assert set(written[0]) == {"names.csv", "names_odbl.csv", "historic.csv", "collisions.csv"}


def test_the_package_holds_what_cldr_and_pycountry_give() -> None:
    held = [row for row in name_rows() if row.source == "CLDR"]
    assert held == rows_of(cldr_claims(), "CLDR", names_elsewhere())
    assert list(historic_codes()) == historic()
    assert data_rows("collisions.csv") == [list(row) for row in collisions(name_rows())]


def test_the_package_holds_what_the_taxonomy_gives() -> None:
    spec = find_spec("hdx")
    places = (spec.submodule_search_locations or ()) if spec is not None else ()
    found = [path for place in places for path in Path(place).glob("location/*.csv")]
    if not found:
        pytest.skip("hdx-python-country is no dependency of this project and not here")
    held = [row for row in name_rows() if row.source == "OCHA"]
    assert held == rows_of(taxonomy_claims(found[0]), "OCHA", names_elsewhere())


def test_a_withdrawn_code_without_a_known_successor_stops_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(refresh_names.SEVERAL_SUCCESSORS, "SUN")
    with pytest.raises(SystemExit, match="who succeeded SUN"):
        historic()


@pytest.mark.parametrize(
    ("name", "variants"),
    [
        ("Mali", ["Mali"]),
        ("Gambia (the)", ["Gambia (the)", "Gambia", "the Gambia"]),
        ("the Gambia", ["the Gambia", "Gambia", "the Gambia"]),
        (
            "Korea (the Republic of)",
            ["Korea (the Republic of)", "Korea (Republic of)", "the Korea (Republic of)"],
        ),
    ],
)
def test_an_article_is_no_part_of_a_name(name: str, variants: list[str]) -> None:
    assert without_article(name) == variants


def test_every_row_has_a_known_kind_and_source() -> None:
    assert {row.kind for row in name_rows()} == {"short", "official", "demonym", "region"}
    assert {row.source for row in name_rows()} == {"OCHA", "CLDR", "i18n-nationality", "world-countries", "audit7k"}
    assert len(set(name_rows())) == len(name_rows())
    assert all(row.languages for row in name_rows())
