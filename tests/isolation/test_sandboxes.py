"""What is kept from a model in each sandbox, what is said of it, and that no score depends on it."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from made.children import BATCH, Listener, function, opened
from made.onnx import converted
from made.runs import PLAN, made_run
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app
from audit.detectors.isolation.options import Sandbox
from audit.detectors.isolation.placement import where_it_ran
from audit.errors import AuditError, DetectorError
from audit.plan.file.plan_file import load_plan
from audit.plan.sections import SandboxSection
from audit.run import run_audit
from audit.scoring.provenance import scoring_identity
from audit.stages import Scope
from tools.attack import models
from tools.simulate.runner import Part, Promise, Simulation, label, run
from tools.simulate.table import PROMISES

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock is Linux's")
ROOT = Path(__file__).resolve().parents[2]


SHUT_IN = ["auto", "strict"]


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


CALLS = """
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5).close()
except OSError:
    return [0.1] * batch.num_rows
return [0.9] * batch.num_rows
"""


def test_a_model_that_is_not_shut_in_reaches_the_network(tmp_path: Path, listener: Listener) -> None:
    with opened(tmp_path, function(tmp_path, CALLS.format(port=listener.port)), sandbox="none") as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [0.9] * 3
        ran = where_it_ran(detector)
    listener.close()
    assert listener.calls == 1
    assert ran is not None
    assert (ran.kind, ran.network) == ("child", "open")
    assert "with network" in ran.sentence


@pytest.mark.parametrize("sandbox", SHUT_IN)
def test_a_model_that_is_shut_in_reaches_nobody(tmp_path: Path, listener: Listener, sandbox: str) -> None:
    with opened(tmp_path, function(tmp_path, CALLS.format(port=listener.port)), sandbox=sandbox) as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [0.1] * 3
        ran = where_it_ran(detector)
    listener.close()
    assert listener.calls == 0
    assert ran is not None
    assert ran.network == "blocked"
    assert "without network" in ran.sentence


GIVEN_UP = """
import resource, socket, subprocess, ctypes
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
libc = ctypes.CDLL(None, use_errno=True)
right = [
    status["NoNewPrivs"].strip() == "1",
    all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")),
    resource.getrlimit(resource.RLIMIT_CORE) == (1, 1),
    resource.getrlimit(resource.RLIMIT_AS) == (2048 * 2**20, 2048 * 2**20),
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 1024,
    subprocess.run([sys.executable, "-c", "x = bytearray(3 * 2**30)"], stderr=-3).returncode == 1,
    os.getuid() == int(os.environ["WHO"]),
]
return [sum(right) / len(right)] * batch.num_rows
"""


@pytest.mark.parametrize("sandbox", SHUT_IN)
def test_a_model_that_is_shut_in_has_given_up_its_rights(
    tmp_path: Path, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHO", str(os.getuid()))
    limits = {"memory_mib": 2048, "environment": ["WHO"]}
    with opened(tmp_path, function(tmp_path, GIVEN_UP), sandbox=sandbox, limits=limits) as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [1.0] * 3


CALL = """
import ctypes, platform
X86 = platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)
def call(*numbers):
    if libc.syscall(*map(ctypes.c_long, numbers)) < 0:
        raise OSError(ctypes.get_errno(), "refused")
