"""An audit that an auditor seals and a regulator makes again, each with the files that travel and no others."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from made.published import FEW, write_set
from made.sealed import signer_in, trusting
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.commands.evidence_commands import run_again
from audit.disclosure.public_files import make_files
from audit.disclosure.publish import made_again, publish
from audit.engines.private_folder import PrivateFolder
from audit.errors import EvidenceError, ExitCode
from audit.evidence.bundle import LOG, RESULT, Bundle, read_bundle
from audit.evidence.commitments import Opening, commitments_of
from audit.evidence.envelope import Envelope
from audit.evidence.history import read_history
from audit.evidence.keys import Signer
from audit.evidence.replay import LEVELS, Run, countersigned, replay
from audit.evidence.shown import Shown, State
from audit.evidence.statement import Evidence, read_statement, sha256, statement_bytes
from audit.evidence.trust import Trust, Trusted, read_trust
from audit.evidence.verification import verify
from audit.public.release import PublicRelease
from audit.run import run_audit

RESTRICTED = "evidence-restricted.a7k"


class Party:
    """Somebody with a folder and a key."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.signer = signer_in(folder, "own.key")

    def does(self, *arguments: str) -> tuple[int, str]:
        """Give a command in the folder; returns exit code and output."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, done.output


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> tuple[Party, Party]:
    """An auditor whose audit is registered, witnessed, run and sealed, and a regulator who got what travels."""
    place = tmp_path_factory.mktemp("parties")
    auditor, regulator = Party(place / "auditor"), Party(place / "regulator")
    write_set(auditor.folder)
    assert auditor.does("register", "plan.toml", "--history", "h.a7h", "--key", "own.key")[0] == 0
    # the regulator signs the head, and keeps a copy
    shutil.copy(auditor.folder / "h.a7h", regulator.folder / "h.a7h")
    assert regulator.does("history", "h.a7h", "--cosign", "own.key")[0] == 0
    shutil.copytree(regulator.folder / "h.a7h.heads", auditor.folder / "h.a7h.heads", dirs_exist_ok=True)
    code, _ = auditor.does("run", "plan.toml", "--history", "h.a7h", "--key", "own.key", "--report", "csv")
    assert code == 1  # the audit fails, and is sealed
    shutil.copy(auditor.folder / "audit-out" / "public" / "evidence.a7k", regulator.folder)
    (regulator.folder / "trust.toml").write_text(
        f'[[signer]]\nrole = "auditor"\nname = "The NGO"\nfingerprint = "{auditor.signer.public.fingerprint}"\n'
        f'[[signer]]\nrole = "regulator"\nname = "We"\nfingerprint = "{regulator.signer.public.fingerprint}"\n'
    )
    return auditor, regulator


@pytest.fixture(scope="module")
def bundle(parties: tuple[Party, Party]) -> Bundle:
    """The restricted bundle with everything that a replay needs."""
    auditor, _ = parties
    assert auditor.does("seal", "audit-out", "--with-rows", "--key", "own.key")[0] == 0
    return read_bundle((auditor.folder / "audit-out" / RESTRICTED).read_bytes(), RESTRICTED)


def test_the_regulator_is_shown_that_question_and_set_were_fixed_before(parties: tuple[Party, Party]) -> None:
    code, shown = parties[1].does("verify", "evidence.a7k", "--trust", "trust.toml", "--history", "h.a7h")
    assert "question and set were fixed before scoring began" in shown
    assert "attempt 1 of this system in this history: this one" in shown
    # the copy that was kept ends before the audit: what came after it is not in it
    assert (code, "the history that you gave ends before this audit" in shown) == (3, True)
    assert parties[1].does("verify", "evidence.a7k", "--trust", "trust.toml")[0] == 0


def test_the_result_and_the_release_say_what_the_history_shows(parties: tuple[Party, Party]) -> None:
    result = json.loads((parties[0].folder / "audit-out" / "result.json").read_text())
    expected = {"attempt": 1, "earlier": [], "registration": "shown", "open_registrations": 0}
    assert result["provenance"]["history"] == expected


def test_a_run_that_failed_while_it_was_scored_stands_in_the_history_as_aborted(
    parties: tuple[Party, Party], tmp_path: Path
) -> None:
    other = Party(tmp_path / "other")
    write_set(other.folder)
    cases = other.folder / "cases.csv"
    wrong = ("run", "plan.toml", "--history", "h.a7h", "--key", "own.key", "--out", "cases.csv/out")
    assert other.does(*wrong)[0] == ExitCode.STORAGE_FAILED
    assert not (other.folder / "h.a7h").exists()  # what nobody could have written down is no attempt
    cases.write_text(cases.read_text().replace(",0.9,", ",no score,", 1))
    assert other.does("run", "plan.toml", "--history", "h.a7h", "--key", "own.key")[0] == 4
    write_set(other.folder)
    assert other.does("run", "plan.toml", "--history", "h.a7h", "--key", "own.key", "--report", "csv")[0] == 1
    lines = other.does("history", "h.a7h")[1].splitlines()
    assert [line.split("  ")[-2].split(" ")[0].rstrip(":") for line in lines] == [
        "started", "aborted", "started", "sealed",
    ]  # fmt: skip
    code, shown = other.does("verify", "audit-out", "--key", other.signer.public.fingerprint)
    assert (code, "attempt 2 of this system in this history: aborted, this one" in shown) == (0, True)


def test_all_levels_come_out_the_same_without_the_key_and_are_countersigned(
    parties: tuple[Party, Party], bundle: Bundle
) -> None:
    _, regulator = parties
    place = regulator.folder / "replayed"
    place.mkdir()
    (place / RESTRICTED).write_bytes(bundle.content)
    levels = ("--level", "public", "--level", "counts")
    code, shown = regulator.does("countersign", f"replayed/{RESTRICTED}", "--key", "own.key", *levels)
    assert code == 0, shown
    code, shown = regulator.does("verify", "replayed", "--trust", "trust.toml")
    assert (code, "made again and found equal (public, counts), says We" in shown) == (0, True)


LINEAR = """
schema = 1
[audit]
title = "Screener"
owner = "We"
use = "moderation"
route = "services"
[detector]
kind = "skops"
path = "m.skops"
features = {features}
threshold = 0.5
[sandbox]
environment = ["OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"]
[evaluation_set]
path = "set.parquet"
id = "id"
label = "label"
label_source = "made up"
[groups.gender]
column = "gender"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.15
"""


def test_scores_that_another_processor_rounds_otherwise_are_not_called_a_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = Party(tmp_path / "auditor")
    rng, names = np.random.default_rng(7), [f"x{number}" for number in range(40)]
    table = pd.DataFrame(rng.normal(size=(600, 40)), columns=names)
    label = (table.sum(axis=1) + rng.normal(size=600) * 3 > 0).astype(int)
    skops.io.dump(LogisticRegression(max_iter=200).fit(table, label), auditor.folder / "m.skops")
    people = pd.DataFrame({"id": [f"c{number}" for number in range(600)], "gender": ["woman", "man"] * 300})
    table.join(people).assign(label=label).to_parquet(auditor.folder / "set.parquet")
    (auditor.folder / "plan.toml").write_text(LINEAR.format(features=json.dumps(names)))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "")
    assert auditor.does("run", "plan.toml", "--no-crosscheck")[0] in (0, 1, 3)
    assert auditor.does("seal", "audit-out", "--with-rows", "--key", "own.key")[0] == 0
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX2 FMA3")
    code, output = auditor.does("replay", f"audit-out/{RESTRICTED}", "--level", "scores")
    if code == 0:
        pytest.skip("this processor rounds alike")
    assert (code, "another processor rounds otherwise" in output) == (3, True), output

    sealed = read_bundle((auditor.folder / "audit-out" / RESTRICTED).read_bytes(), RESTRICTED)
    document = json.loads(sealed.restricted[RESULT])
    document["estimates"][0]["high"] += 0.001
    changed = with_opened(sealed, {RESULT: json.dumps(document).encode()})
    assert levels_of(changed, "scores") == {"scores": State.CONTRADICTED}


KILLED = """
import os, signal, sys
from pathlib import Path
from audit.evidence.bundle import read_bundle
from audit.evidence.replay import replay
def run(*_): os.kill(os.getpid(), signal.SIGKILL)
list(replay(read_bundle(Path(sys.argv[1]).read_bytes(), sys.argv[1]), ("counts",), None, run))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no locks that end with their process")
def test_the_cases_of_a_replay_that_was_killed_go_with_the_next_command(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / RESTRICTED).write_bytes(bundle.content)
    killed = [sys.executable, "-c", KILLED, RESTRICTED]
    subprocess.run(killed, cwd=tmp_path, env={**os.environ, "TMPDIR": str(temporary)}, check=False)
    assert list(temporary.rglob("*.csv"))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with PrivateFolder():
        pass
    assert not list(temporary.iterdir())


