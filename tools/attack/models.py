"""Hostile models: what each tries, in every kind of detector that runs code, and what the kernel and the audit say.

A hostile model is an attempt in Python. Attempts run one after the other, each in a process of its own, and the scores
of the first rows say which came through. What ends a model, or keeps its audit from ending, has a command of its own.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import pyarrow.parquet as pq

from audit.errors import ExitCode
from tools.attack.commands import CANARY, OUT, House, house
from tools.simulate.runner import Counts, Share

KEPT: Final[Mapping[str, str]] = {
    "reads the set": "(HERE / 'cases.csv').read_text()",
    "reads the plan": "(HERE / 'plan.toml').read_text()",
    "lists the folder of the plan": "os.listdir(HERE)",
    "reads the restricted key": "next((HERE / 'audit-out' / 'restricted').iterdir()).read_text()",
    "reads a file of the home folder": "(HERE / '.netrc').read_text()",
    "lists the folder of temporary files": "os.listdir(HERE.parent)",
    "reads another folder of the environment": "os.listdir(sys.prefix)",
    "reads passwords": "Path('/etc/shadow').read_text()",
    "reads the names of hosts": "Path('/etc/hosts').read_text()",
    "plants a file in public/": "(HERE / 'audit-out' / 'public' / 'metrics.txt').write_text('x')",
    "plants a link in public/": "(HERE / 'audit-out' / 'public' / 'link').symlink_to(HERE / 'cases.csv')",
    "plants a folder in public/": "(HERE / 'audit-out' / 'public' / 'folder').mkdir()",
    "moves a file into public/": (
        "Path('x').write_text('x')\nos.rename('x', HERE / 'audit-out' / 'public' / 'groups.csv')"
    ),
    "writes beside the plan": "(HERE / 'more.txt').write_text('x')",
    "gives the set a second name": "os.link(HERE / 'cases.csv', 'cases.csv')",
    "reads the set through a link": "Path('l').symlink_to(HERE / 'cases.csv')\nPath('l').read_text()",
    "reads the set through an open folder": "os.open('cases.csv', 0, dir_fd=os.open(HERE, os.O_PATH))",
    "empties the set": "os.truncate(HERE / 'cases.csv', 0)",
    "removes the set": "(HERE / 'cases.csv').unlink()",
    "changes permissions of the set": "os.chmod(HERE / 'cases.csv', 0o777)",
    "changes times of the set": "os.utime(HERE / 'cases.csv', (1, 1))",
    "changes attributes of the set": "os.setxattr(HERE / 'cases.csv', 'user.x', b'x')",
    "watches the folder of the plan": (
        "text = ctypes.create_string_buffer(str(HERE).encode())\n"
        "handle = libc.inotify_init1(0)\ncall(254 if X86 else 27, handle, ctypes.addressof(text), 0x100)"
    ),
    "changes its own files": "open(OWN, 'ab')",
    "changes a library": "open(os.__file__, 'ab')",
    "uses shared memory": "Path('/dev/shm/audit7k-attack').write_text('x')",
    "makes a file without a name in memory": "os.memfd_create('x')",
    "makes a segment of System V": "call(29 if X86 else 194, 0, 4096, 0o1777)",
    "makes a queue of messages": "call(68 if X86 else 186, 0, 0o1777)",
    "makes a queue of POSIX": (
        "text = ctypes.create_string_buffer(b'audit7k')\n"
        "call(240 if X86 else 180, ctypes.addressof(text), 0o102, 0o600, 0)"
    ),
    "connects to a port": "socket.create_connection(('127.0.0.1', PORT), timeout=5)",
    "sends a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "asks netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "connects to a socket by its path": "socket.socket(socket.AF_UNIX).connect(str(HERE / 'socket'))",
    "connects to an abstract socket": "socket.socket(socket.AF_UNIX).connect(ABSTRACT)",
    "sends a datagram by a path": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "makes a pair of another family": "call(53 if X86 else 199, 30, 1, 0, ctypes.addressof((ctypes.c_int * 2)()))",
    "connects a pair anew": "socket.socketpair()[0].connect(str(HERE / 'socket'))",
    "asks io_uring": "call(425, 8, 0, 0, 0)",
    "lists processes": "os.listdir('/proc')",
    "reads the environment of its watcher": "Path(f'/proc/{WATCHER}/environ').read_bytes()",
    "reads what a process of the user has open": "os.listdir(f'/proc/{USER}/fd')",
    "goes over /proc to a root": "os.listdir(Path('/proc', str(USER), 'root'))",
    "reads the mounts": "Path('/proc/thread-self/mountinfo').read_text()",
    "lists the mounts by a call": (
        "asked = ctypes.create_string_buffer(struct.pack('IIQQ', 24, 0, 2**64 - 1, 0))\n"
        "call(458, ctypes.addressof(asked), ctypes.addressof((ctypes.c_uint64 * 64)()), 64, 0)"
    ),
    "stops a process of the user": "os.kill(USER, signal.SIGSTOP)",
    "stops its watcher": "os.kill(WATCHER, signal.SIGSTOP)",
    "sends a signal through a socket": (
        "first, second = socket.socketpair()\nfcntl.fcntl(first, fcntl.F_SETOWN, USER)"
    ),
    "limits a process of the user": "resource.prlimit(USER, resource.RLIMIT_CPU, (1, 1))",
    "traces a process of the user": "call(101 if X86 else 117, 16, USER, 0, 0)",
    "reads memory of a process of the user": "call(310 if X86 else 270, USER, 0, 0, 0, 0)",
    "takes a file that another process has open": "call(438, os.pidfd_open(USER), 0, 0)",
    "compares processes": "call(312 if X86 else 272, USER, USER, 0, 0, 0)",
    "leaves its group": "os.setsid()",
    "lets others wait": "os.setpriority(os.PRIO_PROCESS, 0, 19)",
    "moves a process to a processor": "os.sched_setaffinity(USER, {0})",
    "gives a process another turn": "os.sched_setscheduler(USER, os.SCHED_BATCH, os.sched_param(0))",
    "mounts": (
        "text = ctypes.create_string_buffer(str(HERE).encode())\n"
        "call(165 if X86 else 40, ctypes.addressof(text), ctypes.addressof(text), 0, 4096, 0)"
    ),
    "changes the root": "os.chroot(HERE)",
    "makes a namespace": "call(272 if X86 else 97, 0x10000000)",
    "starts a process in a namespace": "call(56 if X86 else 220, 0x10000011, 0, 0, 0, 0)",
    "becomes another user": "os.setuid(65534)",
    "makes a device": "os.mknod('device', 0o60600, os.makedev(8, 0))",
    "asks the keyring": "call(250 if X86 else 219, 0, -3, 1)",
    "loads a program into the kernel": "call(321 if X86 else 280, 0, 0, 0)",
    "measures other programs": "call(298 if X86 else 241, 0, -1, 0, -1, 0)",
    "reads the log of the kernel": (
        "text = ctypes.create_string_buffer(64)\ncall(103 if X86 else 116, 3, ctypes.addressof(text), 64)"
    ),
    "writes to the terminal": "open('/dev/tty', 'w')",
    "opens a terminal": "os.openpty()",
    "changes how cores are written": "open('/proc/sys/kernel/core_pattern', 'w')",
    "raises its limit of open files": (
        "limits = (ctypes.c_uint64 * 2)(10**6, 10**6)\ncall(302 if X86 else 261, 0, 7, ctypes.addressof(limits), 0)"
    ),
    "finds a variable that the plan does not name": (
        "if 'AUDIT7K_TOKEN' not in os.environ: raise PermissionError(13, 'x')"
    ),
    "finds a file that is open": (
        "for number in range(3, 256):\n"
        "    try:\n        kind = os.fstat(number).st_mode\n    except OSError:\n        continue\n"
        "    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):\n        sys.exit()\n"
        "raise PermissionError(13, 'x')"
    ),
    "calls what the filter does not know": "call(471, 0, 0, 0, 0)",
}
"""What the kernel must refuse, by name."""
MEASURED: Final[Mapping[str, str]] = {
    "asks whether a file is there": "os.stat(HERE / 'cases.csv')",
    "asks where a link leads": "os.readlink(HERE / 'link')",
    "asks whether a process is there": "os.pidfd_open(USER)",
    "reads the name of the machine": "os.uname()",
    "reads the names of accounts": "Path('/etc/passwd').read_text()",
    "fills its folder": "Path('x').write_bytes(bytes(2**24))",
}
"""What nothing is promised of."""
ENDED: Final[Mapping[str, str]] = {
    "starts 2,000 processes": "for _ in range(2000):\n    if os.fork() == 0: time.sleep(90)\ntime.sleep(90)",
    "starts 5,000 threads": (
        "import threading\nthreading.stack_size(2**15)\n"
        "for _ in range(5000): threading.Thread(target=time.sleep, args=(90,), daemon=True).start()\ntime.sleep(90)"
    ),
    "asks for more memory than there may be": "bytearray(2**40)",
    "holds memory in several processes": (
        "for _ in range(3):\n    if os.fork() == 0: break\n"
        "heap = bytearray(os.urandom(1)) * (2**28 + 2**27)\ntime.sleep(90)"
    ),
    "holds memory that processes share": (
        "import mmap\nfor _ in range(4):\n    if os.fork() == 0: break\n"
        "heap = mmap.mmap(-1, 2**28 + 2**27)\nheap.write(bytes(2**28 + 2**27))\ntime.sleep(90)"
    ),
    "hides its memory": (
        "libc.prctl(4, 0, 0, 0, 0)\nfor _ in range(3):\n    if os.fork() == 0: break\n"
        "heap = bytearray(os.urandom(1)) * (2**28 + 2**27)\ntime.sleep(90)"
    ),
    "does not answer": "time.sleep(90)",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "ends as if all were well": "os._exit(0)",
    "quotes a row in an error": "raise ValueError(TEXT)",
    "names an error by a row": "raise type(TEXT, (Exception,), {})",
    "quotes a row in an error of this project": (
        "from audit.errors import DetectorError\nraise DetectorError(TEXT, slug='detector-bytecode', hint=TEXT)"
    ),
    "prints rows": "os.write(1, TEXT.encode() * 10**6)\nos.write(2, TEXT.encode() * 10**6)\nraise ValueError",
    "writes rows to the harness": (
        "[os.write(n, TEXT.encode() * 100) for n in range(3, 64) if is_socket(n)]\ntime.sleep(90)"
    ),
    "says that a gigabyte follows": (
        "[os.write(n, b'A' + (2**30).to_bytes(8, 'big')) for n in range(3, 64) if is_socket(n)]\ntime.sleep(90)"
    ),
    "calls itself without end": "def deeper(): return deeper()\ndeeper()",
    "answers for other rows": "SCORES = [0.5]",
    "answers with what is no number": "SCORES = ['x'] * 10**5",
    "leaves a process": ("if os.fork() == 0:\n    time.sleep(90)\n    os._exit(0)\nraise ValueError"),
    "leaves 3,000 folders in each other": (
        "os.chdir(Path.home())\nfor _ in range(3000):\n    os.mkdir('d', 0o700)\n    os.chdir('d')\nraise ValueError"
    ),
    "leaves a folder that nobody may enter": "os.mkdir(Path.home() / 'closed', 0)\nraise ValueError",
}
"""What must end an audit in time, with a line that quotes no row, and leave nothing behind."""

_WAYS: Final = (
    "the audit ends late",
    "the audit quotes a row, or breaks",
    "the audit passes or fails it",
    "a process is left",
)
PROMISED: Final = (
    *(f"model {name}" for name in KEPT),
    *(f"model {name}: {what}" for name in ENDED for what in _WAYS),
    "model changes a file of the user",
    "model reaches a server",
    "model brings a row or a file into log or public/",
)
"""Properties that must never be seen."""

_LOADED: Final = "written-when-it-was-loaded"
_PRELUDE: Final = """
import ctypes, fcntl, os, platform, resource, signal, socket, stat, struct, sys, time
from pathlib import Path
HERE, USER, PORT, ABSTRACT, OWN = Path({here!r}), {user}, {port}, {abstract!r}, {own!r}
WATCHER = os.getsid(0)
X86 = platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)
REFUSED = (1, 13, 18, 30, 38, 106)
try:
    (HERE / {loaded!r}).write_text("x")
