"""`recheck`: what follows, what cannot, and what nobody can tell of an audit that others have published."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.spreadsheets import write_xlsx
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.evaluation.counts_table import Between
from audit.evidence.published.margins import sums_of
from audit.evidence.published.recheck import Finding, Rechecked, State, recheck
from audit.evidence.published.table import Category, PublishedTable, names, table_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "published-audit"
SEXES, RACES = tuple(names()["sex"])[:2], tuple(names()["race"])
TODAY = dt.date(2024, 2, 29)
HEADER = ("sex", "race", "applicants", "selected", "selection rate", "impact ratio")
Key = tuple[str, str]
Rows = list[list[str]]
OTHERS = "; others may be of a sex that is not listed"


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["recheck", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def found(rows: Sequence[Sequence[str]], unknown: int | None = 0, header: Sequence[str] = HEADER) -> Rechecked:
    return recheck(table_of("table.csv", header, rows), unknown, TODAY, TODAY)


def findings(rechecked: Rechecked, code: str) -> list[Finding]:
    return [each for each in rechecked.findings if each.code == code]


# The example, whose figures are those of the rule.


def test_the_readme_of_the_example_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE)
    text = " ".join((EXAMPLE / "README.md").read_text(encoding="utf-8").split())
    commands = re.findall(r"audit7k recheck ((?:[\w.]+)(?: --\w+ [\d-]+)+)", text)
    (code, said, _), (next_code, next_said, _) = (run(*command.split()) for command in commands)
    assert (f"DOES NOT FOLLOW, with exit code {code}" in text, code) == (True, 1)
    assert (f"CANNOT BE TOLD, with exit code {next_code}" in text, next_code) == (True, 3)
    assert (
        "\n✗ DOES NOT FOLLOW\n  Hispanic or Latino: the parts by sex hold 172, of 204 selected: at most 13 can" in said
    )
    assert "\n  23 rates from numbers of people, 23 impact ratios, 8 sums\n" in said
    assert "CANNOT BE TOLD" not in said
    assert "  Hispanic or Latino: no whole number of 28 makes 64.2%; it follows if decimals were cut off" in next_said
    assert "DOES NOT FOLLOW" not in next_said
    assert "Four fifths is a rule of thumb of the EEOC" in said


def test_the_example_without_its_contradiction_follows(tmp_path: Path) -> None:
    """408 and 204 are made to be 395 and 172, the sum by sex; the rate and the ratio are those of 172 of 395."""
    text = (EXAMPLE / "selection.csv").read_text(encoding="utf-8").replace("408,204,50%,0.97", "395,172,44%,0.84")
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    code, said, error = run(tmp_path / "table.csv", "--unknown", 250, "--audited", "2023-04-06", "--date", "2024-04-06")
    assert (code, error) == (0, "")
    assert "✗" not in said
    assert "?" not in said


# Whatever is true follows, however it is rounded.


HIDDEN = ("Non-binary", "Another race")


@st.composite
def audits(draw: st.DrawFn, *, hidden: bool = False) -> tuple[dict[Key, tuple[int, int]], int]:
    """Numbers of applicants and selected of an audit, by key of sex and race, '' for all; and of people unknown."""
    sexes, races = (*SEXES, *HIDDEN[:hidden]), (*RACES, *HIDDEN[1 : 1 + hidden])
    people = st.integers(0, draw(st.sampled_from([3, 60, 5000])))
    cells: dict[Key, tuple[int, int]] = {}
    unknown = 0
    for sex, race in itertools.product((*sexes, "?"), (*races, "?")):
        many = draw(people) if "?" not in (sex, race) else draw(st.integers(0, 5))
        cells[sex, race] = many, draw(st.integers(0, many))
        unknown += many if "?" in (sex, race) else 0
    table = {key: cell for key, cell in cells.items() if "?" not in key}
    for sex in sexes:
        table[sex, ""] = _added(cells, sex=sex)
    for race in races:
        table["", race] = _added(cells, race=race)
    if draw(st.booleans()):
        table["", ""] = _added(cells)
    return table, unknown


def _added(cells: dict[Key, tuple[int, int]], sex: str = "", race: str = "") -> tuple[int, int]:
    numbers = [cell for key, cell in cells.items() if sex in ("", key[0]) and race in ("", key[1])]
    return sum(people for people, _ in numbers), sum(selected for _, selected in numbers)


def block(key: Key) -> tuple[bool, bool]:
    return bool(key[0]), bool(key[1])


def _exact(table: dict[Key, tuple[int, int]]) -> dict[Key, Decimal]:
    return {key: Decimal(selected) / people for key, (people, selected) in table.items() if people}


def _as_printed(rates: dict[Key, str]) -> dict[Key, Decimal]:
    return {key: Decimal(text.removesuffix("%")) / (100 if "%" in text else 1) for key, text in rates.items() if text}


def ratios(rates: dict[Key, Decimal]) -> dict[Key, Decimal]:
    """The impact ratio of each category that has one."""
    highest = {block(key): max(rate for other, rate in rates.items() if block(other) == block(key)) for key in rates}
    return {key: rate / highest[block(key)] for key, rate in rates.items() if key != ("", "") and highest[block(key)]}


@st.composite
def printed(
    draw: st.DrawFn, *, counts: bool | None = None, careless: bool = False, hidden: bool = False
) -> tuple[Rows, int]:
    """A table of true numbers, as somebody may print it: any decimals, per cent or share, ties rounded either way.

    Who is careless cuts decimals off, or divides the rates as they are printed. Categories may be hidden: people are of
    them, the highest rate too, and the table has no row of them and no ratio of those below 2 %.
    """
    table, unknown = draw(audits(hidden=hidden))
    everybody = sum(people for key, (people, _) in table.items() if all(key)) + unknown
    small = {key for key, (people, _) in table.items() if hidden and 50 * people < everybody}
    show = draw(st.booleans()) if counts is None else counts
    decimals = st.integers(0, 4)
    rounding = st.sampled_from([ROUND_HALF_UP, ROUND_HALF_DOWN, *([ROUND_DOWN] if careless else [])])

    def figure(value: Decimal) -> str:
        percent = draw(st.booleans())
        unit = Decimal(1).scaleb(-draw(decimals))
        text = (value * (100 if percent else 1)).quantize(unit, draw(rounding))
        return f"{text}%" if percent else str(text)

    rates = {key: figure(Decimal(selected) / people) if people else "" for key, (people, selected) in table.items()}
    made = ratios(_as_printed(rates) if careless and draw(st.booleans()) else _exact(table))
    rows = []
    for (sex, race), (people, selected) in table.items():
        if sex in HIDDEN or race in HIDDEN:
            continue
        rate = rates[sex, race]
        ratio = figure(made[sex, race]) if (sex, race) in made else "1.00" if people and (sex or race) else ""
        ratio = "" if (sex, race) in small else ratio
        rows.append([sex, race or ("" if sex else "Total"), f"{people:,}", str(selected) if show else "", rate, ratio])
    return draw(st.permutations(rows)), unknown


@given(printed())
def test_a_table_of_true_numbers_follows(audit: tuple[Rows, int]) -> None:
    rows, unknown = audit
    assert found(rows, unknown).findings == ()


@given(printed(careless=True))
def test_nobody_is_said_to_be_wrong_who_cut_decimals_off_or_divided_rounded_rates(audit: tuple[Rows, int]) -> None:
    rows, unknown = audit
    assert {each.state for each in found(rows, unknown).findings} <= {State.UNTOLD}


@given(printed(careless=True, hidden=True))
def test_nobody_is_said_to_be_wrong_who_lists_not_every_category(audit: tuple[Rows, int]) -> None:
    rows, unknown = audit
    assert {each.state for each in found(rows, unknown).findings} <= {State.UNTOLD}


@given(printed(counts=True), st.data())
def test_a_figure_changed_beyond_its_rounding_is_named(audit: tuple[Rows, int], data: st.DataObject) -> None:
    rows, unknown = audit
    code, place = data.draw(st.sampled_from([("rate", 4), ("ratio", 5)]))
    chosen = [number for number, row in enumerate(rows) if row[place] and row[3] != "0"]
    if not chosen:
        return
    row = rows[data.draw(st.sampled_from(chosen))]
    number, sign = row[place].removesuffix("%"), "%" * row[place].endswith("%")
    unit = Decimal(1).scaleb(-len(number.partition(".")[2]))
    changed = Decimal(number) + unit * data.draw(st.sampled_from([-2, 2, 3, 10]))
    if changed < 0 or (not sign and changed > 1):
        return
    row[place] = f"{changed}{sign}"
    named = findings(found(rows, unknown), code)
    assert ", ".join(filter(None, row[:2])) in {each.where for each in named}


@given(audits(), st.data())
def test_a_count_that_no_other_table_allows_is_named(
    audit: tuple[dict[Key, tuple[int, int]], int], data: st.DataObject
) -> None:
    table, unknown = audit
    key = data.draw(st.sampled_from([key for key in table if key[0] and key[1]]))
    people, selected = table[key]
    table[key] = people + unknown + 1, selected
    named = {each.where for each in findings(found(_plain(table), unknown), "sum")}
    assert {key[0], key[1]} <= named


def _plain(table: dict[Key, tuple[int, int]]) -> Rows:
    return [
        [sex, race or ("" if sex else "Total"), str(people), str(selected), "", ""]
        for (sex, race), (people, selected) in table.items()
    ]


_inside = st.sampled_from([Between(0, 1), Between(0, 2), Between(1, 2)])
_sums = st.builds(lambda low, more: Between(low, low + more), st.integers(0, 3), st.sampled_from([0, 0, 1]))


@settings(max_examples=10 * settings().max_examples)
@given(st.lists(_inside, min_size=4, max_size=4), st.lists(_sums, min_size=4, max_size=4))
def test_all_tables_fit_at_once_where_some_whole_numbers_do(inside: list[Between], sums: list[Between]) -> None:
    """All whole numbers are tried. Everybody's category is known, so that each sum has to be met."""
    keys = list(itertools.product(SEXES, RACES[:2]))
    whole: list[tuple[str | None, str | None]] = [(sex, None) for sex in SEXES] + [(None, race) for race in RACES[:2]]
    numbers = dict(zip([*keys, *whole], [*inside, *sums], strict=True))
    rows = tuple(Category(row, *key, None, None, None, None) for row, key in enumerate(numbers))
    people = {one: 1000 * (2 if None in (one.sex, one.race) else 1) for one in rows}
    checked = sums_of(
        PublishedTable("table.csv", False, rows),
        lambda one: Between(people[one], people[one]),
        lambda one: numbers[one.sex, one.race],
        0,
    )
    ours = not any(each.why for each in checked)  # what is wrong of one sum alone, or of all together

    def meets(choice: tuple[int, ...], sex: str | None, race: str | None) -> bool:
        chosen = sum(
            many for key, many in zip(keys, choice, strict=True) if sex in (None, key[0]) and race in (None, key[1])
        )
        return numbers[sex, race].low <= chosen <= numbers[sex, race].high

    tried = itertools.product(*(range(cell.low, cell.high + 1) for cell in inside))
    fits = any(all(meets(choice, *key) for key in numbers if None in key) for choice in tried)
    assert ours == fits