def levels_of(found: Bundle, *levels: Any) -> dict[str, State]:
    return {each.code: each.state for each in replay(found, levels or ("public", "counts"), None, run_again)}


def with_opened(bundle: Bundle, changed: dict[str, bytes]) -> Bundle:
    """Change restricted files as somebody who can open commitments anew: the statement no longer matches them."""
    assert bundle.openings is not None
    roles = {RESULT: "result", LOG: "release-log"}
    opened = {roles[name]: Opening(salt="0" * 64, sha256=sha256(content)) for name, content in changed.items()}
    return replace(bundle, restricted={**bundle.restricted, **changed}, openings={**bundle.openings, **opened})


def test_a_count_changed_in_the_result_is_named(bundle: Bundle) -> None:
    text = bundle.restricted[RESULT].decode()
    at = text.index('"counts": [')
    changed = text[:at] + re.sub(r":(\d{3,})", lambda found: f":{int(found[1]) + 1}", text[at:], count=1)
    (found,) = replay(with_opened(bundle, {RESULT: changed.encode()}), ("counts",), None, run_again)
    assert found.state == State.CONTRADICTED
    assert re.search(r"come out otherwise: counts\[\d+\]\.\w+", found.text), found.text


def log_with(bundle: Bundle, change: Callable[[dict[str, Any]], None]) -> bytes:
    head, _, body = bundle.restricted[LOG].partition(b"\n")
    entry = json.loads(body)
    change(entry)
    return head + b"\n" + json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_a_printed_number_that_does_not_follow_is_named(bundle: Bundle) -> None:
    def shift(entry: dict[str, Any]) -> None:
        row = entry["release"]["rows"][0]
        row["people"] += 1

    assert levels_of(with_opened(bundle, {LOG: log_with(bundle, shift)}), "public")["public"] == State.CONTRADICTED


