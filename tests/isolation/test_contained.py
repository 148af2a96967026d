"""A detector in a child answers as in this process; whatever it does there ends in one line, and no process stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import children as made_children
from made.children import BATCH, CANARY, descendants, function, gone, open_files, opened, plan_of

from audit.detectors.isolation.options import Isolating
from audit.detectors.isolation.placement import place_restartable_detector
from audit.detectors.protocol import Detector
from audit.errors import DetectorError
from audit.plan.audit_plan import AuditPlan
from audit.run import run_audit
from audit.scoring.foreign_errors import error_text_withheld
from audit.scoring.runner import run_context

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs process groups")


@pytest.fixture(autouse=True)
def _nothing_is_said_and_nothing_stays(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    files = open_files()
    yield
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""
    # nothing new: a server of an earlier test in this process may close a socket meanwhile
    assert open_files() <= files


def refusal(folder: Path, body: str, batch: pa.RecordBatch = BATCH, **options: Any) -> DetectorError:
    """The error with which a batch ends: one line that quotes no cell."""
    with (
        opened(folder, function(folder, body), **options) as detector,
        pytest.raises(DetectorError) as caught,
        error_text_withheld("here"),
    ):
        detector.score(batch)
    text = str(caught.value)
    assert CANARY not in text
    assert "\n" not in text
    assert caught.value.exit_code == 4
    return caught.value


def scores(detector: Detector, batch: pa.RecordBatch) -> list[float | None]:
    """The scores that a batch is answered with."""
    found: list[float | None] = detector.score(batch).column("score").to_pylist()
    return found


DIGEST = """
import hashlib, struct
seen = repr(batch.schema) + repr(batch.num_rows)
for column in batch.columns:
    seen += "".join(struct.pack("d", x).hex() if isinstance(x, float) else repr(x) for x in column.to_pylist())
return [int(hashlib.sha256(seen.encode()).hexdigest()[:12], 16) / 16**12] * batch.num_rows
"""
KINDS: dict[str, pa.Array] = {
    "NaN, infinity, nothing and minus zero": pa.array([float("nan"), None, float("-inf"), -0.0]),
    "a NaN of its own": pa.Array.from_buffers(
        pa.float64(), 4, [None, pa.py_buffer(bytes.fromhex("01000000 00a0f87f") + bytes(24))]
    ),
    "whole numbers": pa.array([2**63 - 1, -(2**63), None, 0]),
    "text": pa.array(["", None, "é\0\n🂡", "x" * 3_000_000]),
    "large text": pa.array(["a", None, "b", ""], pa.large_string()),
    "views": pa.array(["a", None, "a string that is longer than twelve bytes", ""], pa.string_view()),
    "a dictionary": pa.array(["a", None, "b", "a"]).dictionary_encode(),
    "decimals": pa.array([Decimal("1.50"), None, Decimal("-0.01"), Decimal(0)]),
    "dates": pa.array([date(2024, 2, 29), None, date(1, 1, 1), date(9999, 12, 31)]),
    "times with a zone": pa.array([0, None, 10**18, -(10**18)], pa.timestamp("ns", "Asia/Kathmandu")),
    "lists": pa.array([[1.5, None], None, [], [float("nan")]]),
    "bytes": pa.array([b"\x00\xff", None, b"", b"a"]),
    "nothing but nothing": pa.nulls(4),
}


@pytest.mark.usefixtures("warm_children")
def test_every_value_arrives_as_it_was(tmp_path: Path) -> None:
    batches = [
        pa.record_batch({"row_id": pa.array(range(4), pa.int64()), "text": column, "pay": column})
        for column in KINDS.values()
    ]
    batches += [batches[3].slice(1, 2), batches[6].slice(3), batches[0].slice(0, 0)]
    with opened(tmp_path, function(tmp_path, DIGEST), sandbox="none") as here:
        expected = [scores(here, batch) for batch in batches]
    with opened(tmp_path, function(tmp_path, DIGEST)) as there:
        assert [scores(there, batch) for batch in batches] == expected
    assert len({one[0] for one in expected if one}) == len(batches) - 1, "the digests tell the batches apart"


def test_what_it_says_of_itself_is_the_same(tmp_path: Path) -> None:
    section = function(tmp_path, "return [0.5] * batch.num_rows")
    with opened(tmp_path, section, sandbox="none") as here:
        expected = here.info
    with opened(tmp_path, section) as there:
        assert there.info == expected


def test_what_it_prints_goes_nowhere(tmp_path: Path) -> None:
    """The fixture sees this process's own output; the answers show that the pipe is not disturbed."""
    body = """
import subprocess
print(batch["text"][0]); sys.stderr.write("loud"); sys.__stdout__.write("x"); sys.__stdout__.flush()
os.write(1, b"x" * 1000); os.write(2, b"x" * 1000)
subprocess.run(["echo", "a"], check=True)
return [0.5 if sys.stdin is None or sys.stdin.read() == "" else 0.9] * batch.num_rows
"""
    with opened(tmp_path, function(tmp_path, body)) as detector:
        assert scores(detector, BATCH) == [0.5] * 3


