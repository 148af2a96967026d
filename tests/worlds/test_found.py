"""An audit of each world finds what is planted in it by the right part, and accuses nobody else."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from made.replaced import replaced
from made.worlds import everything, planned_families
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.counting.table import count_families
from audit.plan.file.plan_file import loaded_plan
from audit.planning.check import count_labels
from audit.result.audit_result import AuditResult
from audit.result.file import load_result
from audit.result.findings.judged import Outcome
from audit.run import run_audit
from audit.verdicts.decidability import plan_decidability
from audit.verdicts.decidable_gaps import fails_from
from audit.vocabulary.groups import Group, Level
from audit.worlds.folder import Synthesised, companion_files, synthesise
from audit.worlds.probe_texts import MARGIN, PROBED
from audit.worlds.strengths import WORLDS, findings_asked
from audit.worlds.truth import Truth, measured_size, truth_document
from audit.worlds.world import Possible, WorldName, nationality_level
from tools.bench.planted.found import ASKED, accused_without_cause, audit_state, rules_fail, words_accused

SEED = 7
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SUBREGION = Group((Level("nationality", "m49-subregion", "005"),))


@dataclass(frozen=True)
class Audited:
    made: Synthesised
    result: AuditResult

    def possible(self, name: str) -> Possible:
        found = self.made.mechanism.world.possible(name)
        assert found is not None
        return found


def audited(folder: Path, world: WorldName, *asked: str, rows: int | None = None) -> Audited:
    made = synthesise(WORLDS[world], folder, rows=rows, seed=SEED, findings=findings_asked(WORLDS[world], asked))
    with pytest.MonkeyPatch.context() as patch:
        # what would undo a verdict takes a third of the time, and nobody looks at it here
        patch.setattr("audit.analyses.further.sensitivity_findings", lambda *_: ())
        return Audited(made, run_audit(made.plan, crosscheck=False))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[WorldName], Audited]:
    """Audits the example of a world, in which everything is planted, once and as a user would."""

    @cache
    def audit(name: WorldName) -> Audited:
        world = WORLDS[name]
        folder = tmp_path_factory.mktemp(name) / f"synthetic-{name}"
        shutil.copytree(
            EXAMPLES / folder.name, folder, ignore=shutil.ignore_patterns("__pycache__", "audit-out", "*.csv")
        )
        (script,) = folder.glob("make_*.py")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [str(script)])
            runpy.run_path(str(script), run_name="__main__")
            patch.chdir(folder)
            for command, code in (
                *([("check plan.toml", 0)] if name == "triage" else []),
                ("run plan.toml --restricted --no-crosscheck", 1),
                ("gate audit-out --inputs-elsewhere", 1),
            ):
                ended = CliRunner().invoke(app, command.split())
                assert ended.exit_code == code, ended.output
        assert {"junit.xml", "report.html"} <= {path.name for path in (folder / "audit-out").iterdir()}
        findings = findings_asked(world, [possible.finding for possible in world.findings])
        made = Synthesised(
            folder, folder / f"{world.file}.csv", folder / "plan.toml", everything(name), findings, world.rows, SEED
        )
        return Audited(made, load_result(folder / "audit-out" / "result.json"))

    return audit


@pytest.fixture(scope="module", params=list(WORLDS))
def planted(request: pytest.FixtureRequest, example: Callable[[WorldName], Audited]) -> Audited:
    return example(request.param)


@pytest.fixture(scope="module")
def triage(example: Callable[[WorldName], Audited]) -> Audited:
    return example("triage")


def changed(result: AuditResult, rule: str, group: Group, outcome: Outcome) -> AuditResult:
    """The same result with another outcome for one group."""
    verdicts = [
        verdict.model_copy(update={"outcome": outcome}) if (verdict.rule, verdict.group) == (rule, group) else verdict
        for verdict in result.verdicts
    ]
    assert any((verdict.rule, verdict.group) == (rule, group) for verdict in verdicts)
    return result.model_copy(update={"verdicts": tuple(verdicts)})


def test_everything_planted_is_found_and_nobody_else_accused(planted: Audited) -> None:
    names = [possible.finding for possible in planted.made.mechanism.world.findings]
    assert set(names) <= set(ASKED)
    assert {name: audit_state(planted.possible(name), planted.result) for name in names} == dict.fromkeys(
        names, "found"
    )
    truth = Truth.of(planted.made.mechanism)
    assert accused_without_cause(truth, planted.result) == ()
    assert words_accused(truth, planted.result) == ()
    assert rules_fail(planted.result)


def test_planning_says_that_the_gaps_can_be_decided(planted: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gaps that rules limit are at least as large as planning says they must be to be named with power 80 %."""
    gaps = [planted.possible(finding) for finding in ("group-gap", "intersection-gap")]
    monkeypatch.setattr("audit.verdicts.decidability.rule_families", planned_families(gaps))
    loaded = loaded_plan(planted.made.plan)
    counts, moments, features = count_labels(loaded)
    families = count_families(loaded.plan.groups, loaded.plan.rules, counts, features)
    decided = plan_decidability(loaded.plan, families, {one.name: one for one in features}, moments, sizes=False)
    for gap in gaps:
        (rule,) = (rule for rule in loaded.plan.named_rules if rule.metric == gap.metric)
        (of,) = (family for family in decided[rule.id].families if gap.group in family.groups)
        ((smallest,),) = fails_from(loaded.plan, rule, families[of.family], of, moments, [of.groups.index(gap.group)])
        assert smallest.disparity is not None
        assert smallest.disparity < gap.size