def test_a_draw_far_from_the_exact_number_is_named(bundle: Bundle) -> None:
    def forge(entry: dict[str, Any]) -> None:
        draw = entry["sides"]["positives"]["draws"]["everyone"][-1]
        row = next(row for row in entry["release"]["rows"] if row["side"] == "positives" and not row["parts"])
        draw[0] = row["people"] = draw[0] + 40

    (shown,) = replay(with_opened(bundle, {LOG: log_with(bundle, forge)}), ("public",), None, run_again)
    assert shown.state == State.CONTRADICTED
    assert "draws" in shown.text


def test_the_smallest_number_that_is_printed_is_no_draw_of_a_large_one(bundle: Bundle) -> None:
    least = PublicRelease.model_validate_json(bundle.public["release.json"]).method.row

    def forge(entry: dict[str, Any]) -> None:
        draw = entry["sides"]["positives"]["draws"]["everyone"][-1]
        row = next(row for row in entry["release"]["rows"] if row["side"] == "positives" and not row["parts"])
        draw[0] = row["people"] = least

    (shown,) = replay(with_opened(bundle, {LOG: log_with(bundle, forge)}), ("public",), None, run_again)
    assert "draws" in shown.text


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Party, Bundle]:
    """An audit of so few cases that nothing is shown of them, which no other library was asked about."""
    auditor = Party(tmp_path_factory.mktemp("silent") / "auditor")
    write_set(auditor.folder, counts={("woman", "north"): (3, 1), ("man", "south"): (3, 3)})
    lines = (auditor.folder / "cases.csv").read_text().splitlines()
    few = [line for line in lines if "-o" not in line or "-o0," in line]
    (auditor.folder / "cases.csv").write_text("\n".join(few) + "\n")
    assert auditor.does("run", "plan.toml", "--no-crosscheck", "--report", "csv")[0] == 3
    assert auditor.does("seal", "audit-out", "--with-rows", "--key", "own.key")[0] == 0
    found = read_bundle((auditor.folder / "audit-out" / RESTRICTED).read_bytes(), RESTRICTED)
    assert LOG not in found.restricted
    return auditor, found