def test_it_has_one_thread_and_only_the_environment_that_the_plan_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMED", "yes")
    monkeypatch.setenv("MODEL_TOKEN", CANARY)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    body = """
import numpy
from threadpoolctl import threadpool_info
right = os.environ["OMP_NUM_THREADS"] == "1" and os.environ["NAMED"] == "yes" and "MODEL_TOKEN" not in os.environ
right = right and os.environ["ORT_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "1"
right = right and not any(library["num_threads"] > 1 for library in threadpool_info())
return [float(right)] * batch.num_rows
"""
    with opened(tmp_path, function(tmp_path, body), limits={"environment": ["NAMED"]}) as detector:
        assert scores(detector, BATCH) == [1.0] * 3
    with (
        pytest.raises(DetectorError, match="NOT_SET, which the detector is to be given, is not set"),
        opened(tmp_path, function(tmp_path, body), limits={"environment": ["NOT_SET"]}),
    ):
        pass


def test_modules_are_found_as_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "a:b"  # no PYTHONPATH could name it
    elsewhere.mkdir()
    (elsewhere / "only_here.py").write_text("WHO = 0.75\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(elsewhere))
    (tmp_path / "beside.py").write_text("WHO = 0.25\n", encoding="utf-8")
    section = function(tmp_path, "import beside, only_here\nreturn [beside.WHO, only_here.WHO, 0.0]")
    with (
        opened(tmp_path, section) as detector,
        pytest.raises(DetectorError, match=r"where `files` in \[detector\] names it"),
    ):
        scores(detector, BATCH)
    with opened(tmp_path, section | {"files": ["beside.py", "a:b"]}) as detector:
        assert scores(detector, BATCH) == [0.25, 0.75, 0.0]


@pytest.mark.parametrize(
    ("imports", "body", "hint"),
    [
        ("import no_such_library_here", "return [0.5] * batch.num_rows", "then among the installed packages"),
        ("import lies_beside", "return [0.5] * batch.num_rows", "write `files`"),
        ("", "import no_such_library_here", "install the library"),
    ],
)
def test_a_library_that_is_missing_is_told_from_a_module_that_the_plan_does_not_name(
    tmp_path: Path, imports: str, body: str, hint: str
) -> None:
    (tmp_path / "lies_beside.py").write_text("", encoding="utf-8")
    section = function(tmp_path, body)
    with (tmp_path / "child_model.py").open("a", encoding="utf-8") as module:
        module.write(imports)
    with pytest.raises(DetectorError) as refused, opened(tmp_path, section, sandbox="strict") as detector:
        detector.score(BATCH)
    assert hint in refused.value.hint


EVERY_FILE = """
def write(content):
    for fd in range(3, 40):
        try:
            os.write(fd, content)
        except OSError:
            pass
"""
GARBAGE = {
    "floods": "while True: write(b'A' * 65536)",
    "claims much": "write(b'A' + b'\\x7f' * 8)\ntime.sleep(200)",
    "claims less than comes": "write(b'A' + (9).to_bytes(8, 'big'))\nreturn [0.5] * batch.num_rows",
    "replies before its answer": "write(b'D' + bytes(8))\nreturn [0.5] * batch.num_rows",
    "forges an error": (
        'm = b\'{"slug": "x y", "message": "m", "hint": ""}\'\n'
        "write(b'E' + len(m).to_bytes(8, 'big') + m)\ntime.sleep(200)"
    ),
    "forges a short answer": "write(b'A' + (5).to_bytes(8, 'big') + b'12345')\ntime.sleep(200)",
    "closes its pipes": "os.closerange(3, 40)\ntime.sleep(200)",
}
ENDS = {
    "killed": ("os.kill(os.getpid(), 9)", "isolation-ended", "was ended by the signal SIGKILL"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "isolation-ended", "was ended by the signal SIGSEGV"),
    "abort": ("os.abort()", "isolation-ended", "was ended by the signal SIGABRT"),
    "exit": ("os._exit(7)", "isolation-ended", "ended with exit code 7"),
    "exit as if all were well": ("os._exit(0)", "isolation-ended", "ended with exit code 0"),
    "sleeps": ("time.sleep(200)", "isolation-timeout", "did not answer within 1 s"),
    "too much memory": ("x = bytearray(3 * 2**30)", "isolation-memory", "its limit of 2,048 MiB"),
    "raises": ("raise ValueError(batch['text'][0].as_py())", "detector-raised", "ValueError"),
    "leaves": ("raise SystemExit(0)", "detector-raised", "SystemExit"),
    **{how: (EVERY_FILE + body, "isolation-garbled", "is no answer") for how, body in GARBAGE.items()},
}


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("how", ENDS)
def test_whatever_goes_wrong_there_is_one_line_here(tmp_path: Path, how: str) -> None:
    body, slug, words = ENDS[how]
    limits = {"batch_timeout": 1.0 if how == "sleeps" else 20.0, "memory_mib": 2048}
    error = refusal(tmp_path, body, limits=limits)
    assert error.slug == slug
    assert words in str(error)
    if slug == "isolation-memory":
        assert "memory_mib" in error.hint


@pytest.mark.usefixtures("warm_children")
def test_a_model_that_does_not_load_in_time_is_given_up(tmp_path: Path) -> None:
    section = function(tmp_path, "return [0.5] * batch.num_rows")
    (tmp_path / "child_model.py").write_text("import time\ntime.sleep(200)\n", encoding="utf-8")
    with (
        pytest.raises(DetectorError, match=r"was not open within 1 s .*open_timeout"),
        opened(tmp_path, section, limits={"open_timeout": 1.0}),
    ):
        pass


@pytest.mark.usefixtures("warm_children")
def test_the_same_error_is_told_without_a_text_that_could_quote_a_row(tmp_path: Path) -> None:
    quoted = f"from audit.errors import DetectorError\nraise DetectorError({CANARY!r}, slug='detector-bytecode')"
    assert refusal(tmp_path, quoted).slug == "detector-raised"
    for body in ("return [0.5]", "return 'text'", "raise KeyError('a')", "return [True] * 3"):
        there, here = (refusal(tmp_path, body, sandbox=sandbox) for sandbox in ("auto", "none"))
        assert there.slug == here.slug
        assert here.message != there.message
        assert "is withheld" in there.hint


def test_a_model_that_has_seen_rows_changes_nothing_that_it_said_of_itself(tmp_path: Path) -> None:
    body = """
import __main__
from audit.detectors.isolation.wire import Replied, as_json
claims = {"name": "x", "artefact_sha256": "0" * 64, "deterministic": True, "digest_is_whole": True,
        "notes": [batch["text"][0].as_py()], "course": []}
__main__.Server._info = lambda _: (Replied.DONE, as_json(claims))
return [0.5] * batch.num_rows
"""
    with opened(tmp_path, function(tmp_path, body)) as detector:
        before = detector.info
        detector.score(BATCH)
        assert detector.info == before


@pytest.mark.usefixtures("warm_children")
def test_what_the_plan_leaves_open_is_left_open_there(tmp_path: Path) -> None:
    """A model without probabilities is refused unless the plan itself says `score_range`."""
    import skops.io
    from sklearn.svm import LinearSVC

    skops.io.dump(LinearSVC().fit([[0.0], [1.0]], [0, 1]), tmp_path / "model.skops")
    section = {"kind": "skops", "path": "model.skops", "features": ["pay"]}
    with pytest.raises(DetectorError, match="only a decision function"), opened(tmp_path, section):
        pass
    with opened(tmp_path, {**section, "score_range": [-9.0, 9.0]}) as detector:
        assert all(score is not None for score in scores(detector, BATCH))


OTHERS = """
import os
IMPORTED_BY = os.getpid()
from audit.detectors.protocol import DetectorInfo, answer_batch
class Elsewhere:
    api_version = 1
    def __init__(self, section, folder):
        self.section = section
    @property
    def info(self):
        return DetectorInfo("elsewhere", "elsewhere", None, False, self.section.features)
    def open(self, ctx):
        self.here = os.getpid() == HARNESS
    def score(self, batch):
        wanted = self.section.options["score"]
        return answer_batch(batch.column(0), [wanted if self.here else 0.0] * batch.num_rows)
    def close(self):
        pass
"""


def offer(site: Path, module: str, source: str) -> None:
    """Install a module with a class `Elsewhere`, as another distribution would be."""
    about = site / "elsewhere-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[audit.detectors]\nelsewhere = {module}:Elsewhere\n", encoding="utf-8")
    (site / f"{module}.py").write_text(source, encoding="utf-8")


