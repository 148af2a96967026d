"""Executors, tasks and the run itself are lost, behind Spark Connect: the result is a laptop's (`make spark`)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from made.lake_models import asked_about, modelled
from made.lake_plans import made_lake

from audit.result.json_text import result_sha256
from audit.run import run_audit
from audit.stages import Scope

pyspark = pytest.importorskip("pyspark", reason="the extra spark is not installed; `make spark` runs this")

PATIENCE: Final = 240.0
LOSING: Final = """
import os, signal, time
from pathlib import Path

HERE = Path(__file__).parent

def first(what):
    try:
        os.close(os.open(HERE / what, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True

def parent(process):
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])

def score(batch):
    worker = os.getppid()  # of Spark, which asks this process
    java = parent(parent(worker))
    if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{java}/cmdline").read_bytes():
        if first("lost-executor"):
            os.kill(java, signal.SIGKILL)
            time.sleep(60)
        if first("lost-worker"):
            os.kill(worker, signal.SIGKILL)
            time.sleep(60)
        time.sleep(0.5)
    with (HERE / "asked").open("a") as file:
        file.write(f"{batch.num_rows}\\n")
    return [None if score is None else score for score in batch.column("before").to_pylist()]
"""
"""Kills the executor that first asks it, and ends the process of the task that asks it next."""
RUN: Final = """
import sys
from pathlib import Path
from audit.result.json_text import result_sha256
from audit.run import run_audit
from audit.scoring import on_spark
from audit.scoring.checkpoint import Checkpoint
on_spark.ROWS_OF_A_PIECE = 1000
folder = Path(sys.argv[1])
checkpoint = Checkpoint(folder / "answers")
result = run_audit(folder / "there.toml", checkpoint=checkpoint, crosscheck=False, scope="records", sandbox="none")
(folder / "result").write_text(result_sha256(result))
"""


def waited_for(what: Callable[[], bool], running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert running.poll() is None, "it has ended"
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.2)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """Address of a Spark Connect of two executors, each a process of its own."""
    with socket.socket() as kept:
        # bound until it listens there, which who binds to it so may on Linux: nobody else is given the port
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield from _listening(kept.getsockname()[1], tmp_path)


def _listening(port: int, tmp_path: Path) -> Iterator[str]:
    home = Path(str(pyspark.__file__)).parent
    settings = {"connect.grpc.binding.port": port, "ui.enabled": "false", "local.dir": tmp_path / "spark"}
    command = [home / "bin" / "spark-submit", "--master", "local-cluster[2,1,1024]"]
    for name, value in settings.items():
        command += ["--conf", f"spark.{name}={value}"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    named = {"HOME": home, "LOCAL_IP": "127.0.0.1", "WORKER_DIR": tmp_path / "work"}
    environment = {f"SPARK_{name}": str(value) for name, value in named.items()}
    with (tmp_path / "said").open("wb") as said:
        server = subprocess.Popen(
            [*map(str, command), "spark-internal"],
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, **environment},
            stdout=said,
            stderr=said,
            start_new_session=True,
            cwd=tmp_path,
        )
        try:
            waited_for(lambda: _answers(port), server)
            yield f"sc://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.timeout(900)
def test_after_every_loss_and_a_kill_the_result_is_that_of_a_laptop(remote: str, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    made_lake(folder, 3_000)
    here = modelled(folder / "plain.toml", LOSING)
    expected = result_sha256(run_audit(here, crosscheck=False, scope=Scope.RECORDS, sandbox="none"))
    (folder / "asked").unlink()
    (folder / "there.toml").write_text(f'{here.read_text()}[engine]\nkind = "spark"\nremote = "{remote}"\n')
    parts = folder / "answers" / "parts"
    command = [sys.executable, "-c", RUN, str(folder)]
    with subprocess.Popen(command) as running:
        waited_for(lambda: len(list(parts.glob("*.json"))) >= 2, running)
        running.kill()
    assert (folder / "lost-executor").exists()
    assert (folder / "lost-worker").exists()
    sealed = {path: path.read_bytes() for path in parts.glob("*.json")}
    assert len(sealed) == 2, "it was killed between two pieces"
    time.sleep(3)  # what Spark still does for the killed run
    (folder / "asked").unlink()
    subprocess.run(command, check=True, timeout=PATIENCE)
    assert (folder / "result").read_text() == expected
    assert {path: path.read_bytes() for path in sealed} == sealed
    assert asked_about(folder) >= 2_000, "the piece that was not sealed, and one that was to know the detector"
    assert len(list(parts.glob("*-*"))) == 3


def test_an_address_where_no_spark_is_ends_the_run_soon() -> None:
    program = (
        "from audit.engines import spark\n"
        "from audit.errors import StorageError\n"
        "spark._RETRIES = 3\n"
        "try:\n"
        "    spark.SparkEngine.at('sc://127.0.0.1:1')\n"
        "except StorageError as error:\n"
        "    assert error.slug == 'engine-gone'\n"
        "else:\n"
        "    raise AssertionError('something answered')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