def test_an_audit_that_shows_nothing_and_asked_nobody_comes_out_the_same(silent: tuple[Party, Bundle]) -> None:
    assert levels_of(silent[1]) == {"public": State.HOLDS, "counts": State.HOLDS}


def test_a_verdict_that_does_not_follow_is_named_where_nothing_else_is_shown(silent: tuple[Party, Bundle]) -> None:
    auditor, bundle = silent
    release = PublicRelease.model_validate_json(bundle.public["release.json"])
    forged = release.model_copy(update={"headline": release.headline.model_copy(update={"outcome": "pass"})})
    made = make_files(forged)
    false = replace(bundle, public={name: made[name] for name in bundle.public})
    assert levels_of(false, "public") == {"public": State.CONTRADICTED}
    _, evidence = read_statement(bundle.statement, Evidence, "statement")
    subjects = {f"public/{name}": sha256(content) for name, content in false.public.items()}
    statement = statement_bytes(subjects, evidence.model_copy(update={"headline": "pass"}))
    false = replace(false, envelopes=(Envelope(statement).signed(auditor.signer),))
    shown = {each.code: each for each in verify(false.content, RESTRICTED, Trust(), dt.date(2027, 1, 1)).shown}
    assert (shown["restricted"].state, "the verdict" in shown["restricted"].text) == (State.CONTRADICTED, True)


@pytest.mark.parametrize(
    "log", [b"", b"\n", b"\n[]", b"\n{}", b"no log", b'\n{"release": 1}', b'\n{"sides": {"positives": 1}}']
)
def test_a_log_that_audit7k_did_not_write_is_named(bundle: Bundle, log: bytes) -> None:
    assert levels_of(with_opened(bundle, {LOG: log}), "public") == {"public": State.CONTRADICTED}


def test_what_is_not_at_hand_is_not_shown(bundle: Bundle) -> None:
    without = replace(bundle, restricted={name: bundle.restricted[name] for name in (RESULT, LOG)})
    found = levels_of(without)
    assert found == {"public": State.HOLDS, "counts": State.NOT_SHOWN}


def test_another_set_is_not_taken_for_the_one_that_was_audited(bundle: Bundle) -> None:
    rows = {name: content for name, content in bundle.restricted.items() if name.startswith("evaluation-set")}
    other = {name: content.replace(b",1,0.9", b",1,0.1", 1) for name, content in rows.items()}
    found = levels_of(replace(bundle, restricted={**bundle.restricted, **other}), "counts")
    assert found["counts"] == State.NOT_SHOWN


def test_a_program_in_a_bundle_is_not_run(bundle: Bundle) -> None:
    document = json.loads(bundle.restricted[RESULT])
    detector = {"kind": "command", "command": ["true"], "threshold": 0.5, "features": ["score"]}
    document["plan"]["detector"] = document["plan_as_asked"]["detector"] = detector

    def never(*_: Any) -> Run:
        raise AssertionError("a program of the bundle was started")

    changed = with_opened(bundle, {RESULT: json.dumps(document).encode()})
    (shown,) = replay(changed, ("scores",), None, never)
    assert shown.state == State.NOT_SHOWN
    assert "is a program or a service, and is not run" in shown.text


def test_a_plan_that_is_run_is_the_one_that_was_looked_at(bundle: Bundle) -> None:
    """A bundle whose result shows a harmless plan, and asks for another: whoever replays it would run a program."""
    document = json.loads(bundle.restricted[RESULT])
    program = {"kind": "command", "command": ["true"], "threshold": 0.5, "features": ["site"]}
    measures = [{"metric": "os:system", "groups": ["gender"]}]

    def never(*_: Any) -> Run:
        raise AssertionError("a plan that nobody looked at was run")

    for asked in ({"detector": program}, {"measures": measures}, {"verdict": {"level": 0.5}}):
        other = {**document, "plan_as_asked": {**document["plan_as_asked"], **asked}}
        changed = with_opened(bundle, {RESULT: json.dumps(other).encode()})
        (shown,) = replay(changed, ("counts",), None, never)
        assert (shown.state, "two plans that differ" in shown.text) == (State.NOT_SHOWN, True)