@pytest.mark.parametrize("sandbox", ["none", "auto"])
def test_a_kind_of_another_package_is_run_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str
) -> None:
    home = f"elsewhere_{sandbox}"
    offer(tmp_path, home, OTHERS.replace("HARNESS", str(os.getpid())))
    monkeypatch.syspath_prepend(str(tmp_path))
    section = {"kind": "elsewhere", "options": {"score": 0.75}}
    with opened(tmp_path, section, sandbox=sandbox) as detector:
        assert scores(detector, BATCH) == [0.75 if sandbox == "none" else 0.0] * 3
        assert detector.info.name == "elsewhere"
    assert (home in sys.modules) == (sandbox == "none"), "to import it runs its code"


TABLE = """
class Elsewhere:
    api_version = 1
    def __init__(self, section, folder):
        pass
    def find_answers(self, evaluation_set, id_column):
        raise AssertionError
"""


def test_a_kind_of_another_package_reads_no_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "reads_a_set", TABLE)
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        pytest.raises(DetectorError, match="reads answers beside the set") as refused,
        opened(tmp_path, {"kind": "elsewhere"}, sandbox="auto"),
    ):
        pass
    assert refused.value.slug == "detector-table"


LEAVES = """
import subprocess
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session={new})
return [0.5] * batch.num_rows
"""


