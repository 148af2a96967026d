"""What is kept from a model in each sandbox, what is said of it, and that no score depends on it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.children import BATCH, Listener, can_unshare, function, opened
from made.runs import PLAN, made_run
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

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
ROOT = Path(__file__).resolve().parents[2]


def bwrap_works() -> bool:
    """Whether bubblewrap is here and may make a sandbox, and Python does not lie in a folder that it hides."""
    if any(Path(sys.prefix).is_relative_to(hidden) for hidden in ("/tmp", "/var/tmp", "/run", "/dev/shm")):
        return False
    command = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]
    return shutil.which("bwrap") is not None and subprocess.run(command, check=False).returncode == 0


NAMESPACES = can_unshare()
BWRAP = bwrap_works()
needs_namespaces = pytest.mark.skipif(not NAMESPACES, reason="this kernel gives no network namespace")
needs_bwrap = pytest.mark.skipif(not BWRAP, reason="bubblewrap is not installed, or may not make a sandbox here")
SHUT_IN = [pytest.param("auto", marks=needs_namespaces), pytest.param("bwrap", marks=needs_bwrap)]


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


def test_a_model_in_this_process_reaches_the_network(tmp_path: Path, listener: Listener) -> None:
    with opened(tmp_path, function(tmp_path, CALLS.format(port=listener.port)), sandbox="none") as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [0.9] * 3
        ran = where_it_ran(detector)
    listener.close()
    assert listener.calls == 1
    assert ran is not None
    assert (ran.kind, ran.network) == ("in_process", "open")
    assert ran.sentence == "The detector ran in this process, with network."


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
    resource.getrlimit(resource.RLIMIT_CORE) == (0, 0),
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


WRITES = """
failed = 0
for place in (HERE, Path.home(), Path("/usr")):
    try:
        (place / "audit7k-mark").write_text("x")
        (place / "audit7k-mark").unlink()
    except OSError:
        failed += 1
Path("/tmp/audit7k-mark").write_text("x")
return [failed / 3] * batch.num_rows
"""


@needs_bwrap
def test_in_bubblewrap_no_file_can_be_written_but_those_of_its_own(tmp_path: Path) -> None:
    with opened(tmp_path, function(tmp_path, WRITES), sandbox="bwrap") as detector:
        assert detector.score(BATCH).column("score").to_pylist() == [1.0] * 3
    assert not Path("/tmp/audit7k-mark").exists()


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


def without_provenance(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A result without the block that may differ; and where the detector ran."""
    shown = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return shown, shown.pop("provenance")["ran_in"]


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
        assert ran["kind"] == ("in_process" if mode == "none" else "namespaces" if NAMESPACES else "child")
        assert ran["sentence"] in (tmp_path / mode / "report.html").read_text(encoding="utf-8")
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("Detector: ran in ")]
        assert ("this process" in line) == (mode == "none")
        assert ("note: " in done.stderr) == (mode == "auto" and not NAMESPACES)
    assert found["none"] == found["auto"]
    assert len({(tmp_path / mode / "predictions.parquet").read_bytes() for mode in found}) == 1


@needs_bwrap
def test_a_result_is_the_same_in_bubblewrap(tmp_path: Path) -> None:
    plan = write_plan(tmp_path)
    shut_in, here = (run_audit(plan, crosscheck=False, sandbox=sandbox) for sandbox in ("bwrap", "none"))
    assert shut_in.provenance.ran_in is not None
    assert shut_in.provenance.ran_in.kind == "bwrap"
    assert shut_in.model_copy(update={"provenance": here.provenance}) == here


