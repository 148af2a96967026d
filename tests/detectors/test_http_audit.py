"""A whole audit of a service by the command line: every row is accounted for, nothing leaks, and Ctrl-C ends it.

Needs the package to be installed with the entry point of the kind `http`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from detectors.fault_server import Act, Asked, serving
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app

CANARY = "canary-5d0e"
TOKEN = "token-canary-c81b"
ROWS = 240


def write(folder: Path, url: str, **more: Any) -> None:
    lines = ["case_id,exploited,gender,citizenship,text"]
    for n in range(ROWS):
        gender, country = ("woman", "man")[n % 2], ("NGA", "FRA")[n // 2 % 2]
        lines.append(f"{CANARY}-{n},{n // 4 % 2},{gender},{country},{CANARY} text {n}")
    (folder / "set.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    keys = "\n".join(f"{name} = {json.dumps(value)}" for name, value in more.items())
    (folder / "plan.toml").write_text(
        f"""
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "hotline-triage"
route = "services"
[detector]
kind = "http"
url = "{url}?version=2"
features = ["text"]
threshold = 0.5
answers_at = "predictions"
score_at = "score"
id_at = "row_id"
allow_local = true
token = "env:AUDIT7K_TEST_TOKEN"
{keys}
[evaluation_set]
path = "set.csv"
id = "case_id"
label = "exploited"
label_source = "NGO case files"
[groups.gender]
column = "gender"
[groups.nationality]
column = "citizenship"
coding = "nationality"
[[rules]]
metric = "true_positive_rate"
groups = ["gender", "nationality"]
margin = 0.2
[scoring]
batch_size = 8
""",
        encoding="utf-8",
    )


def command(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "audit", "run", "--restricted", "plan.toml", "--out", "out"],
        cwd=folder,
        env={**os.environ, "AUDIT7K_TEST_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def faults(asked: Asked) -> None:
    first = asked.rows[0]["row_id"]
    if first == 80:
        asked.reply({"detail": CANARY}, 500)
    elif first == 160:
        asked.reply({"predictions": asked.answers[1:]})
    elif asked.number % 5 == 0:
        asked.reply({}, 503)
    else:
        asked.answer()


def audited(folder: Path) -> Result:
    """The same in this process."""
    asked = ["run", "--restricted", str(folder / "plan.toml"), "--out", str(folder / "out"), "--no-crosscheck"]
    return CliRunner(env={"AUDIT7K_TEST_TOKEN": TOKEN}).invoke(app, asked)


def test_an_audit_of_a_service_accounts_for_every_row_and_leaks_nothing(tmp_path: Path) -> None:
    with serving(faults) as server:
        write(tmp_path, server.url)
        done = audited(tmp_path)
    assert done.exit_code in {0, 1, 3}, done.stderr
    assert {row["row_id"] for asked in server.asked for row in asked.rows} == set(range(ROWS))
    assert all(asked.headers["Authorization"] == f"Bearer {TOKEN}" for asked in server.asked)
    result = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert result["system"]["kind"] == "http"
    assert result["system"]["name"] == server.url
    assert "1 of 30 batches got no reply that can be used: http_5xx 1." in result["provenance"]["course"]
    overall = next(account for account in result["rows"] if not account["group"])
    assert (overall["read"], overall["scored"], overall["failed"]) == (ROWS, ROWS - 9, 9)
    said = done.output + json.dumps(result)
    for report in (tmp_path / "out").iterdir():
        if report.suffix in {".html", ".xml", ".json"}:
            said += report.read_text(encoding="utf-8")
    assert CANARY not in said
    assert TOKEN not in said


def true_and_false(asked: Asked) -> None:
    asked.reply({"predictions": [{**answer, "score": True} for answer in asked.answers]})


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda asked: asked.reply({"detail": TOKEN}, 401), "the service does not let us in (HTTP 401)"),
        (true_and_false, "got true and false where scores are expected"),
    ],
)
def test_an_audit_that_cannot_be_is_one_line_and_no_verdict(tmp_path: Path, act: Act, says: str) -> None:
    with serving(act) as server:
        write(tmp_path, server.url)
        done = audited(tmp_path)
    assert done.exit_code == 4, done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert not (tmp_path / "out" / "result.json").exists()
    assert not any(secret in done.output for secret in (CANARY, TOKEN, "version=2"))


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupt_ends_an_audit_although_the_service_is_silent(tmp_path: Path) -> None:
    with serving(Asked.say_nothing) as server:
        write(tmp_path, server.url, timeout=600, try_timeout=600)
        with command(tmp_path) as process:
            while not server.asked:
                assert process.poll() is None
                time.sleep(0.05)
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)  # lets the batch come to its end, which it never does
            assert process.stderr is not None
            assert process.stderr.readline() == "stopping after this batch; once more to stop at once\n"
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=240)
        assert time.monotonic() - begun < 50
    assert process.returncode == 130
    assert CANARY not in errors