@pytest.mark.parametrize("new", [False, True], ids=["in its group", "in a session of its own"])
def test_what_it_started_ends_with_it(tmp_path: Path, new: bool) -> None:
    body = LEAVES.format(new=new)
    with opened(tmp_path, function(tmp_path, body)) as detector:
        if new:
            with pytest.raises(DetectorError, match="PermissionError"):
                scores(detector, BATCH)
        else:
            scores(detector, BATCH)
        pid = detector.pid  # type: ignore[attr-defined]
        there = {pid, *descendants(pid)}
        assert len(there) >= 3 - new  # the watcher, the model and what it started, where it may start it
    assert gone(there)


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("whom", ["the one that was started", "the one that runs the model"])
def test_a_child_that_is_killed_in_mid_batch_ends_the_run_in_one_line(tmp_path: Path, whom: str) -> None:
    section = function(tmp_path, "import subprocess\nsubprocess.Popen(['sleep', '200'])\ntime.sleep(200)")
    with opened(tmp_path, section) as detector:
        there = {detector.pid, *descendants(detector.pid)}  # type: ignore[attr-defined]
        (last,) = (process for process in there if not descendants(process))
        victim = detector.pid if whom == "the one that was started" else last  # type: ignore[attr-defined]

        def kill() -> None:
            while not descendants(last):
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)

        killing = threading.Thread(target=kill)
        killing.start()
        with pytest.raises(DetectorError, match="was ended by the signal SIGKILL"):
            detector.score(BATCH)
        killing.join()


HARNESS = """
import sys
from pathlib import Path
from made.children import BATCH, function, opened
folder = Path(sys.argv[1])
with opened(folder, {"kind": "python", "entry": "child_model:score"}) as detector:
    detector.score(BATCH)
"""


