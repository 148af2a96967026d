"""Attacks on a blind audit, by the vendor and by the regulator: each is stopped, or what is said stays true."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from made.blind import Sides, flagged, two_sides, write_cases, write_model, write_production
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeClassifier
from statsmodels.stats.proportion import proportion_confint
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.outputs.signer import now
from audit.errors import ArgumentError, EvidenceError, ExitCode
from audit.evidence.blind.challenge import read_challenge, read_table, table_bytes
from audit.evidence.blind.checks import Checked, check_answers
from audit.evidence.blind.labels import LabelOpening, label_root, open_label
from audit.evidence.blind.ledger import Ledger
from audit.evidence.blind.regulator import opening_of, take_answers, with_attempts
from audit.evidence.blind.terms import ROWS, Terms
from audit.evidence.blind.vendor import Answered, Artefact, give_answers, open_challenge, system_in, vendor_plan
from audit.evidence.history import Kind, read_history
from audit.evidence.history_file import HistoryFile, open_history
from audit.evidence.keys import load_signer
from audit.evidence.registration import QUESTION
from audit.evidence.seal import question_digest
from audit.evidence.shown import State
from audit.evidence.statement import System, sha256
from audit.plan.file.plan_file import read_plan_file
from audit.run import run_audit
from audit.stages import Scope
from audit.storage import new_folders

LATER = "2030-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """A challenge that waits for its answers, with decisions from production, and the same chances at every run."""
    sides = two_sides(tmp_path_factory.mktemp("asked"))
    write_production(sides.regulator)
    sides.commit()
    with pytest.MonkeyPatch.context() as patch:
        same = SimpleNamespace(token_bytes=lambda size: bytes(range(size)))  # of its key alone: salts stay secrets
        patch.setattr("audit.evidence.blind.regulator.secrets", same)
        sides.challenge("--log-rows", "production.csv")
    return sides


@pytest.fixture(scope="module")
def _challenged(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    sides = two_sides(tmp_path_factory.mktemp("challenged"))
    sides.commit()
    sides.challenge("--twins", "10")
    return sides


@pytest.fixture
def challenged(_challenged: Sides, tmp_path: Path) -> Sides:
    """A challenge that waits for its answers, with folders of its own for each test."""
    return _challenged.copied_to(tmp_path)


@pytest.fixture(scope="module")
def _answered(_challenged: Sides, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    sides = _challenged.copied_to(tmp_path_factory.mktemp("answered"))
    sides.answer()
    return sides


@pytest.fixture
def answered(_answered: Sides, tmp_path: Path) -> Sides:
    """A challenge with the vendor's answers, not judged yet."""
    return _answered.copied_to(tmp_path)


def decisions(cases: pa.Table, decide: Callable[[dict[str, int]], bool] = flagged) -> list[str]:
    """What a model says of the cases of a challenge."""
    return ["flagged" if decide(row) else "not flagged" for row in cases.to_pylist()]


def checked(asked: Sides, words: list[str], *, deterministic: bool = True, **changes: Any) -> Checked:
    """Check answers to the challenge, whose terms may differ."""
    folder = asked.regulator / "audit-out/restricted/challenge.secret"
    terms, cases = read_challenge(asked.regulator / "challenge")
    rows, _ = read_table(folder / ROWS)
    answers = pa.table({"cid": cases["cid"], "decision": words})
    return check_answers(terms.model_copy(update=changes), cases, rows, answers, deterministic)


def state(found: Checked, code: str) -> State:
    return next(each.state for each in found.shown if each.code == code)


def taken(sides: Sides, received: str = "") -> Checked:
    """Take what the vendor sent, which came now."""
    with open_history(sides.regulator / "h.a7h") as file:
        return take_answers(
            file,
            sides.regulator / "audit-out/restricted/challenge.secret",
            sides.regulator / "answers",
            received or now(),
        )[0]


@pytest.mark.parametrize("share", [0.001, 0.005, 0.01, 0.05])
def test_answers_edited_by_hand_row_by_row_contradict_themselves(asked: Sides, share: float) -> None:
    _, cases = read_challenge(asked.regulator / "challenge")
    words = decisions(cases)
    rows = read_table(asked.regulator / "audit-out/restricted/challenge.secret" / ROWS)[0].to_pylist()
    same = sorted((row["kind"], row["id"], place) for place, row in enumerate(rows))  # whatever the random ids are
    for _, _, place in random.Random(share).sample(same, max(2, round(share * len(words)))):
        words[place] = "flagged" if words[place] == "not flagged" else "not flagged"
    found = checked(asked, words)
    assert not found.holds
    assert state(found, "contradictions") is State.CONTRADICTED


