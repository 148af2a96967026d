"""Whole audits of a language model: nothing leaks, and whatever breaks a run off, no answer is asked for twice.

Needs the package to be installed with the entry point of the kind `chat`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
from detectors.chat_server import answer, chatting, prompt_of, reply_of, row_of
from detectors.fault_server import Act, Asked, FaultServer
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.console.guard import InterruptibleProgress
from audit.detectors.row_cache import RowCache
from audit.errors import ResumeError, RunInterruptedError
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint
from audit.scoring.kept_rows import ROWS_AGAIN
from audit.scoring.progress import NoProgress
from audit.stages import Scope

CANARY = "canary-91f4"
PROMPT = "prompt-canary-2b6a"
TOKEN = "token-canary-40c7"
ROWS = 64


class Made:
    """A folder with a set and a plan."""

    def __init__(self, folder: Path, url: str, *, batch_size: int = 16, text: str = "{canary} text {n}") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        lines = ["case_id,exploited,gender,text"]
        for n in range(ROWS):
            words = text.format(canary=CANARY, n=n)
            lines.append(f"{CANARY}-{n:03},{n // 4 % 2},{('woman', 'man')[n % 2]},{words}")
        (folder / "set.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "plan.toml").write_text(
            f"""
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "hotline-triage"
route = "services"
[detector]
kind = "chat"
url = "{url}"
model = "model-1"
system = "{PROMPT}"
prompt = "{PROMPT}: is {{text}} an advert of a trafficker?"
features = ["text"]
threshold = 0.5
allow_local = true
workers = 4
token = "env:AUDIT7K_TEST_TOKEN"
[evaluation_set]
path = "set.csv"
id = "case_id"
label = "exploited"
label_source = "NGO case files"
[groups.gender]
column = "gender"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.2
[scoring]
batch_size = {batch_size}
""",
            encoding="utf-8",
        )

    @property
    def kept(self) -> Path:
        return self.folder / "scoring"

    def change(self, old: str, new: str) -> None:
        plan = self.folder / "plan.toml"
        assert old in plan.read_text(encoding="utf-8")
        plan.write_text(plan.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def run(self, *, fresh: bool = False, scope: Scope = Scope.RECORDS) -> tuple[bytes, dict[str, Any]]:
        """The predictions and the result of a run, without what may differ between two runs."""
        to = self.folder / "predictions.parquet"
        checkpoint = Checkpoint(self.kept, commit_every=0.0, fresh=fresh)
        plan = self.folder / "plan.toml"
        result = run_audit(
            plan,
            predictions_to=to,
            crosscheck=False,
            checkpoint=checkpoint,
            progress=InterruptibleProgress(NoProgress()),
            scope=scope,
        )
        shown: dict[str, Any] = json.loads(result.model_dump_json(by_alias=True))
        del shown["provenance"]
        return to.read_bytes(), shown

    def rows_in_cache(self) -> int:
        """Answers that are kept row by row; looked up in a copy."""
        copy = self.folder / "copy"
        shutil.copytree(self.kept, copy)
        cache = RowCache(copy / "rows.sqlite")
        try:
            return cache.sources().total()
        finally:
            cache.close()
            shutil.rmtree(copy)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT7K_TEST_TOKEN", TOKEN)


def times_asked(server: FaultServer) -> Counter[int]:
    return Counter(row_of(asked) for asked in server.asked)


def stopping_after(rows: int) -> Act:
    """Answer so many rows, then have the run stopped at once and say nothing until it has; later, answer."""
    stopped = threading.Event()

    def act(asked: Asked) -> None:
        if stopped.is_set() or asked.number < rows:
            answer(asked)
        elif asked.number == rows:
            asked.handler.close_connection = True  # or it would read the next request when nobody waits any more
            answer(asked)
            handler = signal.getsignal(signal.SIGINT)
            assert isinstance(handler, MethodType)
            assert isinstance(handler.__self__, InterruptibleProgress)
            os.kill(os.getpid(), signal.SIGINT)
            while not handler.__self__.stop_asked():  # two signals that nobody has looked at are one
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            stopped.set()
        else:
            stopped.wait()

    return act


# By the command line


def faults(asked: Asked) -> None:
    """What services do; each also says back what it was asked."""
    heard = prompt_of(asked)
    match row_of(asked):
        case 3:
            asked.reply({"error": {"message": heard}}, 500)
        case 7:
            asked.reply(reply_of(None, message={"refusal": heard}))
        case 12:
            asked.reply(reply_of(f'<script src="//evil.example">{heard}</script>', model=heard))
        case 18:
            asked.reply(reply_of('{"score": 1e999}', system_fingerprint=heard))
        case 25:
            asked.reply(reply_of('{"abstain": true}', model=f"x-{CANARY}", system_fingerprint=heard.split()[2]))
        case _ if asked.number % 9 == 0:
            asked.reply({"error": TOKEN}, 503)
        case _:
            answer(asked)


def test_an_audit_of_a_language_model_accounts_for_every_row_and_leaks_nothing(tmp_path: Path) -> None:
    with chatting(faults) as server:
        made = Made(tmp_path / "run", server.url)
        plan, out = str(made.folder / "plan.toml"), str(made.folder / "out")
        ended = CliRunner().invoke(app, ["run", "--restricted", plan, "--out", out, "--no-crosscheck"])
    assert ended.exit_code in {0, 1, 3}, ended.stderr
    assert set(times_asked(server)) == set(range(ROWS))
    assert all(asked.headers["Authorization"] == f"Bearer {TOKEN}" for asked in server.asked)
    result = json.loads((made.folder / "out" / "result.json").read_text(encoding="utf-8"))
    overall = next(account for account in result["rows"] if not account["group"])
    assert (overall["read"], overall["failed"], overall["abstained"]) == (ROWS, 4, 1)
    system = result["system"]
    assert (system["kind"], system["name"]) == ("chat", f"model-1 at {server.url}")
    notes = " ".join(result["provenance"]["course"])
    assert (
        f"4 of {ROWS} rows asked about got no answer that can be used: "
        "http_5xx 1, not_finite 1, refused 1, unreadable 1." in notes
    )
    assert "They name more than one model" in notes
    assert result["provenance"]["detector_sha256"]
    for path in [*(made.folder / "out").rglob("*")]:
        if path.is_file():
            held = path.read_bytes()
            assert TOKEN.encode() not in held, path.name
            # the plan is a part of the result, and the ids are a part of the predictions
            assert (PROMPT.encode() not in held) or path.name in {"result.json", "report.html"}, path.name
            assert (CANARY.encode() not in held) or path.name == "predictions.parquet", path.name
            assert b"evil.example" not in held, path.name
    said = ended.stdout + ended.stderr
    assert not any(secret in said for secret in (CANARY, TOKEN, PROMPT, "evil.example"))
    assert (made.folder / "out" / "scoring" / "rows.sqlite").stat().st_mode & 0o777 == 0o600


# Breaking off and going on

PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint
run_audit("plan.toml", crosscheck=False, checkpoint=Checkpoint(Path("scoring")))
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize(("batch_size", "kill_after"), [(4096, 30), (16, 45)])
def test_killed_it_goes_on_and_asks_for_no_answer_twice(tmp_path: Path, batch_size: int, kill_after: int) -> None:
    def slow(asked: Asked) -> None:
        time.sleep(0.02)
        answer(asked)

    with chatting(slow) as server:
        whole = Made(tmp_path / "whole", server.url, batch_size=batch_size).run()
        server.forget()
        made = Made(tmp_path / "run", server.url, batch_size=batch_size)
        here = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
        with subprocess.Popen([sys.executable, "-c", PROGRAM, *here], cwd=made.folder) as running:
            while len(server.asked) < kill_after:
                assert running.poll() is None
                time.sleep(0.005)
            running.send_signal(signal.SIGKILL)
            running.wait()
        asked_before = times_asked(server)
        answered = made.rows_in_cache()
        assert len(asked_before) - 4 <= answered <= len(asked_before)  # lost are at most those on their way
        server.forget()
        assert made.run() == whole
        assert len(server.asked) == ROWS - answered + ROWS_AGAIN
        assert made.rows_in_cache() == ROWS
        for path in made.kept.rglob("*"):
            held = path.read_bytes() if path.is_file() else b""
            assert not any(secret.encode() in held for secret in (CANARY, TOKEN, PROMPT))
            assert path.stat().st_mode & 0o077 == 0


def interrupted(made: Made, said: str) -> None:
    with pytest.raises(RunInterruptedError, match=said):
        made.run()


def test_stopped_at_once_in_the_first_batch_its_answers_stay(tmp_path: Path) -> None:
    with chatting(stopping_after(30)) as server:
        made = Made(tmp_path / "run", server.url, batch_size=4096)
        interrupted(made, "interrupted: answers to rows of the first batch are kept")
        answered = made.rows_in_cache()
        assert answered >= 30 - 4  # but for those on their way
        server.forget()
        result = made.run()
        assert len(server.asked) == ROWS - answered + ROWS_AGAIN
        assert result == Made(tmp_path / "whole", server.url, batch_size=4096).run()


def test_a_finished_run_asks_about_a_few_rows_to_see_whether_it_is_the_same(tmp_path: Path) -> None:
    with chatting(answer) as server:
        made = Made(tmp_path / "run", server.url)
        first = made.run()
        assert times_asked(server) == dict.fromkeys(range(ROWS), 1)
        assert made.run() == first
        assert times_asked(server) == {row: 1 + (row < ROWS_AGAIN) for row in range(ROWS)}
        server.forget()
        assert made.run(fresh=True) == first
        assert times_asked(server) == dict.fromkeys(range(ROWS), 1)


def test_what_became_of_the_file_is_no_matter(tmp_path: Path) -> None:
    with chatting(answer) as server:
        made = Made(tmp_path / "run", server.url)
        first = made.run()
        for path in (made.kept / "parts").iterdir():
            path.unlink()
        (made.kept / "complete.json").unlink()
        server.forget()
        assert made.run() == first
        assert len(server.asked) == ROWS_AGAIN
        (made.kept / "parts" / "000002.json").unlink()
        (made.kept / "rows.sqlite").write_bytes(b"SQLite format 3\x00" + os.urandom(5000))
        server.forget()
        assert made.run()[0] == first[0]
        assert len(server.asked) == ROWS_AGAIN + 16
        assert made.rows_in_cache() == 16


def other_answers(asked: Asked) -> None:
    asked.reply(reply_of(json.dumps({"score": row_of(asked) % 7 / 7})))


@pytest.mark.parametrize("batch_size", [16, 4096])
def test_two_models_are_never_mixed_in_one_run(tmp_path: Path, batch_size: int) -> None:
    """Whether a batch was kept as a whole or only rows: what is asked again is not answered out of the file."""
    acts: list[Act] = [stopping_after(40)]

    def act(asked: Asked) -> None:
        acts[-1](asked)

    with chatting(act) as server:
        made = Made(tmp_path / "run", server.url, batch_size=batch_size)
        interrupted(made, "interrupted: ")
        kept = made.rows_in_cache()
        acts.append(other_answers)
        with pytest.raises(ResumeError, match="answers otherwise than when the unfinished run") as refused:
            made.run()
        assert refused.value.exit_code == 74
        assert made.rows_in_cache() == kept
        acts.append(answer)
        made.run()
        acts.append(other_answers)
        server.forget()
        changed = made.run()  # of a finished run the answers are thrown away, those of single rows among them
        assert len(server.asked) == 2 * ROWS_AGAIN + ROWS
        assert changed == Made(tmp_path / "other", server.url, batch_size=batch_size).run()


def test_single_answers_are_not_thrown_away_by_a_slip_of_the_pen(tmp_path: Path) -> None:
    with chatting(stopping_after(30)) as server:
        made = Made(tmp_path / "run", server.url, batch_size=4096)
        interrupted(made, "first batch")
        kept = made.rows_in_cache()
        made.change("advert of", "advert by")
        with pytest.raises(ResumeError, match="what the plan says of set and detector"):
            made.run()
        assert made.rows_in_cache() == kept > 0
        server.forget()
        made.run(fresh=True)
        assert len(server.asked) == ROWS


def test_equal_rows_are_asked_about_one_by_one(tmp_path: Path) -> None:
    def by_turn(asked: Asked) -> None:
        asked.reply(reply_of(json.dumps({"score": asked.number / 1000})))

    with chatting(by_turn) as server:
        made = Made(tmp_path / "run", server.url, text="the same 5")
        made.run()
    assert times_asked(server) == {5: ROWS}


def test_a_row_that_failed_is_asked_about_again_when_its_batch_is(tmp_path: Path) -> None:
    def failing(asked: Asked) -> None:
        if row_of(asked) == 20 and broken:
            asked.reply({}, 500)
        else:
            answer(asked)

    broken = [True]
    with chatting(failing) as server:
        made = Made(tmp_path / "run", server.url)
        made.run()
        assert made.rows_in_cache() == ROWS - 1
        (made.kept / "parts" / "000001.json").unlink()
        broken.clear()
        server.forget()
        made.run()
    assert times_asked(server) == {**dict.fromkeys(range(ROWS_AGAIN), 1), 20: 1}


def test_asked_twice_it_is_asked_about_every_row_twice(tmp_path: Path) -> None:
    def wavering(asked: Asked) -> None:
        row = row_of(asked)
        again = seen[row] > 0
        seen[row] += 1
        asked.reply(reply_of(json.dumps({"score": 0.9 if again and row % 8 == 0 else 0.1})))

    seen: Counter[int] = Counter()
    with chatting(wavering) as server:
        made = Made(tmp_path / "run", server.url)
        plan = made.folder / "plan.toml"
        plan.write_text(
            plan.read_text(encoding="utf-8").replace("[scoring]", "[scoring]\nrepeat = 2"), encoding="utf-8"
        )
        _, shown = made.run(scope=Scope.DETAILS)
    assert set(times_asked(server).values()) == {2}
    everyone = shown["further"]["self_disagreement"][0]
    assert (everyone["answered"], everyone["decisions_differ"]) == (ROWS, ROWS // 8)