def test_nothing_of_it_outlives_a_harness_that_is_killed(tmp_path: Path) -> None:
    function(tmp_path, LEAVES.format(new=False).replace("return", "time.sleep(200)\nreturn"))
    paths = [str(Path(made_children.__file__).parents[1]), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    harness = subprocess.Popen([sys.executable, "-c", HARNESS, str(tmp_path)], env=environment)
    try:
        until = time.monotonic() + 200
        while len(descendants(harness.pid)) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        there = descendants(harness.pid)
        assert len(there) == 3
    finally:
        harness.kill()
        harness.wait()
    assert gone(there)


def test_a_detector_that_is_closed_twice_or_never_opened_is_no_matter(tmp_path: Path) -> None:
    with opened(tmp_path, function(tmp_path, "return [0.5] * batch.num_rows")) as detector:
        detector.close()


@pytest.mark.usefixtures("warm_children")
def test_a_row_that_makes_the_model_crash_fails_and_no_other(tmp_path: Path) -> None:
    body = "if batch['text'][0].as_py() == 'a':\n    os.kill(os.getpid(), 11)\nreturn [0.5] * batch.num_rows"
    plan = plan_of(function(tmp_path, body))
    made = cast("Detector", place_restartable_detector(plan, tmp_path, Isolating("auto")))
    other = pa.record_batch({"row_id": pa.array([3, 4], pa.int64()), "text": ["a", CANARY], "pay": [1.0, 2.0]})
    made.open(run_context(plan.detector, plan.scoring, tmp_path))
    try:
        before = made.info
        assert scores(made, BATCH) == [0.5] * 3
        lost = made.score(other).to_pydict()
        assert lost["row_id"] == [3, 4]
        assert lost["score"] == [None, 0.5]
        assert lost["status"] == ["error", "ok"]
        assert lost["reason"] == ["crashed", None]
        assert scores(made, BATCH) == [0.5] * 3
        assert replace(made.info, course=()) == replace(before, course=())
        assert "ended by itself (1), and 1 more times" in made.info.course[-1]
        for _ in range(2):
            assert made.score(other).to_pydict()["reason"] == ["crashed", None]
        with pytest.raises(DetectorError, match="was ended by the signal SIGSEGV"):
            made.score(other)
    finally:
        made.close()


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("most", [40, 3])
def test_rows_that_end_the_model_are_found_among_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("audit.detectors.isolation.restarted.MOST_IN_A_BATCH", most)
    body = "if {'17', '60'} & set(batch['text'].to_pylist()):\n    os._exit(3)\nreturn [0.5] * batch.num_rows"
    plan = plan_of(function(tmp_path, body))
    made = cast("Detector", place_restartable_detector(plan, tmp_path, Isolating("auto")))
    rows = 64
    batch = pa.record_batch(
        {"row_id": pa.array(range(rows), pa.int64()), "text": [str(n) for n in range(rows)], "pay": [1.0] * rows}
    )
    made.open(run_context(plan.detector, plan.scoring, tmp_path))
    try:
        answered = made.score(batch).to_pydict()
        retries = cast("Any", made).retries
    finally:
        made.close()
    failed = [n for n in range(rows) if answered["reason"][n] == "crashed"]
    assert answered["row_id"] == list(range(rows))
    assert failed == ([17, 60] if most == 40 else [*range(16, 64)])
    assert retries == (13 if most == 40 else 4)


@pytest.mark.usefixtures("warm_children")
def test_a_run_counts_what_a_crash_took_and_goes_on(tmp_path: Path) -> None:
    rows = 60
    table = {
        "case_id": [f"c{n:02}" for n in range(rows)],
        "exploited": [n % 2 for n in range(rows)],
        "gender": ["woman" if n % 3 else "man" for n in range(rows)],
        "text": [str(n) for n in range(rows)],
        "pay": [1.0] * rows,
    }
    pq.write_table(pa.table(table), tmp_path / "set.parquet")
    body = "if '17' in batch['text'].to_pylist():\n    os._exit(3)\nreturn [0.5] * batch.num_rows"
    asked = plan_of(function(tmp_path, body)).model_dump(by_alias=True, exclude_unset=True)
    plan = AuditPlan.model_validate({**asked, "scoring": {"batch_size": 10}})
    result = run_audit(plan, folder=tmp_path, crosscheck=False, sandbox="auto")
    assert [(each.reason, each.rows) for each in result.further.failures if not each.group.root] == [("crashed", 1)]
    assert result.provenance.course == (
        "The process of the detector ended by itself (1), and 3 more times while the rows that end it were looked for.",
    )