def test_a_model_that_is_not_deterministic_may_contradict_itself_within_the_limit_and_not_beyond(asked: Sides) -> None:
    _, cases = read_challenge(asked.regulator / "challenge")

    def edited(share: float) -> list[str]:
        words = decisions(cases)
        for place in random.Random(1).sample(range(len(words)), round(share * len(words))):
            words[place] = "flagged" if words[place] == "not flagged" else "not flagged"
        return words

    assert checked(asked, edited(0.005), deterministic=False, contradictions=0.02).holds
    assert not checked(asked, edited(0.06), deterministic=False, contradictions=0.02).holds


def test_another_threshold_is_no_contradiction_and_never_shown_to_be_the_deployed_model(
    asked: Sides,
) -> None:
    _, cases = read_challenge(asked.regulator / "challenge")
    found = checked(asked, decisions(cases, lambda row: flagged(row, 52)))
    assert found.holds
    assert state(found, "contradictions") is State.HOLDS
    assert (found.deployed, state(found, "deployed")) == ("not_shown", State.NOT_SHOWN)
    assert checked(asked, decisions(cases)).deployed == "supported"


@pytest.mark.parametrize(
    ("rows", "otherwise", "limit", "alike", "deployed"),
    [
        (1, 0, 0.01, False, "too_few"),
        (58, 0, 0.01, False, "too_few"),  # 0.95^58 = 0.051
        (59, 0, 0.01, False, "supported"),  # 0.95^59 = 0.048
        (92, 1, 0.01, False, "too_few"),
        (93, 1, 0.01, False, "supported"),
        (200, 0, 0.01, True, "too_few"),
        (28, 0, 0.1, False, "too_few"),
        (29, 0, 0.1, False, "supported"),
        (200, 8, 0.01, False, "not_shown"),
    ],
)  # fmt: skip
def test_enough_decisions_of_both_kinds_support_that_the_system_at_work_answers_so(
    rows: int, otherwise: int, limit: float, alike: bool, deployed: str
) -> None:
    """Against the exact bound of statsmodels."""
    was = [alike or place % 2 == 0 for place in range(rows)]
    words = ["flagged" if one == (place >= otherwise) else "not flagged" for place, one in enumerate(was)]
    cids = [f"{place:024x}" for place in range(rows)]
    cases = pa.table({"cid": cids, "age": list(range(rows))})
    terms = Terms(
        system=System(owner="An agency", name="Screener"), commitment_entry=0, features=("age",), rows=rows,
        sha256="0" * 64, labels="0" * 64, deadline=LATER, attempt=1, attempts=1, contradictions=limit,
    )  # fmt: skip
    answers = pa.table({"cid": cids, "decision": words})
    found = check_answers(terms, cases, pa.table({"logged": was}), answers, deterministic=False)
    assert (found.deployed, found.production, found.differ) == (deployed, rows, otherwise)
    assert state(found, "deployed") is (State.HOLDS if deployed == "supported" else State.NOT_SHOWN)
    high = proportion_confint(otherwise, rows, alpha=0.1, method="beta")[1]
    assert (high <= max(limit, 0.05) and not alike) == (deployed == "supported")


def test_without_decisions_from_production_it_is_the_vendors_word(answered: Sides) -> None:
    found = taken(answered)
    assert (found.holds, found.deployed, state(found, "deployed")) == (True, "declared", State.CLAIMED)


def test_which_rows_are_twins_or_of_production_cannot_be_told_from_what_the_vendor_sees(asked: Sides) -> None:
    _, cases = read_challenge(asked.regulator / "challenge")
    rows, _ = read_table(asked.regulator / "audit-out/restricted/challenge.secret" / ROWS)
    seen = np.column_stack([
        np.arange(cases.num_rows),
        [int(cid[:8], 16) for cid in cases["cid"].to_pylist()],
        *(cases[name].to_numpy() for name in ("age", "hours", "debt")),
    ])  # fmt: skip
    for kind in ("twin", "production"):
        truth = np.array([one == kind for one in rows["kind"].to_pylist()])
        forest = RandomForestClassifier(30, min_samples_leaf=20, random_state=0)
        guessed = cross_val_predict(forest, seen, truth, cv=5, method="predict_proba")[:, 1]
        # noise alone gives 0.48, by 0.03 up or down: where a part left out has more of a kind, the others have fewer
        assert roc_auc_score(truth, guessed) < 0.58, kind


def test_neither_place_nor_id_says_anything_of_a_label(asked: Sides) -> None:
    rows, _ = read_table(asked.regulator / "audit-out/restricted/challenge.secret" / ROWS)
    labels = np.array([{"1": 1.0, "0": 0.0}.get(label, np.nan) for label in rows["label"].to_pylist()])
    known = ~np.isnan(labels)
    assert abs(np.corrcoef(np.arange(len(labels))[known], labels[known])[0, 1]) < 0.08  # 3 of 1 / sqrt(1,700)