def test_hidden_numbers_are_intervals() -> None:
    """`<10` is 0 to 9: whatever it is, 95 and it are no more than 104."""
    rows = [
        ["Female", "White", "95", "", "40%", "1"],
        ["Male", "White", "<10", "", "40%", "1"],
        ["Male", "", "<10", "", "", ""],
    ]
    rows += [["Female", "", "95", "", "40%", "1"], ["", "White", "104", "", "40%", "1"]]
    assert findings(found(rows), "sum") == []
    rows[-1][2] = "105"
    assert [each.text for each in findings(found(rows), "sum")] == [
        f"the parts by sex hold 95 to 104, of 105 applicants: at most 0 can be missing{OTHERS}"
    ]


def test_more_people_in_one_table_alone_than_are_unknown_are_named() -> None:
    table = {("Female", "White"): (10, 5), ("Male", "White"): (10, 5), ("Female", ""): (12, 6), ("", "White"): (23, 11)}
    table["Male", ""] = (11, 6)
    (said,) = [each for each in findings(found(_plain(table), 3), "sum") if each.where == "By both"]
    assert said.text.startswith(
        "6 people by sex or by race are not there, and only 3 are unknown; others may be of a sex"
    )
    assert said.state is State.UNTOLD
    assert findings(found(_plain(table), 6), "sum") == []