"""


@pytest.mark.parametrize("kind", ["skops", "onnx", "pickle"])
def test_a_model_file_of_each_kind_answers_where_it_is_kept_in_as_where_it_is_not(tmp_path: Path, kind: str) -> None:
    table = pd.DataFrame({"pay": [1.0, 2.0, 3.0, 4.0]})
    model = LogisticRegression().fit(table, [0, 1, 0, 1])
    content: dict[str, Callable[[], bytes]] = {
        "skops": lambda: skops.io.dumps(model),
        "onnx": lambda: converted(model, table),
        "pickle": lambda: pickle.dumps(model),
    }
    (tmp_path / "model").write_bytes(content[kind]())
    section = {"kind": kind, "path": "model", "features": ["pay"], "positive_class": "1"}
    batch = pa.record_batch({"row_id": pa.array([0, 1, 2], pa.int64()), "pay": [1.0, 2.0, 3.0]})
    answers = {}
    for sandbox in ("none", "strict"):
        with opened(tmp_path, section, sandbox=sandbox, allow_pickle=True) as detector:
            answers[sandbox] = detector.score(batch).column("score").to_pylist()
    assert answers["strict"] == answers["none"]
    assert answers["strict"] == pytest.approx(model.predict_proba(table[:3])[:, 1], abs=1e-6)


HOSTILE = [
    *(Part(models.attempted, [{"kind": kind}]) for kind in models.KINDS),
    *(Part(models.ended, [{"kind": "python", "way": way}]) for way in list(models.ENDED)[::6]),
]


@pytest.mark.parametrize("part", HOSTILE, ids=lambda part: label(part.worlds[0]))
def test_hostile_models_of_every_kind_are_kept_in(part: Part) -> None:
    """Of those that end an audit some; `make attack` has all of them."""
    rows = list(run(Simulation([part]), 1, seed=20260801))
    assert {f"model {name}" for name in models.KEPT} <= PROMISES.keys()
    broken = [row.property for row in rows if PROMISES.get(row.property, Promise()).is_broken(row.measured)]
    assert not broken
    assert len(models.KEPT) + len(models.ENDED) > 50
    if part.measure is models.attempted:
        came_through = {row.property for row in rows if row.measured.events}
        assert came_through <= {f"model {name}" for name in models.MEASURED}
        assert came_through, "an attack that never comes through may never have run"


@pytest.mark.parametrize("sandbox", SHUT_IN)
def test_a_set_among_the_libraries_can_be_read_and_that_is_said(
    tmp_path: Path, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    section = function(folder, "return [0.5] * batch.num_rows")
    if sandbox == "auto":
        with opened(folder, section, sandbox=sandbox) as detector:
            ran = where_it_ran(detector)
        assert ran is not None
        assert ran.kind == "child"
        return
    with pytest.raises(DetectorError) as refused, opened(folder, section, sandbox=sandbox):
        pass
    assert refused.value.slug == "sandbox-exposed"


UNKNOWN = """
{call}
import socket
first, second = socket.socketpair()
os.sched_setaffinity(0, os.sched_getaffinity(0))
try:
    call(471, 0, 0, 0, 0)
except OSError as error:
    return [float(error.errno == 38)] * batch.num_rows
return [0.0] * batch.num_rows
"""


def test_a_call_that_the_filter_does_not_know_is_not_there_and_a_pair_of_streams_is(tmp_path: Path) -> None:
    with opened(tmp_path, function(tmp_path, UNKNOWN.format(call=CALL)), sandbox="strict") as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [1.0] * 3


def test_a_model_reads_what_its_plan_names_and_the_digest_covers_it(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "list.txt").write_text("0.25", encoding="utf-8")
    section = function(tmp_path, "return [float((HERE / 'words' / 'list.txt').read_text())] * batch.num_rows")
    with (
        opened(tmp_path, section, sandbox="strict") as detector,
        pytest.raises(DetectorError, match=r"write `files` in \[detector\]"),
    ):
        detector.score(BATCH)
    digests = set()
    for content in ("0.25", "0.75"):
        (tmp_path / "words" / "list.txt").write_text(content, encoding="utf-8")
        with opened(tmp_path, section | {"files": ["words"]}, sandbox="strict") as detector:
            assert detector.score(BATCH).column("score").to_pylist() == [float(content)] * 3
            digests.add(detector.info.artefact_sha256)
    assert len(digests) == 2


@pytest.mark.parametrize("name", ["set.parquet", ".", "nowhere.txt"])
def test_files_never_name_the_set_or_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "set.parquet").write_bytes(b"")
    section = function(tmp_path, "return [0.5] * batch.num_rows") | {"files": [name]}
    with pytest.raises(DetectorError, match="`files` names"), opened(tmp_path, section):
        pass


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ("for _ in range(300):\n    if os.fork() == 0:\n        time.sleep(60)\ntime.sleep(60)", "isolation-processes"),
        (
            (
                "for _ in range(3):\n    if os.fork() == 0:\n        break\n"
                "x = bytearray(os.urandom(1)) * 2**28\ntime.sleep(60)"
            ),
            "isolation-memory",
        ),
    ],
)
def test_all_that_a_model_starts_is_bounded_together(tmp_path: Path, body: str, slug: str) -> None:
    limits = {"memory_mib": 900}
    with opened(tmp_path, function(tmp_path, body), sandbox="strict", limits=limits) as detector:
        with pytest.raises(DetectorError) as caught:
            detector.score(BATCH)
        assert caught.value.slug == slug


PROGRAM = """
import json, socket, sys
for line in sys.stdin:
    row = json.loads(line)["row_id"]
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5).close()
        print(json.dumps({"row_id": row, "score": 0.9}), flush=True)
    except OSError:
        print(json.dumps({"row_id": row, "score": 0.1}), flush=True)
