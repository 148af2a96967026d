"""A blind audit, walked by both sides in two folders by two keys: only files that travel are copied."""

from __future__ import annotations

import json
import re
import tomllib

import pyarrow.parquet as pq
import pytest
from made.blind import CASES, PLAN, Sides, two_sides, write_model, write_production
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.mlflow_run import _exact_entries, _public_entries
from audit.cli.outputs.verdict_code import result_exit_code
from audit.disclosure.about import public_about
from audit.disclosure.read import load_release, parse_release
from audit.errors import ExitCode
from audit.evidence.keys import PublicKey
from audit.notebook import load_result
from audit.plan.file.plan_file import canonical_plan_sha256
from audit.public.cases import relied_on
from audit.public.release import public_json
from audit.run import run_audit
from audit.scoring.rules import decision_rule
from reports.exact_cases import ExactCases
from reports.languages import language
from reports.sentences import SentenceWriter


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """A walk to the end, with decisions from production that agree."""
    sides = two_sides(tmp_path_factory.mktemp("walk"))
    write_production(sides.regulator)
    sides.commit()
    sides.challenge("--log-rows", "production.csv")
    sides.answer()
    sides.judge("--out", "out")
    return sides


def test_each_step_is_an_entry_by_the_key_of_whoever_took_it(walked: Sides) -> None:
    assert walked.kinds == ["committed", "registered", "challenged", "answered", "started", "sealed"]
    keys = [entry.key for entry in walked.history.entries]
    vendor, regulator = keys[0], keys[1]
    assert vendor != regulator
    assert keys == [vendor, regulator, regulator, vendor, regulator, regulator]


def test_only_declared_columns_and_decisions_travel(walked: Sides) -> None:
    asked = pq.read_table(walked.vendor / "challenge" / "challenge.parquet")
    assert asked.column_names == ["cid", "age", "hours", "debt"]
    assert asked["cid"].to_pylist() == sorted(asked["cid"].to_pylist())
    assert asked.num_rows == CASES + 200 + 200
    said = pq.read_table(walked.regulator / "answers" / "answers.parquet")
    assert said.column_names == ["cid", "decision"]
    for folder in (walked.vendor, walked.regulator / "answers"):
        for file in folder.rglob("*"):
            assert not file.is_file() or b"CANARY" not in file.read_bytes(), file


def test_counts_and_verdicts_are_those_of_the_direct_audit(walked: Sides) -> None:
    judged = load_result(walked.regulator / "out" / "result.json")
    plan = tomllib.loads(PLAN)
    module = next(walked.vendor.glob("model_*.py"))
    (walked.regulator / module.name).write_bytes(module.read_bytes())
    features = ["age", "hours", "debt"]
    plan["detector"] = {
        "kind": "python", "entry": f"{module.stem}:decide", "features": features, "answers": "decision",
    }  # fmt: skip
    direct = run_audit(plan, folder=walked.regulator, crosscheck=False)
    assert judged.verdicts == direct.verdicts
    assert judged.counts == direct.counts


def test_reports_say_that_the_vendor_answered_and_what_supports_it(walked: Sides) -> None:
    out = walked.regulator / "out"
    said = "decisions of the system at work support that it answers so (0 of 200 otherwise)"
    assert said in load_result(out / "result.json").system.decision
    assert said in (out / "public" / "report.html").read_text(encoding="utf-8")
    assert json.loads((out / "public" / "release.json").read_text(encoding="utf-8"))["about"]["kind"] == "blind"


@pytest.mark.parametrize(("role", "code"), [("vendor", ExitCode.PASS), ("", ExitCode.INCONCLUSIVE)])
def test_the_vendors_answer_shows_to_whoever_trusts_its_key_that_the_question_stood_before(
    walked: Sides, role: str, code: int
) -> None:
    keys = [PublicKey(bytes.fromhex(entry.key)) for entry in walked.history.entries]
    fingerprints = [keys[1].fingerprint, keys[3].fingerprint]
    signers = [("auditor", fingerprints[0]), *([(role, fingerprints[1])] if role else [])]
    trust = walked.regulator / f"trust-{role}.toml"
    text = "".join(f'[[signer]]\nrole = "{who}"\nname = "The {who}"\nfingerprint = "{key}"\n' for who, key in signers)
    trust.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["verify", str(walked.regulator / "out"), "--trust", str(trust)])
    assert done.exit_code == code, done.output
    assert ("question and set were fixed before scoring began" in done.output) == bool(role)


