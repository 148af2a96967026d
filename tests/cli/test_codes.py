"""`codes`: what a person sees of a column, what is kept from them, and the map that they complete."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.sets import write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import PlanError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.meaning import REASONS
from audit.plan.file.plan_file import parse_plan
from audit.plan.file.unfinished import WRITE_HERE, unfinished

FLAGS = ["Nigerian", "NGA", "尼日利亚", "Congolese", "TOTAL", "NA", None, "SUN", "<5", "N/A", "Ghana/Togo", "Nigerian"]
SECRET = "Maria who lives at 5 Harbour Street"


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = len(FLAGS)
    return write_set(
        tmp_path / "cases.csv",
        {
            "id": [f"c{row}" for row in range(rows)],
            "flag": FLAGS,
            "sex": ["woman", "M", "F"] * (rows // 3),
            "note": [f"{SECRET}, {row}" for row in range(rows)],
        },
    )


def codes(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["codes", *arguments])
    return done.exit_code, done.stdout, done.stderr


def document(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(codes(*arguments, "--json")[1])
    return found


def test_every_value_stands_there_with_its_rows_and_how_it_is_read(cases: Path) -> None:
    code, out, err = codes(str(cases), "--column", "flag")
    assert (code, err) == (3, "")
    assert out.splitlines()[:2] == [
        "flag in cases.csv, read as nationality",
        "  12 rows, 1 of them empty; 10 values: 4 read, 6 not",
    ]
    refused, read = out.partition("\nNot read\n")[2].split("\nRead\n")
    assert [line.split()[:2] for line in read.splitlines()] == [
        ["2", "Nigerian"], ["1", "NA"], ["1", "NGA"], ["1", "尼日利亚"],
    ]  # fmt: skip
    assert "Nigerian    NGA Nigeria\n" in read
    assert (
        "Congolese   more than one country or region is called that: COD Democratic Republic of the Congo, " in refused
    )
    assert "TOTAL       a total, not a case" in refused
    assert "<5          a mark of suppression" in refused
    assert "Ghana/Togo  several nationalities in one cell: GHA Ghana, TGO Togo" in refused


def test_json_holds_the_same(cases: Path) -> None:
    found = document(str(cases), "--column", "flag")
    assert {key: found[key] for key in ("source", "column", "coding", "rows", "missing", "read", "refused")} == {
        "source": "cases.csv", "column": "flag", "coding": "nationality", "rows": 12, "missing": 1, "read": 4,
        "refused": 6,
    }  # fmt: skip
    values = {value["value"]: value for value in found["values"]}
    assert values["NA"] == {
        "value": "NA", "rows": 1, "code": "NAM", "name": "Namibia", "reason": None, "why": None, "candidates": [],
        "suggestions": [],
    }  # fmt: skip
    assert values["Congolese"]["reason"] == "ambiguous"
    assert values["Congolese"]["candidates"] == ["COD", "COG"]


def test_where_everything_is_read_it_exits_0_and_writes_no_map(cases: Path) -> None:
    write_set(cases, {"flag": ["Nigerian", "NGA"]})
    code, out, err = codes(str(cases), "--column", "flag", "--write-map", "map.toml")
    assert code == 0
    assert "Not read" not in out
    assert err == "Every value is read: there is no map to write.\n"
    assert not Path("map.toml").exists()


def test_the_map_is_for_a_person_to_complete_and_then_reads_the_set(cases: Path) -> None:
    write_set(
        cases,
        {
            "case_id": ["1", "2", "3", "4"], "exploited": ["1", "0", "1", "0"], "text": ["a", "b", "c", "d"],
            "flag": ["Congolese", 'He said "\\n"', "N/A", "Ghana"],
        },
    )  # fmt: skip
    code, _, err = codes(str(cases), "--column", "flag", "--write-map", "map.toml")
    assert (code, err) == (3, "Wrote map.toml: 1 filled in, 3 to decide. Put it into the plan.\n")
    text = Path("map.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE(Path("map.toml").stat().st_mode) == 0o600
    written = tomllib.loads(text)["groups"]["nationality"]["map"]
    assert set(written) == {"Congolese", 'He said "\\n"', "N/A", "Ghana"}
    assert '"Ghana" = "GHA"  # Ghana\n' in text
    assert written["Congolese"] == f"{WRITE_HERE}: COD, COG or unknown"
    assert '; or missing = ["N/A"]' in text
    assert len(list(unfinished(tomllib.loads(text)))) == 3
    plan = f"""schema = 1