# What is named, and how.


BY_SEX = [["Female", "", "100", "40", "40%", "0.80"], ["Male", "", "100", "50", "50%", "1.00"]]


def only(rechecked: Rechecked, *codes: str) -> dict[str, str]:
    """Texts of what was found of a table by sex alone, by code."""
    own = {
        each.code: f"{each.state.value} · {each.where}: {each.text}"
        for each in rechecked.findings
        if each.code != "block"
    }
    assert set(own) == set(codes)
    return own


def test_a_table_by_sex_alone_lacks_the_others() -> None:
    assert [each.where for each in findings(found(BY_SEX), "block")] == ["By race or ethnicity", "By both"]
    assert only(found(BY_SEX)) == {}


@pytest.mark.parametrize(("counts", "rate", "said"), [
    (["10", ""], "150%", "no whole number of 10 makes 150%"), (["7", ""], "50%", "no whole number of 7 makes 50%"),
    (["10", "11"], "110%", "11 of 10 cannot be"), (["10", "5"], "51%", "5 of 10 are 50.00 %, not 51%"),
])  # fmt: skip
def test_a_rate_that_no_people_make_is_named(counts: list[str], rate: str, said: str) -> None:
    assert [each.text for each in findings(found([["Male", "", *counts, rate, "1.00"]]), "rate")] == [said]