def test_a_model_that_may_run_more_types_is_not_run(bundle: Bundle) -> None:
    document = json.loads(bundle.restricted[RESULT])
    detector = {"kind": "skops", "path": "m.skops", "threshold": 0.5, "features": ["site"], "trusted": ["os.system"]}
    document["plan"]["detector"] = document["plan_as_asked"]["detector"] = detector

    def never(*_: Any) -> Run:
        raise AssertionError("a model of the bundle was loaded")

    changed = with_opened(bundle, {RESULT: json.dumps(document).encode()})
    assert [each.code for each in replay(changed, (), None, never)] == ["public", "counts"]
    (shown,) = replay(changed, ("scores",), None, never)
    assert (shown.state, "is not run" in shown.text) == (State.NOT_SHOWN, True)


def sealed_anew(bundle: Bundle, signer: Signer, **digests: str) -> Bundle:
    """Seal what an auditor would have liked to commit to: statement and openings agree."""
    subjects, evidence = read_statement(bundle.statement, Evidence, "statement")
    opened = {**(bundle.openings or {}), **{role: Opening(salt="0" * 64, sha256=sha) for role, sha in digests.items()}}
    said = evidence.model_copy(update={"commitments": commitments_of(opened)})
    envelope = Envelope(statement_bytes(subjects, said)).signed(signer)
    return replace(bundle, envelopes=(envelope,), openings=opened)


@pytest.mark.parametrize("role", ["question", "evaluation-set", "plan"])
def test_what_was_committed_to_is_what_the_result_says(
    parties: tuple[Party, Party], bundle: Bundle, role: str, tmp_path: Path
) -> None:
    """A question that was registered, and another one that was asked: the files of the bundle are the same."""
    without = replace(bundle, restricted={name: bundle.restricted[name] for name in (RESULT, LOG)})
    today = dt.date(2027, 1, 1)
    for digests, expected in (({}, State.HOLDS), ({role: "a" * 64}, State.CONTRADICTED)):
        forged = sealed_anew(without, parties[0].signer, **digests)
        shown = {each.code: each for each in verify(forged.content, RESTRICTED, Trust(), today).shown}
        assert shown["restricted"].state == expected
        (tmp_path / RESTRICTED).write_bytes(forged.content)
        if digests:
            assert role in shown["restricted"].text
            code, said = parties[1].does("countersign", str(tmp_path / RESTRICTED), "--key", "own.key")
            assert (code, "Nothing was signed" in said) == (5, True)


def test_what_another_version_may_have_made_is_not_countersigned(
    parties: tuple[Party, Party], bundle: Bundle, tmp_path: Path
) -> None:
    subjects, evidence = read_statement(bundle.statement, Evidence, "statement")
    software = evidence.software.model_copy(update={"audit7k": "99.0"})
    other = evidence.model_copy(update={"software": software, "history": None, "registration": None})
    signed = Envelope(statement_bytes(subjects, other)).signed(parties[0].signer)
    claimed = replace(bundle, envelopes=(signed,), history=None, anchors={})  # the history would contradict it
    forged = sealed_anew(claimed, parties[0].signer, question="a" * 64)
    (tmp_path / RESTRICTED).write_bytes(forged.content)
    code, said = parties[1].does("countersign", str(tmp_path / RESTRICTED), "--key", "own.key", "--level", "public")
    assert (code, "differ about question" in said, "Nothing was signed" in said) == (3, True, True)


def test_a_witness_signs_no_head_but_that_of_the_history_that_it_sees(
    parties: tuple[Party, Party], tmp_path: Path
) -> None:
    auditor, _ = parties
    witness, forger = Party(tmp_path / "witness"), Party(tmp_path / "forger")
    write_set(forger.folder)
    assert forger.does("register", "plan.toml", "--history", "h.a7h", "--key", "own.key")[0] == 0
    shutil.copy(auditor.folder / "h.a7h", witness.folder / "h.a7h")
    kept = Path(shutil.copytree(forger.folder / "h.a7h.heads", witness.folder / "h.a7h.heads")) / "1.checkpoint"
    kept = kept.rename(kept.with_name("3.checkpoint"))
    before = kept.read_bytes()
    code, said = witness.does("history", "h.a7h", "--cosign", "own.key")
    assert (code, "is no head of h.a7h" in said, kept.read_bytes() == before) == (5, True, True)
    shutil.rmtree(kept.parent)
    # neither does it where the copy that it kept is of another history
    kept = Path(shutil.copy(forger.folder / "h.a7h.heads" / "1.checkpoint", witness.folder))
    assert witness.does("history", "h.a7h", "--cosign", "own.key", "--against", kept.name)[0] == 5
    assert not (witness.folder / "h.a7h.heads").exists()


