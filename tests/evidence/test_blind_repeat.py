"""Asking the system at work again: so many of each group that enough other answers to matter would be seen."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made.blind import Sides, two_sides, write_cases, write_model
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.commands.blind_commands import _came_out
from audit.errors import EvidenceError, ExitCode
from audit.evidence.blind.asked_again import Repeat, cases_to_ask, choose_repeats, sealed_entry, sealed_result
from audit.evidence.bundle import read_bundle
from audit.evidence.commitments import commitments_of
from audit.evidence.envelope import Envelope
from audit.evidence.keys import load_signer
from audit.evidence.statement import Evidence, read_statement, sha256, statement_bytes
from audit.result.file import load_result
from audit.run import run_audit
from audit.stages import Scope
from audit.vocabulary.groups import Group


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """A blind audit that was judged; the system at work can be asked by its plan `service.toml`."""
    sides = two_sides(tmp_path_factory.mktemp("judged"))
    sides.commit()
    sides.challenge()
    sides.answer()
    sides.judge("--out", "out")
    write_service(sides, "service.toml", 54)
    return sides


def write_service(sides: Sides, plan: str, threshold: int) -> None:
    """Write how the regulator asks the system at work."""
    write_model(sides, plan, threshold)
    (sides.regulator / plan).write_bytes((sides.vendor / plan).read_bytes())
    for module in sides.vendor.glob("model_*.py"):
        (sides.regulator / module.name).write_bytes(module.read_bytes())


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
    result = load_result(judged.regulator / "out" / "result.json")
    (found, *_) = [
        each
        for each in result.further.sensitivity[0].findings
        if each.kind == "answers_differ" and each.group.levels[0].code == "woman"
    ]
    assert found.outcome == "pass"
    assert found.overturned_by is not None
    plan = result.plan.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    place = judged.regulator / "audit-out/restricted/challenge.secret" / "answers.parquet"
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
        verdicts = run_audit(plan, folder=judged.regulator, crosscheck=False, scope=Scope.RECORDS).verdicts
        assert [each.outcome for each in verdicts if each.group == found.group] == [outcome]


def test_the_same_system_is_asked_again_and_the_verdict_line_says_what_it_holds_for(judged: Sides) -> None:
    said = judged.regulate(
        "repeat", "audit-out/restricted/challenge.secret", "out", "--plan", "service.toml", "--sandbox", "none"
    )
    assert "true_positive_rate: PASS of woman holds if at most " in said
    assert said.count("were asked again, none did") == 2


def test_each_step_of_both_sides_is_an_entry_with_the_digest_of_the_one_before(judged: Sides, tmp_path: Path) -> None:
    """The digests are computed here, of the bytes that were signed."""
    start = len(judged.kinds)
    for service, code in (("service.toml", ExitCode.PASS), ("other.toml", ExitCode.INCONCLUSIVE)):
        write_service(judged, service, 54 if service == "service.toml" else 70)
        asked = ("audit-out/restricted/challenge.secret", "out", "--plan", service, "--sandbox", "none")
        said = judged.regulate("repeat", *asked, code=code)
        kept = judged.regulator / "audit-out/restricted/challenge.secret" / f"asked-again-{len(judged.kinds) - 1}.txt"
        assert kept.read_text(encoding="utf-8") in said
    cid = pq.read_table(judged.vendor / "challenge" / "challenge.parquet")["cid"][0].as_py()
    judged.regulate("open", "audit-out/restricted/challenge.secret", "--case", cid)
    whole = ["committed", "registered", "challenged", "answered", "started", "sealed"]
    assert judged.kinds[:6] == whole
    assert judged.kinds[start:] == ["asked_again", "asked_again", "label_opened"]
    assert [entry.alike for entry in judged.history.entries[start:]] == [True, False, None]
    history = judged.regulator / "h.a7h"
    lines = history.read_bytes().splitlines(keepends=True)
    payloads = [base64.b64decode(json.loads(line)["payload"]) for line in lines]
    digests = ["0" * 64, *(hashlib.sha256(payload).hexdigest() for payload in payloads)]
    for payload, before in zip(payloads, digests, strict=False):
        assert json.loads(payload)["subject"] == [{"name": "previous entry", "digest": {"sha256": before}}]

    def shown(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, done.output

    shown_code, text = shown("history", str(history))
    assert shown_code == 0
    assert [line.split()[3].rstrip(":") for line in text.splitlines()] == judged.kinds
    assert "asked_again: all alike (of entry 5)" in text
    assert "asked_again: some otherwise (of entry 5)" in text
    trusted = ("--key", str(judged.regulator / "regulator.key.pub"), "--history", str(history))
    shown_code, text = shown("verify", str(judged.regulator / "out"), *trusted)
    assert shown_code == ExitCode.INCONCLUSIVE
    assert "the system at work, asked again, answered as its vendor had: on" in text
    assert "the system at work, asked again, answered some cases otherwise than its vendor had: on" in text
    for place in range(len(lines)):
        (tmp_path / "h.a7h").write_bytes(b"".join([*lines[:place], *lines[place + 1 :]]))
        taken_out = shown("history", str(tmp_path / "h.a7h"), "--against", str(history))
        assert taken_out[0] == ExitCode.NOT_VERIFIED, place


def test_nothing_is_asked_again_before_the_audit_is_sealed(tmp_path: Path) -> None:
    """The result of an attempt that is not passed is for nobody, and the service is not asked."""
    sides = two_sides(tmp_path)
    write_cases(sides.regulator, fewer_hours=4)
    sides.commit()
    sides.challenge("--attempts", "2", "--twins", "0")
    sides.answer()
    sides.judge(code=ExitCode.INCONCLUSIVE)
    kept = "audit-out/restricted/challenge.secret/attempt-1.json"
    said = sides.regulate(
        "repeat", "audit-out/restricted/challenge.secret", kept, "--plan", "none.toml", code=ExitCode.NOT_JUDGED
    )
    assert "no sealed audit of this challenge" in said
    cid = pq.read_table(sides.vendor / "challenge" / "challenge.parquet")["cid"][0].as_py()
    assert "is not over" in sides.regulate(
        "open", "audit-out/restricted/challenge.secret", "--case", cid, code=ExitCode.NOT_JUDGED
    )
    assert sides.kinds[-1] == "not_passed"


def test_another_system_at_work_is_seen(judged: Sides) -> None:
    write_service(judged, "other.toml", 70)  # it flags few of those whom the vendor flagged
    said = judged.regulate(
        *("repeat", "audit-out/restricted/challenge.secret", "out", "--plan", "other.toml", "--sandbox", "none"),
        code=ExitCode.INCONCLUSIVE,
    )
    assert "none did" not in said
    assert said.count(": it is not shown to hold") == 2


def test_a_verdict_is_shown_where_none_or_too_few_of_all_are_answered_otherwise() -> None:
    some = Repeat("rule", Group(()), "pass", 5, 100, frozenset(map(str, range(44))))
    everyone = replace(some, ids=frozenset(map(str, range(100))))
    assert [some.is_shown(found) for found in (0, 1, 4, 5)] == [True, False, False, False]
    assert [everyone.is_shown(found) for found in (0, 1, 4, 5)] == [True, True, True, False]


def test_a_group_of_which_nobody_is_asked_again_is_named(judged: Sides) -> None:
    result = load_result(judged.regulator / "out" / "result.json")
    (rule,) = result.further.sensitivity
    kept = tuple(one for one in rule.findings if one.group.levels[0].code == "woman")
    fewer = rule.model_copy(update={"findings": kept})
    fewer_doubts = result.further.model_copy(update={"sensitivity": (fewer,)})
    other = result.model_copy(update={"further": fewer_doubts})
    lines = list(
        _came_out(
            other,
            choose_repeats(other, judged.regulator / "audit-out/restricted/challenge.secret", random.Random(0)),
            set(),
        )
    )
    assert lines[-1] == "true_positive_rate: PASS of man: none were asked again"


def test_a_result_that_asks_fewer_people_than_the_sealed_one_is_refused(judged: Sides, tmp_path: Path) -> None:
    """Edited beside the true evidence; with the opening of its commitment; and under a statement made anew."""
    out, sealed = (
        judged.regulator / "out",
        sealed_entry(judged.history, judged.regulator / "audit-out/restricted/challenge.secret"),
    )
    assert sealed_result(sealed, out) == sealed_result(sealed, out / "result.json") == load_result(out / "result.json")
    document = re.sub(r'"overturned_by":\d+', '"overturned_by":350', (out / "result.json").read_text("utf-8"))
    (tmp_path / "result.json").write_text(document, encoding="utf-8")
    bundle = read_bundle((out / "evidence-restricted.a7k").read_bytes(), "it")
    subjects, evidence = read_statement(bundle.statement, Evidence, "it")
    openings = dict(bundle.openings or {})
    openings["result"] = openings["result"].model_copy(update={"sha256": sha256(document.encode())})
    anew = evidence.model_copy(update={"commitments": commitments_of(openings)})
    signed = Envelope(statement_bytes(subjects, anew)).signed(load_signer(judged.regulator / "regulator.key", bytes))
    opened = replace(bundle, openings=openings)
    for forged in (bundle, opened, replace(opened, envelopes=(signed,))):
        (tmp_path / "evidence-restricted.a7k").write_bytes(forged.content)
        with pytest.raises(EvidenceError, match="is not the result that entry 5 of the history sealed"):
            sealed_result(sealed, tmp_path)
    kinds = judged.kinds
    asked = (
        "repeat",
        "audit-out/restricted/challenge.secret",
        str(tmp_path),
        "--plan",
        "service.toml",
        "--sandbox",
        "none",
    )
    assert "is not the result" in judged.regulate(*asked, code=ExitCode.NOT_JUDGED)
    (tmp_path / "evidence-restricted.a7k").unlink()
    judged.regulate(*asked, code=ExitCode.NOT_JUDGED)
    assert judged.kinds == kinds


def test_answers_that_were_made_like_those_of_another_system_are_refused(judged: Sides) -> None:
    """Whoever puts what the service says into the folder of the secret finds nothing that differs."""
    place, kinds = judged.regulator / "audit-out/restricted/challenge.secret" / "answers.parquet", judged.kinds
    before = place.read_bytes()
    table = pq.read_table(place)
    pq.write_table(table.set_column(1, "decision", table["decision"].take([1, 0, *range(2, len(table))])), place)
    asked = ("repeat", "audit-out/restricted/challenge.secret", "out", "--plan", "service.toml", "--sandbox", "none")
    try:
        assert "answers.parquet in challenge.secret, is not the" in judged.regulate(*asked, code=ExitCode.NOT_JUDGED)
    finally:
        place.write_bytes(before)
    assert judged.kinds == kinds


def test_another_system_than_was_audited_is_not_asked(judged: Sides) -> None:
    kinds, service = judged.kinds, judged.regulator / "service.toml"
    text = service.read_text(encoding="utf-8").replace('system = "Screener"', 'system = "Unrelated"')
    (judged.regulator / "unrelated.toml").write_text(text, encoding="utf-8")
    asked = ("repeat", "audit-out/restricted/challenge.secret", "out", "--plan", "unrelated.toml", "--sandbox", "none")
    assert "is of another system" in judged.regulate(*asked, code=ExitCode.USAGE)
    assert judged.kinds == kinds


def test_only_a_blind_audit_of_the_same_set_is_repeated(judged: Sides) -> None:
    result = load_result(judged.regulator / "out" / "result.json")
    nothing = result.model_copy(update={"further": result.further.model_copy(update={"sensitivity": ()})})
    with pytest.raises(EvidenceError, match="no verdict"):
        choose_repeats(nothing, judged.regulator / "audit-out/restricted/challenge.secret", random.Random(0))