def test_a_ratio_to_another_than_the_highest_rate_says_to_which() -> None:
    rows = [["", "White", "100", "50", "50%", "1.00"], ["", "Asian", "100", "60", "60%", "1.20"]]
    text = next(each.text for each in found(rows).findings if each.code == "ratio")
    assert text == "0.833 to the highest rate, Asian, not 1.00; all of the table are to the rate of White"


def test_ratios_to_a_rate_that_the_table_does_not_list_cannot_be_told() -> None:
    """Both are to 62.5 %, which may be that of non-binary people; with a ratio of 1 among them they are not."""
    rows = [["Female", "", "100", "40", "40%", "0.64"], ["Male", "", "100", "50", "50%", "0.80"]]
    assert {each.state for each in findings(found(rows), "ratio")} == {State.UNTOLD}
    rows.append(["Total", "", "200", "90", "45%", ""])  # which leaves nobody, but for those of an unknown category
    assert {each.state for each in findings(found(rows), "ratio")} == {State.WRONG}
    assert {each.state for each in findings(found(rows, unknown=1), "ratio")} == {State.UNTOLD}
    rows.pop()
    of_races = [["", "White", "100", "40", "40%", "0.64"], ["", "Asian", "100", "50", "50%", "0.80"]]
    of_races.append(["Total", "", "200", "90", "45%", ""])  # who is of both races leaves room for somebody of another
    assert {each.state for each in findings(found(of_races), "ratio")} == {State.UNTOLD}
    listed = [*rows, ["Non-binary", "", "10", "1", "10%", "0.16"]]
    assert {each.state for each in findings(found(listed), "ratio")} == {State.WRONG}
    rows[1][5] = "1.00"
    assert {each.state for each in findings(found(rows), "ratio")} == {State.WRONG}


