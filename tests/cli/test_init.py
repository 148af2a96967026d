"""`init`: a plan written by looking at a file; nothing guessed, nothing overwritten, and it says what is left to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode, PlanError
from audit.evaluation.roles import likely_genders
from audit.plan.evaluation_set import CountedCell
from audit.plan.file.counts_draft import Counted
from audit.plan.file.draft import PlanDraft, TwoSided, draft_plan, gaps_in
from audit.plan.file.plan_file import load_plan, parse_plan
from audit.plan.file.unfinished import WRITE_HERE, leaves

SCRIPT = Path(sys.executable).parent / "audit7k"
CODES = ("NGA", "GHA", "FRA", "DEU", "MLI")


def write_data(file: Path, *, sex: tuple[str, ...] = ("F", "M"), label: tuple[str, ...] = ("1", "0")) -> Path:
    rows = ["case_id;exploited;is_minor;score;sex;citizenship;note"]
    rows += [
        f"c{n:03};{label[n % len(label)]};{n % 2};0.{n:02};{sex[n % len(sex)]};{CODES[n % 5]};text {n % 50}"
        for n in range(60)
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["init", *arguments])
    return done.exit_code, done.stdout, done.stderr


def complete(text: str) -> str:
    """What a person does with the plan: write in what only they can know."""
    answers = {
        "use": '"moderation"', "route": '"services"', "threshold": "0.5", "F": '"woman"', "M": '"man"',
    }  # fmt: skip
    own = '"mine"'
    lines = []
    for line in text.splitlines():
        key, equals, value = line.partition(" = ")
        gap = equals and WRITE_HERE in value
        lines.append(f"{key} = {answers.get(key.strip(chr(34)), own)}" if gap else line)
    return "\n".join(lines)


def test_the_plan_names_the_columns_and_leaves_what_only_a_person_knows(here: Path) -> None:
    write_data(here / "cases.csv")
    code, out, err = init("cases.csv")
    assert (code, err) == (0, "")
    text = (here / "plan.toml").read_text(encoding="utf-8")
    plan = tomllib.loads(text)
    assert plan["evaluation_set"]["path"] == "cases.csv"
    assert plan["evaluation_set"]["delimiter"] == ";"
    assert plan["evaluation_set"]["id"] == "case_id"
    assert plan["evaluation_set"]["label"] == "exploited"
    assert plan["evaluation_set"]["label_positive"] == ["1"]
    assert plan["detector"]["score"] == "score"
    assert plan["groups"]["gender"]["column"] == "sex"
    assert plan["groups"]["nationality"]["column"] == "citizenship"
    assert 'label = "exploited"  # or is it: "is_minor"?' in text
    for gap in gaps_in(text):
        assert f"  {gap}\n" in out
    keys = [gap.partition(": ")[2] for gap in gaps_in(text)]
    assert keys == [
        "audit.title", "audit.owner", "audit.use", "audit.route", "audit.limits_set_by", "detector.threshold",
        "evaluation_set.label_source",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ("F M", {"F": "woman", "M": "man"}),
        ("H M", {"H": "man", "M": "woman"}),
        ("h m x", {"h": "man", "m": "woman"}),
        ("H F", {"H": "man", "F": "woman"}),
        ("H F M", {"H": "man", "F": "woman"}),
        ("W M", {"W": "woman", "M": "man"}),
        ("Mujer Hombre", {"Mujer": "woman", "Hombre": "man"}),
        ("V M", {}),
        ("F V M", {"F": "woman"}),
        ("K M", {}),
        ("F N", {}),
        ("M", {}),
        ("1 2", {}),
        ("женский мужской", {"женский": "woman", "мужской": "man"}),
    ],
)
def test_a_letter_is_taken_for_what_the_values_beside_it_say(values: str, taken: dict[str, str]) -> None:
    assert likely_genders(values.split()) == taken


def test_what_values_of_gender_are_taken_for_stands_in_the_plan_and_the_rest_is_asked(here: Path) -> None:
    write_data(here / "cases.csv", sex=("V", "M"))
    init("cases.csv")
    plan = tomllib.loads((here / "plan.toml").read_text(encoding="utf-8"))
    assert set(plan["groups"]["gender"]["map"]) == {"V", "M"}
    assert all(meaning.startswith(WRITE_HERE) for meaning in plan["groups"]["gender"]["map"].values())
    write_data(here / "cases.csv", sex=("H", "M"))
    init("cases.csv", "--force")
    text = (here / "plan.toml").read_text(encoding="utf-8")
    assert '"H" = "man"  # taken for: man\n"M" = "woman"  # taken for: woman\n' in text


def test_headers_of_a_language_that_is_not_known_are_said_to_be(here: Path) -> None:
    (here / "cases.csv").write_text("sak;offerstatus;tall\n1;ja;a\n2;nei;b\n3;ja;a\n", encoding="utf-8")
    _, out, _ = init("cases.csv")
    assert "No column was found for: the label, the detector's score, gender, nationality. Names of columns are" in out
    write_data(here / "cases.csv")
    assert "No column was found for" not in init("cases.csv", "--force")[1]
    rows = "".join(f"z{n};{('ja', 'nee')[n % 2]};0.{n};{('man', 'vrouw')[n % 2]}\n" for n in range(10, 40))
    (here / "cases.csv").write_text(f"zaak;slachtoffer;score;geslacht\n{rows}", encoding="utf-8")
    assert "No column was found for" not in init("cases.csv", "--force")[1]


def test_a_table_of_counts_that_is_not_known_is_said_to_be_possible(here: Path) -> None:
    table = Path(__file__).parents[2] / "examples" / "table-of-counts" / "table.csv"
    (here / "cases.csv").write_bytes(table.read_bytes().replace(b"signs", b"zq"))
    assert "If each row is a group and no case, write counts = … in place of path" in init("cases.csv")[1]


def test_words_for_gender_need_no_map(here: Path) -> None:
    write_data(here / "cases.csv", sex=("woman", "Man"))
    init("cases.csv")
    assert "map" not in tomllib.loads((here / "plan.toml").read_text(encoding="utf-8"))["groups"]["gender"]


def test_a_plan_that_is_begun_is_not_run_and_one_that_is_completed_is(here: Path) -> None:
    write_data(here / "cases.csv")
    init("cases.csv")
    with pytest.raises(PlanError, match=r'line \d+: audit.title still says "write here" .* \(and 6 more to complete'):
        load_plan(here / "plan.toml")
    (here / "plan.toml").write_text(complete((here / "plan.toml").read_text(encoding="utf-8")), encoding="utf-8")
    assert load_plan(here / "plan.toml").audit.use == "moderation"
    done = CliRunner().invoke(app, ["check", "plan.toml"])
    assert done.exit_code == 0, done.stderr
    assert "Rows: 60 read" in done.stdout


def test_a_plan_that_is_there_is_replaced_only_on_demand(here: Path) -> None:
    write_data(here / "cases.csv")
    (here / "plan.toml").write_text("mine")
    code, out, err = init("cases.csv")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == "error: plan.toml is there already — name another with --out, or add --force\n"
    assert (here / "plan.toml").read_text() == "mine"
    assert init("cases.csv", "--force")[0] == 0
    assert (here / "plan.toml").read_text().startswith("# The plan of an audit")


def test_the_path_is_relative_to_the_plan(here: Path) -> None:
    (here / "data").mkdir()
    (here / "plans").mkdir()
    write_data(here / "data" / "cases.csv")
    init("data/cases.csv", "--out", "plans/plan.toml")
    plan = tomllib.loads((here / "plans" / "plan.toml").read_text(encoding="utf-8"))
    assert plan["evaluation_set"]["path"] == "../data/cases.csv"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_plan_is_as_readable_as_the_user_wants(here: Path) -> None:
    write_data(here / "cases.csv")
    before = os.umask(0o022)
    try:
        init("cases.csv")
    finally:
        os.umask(before)
    assert (here / "plan.toml").stat().st_mode & 0o777 == 0o644


def test_ids_and_free_text_do_not_reach_the_plan(here: Path) -> None:
    write_data(here / "cases.csv")
    init("cases.csv")
    text = (here / "plan.toml").read_text(encoding="utf-8")
    assert "c001" not in text
    assert "text 1" not in text


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_in_a_terminal_it_asks_where_there_is_a_choice_and_nowhere_else(here: Path) -> None:
    import pty

    write_data(here / "cases.csv")
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [str(SCRIPT), "init", "cases.csv"], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, cwd=here
    )
    os.close(terminal)
    os.write(person, b"9\n2\n")
    try:
        _, complaint = process.communicate(timeout=240)
    finally:
        process.kill()
    shown = b""
    with contextlib.suppress(OSError):  # so a terminal ends on Linux
        while part := os.read(person, 65536):
            shown += part
    os.close(person)
    assert (process.returncode, complaint.strip()) == (0, b"")
    assert shown.count(b"Which column") == 1
    assert b"Which column is the label?" in shown
    text = (here / "plan.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["evaluation_set"]["label"] == "is_minor"
    assert "or is it" not in text


def test_a_file_without_a_score_leaves_the_detector_open() -> None:
    text = draft_plan(PlanDraft(path="x.csv"))
    plan = tomllib.loads(text)
    assert plan["detector"]["kind"].startswith(WRITE_HERE)
    assert set(plan["groups"]) == {"gender", "nationality"}
    assert plan["rules"][0]["groups"] == ["gender", "nationality", ["gender", "nationality"]]


def test_decisions_are_taken_where_there_is_no_score() -> None:
    text = draft_plan(PlanDraft(path="x.csv", decision=TwoSided("flag", ("yes",), ("no",), ("?",)), gender="g"))
    plan = tomllib.loads(text)
    assert plan["detector"] == {
        "kind": "predictions", "decision": "flag", "decision_positive": ["yes"], "decision_negative": ["no"],
    }  # fmt: skip
    assert plan["rules"][0]["groups"] == ["gender"]
    assert '# Other values of the column: ["?"]' in text


def test_values_of_a_label_that_have_no_known_sides_are_asked_for() -> None:
    plan = tomllib.loads(draft_plan(PlanDraft(path="x", label=TwoSided("l", neither=("a", "b")))))
    assert plan["evaluation_set"]["label_positive"][0].startswith(WRITE_HERE)


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(
    st.builds(
        PlanDraft,
        path=NAMES,
        columns=st.lists(NAMES, max_size=3).map(tuple),
        id=st.none() | NAMES,
        label=st.none() | st.builds(TwoSided, NAMES, *[st.lists(NAMES, max_size=2).map(tuple)] * 3),
        score=st.none() | NAMES,
        score_in_unit_interval=st.booleans(),
        decision=st.none() | st.builds(TwoSided, NAMES, *[st.lists(NAMES, max_size=2).map(tuple)] * 3),
        gender=st.none() | NAMES,
        gender_values=st.lists(NAMES, max_size=3, unique=True).map(tuple),
        nationality=st.none() | NAMES,
        nationality_others=st.integers(0, 9),
        numbers=st.lists(NAMES, max_size=2).map(tuple),
    )
)
def test_whatever_a_file_holds_the_plan_is_toml_and_says_what_is_missing(draft: PlanDraft) -> None:
    text = draft_plan(draft)
    plan = tomllib.loads(text)
    assert plan["evaluation_set"]["path"] == draft.path
    if draft.id is not None:
        assert plan["evaluation_set"]["id"] == draft.id
    assert "audit.owner" in " ".join(gaps_in(text))
    with pytest.raises(PlanError, match=WRITE_HERE):
        parse_plan(text, folder=Path())


@given(st.dictionaries(NAMES, st.sampled_from(["group", "number", "rest", *get_args(CountedCell)]), max_size=8))
def test_whatever_a_table_of_counts_holds_no_column_is_lost(kinds: dict[str, str]) -> None:
    cells = {cell: column for column, cell in kinds.items() if cell in get_args(CountedCell)}
    numbers = tuple(column for column, kind in kinds.items() if kind == "number")
    groups = {column: ("a",) for column, kind in kinds.items() if kind == "group"}
    counted = Counted(cast("Mapping[CountedCell, str]", cells), numbers=numbers, groups=groups)
    draft = PlanDraft(path="x.csv", columns=tuple(kinds), counted=counted)
    text = draft_plan(draft)
    plan = tomllib.loads(text)
    for column in groups:
        (section,) = (one for one in plan["groups"].values() if one["column"] == column)
        assert section["coding"].startswith(WRITE_HERE)
    assert all(name in rule["groups"] for name in plan["groups"] for rule in plan.get("rules", ()))
    named = [str(value) for _, value in leaves(plan)]
    for column in set(kinds) - set(draft.unused):
        assert any(column == value or (value.startswith(WRITE_HERE) and column in value) for value in named)
    assert not groups.keys() & set(draft.unused)
    with pytest.raises(PlanError, match=WRITE_HERE):
        parse_plan(text, folder=Path())
