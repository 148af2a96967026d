"""`gate --sequential`: many nights in one state, each set taken in once, and a new history for another question."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.gates import elsewhere
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app
from audit.verdicts.nights.state import State, locked, read_state

Gate = Callable[..., Result]
DETECTOR = """
def score(batch):
    return [float(one) for one in batch["score"].to_pylist()]
"""
PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man" }
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.chdir(tmp_path)
    Path("plan.toml").write_text(PLAN, encoding="utf-8")

    def run(*options: str, plan: str = "plan.toml") -> Result:
        return CliRunner().invoke(app, ["gate", plan, *elsewhere(plan), "--sequential", "state.json", *options])

    return run


def write_night(seed: int, women: float, cases: int = 60, failed: int = 0, *, before: bool = False) -> None:
    """New cases; of the men 80 % are found. `before`: behind those that are there, for a set that grows."""
    rng = random.Random(seed)
    rows = Path("cases.csv").read_text(encoding="utf-8").splitlines() if before else ["case,label,score,sex"]
    for sex, rate in (("F", women), ("M", 0.8)):
        rows += [f"{seed}{sex}{n},1,{0.9 if rng.random() < rate else 0.1},{sex}" for n in range(cases)]
        rows += [f"{seed}{sex}n{n},0,0.1,{sex}" for n in range(20)]
    rows += [f"{seed}f{n},1,inf,M" for n in range(failed)]
    Path("cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def state() -> State:
    found = read_state(Path("state.json"))
    assert found is not None
    return found


def test_nights_add_up_to_a_fail_that_stands(gate: Gate) -> None:
    codes = []
    for seed in range(1, 5):
        write_night(seed, 0.45)
        done = gate()
        codes.append(done.exit_code)
        assert f"{seed} night{'s' if seed > 1 else ''} so far" in done.stdout
        assert "woman" not in done.stdout + done.stderr
    assert codes[0] == 3
    assert codes[-1] == 1
    write_night(5, 0.8)
    assert gate().exit_code == 1
    assert "beyond the limit" in gate("--restricted").stdout
    assert ": woman" in gate("--restricted").stdout


def test_equal_groups_pass_in_time(gate: Gate) -> None:
    for seed in range(5):
        write_night(seed, 0.8, 200)
        gate()
    write_night(5, 0.8, 200)
    done = gate()
    assert done.exit_code == 0
    assert "PASS" in done.stdout


def test_the_same_set_is_not_tested_twice(gate: Gate) -> None:
    write_night(1, 0.45)
    first = gate()
    before = Path("state.json").read_bytes()
    again = gate()
    assert again.exit_code == first.exit_code
    assert again.stdout == first.stdout
    assert "nothing new" in again.stderr
    assert Path("state.json").read_bytes() == before


def test_a_result_is_a_night_as_well(gate: Gate) -> None:
    write_night(1, 0.45)
    CliRunner().invoke(app, ["run", "plan.toml", "--restricted", "--quiet", "--no-crosscheck"])
    of_result = gate(plan="audit-out")
    kept = Path("state.json").read_bytes()
    assert "nothing new" in gate().stderr
    assert Path("state.json").read_bytes() == kept
    assert of_result.exit_code == 3


def test_a_night_of_an_outage_is_not_taken_in(gate: Gate) -> None:
    here = ("--sandbox", "none")
    Path("own_detector.py").write_text(DETECTOR, encoding="utf-8")
    own = 'kind = "python"\nentry = "own_detector:score"\nfeatures = ["score"]\n'
    Path("plan.toml").write_text(PLAN.replace('kind = "predictions"\nscore = "score"\n', own), encoding="utf-8")
    write_night(1, 0.8, failed=60)
    assert gate(*here).exit_code == 3
    assert not Path("state.json").exists()
    for seed in range(4):
        write_night(seed, 0.8, 300)
        gate(*here)
    assert state().outcome == "pass"
    before = Path("state.json").read_bytes()
    write_night(9, 0.8, failed=60)
    done = gate(*here)
    assert done.exit_code == 3
    assert "not taken in" in done.stderr
    assert "4 nights so far: nothing can be said of tonight" in done.stdout
    assert Path("state.json").read_bytes() == before


def test_another_question_begins_another_history(gate: Gate) -> None:
    for seed in (1, 2):
        write_night(seed, 0.2)
        gate()
    assert state().outcome == "fail"
    Path("plan.toml").write_text(PLAN.replace("margin = 0.1", "margin = 0.12"), encoding="utf-8")
    done = gate()
    assert "a new history begins, since the rules changed" in done.stderr
    assert "2 nights and came to FAIL" in done.stderr
    now = state()
    assert (now.nights, len(now.sets), len(now.resets)) == (1, 1, 1)
    assert (now.resets[0].nights, now.resets[0].outcome) == (2, "fail")
    assert "history" not in gate().stderr


def test_one_document_says_which_history_ended_and_what_it_had_come_to(gate: Gate) -> None:
    for seed in (1, 2):
        write_night(seed, 0.2)
        gate()
    Path("plan.toml").write_text(PLAN.replace("margin = 0.1", "margin = 0.12"), encoding="utf-8")
    ended = {"nights": 2, "outcome": "fail", "changed": ["the rules"]}
    write_night(3, 0.8)
    shown = json.loads(gate("--json").stdout)["sequential"]
    assert (shown["nights"], shown["ended"], shown["earlier"]) == (1, ended, [ended])
    write_night(4, 0.8)
    shown = json.loads(gate("--json").stdout)["sequential"]
    assert (shown["nights"], shown["ended"], shown["earlier"]) == (2, None, [ended])


def test_words_and_who_can_be_judged_begin_no_other_history(gate: Gate) -> None:
    write_night(1, 0.8)
    gate()
    plan = PLAN.replace('owner = "Owner"', 'owner = "Another"').replace(
        "[[rules]]", "[verdict]\nmin_coverage = 0.7\n[[rules]]"
    )
    Path("plan.toml").write_text(plan, encoding="utf-8")
    write_night(2, 0.8)
    assert "history" not in gate().stderr
    assert state().nights == 2


def test_a_set_that_may_have_grown_is_not_taken_for_a_fresh_one_unless_somebody_says_so(gate: Gate) -> None:
    write_night(1, 0.45)
    gate()
    write_night(2, 0.45, before=True)
    asked = gate()
    assert asked.exit_code == 4
    assert "say --sample growing" in asked.stderr
    assert state().nights == 1
    assert gate("--sample", "fresh").exit_code in (1, 3)
    write_night(3, 0.45, before=True)
    assert gate().exit_code in (1, 3)  # it was said
    assert state().nights == 3


def test_a_set_that_may_have_grown_is_known_as_such_where_a_case_has_its_answer_late(gate: Gate) -> None:
    write_night(1, 0.45)
    late = Path("cases.csv").read_text(encoding="utf-8")
    Path("cases.csv").write_text(
        late.replace("1F0,1,0.1,", "1F0,1,,").replace("1F0,1,0.9,", "1F0,1,,"), encoding="utf-8"
    )
    assert ",1,,F" in Path("cases.csv").read_text(encoding="utf-8")
    gate()
    Path("cases.csv").write_text(late, encoding="utf-8")
    write_night(2, 0.45, before=True)
    assert "say --sample growing" in gate().stderr


def test_a_set_that_grows_is_taken_in_by_what_is_new(gate: Gate) -> None:
    write_night(1, 0.45)
    gate("--sample", "growing")
    for seed in (2, 3):
        write_night(seed, 0.45, before=True)
        done = gate()
        assert done.exit_code in (1, 3)
    grown = state()
    assert grown.evidence[0].beyond.cases == (180, 180)
    refused = gate("--sample", "fresh")
    assert refused.exit_code == 4
    assert "--sample" in refused.stderr
    before = Path("state.json").read_bytes()
    write_night(7, 0.45)
    shrunk = gate()
    assert shrunk.exit_code == 4
    assert "said to grow" in shrunk.stderr
    assert Path("state.json").read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('label = "label"', 'label = "label"\nweight = "w"', "weights"),
        ('label = "label"', 'label = "label"\ncluster = "w"', "clusters"),
        ("threshold = 0.5", "top_k = 5", "top_k"),
    ],
)
def test_a_plan_whose_nights_cannot_be_added_up_is_refused_in_a_line(gate: Gate, old: str, new: str, why: str) -> None:
    Path("plan.toml").write_text(PLAN.replace(old, new), encoding="utf-8")
    write_night(1, 0.8)
    done = gate()
    assert done.exit_code == 4
    assert why in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not Path("state.json").exists()


def test_a_damaged_state_is_refused_before_anything_is_scored(gate: Gate) -> None:
    write_night(1, 0.8)
    Path("state.json").write_text("{}", encoding="utf-8")
    Path("cases.csv").unlink()
    done = gate()
    assert done.exit_code == 4
    assert "not as it was written" in done.stderr


def order_of_cases(change: Callable[[list[str]], list[str]]) -> None:
    """Write the set again with its rows changed."""
    head, *rows = Path("cases.csv").read_text(encoding="utf-8").splitlines()
    Path("cases.csv").write_text("\n".join([head, *change(rows)]) + "\n", encoding="utf-8")


def test_another_export_of_the_same_cases_is_the_same_set(gate: Gate) -> None:
    """Each time another file, by its bytes: evidence for a FAIL would double with every export."""
    write_night(1, 0.5)
    code = gate("--sample", "fresh").exit_code
    before = Path("state.json").read_bytes()
    exports: list[Callable[[list[str]], list[str]]] = [
        lambda rows: rows[::-1],
        lambda rows: sorted(rows, key=lambda row: row[::-1]),
        lambda rows: [row.replace(",F", ',"F"') for row in rows],
        lambda rows: [row.replace(",0.9,", ",0.90,") for row in rows],
    ]
    for change in exports:
        order_of_cases(change)
        again = gate()
        assert again.exit_code == code
        assert "nothing new" in again.stderr
        assert Path("state.json").read_bytes() == before
    columns = [row.split(",") for row in Path("cases.csv").read_text(encoding="utf-8").replace('"', "").splitlines()]
    table = {name: list(of) for name, *of in zip(*columns, strict=True)}
    pq.write_table(pa.table({**table, "score": [float(one) for one in table["score"]]}), "cases.parquet")
    Path("plan.toml").write_text(PLAN.replace("cases.csv", "cases.parquet"), encoding="utf-8")
    assert "nothing new" in gate().stderr
    assert len(state().sets) == 1


def test_cases_taken_in_before_with_other_labels_or_groups_are_refused(gate: Gate) -> None:
    write_night(1, 0.5)
    gate()
    before = Path("state.json").read_bytes()
    changes: list[Callable[[str], str]] = [
        lambda row: row.replace(",0,", ",1,"),
        lambda row: row.replace(",F", ",M") if row.startswith("1F1") else row,
    ]
    kept = Path("cases.csv").read_text(encoding="utf-8")
    for change in changes:
        Path("cases.csv").write_text(kept, encoding="utf-8")
        order_of_cases(lambda rows, change=change: [change(row) for row in rows])  # type: ignore[misc]
        refused = gate()
        assert refused.exit_code == 4
        assert "labels or groups are other ones now" in refused.stderr
        assert Path("state.json").read_bytes() == before


def test_the_same_counts_under_other_ids_are_taken_in_with_a_warning(gate: Gate) -> None:
    write_night(1, 0.5)
    gate("--sample", "fresh")
    order_of_cases(lambda rows: [f"x{row}" for row in rows])
    done = gate("--json")
    assert state().nights == 2
    assert "every count is that of night 1, under other ids" in done.stderr
    assert json.loads(done.stdout)["sequential"]["counts_of_night"] == 1


def test_a_state_holds_no_id_and_stays_small(gate: Gate) -> None:
    for seed in (1, 2, 3):
        write_night(seed, 0.5, 500)
        gate("--sample", "fresh")
    kept = Path("state.json").read_text(encoding="utf-8")
    ids = [row.partition(",")[0] for row in Path("cases.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert not [one for one in ids if f'"{one}"' in kept]
    assert len(kept) < 6000


def answer(found: int, *, backwards: bool = False) -> None:
    """Cases without scores, and predictions beside them, in which so many in ten women are found."""
    cases = [f"{sex}{n}" for sex in "FM" for n in range(1500)]
    labelled = [f"{one},1,{one[0]}" for one in cases]
    Path("cases.csv").write_text("\n".join(["case,label,sex", *labelled]), encoding="utf-8")
    of = {"F": found, "M": 8}
    rows = [f"{one},{0.9 if int(one[1:]) % 10 < of[one[0]] else 0.1}" for one in cases]
    Path("answers.csv").write_text("\n".join(["case,score", *rows[:: -1 if backwards else 1]]), encoding="utf-8")


def test_other_predictions_for_a_set_that_was_taken_in_are_refused_until_they_have_a_name(gate: Gate) -> None:
    apart = 'kind = "predictions"\npath = "answers.csv"'
    Path("plan.toml").write_text(PLAN.replace('kind = "predictions"', apart), encoding="utf-8")
    answer(8)
    assert gate().exit_code == 0
    before = Path("state.json").read_bytes()
    answer(8, backwards=True)
    assert "nothing new" in gate().stderr
    answer(2)
    refused = gate()
    assert refused.exit_code == 4
    assert "the predictions for them are other ones now" in refused.stderr
    assert Path("state.json").read_bytes() == before
    named = Path("plan.toml").read_text(encoding="utf-8").replace("Screener", "Screener 2")
    Path("plan.toml").write_text(named, encoding="utf-8")
    assert gate().exit_code == 1


def test_a_detector_that_is_asked_again_of_the_same_cases_is_not_tested_twice(gate: Gate) -> None:
    """Whatever it answers this time: its answers are no input."""
    here = ("--sandbox", "none")
    Path("own_detector.py").write_text(DETECTOR, encoding="utf-8")
    own = 'kind = "python"\nentry = "own_detector:score"\nfeatures = ["score"]\n'
    Path("plan.toml").write_text(PLAN.replace('kind = "predictions"\nscore = "score"\n', own), encoding="utf-8")
    moody = (
        DETECTOR
        + "\n_score = score\ndef score(batch):\n    from pathlib import Path\n"
        + ("    return [0.2] * batch.num_rows if Path('moody').exists() else _score(batch)\n")
    )
    Path("own_detector.py").write_text(moody, encoding="utf-8")
    write_night(1, 0.8)
    code = gate(*here).exit_code
    Path("moody").touch()
    again = gate(*here)
    assert again.exit_code == code
    assert "nothing new" in again.stderr


def test_ids_that_were_used_before_do_not_give_other_cases_an_old_pass(gate: Gate) -> None:
    """An export that numbers its rows anew and draws as many of each group every night."""
    here = ("--sandbox", "none")
    Path("own_detector.py").write_text(DETECTOR, encoding="utf-8")
    own = 'kind = "python"\nentry = "own_detector:score"\nfeatures = ["score"]\n'
    Path("plan.toml").write_text(PLAN.replace('kind = "predictions"\nscore = "score"\n', own), encoding="utf-8")
    for seed in range(4):
        write_night(seed, 0.8, 300)
        gate(*here)
    assert state().outcome == "pass"
    before = Path("state.json").read_bytes()
    write_night(3, 0.8, 300)
    order_of_cases(lambda rows: [row.replace(",0.9,F", ",0.1,F") for row in rows])
    done = gate(*here)
    assert done.exit_code == 4
    assert "the answers to them are other ones now" in done.stderr
    order_of_cases(lambda rows: [row.replace(",0.1,", ",inf,") for row in rows])
    done = gate(*here)
    assert done.exit_code == 3
    assert "not taken in" in done.stderr
    assert Path("state.json").read_bytes() == before


def test_a_result_that_does_not_say_of_which_cases_it_is_is_refused(gate: Gate) -> None:
    write_night(1, 0.5)
    CliRunner().invoke(app, ["run", "plan.toml", "--restricted", "--quiet", "--no-crosscheck"])
    place = Path("audit-out/result.json")
    text = place.read_text(encoding="utf-8")
    place.write_text(re.sub(r',"cases_sha256":"[0-9a-f]{64}"', "", text), encoding="utf-8")
    assert place.read_text(encoding="utf-8") != text
    refused = gate(plan="audit-out")
    assert refused.exit_code == 4
    assert "does not say of which cases it is" in refused.stderr


def test_a_pass_that_later_nights_speak_against_is_none_and_the_output_says_so(gate: Gate) -> None:
    codes = []
    for seed in range(5):
        write_night(seed, 0.8, 300)
        codes.append(gate("--sample", "fresh").exit_code)
    assert codes[-1] == 0
    write_night(9, 0.4, 300)
    done = gate("--restricted")
    assert done.exit_code == 3
    assert "nights since a PASS have put it in doubt" in done.stdout
    assert "1 cannot tell; 1 of those undecided shown to be within it before" in done.stdout
    shown = json.loads(gate("--json").stdout)["sequential"]
    assert (shown["came"], shown["in_doubt"]) == ("same_set", True)
    for seed in range(10, 14):
        write_night(seed, 0.8, 900)
        codes.append(gate().exit_code)
    assert codes[-1] == 0


def test_a_link_to_a_state_stays_one_and_into_a_folder_that_is_gone_is_no_first_night(gate: Gate) -> None:
    link = Path("state.json")
    link.symlink_to("kept/state.json")
    write_night(1, 0.8)
    refused = gate()
    assert refused.exit_code == 75
    assert link.is_symlink()
    Path("kept").mkdir()
    assert gate().exit_code == 3
    assert link.is_symlink()
    assert Path("kept/state.json").is_file()
    write_night(2, 0.8)
    gate()
    assert state().nights == 2


def test_that_nights_ask_no_baseline_is_said(gate: Gate) -> None:
    text = PLAN.replace("[[rules]]", '[baseline]\nresult = "last.json"\n[[rules]]')
    Path("plan.toml").write_text(text, encoding="utf-8")
    write_night(1, 0.8)
    done = gate()
    assert done.exit_code == 3
    assert "left out of the verdict of many nights: the change from a baseline" in done.stderr
    assert gate("--quiet").output == ""


def test_a_second_night_at_the_same_time_is_told_to_wait(gate: Gate) -> None:
    write_night(1, 0.8)
    with locked(Path("state.json")):
        assert gate().exit_code == 73


def test_what_nights_are_needs_a_state(gate: Gate) -> None:
    assert CliRunner().invoke(app, ["gate", "plan.toml", "--sample", "fresh"]).exit_code == 2


def test_one_document_for_machines_names_groups_only_where_asked(gate: Gate) -> None:
    write_night(1, 0.8)
    shown = json.loads(gate("--json").stdout)
    assert shown["headline"] == {"outcome": "inconclusive"}
    assert shown["sequential"] == {
        "nights": 1, "sample": "fresh", "came": "taken_in", "counts_of_night": None, "in_doubt": False, "ended": None,
        "earlier": [],
    }  # fmt: skip
    exact = json.loads(gate("--json", "--restricted").stdout)
    (rule,) = exact["sequential"]["rules"]
    assert [group["group"] for group in rule["groups"]] == [
        [["gender", "level", "man"]],
        [["gender", "level", "woman"]],
    ]
    quiet = gate("--quiet")
    assert quiet.output == ""