def test_people_of_several_races_may_stand_in_each() -> None:
    """Unless such people have a row of their own."""
    rows = [["", "White", "60", "30", "50%", "1"], ["", "Asian", "50", "25", "50%", "1"]]
    rows.append(["Total", "", "100", "50", "50%", ""])
    assert [each.state for each in findings(found(rows), "sum")] == [State.UNTOLD]
    rows.append(["", "Two or More Races", "5", "2", "40%", "0.8"])
    assert [each.state for each in findings(found(rows), "sum")] == [State.WRONG]


def test_what_the_table_lacks_the_audit_may_have_elsewhere() -> None:
    """A row of dashes is of nobody, perhaps; where nobody was selected there is no ratio."""
    lacks = [["", "White", "10", "0", "0%", ""], ["", "Asian", "", "", "", ""]]
    assert {each.state for each in found(lacks).findings} == {State.UNTOLD}
    assert not findings(found(lacks[:1]), "ratios")


def test_ratios_that_follow_one_by_one_and_not_together_are_named() -> None:
    """Without counts: 0.900 needs a highest rate of .503 or more, and 0.810 one of .498 or less."""
    rows = [
        ["", "White", "", "", "50%", "1"],
        ["", "Black", "", "", "45.4%", "0.900"],
        ["", "Asian", "", "", "40.2%", "0.810"],
    ]
    assert findings(found(rows), "ratio") == []
    assert [each.where for each in findings(found(rows), "reference")] == ["By race or ethnicity"]


@pytest.mark.parametrize(("female", "male", "exact", "printed"), [
    (["1181", "555", "47%"], ["1390", "667", "48%"], "0.979", "0.9792"),
    (["1000", "474", "47%"], ["1000", "500", "50%"], "0.948", "0.940"),
])  # fmt: skip
def test_a_ratio_of_rounded_rates_cannot_be_told(female: list[str], male: list[str], exact: str, printed: str) -> None:
    rows = [["Female", "", *female, printed], ["Male", "", *male, "1.00"]]
    said = only(found(rows), "ratio")["ratio"]
    assert said.startswith(f"cannot be told · Female: {exact} to the highest rate, Male, not {printed}; it follows if")


@pytest.mark.parametrize(("total", "unknown", "state"), [
    ("920", 0, State.WRONG), ("920", 80, State.WRONG), ("920", 81, State.UNTOLD), ("920", None, State.UNTOLD),
    ("", 0, State.UNTOLD),
])  # fmt: skip
def test_a_category_is_left_out_only_below_two_per_cent(total: str, unknown: int | None, state: State) -> None:
    """20 of 920 people, or of 1,000 with 80 of an unknown category: 2 % or more, if nobody is of another category."""
    half = ["450", "225", "50%", "1.00"]
    rows = [["", "White", *half], ["", "Black", *half], ["", "Asian", "20", "5", "25%", ""]]
    rows.append(["Total", "", total, "", "", ""])
    assert [each.state for each in findings(found(rows, unknown), "left out")] == [state]


def test_one_that_is_left_out_rightly_still_has_number_and_rate() -> None:
    rows = [["", "White", "990", "495", "50%", "1.00"], ["", "Asian", "10", "9", "90%", ""]]
    assert found(rows).left_out == ("Asian",)
    assert findings(found(rows), "ratio") == []
    rows[1][4] = rows[1][3] = ""
    assert "number and rate must be" in findings(found(rows), "left out")[0].text