"""


@pytest.mark.parametrize("sandbox", SHUT_IN)
def test_a_program_is_started_within_the_sandbox(tmp_path: Path, listener: Listener, sandbox: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    section = {"kind": "command", "command": [sys.executable, "program.py", str(listener.port)]}
    with opened(tmp_path, section, sandbox=sandbox) as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [0.1] * 3
        name = detector.info.name
    listener.close()
    assert listener.calls == 0
    assert name == Path(sys.executable).name


CODE = """
import time
def score(batch):
    time.sleep(0.03)
    return [(37 * int(one) % 101) / 101 for one in batch["pay"].to_pylist()]
"""


def write_plan(folder: Path, more: str = "", rows: int = 400) -> Path:
    """A set, a function that takes 30 ms for a batch of 40, and a plan for it."""
    made = made_run(folder, rows)
    (folder / "own_detector.py").write_text(CODE, encoding="utf-8")
    made.plan.write_text(PLAN + more, encoding="utf-8")
    return made.plan


def command(*arguments: str, folder: Path, path: str | None = None) -> Result:
    """`audit7k`, as a user would call it, in this process."""
    with contextlib.chdir(folder):
        return CliRunner(env={"PATH": path} if path else None).invoke(app, list(arguments))


BESIDE_A_SCRIPT = """
import audit
result = audit.run_audit("plan.toml", sandbox="strict")
print(result.further.crosscheck_state, result.provenance.ran_in.kind)
"""


def test_nothing_beside_a_script_runs_in_the_processes_that_it_starts(tmp_path: Path) -> None:
    measure = '[[measures]]\nmetric = "own_measure:same"\ngroups = ["gender"]\nreplicates = 99\n'
    write_plan(tmp_path, measure)
    (tmp_path / "own_measure.py").write_text("def same(y_true, y_pred):\n    return 0.5\n", encoding="utf-8")
    (tmp_path / "script.py").write_text(BESIDE_A_SCRIPT, encoding="utf-8")
    escape = f"import os, sys\nopen({str(tmp_path)!r} + '/escaped', 'a').write(f'{{__name__}} {{sys.argv}}')\n"
    for name in ("sitecustomize", "usercustomize", "tensorflow", "inFairness"):
        (tmp_path / f"{name}.py").write_text(escape, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.stdout.split()[-1:] == ["confined"], done.stderr
    assert done.stdout.split()[0] != "not_asked"
    assert not (tmp_path / "escaped").exists(), (tmp_path / "escaped").read_text(encoding="utf-8")


def test_a_result_is_the_same_wherever_the_model_ran_and_says_where(tmp_path: Path) -> None:
    plan = write_plan(tmp_path)
    found = {}
    for mode in ("none", "auto"):
        done = command(
            "run", "--restricted", str(plan), "--out", mode, "--sandbox", mode, "--no-crosscheck", folder=tmp_path
        )
        assert done.exit_code in {0, 1, 3}, done.stderr
        found[mode] = json.loads((tmp_path / mode / "result.json").read_text(encoding="utf-8"))
        ran = found[mode].pop("provenance")["ran_in"]
        assert ran["kind"] == ("child" if mode == "none" else "confined")
        assert ran["sentence"] in (tmp_path / mode / "report.html").read_text(encoding="utf-8")
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("Detector: ran in ")]
        assert ("kept in by the system" in line) == (mode == "auto")
        assert "note: " not in done.stderr
    assert found["none"] == found["auto"]
    assert len({(tmp_path / mode / "predictions.parquet").read_bytes() for mode in found}) == 1


WITHOUT_LANDLOCK = """
import ctypes, sys
from pathlib import Path
from made.children import BATCH, function, opened
from audit.detectors.isolation import confinement
from audit.detectors.isolation.placement import where_it_ran
from audit.errors import DetectorError

