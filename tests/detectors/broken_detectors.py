"""A sound detector, and detectors that each break one promise of the protocol."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from typing import Any

import pyarrow as pa

from audit.detectors.protocol import DetectorInfo, RunContext, Status, answer_batch
from audit.detectors.testing import Promise
from audit.errors import DetectorError

SPECIAL = "passport"
"""A text of the example."""
BROKEN: list[tuple[Promise, type[Sound]]] = []


class Sound:
    """Scores a text by its length, and abstains where there is none."""

    api_version: Any = 1
    name: Any = "the length of the text"
    sha256: Any = "0" * 64
    deterministic: Any = True
    needs: Any = ("text",)
    digest_is_whole: Any = False

    def __init__(self) -> None:
        self.notes: Any = ()
        self.course: Any = ()
        self.ctx: RunContext | None = None

    @property
    def info(self) -> DetectorInfo:
        return DetectorInfo(
            self.name,
            "sound",
            self.sha256,
            self.deterministic,
            self.needs,
            self.digest_is_whole,
            self.notes,
            self.course,
        )

    def open(self, ctx: RunContext) -> None:
        self.ctx = ctx

    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        return [None if text is None else min(len(text), 10) / 10 for text in batch["text"].to_pylist()]

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        values = self.values(batch)
        return answer_batch(batch["row_id"], values, [Status.ABSTAIN if v is None else Status.OK for v in values])

    def close(self) -> None:
        pass


def broken(promise: Promise, **attributes: Any) -> Any:
    """Note a class as one that breaks a promise; with attributes, a class that differs from the sound one by them."""

    def note(made: type[Sound]) -> type[Sound]:
        BROKEN.append((promise, made))
        return made

    if attributes:
        return note(type("_".join([str(promise), *attributes, str(len(BROKEN))]), (Sound,), attributes))
    return note


broken(Promise.API_VERSION, api_version=2)
broken(Promise.API_VERSION, api_version=None)
broken(Promise.INFO, name="")
broken(Promise.INFO, name=None)
broken(Promise.INFO, name="two\nlines")
broken(Promise.INFO, deterministic=1)
broken(Promise.INFO, needs=["text"])
broken(Promise.DIGEST, sha256="not a digest")
broken(Promise.DIGEST, sha256="A" * 64)
broken(Promise.DIGEST, sha256=None, digest_is_whole=True)
broken(Promise.NEEDS, needs=("text", "gender"))
broken(Promise.WORKERS, workers=0)
broken(Promise.WORKERS, workers=True)
broken(Promise.WORKERS, workers=65)
broken(Promise.WORKERS, retries=-1)
broken(Promise.WORKERS, retries="none")


@broken(Promise.OPENS)
class NeverOpens(Sound):
    def open(self, ctx: RunContext) -> None:
        raise DetectorError("no model", slug="x")


@broken(Promise.INFO)
class InfoRaises(Sound):
    @property
    def info(self) -> DetectorInfo:
        raise AttributeError


@broken(Promise.INFO)
class NotesOfTheRun(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.notes = ("batches so far: more",)
        return super().score(batch)


@broken(Promise.INFO)
class InfoChanges(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.sha256 = "1" * 64
        return super().score(batch)


@broken(Promise.ANSWERS)
class RaisesAlways(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        raise ValueError


@broken(Promise.ANSWERS)
class FailsAlways(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.num_rows
        return answer_batch(batch["row_id"], [None] * rows, [Status.ERROR] * rows)


def replaced(answer: pa.RecordBatch, name: str, values: Any) -> pa.RecordBatch:
    place = answer.schema.names.index(name)
    columns = [values if n == place else column for n, column in enumerate(answer.columns)]
    return pa.RecordBatch.from_arrays(columns, names=answer.schema.names)


def with_status(answer: pa.RecordBatch, batch: pa.RecordBatch, word: str | None) -> pa.RecordBatch:
    """The answer with another word for the row with the special text."""
    words = zip(batch["text"].to_pylist(), answer["status"].to_pylist(), strict=True)
    return replaced(
        answer, "status", pa.array([word if text == SPECIAL else former for text, former in words], pa.string())
    )


@broken(Promise.SCHEMA)
class ReturnsAList(Sound):
    def score(self, batch: pa.RecordBatch) -> Any:
        return self.values(batch)


@broken(Promise.SCHEMA)
class ReturnsATable(Sound):
    def score(self, batch: pa.RecordBatch) -> Any:
        return pa.Table.from_batches([super().score(batch)])


@broken(Promise.SCHEMA)
class SinglePrecision(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        answer = super().score(batch)
        return replaced(answer, "score", answer["score"].cast(pa.float32()))


@broken(Promise.SCHEMA)
class OneColumnMore(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return super().score(batch).append_column("text", batch["text"])


@broken(Promise.SCHEMA)
class NumbersForWords(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return replaced(super().score(batch), "status", pa.array([0] * batch.num_rows))


@broken(Promise.ROWS)
class LosesARow(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return super().score(batch).slice(0, max(1, batch.num_rows - 1))


@broken(Promise.ROWS)
class TurnsThemRound(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return super().score(batch).take(list(range(batch.num_rows))[::-1])


@broken(Promise.ROWS)
class CountsAnew(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return replaced(super().score(batch), "row_id", pa.array(range(batch.num_rows), pa.int64()))


@broken(Promise.WORDS)
class OwnStatus(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return with_status(super().score(batch), batch, "fine")


@broken(Promise.WORDS)
class NoStatus(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return with_status(super().score(batch), batch, None)


@broken(Promise.WORDS)
class FreeReason(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return replaced(super().score(batch), "reason", pa.array(["because"] * batch.num_rows))


@broken(Promise.WORDS)
class ReasonWithoutNeed(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return replaced(super().score(batch), "reason", pa.array(["crashed"] * batch.num_rows))


class Scores(Sound):
    """Gives score and status of class attributes to the row with the special text."""

    given: float | None = 0.0
    status = Status.OK

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        special = [text == SPECIAL for text in batch["text"].to_pylist()]
        pairs = [
            (self.given, self.status) if here else (value, Status.ABSTAIN if value is None else Status.OK)
            for here, value in zip(special, self.values(batch), strict=True)
        ]
        return answer_batch(batch["row_id"], [value for value, _ in pairs], [status for _, status in pairs])


for _number, _status in (
    (1.5, Status.OK),
    (-0.1, Status.OK),
    (float("nan"), Status.OK),
    (float("inf"), Status.OK),
    (None, Status.OK),
    (0.5, Status.ERROR),
    (0.5, Status.ABSTAIN),
):
    BROKEN.append((Promise.SCORES, type(f"Scores{_number}{_status}", (Scores,), {"given": _number, "status": _status})))


@broken(Promise.SHORT_BATCHES)
class WholeBatchesOnly(Sound):
    """Takes a shorter last batch, and no single row."""

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.num_rows == 1:
            raise IndexError
        return super().score(batch)


@broken(Promise.SAME_AGAIN)
class Forgets(Sound):
    calls = 0

    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        self.calls += 1
        return [None if value is None else value / self.calls for value in super().values(batch)]


@broken(Promise.ANY_CUT)
class ScalesByBatch(Sound):
    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        values = super().values(batch)
        largest = max((value for value in values if value is not None), default=1.0) or 1.0
        return [None if value is None else value / largest for value in values]


@broken(Promise.ANY_CUT)
class AbstainsAlone(Sound):
    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        return [None] if batch.num_rows == 1 else super().values(batch)


@broken(Promise.ROW_IDS)
class ScoresTheId(Sound):
    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        return [number % 7 / 7 for number in batch["row_id"].to_pylist()]


@broken(Promise.BATCH_UNCHANGED)
class WritesIntoTheBatch(Sound):
    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        answer = super().score(batch)
        texts = batch["text"].buffers()[2]
        if texts is not None and texts.size:
            ctypes.memset(texts.address, ord("z"), 1)
        return answer


@broken(Promise.EMPTY_CELLS)
class NoEmptyCells(Sound):
    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        return [min(len(text), 10) / 10 for text in batch["text"].to_pylist()]


@broken(Promise.ANY_TEXT)
class NoLongTexts(Sound):
    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        if any(len(text or "") > 10_000 for text in batch["text"].to_pylist()):
            raise ValueError
        return super().values(batch)


@broken(Promise.ANY_TEXT)
class ManyLines(Sound):
    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        if any(len(text or "") > 10_000 for text in batch["text"].to_pylist()):
            raise DetectorError("two\nlines", slug="x")
        return super().values(batch)


@broken(Promise.FOLDER)
class ReadsTheFolder(Sound):
    def open(self, ctx: RunContext) -> None:
        list(ctx.folder.iterdir())


@broken(Promise.CLOSES)
class ClosesOnce(Sound):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError
        self.closed = True


@broken(Promise.CLOSES)
class ClosesOnlyWhatWasOpened(Sound):
    def close(self) -> None:
        assert self.ctx is not None


@broken(Promise.LEFT_BEHIND)
class LeavesAThread(Sound):
    def open(self, ctx: RunContext) -> None:
        threading.Thread(target=time.sleep, args=(3,), daemon=True).start()


@broken(Promise.LEFT_BEHIND)
class LeavesAProcess(Sound):
    """The program ends when its input does, with the last detector: no test leaves one behind."""

    kept: list[Any] = []  # noqa: RUF012

    def open(self, ctx: RunContext) -> None:
        self.kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))


@broken(Promise.AT_ONCE)
class MixesCalls(Sound):
    workers = 4
    current: Any = None

    def values(self, batch: pa.RecordBatch) -> list[float | None]:
        self.current = super().values(batch)
        time.sleep(0.01)
        return [*self.current[: batch.num_rows], *[None] * (batch.num_rows - len(self.current))]


@broken(Promise.CLOSE_ENDS_CALLS)
class NeverLetsGo(Sound):
    """Three seconds are for ever: the test waits one."""

    workers = 2
    calls = 0
    lock = threading.Lock()

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        with self.lock:
            self.calls += 1
        if self.calls > 40:
            time.sleep(3)
        return super().score(batch)


class Discloses(Sound):
    """Lets `tell` do it with a text of the batch."""

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for text in batch["text"].to_pylist():
            self.tell(text or "")
        return super().score(batch)

    def tell(self, text: str) -> None:
        raise NotImplementedError


@broken(Promise.DISCLOSES_NOTHING)
class QuotesInAnError(Discloses):
    def tell(self, text: str) -> None:
        if "canary" in text:
            raise DetectorError(f"cannot read {text}", slug="x")


@broken(Promise.DISCLOSES_NOTHING)
class QuotesInACause(Discloses):
    def tell(self, text: str) -> None:
        if "canary" in text:
            try:
                float(text)
            except ValueError as error:
                raise DetectorError("a cell is no number", slug="x") from error


@broken(Promise.DISCLOSES_NOTHING)
class QuotesInAHint(Discloses):
    def tell(self, text: str) -> None:
        if "canary" in text:
            raise DetectorError("no number", slug="x", hint=text)


@broken(Promise.DISCLOSES_NOTHING)
class QuotesInItsCourse(Discloses):
    def tell(self, text: str) -> None:
        self.course = (f"last seen: {text}",)


@broken(Promise.DISCLOSES_NOTHING)
class Prints(Discloses):
    def tell(self, text: str) -> None:
        sys.stdout.write(text)


@broken(Promise.DISCLOSES_NOTHING)
class WritesToTheFile(Discloses):
    def tell(self, text: str) -> None:
        os.write(2, text.encode())


@broken(Promise.DISCLOSES_NOTHING)
class Logs(Discloses):
    def tell(self, text: str) -> None:
        logging.getLogger("mine").debug("seen: %s", text)


@broken(Promise.DISCLOSES_NOTHING)
class LogsInAField(Discloses):
    def tell(self, text: str) -> None:
        logging.getLogger("mine").info("seen one", extra={"arguments": {"text": text}})
