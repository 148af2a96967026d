"""One life of a detector under test: it is made, opened, asked and closed, and every step is noted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from audit.detectors.protocol import API_VERSION, Answers, Detector, DetectorInfo, RunContext
from audit.detectors.testing.answer_checks import Answer, read_answer
from audit.detectors.testing.made_batches import batch_bytes
from audit.detectors.testing.promises import Findings, Promise
from audit.errors import AuditError

MOST_WORKERS: Final = 64
"""Most workers that the harness allows."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
RAISED: Final = (Exception, SystemExit)
"""Errors of a detector. SystemExit too: the harness treats it as an error."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The detector under test, its rows and the limits of the tests."""

    make: Callable[[], Detector]
    features: pa.RecordBatch
    answers: Answers
    classes: tuple[str, ...]
    score_range: tuple[float, float]
    batch_size: int
    folder: Path
    tolerance: float
    """Largest difference of scores that need not be the same bits."""
    patience: float
    """Seconds in which threads, processes and calls must end."""

    def context(self, batch_size: int | None = None) -> RunContext:
        """The context in which the detector is opened."""
        return RunContext(
            folder=self.folder,
            columns=tuple(self.features.schema.names),
            answers=self.answers,
            score_range=self.score_range,
            batch_size=batch_size or self.batch_size,
            classes=self.classes,
        )


class Session:
    """A detector that is opened, asked and closed."""

    def __init__(self, setting: Setting, findings: Findings, batch_size: int | None = None) -> None:
        self.findings = findings
        self.ctx = setting.context(batch_size)
        self.detector = setting.make()
        self.is_open = False

    def open(self) -> bool:
        """Open the detector. Returns False if it raises."""
        try:
            self.detector.open(self.ctx)
        except RAISED as error:
            self.findings.raised(Promise.OPENS, "`open`", error)
            self.close("after `open` failed")
            return False
        self.is_open = True
        return self.findings.hold(Promise.OPENS, holds=True, words="")

    def ask(self, batch: pa.RecordBatch, where: str, promise: Promise = Promise.ANSWERS) -> Answer | None:
        """Ask about a batch and check the answer. Without an answer it returns None, and `promise` is broken."""
        before = batch_bytes(batch)
        try:
            returned = self.detector.score(batch)
        except RAISED as error:
            self.findings.raised(promise, f"{where}: `score`", error)
            return None
        self.findings.hold(promise, holds=True, words="")
        unchanged = batch_bytes(batch) == before
        self.findings.hold(Promise.BATCH_UNCHANGED, unchanged, f"{where}: the batch holds other values than before")
        return read_answer(returned, batch, self.ctx, self.findings, where)

    def ask_all(self, batches: Sequence[pa.RecordBatch], where: str, promise: Promise) -> list[Answer] | None:
        """Ask about batch after batch. Returns None if one of them gets no answer."""
        answers = []
        for number, batch in enumerate(batches, start=1):
            answer = self.ask(batch, f"{where}, batch {number} of {len(batches)}", promise)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    def ask_or_refuse(self, batch: pa.RecordBatch, where: str, promise: Promise | None) -> AuditError | None:
        """Ask about a batch that may be refused. Returns the refusal. Without a promise any error is allowed."""
        try:
            returned = self.detector.score(batch)
        except AuditError as error:
            if promise is not None:
                self.findings.hold(promise, "\n" not in str(error), f"{where}: the error is more than one line")
                self.findings.note(promise, f"{where}: refused with {type(error).__name__}, which ends the run")
            return error
        except RAISED as error:
            if promise is not None:
                self.findings.raised(promise, f"{where}: `score`", error)
            return None
        if promise is not None:
            self.findings.hold(promise, holds=True, words="")
            read_answer(returned, batch, self.ctx, self.findings, where)
        return None

    def close(self, when: str) -> None:
        """Close the detector."""
        self.is_open = False
        try:
            self.detector.close()
        except RAISED as error:
            self.findings.raised(Promise.CLOSES, f"{when}: `close`", error)
        else:
            self.findings.hold(Promise.CLOSES, holds=True, words="")

    @property
    def workers(self) -> int:
        """Number of calls of `score` that may run at once; 1 if the attribute is invalid."""
        workers = getattr(self.detector, "workers", 1)
        return workers if type(workers) is int and 1 <= workers <= MOST_WORKERS else 1

    def check_itself(self) -> DetectorInfo | None:
        """Check the attributes and `info` of an open detector."""
        findings, version = self.findings, getattr(self.detector, "api_version", None)
        findings.hold(Promise.API_VERSION, version == API_VERSION, f"api_version is not {API_VERSION}")
        for name, least in (("workers", 1), ("retries", 0)):
            number = getattr(self.detector, name, least)
            most = MOST_WORKERS if name == "workers" else None
            right = type(number) is int and least <= number <= (most or number)
            words = f"`{name}` is no whole number from {least}" + (f" to {most}" if most else "")
            findings.hold(Promise.WORKERS, right, words)
        return self.read_info()

    def read_info(self) -> DetectorInfo | None:
        """Read and check `info`. Returns None if it is no DetectorInfo."""
        try:
            info = self.detector.info
        except RAISED as error:
            self.findings.raised(Promise.INFO, "`info`", error)
            return None
        if not self.findings.hold(Promise.INFO, isinstance(info, DetectorInfo), "`info` is no DetectorInfo"):
            return None
        self._check_info(info)
        return info

    def check_info_again(self, first: DetectorInfo | None) -> None:
        """Check that `info` has not changed after the last batch, except its course."""
        last = self.read_info()
        if first is not None and last is not None:
            same = replace(first, course=()) == replace(last, course=())
            self.findings.hold(Promise.INFO, same, "`info` says something else after the last batch, beside its course")

    def _check_info(self, info: DetectorInfo) -> None:
        hold = self.findings.hold
        for name in ("name", "kind"):
            value = getattr(info, name)
            one_line = isinstance(value, str) and bool(value.strip()) and "\n" not in value
            hold(Promise.INFO, one_line, f"info.{name} is no text of one line")
        for name in ("deterministic", "digest_is_whole"):
            hold(Promise.INFO, type(getattr(info, name)) is bool, f"info.{name} is neither True nor False")
        for name in ("needs", "notes", "course"):
            lines: Any = getattr(info, name)
            texts = isinstance(lines, tuple) and all(isinstance(line, str) for line in lines)
            hold(Promise.INFO, texts, f"info.{name} is no tuple of texts")
        sha256: Any = info.artefact_sha256
        right = sha256 is None or (isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None)
        hold(Promise.DIGEST, right, "info.artefact_sha256 is neither None nor 64 hexadecimal digits in small letters")
        covers = not (info.digest_is_whole and sha256 is None)
        hold(Promise.DIGEST, covers, "info.digest_is_whole is True, and there is no digest")
        needs: Any = info.needs
        surplus = sum(name not in self.ctx.columns for name in needs) if isinstance(needs, tuple) else 0
        hold(Promise.NEEDS, surplus == 0, f"info.needs names {surplus} columns that are not in the batch")


def error_texts(error: BaseException) -> str:
    """All texts of an error and of the causes that a traceback would show."""
    texts = []
    shown: BaseException | None = error
    while shown is not None:
        texts.append(f"{shown!s}{shown!r}{getattr(shown, 'hint', '')}")
        shown = shown.__cause__ if shown.__cause__ or shown.__suppress_context__ else shown.__context__
    return "\n".join(texts)
