"""The command `remedy`: what it prints and writes, that nothing else changes, and the plan of the next audit."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from cli.test_commands import invoke
from made.pages import find_all, parsed, text
from made.remedies import PLAN, cases, write

from audit.plan.file.plan_file import load_plan, loaded_plan
from audit.remedies.next_plan import as_toml, next_plan
from audit.result.findings.remedies import Remedies
from audit.vocabulary.text import LANGUAGES


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("walked")
    table = cases()
    table["case"] = "canary-" + table["case"]
    write(folder, table)
    (folder / "plan.toml").write_text(as_toml(PLAN), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        before = sorted(folder.iterdir())
        code, out, err = invoke(
            "remedy", "plan.toml", "--per-group", "article 5 of a law", "--lang", ",".join(LANGUAGES)
        )
        assert (code, before) == (0, sorted(path for path in folder.iterdir() if path.name != "remedy")), err
    return folder, out


def test_the_first_line_says_what_is_confirmed_and_what_levels_down_and_both_halves_of_every_remedy(
    walked: tuple[Path, str],
) -> None:
    lines = walked[1].splitlines()
    found = Remedies.model_validate_json((walked[0] / "remedy" / "remedy.json").read_text(encoding="utf-8"))
    assert any(one.levelled_down for one in found.tried)
    down = "; ".join(str(one.number) for one in found.tried if one.levelled_down)
    assert lines[0].startswith("No remedy is confirmed. ")
    assert lines[0].endswith(f"Levelling down: {down}.")
    for line, one in zip(lines[1:], found.tried, strict=False):
        assert line.startswith(f"{one.number}. ")
        assert ("(levelling down). " in line) == bool(one.levelled_down)
    (heads,) = [line for line in lines if line.strip().startswith("Way to flag  ")]
    assert "Worst gap beyond its limit, in points  The same where it was chosen" in heads


def test_files_are_for_their_owner_and_hold_nobody(walked: tuple[Path, str]) -> None:
    files = sorted(path for path in (walked[0] / "remedy").iterdir() if path.suffix in (".json", ".html"))
    assert [path.name for path in files] == ["remedy.html", "remedy.json"]
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "canary" not in path.read_text(encoding="utf-8")
    assert "canary" not in walked[1]


def test_the_page_is_in_six_languages_and_every_way_that_was_judged_is_a_row(walked: tuple[Path, str]) -> None:
    page = parsed((walked[0] / "remedy" / "remedy.html").read_text(encoding="utf-8"))
    found = json.loads((walked[0] / "remedy" / "remedy.json").read_text(encoding="utf-8"))
    points = 1 + len(found["tried"]) + len(found["front"])
    pictures = [each for each in find_all(page, "svg") if each.get("class") == "f"]
    assert len(pictures) == len(LANGUAGES)
    for picture in pictures:
        marks = [each for each in find_all(picture, "circle", "path") if each.get("fill") != "none" or each.get("cx")]
        assert len(marks) == points
    fronts = [each for each in find_all(page, "section") if (each.get("aria-labelledby") or "").endswith("front")]
    assert [len(list(find_all(each, "tr"))) - 1 for each in fronts] == [1 + len(found["tried"])] * len(LANGUAGES)
    assert "article 5 of a law" in text(page)
    assert not list(find_all(page, "script"))


def test_the_next_plan_has_the_threshold_and_asks_for_another_set(
    walked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(walked[0])
    first = loaded_plan({**PLAN, "evaluation_set": {**PLAN["evaluation_set"], "not_cases": ["0" * 64]}}, walked[0])
    found = Remedies.model_validate_json((walked[0] / "remedy" / "remedy.json").read_text(encoding="utf-8"))
    assert f'not_cases = ["{"0" * 64}", "{found.cases_sha256}"]' in next_plan(first, found, found.tried[0])
    for take, key in (("1", "threshold"), ("4", "decision")):
        code, _, err = invoke(
            "remedy", "plan.toml", "--per-group", "a law", "--plan", "next.toml", "--take", take, "--out", "again"
        )
        assert code == 0, err
        plan = load_plan("next.toml")
        assert str(plan.evaluation_set.path) == "new-cases.csv"
        assert plan.evaluation_set.sha256 is None
        assert key in (walked[0] / "next.toml").read_text(encoding="utf-8").split("[detector]")[1]
        tried = json.loads(Path("again/remedy.json").read_text(encoding="utf-8"))["tried"]
        if key == "threshold":
            assert plan.detector.threshold == tried[0]["thresholds"][0]["threshold"] != 0.5
        assert invoke("check", "next.toml")[0] == 4
        # the same cases under the new name, in another order: nothing is judged on them
        table = pd.read_csv("cases.csv").sample(frac=1, random_state=1).assign(decision_with_remedy=1)
        table.to_csv("new-cases.csv", index=False)
        for command in ("check", "run"):
            code, out, err = invoke(command, "next.toml")
            assert (code, out, len(err.splitlines())) == (4, "", 1)
            assert "new-cases.csv has the cases on which the remedy was chosen" in err
        table.assign(case="new-" + table["case"]).to_csv("new-cases.csv", index=False)
        assert invoke("check", "next.toml")[0] == 0
        Path("new-cases.csv").unlink()


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["--ways", "luck"], 2, "no such ways"),
    (["--per-group", ""], 2, "no reason is given"),
    (["--review-right", "0.9", "0.2"], 2, "right in a share of cases"),
    (["--plan", "elsewhere/next.toml"], 2, "not in the folder of the plan"),
    (["--lang", "xx"], 2, "no language"),
])  # fmt: skip
def test_what_is_wrongly_asked_is_one_line_and_writes_nothing(
    walked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(walked[0])
    there = sorted(walked[0].rglob("*"))
    ended, out, err = invoke("remedy", "plan.toml", *arguments)
    assert (ended, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(walked[0].rglob("*")) == there


def test_the_page_is_kept_where_no_next_plan_can_be_written(
    walked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(walked[0])
    asked = ("remedy", "plan.toml", "--ways", "threshold", "--plan", "ninth.toml", "--take", "9", "--out", "ninth")
    code, out, err = invoke(*asked)
    assert (code, len(err.splitlines())) == (2, 2)
    assert "No remedy is confirmed." in out
    said, error = err.splitlines()
    assert said.startswith(f"Page: {Path('ninth', 'remedy.html')}")
    assert "no remedy has the number 9" in error
    assert {"remedy.html", "remedy.json"} <= {path.name for path in Path("ninth").iterdir()}
    assert not Path("ninth.toml").exists()


def test_the_next_plan_asks_nothing_of_a_detector_that_is_replaced(walked: tuple[Path, str], tmp_path: Path) -> None:
    found = Remedies.model_validate_json((walked[0] / "remedy" / "remedy.json").read_text(encoding="utf-8"))
    (other,) = [one for one in found.tried if one.way == "per_group"][:1]
    asked = {**PLAN, "exposure": {"first": [50]}, "decisions": {"column": "person"}}
    written = next_plan(loaded_plan(asked, tmp_path), found, other)
    assert {"exposure", "decisions"}.isdisjoint(tomllib.loads(written))
    assert "Without [exposure] and [decisions] of the plan before" in written
    kept = next_plan(loaded_plan(asked, tmp_path), found, found.tried[0])
    assert tomllib.loads(kept)["exposure"] == {"first": [50]}
    assert "Without [exposure]" not in kept


def test_nothing_of_it_goes_among_the_public_files_of_an_audit_whose_verdict_stays(
    walked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(walked[0])
    assert invoke("run", "plan.toml", "--no-crosscheck")[0] == 1
    files = {path: path.read_bytes() for path in Path("audit-out").rglob("*") if path.is_file()}
    code, _, err = invoke("remedy", "audit-out", "--out", "audit-out/public/remedy")
    assert (code, "folder of public files" in err) == (2, True)
    assert invoke("remedy", "audit-out", "--ways", "threshold", "--out", "fourth")[0] == 0
    assert {path: path.read_bytes() for path in Path("audit-out").rglob("*") if path.is_file()} == files
    assert invoke("gate", "audit-out", "--inputs-elsewhere")[0] == 1


def test_json_is_the_document_and_nothing_else(walked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(walked[0])
    code, out, _ = invoke("remedy", "plan.toml", "--json", "--ways", "threshold", "--out", "third")
    assert code == 0
    assert out == (walked[0] / "third" / "remedy.json").read_text(encoding="utf-8")
    assert {one["way"] for one in json.loads(out)["front"]} <= {"threshold"}
