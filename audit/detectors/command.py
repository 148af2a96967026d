"""`kind = "command"`: a program of the operator, asked row by row with JSON Lines on its standard input and output.

The program is started once and answers the whole run. A failure is counted and never guessed: rows that have an answer
keep it, the other rows of the batch fail with a status and a reason, and the program is started anew for the next
batch. docs/how-to/command.md states the protocol for the author of a program.

Write the lines for a program under audit: one row a line, as JSON.

    {"row_id": 17, "features": {"text": "...", "pay": 7.5}}

A line is pure ASCII. Every other character is an escape, so that no program can read it in a wrong encoding. Null is
null. Text, truth values and whole numbers of any size are exact. A floating-point number is the shortest text that
reads as the same double. A date is its ISO text, and a decimal number its digits as text.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from audit.detectors.command_process import Ending, Program
from audit.detectors.command_reply import Reply
from audit.detectors.command_setup import check_platform, find_program, program_digest, program_environment
from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, Reason, RunContext, Status
from audit.errors import DetectorError
from audit.plan.detectors import CommandDetector as CommandSection
from audit.vocabulary.text import shown

GRACE: Final = 5.0
"""Seconds in which a program may end by itself once its input is closed."""


class CommandDetector:
    """A program that is run over the batches."""

    api_version = API_VERSION

    def __init__(self, section: CommandSection, folder: Path) -> None:
        self._section = section
        self._folder = folder.resolve()
        self._name = shown(Path(section.command[0]).name)
        self._command: tuple[str, ...] = ()
        self._environment: dict[str, str] = {}
        self._context: RunContext | None = None
        self._program: Program | None = None
        self._lines: RowLines | None = None
        self._asking = False
        self._endings: Counter[Ending] = Counter()
        self._restarts = 0
        self._skipped = 0
        self._sha256: str | None = None
        self._files = 0

    @property
    def info(self) -> DetectorInfo:
        """Name of the program, digest of its files, and notes on its failures."""
        return DetectorInfo(
            name=self._name,
            kind="command",
            artefact_sha256=self._sha256,
            deterministic=False,
            needs=self._section.features,
            notes=(
                f"Files that the digest covers: {self._files} (the program, and every argument that names one).",
                "The numerical libraries that the program uses were asked to use one thread.",
            ),
            course=tuple(self._course_notes()),
        )

    @property
    def retries(self) -> int:
        """Number of restarts of the program."""
        return self._restarts

    def open(self, ctx: RunContext) -> None:
        """Start the program. Raises DetectorError, in one line, if that fails."""
        check_platform()
        self._context = ctx
        self._environment = program_environment(self._section.environment)
        program = find_program(self._section.command[0], self._folder, self._environment.get("PATH", os.defpath))
        self._command = (program, *self._section.command[1:])
        self._sha256, self._files = program_digest(self._command, self._folder)
        self._lines = RowLines()
        self._program = self._start()

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask the program for one batch. Raises DetectorError if it was restarted too often."""
        assert self._context is not None  # noqa: S101 - the harness opens before it scores
        assert self._lines is not None  # noqa: S101
        if self._program is None:
            self._program = self._start_anew()
        reply = Reply(batch.column(ROW_ID).to_pylist(), self._context.answers, self._context.classes)
        self._asking = True
        ending = self._program.ask(self._lines.chunks(batch), reply, self._section.start_timeout, self._section.timeout)
        self._asking = False
        if ending is not None:
            self._fail_rest(reply, ending)
            self._end_program(0.0)
        return reply.checked(self._context.score_range).batch(batch.column(ROW_ID))

    def close(self) -> None:
        """End the program and all that it started. Its exit code is ignored, because every row is accounted for."""
        self._end_program(0.0 if self._asking else GRACE)

    def _start(self) -> Program:
        try:
            return Program(self._command, self._folder, self._environment, self._section.longest_line)
        except OSError as error:
            why = type(error).__name__ if error.errno is None else os.strerror(error.errno)
            raise DetectorError(f"the program {self._name} cannot be started: {why}", slug="command-start") from None

    def _start_anew(self) -> Program:
        if self._restarts >= self._section.most_restarts:
            raise DetectorError(
                f"the program {self._name} keeps failing: it {self._counted_endings()}", slug="command-keeps-failing"
            )
        self._restarts += 1
        return self._start()

    def _fail_rest(self, reply: Reply, ending: Ending) -> None:
        """Let the rows fail that the program did not answer before it had to be ended."""
        self._endings[ending] += 1
        if ending is Ending.TIMEOUT:
            reply.fail_rest(Status.TIMEOUT, None)
        elif ending is Ending.CRASHED:
            reply.fail_rest(Status.ERROR, Reason.CRASHED)
        elif ending is Ending.TOO_LARGE:
            reply.fail_rest(Status.INVALID_OUTPUT, Reason.TOO_LARGE)

    def _end_program(self, grace: float) -> None:
        program, self._program = self._program, None
        if program is not None:
            self._skipped += program.skipped
            program.end(grace)

    def _counted_endings(self) -> str:
        return ", ".join(f"{ending.value} ({count})" for ending, count in self._endings.items())

    def _course_notes(self) -> list[str]:
        notes = []
        if self._endings:
            notes.append(f"Failures of the program: it {self._counted_endings()}. Restarts: {self._restarts}.")
        skipped = self._skipped + (0 if self._program is None else self._program.skipped)
        if skipped:
            notes.append(f"Lines that the program wrote before its first answer, which were skipped: {skipped}.")
        if self._lines is not None and self._lines.not_finite:
            notes.append(
                f"Values of features that were NaN or infinite, and given as null: {self._lines.not_finite}. "
                "JSON has no such numbers."
            )
        return notes