libc = ctypes.CDLL(None)
confinement._process_control(libc, 38, 1)
confinement._DENIED = {"landlock_create_ruleset": (444, 444)}
assert confinement._filter_calls(libc, keeps_signals=True)
folder = Path(sys.argv[1])
section = function(folder, "return [0.5] * batch.num_rows")
try:
    with opened(folder, section, sandbox="strict"):
        pass
except DetectorError as error:
    print(error.slug, error.exit_code)
with opened(folder, section, sandbox="auto") as detector:
    ran = where_it_ran(detector)
(folder / "model.py").write_text(
    "import json, sys\\nfor line in sys.stdin:\\n"
    "    print(json.dumps({'row_id': json.loads(line)['row_id'], 'score': 0.5}), flush=True)"
)
with opened(folder, {"kind": "command", "command": [sys.executable, "model.py"]}, sandbox="auto") as detector:
    answers = detector.score(BATCH).column("score").to_pylist()
print(ran.kind, ran.network)
print(ran.sentence)
print(answers)
"""


def test_strict_refuses_where_the_kernel_has_no_landlock_and_auto_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LANDLOCK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    first, second, sentence, answers = done.stdout.splitlines()
    assert answers == "[0.5, 0.5, 0.5]", "a program is started there too"
    assert (first, second) == ("sandbox-strict 4", "child blocked"), done.stderr
    assert "from which files and other programs of this user can be reached" in sentence


WITHOUT_SIGNALS = """
import ctypes, sys
from pathlib import Path
from audit.detectors import inside
from audit.detectors.command_process import Program
from audit.detectors.isolation import confinement

libc = ctypes.CDLL(None)
confinement._process_control(libc, 38, 1)
assert confinement._filter_calls(libc, keeps_signals=False)
inside.shut_child_in()
program = Program([sys.executable, "-c", "input()"], Path(), {}, 1000)
program.end(0)
print("ended")
"""


WITH_A_SOCKET = """
import ctypes, fcntl, os, socket, struct, sys
from audit.detectors.isolation import confinement

libc = ctypes.CDLL(None)
confinement._process_control(libc, 38, 1)
assert confinement._filter_calls(libc, keeps_signals=False)
first, second = socket.socketpair()
fcntl.fcntl(first, fcntl.F_SETFD, fcntl.fcntl(first, fcntl.F_GETFD))
owner = struct.pack("i", os.getppid())
for attempt in (
    lambda: fcntl.fcntl(first, fcntl.F_SETOWN, os.getppid()),
    lambda: fcntl.fcntl(first, 15, struct.pack("ii", 1, os.getppid())),
    lambda: fcntl.fcntl(first, 10, 9),
    lambda: fcntl.ioctl(first, 0x8901, owner),
    lambda: fcntl.ioctl(first, 0x8902, owner),
):
    try:
        attempt()
        print("allowed")
    except PermissionError:
        print("refused")
"""


@pytest.mark.parametrize(
    ("program", "printed"), [(WITH_A_SOCKET, ["refused"] * 5), (WITHOUT_SIGNALS, ["ended"])], ids=["socket", "program"]
)
def test_no_process_is_signalled_for_the_model_where_a_kernel_before_6_12_would_let_it(
    program: str, printed: list[str]
) -> None:
    """No socket sends a signal for it, and a program that nobody may signal is ended all the same."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split() == printed, done.stderr


def test_the_demonstration_keeps_its_model_in_as_every_run_does(tmp_path: Path) -> None:
    done = command("demo", "--restricted", "--out", "demo", folder=tmp_path)
    assert done.exit_code == 0, done.stderr
    result = json.loads((tmp_path / "demo" / "audit-out" / "result.json").read_text(encoding="utf-8"))
    assert result["provenance"]["ran_in"]["kind"] == "confined"


