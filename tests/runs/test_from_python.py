"""Audits, first looks and single cases from Python and from the terminal: the same plans, counts and errors."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, true_positive_rate
from made.results import few_result, hostile_result, undecided_result
from typer.testing import CliRunner

import audit
from audit.cli.commands.app import app
from audit.notebook import NotebookResult, with_methods
from audit.plan.file.plan_file import parse_plan
from audit.planning.check import check_plan
from audit.result.audit_result import AuditResult
from audit.stages import Scope
from audit.vocabulary.text import printable

PLAN = """
schema = 1
[audit]
title = "calls, version 2"
owner = "the desk"
use = "hotline-triage"
route = "services"
[detector]
kind = "predictions"
score = "risk"
threshold = 0.5
[evaluation_set]
path = "calls.csv"
id = "call"
label = "exploited"
label_source = "two reviewers"
[groups.gender]
column = "gender"
[groups.nationality]
column = "passport"
ladder = ["country", "m49-subregion"]
[[rules]]
metric = "true_positive_rate"
groups = ["gender", "nationality", ["gender", "nationality"]]
margin = 0.1
[[rules]]
id = "flags"
metric = "false_positive_rate"
groups = ["gender"]
margin = 0.1
"""
ROLES: dict[str, Any] = {"label": "exploited", "score": "risk", "threshold": 0.5}
GROUPS: dict[str, Any] = {"gender": "gender", "nationality": "passport"}


def calls(rows: int = 1200, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "call": [f"c{place}" for place in range(rows)],
            "exploited": rng.integers(0, 2, rows),
            "gender": rng.choice(["woman", "man"], rows),
            "passport": rng.choice(["NGA", "MLI", "BRA"], rows),
            "notes": "not named by the plan",
        }
    )
    found = np.where(frame.passport == "NGA", 0.35, 0.8)
    frame["risk"] = np.where(rng.random(rows) < np.where(frame.exploited == 1, found, 0.2), 0.75, 0.25)
    return frame


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, audit.AuditResult]:
    folder = tmp_path_factory.mktemp("audited")
    calls().to_csv(folder / "calls.csv", index=False)
    (folder / "plan.toml").write_text(PLAN)
    result = audit.run_audit(folder / "plan.toml", crosscheck=False)
    result.save(folder / "out")
    return folder, result


def test_a_dict_is_the_plan_that_its_file_is(audited: tuple[Path, audit.AuditResult]) -> None:
    folder, result = audited
    again = audit.run_audit(tomllib.loads(PLAN), folder=folder, crosscheck=False)
    assert again.model_copy(update={"provenance": result.provenance}) == result
    in_memory = audit.run_audit(tomllib.loads(PLAN), calls(), crosscheck=False)
    assert (in_memory.counts, in_memory.verdicts) == (result.counts, result.verdicts)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('metric = "true_positive_rate"', 'metric = "true_positive"'),
        ("margin = 0.1", "margin = 7"),
        ("margin = 0.1", ""),
        ('route = "services"', 'route = "write here: services"'),
        ('owner = "the desk"', "owner = 2024-01-01"),
        ("schema = 1", "schema = 9"),
        ('gender = "gender"', ""),
        ("threshold = 0.5", "threshhold = 0.5"),
        ("threshold = 0.5", "threshold = nan"),
        ('kind = "predictions"', 'kind = "predicted"'),
    ],
)
def test_a_mistake_in_a_dict_is_said_as_one_in_a_file(was: str, becomes: str, tmp_path: Path) -> None:
    text = PLAN.replace(was, becomes, 1)
    if text == PLAN:
        text = PLAN.replace('column = "gender"', becomes, 1)
    with pytest.raises(audit.AuditError) as of_file:
        parse_plan(text, name="plan", folder=tmp_path)
    with pytest.raises(audit.AuditError) as of_dict:
        audit.run_audit(tomllib.loads(text), calls())
    if "more mistake" not in of_file.value.hint:  # of several, a file begins with the first by line
        assert re.sub(r", line \d+", "", str(of_file.value)) == str(of_dict.value)
    assert of_dict.value.slug == of_file.value.slug


@pytest.mark.parametrize("plan", [None, 7, {}, {1: 2}, {"schema": {1}}, {"schema": None}, [], {"rules": float}, b"x"])
def test_what_is_no_plan_ends_in_one_line(plan: Any) -> None:
    with pytest.raises(audit.AuditError) as caught:
        audit.run_audit(plan, calls())
    assert "\n" not in str(caught.value)


def wrong_arguments(folder: Path, result: NotebookResult) -> dict[str, Callable[[], object]]:
    """Calls with an argument of another kind than is asked for; None stands for any."""
    other: Any = None
    return {
        "load_plan": lambda: audit.load_plan(other),
        "load_result": lambda: audit.load_result(other),
        "compare": lambda: audit.compare(other, folder),
        "cases of a result": lambda: audit.cases(result, {"gender": "woman"}),  # type: ignore[arg-type]
        "cases of a text": lambda: audit.cases(folder, "gender=woman"),  # type: ignore[arg-type]
        "cases of a number": lambda: audit.cases(folder, {"gender": 3}),  # type: ignore[dict-item]
        "cases of other errors": lambda: audit.cases(folder, {"gender": "woman"}, "found"),  # type: ignore[arg-type]
        "look": lambda: audit.look(calls(20), label=3, decision="exploited", gender="gender"),  # type: ignore[arg-type]
        "save": lambda: result.save(other),
        "report": lambda: result.report(other, restricted=True),
        "language": lambda: result.report("html", restricted=True, lang=3),  # type: ignore[arg-type]
        "figure": lambda: result.figure("pie"),
        "frame": lambda: result.to_frame("groups"),  # type: ignore[arg-type]
        "sandbox": lambda: audit.run_audit(PLAN, calls(20), sandbox="jail"),
    }


@pytest.mark.parametrize("name", wrong_arguments(Path(), with_methods(NotebookResult, undecided_result())))
def test_a_wrong_argument_ends_in_one_line(name: str, audited: tuple[Path, audit.AuditResult]) -> None:
    with pytest.raises(audit.AuditError, match=r"^[^\n]+ — [^\n]+$") as caught:
        wrong_arguments(*audited)[name]()
    assert caught.value.slug in {"no-path", "no-text", "no-choice", "no-such-group", "unknown-reporter"}


def test_a_dict_within_itself_ends_in_one_line() -> None:
    plan: dict[str, Any] = {"schema": 1}
    plan["audit"] = plan
    with pytest.raises(audit.AuditError):
        audit.run_audit(plan)


def test_numbers_of_numpy_and_paths_stand_for_those_of_a_file(audited: tuple[Path, audit.AuditResult]) -> None:
    folder, result = audited
    plan = tomllib.loads(PLAN)
    plan["schema"], plan["detector"]["threshold"] = np.int64(1), np.float32(0.5)
    plan["evaluation_set"]["path"] = Path("calls.csv")
    plan["rules"][0]["groups"] = ("gender", "nationality", ("gender", "nationality"))
    assert audit.run_audit(plan, folder=str(folder), crosscheck=False).verdicts == result.verdicts


def test_an_empty_score_of_pandas_is_an_abstention_as_in_a_file(tmp_path: Path) -> None:
    frame = calls()
    frame.loc[::40, "risk"] = np.nan
    frame.to_csv(tmp_path / "calls.csv", index=False)
    in_memory = audit.run_audit(tomllib.loads(PLAN), frame, crosscheck=False)
    of_file = audit.run_audit(tomllib.loads(PLAN), folder=tmp_path, crosscheck=False)
    assert in_memory.rows[0].abstained == 30
    assert (in_memory.rows, in_memory.verdicts) == (of_file.rows, of_file.verdicts)


HOSTILE = "<script>alert(1)</script>\u202e{{7*7}}\n=1+1"
MADE: dict[str, Callable[[], AuditResult]] = {
    "few": few_result,
    "undecided": undecided_result,
    "hostile": lambda: hostile_result(HOSTILE),
}


@pytest.mark.parametrize("made", MADE)
def test_a_frame_has_every_verdict_once_with_its_numbers(made: str) -> None:
    result = with_methods(NotebookResult, MADE[made]())
    frame = result.to_frame()
    assert len(frame) == len(result.verdicts)
    outcomes = [*zip(frame.rule, frame.outcome, frame.because, frame.cases, strict=True)]
    assert sorted(outcomes) == sorted((one.rule, one.outcome, one.because, one.cases) for one in result.verdicts)
    codes = [name for name in frame.columns if name in {feature.name for feature in result.features}]
    rungs = [f"{name}_rung" for name in codes if f"{name}_rung" in frame.columns]
    assert not frame.duplicated(["rule", *codes, *rungs]).any()


def test_differences_and_limits_of_a_frame_are_those_of_the_result(audited: tuple[Path, audit.AuditResult]) -> None:
    _, result = audited
    frame = result.to_frame()
    known = result.to_frame("disparities")
    keys = ["gender", "nationality", "nationality_rung", "metric"]
    both = frame.merge(known[known.compared_with == "rest"], on=keys, suffixes=("", "_known"))
    assert len(both) == len(frame)
    assert np.allclose(both.difference, both.difference_known, atol=1e-9)
    assert np.allclose(frame[frame.rule == "flags"].upper_limit - frame[frame.rule == "flags"].rest, 0.1)
    assert {"Nigeria", "woman"} <= {*frame.nationality_name, *frame.gender_name}


def test_a_result_is_saved_for_its_owner_and_read_by_the_commands(audited: tuple[Path, audit.AuditResult]) -> None:
    folder, result = audited
    file = folder / "out" / "result.json"
    assert audit.load_result(file) == result
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert CliRunner().invoke(app, ["gate", str(file.parent), "--quiet", "--inputs-elsewhere"]).exit_code == 1
    with pytest.raises(audit.AuditError):
        result.save(file)


def test_reports_and_figures_are_those_of_the_commands(audited: tuple[Path, audit.AuditResult], tmp_path: Path) -> None:
    folder, result = audited
    page, drawn = tmp_path / "page.html", tmp_path / "forest.svg"
    out = str(folder / "out")
    assert not CliRunner().invoke(app, ["report", out, "--restricted", "--lang", "fr", "--out", str(page)]).exit_code
    assert not CliRunner().invoke(app, ["figure", out, "forest", "--restricted", "--out", str(drawn)]).exit_code
    report, figure = result.report("html", restricted=True, lang="fr"), result.figure("forest")
    assert report.content == page.read_text()
    assert figure._repr_svg_() == drawn.read_text()
    assert figure.save(tmp_path / "new").read_text() == drawn.read_text()
    assert len(repr(report)) < 100
    with pytest.raises(audit.AuditError, match="restricted=True"):
        result.report("html")
    for name, lang in (("nothing", None), ("html", "xx")):
        with pytest.raises(audit.AuditError):
            result.report(name, restricted=True, lang=lang)
    for kind, by in (("pie", None), ("funnel", "nobody")):
        with pytest.raises(audit.AuditError):
            result.figure(kind, by=by)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.mark.parametrize("name", MADE)
def test_a_notebook_shows_the_answer_escaped_and_small(name: str) -> None:
    made = with_methods(NotebookResult, MADE[name]())
    shown = made._repr_html_()
    found = _Tags()
    found.feed(shown)
    assert found.tags <= {"div", "p", "b", "table", "tr", "th", "td"}
    assert not found.attributes
    assert made.overall.outcome.upper() in shown
    assert "of 100" in shown
    assert len(shown) < 4000
    assert str(made) == f"{made.overall.outcome.upper()} {printable(made.plan.audit.title)}"
    assert repr(made) == f"<AuditResult {made}>"


def test_two_results_are_compared_as_the_command_does(audited: tuple[Path, audit.AuditResult]) -> None:
    folder, result = audited
    out, plan = folder / "out", folder / "plan.toml"
    change = audit.compare(out, out / "result.json", plan)
    shown = CliRunner().invoke(app, ["compare", str(out), str(out), "--plan", str(plan), "--json"])
    assert change.model_dump_json(indent=1) + "\n" == shown.stdout
    with pytest.raises(audit.AuditError):
        audit.compare(folder / "nowhere", result)
    with pytest.raises(audit.AuditError):
        audit.compare(result, audit.run_audit(tomllib.loads(PLAN), calls(), crosscheck=False))


def rates(frame: pd.DataFrame, by: list[str], metric: Any) -> pd.Series:
    decided = frame.dropna(subset="risk")
    frame_of = MetricFrame(
        metrics=metric,
        y_true=decided.exploited,
        y_pred=(decided.risk >= 0.5).astype(int),
        sensitive_features=decided[by],
    )
    found: pd.Series = frame_of.by_group
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_look_has_the_rates_of_a_metric_frame(seed: int) -> None:
    frame = calls(seed=seed)
    frame.loc[::17, "risk"] = np.nan
    look = audit.look(frame, **ROLES, **GROUPS).to_frame()
    look = look[look.nationality_rung.isna() | (look.nationality_rung == "country")]
    found = look[look.metric == "true_positive_rate"]
    both = found.dropna(subset=["gender", "nationality"]).set_index(["gender", "nationality"]).rate
    pd.testing.assert_series_equal(
        both.sort_index(),
        rates(frame, ["gender", "passport"], true_positive_rate).sort_index(),
        check_names=False,
        rtol=1e-12,
    )
    for metric, of in (("true_positive_rate", true_positive_rate), ("false_positive_rate", false_positive_rate)):
        for name, column in GROUPS.items():
            other = "nationality" if name == "gender" else "gender"
            one = look[(look.metric == metric) & look[other].isna()].dropna(subset=[name]).set_index(name)
            expected = rates(frame, [column], of).sort_index()
            pd.testing.assert_series_equal(one.rate.sort_index(), expected, check_names=False, rtol=1e-12)


def test_a_look_at_decisions_has_the_rates_of_the_scores_behind_them() -> None:
    frame = calls()
    frame.loc[::17, "risk"] = np.nan
    frame["flagged"] = (frame.risk >= 0.5).astype(object).where(frame.risk.notna())
    look = audit.look(frame, label="exploited", decision="flagged", **GROUPS)
    assert look.result.counts == audit.look(frame, **ROLES, **GROUPS).result.counts


def test_a_look_plans_as_check_does_and_its_plan_becomes_an_audit(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    calls().to_csv(file, index=False)
    look = audit.look(file, **ROLES, **GROUPS)
    text = re.sub(r'"write here[^"]*"', '"x"', look.plan)
    text = text.replace('use = "x"', 'use = "moderation"').replace('route = "x"', 'route = "both"')
    plan = parse_plan(text, folder=tmp_path)
    assert plan.plan.evaluation_set.id == "call"
    assert look.planned_pass == check_plan(plan).planned_pass
    with pytest.raises(audit.AuditError) as caught:
        audit.run_audit(look.plan, calls())
    frame = calls()
    assert audit.run_audit(text, frame, crosscheck=False, scope=Scope.RECORDS).rows[0].read == len(frame)
    assert caught.value.slug == "plan-unfinished"
    assert audit.look(calls(), **ROLES, **GROUPS).result.counts == look.result.counts


def test_a_look_takes_a_column_as_it_stands_where_most_of_it_is_not_read() -> None:
    frame = calls().replace({"woman": "K", "man": "L"})
    frame["passport"] = "the land of " + frame.passport
    frame["exploited"] = np.where(frame.exploited == 1, "Sí", "No")
    look = audit.look(frame, **ROLES, **GROUPS)
    assert look.taken_as_they_are == ("gender", "nationality")
    assert {"K", "L", "the land of BRA"} <= {*look.to_frame().gender, *look.to_frame().nationality}
    assert '"K" = "write here' in look.plan
    assert "of its values are not read" in look.plan


def test_a_look_counts_values_that_are_not_read_as_unknown_where_few_rows_hold_them() -> None:
    frame, known = calls(), calls()
    frame.loc[:59, "passport"], known.loc[:59, "passport"] = "Atlantis", None
    look = audit.look(frame.replace({"woman": "Mujer", "man": "H"}), **ROLES, **GROUPS)
    assert look.taken_as_they_are == ()
    assert look.taken_as_unknown == {"nationality": ("Atlantis",)}
    assert look.result.counts == audit.look(known, **ROLES, **GROUPS).result.counts
    assert "1 of its values is not read" in look.plan
    frame.loc[:599, "passport"] = "Atlantis"
    assert audit.look(frame, **ROLES, **GROUPS).taken_as_they_are == ("nationality",)


def test_a_look_takes_neither_side_of_a_decision_for_granted() -> None:
    frame = calls()
    frame["decided"] = np.where(frame.risk > 0.5, "Alerta", "Sin alerta")
    with pytest.raises(audit.AuditError, match="neither 1 and 0") as caught:
        audit.look(frame, label=ROLES["label"], decision="decided", **GROUPS)
    assert caught.value.slug == "look-sides"
    assert "Alerta" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": None},
        {"threshold": None},
        {"decision": "risk"},
        {"gender": None, "nationality": None},
        {"label": "nothing"},
        {"label": "gender"},
        {"label": "call"},
        {"score": "notes"},
        {"threshold": "high"},
        {"threshold": float("nan")},
        {"threshold": 12.0},
        {"gender": "exploited"},
        {"gender": "call"},
        {"nationality": "call"},
    ],
)
def test_a_wrong_look_ends_in_one_line_without_a_cell(wrong: dict[str, Any]) -> None:
    with pytest.raises(audit.AuditError) as caught:
        audit.look(calls(), **{**ROLES, **GROUPS, **wrong})
    assert "\n" not in str(caught.value)
    assert "c17" not in str(caught.value)
    assert "not named" not in str(caught.value)


def test_the_command_look_judges_nothing_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls().to_csv("calls.csv", index=False)
    options = ["--label", "exploited", "--score", "risk", "--threshold", "0.5"]
    groups = ["--gender", "gender", "--nationality", "passport"]
    done = CliRunner().invoke(app, ["look", "calls.csv", *options, *groups])
    assert done.exit_code == 0
    shown, _, plan = done.stdout.partition("A plan that would make it an audit:")
    assert "Nigeria" in shown.splitlines()[4]
    assert "No verdict" in shown
    assert "Chance of a pass" in shown
    assert not re.search(r"FAIL|PASS|cannot tell", shown)
    assert max(map(len, shown.splitlines())) <= 80
    assert tomllib.loads(plan)["groups"]["nationality"]["column"] == "passport"
    assert [path.name for path in tmp_path.iterdir()] == ["calls.csv"]
    assert CliRunner().invoke(app, ["look", "calls.csv", *options]).exit_code == 2


@pytest.mark.parametrize("errors", ["missed", "wrongly-flagged"])
@pytest.mark.parametrize(
    "group", [{"gender": "woman"}, {"nationality": "Nigeria", "gender": "man"}, {"nationality": "Western Africa"}]
)
def test_cases_are_the_rows_that_were_counted(
    audited: tuple[Path, audit.AuditResult], errors: Any, group: dict[str, str]
) -> None:
    folder, _ = audited
    rows = audit.cases(folder / "out", group, errors, plan=folder / "plan.toml")
    frame = calls()
    wrong = (
        (frame.exploited == 1) & (frame.risk < 0.5)
        if errors == "missed"
        else (frame.exploited == 0) & (frame.risk >= 0.5)
    )
    if "gender" in group:
        wrong &= frame.gender == group["gender"]
    if "nationality" in group:
        wrong &= frame.passport.isin(["NGA"] if group["nationality"] == "Nigeria" else ["NGA", "MLI"])
    assert list(rows.call) == list(frame[wrong].call)
    assert set(rows.columns) == {"call", "exploited", "gender", "passport", "risk"}


def test_the_command_cases_writes_for_its_owner_and_prints_a_number(
    audited: tuple[Path, audit.AuditResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, result = audited
    monkeypatch.chdir(folder)
    out = tmp_path / "cases.csv"
    command = ["cases", "out", "--plan", "plan.toml", "--out", str(out)]
    done = CliRunner().invoke(app, [*command, "--group", "gender=woman,nationality=NGA"])
    (counted,) = [
        one.false_negative
        for one in result.counts
        if [level.code for level in one.group.levels] == ["woman", "NGA"] and one.group.levels[1].rung == "country"
    ]
    assert done.stdout == ""
    assert done.stderr == f"Cases: {counted} rows in {out} (restricted)\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len(pd.read_csv(out)) == counted > 0
    out.unlink()
    for wrong in ("gender", "gender=", "gender=robot", "age=1", "gender=woman,gender=man"):
        assert CliRunner().invoke(app, [*command, "--group", wrong]).exit_code == 2
    public = ["cases", "out", "--plan", "plan.toml", "--out", "out/public/cases.csv", "--group", "gender=man"]
    assert CliRunner().invoke(app, public).exit_code == 2
    assert not out.exists()


def test_no_cell_of_a_case_is_a_formula_to_a_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = calls(300)
    frame["call"] = [f"=1+{place}" for place in range(300)]
    monkeypatch.chdir(tmp_path)
    frame.to_csv("calls.csv", index=False)
    Path("plan.toml").write_text(PLAN)
    audit.run_audit("plan.toml", crosscheck=False, scope=Scope.RECORDS).save("out")
    done = CliRunner().invoke(app, ["cases", "out", "--group", "gender=man", "--out", "cases.csv"])
    assert done.exit_code == 0
    written = pd.read_csv("cases.csv")
    assert len(written)
    assert written.call.str.startswith("'=1+").all()
    assert set(written.exploited) == {1}


def test_cases_are_refused_where_set_or_answers_are_not_those_audited(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("def score(batch):\n    return batch['risk'].to_pylist()\n")
    detector = 'kind = "python"\nentry = "model:score"\nfeatures = ["risk"]'
    text = PLAN.replace('kind = "predictions"\nscore = "risk"', detector).replace(
        '"two reviewers"', '"two"\nnumbers = ["risk"]'
    )
    (tmp_path / "plan.toml").write_text(text)
    frame = calls(300)
    frame.to_csv(tmp_path / "calls.csv", index=False)
    out = tmp_path / "out"
    out.mkdir()
    plan, answers = tmp_path / "plan.toml", out / "predictions.parquet"
    audit.run_audit(plan, crosscheck=False, scope=Scope.RECORDS, predictions_to=answers).save(out)
    assert len(audit.cases(out, {"gender": "man"}, plan=plan)) > 0
    kept = answers.read_bytes()
    answers.unlink()
    with pytest.raises(audit.AuditError, match="answers that were audited are not at hand"):
        audit.cases(out, {"gender": "man"}, plan=plan)
    answers.write_bytes(kept)
    frame.iloc[:-1].to_csv(tmp_path / "calls.csv", index=False)
    with pytest.raises(audit.AuditError, match="not the one that was audited"):
        audit.cases(out, {"gender": "man"}, plan=plan)
    plan.write_text(text.replace('column = "gender"', 'column = "gender"\nmissing = ["man"]'))
    with pytest.raises(audit.AuditError, match="another plan"):
        audit.cases(out, {"gender": "man"}, plan=plan)


def test_a_table_in_memory_has_no_cases(tmp_path: Path) -> None:
    audit.run_audit(tomllib.loads(PLAN), calls(300), crosscheck=False, scope=Scope.RECORDS).save(tmp_path)
    with pytest.raises(audit.AuditError, match="table in memory was audited") as caught:
        audit.cases(tmp_path, {"gender": "man"}, plan=tomllib.loads(PLAN))
    assert "run the audit on a file" in str(caught.value)


def test_a_table_of_counts_has_no_cases(tmp_path: Path) -> None:
    plan = tomllib.loads(PLAN)
    del plan["detector"], plan["groups"]["nationality"], plan["evaluation_set"]
    plan["evaluation_set"] = {"cells": {}, "label_source": "two"}
    plan["evaluation_set"]["cells"] = {
        "true_positives": "TP", "false_negatives": "FN", "false_positives": "FP", "true_negatives": "TN",
    }  # fmt: skip
    plan["rules"][0]["groups"] = ["gender"]
    table = pd.DataFrame({"gender": ["man", "woman"], "TP": [90, 80], "FN": [10, 20], "FP": [5, 5], "TN": [95, 95]})
    audit.run_audit(plan, table, crosscheck=False).save(tmp_path)
    with pytest.raises(audit.AuditError, match="table of counts"):
        audit.cases(tmp_path, {"gender": "man"})


def test_the_page_audits_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "python.md").read_text(encoding="utf-8")
    first, second = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)[:2]
    frame = calls().rename(columns={"call": "case", "exploited": "victim", "gender": "sex"})
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"frame": frame}
    exec(first + second.partition("audit.compare")[0], space)
    assert "write here" in space["look"].plan
    assert (tmp_path / "audit-out" / "result.json").exists()
