"""A challenge whose feature repeats what is withheld is refused by name; one that only goes with it is not."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.blind import Sides, two_sides

from audit.errors import DataError, ExitCode
from audit.evidence.blind.repeats import refuse_repeats

ROWS = 600
CHANCE = random.Random(7)
IDS = [f"CASE-{number:05}" for number in CHANCE.sample(range(90_000), ROWS)]
LABELS = [CHANCE.choice(["1", "0", ""]) for _ in range(ROWS)]
GENDERS = [CHANCE.choice(["F", "M", "X", None]) for _ in range(ROWS)]
COUNTRIES = [CHANCE.choice(["NGA", "NPL", "PHL", "UKR", "ROU"]) for _ in range(ROWS)]
STATUS = {"1": ["substantiated", "convicted"], "0": ["dismissed", "withdrawn"], "": ["open"]}


def refused(column: list[object], ids: list[str] | None = None) -> str:
    """Return what a feature is said to repeat; empty where it is taken."""
    withheld = pa.table({"sex": GENDERS, "country": COUNTRIES})
    try:
        refuse_repeats(pa.table({"told": column}), ids or IDS, LABELS, withheld)
    except DataError as error:
        return error.message.removeprefix('the feature "told" repeats ')
    return ""


@pytest.mark.parametrize(
    ("column", "repeats"),
    [
        ([int(label or 0) for label in LABELS], "the label"),
        ([{"1": "yes", "0": "no", "": "yes"}[label] for label in LABELS], "the label"),
        ([CHANCE.choice(STATUS[label]) for label in LABELS], "the label"),
        (list(IDS), "the id"),
        ([f"file {one.lower()} of the office" for one in IDS], "the id"),
        ([one.removeprefix("CASE-") for one in IDS], "the id"),
        ([int(one.removeprefix("CASE-")) for one in IDS], "the id"),
        ([int(one.removeprefix("CASE-")) % 90 for one in IDS], ""),
        (list(GENDERS), 'the column "sex", which is withheld'),
        ([{"F": 0, "M": 1, "X": 2, None: 9}[gender] for gender in GENDERS], 'the column "sex", which is withheld'),
        ([gender == "F" for gender in GENDERS], 'the column "sex", which is withheld'),
        ([country in {"NPL", "PHL"} for country in COUNTRIES], 'the column "country", which is withheld'),
    ],
)
def test_what_repeats_is_refused_by_name(column: list[object], repeats: str) -> None:
    assert refused(column) == repeats


@pytest.mark.parametrize("kind", [str, int, float])
def test_an_id_that_is_a_number_is_known_as_one(kind: type) -> None:
    numbers = CHANCE.sample(range(1, 900), ROWS)
    assert refused([kind(number) for number in numbers], [str(number) for number in numbers]) == "the id"
    assert refused([kind(number) for number in numbers], [f"a{number:03}" for number in numbers]) in {"the id", ""}
    assert not refused([kind(number + 1) for number in numbers], [str(number) for number in numbers])


def nearly(column: list[object], wrong: int = 1) -> list[object]:
    return [column[-1 - number] if number < wrong else cell for number, cell in enumerate(column)]


@pytest.mark.parametrize(
    "column",
    [
        [None] * ROWS,
        ["one word"] * ROWS,
        list(range(ROWS)),  # a value of its own for each case tells everything, and nothing that was withheld
        [CHANCE.random() for _ in range(ROWS)],
        [CHANCE.choice("ab") for _ in range(ROWS)],
        [(label == "1") ^ (CHANCE.random() < 0.05) for label in LABELS],  # a good sign is no label
        [(gender == "F") ^ (CHANCE.random() < 0.05) for gender in GENDERS],
        [f"{country} {CHANCE.choice('abc')}" for country in COUNTRIES],  # finer than a group: most features are
        ["rare" if number == 3 else "common" for number in range(ROWS)],
    ],
)
def test_what_only_goes_with_it_is_taken(column: list[object]) -> None:
    assert refused(column) == ""


def test_copies_of_a_text_tell_their_label_and_do_not_repeat_it() -> None:
    texts: list[object] = [f"text {number // 3}" for number in range(ROWS)]
    labels = ["1" if number // 3 % 2 else "0" for number in range(ROWS)]
    refuse_repeats(pa.table({"text": texts}), IDS, labels, pa.table({"sex": GENDERS}))


def test_few_cases_agree_by_chance() -> None:
    refuse_repeats(pa.table({"debt": [0, 1, 0, 1]}), IDS[:4], ["1", "0", "1", "0"], pa.table({"sex": list("FMFM")}))


@pytest.mark.parametrize(
    ("name", "made", "repeats"),
    [
        ("status", lambda row: "kept" if row["label"] else "closed", "the label"),
        ("reference", lambda row: f"REF/{row['case']}", "the id"),
        ("title", lambda row: "Ms" if row["gender"] == "CANARY-F" else "Mr", 'the column "gender", which is withheld'),
    ],
)
def test_such_a_challenge_ends_before_anything_is_registered(
    tmp_path: Path, name: str, made: object, repeats: str
) -> None:
    assert callable(made)
    sides: Sides = two_sides(tmp_path)
    place = sides.regulator / "set.parquet"
    rows = pq.read_table(place).to_pylist()
    pq.write_table(pa.Table.from_pylist([{**row, name: made(row)} for row in rows]), place)
    for plan in (sides.regulator / "plan.toml", sides.vendor / "vendor.toml"):
        text = plan.read_text(encoding="utf-8")
        assert '"debt"' in text
        plan.write_text(text.replace('"debt"', f'"debt", "{name}"'), encoding="utf-8")
    sides.commit()
    before = sides.kinds
    said = sides.regulate("challenge", "plan.toml", "--out", "challenge", code=ExitCode.NOT_JUDGED)
    assert f'the feature "{name}" repeats {repeats} — ' in said
    assert sides.kinds == before
    assert not (sides.regulator / "challenge").exists()


@pytest.mark.parametrize("named", [".", "challenge", "challenge/deeper", "linked"])
def test_the_secret_lies_never_in_what_is_sent_or_beside_it(tmp_path: Path, named: str) -> None:
    sides = two_sides(tmp_path)
    sides.commit()
    (sides.regulator / "linked").symlink_to(".", target_is_directory=True)
    before = sorted(sides.regulator.iterdir())
    refused = ("challenge", "plan.toml", "--out", "challenge", "--restricted-folder", named)
    assert "would lie in it or beside it" in sides.regulate(*refused, code=ExitCode.USAGE)
    assert sorted(sides.regulator.iterdir()) == before
    sides.regulate(*refused[:-1], "elsewhere")
    assert sorted(path.name for path in (sides.regulator / "challenge").iterdir()) == [
        "challenge.json", "challenge.parquet", "history.a7h",
    ]  # fmt: skip
    secret = sides.regulator / "elsewhere" / "challenge.secret"
    assert (secret / "secret.json").is_file()
    assert {path.stat().st_mode & 0o077 for path in (secret.parent, secret, *secret.iterdir())} == {0}


def test_the_columns_that_a_vendor_declared_are_printed_for_the_plan(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    (sides.regulator / "h.a7h").touch()
    assert "names no model" in sides.show("features", "h.a7h", code=ExitCode.NOT_JUDGED)
    sides.commit()
    said = tomllib.loads(sides.show("features", "h.a7h"))
    assert said == {
        "audit": {"owner": "An agency", "system": "Screener"},
        "detector": {"kind": "blind", "features": ["age", "hours", "debt"]},
    }
