"""Worlds with genders and nationalities as people type them: the same people, once the plan says what is meant."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from audit import run_audit
from audit.evaluation import gender, nationality_words
from audit.evaluation.nationality import map_target
from audit.plan.file.plan_file import read_plan_file
from audit.stages import Scope
from audit.worlds.as_typed import MAPS, MISSING, NOT_KNOWN, READ
from audit.worlds.folder import synthesise
from audit.worlds.mechanism import GENDERS
from audit.worlds.strengths import WORLDS, findings_asked
from audit.worlds.world import WorldName


@pytest.mark.parametrize(("level", "spellings"), READ["nationality"].items())
def test_spellings_that_are_said_to_be_read_are(level: str, spellings: tuple[str, ...]) -> None:
    assert {nationality_words.read(spelling).code for spelling in spellings} == {level}


def test_spellings_that_are_said_not_to_be_read_are_not() -> None:
    for spelling, level in MAPS["nationality"].items():
        assert nationality_words.read(spelling).code is None
        assert map_target(level) == level
    for spelling in MISSING["nationality"]:
        assert nationality_words.read(spelling).code is None
    for spelling in MAPS["gender"]:
        assert gender.canonical(spelling) is None


def test_every_gender_has_its_spellings() -> None:
    assert set(READ["gender"]) == set(MAPS["gender"].values()) == set(GENDERS)
    for level, spellings in READ["gender"].items():
        assert {gender.canonical(spelling) for spelling in spellings} == {level}


@pytest.mark.parametrize("world", ["adverts", "triage"])
def test_the_same_people_are_in_the_same_groups(world: WorldName, tmp_path: Path) -> None:
    """Transactions is a table as triage is, and spelled by the same code."""
    findings = findings_asked(WORLDS[world], [possible.finding for possible in WORLDS[world].findings])
    plain = synthesise(WORLDS[world], tmp_path / "plain", rows=1_200, seed=3, findings=findings)
    typed = synthesise(WORLDS[world], tmp_path / "typed", rows=1_200, seed=3, findings=findings, as_typed=True)
    texts = [list(csv.DictReader(made.data.read_text(encoding="utf-8").splitlines())) for made in (plain, typed)]
    spelled = {"gender", "nationality"}
    assert [{k: v for k, v in row.items() if k not in spelled} for row in texts[0]] == [
        {k: v for k, v in row.items() if k not in spelled} for row in texts[1]
    ]
    for feature in ("gender", "nationality"):
        values = {row[feature] for row in texts[1]}
        assert len(values) > 2 * len({row[feature] for row in texts[0]})
        assert values & set(MAPS[feature])
        assert {one for one in NOT_KNOWN[feature] if one} <= values
    results = [run_audit(read_plan_file(made.plan), crosscheck=False, scope=Scope.RECORDS) for made in (plain, typed)]
    assert results[0].estimates == results[1].estimates
    assert results[0].verdicts == results[1].verdicts
    assert json.loads((typed.folder / "truth.json").read_text()) == json.loads(
        (plain.folder / "truth.json").read_text()
    )
