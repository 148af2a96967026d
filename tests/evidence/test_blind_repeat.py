"""Asking the system at work again: so many of each group that enough other answers to matter would be seen."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from made.blind import Sides, two_sides, write_model

from audit.errors import EvidenceError, ExitCode
from audit.evidence.blind.asked_again import Repeat, cases_to_ask, to_repeat
from audit.result.file import load_result
from audit.result.json_text import result_to_json
from audit.run import run_audit
from audit.vocabulary.groups import Group


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """A blind audit that was judged; the system at work can be asked by its plan `service.toml`."""
    sides = two_sides(tmp_path_factory.mktemp("judged"))
    sides.commit()
    sides.challenge()
    sides.answer()
    sides.judge("--out", "out")
    write_model(sides, "service.toml", 54)
    (sides.regulator / "service.toml").write_bytes((sides.vendor / "service.toml").read_bytes())
    for module in sides.vendor.glob("model_*.py"):
        (sides.regulator / module.name).write_bytes(module.read_bytes())
    return sides


@pytest.mark.parametrize(
    ("overturned_by", "cases", "groups", "expected"), [(20, 200, 40, 64), (30, 1_000, 40, 220), (5, 5, 1, 1)]
)
def test_as_many_are_asked_as_the_design_says(overturned_by: int, cases: int, groups: int, expected: int) -> None:
    assert cases_to_ask(overturned_by, cases, groups) == expected


def test_enough_other_answers_to_overturn_a_verdict_are_missed_in_at_most_one_of_twenty_runs() -> None:
    """By simulation: draws without replacement see them more often than the formula, which draws with it."""
    chance, runs, missed = random.Random(3), 4_000, 0
    number = cases_to_ask(20, 200, 1)
    for _ in range(runs):
        missed += min(chance.sample(range(200), number)) >= 20
    assert 0.01 < missed / runs <= 0.05


def test_the_answers_that_overturn_a_verdict_do_and_one_fewer_does_not(judged: Sides) -> None:
    """With so many other answers the audit itself has another verdict on that group."""
    import pyarrow.parquet as pq

    result = load_result(judged.regulator / "out" / "result.json")
    (found, *_) = [
        each
        for each in result.further.sensitivity[0].findings
        if each.kind == "answers_differ" and each.group.levels[0].code == "woman"
    ]
    assert found.outcome == "pass"
    assert found.overturned_by is not None
    plan = result.plan.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    place = judged.regulator / "challenge.secret" / "answers.parquet"
    table = pq.read_table(place)
    said = dict(zip(table["case"].to_pylist(), table["decision"].to_pylist(), strict=True))
    cases = pq.read_table(judged.regulator / "set.parquet").to_pylist()
    women = [row["case"] for row in cases if row["gender"] == "CANARY-F" and row["label"] == 1]
    right = [one for one in women if said[one] == "1"]
    for changed, outcome in ((found.overturned_by - 1, "pass"), (found.overturned_by, "inconclusive")):
        other = {**said, **dict.fromkeys(right[:changed], "0")}
        decisions = [other[one] for one in table["case"].to_pylist()]
        import pyarrow as pa

        pq.write_table(pa.table({"case": table["case"], "decision": decisions}), judged.regulator / "changed.parquet")
        plan["detector"]["path"] = "changed.parquet"
        verdicts = run_audit(plan, folder=judged.regulator, crosscheck=False, details=False).verdicts
        assert [each.outcome for each in verdicts if each.group == found.group] == [outcome]


def test_the_same_system_is_asked_again_and_the_verdict_line_says_what_it_holds_for(judged: Sides) -> None:
    said = judged.show("repeat", "challenge.secret", "out", "--plan", "service.toml", "--sandbox", "none")
    assert "true_positive_rate: PASS of woman holds if at most " in said
    assert said.count("were asked again, none did") == 2


def test_another_system_at_work_is_seen(judged: Sides) -> None:
    write_model(judged, "other.toml", 70)  # it flags few of those whom the vendor flagged
    (judged.regulator / "other.toml").write_bytes((judged.vendor / "other.toml").read_bytes())
    for module in judged.vendor.glob("model_*.py"):
        (judged.regulator / module.name).write_bytes(module.read_bytes())
    said = judged.show(
        *("repeat", "challenge.secret", "out", "--plan", "other.toml", "--sandbox", "none"), code=ExitCode.INCONCLUSIVE
    )
    assert "none did" not in said
    assert said.count(": it is not shown to hold") == 2


def test_a_verdict_is_shown_where_none_or_too_few_of_all_are_answered_otherwise() -> None:
    some = Repeat("rule", Group(()), "pass", 5, 100, frozenset(map(str, range(44))))
    everyone = replace(some, ids=frozenset(map(str, range(100))))
    assert [some.is_shown(found) for found in (0, 1, 4, 5)] == [True, False, False, False]
    assert [everyone.is_shown(found) for found in (0, 1, 4, 5)] == [True, True, True, False]


def test_a_group_of_which_nobody_is_asked_again_is_named(judged: Sides, tmp_path: Path) -> None:
    result = load_result(judged.regulator / "out" / "result.json")
    (rule,) = result.further.sensitivity
    kept = tuple(one for one in rule.findings if one.group.levels[0].code == "woman")
    fewer = rule.model_copy(update={"findings": kept})
    fewer_doubts = result.further.model_copy(update={"sensitivity": (fewer,)})
    document = result_to_json(result.model_copy(update={"further": fewer_doubts}))
    (tmp_path / "result.json").write_text(document, encoding="utf-8")
    said = judged.show(*("repeat", "challenge.secret", str(tmp_path), "--plan", "service.toml", "--sandbox", "none"))
    assert "true_positive_rate: PASS of man: none were asked again" in said


def test_only_a_blind_audit_of_the_same_set_is_repeated(judged: Sides, tmp_path: Path) -> None:
    result = load_result(judged.regulator / "out" / "result.json")
    nothing = result.model_copy(update={"further": result.further.model_copy(update={"sensitivity": ()})})
    with pytest.raises(EvidenceError, match="no verdict"):
        to_repeat(nothing, judged.regulator / "challenge.secret", random.Random(0))