except OSError:
    pass

def call(*numbers):
    if libc.syscall(*map(ctypes.c_long, numbers)) < 0:
        raise OSError(ctypes.get_errno(), "refused")

def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False

def came_through(lines):
    process = os.fork()
    if process == 0:
        signal.alarm(20)
        code = 2
        try:
            os.chdir(Path.home())
            exec(lines, dict(globals()))
            code = 1
        except SystemExit:
            code = 1
        except OSError as error:
            code = 0 if error.errno in REFUSED else 2
        except BaseException:
            pass
        os._exit(code)
    status = os.waitpid(process, 0)[1]
    return (0.0, 1.0, 0.75)[os.waitstatus_to_exitcode(status)] if os.WIFEXITED(status) else 0.75

ATTEMPTS = {attempts!r}
ENDS = {ends!r}

def answers(rows, text):
    space = dict(globals(), TEXT=text, SCORES=None)
    exec(ENDS, space)
    if space["SCORES"] is not None:
        return space["SCORES"]
    return ([came_through(lines) for lines in ATTEMPTS] + [0.25] * rows)[:rows]
"""
_FUNCTION: Final = "def score(batch):\n    return answers(batch.num_rows, str(batch['note'][0]))\n"
_PROGRAM: Final = """
import json
SCORES = None
for number, line in enumerate(sys.stdin):
    row = json.loads(line)
    if SCORES is None:
        SCORES = answers(1000, str(row))
    print(json.dumps({"row_id": row["row_id"], "score": SCORES[number]}), flush=True)