def test_an_audit_does_not_begin_beside_a_head_of_another_history(parties: tuple[Party, Party], tmp_path: Path) -> None:
    other = Party(tmp_path / "other")
    write_set(other.folder)
    shutil.copytree(parties[0].folder / "h.a7h.heads", other.folder / "h.a7h.heads")
    code, said = other.does("run", "plan.toml", "--history", "h.a7h", "--key", "own.key")
    assert (code, "is no head of h.a7h" in said, (other.folder / "h.a7h").exists()) == (4, True, False)


@pytest.mark.parametrize("name", ["héad.checkpoint", "private.pem"])
def test_what_no_bundle_can_hold_is_found_before_scoring(tmp_path: Path, name: str) -> None:
    other = Party(tmp_path / "other")
    write_set(other.folder)
    assert other.does("register", "plan.toml", "--history", "h.a7h", "--key", "own.key")[0] == 0
    before, heads = (other.folder / "h.a7h").read_bytes(), other.folder / "h.a7h.heads"
    shutil.copy(other.folder / "own.key" if name == "private.pem" else heads / "1.checkpoint", heads / name)
    code, said = other.does("run", "plan.toml", "--history", "h.a7h", "--key", "own.key", "--quiet")
    assert (code, len(said.splitlines()), "internal error" in said) == (4, 1, False)
    assert (other.folder / "h.a7h").read_bytes() == before


@pytest.mark.parametrize("step", ["audit.cli.outputs.evidence_files", "audit.evidence.history_file"])
def test_a_full_disk_does_not_say_that_nothing_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    other = Party(tmp_path / "other")
    write_set(other.folder)
    assert other.does("run", "plan.toml", "--report", "csv")[0] == 1

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"{step}.write_durably", full)
    history = ("register", "plan.toml", "--history", "h.a7h", "--key", "own.key")
    command = ("seal", "audit-out", "--key", "own.key") if step.startswith("audit.cli") else history
    code, said = other.does(*command)
    assert (code, len(said.splitlines()), "nothing was released" in said) == (75, 1, False)


def test_a_history_is_read_where_nothing_can_be_written(parties: tuple[Party, Party], tmp_path: Path) -> None:
    shutil.copy(parties[0].folder / "h.a7h", tmp_path)
    code, said = parties[1].does("history", str(tmp_path / "h.a7h"), "--against", "h.a7h")
    assert (code, "is a part of it" in said, [each.name for each in tmp_path.iterdir()]) == (0, True, ["h.a7h"])


@pytest.mark.parametrize("name", ["empty.a7h", ".", "nothing.a7h"])
@pytest.mark.parametrize("command", ["history {} --cosign own.key", "history {}", "history {} --time-request t.tsq"])
def test_no_history_is_one_line(parties: tuple[Party, Party], name: str, command: str) -> None:
    (parties[1].folder / "empty.a7h").write_bytes(b"")
    code, said = parties[1].does(*command.format(name).split())
    assert (code, len(said.splitlines()), "there is no history in" in said) == (2, 1, True)
    code, said = parties[0].does("register", "plan.toml", "--history", ".", "--key", "own.key")
    assert (code, said.splitlines()) == (2, ["error: . is a folder — name a file, such as history.a7h"])


def test_an_audit_that_its_own_history_takes_back_does_not_hold(parties: tuple[Party, Party]) -> None:
    auditor, regulator = parties
    bundle = read_bundle((regulator.folder / "evidence.a7k").read_bytes(), "evidence.a7k")
    history = read_history(bundle.history or b"", "history.a7h")
    sealed = history.entries[-1]
    longer = history.with_entry(auditor.signer, "withdrawn", sealed.at, sealed.system, answers=sealed.index)
    trust, today = read_trust(regulator.folder / "trust.toml"), dt.datetime.now(dt.UTC).date()
    found = verify(replace(bundle, history=longer.content).content, "evidence.a7k", trust, today)
    assert (found.exit_code, "withdrawn" in {each.code for each in found.shown}) == (3, True)