def test_no_withheld_value_is_in_a_byte_of_what_travels(asked: Sides) -> None:
    secret = asked.secret.key
    for file in (asked.regulator / "challenge").iterdir():
        content = file.read_bytes()
        assert b"CANARY" not in content
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content
    given = pq.read_table(asked.regulator / "challenge" / "challenge.parquet")  # its bytes are packed
    assert given.schema.metadata is None
    assert "CANARY" not in str(given.to_pylist())
    assert sorted(file.name for file in (asked.regulator / "challenge").iterdir()) == [
        "challenge.json", "challenge.parquet", "history.a7h",
    ]  # fmt: skip


def test_a_gender_goes_only_if_the_plan_names_it_and_the_vendor_declared_it(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    sides.commit()
    plan = sides.regulator / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace('"debt"]', '"debt", "gender"]'), encoding="utf-8")
    said = sides.regulate("challenge", "plan.toml", code=ExitCode.NOT_JUDGED)
    assert "did not declare that its model is given gender" in said
    assert not (sides.regulator / "challenge").exists()
    plan.write_text(text.replace('"debt"]', '"debt", "label"]'), encoding="utf-8")
    assert "the vendor would learn it" in sides.regulate("challenge", "plan.toml", code=ExitCode.NOT_JUDGED)


@pytest.mark.parametrize("change", ["drop five", "double three", "another word", "another column", "no Parquet"])
def test_answers_that_are_not_one_decision_for_each_case_are_refused(answered: Sides, change: str) -> None:
    place = answered.regulator / "answers" / "answers.parquet"
    answers = pq.read_table(place)
    if change == "drop five":
        answers = answers.slice(5)
    elif change == "double three":
        answers = pa.concat_tables([answers, answers.slice(0, 3)])
    elif change == "another word":
        words = [float("nan"), *[1.0] * (answers.num_rows - 1)]
        answers = answers.set_column(1, "decision", pa.array(words))
    elif change == "another column":
        answers = answers.append_column("score", pa.array([0.5] * answers.num_rows))
    place.write_bytes(b"no table" if change == "no Parquet" else table_bytes(answers))
    if change == "no Parquet":
        with pytest.raises(EvidenceError, match="cannot be read as Parquet"):
            taken(answered)
        return
    found = taken(answered)
    assert not found.holds
    # and whoever changes them on the way cannot sign them
    assert state(found, "signature") is State.CONTRADICTED


def test_a_vendor_that_answers_only_where_it_flags_gains_nothing(tmp_path: Path) -> None:
    """Women are missed more often: as a case without a decision counts at its worst, to abstain there is no pass."""
    sides = two_sides(tmp_path)
    write_cases(sides.regulator, fewer_hours=4)
    for module in sides.vendor.glob("model_*.py"):
        module.write_text(
            module.read_text(encoding="utf-8").replace(" for hours", " or None for hours"), encoding="utf-8"
        )
    sides.commit()
    sides.challenge("--twins", "10")
    sides.answer()
    with open_history(sides.regulator / "h.a7h") as file:
        folder = sides.regulator / "audit-out/restricted/challenge.secret"
        found, _, loaded = take_answers(file, folder, sides.regulator / "answers", now())
    assert found.holds
    result = run_audit(loaded, crosscheck=False, scope=Scope.RECORDS)
    assert result.overall.outcome == "inconclusive"


def test_refused_is_no_fail_and_ends_the_registration(answered: Sides) -> None:
    place = answered.regulator / "answers" / "answers.parquet"
    place.write_bytes(table_bytes(pq.read_table(place).slice(5)))
    said = answered.judge(code=ExitCode.NOT_JUDGED)
    assert "5 cases without an answer" in said
    assert "That is no FAIL" in said
    assert answered.kinds[-2:] == ["refused", "withdrawn"]
    assert not (answered.regulator / "audit-out" / "result.json").exists()
    assert not (answered.regulator / "audit-out" / "public").exists()
    assert "judged before" in answered.judge(code=ExitCode.NOT_JUDGED)


def test_a_challenge_that_was_withdrawn_is_not_judged_and_nobody_is_accused(challenged: Sides) -> None:
    sides = challenged
    cid = read_challenge(sides.vendor / "challenge")[1]["cid"][7].as_py()
    hint = sides.regulate("open", "audit-out/restricted/challenge.secret", "--case", cid, code=ExitCode.NOT_JUDGED)
    (line,) = re.findall(r"audit7k (history HISTORY --withdraw 1 --key FILE)", " ".join(hint.split()))
    places = {"HISTORY": str(sides.regulator / "h.a7h"), "FILE": str(sides.regulator / "regulator.key")}
    assert CliRunner().invoke(app, [places.get(word, word) for word in line.split()]).exit_code == 0
    sides.regulate("open", "audit-out/restricted/challenge.secret", "--case", cid)
    shutil.copy(sides.regulator / "h.a7h", sides.vendor / "challenge" / "history.a7h")
    sides.answer()
    said = sides.judge(code=ExitCode.NOT_JUDGED)
    assert "was withdrawn" in said
    assert "another model" not in said
    assert sides.kinds == ["committed", "registered", "challenged", "withdrawn", "label_opened"]
    assert not (sides.regulator / "audit-out" / "result.json").exists()