def test_the_example_is_what_is_written(planted: Audited) -> None:
    world = planted.made.mechanism.world
    assert json.loads((planted.made.folder / "truth.json").read_text(encoding="utf-8"))["seed"] == SEED
    written = companion_files(everything(world.name), f"{world.file}.csv", world.rows, SEED)
    folder = EXAMPLES / f"synthetic-{world.name}"
    for name in ("detector.py", "plan.toml", *(["texts.toml"] if world.name == "adverts" else [])):
        assert (folder / name).read_text(encoding="utf-8") == written[name]
    text = (folder / "README.md").read_text(encoding="utf-8")
    for possible in world.findings:
        assert possible.group.levels[-1].code in text or "men" in text
    assert f"{world.rows:,} synthetic" in text


@pytest.mark.parametrize("world", WORLDS)
def test_where_nothing_is_planted_nothing_fails(tmp_path: Path, world: WorldName) -> None:
    controls = audited(tmp_path / "world", world)
    assert not rules_fail(controls.result)
    truth = Truth.of(controls.made.mechanism)
    assert accused_without_cause(truth, controls.result) == ()
    assert words_accused(truth, controls.result) == ()
    for possible in WORLDS[world].findings:
        state = audit_state(possible, controls.result)
        assert state == "not_found" if possible.finding == "group-gap" else state != "found", possible.finding
        assert measured_size(controls.made.mechanism, possible) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("fail", "found"), ("pass", "not_found"), ("inconclusive", "cannot_tell"), ("not_evaluable", "cannot_tell")],
)
def test_a_gap_is_found_only_by_a_fail_of_the_group(triage: Audited, outcome: Outcome, state: str) -> None:
    men = triage.possible("group-gap")
    assert audit_state(men, changed(triage.result, "missed", men.group, outcome)) == state


def test_another_rate_of_the_group_finds_nothing(triage: Audited) -> None:
    men = triage.possible("group-gap")
    other = changed(triage.result, "missed", men.group, "inconclusive")
    assert audit_state(men, changed(other, "wrongly-flagged", men.group, "fail")) == "cannot_tell"


def test_a_fail_within_the_limit_is_without_cause_and_one_beyond_it_is_not(triage: Audited) -> None:
    truth = Truth.of(triage.made.mechanism)
    brazil, men = Group((nationality_level("BRA"),)), triage.possible("group-gap").group
    assert accused_without_cause(truth, triage.result) == ()
    for rule, group, times in (
        ("missed", brazil, 1),
        ("wrongly-flagged", brazil, 1),
        ("wrongly-flagged", men, 1),
        ("missed", men, 0),
        ("wrongly-flagged", triage.possible("amplification").group, 0),
        ("missed", SUBREGION, 1),
    ):
        accused = accused_without_cause(truth, changed(triage.result, rule, group, "fail"))
        assert len(accused) == times, (rule, group)


@pytest.mark.parametrize("field", ["conditional", "amplification"])
def test_without_the_part_that_says_it_nothing_can_be_told(planted: Audited, field: str) -> None:
    without = replaced(planted.result, **{field: ()})
    finding = {"conditional": "like-with-like", "amplification": "amplification"}[field]
    assert audit_state(planted.possible(finding), without) == "cannot_tell"


def test_without_a_reference_table_biased_labels_cannot_be_told(planted: Audited) -> None:
    without = replaced(planted.result, reference_comparison=None)
    assert audit_state(planted.possible("biased-labels"), without) == "cannot_tell"


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """A detector that has learned so little of a word that it stays within the limit: texts say so, and few rows do."""
    return audited(tmp_path_factory.mktemp("adverts") / "world", "adverts", "word-leak=0.1", rows=3_000)


def test_a_probe_measures_the_shift_that_the_truth_states(leaking: Audited) -> None:
    """The detector rounds scores to six decimals, and nothing else lies between the two."""
    (planted,) = truth_document(leaking.made.mechanism, SEED, 1)["planted"]
    (probe,) = leaking.result.probes
    shifts = {shift.level: shift.shift for shift in probe.shifts}
    assert shifts.pop("MAR") == pytest.approx(planted["mean_shift_of_texts"], abs=1e-6)
    assert set(shifts) == set(PROBED) - {"MAR"}
    assert set(shifts.values()) == {0.0}  # a word that the list does not know moves nothing
    assert 0.01 < planted["mean_shift_of_texts"] < MARGIN


def test_a_word_within_the_limit_is_not_found_and_accusing_it_is_without_cause(leaking: Audited) -> None:
    leak, truth = leaking.possible("word-leak"), Truth.of(leaking.made.mechanism)
    assert audit_state(leak, leaking.result) == "not_found"
    assert words_accused(truth, leaking.result) == ()
    failing = tuple(one.model_copy(update={"outcome": "fail"}) for one in leaking.result.probe_verdicts)
    result = leaking.result.model_copy(update={"probe_verdicts": failing})
    assert len(words_accused(truth, result)) == len(PROBED)
    stronger = Truth.of(everything("adverts"))
    assert {one.level for one in words_accused(stronger, result)} == set(PROBED) - {"MAR"}