def test_a_report_that_claims_a_vendors_answers_without_its_signature_is_not_shown(walked: Sides) -> None:
    """Whoever writes the plan can write what `judge` would."""
    folder = walked.regulator
    path = "audit-out/restricted/challenge.secret/answers.parquet"
    claimed = f'path = "{path}"\ndeployed = "supported"\nproduction = 9000\n[evaluation_set]'
    (folder / "claimed.toml").write_text(PLAN.replace("[evaluation_set]", claimed), encoding="utf-8")
    for line in (
        f"run {folder / 'claimed.toml'} --out {folder / 'claimed'} --quiet --no-crosscheck",
        f"seal {folder / 'claimed'} --key {folder / 'regulator.key'}",
    ):
        assert CliRunner().invoke(app, line.split()).exit_code == 0
    key = str(folder / "regulator.key.pub")
    done = CliRunner().invoke(app, ["verify", str(folder / "claimed"), "--key", key])
    assert done.exit_code == ExitCode.INCONCLUSIVE
    assert "a vendor answered, and none has signed that here" in done.output
    done = CliRunner().invoke(app, ["verify", str(folder / "out"), "--key", key])
    assert "none has signed that here" not in done.output


def test_what_waivers_leave_is_no_pass_of_a_system_that_is_not_shown(otherwise: tuple[Sides, str]) -> None:
    result = load_result(otherwise[0].regulator / "out" / "result.json")
    failed = result.model_copy(update={"overall": result.overall.model_copy(update={"outcome": "fail"})})
    assert result_exit_code(failed) == ExitCode.FAIL
    assert result_exit_code(failed, left="pass") == ExitCode.INCONCLUSIVE
    assert ExactCases(failed).suites()[-1].name == "system at work"


def test_no_safeguard_says_that_the_model_ran_here(walked: Sides) -> None:
    found = {one.key: one.state for one in load_result(walked.regulator / "out" / "result.json").safeguards}
    assert (found["algorithms"], found["ran_here"], found["offline"]) == ("declared", "not_shown", "not_shown")
    public = json.loads((walked.regulator / "out" / "public" / "release.json").read_text(encoding="utf-8"))
    said = " ".join(one["evidence"] for one in public["about"]["safeguards"])
    assert "The detector was run" not in said


def test_answers_are_judged_once(walked: Sides) -> None:
    for out in ("again", "out"):
        assert "judged before" in walked.judge("--out", out, code=ExitCode.NOT_JUDGED)
    assert not (walked.regulator / "out" / ".not-judged").exists(), "what lies there is the audit of these answers"


@pytest.fixture(scope="module")
def otherwise(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sides, str]:
    """A vendor with another model for the challenge, and what `judge` says: a pass that production speaks against."""
    sides = two_sides(tmp_path_factory.mktemp("otherwise"))
    write_production(sides.regulator)  # the system at work has a threshold of 54
    write_model(sides, "kind.toml", 51)
    sides.vend("commit", "kind.toml", "--sandbox", "none", "--deterministic")
    (sides.regulator / "h.a7h").write_bytes((sides.vendor / "h.a7h").read_bytes())
    sides.challenge("--log-rows", "production.csv")
    sides.answer("kind.toml")
    return sides, sides.judge("--out", "out", code=ExitCode.INCONCLUSIVE)


def test_a_vendor_with_another_model_for_the_challenge_ends_as_not_shown(otherwise: tuple[Sides, str]) -> None:
    sides, said = otherwise
    assert load_result(sides.regulator / "out" / "result.json").overall.outcome == "pass"
    assert ("PASS  Screener" in said, "INCONCLUSIVE  Screener" in said) == (False, True)
    sentence = "that the system at work answers so is not shown by its decisions ("
    assert sentence in next(line for line in said.splitlines() if line.startswith("How it decides"))
    gated = CliRunner().invoke(app, ["gate", str(sides.regulator / "out"), "--inputs-elsewhere", "--quiet"])
    assert (gated.exit_code, gated.stdout) == (ExitCode.INCONCLUSIVE, "")
    assert "exit code 3 instead of 0 because the system at work is not shown to answer so" in gated.stderr
    exact = CliRunner().invoke(app, ["report", str(sides.regulator / "out"), "--restricted"])
    assert exact.exit_code == 0, exact.output
    for name in ("public/report.html", "report.html"):  # beside the verdict, not only in what is folded away
        page = (sides.regulator / "out" / name).read_text(encoding="utf-8")
        assert sentence in page.partition('class="next"')[0], name
    site = sides.regulator / "site"
    made = CliRunner().invoke(
        app, ["portal", str(sides.regulator / "out" / "public"), "--out", str(site), "--lang", "en"]
    )
    assert made.exit_code == 0, made.output
    pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
    assert not any("Within the limit in every group we could judge" in page for page in pages)
    assert sum(sentence in page for page in pages) >= 2  # the list, and the page of the system
    index = json.loads((site / "index.json").read_text(encoding="utf-8"))["systems"][0]
    assert (index["state"], index["audits"][0]["outcome"]) == ("inconclusive", "inconclusive")