def test_an_answer_is_the_vendors_entry_whatever_else_refers_to_the_challenge(challenged: Sides) -> None:
    sides = challenged
    signer = load_signer(sides.regulator / "regulator.key", lambda: b"")
    with open_history(sides.regulator / "h.a7h") as file:
        file.append(signer, "label_opened", LATER, file.history.entries[0].system, answers=2, statement="0" * 64)
    shutil.copy(sides.regulator / "h.a7h", sides.vendor / "challenge" / "history.a7h")
    sides.answer()
    assert taken(sides).holds


def test_late_answers_are_refused_by_the_regulators_clock(answered: Sides) -> None:
    found = taken(answered, LATER)
    assert not found.holds
    assert state(found, "deadline") is State.CONTRADICTED


def test_a_vendor_that_dates_its_answers_after_the_deadline_or_before_the_question_is_late(
    challenged: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, at in enumerate((LATER, "2020-01-01T00:00:00Z")):
        sides = challenged.copied_to(tmp_path / str(number))
        with monkeypatch.context() as patch:
            patch.setattr("audit.cli.commands.blind_commands.now", lambda at=at: at)
            sides.answer()
        assert state(taken(sides), "deadline") is State.CONTRADICTED


def test_a_model_tuned_on_the_challenge_is_not_the_one_committed_to(asked: Sides) -> None:
    write_model(asked, "tuned.toml", 50)
    said = asked.vend(
        *("answer", "challenge", "--plan", "tuned.toml", "--out", "tuned", "--sandbox", "none"),
        code=ExitCode.NOT_JUDGED,
    )
    assert "not the model" in said


@pytest.mark.parametrize(
    ("sandbox", "reads"),
    [("none", "int(open({!r}).read())"), ("auto", "54 if __import__('os').stat({!r}).st_size else 40")],
    ids=["it reads a file", "it is kept in, and sees how large a file is"],
)
def test_a_model_that_reads_what_no_commitment_covers_is_only_claimed(tmp_path: Path, sandbox: str, reads: str) -> None:
    """Weights in a file of its own, exchanged after the commitment: the module is the same, the answers are not."""
    sides = two_sides(tmp_path)
    module = next(sides.vendor.glob("model_*.py"))
    read = f"THRESHOLD = {reads.format(str(sides.vendor / 'weights'))}\n"
    module.write_text(read + module.read_text("utf-8").replace("54", "THRESHOLD"), encoding="utf-8")
    (sides.vendor / "weights").write_text("54", encoding="utf-8")
    said = sides.vend("commit", "vendor.toml", "--sandbox", sandbox, "--deterministic")
    assert "can depend on more than is committed to" in said
    shutil.copy(sides.vendor / "h.a7h", sides.regulator / "h.a7h")
    sides.challenge()
    (sides.vendor / "weights").write_text("40" if sandbox == "none" else "", encoding="utf-8")
    sides.answer()
    found = taken(sides)
    assert found.holds
    assert state(found, "commitment") is State.CLAIMED
    assert state(found, "signature") is State.HOLDS


def test_a_model_whose_file_is_all_that_it_reads_is_the_one_committed_to(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    table = pq.read_table(sides.regulator / "set.parquet").select(["age", "hours", "debt"]).to_pylist()
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    tree.fit([list(row.values()) for row in table], [int(flagged(row)) for row in table])
    skops.io.dump(tree, sides.vendor / "tree.skops")
    plan = (sides.vendor / "vendor.toml").read_text("utf-8").partition("[detector]")[0]
    section = 'kind = "skops"\npath = "tree.skops"\nfeatures = ["age", "hours", "debt"]\nthreshold = 0.5\n'
    (sides.vendor / "vendor.toml").write_text(f"{plan}[detector]\n{section}", encoding="utf-8")
    said = sides.vend("commit", "vendor.toml", "--sandbox", "none", "--deterministic")
    assert "can depend on more" not in said
    shutil.copy(sides.vendor / "h.a7h", sides.regulator / "h.a7h")
    sides.challenge()
    sides.answer()
    assert state(taken(sides), "commitment") is State.HOLDS


def test_a_program_that_an_earlier_version_took_for_whole_is_committed_to_anew(challenged: Sides) -> None:
    """A version that took what is kept in for whole could not know what it sees of files that nobody committed to."""
    loaded = vendor_plan(challenged.vendor / "vendor.toml")
    signer = load_signer(challenged.vendor / "vendor.key", lambda: b"")
    with open_history(challenged.vendor / "h.a7h") as file:
        terms, cases = open_challenge(file, challenged.vendor / "challenge")
        first = file.history.entries[terms.commitment_entry]
        assert first.model is not None
        model = first.model.model_copy(update={"is_whole": True})
        entries = (first.model_copy(update={"model": model}), *file.history.entries[1:])
        file.history = replace(file.history, entries=entries)
        answers = pa.table({"cid": cases["cid"], "decision": decisions(cases)})
        made = Answered(answers, Artefact("0" * 64, is_whole=False))
        with pytest.raises(EvidenceError, match="depend on nothing else"):
            give_answers(file, signer, LATER, loaded, terms, made, challenged.vendor / "answers")
    assert not (challenged.vendor / "answers").exists()


def test_another_model_or_key_in_the_entry_is_refused(answered: Sides) -> None:
    """What a vendor with a changed program could write: the entry names another model, or another key signs it."""
    sides = answered
    given = sides.regulator / "answers" / "history.a7h"
    whole = given.read_bytes()
    before = b"".join(whole.splitlines(keepends=True)[:-1])
    honest = read_history(whole, "h").entries[-1]
    vendor = load_signer(sides.vendor / "vendor.key", lambda: b"")
    other = load_signer(sides.regulator / "regulator.key", lambda: b"")
    own = (sides.regulator / "h.a7h").read_bytes()
    openings = (sides.regulator / "h.a7h.openings").read_bytes()
    for signer, commitments, code in ((vendor, {"detector": "a" * 64}, "commitment"), (other, None, "signature")):
        history = read_history(before, "h")
        made = history.with_entry(
            signer, "answered", honest.at, honest.system, answers=honest.answers, statement=honest.statement,
            commitments=commitments or honest.commitments,
        )  # fmt: skip
        given.write_bytes(made.content)
        found = taken(sides)
        assert not found.holds
        assert state(found, code) is State.CONTRADICTED
        (sides.regulator / "h.a7h").write_bytes(own)
        (sides.regulator / "h.a7h.openings").write_bytes(openings)


@pytest.mark.parametrize("kind", ["withdrawn", "registered", "started"])
def test_a_vendor_adds_no_step_to_the_history_that_is_not_its_own(answered: Sides, kind: Kind) -> None:
    """It could withdraw what was registered, or write down an audit that passes."""
    given, before = answered.regulator / "answers" / "history.a7h", answered.history
    vendor = load_signer(answered.vendor / "vendor.key", lambda: b"")
    sent = read_history(given.read_bytes(), "h")
    answers = answered.secret.registration_entry if kind == "withdrawn" else None
    given.write_bytes(sent.with_entry(vendor, kind, LATER, sent.entries[0].system, answers=answers).content)
    with pytest.raises(EvidenceError, match=f'adds entry 4, "{kind}"'):
        taken(answered)
    assert answered.history == before


def test_answers_to_another_challenge_or_history_are_refused(answered: Sides, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    other = two_sides(tmp_path / "more")
    other.commit()
    (answered.regulator / "answers" / "history.a7h").write_bytes((other.vendor / "h.a7h").read_bytes())
    with pytest.raises(EvidenceError, match="another history"):
        taken(answered)


def test_a_sample_with_expected_answers_says_whether_they_came_out(answered: Sides) -> None:
    (answered.vendor / "challenge" / "answers.parquet").write_bytes(
        (answered.vendor / "answers" / "answers.parquet").read_bytes()
    )
    tried = ("rehearse", "challenge", "--sandbox", "none", "--plan")
    assert "0  otherwise than the sample expects" in answered.see(*tried, "vendor.toml")
    write_model(answered, "other.toml", 60)
    said = answered.see(*tried, "other.toml", code=ExitCode.INCONCLUSIVE)
    assert re.search(r"[1-9]\d*  otherwise than the sample expects", said)


def test_a_small_file_of_answers_that_unpacks_to_much_is_refused_unread(answered: Sides) -> None:
    place = answered.regulator / "answers" / "answers.parquet"
    words = pa.table({"cid": ["x" * 20_000_000], "decision": ["flagged"]})
    place.write_bytes(table_bytes(words))
    assert place.stat().st_size < 40_000
    with pytest.raises(EvidenceError, match="of that size"):
        taken(answered)


def test_a_challenge_is_answered_once_and_a_refusal_leaves_nothing(answered: Sides) -> None:
    again = ("answer", "challenge", "--plan", "vendor.toml", "--out", "again", "--sandbox", "none")
    assert "answered before" in answered.vend(*again, code=ExitCode.NOT_JUDGED)
    assert not [path.name for path in answered.vendor.iterdir() if "again" in path.name]


def test_answers_that_a_vendor_made_elsewhere_come_in_a_file(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    plan = sides.vendor / "vendor.toml"
    head = plan.read_text(encoding="utf-8").partition("[detector]")[0]
    plan.write_text(f'{head}[detector]\nkind = "predictions"\npath = "own.csv"\ndecision = "said"\n', encoding="utf-8")
    sides.commit()
    sides.challenge("--twins", "10")
    _, cases = read_challenge(sides.vendor / "challenge")
    lines = [f"{row['cid']},{int(flagged(row))}" for row in cases.to_pylist()]
    (sides.vendor / "own.csv").write_text("\n".join(["cid,said", *lines]) + "\n", encoding="utf-8")
    sides.answer()
    found = taken(sides)
    assert found.holds


def test_every_label_can_be_opened_and_a_wrong_one_fails(answered: Sides) -> None:
    folder = answered.regulator / "audit-out/restricted/challenge.secret"
    terms, cases = read_challenge(answered.vendor / "challenge")
    rows, _ = read_table(folder / ROWS)
    real = dict(zip(rows["cid"].to_pylist(), rows["label"].to_pylist(), strict=True))
    for cid in cases["cid"].to_pylist()[::137]:
        opened = opening_of(folder, cid)
        assert (opened.root, opened.label) == (terms.labels, real[cid])
        wrong = opened.model_copy(update={"label": "0" if opened.label == "1" else "1"})
        assert wrong.root != terms.labels
        assert opened.model_copy(update={"place": opened.place + 1}).root != terms.labels
        assert opened.model_copy(update={"path": opened.path[1:]}).root != terms.labels


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 13])
def test_a_tree_of_any_size_opens_every_leaf(rows: int) -> None:
    cids = [f"{place:024x}" for place in range(rows)]
    labels: list[Any] = ["1" if place % 3 else "" for place in range(rows)]
    root = label_root(b"k" * 32, cids, labels)
    for cid in cids:
        opened = open_label(b"k" * 32, cids, labels, cid)
        assert LabelOpening.model_validate_json(opened.model_dump_json()).root == root


def test_both_sides_open_a_label_by_command(answered: Sides) -> None:
    cid = read_challenge(answered.vendor / "challenge")[1]["cid"][7].as_py()
    said = answered.regulate("open", "audit-out/restricted/challenge.secret", "--case", cid, code=ExitCode.NOT_JUDGED)
    assert "is not over" in said
    assert answered.kinds[-1] == "challenged"
    answered.judge()
    made = answered.regulate("open", "audit-out/restricted/challenge.secret", "--case", cid)
    last = answered.history.entries[-1]
    assert (last.kind, last.answers) == ("label_opened", answered.secret.challenge_entry)
    assert last.statement == sha256(made.encode())
    (answered.vendor / "opened.json").write_text(made, encoding="utf-8")
    assert "as was fixed" in answered.see("open", "opened.json", "--challenge", "challenge")
    document = json.loads(made)
    word = "no exploitation" if document["label"] == "0" else "exploitation"
    assert f": {word}, as" in answered.see("open", "opened.json", "--challenge", "challenge")
    (answered.vendor / "opened.json").write_text(
        json.dumps({**document, "label": "0" if document["label"] == "1" else "1"}), encoding="utf-8"
    )
    other = "exploitation" if document["label"] == "0" else "no exploitation"
    assert f": {other}, NOT as" in answered.see(
        "open", "opened.json", "--challenge", "challenge", code=ExitCode.NOT_VERIFIED
    )


def test_a_regulator_that_changes_labels_afterwards_is_told_so(answered: Sides) -> None:
    place = answered.regulator / "set.parquet"
    table = pq.read_table(place)
    labels = table["label"].to_pylist()
    labels[3] = 1 - labels[3]
    pq.write_table(table.set_column(1, "label", pa.array(labels)), place)
    with pytest.raises(EvidenceError, match="labels are not those that were registered"):
        taken(answered)


def test_a_case_is_asked_once_and_it_is_said_of_how_many_a_memory_of_old_ones_knows_the_cells(answered: Sides) -> None:
    def cells() -> list[tuple[int, ...]]:
        columns = pq.read_table(answered.regulator / "set.parquet").select(["age", "hours", "debt"])
        return list(zip(*columns.to_pydict().values(), strict=True))

    known = set(cells())
    kept = answered.regulator / "h.a7h.used"
    assert kept.stat().st_mode & 0o777 == 0o600
    text = kept.read_text(encoding="utf-8")
    for row in pq.read_table(answered.regulator / "set.parquet").select(["age", "hours", "debt"]).to_pylist():
        assert sha256((json.loads(text)["salt"] + json.dumps(row)).encode()) not in text  # whoever has it alone
    said = answered.regulate("challenge", "plan.toml", "--out", "again", code=ExitCode.NOT_JUDGED)
    assert "1,500 cases of the set were asked in an earlier challenge" in said
    write_cases(answered.regulator, start=1_499)
    assert "1 case of the set was asked" in answered.regulate(
        "challenge", "plan.toml", "--out", "again", code=ExitCode.NOT_JUDGED
    )
    write_cases(answered.regulator, start=1_500)
    twins = said_alike(answered.regulate("challenge", "plan.toml", "--out", "again"))
    assert 0 < twins == sum(each in known for each in cells()) < 1_400  # others of the same age, hours and debt
    table = pq.read_table(answered.regulator / "set.parquet")
    other = pa.array([f"new-{place}" for place in range(table.num_rows)])
    pq.write_table(table.set_column(0, "case", other), answered.regulator / "set.parquet")
    assert said_alike(answered.regulate("challenge", "plan.toml", "--out", "renamed")) == table.num_rows


def test_a_ledger_counts_what_was_asked_and_an_older_one_all_that_it_holds(answered: Sides) -> None:
    path, place = answered.regulator / "h.a7h", answered.secret.registration_entry
    file = HistoryFile(path)
    ledger, opened = Ledger(file), file.opened({"labels": "0" * 64}, None)["labels"]
    first = len(ledger.digests)
    ledger.add(file.history.head.index, ["broken off"], ["cells"], opened)
    assert Ledger(file).used(["broken off", "CANARY-0"]) == ["CANARY-0"]
    signer = load_signer(answered.regulator / "regulator.key", lambda: b"")
    system = file.history.entries[0].system
    at = file.append(signer, "registered", LATER, system).index  # and broken off here
    assert len(Ledger(file).digests) == first
    file.append(signer, "challenged", LATER, system, answers=at, statement="0" * 64)
    assert Ledger(file).used(["broken off"]) == ["broken off"]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:place]))  # an older copy was put back
    assert Ledger(HistoryFile(path)).used(["broken off"]) == ["broken off"]
    old = {"salt": "s", "used": [sha256(b"sCANARY-7")]}
    (answered.regulator / "h.a7h.used").write_text(json.dumps(old), encoding="utf-8")
    ledger = Ledger(HistoryFile(path))
    assert (ledger.used(["CANARY-7", "CANARY-8"]), ledger.count_alike(["cells"])) == (["CANARY-7"], 0)


