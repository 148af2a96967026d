"""The planted-truth benchmark on few sets: what counts for each tool, and that audit7k finds what it should."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made.worlds import planned_families

from audit.run import run_audit
from audit.stages import Scope
from audit.vocabulary.metrics import MetricName
from audit.worlds.mechanism import Mechanism
from audit.worlds.set_file import rows_table
from audit.worlds.strengths import WORLDS
from audit.worlds.truth import Truth
from audit.worlds.world import FindingName, WorldName
from tools.bench.planted import __main__ as benchmark
from tools.bench.planted import aif360_scan, fairlearn_rules
from tools.bench.planted.answers import OURS, Answer, Task, by_flags, run_task
from tools.bench.planted.found import audit_state
from tools.bench.planted.planning import BY_POWER, Planned, large_sample_power, planned
from tools.bench.planted.sets import (
    ASKED,
    Arm,
    Flag,
    audited,
    controls,
    decided_rows,
    loaded_folder,
    mechanism_of,
    own_sizes,
)
from tools.bench.planted.tally import Share, goals, of_tools, of_words, of_worlds

TPR: MetricName = "true_positive_rate"
FPR: MetricName = "false_positive_rate"
MEN: Flag = (TPR, (("gender", "man"),))


def rows_of(counts: dict[tuple[str, str, int], tuple[int, int]], channel: str = "one") -> pd.DataFrame:
    """Rows by (gender, nationality, label): so many flagged of so many."""
    parts = [
        pd.DataFrame(
            {
                "gender": gender,
                "nationality": code,
                "channel": channel,
                "label": label,
                "decision": np.repeat([1, 0], [hits, size - hits]),
                "both": f"{gender} x {code}",
            }
        )
        for (gender, code, label), (hits, size) in counts.items()
    ]
    return pd.concat(parts, ignore_index=True)


ALIKE = {
    (gender, code, label): (80 if label else 10, 100)
    for gender in ("woman", "man")
    for code in ("PRT", "BRA")
    for label in (0, 1)
}
MISSED = ALIKE | {("man", code, 1): (40, 100) for code in ("PRT", "BRA")}


def sized(world: WorldName, rows: int, sizes: dict[FindingName, float]) -> Planned:
    """A world whose sizes nobody planned."""
    return Planned(world, rows, mechanism_of(WORLDS[world], sizes), sizes, dict.fromkeys(sizes, 0.99))


# --- what counts, for each tool ---


def test_fairlearn_calls_a_group_worse_off_by_each_reading() -> None:
    missed, alike = (fairlearn_rules.measured(rows_of(counts)) for counts in (MISSED, ALIKE))
    for reading in fairlearn_rules.READINGS:
        found = fairlearn_rules.flagged(missed, reading)
        assert MEN in found, reading
        assert (TPR, (("gender", "man"), ("nationality", "BRA"))) in found, reading
        assert not {flag for flag in found if flag[0] == FPR or ("gender", "woman") in flag[1]}, reading
        assert fairlearn_rules.flagged(alike, reading) == frozenset(), reading


def test_a_high_share_wrongly_flagged_harms_and_a_low_one_does_not() -> None:
    raised = ALIKE | {("man", code, 0): (19, 100) for code in ("PRT", "BRA")}
    rates = fairlearn_rules.measured(rows_of(raised))
    for reading in ("four-fifths of the best", "four-fifths of all"):
        assert (FPR, (("gender", "man"),)) in fairlearn_rules.flagged(rates, reading)
        assert (FPR, (("gender", "woman"),)) not in fairlearn_rules.flagged(rates, reading)
    assert (FPR, (("gender", "man"),)) not in fairlearn_rules.flagged(rates, "difference to all")


def test_small_groups_are_not_held_against_the_others() -> None:
    few = ALIKE | {("non-binary", "PRT", 1): (0, fairlearn_rules.FEWEST - 1)}
    enough = ALIKE | {("non-binary", "PRT", 1): (0, fairlearn_rules.FEWEST)}
    flags = [
        fairlearn_rules.flagged(fairlearn_rules.measured(rows_of(one)), "four-fifths of all") for one in (few, enough)
    ]
    assert [(TPR, (("gender", "non-binary"),)) in one for one in flags] == [False, True]


def test_a_gap_vanishes_for_fairlearn_where_no_channel_has_it() -> None:
    """Men are mostly in the channel in which everybody is found less often."""
    first = {("woman", "PRT", 1): (160, 200), ("man", "PRT", 1): (32, 40)}
    second = {("woman", "PRT", 1): (16, 40), ("man", "PRT", 1): (80, 200)}
    rows = pd.concat([rows_of(first, "one"), rows_of(second, "two")], ignore_index=True)
    crude, within = fairlearn_rules.measured(rows), fairlearn_rules.within_channels(rows, MEN)
    assert fairlearn_rules.vanishes(crude, within, MEN, "four-fifths of all")
    stays = pd.concat([rows_of(MISSED, "one"), rows_of(MISSED, "two")], ignore_index=True)
    crude, within = fairlearn_rules.measured(stays), fairlearn_rules.within_channels(stays, MEN)
    assert MEN in fairlearn_rules.flagged(crude, "four-fifths of all")
    assert not fairlearn_rules.vanishes(crude, within, MEN, "four-fifths of all")


@pytest.mark.parametrize("penalty", aif360_scan.PENALTIES.values())
def test_the_scan_of_aif360_names_whom_it_should_and_the_state_of_numpy_stays(penalty: float) -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    rows = rows_of(MISSED)
    assert aif360_scan.finds(rows, MEN, penalty)
    assert MEN in aif360_scan.flagged(rows, penalty)
    assert not aif360_scan.finds(rows, (TPR, (("gender", "woman"),)), penalty)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index] # noqa: NPY002


def test_half_of_a_group_in_the_subset_is_enough_to_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(ALIKE | {("man", "BRA", 1): (40, 120)})

    def found(subset: dict[str, list[str]]) -> bool:
        monkeypatch.setattr(aif360_scan, "subset", lambda *_: subset)
        return aif360_scan.finds(rows, MEN, 1.0)

    assert found({"gender": ["man"]})
    assert found({"gender": ["man"], "nationality": ["BRA"]})
    assert not found({"gender": ["man"], "nationality": ["PRT"]})
    assert not found({"gender": ["woman"]})
    assert not found({"nationality": ["BRA"]})
    assert not found({})


def test_controls_are_those_in_whom_nothing_is_planted_and_their_combinations() -> None:
    truth = Truth.of(mechanism_of(WORLDS["triage"], {"group-gap": 0.1, "biased-labels": 0.2}))
    alone, crossed = controls(truth)
    assert MEN not in alone
    assert (TPR, (("gender", "woman"),)) not in alone  # her rest holds the men
    assert (FPR, (("gender", "man"),)) in alone
    assert (TPR, (("nationality", "VNM"),)) in alone
    assert (FPR, (("nationality", "VNM"),)) not in alone
    assert (FPR, (("gender", "man"), ("nationality", "BRA"))) in crossed
    assert (TPR, (("gender", "man"), ("nationality", "BRA"))) not in crossed
    assert (TPR, (("gender", "woman"), ("nationality", "BRA"))) in crossed
    assert not {flag for flag in crossed if ("nationality", "VNM") in flag[1] and flag[0] == FPR}


def test_flags_become_found_and_accused() -> None:
    task = Task(sized("triage", 100, {"group-gap": 0.1, "intersection-gap": 0.1}), "doubled", 1, None)
    truth = Truth.of(task.planned.mechanism)
    brazil: Flag = (FPR, (("nationality", "BRA"),))
    crossed: Flag = (FPR, (("gender", "man"), ("nationality", "BRA")))
    nothing = by_flags(task, "tool", truth, frozenset())
    assert nothing.found == {"group-gap": False, "intersection-gap": False}
    assert by_flags(task, "tool", truth, frozenset({MEN})).found == {"group-gap": True, "intersection-gap": False}
    assert not by_flags(task, "tool", truth, frozenset({MEN})).accuses_any
    accused = [by_flags(task, "tool", truth, frozenset({flag})) for flag in (brazil, crossed)]
    assert [(one.accuses_alone, one.accuses_any) for one in accused] == [(True, True), (False, True)]


# --- the sets ---


@pytest.mark.parametrize("world", ["adverts", "triage"])
def test_rows_without_an_audit_are_those_of_one(world: WorldName, monkeypatch: pytest.MonkeyPatch) -> None:
    """In adverts the detector has learned a word; triage stands for the two worlds of tables."""
    made = mechanism_of(WORLDS[world], own_sizes(world))
    monkeypatch.setattr("tools.bench.planted.sets.run_audit", partial(run_audit, scope=Scope.RECORDS))
    with_audit = audited(made, 1_000, 5)
    pd.testing.assert_frame_equal(with_audit.rows, decided_rows(made, 1_000, 5))
    everyone = next(row for row in with_audit.result.rows if not row.group.root)
    assert everyone.labelled == len(with_audit.rows)


@pytest.fixture(scope="module")
def few() -> list[Answer]:
    """One seed of one world, whose sizes leave no doubt at so few rows, nor at so few starts of the other scan."""
    sizes: dict[FindingName, float] = {
        "group-gap": 0.30,
        "intersection-gap": 0.40,
        "like-with-like": 0.20,
        "biased-labels": 0.6,
        "amplification": 0.2,
    }
    one = sized("triage", 9_000, sizes)
    arms: tuple[Arm, ...] = ("doubled", "controls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aif360_scan, "STARTS", 2)
        # no tool is asked what would undo its answer
        patch.setattr("audit.analyses.further.sensitivity_findings", lambda *_: ())
        return [answer for arm in arms for answer in run_task(Task(one, arm, 1, None))]


def of(few: list[Answer], tool: str, arm: Arm) -> list[Answer]:
    return [answer for answer in few if answer.tool == tool and answer.arm == arm]


def test_what_is_planted_is_found_and_no_control_is_accused(few: list[Answer]) -> None:
    """Seeded and small: 95 % and 5 % are measured by `make planted`; here two sets must come out right."""
    for answer in of(few, OURS, "doubled"):
        assert answer.found == dict.fromkeys(ASKED[:-1], True), answer.seed
        assert not answer.accuses_any
    for answer in of(few, OURS, "controls"):
        assert answer.found == {}
        assert not answer.accuses_any


def test_the_other_tools_are_asked_about_the_same_sets(few: list[Answer]) -> None:
    tools = dict.fromkeys(answer.tool for answer in few)
    assert len(tools) == 1 + len(fairlearn_rules.READINGS) + len(aif360_scan.PENALTIES)
    for tool in tools:
        gaps = [answer.found[finding] for answer in of(few, tool, "doubled") for finding in BY_POWER]
        assert all(gaps), tool  # gaps so large are missed by none of them
    assert all(answer.accuses_any for answer in of(few, "fairlearn, four-fifths of the best", "controls"))
    assert all("biased-labels" not in answer.found for answer in few if answer.tool != OURS)


def test_the_tables_hold_every_tool_world_and_goal(few: list[Answer], capsys: pytest.CaptureFixture[str]) -> None:
    one = sized("triage", 12_000, {"group-gap": 0.30, "like-with-like": 0.22})
    benchmark.print_tables([one], few, "no network")
    printed = capsys.readouterr().out
    assert printed.count("\n| fairlearn") == len(fairlearn_rules.READINGS)
    assert printed.count("\n| AIF360") == len(aif360_scan.PENALTIES)
    assert "no such question" in printed
    assert "aequitas is not in this table: no network" in printed
    assert "| triage | 12,000 | group-gap | 0.3 | 99.0 | no such question | 100.0 (3-100) |" in printed
    assert "2 of 2, 100.0 (16-100) % (goal: at least 95)" in printed
    assert "0 of 2, 0.0 (0-84) % (goal: at most 5)" in printed


# --- planning ---


def test_planning_is_asked_for_the_smallest_gap_that_would_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.bench.planted.planning._ROUNDS", 1)
    gaps = [possible for possible in WORLDS["triage"].findings if possible.finding in BY_POWER]
    monkeypatch.setattr("audit.verdicts.decidability.rule_families", planned_families(gaps))
    made = planned("triage", 8_000)
    assert {name: made.power[name] for name in BY_POWER} == dict.fromkeys(BY_POWER, 0.80)
    assert 0.17 < made.sizes["group-gap"] < 0.25  # 0.148 with the world's own 30,000 rows
    assert made.sizes["biased-labels"] == own_sizes("triage")["biased-labels"]
    assert made.mechanism.strengths.keys() == set(ASKED) - {"word-leak"}


@pytest.mark.parametrize("finding", [name for name in ASKED if name not in (*BY_POWER, "word-leak")])
def test_the_power_of_a_further_question_grows_with_rows(finding: FindingName) -> None:
    made = mechanism_of(WORLDS["triage"], own_sizes("triage"))
    possible = WORLDS["triage"].possible(finding)
    assert possible is not None
    power = [large_sample_power(made, possible, rows) for rows in (500, 4_000, 30_000, 1_000_000)]
    assert power == sorted(power)
    assert power[0] < 0.5
    assert power[-1] == pytest.approx(0.95 if finding == "like-with-like" else 1.0, abs=0.001)


@pytest.mark.parametrize(("finding", "size"), [("biased-labels", 0.6), ("amplification", 0.2)])
def test_the_power_of_a_further_question_is_that_of_the_audits(
    finding: FindingName, size: float, tmp_path: Path
) -> None:
    """Six audits of a size for which half of them should find it, asked nothing else. Were the power said of four times
    the rows, none of them would.
    """
    made = mechanism_of(WORLDS["triage"], {finding: size})
    possible = WORLDS["triage"].possible(finding)
    assert possible is not None
    rows = min(range(100, 10_000, 50), key=lambda size: abs(large_sample_power(made, possible, size) - 0.5))
    whole = loaded_folder(made, tmp_path)
    rules = [rule.model_copy(update={"groups": ("gender",)}) for rule in whole.plan.rules[:1]]
    plan = whole._replace(plan=whole.plan.model_copy(update={"every_rule": tuple(rules), "control_features": {}}))
    results = [run_audit(plan, rows_table(made, rows, seed), crosscheck=False) for seed in range(6)]
    assert 1 <= sum(audit_state(possible, result) == "found" for result in results) <= 5


# --- counting ---


def test_a_share_has_its_limits_and_nothing_has_none() -> None:
    share = Share([True] * 9 + [False])
    assert (share.events, share.runs, share.value) == (9, 10, 0.9)
    # Clopper and Pearson's limits of 9 of 10: .555 to .9975
    assert str(share) == "90.0 (55-100)"
    assert str(Share([False] * 60)) == "0.0 (0-6)"
    assert str(Share([])) == "no such question"
    assert Share([]).bounds is None


def answer(arm: Arm, tool: str = OURS, *, found: bool = True, accuses: bool = False) -> Answer:
    return Answer(
        tool,
        "triage",
        arm,
        1,
        {} if arm == "controls" else {"group-gap": found, "like-with-like": found},
        False,
        accuses,
        {"like-with-like": accuses, "biased-labels": False, "amplification": False} if arm == "controls" else {},
    )


def test_goals_count_decidable_findings_in_doubled_sets_and_every_audit_that_accuses() -> None:
    one = sized("triage", 100, {"group-gap": 0.1, "like-with-like": 0.1})
    one.power["like-with-like"] = 0.79
    given = [
        answer("planned", found=False),
        answer("doubled"),
        answer("doubled", found=False),
        answer("controls", accuses=True),
    ]
    found, accused = goals([one], [*given, answer("doubled", "another", found=False, accuses=True)])
    assert (found.events, found.runs) == (1, 2)
    assert (accused.events, accused.runs) == (1, 3)
    assert "| triage | 100 | group-gap | 0.1 | 99.0 | 0.0 (0-98) | 50.0 (1-99) |" in of_worlds([one], given)
    assert of_tools(given).splitlines()[2].startswith(f"| {OURS} | 50.0 (1-99) | no such question |")
    assert "| triage | 100.0 (3-100) | 0.0 (0-98) | 0.0 (0-98) |" in of_words(given)


# --- aequitas ---


def test_where_aequitas_cannot_be_installed_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said, why = benchmark._aequitas([], tmp_path, tmp_path / "aequitas")
    assert said == []
    assert "No matching distribution" in why


def test_what_aequitas_says_is_read_by_set_and_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(sized("triage", 100, {"group-gap": 0.1, "intersection-gap": 0.1}), "doubled", 3, tmp_path)
    document = {
        "triage-doubled-3": {
            "tolerance .8": [[TPR, "gender", "man"], [FPR, "both", "woman x IND"]],
            "tolerance .8, significant": [[FPR, "nationality", "BRA"]],
        }
    }

    class Done:
        output = json.dumps(document)

    def python(*_: object) -> Path:
        return tmp_path

    def ran(*_: object, **__: object) -> Done:
        return Done()

    replaced: dict[str, Callable[..., object]] = {"aequitas_python": python, "run": ran}
    for name, function in replaced.items():
        monkeypatch.setattr(benchmark, name, function)
    (plain, tested), why = benchmark._aequitas([task], tmp_path, tmp_path)
    assert why == ""
    assert plain.found == {"group-gap": True, "intersection-gap": True}
    assert not plain.accuses_any
    assert tested.found == {"group-gap": False, "intersection-gap": False}
    assert tested.accuses_alone


def test_a_mechanism_is_what_was_asked_for() -> None:
    made: Mechanism = mechanism_of(WORLDS["adverts"], {})
    assert made.strengths == {}
    with pytest.raises(KeyError):
        mechanism_of(WORLDS["triage"], {"word-leak": 0.5})
