"""Ask a language model about each row, several rows of a batch at once, and report how that went.

A row without an answer fails by itself, with a status and a reason. The run ends only if no later request could
succeed; see `audit.detectors.http_service.asker`.

Count the model names in the replies, so that a change of the model during the audit is seen.

The names are text of a third party, which has just read a case. A name is shown only if it is the name in the plan,
alone or followed by a date or version. Any other name, and every state, is numbered. Not even a digest of it is shown,
because the digest of a telephone number is as good as the number.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.detectors.chat.prompt import RequestWriter
from audit.detectors.chat.reply import RowAnswer, read_reply
from audit.detectors.extras import import_extra
from audit.detectors.http_service.asker import Asker
from audit.detectors.http_service.service import ServiceClient
from audit.detectors.in_flight import InFlight
from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, RunContext, Status, answer_batch
from audit.detectors.row_cache import Kept, RowCache, row_key
from audit.plan.services import ChatDetector as ChatSection
from audit.vocabulary.text import first_of, shown

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.chat.prompt import RowRequest


_VERSION: Final = re.compile(r"[-@:](20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4}|v?[0-9]{1,3}(\.[0-9]{1,3}){0,2}|latest)")
"""Suffixes that may follow the name in the plan: 2024-08-06, 0613, v1.2, latest."""
_SHOWN: Final = 5
_BETWEEN: Final = "\t"
_HIDDEN: Final = "hidden-"


def model_and_state(model: str | None, fingerprint: str | None, *, plan_model: str) -> str:
    """Join the model that a reply names, a tab, and its state. A part that cannot be shown is replaced by a digest.

    For the kept answers of a run, which are as restricted as the run, and for `notes_on_models`.

    Parameters
    ----------
    model, fingerprint : str or None
        The model and its state in the reply.
    plan_model : str
        The model that the plan names.
    """
    name = model or ""
    right = name.startswith(plan_model) and (
        name == plan_model or _VERSION.fullmatch(name[len(plan_model) :]) is not None
    )
    return f"{shown(name) if right else _hidden(name)}{_BETWEEN}{_hidden(fingerprint or '')}"


def _hidden(text: str) -> str:
    return f"{_HIDDEN}{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}" if text else ""


def notes_on_models(counts: Mapping[str, int]) -> list[str]:
    """Notes for the reader on the models that answered; `counts` has the results of `model_and_state`."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked:
        return []
    pairs = [name.split(_BETWEEN) for name, _ in ranked]
    models, states = (_numbers([pair[part] for pair in pairs]) for part in (0, 1))
    descriptions = []
    for (model, state), (_, count) in zip(pairs, ranked, strict=True):
        label = f"another name (no. {models[model]})" if model in models else model or "a model without a name"
        how = f" in state no. {states[state]}" if state else ""
        descriptions.append(f"{label}{how} ({count})")
    notes = [f"Who answered, as the replies say: {first_of(descriptions, _SHOWN)}."]
    if len(ranked) > 1:
        notes.append("They name more than one model, or state of one: the answers are not those of one detector.")
    return notes


def _numbers(names: Sequence[str]) -> dict[str, int]:
    """Number hidden names from 1, the most frequent first."""
    hidden = dict.fromkeys(name for name in names if name.startswith(_HIDDEN))
    return {name: number for number, name in enumerate(hidden, start=1)}


_ANSWERED = frozenset({Status.OK, Status.ABSTAIN})


