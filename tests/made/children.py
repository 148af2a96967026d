"""Functions that are run as detectors in a child process, and everything that is needed to ask one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from audit.detectors.isolation.contained import ContainedDetector
from audit.detectors.isolation.options import Isolating
from audit.detectors.isolation.placement import place_detector
from audit.detectors.protocol import Detector
from audit.plan.audit_plan import AuditPlan
from audit.scoring.runner import run_context

CANARY = "canary-51c7"
BATCH = pa.record_batch(
    {"row_id": pa.array([0, 1, 2], pa.int64()), "text": [CANARY, None, "b"], "pay": [1.0, 2.0, 3.0]}
)

START = """
import os, sys, time
from pathlib import Path
HERE = Path(__file__).parent
"""


def open_files() -> set[int]:
    """The descriptors of what this process holds open."""
    numbers = [int(path.name) for path in Path("/dev/fd").iterdir()]
    return {number for number in numbers if _is_open(number)}


def _is_open(number: int) -> bool:
    """Whether it still is: the folder of them was open itself while it was read."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def plan_of(detector: dict[str, Any], sandbox: dict[str, Any] | None = None) -> AuditPlan:
    """A plan with this `[detector]` and this `[sandbox]`."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
            "detector": {"features": ["text", "pay"], "threshold": 0.5, **detector},
            "evaluation_set": {"path": "set.parquet", "id": "case_id", "label": "exploited", "label_source": "files"},
            "groups": {"gender": {"column": "gender"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
            "sandbox": sandbox or {},
        }
    )


def function(folder: Path, body: str) -> dict[str, Any]:
    """The `[detector]` of a function with this body, written beside the plan."""
    code = "".join(f"    {line}\n" for line in body.strip().splitlines())
    (folder / "child_model.py").write_text(f"{START}\ndef score(batch):\n{code}", encoding="utf-8")
    return {"kind": "python", "entry": "child_model:score"}


@contextmanager
def opened(
    folder: Path,
    detector: dict[str, Any],
    *,
    sandbox: str = "auto",
    allow_pickle: bool = False,
    limits: dict[str, Any] | None = None,
) -> Iterator[Detector]:
    """A detector, open; closed in the end whatever happens, and then no process of it is there."""
    plan = plan_of(detector, limits)
    made = cast("Detector", place_detector(plan, folder, Isolating(sandbox, allow_pickle)))
    try:
        made.open(run_context(plan.detector, plan.scoring, folder))
        yield made
    finally:
        # of the detector alone: a library that a test uses may start a process of its own
        pid = made.pid if isinstance(made, ContainedDetector) else None
        started = set() if pid is None else {pid, *descendants(pid)}
        made.close()
        if isinstance(made, ContainedDetector):
            assert gone(started), "a process of the detector is still there"


class Listener:
    """A server on loopback that counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port = self._socket.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        stopping = False
        while True:
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                if stopping:
                    return
                stopping = self._stop.is_set()  # whoever called before is still counted
                continue
            self.calls += 1
            connection.close()

    def close(self) -> None:
        """Count whoever has called, and stop."""
        self._stop.set()
        self._thread.join()
        self._socket.close()


def can_unshare() -> bool:
    """Whether this kernel gives a process a network of its own."""
    code = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def descendants(process: int) -> set[int]:
    """The numbers of all processes below one."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    found: set[int] = set()
    while more := {one for one, parent in parents.items() if parent in {process, *found}} - found:
        found |= more
    return found


def gone(processes: set[int], patience: float = 60.0) -> bool:
    """Whether none of these processes is left, at the latest after so many seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not any(alive(process) for process in processes):
            return True
        time.sleep(0.02)
    return False


def alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
