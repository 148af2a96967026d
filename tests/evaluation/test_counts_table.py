"""A table of counts gives what its rows would have given, and verdicts that hold whatever it hides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from audit import run_audit
from audit.cli.commands.app import app
from audit.errors import AuditError, DataError, PlanError
from audit.evaluation.counts_header import counted_columns
from audit.evaluation.counts_table import between
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import with_counted_columns
from audit.plan.file.plan_file import load_plan
from audit.planning.check import check_plan
from audit.result.audit_result import AuditResult
from audit.stages import Scope

CELLS = ("TP", "FN", "FP", "TN")
GROUPS = [(sex, site) for sex in ("woman", "man") for site in ("north", "south", "unknown")]
RULES = [
    {"metric": "true_positive_rate", "groups": ["gender", "site", ["gender", "site"]], "margin": 0.1},
    {"metric": "false_positive_rate", "groups": ["gender"], "ratio": 0.8},
    {"metric": "precision", "groups": ["site"], "margin": 0.1},
]
Counts = Sequence[tuple[int, int, int, int]]


def plan(rules: Sequence[Mapping[str, Any]] = RULES, **section: Any) -> AuditPlan:
    asked = {
        "schema": 1,
        "audit": {"title": "Made up", "owner": "nobody", "use": "victim-identification", "route": "services"},
        "detector": {"kind": "predictions", "decision": "decision"},
        "evaluation_set": {"label_source": "made up", **section},
        "groups": {
            "gender": {"column": "gender", "min_cases": 20},
            "site": {"column": "site", "coding": "categorical", "min_cases": 20},
        },
        "rules": list(rules),
    }
    if "cells" in section:
        del asked["detector"]
    return AuditPlan.model_validate(with_counted_columns(asked))


def of_rows(counts: Counts, rules: Sequence[Mapping[str, Any]] = RULES) -> AuditResult:
    rows = [
        (*group, label, decision)
        for group, numbers in zip(GROUPS, counts, strict=False)
        for (label, decision), number in zip(((1, 1), (1, 0), (0, 1), (0, 0)), numbers, strict=True)
        for _ in range(number)
    ]
    table = pd.DataFrame(rows, columns=["gender", "site", "label", "decision"])
    table["id"] = [f"case {at}" for at in range(len(table))]
    return run_audit(plan(rules, id="id", label="label"), table)


def of_counts(
    counts: Sequence[Sequence[Any]], rules: Sequence[Mapping[str, Any]] = RULES, *, whole: bool = False, **more: Any
) -> AuditResult:
    cells = dict(zip(("true_positives", "false_negatives", "false_positives", "true_negatives"), CELLS, strict=True))
    rows = [(*group, *numbers) for group, numbers in zip(GROUPS, counts, strict=False)]
    table = pd.DataFrame(rows, columns=["gender", "site", *CELLS], dtype="string" if more else None)
    return run_audit(
        plan(rules, cells=cells, **more), table, crosscheck=whole, scope=Scope.DETAILS if whole else Scope.RECORDS
    )


NUMBERS = st.lists(
    st.tuples(*(st.integers(0, most) for most in (60, 40, 30, 90))),
    min_size=len(GROUPS),
    max_size=len(GROUPS),
).filter(lambda counts: all(sum(row[at] for row in counts) for at in range(4)))


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NUMBERS)
def test_counts_give_what_their_rows_give(counts: Counts) -> None:
    one, other = of_rows(counts), of_counts(counts, whole=True)
    same = ("overall", "rules", "verdicts", "rows", "counts", "estimates", "disparities", "features", "change")
    assert {name: getattr(one, name) for name in same} == {name: getattr(other, name) for name in same}
    assert one.further.crosscheck == other.further.crosscheck


HIDDEN = {"*": [0, 9]}
ONE_RULE = [{"metric": "true_positive_rate", "groups": [["gender", "site"]], "margin": 0.1}]
WIDE = [{"metric": "true_positive_rate", "groups": [["gender", "site"]], "margin": 0.3}]


@pytest.mark.parametrize("hidden_at", range(6))
def test_a_verdict_holds_whatever_is_hidden(hidden_at: int) -> None:
    sides = [(90, 9), (95, 40), (20, 75), (300, 9), (180, 60), (60, 9)]
    counts = [[found, missed, 5, 50] for found, missed in sides]
    cell = 0 if sides[hidden_at][0] == 20 else 1
    table = [[str(number) for number in row] for row in counts]
    table[hidden_at][cell] = "*"
    said = {verdict.group: verdict for verdict in of_counts(table, WIDE, suppressed=HIDDEN).verdicts}
    for value in (0, 9):
        counts[hidden_at][cell] = value
        for verdict in of_counts(counts, WIDE).verdicts:
            if said[verdict.group].outcome == "pass":
                assert verdict.outcome == "pass"
            if said[verdict.group].outcome == "fail":
                assert verdict.p_fail is not None
                assert verdict.p_fail <= (said[verdict.group].p_fail or 0.0)


def test_hidden_numbers_take_no_verdict_that_does_not_hang_on_them() -> None:
    counts = [("600", "*", "5", "50"), ("*", "90", "5", "50"), *[("600", "30", "5", "50")] * 3]
    result = of_counts(counts, WIDE, suppressed=HIDDEN)
    assert sorted(verdict.outcome for verdict in result.verdicts) == ["fail", *["pass"] * 4]


def test_a_rate_that_hidden_numbers_could_move_is_not_stated() -> None:
    counts = [("*", "90", "10", "90"), ("300", "*", "10", "90"), ("80", "20", "10", "90")]
    result = of_counts(counts, ONE_RULE, suppressed={"*": [0, 9]})
    found = {
        estimate.group.levels[1].code: estimate
        for estimate in result.estimates
        if estimate.metric == "true_positive_rate" and len(estimate.group.levels) == 2
    }
    assert (found["north"].value, found["north"].reason) == (None, "hidden_numbers")
    assert (found["south"].value, found["south"].reason) == (None, "hidden_numbers")  # 9 of 309 is 3 %
    assert found["unknown"].value == 0.8
    fails = {verdict.group.levels[1].code: verdict.outcome for verdict in result.verdicts}
    assert fails["north"] == "fail"  # at most 9 of 99 are found, whatever the mark hides
    assert [notice.code for notice in result.notices if notice.code.startswith("hidden")] == ["hidden_numbers"]


def test_no_rate_over_both_sides_is_made_of_the_side_that_is_known() -> None:
    """Of the precision of a group with hidden victims only the wrong flags are known: it is no 0 %."""
    counts = [("*", "*", "40", "60"), *[("80", "20", "10", "90")] * 5]
    result = of_counts(counts, WIDE, whole=True, suppressed={"*": [0, 99]})
    hidden = [one for one in result.estimates if [level.code for level in one.group.levels] == ["woman", "north"]]
    assert {estimate.metric for estimate in hidden if estimate.value is not None} <= {"base_rate"}
    assert "hidden_numbers" in {estimate.reason for estimate in hidden if estimate.metric == "precision"}
    for disparity in result.disparities:
        if [level.code for level in disparity.group.levels] == ["woman", "north"]:
            assert disparity.metric == "base_rate" or disparity.difference is None


def test_rates_over_several_nationalities_are_not_stated_where_hidden_numbers_could_move_them() -> None:
    table = pd.DataFrame(
        [
            ("NGA", "90", "10", "5", "90"), ("GHA", "80", "20", "5", "90"), ("NGA/GBR", "60", "*", "5", "90"),
            ("GBR/FRA", "300", "10", "5", "90"), ("FRA", "*", "10", "5", "90"),
        ],
        columns=["nationality", *CELLS], dtype="string",
    )  # fmt: skip
    cells = dict(zip(("true_positives", "false_negatives", "false_positives", "true_negatives"), CELLS, strict=True))
    asked = plan(cells=cells, suppressed={"*": [0, 99]}).model_dump(by_alias=True, exclude_unset=True)
    asked["groups"] = {"nationality": {"column": "nationality", "separator": "/", "dual": "any"}}
    asked["rules"] = [{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}]
    result = run_audit(asked, table, crosscheck=False)
    found = {one.estimate.group.levels[0].code: one.estimate for one in result.further.memberships}
    assert {code: one.reason for code, one in found.items()} == dict.fromkeys(("FRA", "GBR", "NGA"), "hidden_numbers")
    table.loc[2, "FN"], table.loc[4, "TP"] = "40", "100"
    stated = run_audit(asked, table).further.memberships
    assert [one.estimate.value for one in stated] == [400 / 420, 360 / 410, 150 / 200]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", (0, 0)), ("12", (12, 12)), ("1,204", (1204, 1204)), ("1 204", (1204, 1204)), ("12.0", (12, 12)),
        ("<10", (0, 9)), ("< 5", (0, 4)), ("<=5", (0, 5)), ("≤5", (0, 5)), ("&lt;5", (0, 4)), ("<0", (0, 0)),
        ("*", (1, 9)), ("1.204", None), ("-1", None), ("", None), ("..", None), ("12%", None), ("12,34", None),
        ("9" * 5000, None), ("9" * 15, None), ("1" + "0" * 12, (10**12, 10**12)),
    ],
)  # fmt: skip
def test_cells_are_numbers_or_marks_that_say_what_they_hide(text: str, found: tuple[int, int] | None) -> None:
    assert between(text, {"*": (1, 9)}) == found


@pytest.mark.parametrize(
    "header",
    [
        "Víctimas;VÍCTIMAS DETECTADAS;No víctimas;Señaladas por error",
        "victimas;detectadas;no victimas;falsos positivos",
        "víctimas;víctimas señaladas;otras personas;marcadas por error",
        "victimes;victimes repérées;non-victimes;signalées à tort",
        "Opfer;erkannte Opfer;Nichtopfer;fälschlich gemeldet",
        "Opfer;Opfer erkannt;andere Personen;Fehlalarme",
        "vítimas;vítimas identificadas;não vítimas;sinalizadas por erro",
        "vittime;vittime individuate;non vittime;segnalate per errore",
        "Nº víctimas;N.º de víctimas detectadas;Nº no víctimas;Nº señaladas por error",
        "No. victims;no. of victims found;number of non-victims;n_false_positives",
        "Nombre de victimes;N° de victimes repérées;nb de non-victimes;Nombre de faux positifs",
        "Anzahl Opfer;Anzahl der erkannten Opfer;Anzahl Nichtopfer;Anzahl Fehlalarme",
        "total victims;victims found;non-victims;wrongly flagged",
    ],
)
def test_headers_of_counts_in_their_languages(header: str) -> None:
    found = counted_columns(["sexo", "procedencia", *header.split(";")])
    assert found is not None
    names = ("positives", "true_positives", "negatives", "false_positives")
    assert found.cells == dict(zip(names, header.split(";"), strict=True))


@pytest.mark.parametrize("header", ["víctimas señaladas por error", "no víctimas detectadas", "errores", "señaladas"])
def test_a_header_with_two_meanings_is_none(header: str) -> None:
    found = counted_columns(["víctimas", "detectadas", "no víctimas", header])
    assert found is not None
    assert header not in found.cells.values()


@pytest.mark.parametrize(
    ("header", "row", "more", "said"),
    [
        ("TP,FN,FP,TN", "1,2,x,4", {}, "is no number in row 1"),
        ("TP,FN,FP,TN", "1,2,*,4", {}, "is no number in row 1"),
        ("TP,FN,FP,TN", "1,2,1.410,4", {}, "a point between thousands, such as 1.410, in row 1"),
        ("TP,FN,FP", "1,2,3", {}, "has neither the columns TP, FN, FP, TN nor"),
        ("positives,found,others,flagged", "5,8,9,1", {}, "a part is larger than its whole in row 1"),
        ("TP,FN,FP,TN", "1,2,3,4", {"id": "case"}, "a table of counts has no single cases: leave out id"),
        ("TP,FN,FP,TN", "1,2,3,4", {"weight": "w"}, "leave out weight"),
        ("TP,FN,FP,TN", "1,2,3,4", {"cells": {"positives": "TP"}}, "a rate needs two of a whole and its two parts"),
        ("TP,FN,FP,TN", "1,2,3,4", {"suppressed": {"*": [9, 1]}}, "write [least, most]"),
    ],
)
def test_what_cannot_be_read_is_a_line(
    tmp_path: Path, header: str, row: str, more: Mapping[str, Any], said: str
) -> None:
    (tmp_path / "table.csv").write_text(f"gender,site,{header}\nwoman,north,{row}\n", encoding="utf-8")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up", **more})
    with pytest.raises(AuditError) as caught:
        run_audit(tmp_path / "plan.toml")
    assert said in str(caught.value)
    assert isinstance(caught.value, DataError | PlanError)


@pytest.mark.parametrize(("robots", "said"), [(1, "in row 2 —"), (2, "in rows 2, 3 and perhaps more —")])
def test_a_row_is_named_once_however_many_numbers_it_has(tmp_path: Path, robots: int, said: str) -> None:
    table = "gender,site,TP,FN,FP,TN\nwoman,north,9,9,9,9\n" + "robot,north,9,9,9,9\n" * robots
    (tmp_path / "table.csv").write_text(table, encoding="utf-8")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up"})
    with pytest.raises(DataError, match=said):
        run_audit(tmp_path / "plan.toml")


def test_what_is_hidden_brings_no_pass_within_reach(tmp_path: Path) -> None:
    for cells in ("900,100,900,100", "*,*,*,*"):
        table = "".join(f"{gender},{site},{cells}\n" for gender in ("woman", "man") for site in ("north", "south"))
        (tmp_path / "table.csv").write_text(f"gender,site,TP,FN,FP,TN\n{table}", encoding="utf-8")
        write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up", "suppressed": {"*": [0, 900]}})
        report = check_plan(tmp_path / "plan.toml")
        hidden = "*" in cells
        assert (report.everyone.unlabelled, report.positive) == ((14_400, 0) if hidden else (0, 4000))
        assert {rule.can_pass for rule in report.rules} == {not hidden}
        assert report.planned_pass is not None
        assert (report.planned_pass.chance == 0) is hidden


def test_a_column_without_a_name_may_be_a_group_and_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("gender,site,,TP,FN,FP,TN\nwoman,north,a,9,9,9,9\n", encoding="utf-8")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up"})
    with pytest.raises(DataError, match="column 3 has no name"):
        run_audit(tmp_path / "plan.toml")


@pytest.mark.parametrize("word", ["Total", "TOTAL ", "Both sexes", "Insgesamt", "всего"])
def test_rows_of_totals_are_refused(tmp_path: Path, word: str) -> None:
    table = f"gender,site,TP,FN,FP,TN\nwoman,north,9,9,9,9\nwoman,{word},9,9,9,9\n"
    (tmp_path / "table.csv").write_text(table, encoding="utf-8")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up"})
    with pytest.raises(DataError, match="adds up other rows in row 2"):
        run_audit(tmp_path / "plan.toml")


TWO_COLUMNS = """gender,site,agegroup,TP,FN,FP,TN,rate
woman,north,adult,90,10,9,91,0.90
woman,north,child,10,90,9,91,0.10
man,north,adult,80,20,9,91,0.80
man,north,child,81,19,9,91,0.81
"""


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (TWO_COLUMNS, ["agegroup"]),
        (TWO_COLUMNS.replace("north,adult", "north,").replace("child", "2021"), ["agegroup"]),
        (TWO_COLUMNS.replace("man,north,child", "man,south,child"), []),
        ("gender,site,TP,FN,FP,TN,year,n\nwoman,north,9,9,9,9,2021,36\nwoman,north,9,9,9,9,2022,36\n", ["year"]),
        ("gender,site,TP,FN,FP,TN\nwoman,north,9,9,9,9\nwoman,north,8,9,9,9\n", []),
    ],
)
def test_columns_over_which_groups_are_added_up_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, named: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(table, encoding="utf-8")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up"})
    assert list(check_plan(tmp_path / "plan.toml").added_over) == named
    notices = run_audit(tmp_path / "plan.toml", crosscheck=False).notices
    said = [notice.sentences[0].values["columns"] for notice in notices if notice.code == "added_over"]
    assert said == [", ".join(f"“{name}”" for name in named)] * bool(named)
    for command in (["check", "plan.toml"], ["run", "plan.toml", "--no-crosscheck"]):
        printed = CliRunner().invoke(app, command).stdout
        assert ("Rows that differ in these columns are added up" in printed) == bool(named)
    if named:
        assert "agegroup" not in (tmp_path / "audit-out" / "public" / "report.html").read_text(encoding="utf-8")


def test_a_table_that_counts_nobody_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("gender,site,TP,FN,FP,TN\nwoman,north,0,0,0,0\nman,north,0,0,0,0\n")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up"})
    for asked in (check_plan, run_audit):
        with pytest.raises(DataError, match=r"table\.csv counts nobody: every number in 2 rows is 0"):
            asked(tmp_path / "plan.toml")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up", "suppressed": {"0": [0, 9]}})
    assert run_audit(tmp_path / "plan.toml").overall.outcome == "inconclusive"


def test_a_billion_cases_are_counted_as_fast_as_their_table(tmp_path: Path) -> None:
    table = "gender,site,TP,FN,FP,TN\nwoman,north,800000000,200000000,9,9\nman,north,800000000,200000000,9,9\n"
    (tmp_path / "table.csv").write_text(table, encoding="utf-8")
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up"})
    result = run_audit(tmp_path / "plan.toml")
    assert result.rows[0].read == 2_000_000_036
    of_gender = [each.outcome for each in result.verdicts if each.group.levels[0].feature == "gender"]
    assert of_gender == ["pass", "pass"]


def test_the_commands_read_a_table_of_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["gender;site;positives;found;others;flagged"]
    lines += [f"{sex};{site};400;{found};900;90" for (sex, site), found in zip(GROUPS, [200, *[320] * 5], strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="cp1252")
    more = {"delimiter": ";", "encoding": "cp1252"}
    write_plan(tmp_path, {"counts": "table.csv", "label_source": "made up", **more})
    assert load_plan(tmp_path / "plan.toml").evaluation_set.is_counted
    assert CliRunner().invoke(app, ["check", "plan.toml"]).exit_code == 0
    assert CliRunner().invoke(app, ["power", "plan.toml"]).exit_code == 0
    assert CliRunner().invoke(app, ["run", "plan.toml", "--no-crosscheck"]).exit_code == 1
    assert CliRunner().invoke(app, ["gate", "plan.toml"]).exit_code == 1
    result = tmp_path / "audit-out" / "result.json"
    assert (
        CliRunner()
        .invoke(app, ["run", "plan.toml", "--no-crosscheck", "--out", "again", "--baseline", str(result)])
        .exit_code
        == 1
    )
    change = json.loads((tmp_path / "again" / "result.json").read_bytes())["change"]
    assert change["unpaired"] == "no_predictions_then"
    (tmp_path / "table.csv").write_text("\n".join(lines).replace("320", "310"), encoding="cp1252")
    other = CliRunner().invoke(
        app, ["run", "plan.toml", "--no-crosscheck", "--out", "third", "--baseline", str(result)]
    )
    assert (other.exit_code, "the baseline is of another evaluation set" in other.stderr) == (4, True)


def write_plan(folder: Path, section: Mapping[str, Any]) -> None:
    def value(of: Any) -> str:
        if isinstance(of, Mapping):
            return "{ " + ", ".join(f'"{key}" = {value(one)}' for key, one in of.items()) + " }"
        return json.dumps(of)

    lines = "\n".join(f"{key} = {value(one)}" for key, one in section.items())
    rules = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender", "site"]\nmargin = 0.1\n'
    (folder / "plan.toml").write_text(
        'schema = 1\n[audit]\ntitle = "Made up"\nowner = "nobody"\nuse = "victim-identification"\nroute = "services"\n'
        f'[evaluation_set]\n{lines}\n[groups.gender]\ncolumn = "gender"\n[groups.site]\ncolumn = "site"\n{rules}',
        encoding="utf-8",
    )