def test_an_auditor_with_two_keys_is_no_second_party(
    parties: tuple[Party, Party], bundle: Bundle, tmp_path: Path
) -> None:
    other, auditor = signer_in(tmp_path), parties[0].signer
    signed = countersigned(bundle, [Shown("public", State.HOLDS, "")], "2026-11-29T12:00:00Z", other)
    for name, expected in (("The NGO", State.CLAIMED), ("We", State.HOLDS)):
        owners = [
            Trusted(role="auditor", name=who, fingerprint=key.public.fingerprint)
            for who, key in (("The NGO", auditor), (name, other))
        ]
        shown = verify(signed.content, RESTRICTED, Trust(signer=tuple(owners)), dt.date(2027, 1, 1)).shown
        assert [each.state for each in shown if each.code == "countersignature"] == [expected]


def test_the_report_is_held_against_the_history(parties: tuple[Party, Party]) -> None:
    auditor, regulator = parties
    sealed = read_bundle((regulator.folder / "evidence.a7k").read_bytes(), "evidence.a7k")
    today = dt.datetime.now(dt.UTC).date()

    def report(found: Bundle, trust: Trust) -> State | None:
        shown = verify(found.content, "evidence.a7k", trust, today).shown
        return next((each.state for each in shown if each.code == "report"), None)

    whole = read_trust(regulator.folder / "trust.toml")
    assert report(sealed, whole) is None
    assert report(sealed, trusting(auditor.signer)) == State.NOT_SHOWN  # it says that another party signed
    ended = whole.signer[1].model_copy(update={"until": today - dt.timedelta(days=1)})
    assert report(sealed, Trust(signer=(whole.signer[0], ended))) == State.NOT_SHOWN  # a thief dates as it likes


@pytest.mark.parametrize("states", [[], [State.HOLDS, State.NOT_SHOWN], [State.CONTRADICTED]])
def test_nothing_is_countersigned_that_was_not_made_again(bundle: Bundle, tmp_path: Path, states: list[State]) -> None:
    replayed = [Shown(level, state, "") for level, state in zip(LEVELS, states, strict=False)]
    with pytest.raises(EvidenceError, match="nothing is countersigned"):
        countersigned(bundle, replayed, "2026-11-29T12:00:00Z", signer_in(tmp_path))


def test_a_public_bundle_holds_nothing_to_make_again(bundle: Bundle) -> None:
    with pytest.raises(EvidenceError, match="a public bundle"):
        list(replay(bundle.for_everybody, LEVELS, None, run_again))


def test_a_seal_with_a_history_gets_rows_and_is_not_made_anew(parties: tuple[Party, Party], bundle: Bundle) -> None:
    assert bundle.history is not None  # rows were added to what the run had sealed
    code, said = parties[0].does("seal", "audit-out", "--key", "own.key")
    assert (code, "is sealed, with a history" in said) == (2, True)


def test_no_rows_are_added_to_a_seal_that_were_not_audited(parties: tuple[Party, Party], bundle: Bundle) -> None:
    auditor, cases = parties[0], parties[0].folder / "cases.csv"
    before, audited = (auditor.folder / "audit-out" / RESTRICTED).read_bytes(), cases.read_text()
    cases.write_text(audited.replace(",1,0.9", ",1,0.1", 1))
    try:
        code, said = auditor.does("seal", "audit-out", "--with-rows")
    finally:
        cases.write_text(audited)
    assert (code, "is not what was audited" in said) == (4, True)
    assert (auditor.folder / "audit-out" / RESTRICTED).read_bytes() == before == bundle.content


def test_outcomes_that_a_draw_withheld_are_withheld_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 15 of 1,000 keys no draw of this set leaves every "fewer than ten" open: the release shows people alone."""
    secret = bytes.fromhex("d489ec12e86b252249222663794ea8ee6573f29c57c6c4391952e4d6b3276111")
    monkeypatch.setattr("audit.disclosure.restricted.new_key", lambda: secret)
    write_set(tmp_path, counts=FEW)
    result = run_audit(tmp_path / "plan.toml", crosscheck=False)
    published = publish(result, tmp_path / "restricted", lambda _: None, ("json",), ("en",))
    assert published.public.sides == {"negatives": "shown", "positives": "people"}
    log = (tmp_path / "restricted/releases/0001.json").read_bytes().partition(b"\n")[2]
    assert made_again(result, json.loads(log)) == []