def test_more_than_half_cannot_be_above_the_median() -> None:
    header = ("sex", "race", "applicants", "above median", "scoring rate", "impact ratio")
    assert found(BY_SEX, 0, header).table.scores
    assert findings(found(BY_SEX, 0, header), "median") == []
    high = [[*row[:3], "51", "51%", "1.00"] for row in BY_SEX]
    listed = [*high, ["Non-binary", "", "0", "0", "", ""]]
    assert only(found(listed, 0, header), "median")["median"].startswith("does not follow · By sex: 102 of 200")
    assert only(found(high, 0, header), "median")["median"].startswith("cannot be told")  # 4 may be of another sex
    assert only(found(high, 4, header)) == {}
    assert only(found(listed, None, header), "median", "unknown")["median"].startswith("cannot be told")


def test_a_rate_of_all_that_leaves_out_the_unknown_is_called_so() -> None:
    rows = [*BY_SEX, ["Total", "", "250", "90", "45%", ""]]
    said = only(found(rows, 50), "rate")["rate"]
    text = "Total: 90 of 250 are 36.00 %, not 45%, which is the rate among the 200 of known category"
    assert said == f"cannot be told · {text}"
    assert "sum" in only(found(rows, 49), "rate", "sum")


@pytest.mark.parametrize(("rows", "many"), [
    ([["unknown", "", "3", "", "", ""], ["", "not disclosed", "4", "", "", ""]], 7),
    ([["unknown", "unknown", "9", "", "", ""]], 9), ([["unknown", "", "3", "", "", ""]], None), ([], None),
])  # fmt: skip
def test_the_number_of_unknown_people_may_stand_in_the_table(rows: Rows, many: int | None) -> None:
    assert bool(findings(found([*BY_SEX, *rows], None), "unknown")) == (many is None)
    everybody = [["Total", "", "207", "90", "", ""]]
    assert bool(findings(found([*BY_SEX, *rows, *everybody], None), "sum")) == (many is not None and many < 7)


@pytest.mark.parametrize(("above", "many"), [
    (["Male"], None), (["Male", "White"], None), (["Male", "White", "White men"], 3), ([], None),
    (["Male", "Total"], None),
])  # fmt: skip
def test_an_unknown_row_tells_only_of_the_table_below_which_it_stands(above: list[str], many: int | None) -> None:
    rows = [[name, "9", "4", "", ""] for name in (*above, "Unknown", "Female")]
    rows[len(above)][1] = "3"
    table = found(rows, None, ("category", *HEADER[2:])).table
    assert bool(findings(recheck(table, None, TODAY, TODAY), "unknown")) == (many is None)
    both = found(
        [*rows, ["White women", "9", "4", "", ""], ["Unknown", "2", "", "", ""]], None, ("category", *HEADER[2:])
    )
    assert findings(both, "unknown") == []


def test_people_of_a_sex_that_is_not_listed_cannot_be_told() -> None:
    """Of 220 people 20 may be non-binary: that is no contradiction, unless such people are listed."""
    rows = [*BY_SEX, ["Total", "", "220", "95", "", ""]]
    (said,) = findings(found(rows), "sum")
    assert said == (
        State.UNTOLD, "sum", "Total",
        f"the parts by sex hold 200, of 220 applicants: at most 0 can be missing{OTHERS}",
    )  # fmt: skip
    listed = found([*rows, ["Non-binary", "", "10", "5", "", ""]])
    assert [each.state for each in findings(listed, "sum")] == [State.WRONG]
    rows[-1][3] = "111"  # 21 more selected than of both sexes, and 20 more people
    assert [(each.state, each.text) for each in findings(found(rows), "sum")] == [
        (State.WRONG, "the parts by sex hold 90, of 111 selected: at most 20 can be missing")
    ]
    rows[-1][2] = "199"
    assert [each.state for each in findings(found(rows), "sum")] == [State.WRONG]