FORMS = "test-result,junit,badge,markdown,github-annotations,gitlab-metrics,gitlab-codequality,cyclonedx,sarif"


def test_no_machine_reads_a_pass_that_production_speaks_against(otherwise: tuple[Sides, str]) -> None:
    out = otherwise[0].regulator / "out"
    made = CliRunner().invoke(app, ["report", str(out), "--format", FORMS])
    assert made.exit_code == 0, made.output
    said = {file.name: file.read_text(encoding="utf-8") for file in (out / "public").iterdir() if file.suffix != ".a7k"}
    predicate = json.loads(said["test-result.intoto.json"])["predicate"]
    assert predicate["result"] == "WARNED"
    assert "verdict" in predicate["warnedTests"]
    assert re.search(r'name="verdict"[^>]*skipped="1"', said["junit.xml"])
    for name in ("comment.md", "annotations.txt", "badge.svg"):
        assert "that the system at work answers as its vendor did is not shown" in said[name], name
    assert 'audit_verdict="inconclusive"} 1' in said["metrics.txt"]
    assert json.loads(said["model.cdx.json"])["components"][0]["properties"][0]["value"] == "inconclusive"
    assert json.loads(said["gl-code-quality.json"])
    exact = load_result(out / "result.json")
    assert (exact.overall.outcome, exact.relied_on) == ("pass", "inconclusive")
    assert "the system at work" in exact.report("junit", restricted=True).content
    for found in (_public_entries(out), _exact_entries(out), _public_entries(exact)):
        assert found.metrics["audit7k/exit_code"] == ExitCode.INCONCLUSIVE


def test_safeguards_say_whose_word_it_is_and_where_production_speaks_against_it(
    walked: Sides, otherwise: tuple[Sides, str]
) -> None:
    for sides, state, words in (
        (walked, "declared", "that they are its answers is declared by its vendor."),
        (otherwise[0], "not_shown", "that the system at work answers so is not shown by its decisions."),
    ):
        exact = load_result(sides.regulator / "out" / "result.json")
        public = load_release(sides.regulator / "out" / "public" / "release.json")[0].about.safeguards
        for found in ([one for one in exact.safeguards if one.key == "algorithms"],
                      [one for one in public if one.key == "algorithms"]):  # fmt: skip
            assert found
            assert {one.state for one in found} == {state}
            assert all(one.evidence.endswith(words) for one in found)


@pytest.mark.parametrize(
    ("differ", "production", "floor", "said"),
    [
        (0, 60, 10, "0 of 60"),
        (1, 60, 10, "fewer than 10 of 60"),
        (1, 60, 3, "fewer than 10 of 60"),
        (9, 60, 10, "fewer than 10 of 60"),
        (10, 60, 10, "10 of 60"),
        (51, 60, 10, "all but fewer than 10 of 60"),
        (60, 60, 10, "60 of 60"),
        (12, 60, 20, "an untold number of 60"),
        (10, 11, 10, "an untold number of few"),
        (0, 5, 10, "an untold number of few"),
    ],
)  # fmt: skip
def test_fewer_than_ten_decisions_of_people_are_no_public_number(
    otherwise: tuple[Sides, str], differ: int, production: int, floor: int, said: str
) -> None:
    result = load_result(otherwise[0].regulator / "out" / "result.json")
    section = result.plan.detector.model_copy(update={"differ": differ, "production": production})
    disclosure = result.plan.disclosure.model_copy(update={"floor": floor})
    plan = result.plan.model_copy(update={"detector": section, "disclosure": disclosure})
    exact = decision_rule(section)
    system = result.system.model_copy(update={"decision": exact.words})
    assert f"({differ} of {production} otherwise)" in exact.words
    public = public_about(result.model_copy(update={"plan": plan, "system": system}), (), ("en",), {}).decision
    assert public.endswith(f"by its decisions ({said} otherwise)")
    if said != f"{differ} of {production}":
        wording = SentenceWriter(language("fr")).decision(public)
        assert "lang=" not in wording
        assert not re.search(rf"\b{differ}\b(?! sur)", wording.replace("moins de 10", "")), wording
    other = plan.model_copy(update={"detector": section.model_copy(update={"differ": differ + 1})})
    assert canonical_plan_sha256(plan) == canonical_plan_sha256(other), "which is public: nine guesses would find it"


def test_a_release_of_before_keeps_its_bytes_and_is_no_pass(otherwise: tuple[Sides, str]) -> None:
    place = otherwise[0].regulator / "out" / "public" / "release.json"
    older = place.read_text(encoding="utf-8").replace(',"deployed":"not_shown"', "")
    assert "deployed" not in older
    read = parse_release(older.encode())
    assert public_json(read) == older
    assert (read.headline.outcome, relied_on(read)) == ("pass", "inconclusive")
