"""The promises of a detector that follows the protocol, and the findings on each promise."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["kept", "broken", "not tested"]


class Promise(enum.StrEnum):
    """A sentence of `audit.detectors.protocol` that can be tested, by a short name."""

    API_VERSION = "api_version"
    """`api_version` is the version of the protocol that this audit7k knows."""
    OPENS = "opens"
    """`open` returns; and the class makes a new detector each time."""
    INFO = "info"
    """`info` is complete after `open`, of the right types, and stays the same but for its course."""
    DIGEST = "digest"
    """`artefact_sha256` is a SHA-256 in small hexadecimal letters, or None; a digest that is whole is not None."""
    NEEDS = "needs"
    """`info.needs` names columns of the batch and no others."""
    WORKERS = "workers"
    """`workers`, where there is one, is a whole number from 1 to 64; `retries` one from 0."""
    ANSWERS = "answers"
    """`score` returns for the rows of the example, and some row has an answer or an abstention."""
    SCHEMA = "schema"
    """An answer is a RecordBatch with the schema of `answer_schema()`."""
    ROWS = "rows"
    """An answer has the ids of the batch, in its order."""
    WORDS = "words"
    """Statuses and reasons are of the closed lists; every row has a status; a row that is `ok` has no reason."""
    SCORES = "scores"
    """A row that is `ok`, and no other, has a score: finite and in range; a decision is 0 or 1."""
    SHORT_BATCHES = "short_batches"
    """A batch with fewer rows than `batch_size`, down to a single one, is answered like any other."""
    SAME_AGAIN = "same_again"
    """Where `deterministic` says so, the same batch gets the same bits."""
    ANY_CUT = "any_cut"
    """Answers do not depend, beyond a tolerance, on how rows are cut into batches."""
    ROW_IDS = "row_ids"
    """Answers do not depend on `row_id`."""
    BATCH_UNCHANGED = "batch_unchanged"
    """The batch is not changed."""
    EMPTY_CELLS = "empty_cells"
    """A batch with empty cells is answered, or refused with DetectorError."""
    ANY_TEXT = "any_text"
    """A batch with awkward texts is answered, or refused with DetectorError."""
    FOLDER = "folder"
    """In a folder that does not exist `open` works, or raises DetectorError."""
    CLOSES = "closes"
    """`close` returns: after the run, when called again, after an error, and where `open` was never called."""
    LEFT_BEHIND = "left_behind"
    """After `close` no thread and no child process is left."""
    AT_ONCE = "at_once"
    """Where `workers` says so, several calls of `score` at once answer as one after the other."""
    CLOSE_ENDS_CALLS = "close_ends_calls"
    """Where there are several `workers`, `close` makes calls of `score` return that are on their way."""
    DISCLOSES_NOTHING = "discloses_nothing"
    """No cell of a row is in an error, in `info`, in a log record, or in what is printed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding on one promise."""

    promise: Promise
    outcome: Outcome
    words: tuple[str, ...] = ()
    """How it was broken, why it was not tested, or measurements. Never the content of a row."""


@dataclass(frozen=True, slots=True)
class ContractReport:
    """The findings on every promise, in the order of `Promise`."""

    findings: tuple[Finding, ...]
    cause: BaseException | None = None
    """The first error that the detector raised and should not. Its text is the detector's own."""

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings on broken promises."""
        return tuple(finding for finding in self.findings if finding.outcome == "broken")

    def of(self, promise: Promise) -> Finding:
        """The finding of one promise."""
        return next(finding for finding in self.findings if finding.promise is promise)

    def lines(self) -> list[str]:
        """A line for each promise, and indented lines with its words."""
        return _lines(self.findings)

    def raise_if_broken(self, *promises: Promise) -> None:
        """Raise AssertionError with a line for each broken promise, among `promises` or all."""
        broken = [finding for finding in self.broken if not promises or finding.promise in promises]
        if broken:
            raise AssertionError("\n".join(["the detector breaks its contract:", *_lines(broken)])) from self.cause


class Findings:
    """A collector of findings."""

    def __init__(self) -> None:
        self._broken: dict[Promise, list[str]] = {}
        self._notes: dict[Promise, list[str]] = {}
        self._seen: set[Promise] = set()
        self._cause: BaseException | None = None

    def hold(self, promise: Promise, holds: bool, words: str) -> bool:
        """Note that a promise was tested, and `words` if it is broken. Returns whether it holds."""
        self._seen.add(promise)
        if not holds and words not in self._broken.setdefault(promise, []):
            self._broken[promise].append(words)
        return holds

    def raised(self, promise: Promise, what: str, error: BaseException) -> None:
        """Note that a promise is broken by an error. The text of the error is not repeated."""
        self._cause = self._cause or error
        self.hold(promise, holds=False, words=f"{what} raised {type(error).__name__}")

    def note(self, promise: Promise, words: str) -> None:
        """Note something that breaks no promise."""
        if words not in self._notes.setdefault(promise, []):
            self._notes[promise].append(words)

    def report(self) -> ContractReport:
        """Make the report of all findings."""
        return ContractReport(tuple(self._finding(promise) for promise in Promise), self._cause)

    def _finding(self, promise: Promise) -> Finding:
        broken, notes = self._broken.get(promise, []), self._notes.get(promise, [])
        if broken:
            return Finding(promise, "broken", tuple(broken))
        return Finding(promise, "kept" if promise in self._seen else "not tested", tuple(notes))


def _lines(findings: Sequence[Finding]) -> list[str]:
    lines = []
    for finding in findings:
        lines.append(f"{finding.promise}: {finding.outcome}")
        lines += [f"    {words}" for words in finding.words]
    return lines
