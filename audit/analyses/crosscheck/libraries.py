"""The libraries that are asked: each in this process, or all in a program of their own beside what this one works out.

The program is `python -m audit.analyses.crosscheck`. It reads a question and writes the answers as JSON. A question has
the keys `metrics`, `tables`, `rests` and `rows`:

- A rate is its name, or an object with `name`, `numerator` and `denominator`, lists of cells.
- A table has `group` and `rest`, the sums of weights of a group and of everyone else: three pairs (positive, negative,
  unlabelled) of flagged and not flagged.
- `rests` is the number of tables, the first ones, whose differences and ratios fairlearn is asked for.
- Rows have `label` and `decision`, a character for each case: `1`, `0`, and `-` for no label.

An answer has `name`, and either `no_answer`, the reason, or `tables` and `rows`. A number that is not stated is null;
one without bound is the text `inf`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from threading import Thread
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from audit.analyses.crosscheck import rates_aif360, rates_fairlearn
from audit.analyses.crosscheck.questions import Answers, Rows, SmallArray, Tables
from audit.operating_system import POSIX, python_arguments, run_module
from audit.stats.arrays import FloatArray
from audit.vocabulary.metrics import METRICS, Cell, Metric, MetricName, Worse

LIBRARIES: Final[tuple[ModuleType, ...]] = (rates_fairlearn, rates_aif360)
"""Libraries that are asked, each a module with `DISTRIBUTION`, `VERSIONS`, `answers` and `row_rates`."""

Silence = Literal["absent", "version", "broken"]
"""Reason why a library has no answer: it is not installed, is of a version that nobody has tried, or broke off."""


class Question(NamedTuple):
    """Tables and rows that every library is asked about."""

    tables: Tables
    metrics: Sequence[Metric]
    rests: int
    """Number of tables, the first ones, whose differences and ratios are asked for by a library that is slow."""
    rows: Sequence[Rows]
    """Single cases of some groups."""


class Answer(NamedTuple):
    """Numbers of one library."""

    name: str
    """Its name with its version."""
    of_tables: Answers
    of_rows: list[dict[MetricName, float]]


class NoAnswer(NamedTuple):
    """A library without an answer."""

    name: str
    """Its name, with its version where it is of another one."""
    reason: Silence


NO_TABLES: Final = Tables(np.zeros((0, 3, 2)), np.zeros((0, 3, 2)))


def ask(question: Question) -> list[Answer | NoAnswer]:
    """Ask each of `LIBRARIES` in this process, which loads them."""
    return [_answer(library, question) for library in LIBRARIES]


def _answer(library: ModuleType, question: Question) -> Answer | NoAnswer:
    try:
        name = f"{library.DISTRIBUTION} {version(library.DISTRIBUTION)}"
    except PackageNotFoundError:
        return NoAnswer(library.DISTRIBUTION, "absent")
    if not is_known(name.partition(" ")[2], library.VERSIONS):
        return NoAnswer(name, "version")
    try:
        of_tables = library.answers(question.tables, question.metrics, question.rests)
        return Answer(name, of_tables, library.row_rates(question.rows, question.metrics))
    except Exception:  # whatever breaks in another library, the audit stands on its own numbers, and says so
        return NoAnswer(library.DISTRIBUTION, "broken")


def is_known(installed: str, versions: tuple[str, str]) -> bool:
    """Whether a version is at least the first of `versions` and before the second, by their numbers alone."""
    least, before = (_numbers(text) for text in versions)
    return least <= _numbers(installed) < before


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", text)[:2])


_CHARACTERS: Final = "-01"
"""Characters of -1, 0 and 1."""


def question_as_json(question: Question) -> bytes:
    """Write a question."""
    groups, rests = (side.tolist() for side in question.tables)
    return _as_json(
        {
            "metrics": [_named(metric) for metric in question.metrics],
            "tables": [{"group": group, "rest": others} for group, others in zip(groups, rests, strict=True)],
            "rests": question.rests,
            "rows": [{"label": _text(rows.label), "decision": _text(rows.decision)} for rows in question.rows],
        }
    )


def question_of_json(text: bytes) -> Question:
    """Read a question. Raises ValueError, KeyError or TypeError where it is none."""
    content = json.loads(text)
    sides = (np.array([table[side] for table in content["tables"]], dtype=np.float64) for side in ("group", "rest"))
    return Question(
        Tables(*(side.reshape(-1, 3, 2) for side in sides)),
        tuple(map(_metric, content["metrics"])),
        content["rests"],
        [Rows(_values(rows["label"]), _values(rows["decision"])) for rows in content["rows"]],
    )


def _named(metric: Metric) -> str | dict[str, Any]:
    if metric.name in METRICS:
        return metric.name
    return {"name": metric.name, "numerator": list(metric.numerator), "denominator": list(metric.denominator)}


def _metric(named: str | Mapping[str, Any]) -> Metric:
    if isinstance(named, str):
        return METRICS[named]
    numerator, denominator = (tuple(map(Cell, named[key])) for key in ("numerator", "denominator"))
    return Metric(named["name"], numerator, denominator, Worse.NOT_JUDGED, 0.5, "", "", "", "", "")


def answers_as_json(answers: Sequence[Answer | NoAnswer]) -> bytes:
    """Write the answer, or the reason for none, of every library."""
    return _as_json([_written(answer) for answer in answers])


def answers_of_json(text: bytes) -> list[Answer | NoAnswer]:
    """Read the answers of the libraries. Raises ValueError, KeyError or TypeError where they are none."""
    return [_read(answer) for answer in json.loads(text)]


def _written(answer: Answer | NoAnswer) -> dict[str, Any]:
    if isinstance(answer, NoAnswer):
        return {"name": answer.name, "no_answer": answer.reason}
    rates, differences, ratios, beside_rest = answer.of_tables
    return {
        "name": answer.name,
        "tables": {
            "rates": _by_metric(rates),
            "differences": _by_metric(differences),
            "ratios": _by_metric(ratios),
            "beside_rest": beside_rest.tolist(),
        },
        "rows": [{metric: _stated(value) for metric, value in rates.items()} for rates in answer.of_rows],
    }


def _read(answer: Mapping[str, Any]) -> Answer | NoAnswer:
    if "no_answer" in answer:
        return NoAnswer(answer["name"], answer["no_answer"])
    tables = answer["tables"]
    rates, differences, ratios = (
        {metric: np.array([_number(value) for value in values]) for metric, values in tables[part].items()}
        for part in ("rates", "differences", "ratios")
    )
    of_tables = Answers(rates, differences, ratios, np.array(tables["beside_rest"], dtype=np.bool_))
    of_rows = [{metric: _number(value) for metric, value in rates.items()} for rates in answer["rows"]]
    return Answer(answer["name"], of_tables, of_rows)


def _as_json(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False).encode("ascii")


def _by_metric(values: Mapping[Any, FloatArray]) -> dict[str, list[float | str | None]]:
    return {metric: [_stated(value) for value in column.tolist()] for metric, column in values.items()}


def _stated(value: float) -> float | str | None:
    if np.isnan(value):
        return None
    return str(value) if np.isinf(value) else value


def _number(value: float | str | None) -> float:
    return np.nan if value is None else float(value)


def _text(values: SmallArray) -> str:
    return np.frombuffer(_CHARACTERS.encode("ascii"), dtype=np.uint8)[values + 1].tobytes().decode("ascii")


def _values(text: str) -> SmallArray:
    characters = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    if not np.isin(characters, [ord(character) for character in _CHARACTERS]).all():
        raise ValueError(f"a case is one of the characters {_CHARACTERS}")
    return np.where(characters == ord("-"), -1, characters.astype(np.int16) - ord("0")).astype(np.int8)


PATIENCE: Final = 600.0
"""Seconds that answers are waited for. They take two to five on a laptop; a machine under load takes longer."""
GRACE: Final = 5.0
"""Seconds after which a program that does not end is killed."""


@dataclass(slots=True)
class SecondProcess:
    """The program that asks the libraries, started once and asked once."""

    program: subprocess.Popen[bytes] | None
    """None where it could not be started."""
    _written: list[bytes] = field(default_factory=list)
    _exchange: Thread | None = None

    def ask(self, question: Question) -> None:
        """Send the question, and do not wait for the answers."""
        if self.program is None:
            return
        # in a thread, because a pipe that nobody empties takes no more
        self._exchange = Thread(target=self._send, args=(self.program, question_as_json(question)), daemon=True)
        self._exchange.start()

    def answers(self) -> list[Answer | NoAnswer]:
        """Wait for what each library answers. One that says nothing within `PATIENCE` has no answer."""
        if self._exchange is not None:
            self._exchange.join(PATIENCE)
        with suppress(ValueError, KeyError, TypeError, AttributeError, IndexError):
            return answers_of_json(self._written[0])
        return [NoAnswer(library.DISTRIBUTION, "broken") for library in LIBRARIES]

    def end(self) -> None:
        """End the program if it still runs. It removes its files if it can."""
        if self.program is None:
            return
        if self._exchange is None and self.program.stdin is not None:
            with suppress(OSError):
                self.program.stdin.close()
        if POSIX:
            self.program.terminate()
        try:
            self.program.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.program.kill()
            self.program.wait()
        if self._exchange is not None:
            self._exchange.join()
        if self.program.stdout is not None:
            self.program.stdout.close()

    def _send(self, program: subprocess.Popen[bytes], question: bytes) -> None:
        with suppress(OSError, ValueError):
            self._written.append(program.communicate(question)[0])


@contextmanager
def second_process() -> Iterator[SecondProcess]:
    """Start the program, which loads the libraries at once, and end it with the block."""
    process = SecondProcess(_started())
    try:
        yield process
    finally:
        process.end()


def _started() -> subprocess.Popen[bytes] | None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}
    try:
        return subprocess.Popen(  # noqa: S603 - an argv list of our own, and never a shell
            [sys.executable, *python_arguments(run_module("audit.analyses.crosscheck.__main__"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # an interrupt at the keyboard is meant for the audit, which ends this
        )
    except (OSError, ValueError):  # a Python that is built into another program knows no path of its own
        return None