CHUNK_ROWS: Final = 256
"""Rows that become lines at a time: the lines of a whole batch can be far larger than the batch."""

NULL: Final = "null"


class RowLines:
    """A writer of lines that counts the numbers that JSON cannot write."""

    def __init__(self) -> None:
        self.not_finite = 0
        """Number of values so far that were NaN or infinite, and were written as null."""

    def chunks(self, batch: pa.RecordBatch) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of a batch, a few hundred rows at a time.

        Yields
        ------
        rows : int
            Number of rows in this chunk and in the chunks before it.
        lines : bytes

        Raises
        ------
        DetectorError
            A column has a type without a form in JSON. Raised before the first chunk.
        """
        names = [name for name in batch.schema.names if name != ROW_ID]
        columns = [_plain(batch.column(name), name) for name in names]
        writers = [self._writer(column.type) for column in columns]
        keys = ", ".join(encode_basestring_ascii(name).replace("%", "%%") + ": %s" for name in names)
        template = f'{{"{ROW_ID}": %d, "features": {{{keys}}}}}\n'
        ids = batch.column(ROW_ID)
        for start in range(0, batch.num_rows, CHUNK_ROWS):
            cells = [
                [NULL if value is None else write(value) for value in column.slice(start, CHUNK_ROWS).to_pylist()]
                for column, write in zip(columns, writers, strict=True)
            ]
            rows = zip(ids.slice(start, CHUNK_ROWS).to_pylist(), *cells, strict=True)
            lines = "".join([template % row for row in rows])
            yield min(start + CHUNK_ROWS, batch.num_rows), lines.encode("ascii")

    def _writer(self, kind: pa.DataType) -> Callable[[Any], str]:
        if pa.types.is_boolean(kind):
            return _truth
        if pa.types.is_floating(kind):
            return self._number
        if pa.types.is_integer(kind) or pa.types.is_null(kind):
            return str
        return encode_basestring_ascii

    def _number(self, value: float) -> str:
        if math.isfinite(value):
            return repr(value)
        self.not_finite += 1
        return NULL


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _plain(column: pa.Array, name: str) -> pa.Array:
    """Convert a column to null, bool, integer, double or string. Raises DetectorError for any other type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if pa.types.is_decimal(kind):
        return column.cast(pa.string())
    as_it_is = (pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_string)
    if any(is_it(kind) for is_it in (*as_it_is, pa.types.is_large_string, pa.types.is_string_view)):
        return column
    raise DetectorError(
        f"the column {shown(name)} has the type {shown(str(kind))}, which a program cannot be given",
        slug="command-feature-type",
    )
