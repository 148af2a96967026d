"""Do with a detector everything that the harness may do, and report which promises it keeps."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from audit.detectors.protocol import Answers, Detector
from audit.detectors.testing import made_batches
from audit.detectors.testing.answer_checks import Answer, difference, joined, same_bits
from audit.detectors.testing.made_batches import CANARY, Rows, cut, with_ids
from audit.detectors.testing.promises import ContractReport, Findings, Promise
from audit.detectors.testing.session import RAISED, Session, Setting, error_texts
from audit.detectors.testing.surroundings import Surroundings, listening
from audit.errors import AuditError

TOLERANCE: Final = 1e-6
"""Default tolerance: scores of common models differ by up to 2e-7 with the size of a batch."""
PATIENCE: Final = 10.0
MOST_ROWS: Final = 64
"""Most rows that are asked about one by one."""


def examine_detector(
    make: Callable[[], Detector],
    rows: Rows,
    *,
    answers: Answers | tuple[str, ...] = "score",
    score_range: tuple[float, float] = (0.0, 1.0),
    batch_size: int | None = None,
    folder: Path | None = None,
    tolerance: float = TOLERANCE,
    patience: float = PATIENCE,
) -> ContractReport:
    """Test every promise and report. For the parameters see `check_detector`, which raises if a promise is broken."""
    features = made_batches.features_of(rows)
    if callable(getattr(type(make()), "find_answers", None)):
        raise TypeError("a TableDetector is never given a batch; this suite is for detectors that are run")
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="audit7k-contract-") as empty:
        setting = Setting(
            make=make,
            features=features,
            answers="class" if isinstance(answers, tuple) else answers,
            classes=answers if isinstance(answers, tuple) else (),
            score_range=(0.0, len(answers) - 1.0) if isinstance(answers, tuple) else score_range,
            batch_size=batch_size or max(2, (2 * features.num_rows) // 3),
            folder=Path(empty) if folder is None else folder,
            tolerance=tolerance,
            patience=patience,
        )
        _examine(setting, findings)
    return findings.report()


def _examine(setting: Setting, findings: Findings) -> None:
    surroundings = Surroundings()
    findings.hold(Promise.OPENS, setting.make() is not setting.make(), "the same detector is made twice")
    full_run = _whole_run(setting, findings, surroundings)
    if full_run is None:
        return
    expected, steady = full_run
    _other_cuts(setting, findings, expected, steady=steady)
    _in_other_folder(setting, findings)
    _spoilt_batches(setting, findings)
    _at_once(setting, findings, surroundings, steady=steady)
    threads, processes = surroundings.left(setting.patience)
    findings.hold(Promise.LEFT_BEHIND, threads == 0, f"{threads} threads are left {setting.patience:g} s after `close`")
    what = f"child processes are left {setting.patience:g} s after `close`: {', '.join(processes)}"
    findings.hold(Promise.LEFT_BEHIND, not processes, what)
    if not surroundings.sees_processes:
        findings.note(Promise.LEFT_BEHIND, "child processes cannot be seen on this platform")


def _whole_run(setting: Setting, findings: Findings, surroundings: Surroundings) -> tuple[Answer, bool] | None:
    """Do a run as the harness does. Returns the answers, and whether the first batch got the same bits twice."""
    _close_unopened(setting, findings)
    session = Session(setting, findings)
    if not session.open():
        return None
    surroundings.look()
    info = session.check_itself()
    batches = list(cut(setting.features, setting.batch_size))
    answers = session.ask_all(batches, "the example", Promise.ANSWERS)
    surroundings.look()
    again = session.ask(batches[0], "the first batch once more") if answers else None
    session.check_info_again(info)
    session.close("after the last batch")
    session.close("called again")
    if not answers or again is None:
        return None
    has_answer = any(answer.answered for answer in answers)
    findings.hold(
        Promise.ANSWERS, has_answer, "no row of the example has an answer: give rows that the detector can answer"
    )
    steady = same_bits(answers[0], again)
    if info is not None and info.deterministic is True:
        what = "the same batch got other answers the second time, and info.deterministic is True"
        findings.hold(Promise.SAME_AGAIN, steady, what)
    else:
        same = "the same" if steady else "other"
        findings.note(Promise.SAME_AGAIN, f"not claimed; the same batch got {same} answers the second time")
    return joined(answers), steady


def _close_unopened(setting: Setting, findings: Findings) -> None:
    Session(setting, findings).close("never opened")


def _other_cuts(setting: Setting, findings: Findings, expected: Answer, *, steady: bool) -> None:
    """Ask about one row at a time, about all rows at once, and under other ids."""
    few = setting.features.slice(0, MOST_ROWS)
    ways = (
        (Promise.ANY_CUT, "one row at a time", list(cut(few, 1)), None),
        (Promise.ANY_CUT, "all in one batch", [with_ids(setting.features)], setting.features.num_rows),
        (Promise.ROW_IDS, "under other ids", list(cut(setting.features, setting.batch_size, first=1_000_003)), None),
    )
    for promise, where, batches, size in ways:
        session = Session(setting, findings, size)
        if not session.open():
            return
        answers = session.ask_all(batches, where, Promise.SHORT_BATCHES)
        session.close(f"asked {where}")
        if answers is None:
            continue
        got = joined(answers)
        rows = len(got.status)
        moved, most = difference(Answer(expected.scores[:rows], expected.status[:rows]), got)
        if steady:
            what = f"{where}, {moved} of {rows} rows have another status"
            findings.hold(promise, moved == 0, what)
            what = f"{where}, scores differ by up to {most:.3g}; the tolerance is {setting.tolerance:.3g}"
            findings.hold(promise, most <= setting.tolerance, what)
        # a detector that never answers twice alike shows nothing about batches
        findings.note(promise, f"{where}: scores differ by up to {most:.3g}, {moved} of {rows} rows in their status")


def _in_other_folder(setting: Setting, findings: Findings) -> None:
    session = Session(replace(setting, folder=setting.folder / "no" / "such" / "folder"), findings)
    try:
        session.detector.open(session.ctx)
    except AuditError as error:
        findings.hold(Promise.FOLDER, "\n" not in str(error), "the error is more than one line")
    except RAISED as error:
        findings.raised(Promise.FOLDER, "in a folder that does not exist, `open`", error)
    else:
        findings.hold(Promise.FOLDER, holds=True, words="")
    session.close("after a folder that does not exist")


def _spoilt_batches(setting: Setting, findings: Findings) -> None:
    """Send cells that are empty, awkward or of another type, and check that none of them is disclosed."""
    spoilt: list[tuple[str, pa.RecordBatch | None, Promise | None]] = [
        ("with empty cells", made_batches.with_empty_cells(setting.features), Promise.EMPTY_CELLS),
        ("with awkward texts", made_batches.with_awkward_texts(setting.features), Promise.ANY_TEXT),
        ("with text in every column", made_batches.with_other_types(setting.features), None),
    ]
    for where, features, promise in spoilt:
        if features is None:
            findings.note(Promise.ANY_TEXT, "no feature of the example is a text")
            continue
        session = Session(setting, findings, max(setting.batch_size, features.num_rows))
        with listening() as heard:
            if not session.open():
                return
            refusal = session.ask_or_refuse(with_ids(features), where, promise)
            info = session.read_info()
            session.close(f"asked {where}")
        channels = {
            "an error": "" if refusal is None else error_texts(refusal),
            "`info`": repr(info),
            "what is printed or logged": heard.text,
        }
        for channel, text in channels.items():
            findings.hold(Promise.DISCLOSES_NOTHING, CANARY not in text, f"{where}: a cell stands in {channel}")


def _at_once(setting: Setting, findings: Findings, surroundings: Surroundings, *, steady: bool) -> None:
    """Make several calls at once, and close while calls run."""
    session = Session(setting, findings)
    workers = session.workers
    if workers == 1:
        session.close("never opened")
        for promise in (Promise.AT_ONCE, Promise.CLOSE_ENDS_CALLS):
            findings.note(promise, "one call at a time: there is no `workers`, or it is 1")
        return
    if not session.open():
        return
    batches = list(cut(setting.features.slice(0, MOST_ROWS), 2)) * 2
    alone = session.ask_all(batches, "one after the other", Promise.AT_ONCE)
    calls = [partial(session.ask, batch, "several at once", Promise.AT_ONCE) for batch in batches]
    with ThreadPoolExecutor(workers) as pool:
        together = [future.result() for future in [pool.submit(ask) for ask in calls]]
    surroundings.look()
    for answer, other in zip(alone or [], together, strict=False):
        if other is not None and steady:
            moved, most = difference(answer, other)
            right = moved == 0 and most <= setting.tolerance
            findings.hold(Promise.AT_ONCE, right, "several calls at once gave other answers than one after the other")
    _close_meanwhile(session, batches, setting.patience, workers)


def _close_meanwhile(session: Session, batches: list[pa.RecordBatch], patience: float, workers: int) -> None:
    """Close while calls run, and check that they return."""
    closing = threading.Event()

    def ask_on(batch: pa.RecordBatch) -> None:
        while not closing.is_set():
            try:
                session.detector.score(batch)
            except BaseException:
                return

    # daemons: this test looks for calls that never return
    threads = [threading.Thread(target=ask_on, args=(batches[n % len(batches)],), daemon=True) for n in range(workers)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    closing.set()
    session.close("while calls of `score` were on their way")
    until = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = sum(thread.is_alive() for thread in threads)
    what = f"{late} of {workers} calls had not returned {patience:g} s after `close`"
    session.findings.hold(Promise.CLOSE_ENDS_CALLS, late == 0, what)