class ChatDetector(ServiceClient):
    """A language model that is asked about the rows, several at a time."""

    api_version = API_VERSION

    def __init__(self, section: ChatSection, folder: Path) -> None:  # noqa: ARG002 - every detector is made so
        super().__init__(section)
        self._section = section
        self._writer: RequestWriter | None = None
        self._sha256: str | None = None
        self._rows: InFlight[RowRequest, RowAnswer] | None = None
        self._cache: RowCache | None = None
        self._unkept = False
        self._tally = Tally()

    @property
    def info(self) -> DetectorInfo:
        """Name and address of the model. The digest covers the words of the plan, not the model behind the service."""
        name = shown(self._section.model)
        return DetectorInfo(
            name=name if self._asker is None else f"{name} at {self._asker.name}",
            kind="chat",
            artefact_sha256=self._sha256,
            deterministic=False,
            needs=self._section.features,
            notes=tuple(self._notes()),
            course=tuple(self._course_notes()),
        )

    def open(self, ctx: RunContext) -> None:  # noqa: ARG002 - the plan says the same
        """Look the service up and read the secrets. Nothing is sent yet. Raises DetectorError."""
        import_extra("httpcore2", kind="chat", extra="http")

        self._asker = Asker(self._section)
        self._writer = RequestWriter(self._section)
        self._sha256 = self._writer.sha256

    def remember(self, file: Path | None) -> None:
        """From now on read answers from `file`, and keep new ones there row by row; with None keep nothing."""
        if self._cache is not None:
            self._cache.close()
            self._unkept = self._unkept or self._cache.broken
        self._cache = None if file is None else RowCache(file)
        self._tally.turn_to(file, {} if self._cache is None else self._cache.sources())

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask about one batch. Raises DetectorError if the run cannot go on."""
        assert self._writer is not None  # noqa: S101 - the harness opens before it scores
        requests = self._writer.requests(batch)
        self._rows = InFlight(self._answer)
        pending = self._rows.ask(enumerate(requests), self._section.workers, ahead=len(requests))
        answers = [answer() for _, _, answer in pending]
        self._rows.leave()
        return answer_batch(
            batch.column(ROW_ID),
            [answer.score for answer in answers],
            [answer.status for answer in answers],
            [answer.reason for answer in answers],
        )

    def close(self) -> None:
        """Release everything. Calls that are still running return."""
        if self._asker is not None:
            self._asker.close()
        if self._rows is not None:
            self._rows.leave()
        self.remember(None)

    def _answer(self, request: RowRequest) -> RowAnswer:
        """The kept answer to this row, or a new answer of the model."""
        assert self._sha256 is not None  # noqa: S101
        cache = self._cache
        key = row_key(self._sha256, request.row_id, request.body)
        cached = None if cache is None else cache.get(key)
        if cached is not None:
            return RowAnswer(Status.ABSTAIN if cached.score is None else Status.OK, None, cached.score)
        answer, source = self._fresh(request)
        if answer.status not in _ANSWERED:
            self._tally.failed(str(answer.reason or answer.status))
            return answer
        if cache is not None:
            cache.put(key, Kept(answer.score, source))
        self._tally.answered(source)
        return answer

    def _fresh(self, request: RowRequest) -> tuple[RowAnswer, str]:
        """Ask the model. Returns its answer, and the model that the reply names."""
        assert self._asker is not None  # noqa: S101
        got = self._asker.ask(request.body)
        if not isinstance(got, bytes):
            return RowAnswer(got.status, got.reason), ""
        reading = read_reply(got, self._section)
        source = model_and_state(reading.model, reading.fingerprint, plan_model=self._section.model)
        return reading.answer, source

    def _notes(self) -> list[str]:
        return [
            "The features of every case were sent to the service, over the network.",
            "The digest of the detector covers prompt, model name and parameters, not the model behind the service.",
            *self._note_on_local(),
        ]

    def _course_notes(self) -> list[str]:
        notes = self._tally.notes() + self._note_on_retries()
        if self._unkept:
            notes.append("Not every answer could be kept by itself: a run that stops asks for some of them again.")
        return notes


_MOST: Final = 200
"""Most names that are counted one by one: a service could make up a name for each reply."""
_OTHERS: Final = "others"


class Tally:
    """Counts of rows, for each file of kept answers, and for rows that are kept nowhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[Path | None, Counter[str]] = {None: Counter()}
        self._failed: dict[Path | None, Counter[str]] = {None: Counter()}
        self._now: Path | None = None

    def turn_to(self, file: Path | None, before: Mapping[str, int]) -> None:
        """Count for `file` from now on. `before` counts the answers that the file held when it was first used.

        Answers from before anything was kept are dropped: they only served to see whether the detector is the same.
        """
        with self._lock:
            if file is not None:
                self._sources[None], self._failed[None] = Counter(), Counter()
            if file not in self._sources:
                self._sources[file], self._failed[file] = Counter(), Counter()
                for source, count in before.items():
                    self._add(self._sources[file], source, count)
            self._now = file

    def answered(self, source: str) -> None:
        """Count a usable answer."""
        with self._lock:
            self._add(self._sources[self._now], source, 1)

    def failed(self, why: str) -> None:
        """Count a row without a usable answer."""
        with self._lock:
            self._failed[self._now][why] += 1

    def notes(self) -> list[str]:
        """Facts that a reader of the report must know."""
        with self._lock:
            sources = sum(self._sources.values(), Counter[str]())
            failed = sum(self._failed.values(), Counter[str]())
        notes = notes_on_models(sources)
        if failed:
            kinds = ", ".join(f"{name} {count}" for name, count in sorted(failed.items()))
            row_count = sources.total() + failed.total()
            notes.append(f"{failed.total()} of {row_count} rows asked about got no answer that can be used: {kinds}.")
        return notes

    def _add(self, counts: Counter[str], source: str, count: int) -> None:
        known = source in counts or len(counts) < _MOST
        counts[source if known else _OTHERS] += count