def test_bubblewrap_that_is_missing_or_refuses_is_an_error_and_never_another_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = write_plan(tmp_path)
    empty = tmp_path / "bin"
    empty.mkdir()
    done = command("run", "--restricted", str(plan), "--sandbox", "bwrap", folder=tmp_path, path=str(empty))
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.splitlines()[-1].startswith("error: --sandbox bwrap needs bubblewrap")
    monkeypatch.setenv("PATH", f"{empty}:/usr/bin:/bin")
    shuts_nothing_in = 'while [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
    for program in ("exit 1\n", shuts_nothing_in):
        (empty / "bwrap").write_text(f"#!/bin/sh\n{program}", encoding="utf-8")
        (empty / "bwrap").chmod(0o755)
        with pytest.raises(DetectorError, match="bubblewrap cannot shut the detector in here") as caught:
            run_audit(plan, sandbox="bwrap", crosscheck=False, scope=Scope.RECORDS)
        assert (caught.value.slug, caught.value.exit_code) == ("bwrap-refused", 4)


def test_a_table_of_predictions_needs_no_sandbox(tmp_path: Path) -> None:
    plan = write_plan(tmp_path)
    section = 'kind = "python"\nentry = "own_detector:score"\nfeatures = ["pay", "text"]\nthreshold = 0.5'
    text = plan.read_text(encoding="utf-8").replace(section, 'kind = "predictions"\ndecision = "flag"')
    assert "own_detector" not in text
    plan.write_text(text, encoding="utf-8")
    table = pq.read_table(tmp_path / "set.parquet")
    flags = pa.array([row % 2 for row in range(len(table))])
    pq.write_table(table.append_column("flag", flags), tmp_path / "set.parquet")
    done = command("gate", "--restricted", str(plan), "--sandbox", "bwrap", folder=tmp_path, path="/nowhere")
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
    ran = run_audit(plan, crosscheck=False, scope=Scope.RECORDS, sandbox="auto").provenance.ran_in
    assert ran is not None
    assert ran.memory_limit_mib == load_plan(plan).sandbox.memory_mib
    ran = run_audit(plan, crosscheck=False, scope=Scope.RECORDS).provenance.ran_in
    assert ran is not None
    assert ran.kind == "in_process"
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


NEIGHBOURS = """
seen = [one.name for one in Path("/proc").iterdir() if one.name.isdigit() and int(one.name) > 3]
return [min(1.0, len(seen) / 10)] * batch.num_rows
"""


IN_VIEW = "from which the names and arguments of other programs can be seen"


@needs_namespaces
def test_other_processes_are_hidden_or_the_report_says_that_they_are_not(tmp_path: Path) -> None:
    with opened(tmp_path, function(tmp_path, NEIGHBOURS), sandbox="auto") as detector:
        seen = detector.score(BATCH).column("score").to_pylist()[0]
        ran = where_it_ran(detector)
    assert ran is not None
    assert (seen > 0) == (IN_VIEW in ran.sentence)


@needs_namespaces
def test_where_a_container_masks_proc_the_report_says_that_others_can_be_seen(tmp_path: Path) -> None:
    """The kernel gives no new `/proc` where parts of the one that is there are covered, as in most containers."""
    script = tmp_path / "masked.py"
    script.write_text(
        "from pathlib import Path\n"
        "from made.children import BATCH, function, opened\n"
        "from audit.detectors.isolation.placement import where_it_ran\n"
        f"folder = Path({str(tmp_path)!r})\n"
        f"with opened(folder, function(folder, {NEIGHBOURS!r}), sandbox='auto') as detector:\n"
        "    print(detector.score(BATCH).column('score').to_pylist()[0] > 0, where_it_ran(detector).sentence)\n"
    )
    masked = 'mount --bind /dev/null /proc/cmdline && { sleep 30 & sleep 30 & sleep 30 & } && "$@"'
    done = subprocess.run(
        ["unshare", "-Urmpf", "--mount-proc", "sh", "-c", masked, "sh", sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    if "True" not in done.stdout and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip("this system lets nobody cover a part of /proc")
    assert done.stdout.startswith("True The detector ran"), done.stderr
    assert IN_VIEW in done.stdout
