"""The command `audit7k` for scripts that start it again and again, each forked from a process that has loaded it.

A new Python loads modules for a second or two; here each command leaves those that it has loaded, and the models that
it has completed, to the next.
Arguments, folder, environment, streams and exit code are those of any program that a shell starts; how
`python -m audit` starts is for other tests.

Run as a program this file is one of two: the process that forks, given the number of its socket; or what a script
starts, given the path of that socket and arguments, which ends as its command does: one that a signal ended with 256
less the number of that signal.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

_MOST = 1 << 16
_BEFORE = ("audit.run", "audit.analyses.further", "audit.disclosure.publish", "audit.evidence.seal", "pyarrow.compute")
"""What most commands load: loaded before the first, which would load it for itself alone."""


@contextlib.contextmanager
def warm_command(folder: Path, before: str = "") -> Iterator[list[str]]:
    """Give the words that start `audit7k`, as long as it is needed. Commands come one at a time.

    Each runs the program `before` first, which may change what a command finds in its own process.
    """
    path = folder / "warm"
    with socket.socket(socket.AF_UNIX) as asked:
        asked.bind(str(path))
        asked.listen()
        program = [sys.executable, "-P", __file__, str(asked.fileno()), before]
        environment = os.environ | {"PYTHONUTF8": "1"}
        process = subprocess.Popen(program, stdin=subprocess.PIPE, pass_fds=[asked.fileno()], env=environment)
    with process:
        yield [sys.executable, "-IS", __file__, str(path)]


def _ask(path: str, arguments: list[str]) -> int:
    """What the script starts: ask for the command, and wait for its exit code."""
    what = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        socket.send_fds(asking, [json.dumps(what).encode()], [0, 1, 2])
        return int(asking.recv(_MOST))


def _serve(asked: socket.socket, before: str) -> None:
    """Fork one command after the other, and end in each as that command does, until nobody is left to ask."""
    from audit.cli import main

    for name in _BEFORE:
        importlib.import_module(name)
    while select.select([asked.fileno(), 0], [], [])[0] == [asked.fileno()]:
        answering, _ = asked.accept()
        sent, descriptors, *_ = socket.recv_fds(answering, _MOST, 3)
        with tempfile.TemporaryFile("w+") as loaded:
            if not (child := os.fork()):
                _become(json.loads(sent), descriptors)
                code: object = None
                try:
                    exec(before, {})
                    main()
                except SystemExit as end:
                    code = end.code
                finally:
                    print(*sys.modules, *_completed(), file=loaded, flush=True)
                _end(code)
            ended = os.waitpid(child, 0)[1]
            loaded.seek(0)
            names = loaded.read().split()
        answering.send(b"%d" % os.waitstatus_to_exitcode(ended))
        for descriptor in descriptors:
            os.close(descriptor)
        answering.close()
        for module, _, model in (name.partition(":") for name in names):
            with contextlib.suppress(ImportError):
                found = importlib.import_module(module)
                if model and model in vars(found):
                    getattr(found, model).model_rebuild()


def _end(code: object) -> NoReturn:
    """End as Python does, but for taking apart all that the first process had loaded: a tenth of a second."""
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def _completed(model: Any = None) -> Iterator[str]:
    """Name the models that pydantic has completed here, which it does when they are first used."""
    from pydantic import BaseModel

    for each in (model or BaseModel).__subclasses__():
        if each.__pydantic_complete__ and each.__name__.isidentifier():
            yield f"{each.__module__}:{each.__name__}"
        yield from _completed(each)


def _become(what: dict[str, Any], descriptors: list[int]) -> None:
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.chdir(what["folder"])
    os.environ.clear()
    os.environ.update(what["environment"])
    tempfile.tempdir = None  # a new Python would ask the environment
    sys.argv = ["audit7k", *what["arguments"]]


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    else:
        sys.exit(_ask(sys.argv[1], sys.argv[2:]))
