"""Several attempts on the same cases: one bit is told, a part of alpha is spent on each, and nothing stands before."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from made.blind import Sides, two_sides, write_cases, write_model
from scipy.stats import binom
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode
from audit.evidence.blind.terms import Terms, read_part
from audit.result.file import load_result
from audit.storage import file_sha256
from tools.simulate.changes import VENDORS, borders, false_pass


def sent_again(sides: Sides, number: int, threshold: int) -> None:
    """The vendor commits to another model on the regulator's history, is asked again, and answers."""
    shutil.copy(sides.regulator / "h.a7h", sides.vendor / "h.a7h")
    plan = f"vendor-{number}.toml"
    write_model(sides, plan, threshold)
    sides.vend("commit", plan, "--sandbox", "none", "--deterministic")
    shutil.copy(sides.vendor / "h.a7h", sides.regulator / "vendor.a7h")
    sides.challenge(
        "--commitment", "vendor.a7h", plan="audit-out/restricted/challenge.secret", out=f"challenge-{number}"
    )
    sides.answer(plan, folder=f"challenge-{number}", out=f"answers-{number}")


@pytest.fixture(scope="module")
def _failing(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    sides = two_sides(tmp_path_factory.mktemp("failing"))
    write_cases(sides.regulator, fewer_hours=4)
    sides.commit()
    sides.challenge("--attempts", "3", "--twins", "20")
    sides.answer()
    return sides


@pytest.fixture
def failing(_failing: Sides, tmp_path: Path) -> Sides:
    """A vendor whose model misses women, and a regulator that grants three attempts."""
    return _failing.copied_to(tmp_path)


def test_an_attempt_without_a_result_marks_what_lies_there(failing: Sides) -> None:
    out = failing.regulator / "audit-out"
    earlier, mark = out / "result.json", out / ".not-judged"
    earlier.write_bytes(b"an earlier one")
    for answers, code in (("nowhere", ExitCode.NOT_JUDGED), ("answers", ExitCode.INCONCLUSIVE)):
        failing.judge(answers=answers, code=code)
        assert mark.read_text(encoding="ascii").split() == [file_sha256(earlier)]
        mark.unlink()
    assert earlier.read_bytes() == b"an earlier one"


def test_before_the_last_attempt_only_not_passed_is_said_and_the_last_is_published(failing: Sides) -> None:
    said = failing.judge(code=ExitCode.INCONCLUSIVE)
    assert said.rstrip().endswith("Not passed. Nothing else is said while attempts are left.")
    assert failing.kinds == ["committed", "registered", "challenged", "answered", "started", "not_passed"]
    last = failing.history.entries[-1]
    assert last.headline is None
    assert list(last.commitments) == ["result"]
    assert not (failing.regulator / "audit-out" / "result.json").exists()
    assert not (failing.regulator / "audit-out" / "public").exists()
    kept = load_result(failing.regulator / "audit-out/restricted/challenge.secret" / "attempt-1.json")
    assert kept.overall.outcome == "fail"
    assert kept.plan.verdict.alpha == pytest.approx(0.05 / 3)

    first = read_part(failing.regulator / "challenge" / "challenge.json", Terms)
    for number in (2, 3):
        sent_again(failing, number, 56 - number // 2)
        again = read_part(failing.regulator / f"challenge-{number}" / "challenge.json", Terms)
        assert (again.sha256, again.labels, again.attempt) == (first.sha256, first.labels, number)
        last_one = number == 3
        failing.judge(answers=f"answers-{number}", code=ExitCode.FAIL if last_one else ExitCode.INCONCLUSIVE)
    assert failing.kinds[-5:] == ["committed", "challenged", "answered", "started", "sealed"]
    release = json.loads((failing.regulator / "audit-out" / "public" / "release.json").read_text(encoding="utf-8"))
    history = release["about"]["history"]
    assert (history["attempt"], history["earlier"]) == (3, ["not_passed", "not_passed"])
    assert history["registration"] == "shown"  # the vendor signed it with its answers
    said = CliRunner().invoke(app, ["verify", str(failing.regulator / "audit-out")]).output
    assert "in this history: not passed, not passed, this one" in said
    for language in ("en", "fr"):
        options = ["report", str(failing.regulator / "audit-out"), "--lang", language]
        assert CliRunner().invoke(app, options).exit_code == 0
    junit = (failing.regulator / "audit-out" / "public" / "junit.xml").read_text(encoding="utf-8")
    assert "3; before it: not passed, not passed" in junit
    said = failing.regulate(
        "challenge", "audit-out/restricted/challenge.secret", "--out", "fourth", code=ExitCode.NOT_JUDGED
    )
    assert "no attempt is left of 3" in said


def test_a_vendor_that_commits_on_a_history_without_its_failure_changes_nothing(failing: Sides) -> None:
    failing.judge(code=ExitCode.INCONCLUSIVE)
    failing.vend("commit", "vendor.toml", "--sandbox", "none", "--deterministic")  # not_passed is not in its copy
    shutil.copy(failing.vendor / "h.a7h", failing.regulator / "vendor.a7h")
    before = failing.history
    again = ("challenge", "audit-out/restricted/challenge.secret", "--commitment", "vendor.a7h", "--out", "second")
    assert "vendor.a7h is another history than h.a7h" in failing.regulate(*again, code=ExitCode.NOT_JUDGED)
    assert failing.history == before
    assert not (failing.regulator / "second").exists()


def test_an_attempt_that_could_not_be_asked_leaves_the_one_before_as_it_was(failing: Sides) -> None:
    secret = failing.regulator / "audit-out/restricted/challenge.secret"
    before = {file.name: file.read_bytes() for file in secret.iterdir()}
    for out, code in (("challenge", ExitCode.USAGE), ("nowhere/challenge", ExitCode.STORAGE_FAILED)):
        failing.regulate("challenge", "audit-out/restricted/challenge.secret", "--out", out, code=code)
        assert {file.name: file.read_bytes() for file in secret.iterdir()} == before
        assert len(failing.kinds) == 3
    failing.judge(code=ExitCode.INCONCLUSIVE)


def test_a_pass_ends_the_attempts_and_is_published(tmp_path: Path) -> None:
    sides = two_sides(tmp_path)
    sides.commit()
    sides.challenge("--attempts", "2")
    sides.answer()
    sides.judge()
    assert sides.kinds[-1] == "sealed"
    said = sides.regulate(
        "challenge", "audit-out/restricted/challenge.secret", "--out", "again", code=ExitCode.NOT_JUDGED
    )
    assert "no attempt is left" in said


def test_a_fail_and_a_verdict_that_cannot_be_told_look_alike_in_all_that_is_said_or_travels(tmp_path: Path) -> None:
    looks = []
    for fewer_hours, outcome in ((4, "fail"), (2, "inconclusive")):
        (tmp_path / outcome).mkdir()
        sides = two_sides(tmp_path / outcome)
        write_cases(sides.regulator, fewer_hours=fewer_hours)
        sides.commit()
        sides.challenge("--attempts", "2", "--twins", "0")
        sides.answer()
        said = sides.judge(code=ExitCode.INCONCLUSIVE)
        entry = sides.history.entries[-1].model_dump(exclude={"at", "key", "commitments"})
        sides.challenge(plan="audit-out/restricted/challenge.secret", out="second")
        sent = {file.name: file.read_bytes() for file in (sides.regulator / "second").iterdir()}
        assert sent["challenge.parquet"] == (sides.regulator / "challenge" / "challenge.parquet").read_bytes()
        sizes = [len(line) for line in sent["history.a7h"].splitlines()]
        made = sorted(file.name for file in sides.regulator.iterdir() if not file.name.startswith("model_"))
        looks.append((re.sub(r"\d", "0", said), entry, sizes, len(sent["challenge.json"]), made))
        kept = load_result(sides.regulator / "audit-out/restricted/challenge.secret" / "attempt-1.json")
        assert kept.overall.outcome == outcome
    assert looks[0] == looks[1]


@pytest.mark.parametrize("attempts", [1, 5, 10])
def test_told_one_bit_at_a_part_of_alpha_a_model_on_the_limit_passes_no_more_often_than_alpha(attempts: int) -> None:
    told = 'only "not passed", alpha/K'
    (measured,) = false_pass(2_000, np.random.default_rng(attempts), told, attempts).values()
    assert binom.sf(measured.events - 1, measured.trials, 0.05) > 1e-4


def test_told_rates_a_model_on_the_limit_passes_far_more_often_than_by_one_bit() -> None:
    shares = {}
    for name in VENDORS:
        (measured,) = false_pass(1_000, np.random.default_rng(7), name, 10).values()
        shares[name] = measured.share
    assert shares["rates told, alpha"] > 0.35
    assert shares["rates told, alpha/K"] > 0.09
    assert shares['only "not passed", alpha'] > 0.25
    assert shares['only "not passed", alpha/K'] < 0.06


def test_padding_up_to_the_border_gains_by_three_outcomes() -> None:
    name = "three outcomes and padding, alpha/K"
    rng = np.random.default_rng(9)
    (many,), (few,) = (false_pass(1_000, rng, name, attempts).values() for attempts in (50, 20))
    assert many.share > 3 * few.share


def test_the_borders_are_those_of_the_exact_test() -> None:
    passes, fails = borders(0.05)
    assert binom.cdf(passes, 200, 0.3) <= 0.05 < binom.cdf(passes + 1, 200, 0.3)
    assert binom.sf(fails - 1, 200, 0.3) <= 0.05 < binom.sf(fails - 2, 200, 0.3)
