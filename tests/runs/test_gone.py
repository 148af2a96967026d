"""A service or program that is gone ends the run, and the same command goes on: it never becomes a rate of a group."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from detectors.fault_server import Asked, FaultServer, serving
from made.leaping_clock import leap_over_waits
from made.runs import CANARY, Made, made_run

from audit.errors import DetectorError, DetectorGoneError, ResumeError, RunInterruptedError
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint

ROWS, BATCH = 400, 40


@pytest.fixture(autouse=True)
def _no_wait_for_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    leap_over_waits(monkeypatch)


def of_a_service(folder: Path, server: FaultServer, **more: Any) -> Made:
    """A run of ten batches that asks the service."""
    made = made_run(folder, ROWS)
    keys = {"timeout": 60, "try_timeout": 50, "workers": 2, **more}
    section = f"""kind = "http"
url = "{server.url}"
allow_local = true
answers_at = "predictions"
score_at = "score"
id_at = "row_id"
""" + "".join(f"{name} = {value}\n" for name, value in keys.items())
    plan = made.plan.read_text().replace('kind = "python"\nentry = "own_detector:score"\n', section)
    made.plan.write_text(plan.replace("batch_size = 40", "batch_size = 40\nmost_failed_batches = 3"))
    return made


class Service:
    """Answers, unless its batch is in `dead`."""

    def __init__(self, dead: set[int]) -> None:
        self.dead, self.asked = dead, Counter[int]()
        self.also_dead_after: int | None = None
        """Once this batch was asked about, nothing is answered any more."""
        self.turned = False
        """Whether it gives the opposite scores."""
        self.interrupts_at: int | None = None

    def __call__(self, asked: Asked) -> None:
        batch = asked.rows[0]["row_id"] // BATCH
        self.asked[batch] += 1
        if batch == self.interrupts_at:
            self.interrupts_at = None
            os.kill(os.getpid(), signal.SIGINT)
        if batch in self.dead or (self.also_dead_after is not None and self.asked[self.also_dead_after]):
            asked.drop()
        elif self.turned:
            scores = [{"row_id": row["row_id"], "score": 1.0 - row["row_id"] % 7 / 7} for row in asked.rows]
            asked.reply({"predictions": scores})
        else:
            asked.answer()


def failed(result: dict[str, Any]) -> int:
    return int(next(account["failed"] for account in result["rows"] if not account["group"]))


def without_address(result: dict[str, Any]) -> dict[str, Any]:
    """Two servers have two ports. How often a service had to be asked stands in the provenance."""
    return {**result, "system": {**result["system"], "name": None}, "plan": None, "plan_as_asked": None}


def test_a_service_that_dies_costs_no_row_its_answer(tmp_path: Path) -> None:
    with serving(Service(set())) as living:
        whole = of_a_service(tmp_path / "whole", living).run()
    service = Service({4, 5, 6, 7, 8, 9})
    with serving(service) as server:
        made = of_a_service(tmp_path / "run", server)
        with pytest.raises(DetectorGoneError, match=r"3 batches in a row got no answer to any row \(no_connection 3\)"):
            made.run()
        # read-ahead may have begun all of the next ones, on a busy machine; none of them is kept
        assert [path.name for path in sorted((made.kept / "parts").glob("*.json"))] == [
            f"{n:06}.json" for n in range(4)
        ]
        with pytest.raises(DetectorGoneError):
            made.run()
        service.dead, service.asked = set(), Counter()
        went_on = made.run()
        # one of those that were kept is asked again, as no digest covers a service
        assert sorted(service.asked) == [0, 4, 5, 6, 7, 8, 9]
    assert went_on[0] == whole[0]
    assert failed(went_on[1]) == 0
    stretches = json.loads((made.kept / "course.json").read_text(encoding="utf-8"))["course"]
    assert len(stretches) == 2, "in the second nothing was scored"
    (first, *_), last = stretches.values()
    assert "got no reply that can be used: no_connection" in " ".join(next(iter(stretches.values())))
    assert first
    assert last == []
    assert without_address(went_on[1]) == without_address(whole[1])


def test_batches_that_fail_between_others_count_as_failed(tmp_path: Path) -> None:
    with serving(Service({2, 3, 5, 9})) as server:
        result = of_a_service(tmp_path / "run", server).run()[1]
    assert failed(result) == 4 * BATCH


def test_the_last_batches_count_as_failed_where_the_service_is_there(tmp_path: Path) -> None:
    """Also in a run that goes on: what is asked again of the batches that were kept shows that it is."""
    service = Service({4, 5, 6})
    with serving(service) as server:
        made = of_a_service(tmp_path / "run", server)
        with pytest.raises(DetectorGoneError):
            made.run()
        service.dead = {8, 9}
        assert failed(made.run()[1]) == 2 * BATCH


def test_the_last_batches_of_a_run_whose_service_is_gone_are_not_counted(tmp_path: Path) -> None:
    service = Service({8, 9})
    with serving(service) as server:
        made = of_a_service(tmp_path / "run", server, workers=1)
        checkpoint = Checkpoint(made.kept, commit_every=0.0)
        stop = RuntimeError("stop")

        class Stops:
            """Breaks the run off after the eighth batch."""

            def __init__(self) -> None:
                self.rows = 0

            def kept(self, rows: int) -> None:
                pass

            def stop_asked(self) -> bool:
                return False

            def begin(self, rows: int) -> None:
                pass

            def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
                self.rows += rows
                if self.rows == 8 * BATCH:
                    raise stop

            def end(self) -> None:
                pass

        with pytest.raises(RuntimeError, match="stop"):
            run_audit(made.plan, crosscheck=False, checkpoint=checkpoint, progress=Stops())
        service.dead = set(range(10))
        with pytest.raises(DetectorError):
            made.run()
        assert not (made.kept / "complete.json").exists()
        service.dead = set()
        assert failed(made.run()[1]) == 0


def test_a_service_that_dies_before_the_end_of_a_small_set_is_gone(tmp_path: Path) -> None:
    service = Service({8, 9})
    with serving(service) as server:
        made = of_a_service(tmp_path / "run", server, workers=1)  # two could ask about 8 before 7
        # it answers a batch that it answered before no more: 8 and 9 are not lost, it is dead
        service.also_dead_after = 8
        with pytest.raises(DetectorGoneError, match="2 batches in a row"):
            made.run()
        service.dead, service.also_dead_after = set(), None
        assert failed(made.run()[1]) == 0


def test_another_service_is_noticed_also_where_it_does_not_answer_at_first(tmp_path: Path) -> None:
    """What was kept is never mixed with the answers of another because one of its batches failed."""
    service = Service({4, 5, 6, 7, 8, 9})
    with serving(service) as server:
        made = of_a_service(tmp_path / "run", server)
        with pytest.raises(DetectorGoneError):
            made.run()
        service.dead, service.turned = {0}, True
        with pytest.raises(ResumeError):
            made.run()
        service.dead = {0, 1, 2, 3}
        with pytest.raises(DetectorGoneError, match="answers nothing of what it answered in an earlier run"):
            made.run()
        service.dead, service.turned = {0, 1}, False
        assert failed(made.run()[1]) == 0


def test_one_interrupt_is_enough_while_the_service_is_gone(tmp_path: Path) -> None:
    service = Service({4, 5, 6, 7, 8, 9})
    service.interrupts_at = 5
    with serving(service) as server:
        made = of_a_service(tmp_path / "run", server, workers=1)
        plan = made.plan.read_text(encoding="utf-8")
        made.plan.write_text(plan.replace("most_failed_batches = 3", "most_failed_batches = 50"), encoding="utf-8")
        with pytest.raises(RunInterruptedError, match=r"interrupted: 160 of 400 rows"):
            made.run()
    assert max(service.asked) <= 7


def test_a_token_that_runs_out_ends_the_run_and_another_goes_on(tmp_path: Path) -> None:
    valid = True

    def act(asked: Asked) -> None:
        if asked.rows[0]["row_id"] >= 4 * BATCH and not valid:
            asked.reply({"detail": CANARY}, 401)
        else:
            asked.answer()

    with serving(act) as server:
        made = of_a_service(tmp_path / "run", server, workers=1)
        valid = False
        with pytest.raises(DetectorError, match=r"the service does not let us in \(HTTP 401\)"):
            made.run()
        valid = True
        assert failed(made.run()[1]) == 0


def test_a_program_that_crashes_on_everything_ends_the_run(tmp_path: Path) -> None:
    made = made_run(tmp_path / "run", ROWS)
    program = made.folder / "program.py"
    program.write_text("import sys\nsys.stdin.readline()\nsys.exit(3)\n")
    section = f'kind = "command"\ncommand = ["{sys.executable}", "program.py"]\nmost_restarts = 50\n'
    plan = made.plan.read_text().replace('kind = "python"\nentry = "own_detector:score"\n', section)
    made.plan.write_text(plan)
    with pytest.raises(DetectorGoneError, match=r"5 batches in a row got no answer to any row \(crashed 5\)"):
        made.run()
    assert not made.kept.exists()
    answers = "import json, sys\nfor line in sys.stdin:\n    row = json.loads(line)['row_id']\n"
    program.write_text(answers + "    print(json.dumps({'row_id': row, 'score': 0.5}), flush=True)\n")
    assert failed(made.run()[1]) == 0


def test_nought_counts_them_all(tmp_path: Path) -> None:
    with serving(Service(set(range(1, 10)))) as server:
        made = of_a_service(tmp_path / "run", server)
        made.plan.write_text(made.plan.read_text().replace("most_failed_batches = 3", "most_failed_batches = 0"))
        assert failed(made.run()[1]) == 9 * BATCH