@pytest.mark.parametrize(("counts", "ratio", "below"), [
    (["", ""], "0.80", []), (["", ""], "0.79", ["Female 0.79"]), (["1000", "398"], "0.80",
    ["Female 0.80 (recomputed: at most 0.796)"]), (["1000", "401"], "0.80", []), (["1000", "401"], "0.79", []),
])  # fmt: skip
def test_only_what_is_certainly_below_four_fifths_is_called_so(counts: list[str], ratio: str, below: list[str]) -> None:
    """0.80 stands for 0.795 to 0.805: it is below only where numbers of people say so."""
    rate = "" if counts[0] else "40%"
    rows = [["Female", "", *counts, rate, ratio], ["Male", "", *(["1000", "500"] if counts[0] else counts), "50%", "1"]]
    assert list(found(rows).below) == below


@pytest.mark.parametrize(("audited", "today", "old"), [
    ("2023-07-05", "2024-07-05", False), ("2023-07-05", "2024-07-06", True), ("2024-02-29", "2025-02-28", False),
    ("2024-02-29", "2025-03-01", True), ("2023-07-05", "2023-07-05", False), ("2023-07-05", "2023-07-04", True),
])  # fmt: skip
def test_an_audit_serves_for_one_year(audited: str, today: str, old: bool) -> None:
    day = dt.date.fromisoformat
    rechecked = recheck(table_of("table.csv", HEADER, BY_SEX), 0, day(audited), day(today))
    assert [each.state for each in findings(rechecked, "age")] == [State.WRONG] * old


def test_categories_and_numbers_that_are_not_there_are_named() -> None:
    rows = [["", "White", "10", "5", "50%", "1.00"], ["", "Asian", "", "", "", "0.5"]]
    rechecked = found(rows)
    (listed,) = findings(rechecked, "categories")
    assert listed.text.endswith("Native Hawaiian or Pacific Islander; Native American or Alaska Native")
    assert listed.state is State.UNTOLD
    assert [each.text[:14] for each in findings(rechecked, "numbers")] == ["no number of a", "no rate for 1 "]
    assert findings(found([["", "White", "10", "5", "50%", ""]]), "ratios")


# What a table may look like.


ONE = [
    ["Category", "# of Applicants", "Scoring Rate", "Impact Ratio"], ["Sex Categories", "", "", ""],
    ["Male", "1.390", "54,3 %", "1,00"], ["Women", "76", "44,7 %", ",82"], ["Non-Hispanic White", "40", "62.5", "0.58"],
    ["Caucasian men", "8", "62,5 %", "N/A"], ["Latina, female", "4", "–", "–"], ["Prefer not to say", "15", "", ""],
]  # fmt: skip


def test_names_and_figures_are_read_as_they_are_printed() -> None:
    table = table_of("table.csv", ONE[0], [[cell.replace("1.390", "1,390") for cell in row] for row in ONE[1:]])
    assert [(one.row, one.sex, one.race) for one in table.categories] == [
        (2, "Male", None), (3, "Female", None), (4, None, "White"), (5, "Male", "White"),
        (6, "Female", "Hispanic or Latino"), (7, "unknown", "unknown"),
    ]  # fmt: skip
    assert table.scores
    man, woman, white, *_ = table.categories
    assert man.applicants == Between(1390, 1390)
    assert [str(one.rate and float(one.rate.value)) for one in (man, woman, white)] == ["0.543", "0.447", "0.625"]
    assert woman.ratio is not None
    assert (float(woman.ratio.value), float(woman.ratio.unit)) == (0.82, 0.01)


def test_tables_below_each_other_are_one_also_under_the_name_of_the_first() -> None:
    header = ["Sex Categories", "# of Applicants", "Scoring Rate", "Impact Ratio"]
    rows = [
        ["Male", "8", "50%", "1"],
        ["Race/Ethnicity Categories", *header[1:]],
        ["White", "8", "50%", "1"],
        ["Both", "", "", ""],
    ]
    rows += [["White non-binary", "1", "0%", "0"], ["Total", "8", "50%", ""]]
    assert [each.name for each in table_of("table.csv", header, rows).categories] == [
        "Male",
        "White",
        "Non-binary, White",
        "Total",
    ]