def said_alike(said: str) -> int:
    """How many cases a challenge says are like earlier ones."""
    (found,) = re.findall(r"^([0-9,]+) of them have the cells of a case that was asked before", said, re.MULTILINE)
    return int(found.replace(",", ""))


def test_nobody_asks_before_a_model_is_committed_to(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    assert "names no model" in sides.regulate("challenge", "plan.toml", code=ExitCode.NOT_JUDGED)


def test_a_model_not_declared_deterministic_needs_a_registered_limit(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    sides.commit("--sandbox", "none")
    assert "contradictions = 0.01" in sides.regulate("challenge", "plan.toml", code=ExitCode.NOT_JUDGED)


def test_more_attempts_than_alpha_has_parts_for_are_refused(asked: Sides) -> None:
    loaded = read_plan_file(asked.regulator / "plan.toml")
    assert with_attempts(loaded, 5).plan.verdict.alpha == pytest.approx(0.01)
    assert with_attempts(loaded, 10).plan.verdict.alpha == pytest.approx(0.005)
    with pytest.raises(ArgumentError, match="11 attempts"):
        with_attempts(loaded, 11)


def test_a_second_challenge_of_the_same_name_leaves_the_running_one_as_it_is(answered: Sides) -> None:
    folders = [answered.regulator / "challenge", answered.regulator / "audit-out/restricted/challenge.secret"]

    def there() -> dict[Path, bytes]:
        return {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}

    before, kinds = there(), answered.kinds
    write_cases(answered.regulator, start=9_000)  # cases that were not asked
    for name in ("challenge", "audit-out/restricted/challenge.secret"):
        assert f"{name} is there already" in answered.regulate("challenge", "plan.toml", code=ExitCode.USAGE)
        assert (there(), answered.kinds) == (before, kinds)
        if name == "challenge":  # it was sent, and moved away
            shutil.rmtree(folders[0])
            before = there()
    write_cases(answered.regulator)
    assert taken(answered).holds


def test_nothing_is_spent_where_what_is_made_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that writes an entry looks first at where its files go: no case and no attempt is lost."""
    sides = two_sides(tmp_path)
    nowhere = ("--out", "nowhere/files")
    (sides.vendor / "nowhere.a7h").mkdir()
    lost = ["commit", "vendor.toml", "--sandbox", "none", "--key", "vendor.key", "--history"]
    for history, code in (("nowhere/h.a7h", ExitCode.STORAGE_FAILED), ("nowhere.a7h", ExitCode.USAGE)):
        sides.see(*lost, history, code=code)
    sides.commit()
    sides.regulate("challenge", "plan.toml", *nowhere, code=ExitCode.STORAGE_FAILED)
    assert sides.kinds == ["committed"]
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(ArgumentError, match="is there already"), new_folders(Path()):
        pass  # a secret would lie in it
    for out in (".", "/"):
        assert "is there already" in sides.regulate("challenge", "plan.toml", "--out", out, code=ExitCode.USAGE)
    assert not (sides.regulator / "h.a7h.used").exists()
    in_the_way = sides.regulator / ".h.a7h.partial"
    in_the_way.mkdir()  # the entry cannot be written
    sides.regulate("challenge", "plan.toml", "--out", "failed", code=ExitCode.STORAGE_FAILED)
    assert (sides.regulator / "h.a7h.used").exists()
    in_the_way.rmdir()
    sides.challenge("--attempts", "2")
    before = (sides.vendor / "h.a7h").read_bytes()
    asked = ("answer", "challenge", "--plan", "vendor.toml", "--sandbox", "none")
    sides.vend(*asked, *nowhere, code=ExitCode.STORAGE_FAILED)
    assert (sides.vendor / "h.a7h").read_bytes() == before
    sides.answer()
    (sides.regulator / "a-file").touch()
    for out in ("a-file", "a-file/out"):
        sides.judge("--out", out, code=ExitCode.STORAGE_FAILED)
        assert sides.kinds == ["committed", "registered", "challenged"]
    sides.judge()
    repeat = ("audit-out", "--plan", "service.toml", "--sandbox", "none")
    (sides.regulator / "service.toml").write_bytes((sides.vendor / "vendor.toml").read_bytes())
    for module in sides.vendor.glob("model_*.py"):
        (sides.regulator / module.name).write_text("def decide(batch):\n    raise SystemExit\n", encoding="utf-8")
    kinds = sides.kinds
    with open_history(sides.regulator / "h.a7h"):  # nobody is asked, whose answers could not be written down
        sides.regulate("repeat", "audit-out/restricted/challenge.secret", *repeat, code=ExitCode.FOLDER_IN_USE)
    assert sides.kinds == kinds


@pytest.mark.parametrize("other", ["not_passed", "refused", "sealed"])
def test_another_audit_of_the_system_is_no_judgement_of_these_answers(answered: Sides, other: Kind) -> None:
    signer = load_signer(answered.regulator / "regulator.key", lambda: b"")
    assert taken(answered).holds
    answer = answered.history.entries[-1]
    system = answer.system
    with open_history(answered.regulator / "h.a7h") as file:
        second = file.append(signer, "registered", LATER, system).index
        if other == "refused":
            asked_too = file.append(signer, "challenged", LATER, system, answers=second, statement="0" * 64).index
            ending = file.append(signer, "answered", LATER, system, answers=asked_too, statement="0" * 64).index
        else:
            ending = file.append(signer, "started", LATER, system, answers=second).index
        more: dict[str, Any] = {"headline": "pass", "statement": "0" * 64} if other == "sealed" else {}
        file.append(signer, other, LATER, system, answers=ending, **more)
    assert taken(answered).holds
    with open_history(answered.regulator / "h.a7h") as file:
        file.append(signer, "refused", LATER, system, answers=answer.index)
    with pytest.raises(EvidenceError, match="judged before"):
        taken(answered)


def test_an_audit_answers_the_registration_of_its_own_challenge(tmp_path: Path) -> None:
    """An earlier one of the same question waits, which an audit that is no blind one would answer."""
    sides = two_sides(tmp_path)
    sides.commit()
    signer = load_signer(sides.regulator / "regulator.key", lambda: b"")
    loaded = read_plan_file(sides.regulator / "plan.toml")
    with open_history(sides.regulator / "h.a7h") as file:
        opened = file.opened({QUESTION: question_digest(loaded.plan)}, None)
        earlier = file.append(signer, "registered", LATER, system_in(loaded.plan.audit), opened).index
    shutil.copy(sides.regulator / "h.a7h", sides.vendor / "h.a7h")
    sides.challenge()
    sides.answer()
    sides.judge()
    (started,) = [entry for entry in sides.history.entries if entry.kind == "started"]
    assert started.answers == sides.secret.registration_entry != earlier
    with pytest.raises(EvidenceError, match="judged before"):
        taken(sides)


@pytest.mark.parametrize(("seconds", "kind"), [(0, "sealed"), (1, "withdrawn")])
def test_the_second_in_which_answers_came_decides_whether_they_are_late_wherever_the_clock_stands(
    answered: Sides, monkeypatch: pytest.MonkeyPatch, seconds: int, kind: str
) -> None:
    deadline = datetime.fromisoformat(read_challenge(answered.regulator / "challenge")[0].deadline)
    came = (deadline + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    with monkeypatch.context() as patch:
        patch.setattr("audit.cli.commands.blind_commands.now", lambda: LATER)
        received = came.strftime("%Y-%m-%dT%H:%M:%S%z")
        said = answered.judge("--received", received, code=ExitCode.NOT_JUDGED if seconds else ExitCode.PASS)
    assert f"received {came.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} by the regulator's" in said
    assert answered.kinds[-1] == kind


def test_answers_cannot_have_come_tomorrow_nor_at_an_hour_of_no_zone(answered: Sides) -> None:
    before = ("2020-01-01T00:00:00Z", "is before the challenge")
    for received, text in ((LATER, "has not come yet"), ("2026-11-29T12:00:00", "--received"), before):
        assert text in answered.judge("--received", received, code=ExitCode.USAGE)
    assert answered.kinds[-1] == "challenged"