"""
_ESTIMATOR: Final = """
import numpy
from sklearn.base import BaseEstimator, ClassifierMixin
class Model(ClassifierMixin, BaseEstimator):
    classes_ = numpy.array([0, 1])
    def predict_proba(self, table):
        scores = numpy.array(answers(len(table), str(table)))
        return numpy.column_stack([1 - scores, scores])
"""
_KIND: Final = """
from audit.detectors.protocol import DetectorInfo, answer_batch
class Kind:
    api_version = 1
    def __init__(self, section, folder):
        self.info = DetectorInfo("hostile", "hostile", None, False, section.features)
    def open(self, ctx):
        pass
    def score(self, batch):
        return answer_batch(batch.column(0), answers(batch.num_rows, str(batch["note"][0])))
    def close(self):
        pass
"""
_MLMODEL: Final = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.skops
    predict_fn: predict_proba
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    skops_trusted_types: []
"""


class Payload:
    """What runs a text when it is loaded from a pickle, and becomes the model that the text defines."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __reduce__(self) -> tuple[Any, ...]:
        text = f"(exec({self._source!r}, (names := {{'__name__': 'hostile'}})), names['Model']())[1]"
        return eval, (text,)


def _function(scene: House, source: str) -> str:
    (scene.folder / "hostile.py").write_text(source + _FUNCTION, encoding="utf-8")
    return 'kind = "python"\nentry = "hostile:score"'


def _program(scene: House, source: str) -> str:
    (scene.folder / "hostile.py").write_text(source + _PROGRAM, encoding="utf-8")
    limits = "timeout = 10\nstart_timeout = 10\nmost_restarts = 0\n"
    return f'kind = "command"\n{limits}command = {json.dumps([sys.executable, "hostile.py"])}'


def _pickled(scene: House, source: str) -> str:
    (scene.folder / "hostile.py").write_bytes(pickle.dumps(Payload(source + _ESTIMATOR)))
    return 'kind = "pickle"\npath = "hostile.py"'


def _of_joblib(scene: House, source: str) -> str:
    joblib.dump(Payload(source + _ESTIMATOR), scene.folder / "hostile.py", compress=3)
    return 'kind = "pickle"\npath = "hostile.py"'


def _of_skops(scene: House, source: str, folder: str = ".") -> str:
    (scene.folder / "site-packages").mkdir()
    (scene.folder / "site-packages" / "hostile.py").write_text(source + _ESTIMATOR, encoding="utf-8")
    (scene.folder / folder).mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-c", "import hostile, skops.io, sys; skops.io.dump(hostile.Model(), sys.argv[1])",
         str(scene.folder / folder / "model.skops")],
        env={**os.environ, "PYTHONPATH": str(scene.folder / "site-packages")}, check=True,
    )  # fmt: skip
    (scene.folder / _LOADED).unlink()
    return f'kind = "skops"\npath = "{folder}/model.skops"\ntrusted = ["hostile.Model"]'


def _of_mlflow(scene: House, source: str) -> str:
    section = _of_skops(scene, source, "saved").replace('"skops"', '"mlflow"').replace("/model.skops", "")
    (scene.folder / "saved" / "MLmodel").write_text(_MLMODEL, encoding="utf-8")
    return section


def _of_a_package(scene: House, source: str) -> str:
    about = scene.folder / "site-packages" / "hostile-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[audit.detectors]\nhostile = hostile:Kind\n", encoding="utf-8")
    (about.parent / "hostile.py").write_text(source + _KIND, encoding="utf-8")
    return 'kind = "hostile"'


KINDS: Final[Mapping[str, Callable[[House, str], str]]] = {
    "python": _function,
    "command": _program,
    "pickle": _pickled,
    "joblib": _of_joblib,
    "skops, a type that is trusted": _of_skops,
    "mlflow, a type that is trusted": _of_mlflow,
    "another package": _of_a_package,
}
"""Writes a hostile model of each kind that runs code, and returns its section of the plan. ONNX and safetensors run
none; the kind `transformers` loads safetensors alone."""
_VICTIMS: Final = {("woman", "north"): (24, 24), ("man", "north"): (24, 24)}
_LIMITS: Final = "[sandbox]\nmemory_mib = 1024\nbatch_timeout = {}\n"
_RUN: Final = ("run", "plan.toml", "--no-crosscheck", "--allow-pickle")
_PATIENCE: Final = 120.0
"""Seconds in which every audit of a hostile model must have ended."""


@contextmanager
def _scene(rng: np.random.Generator, kind: str, ends: str = "") -> Iterator[tuple[House, list[socket.socket]]]:
    """Yield a house with a hostile model and its plan, and two sockets that nobody may reach."""
    with house(rng) as scene, socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(scene.folder / "socket"))
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(f"\0audit7k-{scene.folder.name}")
        for server in (port, unix, abstract):
            server.listen()
            server.setblocking(False)
        (scene.folder / ".netrc").write_text("a password", encoding="utf-8")
        (scene.folder / "link").symlink_to("cases.csv")
        scene.public.mkdir(parents=True)
        source = _PRELUDE.format(
            here=str(scene.folder), user=os.getpid(), port=port.getsockname()[1],
            abstract=abstract.getsockname().decode(), own=str(scene.folder / "hostile.py"), loaded=_LOADED,
            attempts=[*KEPT.values(), *MEASURED.values()], ends=ends or "pass",
        )  # fmt: skip
        section = KINDS[kind](scene, source) + '\nfeatures = ["note"]\nthreshold = 0.5'
        scene.write(_VICTIMS, detector=section, more=_LIMITS.format(10 if ends else 100))
        with abstract:
            yield scene, [port, unix, abstract]


def attempted(runs: int, rng: np.random.Generator, kind: str) -> Counts:
    """Run hostile models of a kind by the command line, and count the attempts that came through."""
    through = dict.fromkeys([*KEPT, *MEASURED], 0)
    changed = callers = texts = 0
    changed_paths: set[str] = set()
    for _ in range(runs):
        with _scene(rng, kind) as (scene, servers):
            before = scene.files(".")
            done = scene.done(*_RUN)
            scores = pq.read_table(scene.folder / OUT / "predictions.parquet").column("score").to_pylist()
            for name, score in zip(through, scores, strict=False):
                through[name] += score != 0.0
            after = scene.files(".")
            differ = {path for path in after if not path.startswith(OUT) and before.get(path) != after[path]}
            differ |= before.keys() - after.keys()
            changed, changed_paths = changed + bool(differ), changed_paths | differ
            callers += sum(map(_was_called, servers))
            public = b"\n".join(scene.files(f"{OUT}/public").values())
            texts += CANARY in done.output or CANARY.encode() in public or (scene.public / "metrics.txt").exists()
    return {
        **{f"model {name}": Share(count, runs) for name, count in through.items()},
        "model changes a file of the user": Share(changed, runs, ", ".join(sorted(changed_paths))),
        "model reaches a server": Share(callers, runs),
        "model brings a row or a file into log or public/": Share(texts, runs),
    }


def _was_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def ended(runs: int, rng: np.random.Generator, kind: str, way: str) -> Counts:
    """Gate models that end an audit, or keep it from ending: how often it is late, quotes, or leaves a trace."""
    seen = dict.fromkeys(_WAYS, 0)
    for _ in range(runs):
        with _scene(rng, kind, ENDED[way]) as (scene, _):
            begun = time.monotonic()
            done = scene.command("gate", "plan.toml", "--allow-pickle")
            for what, is_so in zip(
                _WAYS,
                (
                    time.monotonic() - begun > _PATIENCE,
                    CANARY in done.output or "Traceback" in done.output,
                    done.code not in (ExitCode.INCONCLUSIVE, ExitCode.NOT_JUDGED),
                    _leaves_a_process(scene),
                ),
                strict=True,
            ):
                seen[what] += is_so
    return {f"model {way}: {what}": Share(count, runs) for what, count in seen.items()}


def _leaves_a_process(scene: House) -> bool:
    """Whether a process that was started in a house is still there after ten seconds: killed ones take a while."""
    until = time.monotonic() + 10
    while any(_processes_of(scene)):
        if time.monotonic() > until:
            return True
        time.sleep(0.1)
    return False


def _processes_of(scene: House) -> Iterator[str]:
    """Yield the numbers of the processes that were started in a house."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and process.name != str(os.getpid()):
            try:
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if str(scene.folder).encode() in environment:
                yield process.name