@pytest.mark.parametrize(("cells", "header", "values"), [
    (["40", "50", "1"], "rate", [0.4, 0.5, 0.01]), (["0.4", "1"], "rate", [0.4, 1]),
    (["40%", "50"], "rate", [0.4, 0.5]),
    (["0.5", "1"], "rate (%)", [0.005, 0.01]), (["0.7509999999999999", "1"], "rate", [0.751, 1]),
])  # fmt: skip
def test_per_cent_and_shares_are_told_apart(cells: list[str], header: str, values: list[float]) -> None:
    table = table_of("table.csv", ("race", header), [[RACES[place], cell] for place, cell in enumerate(cells)])
    assert [float(one.rate.value) for one in table.categories if one.rate] == values


def test_files_of_other_houses_are_read(tmp_path: Path) -> None:
    header = ["Sex", "Race", "Applicants", "Selected", "Rate", "Impact ratio"]
    rows = [[*row[:4], row[4].replace("%", ",0 %"), row[5]] for row in BY_SEX]
    text = "\r\n".join(";".join(row) for row in (header, *rows))
    (tmp_path / "semicolons.csv").write_bytes(text.encode("cp1252"))
    write_xlsx(
        tmp_path / "sheet.xlsx",
        {"data": [header, ["Female", "", 100, 40, 0.4, 0.8], ["Male", "", 100, 50, 0.5, 1]]},
    )
    said = [json.loads(run(tmp_path / name, "--unknown", 0, "--json")[1]) for name in ("semicolons.csv", "sheet.xlsx")]
    assert said[0]["follows"] == said[1]["follows"] == {"rate": 2, "ratio": 2}
    assert [each["code"] for each in said[0]["findings"]] == ["block", "block", "age"]


SECRET = "Maria of Harbour Street"


@pytest.mark.parametrize(("text", "said"), [
    ("sex,race\nMale,White\n", "it is not clear which columns"),
    ("sex,rate,selection rate\nMale,1,1\n", "rate and selection rate may be the same"),
    (f"sex,rate\nMale,{SECRET}\n", "row 1 holds no number as rate"),
    ("sex,rate\nMale,-1\n", "row 1 holds no number as rate"),
    (f"category,rate\n{SECRET},50%\n", "row 1 names no category"),
    ("sex,rate\nMale,50%\nM,50%\n", "row 2 is of the same category as row 1"),
    ("sex,rate\n" + "Male,50%\n" * 301, "is no published table"),
    ("sex,rate\n" + "Male,50%," + "x" * (1 << 20), "is no published table"),
    ("sex,rate\nMale\n", "line 2 has 1 cells"), ("", "is empty"),
])  # fmt: skip
def test_what_is_no_published_table_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    code, out, error = run(tmp_path / "table.csv")
    assert (code, out, error.count("\n")) == (4, "", 1)
    assert said in error
    assert SECRET not in error


def test_a_packed_file_is_no_published_table(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(gzip.compress(b"sex,rate\n" + b"Male,50%\n" * 10**6))
    assert run(tmp_path / "table.csv")[0] == 4


def test_the_largest_table_takes_little_time() -> None:
    """300 categories of race, each of which could be the one that all ratios are to."""
    import time

    began = time.process_time()
    rows = [["", f"Group {number}", "1000", str(number), f"{number / 10:.1f}%", "0.5"] for number in range(1, 301)]
    assert len(findings(found(rows), "ratio")) > 250
    assert time.process_time() - began < 3


def test_no_word_of_the_page_judges_the_law(tmp_path: Path) -> None:
    said: list[Any] = [run(EXAMPLE / name)[1] for name in ("selection.csv", "scoring.csv")]
    assert not re.search("complian|lawful|fair|bias", "".join(said), re.IGNORECASE)
