"""An audit changes nothing of the process that calls it: a notebook, a service or a test of somebody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import numpy, pandas, scipy.stats  # which add their own filters of warnings
import decimal, gc, json, locale, logging, os, random, resource, signal, socket, sys, threading, warnings
from pathlib import Path

logging.getLogger("of.the.caller").addHandler(logging.NullHandler())
warnings.filterwarnings("error", category=BytesWarning)
signal.signal(signal.SIGUSR1, lambda *_: None)
os.environ["OF_THE_CALLER"] = "1"


def state():
    loggers = {name: logger for name, logger in logging.root.manager.loggerDict.items() if name in LOGGERS}
    return {
        **{f"sys.{name}": value for name, value in vars(sys).items() if name not in GROWS},
        **{f"sys.{name}": list(getattr(sys, name)) for name in ("path", "meta_path", "path_hooks", "argv")},
        **{f"module {name}": sys.modules.get(name) for name in MODULES},
        "environment": dict(os.environ),
        "working folder": os.getcwd(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "warnings": [*warnings.filters, warnings.showwarning, warnings.formatwarning],
        "logging": [logging.root.level, *logging.root.handlers, *logging.root.filters, logging.root.manager.disable],
        "logger class": [logging.getLoggerClass(), logging.getLogRecordFactory()],
        "loggers": {
            name: (logger.level, list(logger.handlers), list(logger.filters), logger.disabled, logger.propagate)
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger)
        },
        "locale": locale.setlocale(locale.LC_ALL),
        "gc": (gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(), list(gc.callbacks), gc.get_debug()),
        "recursion": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile()),
        "random": random.getstate(),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if "RLIMIT_" in name},
        "umask": os.umask(os.umask(0o22)) and None,
        "socket": socket.getdefaulttimeout(),
        "decimal": repr(decimal.getcontext()),
        "threads": (threading.excepthook, {thread for thread in threading.enumerate() if not thread.daemon}),
        "processors": os.sched_getaffinity(0),
    }


GROWS = {"modules", "path", "meta_path", "path_hooks", "argv", "path_importer_cache", "last_exc", "last_type",
         "last_value", "last_traceback", "_git"}
MODULES = set(sys.modules)
LOGGERS = set(logging.root.manager.loggerDict)
before = state()
from audit import run_audit

folder = Path(sys.argv[1])
results = [run_audit(folder / "plan.toml", sandbox=sandbox) for sandbox in ("auto", "none")]
after = state()
changed = sorted(name for name in before | after if before.get(name) != after.get(name))
strange = sorted(
    name
    for name, module in sys.modules.items()
    if name not in MODULES and str(getattr(module, "__file__", None) or "").startswith(str(folder))
)
kinds = [result.provenance.ran_in.kind for result in results]
values = {name: [repr(before.get(name)), repr(after.get(name))] for name in changed}
print(json.dumps({"changed": values, "modules": strange, "kinds": kinds}))
"""
MODEL = """
import os, signal, sys, warnings, logging
import beside

def score(batch):
    return [beside.half()] * batch.num_rows
"""
PLAN = """
schema = 1
[audit]
title = "t"
owner = "o"
use = "hotline-triage"
route = "services"
[detector]
kind = "python"
entry = "model:score"
features = ["pay"]
threshold = 0.5
files = ["beside.py"]
[evaluation_set]
path = "set.csv"
id = "id"
label = "label"
label_source = "made up"
[groups.gender]
column = "gender"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
[[measures]]
metric = "measured:share"
groups = ["gender"]
replicates = 99
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what can be asked of a process is Linux's here")
def test_an_audit_leaves_the_process_of_its_caller_as_it_was(tmp_path: Path) -> None:
    rows = [f"{at},{at % 2},{'woman' if at % 3 else 'man'},{at % 7}" for at in range(300)]
    (tmp_path / "set.csv").write_text("id,label,gender,pay\n" + "\n".join(rows), encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "beside.py").write_text("def half():\n    return 0.5\n", encoding="utf-8")
    (tmp_path / "measured.py").write_text("def share(y_true, y_pred):\n    return y_pred.mean()\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"changed": {}, "modules": [], "kinds": ["confined", "child"]}