def test_the_word_bwrap_names_the_one_that_took_its_place(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="write strict in its place"):
        run_audit(write_plan(tmp_path), sandbox="bwrap")


def test_a_table_of_predictions_needs_no_sandbox(tmp_path: Path) -> None:
    plan = write_plan(tmp_path)
    section = 'kind = "python"\nentry = "own_detector:score"\nfeatures = ["pay", "text"]\nthreshold = 0.5'
    text = plan.read_text(encoding="utf-8").replace(section, 'kind = "predictions"\ndecision = "flag"')
    assert "own_detector" not in text
    plan.write_text(text, encoding="utf-8")
    table = pq.read_table(tmp_path / "set.parquet")
    flags = pa.array([row % 2 for row in range(len(table))])
    pq.write_table(table.append_column("flag", flags), tmp_path / "set.parquet")
    done = command("gate", "--restricted", str(plan), "--sandbox", "strict", folder=tmp_path, path="/nowhere")
    assert done.exit_code in {0, 1, 3}, done.stderr


def test_a_run_goes_on_in_another_sandbox_and_with_another_limit(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, rows=2800)
    identity = scoring_identity(load_plan(plan))
    plan.write_text(PLAN + "[sandbox]\nmemory_mib = 4096\n", encoding="utf-8")
    assert scoring_identity(load_plan(plan)) == identity
    run = ["run", "--restricted", str(plan), "--no-crosscheck", "--report", "junit", "--out"]
    assert command(*run, "whole", "--sandbox", "none", folder=tmp_path).exit_code in {0, 1, 3}
    started = subprocess.Popen(
        [sys.executable, "-m", "audit", *run, "parts"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not list((tmp_path / "parts" / "scoring" / "parts").glob("*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: whoever is in the group gets it
    _, said = started.communicate(timeout=240)
    assert started.returncode == 130, said
    assert "rows are scored and kept" in said
    plan.write_text(PLAN + "[sandbox]\nmemory_mib = 8192\n", encoding="utf-8")
    done = command(*run, "parts", "--sandbox", "none", folder=tmp_path)
    assert done.exit_code in {0, 1, 3}, done.stderr
    whole, parts = (tmp_path / name / "predictions.parquet" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_the_limits_of_the_page_are_the_defaults() -> None:
    page = (ROOT / "docs" / "how-to" / "isolation.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    written = tomllib.loads(block)["sandbox"]
    assert SandboxSection.model_validate(written) == SandboxSection(environment=tuple(written["environment"]))
    assert set(re.findall(r"--sandbox (\w+)", page)) == set(Sandbox)


def test_run_audit_takes_the_same_words(tmp_path: Path) -> None:
    plan = write_plan(tmp_path)
    ran = run_audit(plan, crosscheck=False, scope=Scope.RECORDS).provenance.ran_in
    assert ran is not None
    assert ran.kind == "confined"
    assert ran.memory_limit_mib == load_plan(plan).sandbox.memory_mib
    ran = run_audit(plan, crosscheck=False, scope=Scope.RECORDS, sandbox="none").provenance.ran_in
    assert ran is not None
    assert ran.kind == "child"
    with pytest.raises(AuditError, match="no such sandbox"):
        run_audit(plan, sandbox="jail")
    with pytest.raises(TypeError):
        run_audit(plan, sandboxes="auto")  # type: ignore[call-arg]


def test_an_error_of_a_child_is_one_line_and_exit_code_4(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, "[sandbox]\nmemory_mib = 1024\n")
    code = "def score(batch):\n    return [len(bytearray(2**31)) * 0.0] * batch.num_rows\n"
    (tmp_path / "own_detector.py").write_text(code, encoding="utf-8")
    done = command("gate", "--restricted", str(plan), folder=tmp_path)
    assert (done.exit_code, done.stdout) == (4, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert "1,024 MiB" in line
    assert "memory_mib" in line
    assert DetectorError.exit_code == 4
