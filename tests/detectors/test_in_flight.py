"""Several batches are asked about at once, and everything else is as if it had been one after the other."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from audit.detectors.in_flight import AHEAD, MOST_WORKERS, InFlight, workers_of
from audit.detectors.protocol import DetectorInfo, RunContext, answer_batch
from audit.errors import DetectorError

CODE = (
    "import os, time\n"
    "from audit.detectors import in_flight\n"
    "in_flight._PATIENCE = 0.3\n"
    "def score(batch):\n"
    "    os.write(1, b'.')\n"
    "    time.sleep(3600)\n"
    "with in_flight.InFlight(score) as flight:\n"
    "    for _, _, answer in flight.ask(((n, n) for n in range(9)), 3):\n"
    "        answer()\n"
)


class Asked:
    """A detector that does what a test tells it to."""

    api_version = 1
    info = DetectorInfo("asked", "asked", None, deterministic=True, needs=())

    def __init__(self, do: Callable[[int], Any], workers: Any = 4) -> None:
        self.do, self.workers = do, workers
        self.threads: set[int] = set()
        self.begun: list[int] = []

    def open(self, ctx: RunContext) -> None: ...

    def close(self) -> None: ...

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        number = batch.column(0)[0].as_py()
        self.threads.add(threading.get_ident())
        self.begun.append(number)
        self.do(number)
        return answer_batch(batch.column(0), [number / 100] * batch.num_rows)


def batches(count: int, read: list[int] | None = None) -> Iterator[tuple[str, pa.RecordBatch]]:
    for number in range(count):
        if read is not None:
            read.append(number)
        yield f"key {number}", pa.record_batch({"row_id": pa.array([number], pa.int64())})


def scores(detector: Asked, count: int) -> list[tuple[str, float]]:
    with InFlight(detector.score) as flight:
        return [
            (key, answer()["score"][0].as_py()) for key, _, answer in flight.ask(batches(count), workers_of(detector))
        ]


def test_answers_come_in_order_however_long_each_takes() -> None:
    detector = Asked(lambda number: time.sleep(0.03 if number % 4 == 0 else 0.001))
    assert scores(detector, 40) == [(f"key {number}", number / 100) for number in range(40)]
    assert len(detector.threads) > 1
    assert threading.get_ident() not in detector.threads


def test_they_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=60)
    scores(Asked(lambda _: together.wait()), 8)


def test_a_detector_that_offers_nothing_is_called_as_before() -> None:
    detector = Asked(lambda _: None, workers=1)
    del detector.workers
    assert workers_of(detector) == 1
    read: list[int] = []
    with InFlight(detector.score) as flight:
        for place, (_, _, answer) in enumerate(flight.ask(batches(5, read), 1)):
            answer()
            assert read == detector.begun == list(range(place + 1))
    assert detector.threads == {threading.get_ident()}


def test_few_batches_are_held_however_many_there_are() -> None:
    held: weakref.WeakSet[Any] = weakref.WeakSet()

    class Row:
        """A batch that can be watched."""

    most = 0

    def read() -> Iterator[tuple[int, Any]]:
        nonlocal most
        for number in range(200):
            row = Row()
            held.add(row)
            most = max(most, len(held))
            yield number, row
            del row

    class Echo:
        def score(self, batch: Any) -> Any:
            return "answer"

    with InFlight(Echo().score) as flight:
        for _, batch, answer in flight.ask(read(), 4):
            assert answer() == "answer"
            del batch, answer
    gc.collect()
    assert not held
    assert most <= 4 + AHEAD + 6  # those that wait, that are being scored, and that are about to be dropped


@pytest.mark.parametrize("error", [ValueError("a"), DetectorError("b", slug="c"), SystemExit(0), TimeoutError()])
def test_an_error_surfaces_once_and_ends_the_asking(error: BaseException) -> None:
    def do(number: int) -> None:
        if number == 5:
            raise error
        time.sleep(0.005)

    detector = Asked(do)
    read: list[int] = []
    got, raised = [], []
    with pytest.raises(type(error)), InFlight(detector.score) as flight:  # noqa: PT012
        for key, _, answer in flight.ask(batches(1000, read), 4):
            try:
                answer()
            except BaseException as caught:
                raised.append(caught)
                raise
            got.append(key)
    assert raised == [error]
    assert got == [f"key {number}" for number in range(5)]
    assert len(read) < 20
    assert len(detector.begun) < 20


def test_the_earliest_of_several_errors_is_the_one_that_is_seen() -> None:
    def do(number: int) -> None:
        time.sleep(0.05 if number == 2 else 0.01)
        if number >= 2:
            raise ValueError(number)

    for _ in range(20):
        with pytest.raises(ValueError, match="2"):
            scores(Asked(do), 30)


def test_an_error_while_batches_are_read_goes_on_its_way() -> None:
    def read() -> Iterator[tuple[str, pa.RecordBatch]]:
        yield from batches(3)
        raise OSError("the file")

    with pytest.raises(OSError, match="the file"), InFlight(Asked(lambda _: None).score) as flight:  # noqa: PT012
        for _, _, answer in flight.ask(read(), 4):
            answer()


def test_the_threads_are_gone_afterwards() -> None:
    before = set(threading.enumerate())
    scores(Asked(lambda _: None), 9)
    assert not set(threading.enumerate()) - before  # those of an earlier test may end at any time


@pytest.mark.parametrize("workers", [0, -1, MOST_WORKERS + 1, 2.0, True, "4", None])
def test_an_impossible_number_of_workers(workers: object) -> None:
    with pytest.raises(DetectorError, match="no whole number from 1 to"):
        workers_of(Asked(lambda _: None, workers))


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupt_ends_it_though_calls_never_return(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"..."
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=240)
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in errors
    assert time.monotonic() - begun < 60  # a call takes an hour


def test_what_is_not_asked_about_keeps_its_turn() -> None:
    detector = Asked(lambda _: None)
    every = ((key, batch if number % 3 else None) for number, (key, batch) in enumerate(batches(20)))
    with InFlight(detector.score) as flight:
        found = [
            (key, None if batch is None else answer()["score"][0].as_py())
            for key, batch, answer in flight.ask(every, 4)
        ]
    assert found == [(f"key {number}", number / 100 if number % 3 else None) for number in range(20)]
    assert sorted(detector.begun) == [number for number in range(20) if number % 3]