[audit]
title = "T"
owner = "O"
use = "moderation"
route = "services"
[detector]
kind = "python"
entry = "m:f"
features = ["text"]
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case_id"
label = "exploited"
label_source = "files"
[[rules]]
metric = "true_positive_rate"
groups = ["nationality"]
margin = 0.1
[groups.nationality]
column = "flag"
{text}"""
    with pytest.raises(PlanError, match="write here"):
        parse_plan(plan, folder=cases.parent)
    decided = {"COD, COG or unknown": "COD"}
    for value in (value for value in written.values() if value.startswith(WRITE_HERE)):
        choice = value.removeprefix(f"{WRITE_HERE}: ")
        plan = plan.replace(f'"{value}"', f'"{decided.get(choice, "unknown")}"')
    with open_evaluation_set(parse_plan(plan, folder=cases.parent).plan, cases.parent) as opened:
        assert opened.codes["nationality"] == {
            "Congolese": "COD", 'He said "\\n"': "unknown", "N/A": "unknown", "Ghana": "GHA",
        }  # fmt: skip


def test_a_map_that_is_there_is_kept_unless_forced(cases: Path) -> None:
    Path("map.toml").write_text("mine", encoding="utf-8")
    code, out, err = codes(str(cases), "--column", "flag", "--write-map", "map.toml")
    assert (code, out) == (2, "")
    assert err == "error: map.toml is there already — name another with --write-map, or add --force\n"
    assert Path("map.toml").read_text(encoding="utf-8") == "mine"
    assert codes(str(cases), "--column", "flag", "--write-map", "map.toml", "--force")[0] == 3
    assert "Congolese" in Path("map.toml").read_text(encoding="utf-8")


def test_gender_is_read_by_its_words_and_never_by_a_letter(cases: Path) -> None:
    found = document(str(cases), "--column", "sex", "--coding", "gender")
    assert {value["value"]: value["code"] or value["reason"] for value in found["values"]} == {
        "woman": "woman", "M": "one_letter", "F": "one_letter",
    }  # fmt: skip
    codes(str(cases), "--column", "sex", "--coding", "gender", "--write-map", "map.toml")
    assert 'M" = "write here: woman, man, non-binary or unknown"' in Path("map.toml").read_text(encoding="utf-8")


def test_codes_of_gender_are_read_where_they_are_declared(cases: Path) -> None:
    found = document(str(cases), "--column", "sex", "--coding", "gender", "--codes", "icao-9303")
    assert {value["value"]: value["code"] for value in found["values"]} == {"woman": "woman", "M": "man", "F": "woman"}
    assert codes(str(cases), "--column", "sex", "--codes", "icao-9303")[0] == 2


def test_the_list_that_would_read_a_gender_is_named(cases: Path) -> None:
    write_set(cases, {"sex": ["Female", "Male", "Female", "woman"]})
    out = codes(str(cases), "--column", "sex", "--coding", "gender")[1]
    assert "--codes unodc reads 2 of these 2: add it if the column holds the codes of that list\n" in out
    assert "iso-5218" not in out


def test_a_flag_of_citizenship_is_told_what_it_is(cases: Path) -> None:
    write_set(cases, {"citizen": ["1", "0", "1"]})
    assert 'a flag of citizenship is coding = "relation" with a map' in codes(str(cases), "--column", "citizen")[1]


def test_what_is_spelt_alike_is_suggested_and_never_taken(cases: Path) -> None:
    write_set(cases, {"flag": ["Ukranian", "Nigerin", "xyzzy", "Nigerians"]})
    _, out, _ = codes(str(cases), "--column", "flag", "--write-map", "map.toml")
    assert "Ukranian   in none of the tables; perhaps UKR Ukraine\n" in out
    assert "Nigerin    in none of the tables; perhaps NGA Nigeria, NER Niger\n" in out
    text = Path("map.toml").read_text(encoding="utf-8")
    assert "# in none of the tables; perhaps UKR Ukraine\n" in text
    written = tomllib.loads(text)["groups"]["nationality"]["map"]
    assert written.pop("Nigerians") == "NGA"
    assert all(value.startswith(WRITE_HERE) for value in written.values())
    values = {value["value"]: value for value in document(str(cases), "--column", "flag")["values"]}
    assert (values["Ukranian"]["code"], values["Ukranian"]["suggestions"]) == (None, ["UKR"])
    assert values["xyzzy"]["suggestions"] == []


@pytest.mark.parametrize("column", ["id", "note"])
@pytest.mark.parametrize("more", [(), ("--json",), ("--write-map", "map.toml")])
def test_ids_and_texts_are_not_shown(cases: Path, column: str, more: tuple[str, ...]) -> None:
    code, out, err = codes(str(cases), "--column", column, *more)
    assert (code, out) == (4, "")
    assert err.startswith(f'error: cases.csv: "{column}" looks like a column of ids or texts')
    assert "Maria" not in err
    assert not Path("map.toml").exists()


def test_one_long_text_among_codes_is_enough(cases: Path) -> None:
    write_set(cases, {"flag": ["NGA"] * 50 + ["She said: " + "x" * 200]})
    assert codes(str(cases), "--column", "flag")[:2] == (4, "")


def test_too_many_values_are_ids(cases: Path) -> None:
    write_set(cases, {"flag": [f"v{row % 1100}" for row in range(4400)]})
    assert codes(str(cases), "--column", "flag")[:2] == (4, "")


def test_no_other_column_is_shown(cases: Path) -> None:
    for arguments in (("--column", "flag"), ("--column", "flag", "--json")):
        assert "Maria" not in codes(str(cases), *arguments)[1]


def test_what_is_wrong_with_the_file_is_one_line(cases: Path) -> None:
    code, out, err = codes(str(cases), "--column", "flags")
    assert (code, out) == (4, "")
    assert err == 'error: cases.csv has no column "flags" (--column) — the nearest is "flag"\n'
    assert codes("nowhere.csv", "--column", "flag")[0] == 4


@pytest.mark.parametrize("name", ["cases.parquet", "cases.jsonl", "cases.csv.gz"])
def test_every_format_shows_the_same(cases: Path, name: str) -> None:
    expected = document(str(cases), "--column", "flag")
    other = write_set(cases.parent / name, {"flag": FLAGS})
    assert document(str(other), "--column", "flag") == {**expected, "source": name}


@pytest.mark.parametrize("name", ["lists.parquet", "lists.jsonl"])
def test_a_list_is_read_item_by_item(cases: Path, name: str) -> None:
    held = [["Nigerian", "GHA"], ["GHA"], [], None, ["GHA", "GHA", None], ["Congolese"]]
    other = cases.parent / name
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"flag": pa.array(held)}), other)
    else:
        other.write_text("".join(json.dumps({"flag": each}) + "\n" for each in held))
    found = document(str(other), "--column", "flag")
    assert (found["rows"], {value["value"]: (value["rows"], value["code"]) for value in found["values"]}) == (
        6, {"GHA": (3, "GHA"), "Nigerian": (1, "NGA"), "Congolese": (1, None)},
    )  # fmt: skip


def test_the_order_of_rows_makes_no_difference(cases: Path) -> None:
    expected = codes(str(cases), "--column", "flag")
    write_set(cases, {"flag": FLAGS[::-1]})
    assert codes(str(cases), "--column", "flag") == expected


def test_numbers_are_codes_where_the_file_stores_numbers(cases: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"flag": pa.array([4, 4, 810, 12, None])}), cases.with_suffix(".parquet"))
    found = document(str(cases.with_suffix(".parquet")), "--column", "flag")
    assert {value["value"]: value["code"] or value["reason"] for value in found["values"]} == {
        "4": "AFG", "12": "DZA", "810": "historic",
    }  # fmt: skip


def test_every_reason_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "codes.md").read_text(encoding="utf-8")
    assert [f"| `{reason}` |" for reason in REASONS if f"| `{reason}` |" not in page] == []


def test_a_value_cannot_move_the_cursor(cases: Path) -> None:
    write_set(cases, {"flag": ["\x1b[2Jx", "NGA"]})
    assert "\x1b" not in codes(str(cases), "--column", "flag")[1]
