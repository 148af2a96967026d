"""Other libraries, and the process of the caller, stay as they are while audits run; and libraries are asked as their
documentation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import gc, locale, logging, os, signal, sys, tempfile, threading, types, warnings
from pathlib import Path
import duckdb, pyarrow, pydantic, scipy.stats, sklearn.metrics, threadpoolctl
import numpy as np, pandas as pd
from fairlearn.metrics import MetricFrame, true_positive_rate
from sklearn.metrics import _classification

tempfile.gettempdir()

def state():
    root = logging.getLogger()
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "environment": dict(os.environ),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "logging": (root.level, list(root.handlers), list(root.filters), root.disabled, root.manager.disable),
        "imports": (list(sys.path), list(sys.meta_path), list(sys.path_hooks)),
        "garbage": (gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()),
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.excepthook, threading.excepthook),
        "numbers": (np.geterr(), sys.getrecursionlimit(), sys.getswitchinterval()),
        "place": (os.getcwd(), locale.setlocale(locale.LC_ALL), tempfile.tempdir),
        "threads": [pool["num_threads"] for pool in threadpoolctl.threadpool_info()],
    }

def ours(name):
    return name.partition(".")[0] in {"audit", "reports", "__main__", "__mp_main__"}

def differences(before, now):
    return [part for part in before if before[part] != now[part]]

modules = {
    name: module
    for name, module in list(sys.modules.items())
    if name.partition(".")[0] not in sys.stdlib_module_names and not ours(name)
}
attributes = {name: dict(vars(module)) for name, module in modules.items()}
begun = state()
from audit import run_audit
assert not differences(begun, state()), differences(begun, state())

rng = np.random.default_rng(1)
table = pd.DataFrame({
    "id": np.arange(4_000),
    "gender": rng.choice(["woman", "man"], 4_000),
    "label": rng.integers(0, 2, 4_000),
    "flagged": rng.integers(0, 2, 4_000),
})
plan = {
    "schema": 1,
    "audit": {"title": "t", "owner": "o", "use": "hotline-triage", "route": "services"},
    "evaluation_set": {"id": "id", "label": "label", "label_source": "made up"},
    "groups": {"gender": {"column": "gender"}},
    "detector": {"kind": "predictions", "decision": "flagged"},
    "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1, "reason": "r"}],
}
entry = {"kind": "python", "entry": "own_detector:score", "features": ["flagged"], "threshold": 0.5}
measures = [{"metric": "own_detector:share", "groups": ["gender"], "replicates": 99}]
of_a_function = {**plan, "detector": entry, "measures": measures}
Path("own_detector.py").write_text(
    "import warnings\\n"
    "def score(batch):\\n"
    "    warnings.simplefilter('ignore')\\n"
    "    return [float(flagged) for flagged in batch.column('flagged').to_pylist()]\\n"
    "def share(y_true, y_pred):\\n"
    "    warnings.simplefilter('ignore')\\n"
    "    return y_pred.mean()\\n"
)
wrong, results, ended, calls = [], [], threading.Event(), 0

def bystander():
    global calls
    while calls < 1_000 or not ended.is_set():
        if sklearn.metrics.accuracy_score(["a", "b", "a"], ["a", "b", "b"]) != 2 / 3:
            wrong.append("scikit-learn")
        if pd.Series([1.0, None]).sum() != 1.0 or scipy.stats.norm.cdf(0) != 0.5:
            wrong.append("pandas or SciPy")
        if calls % 10 == 0:
            wrong.extend(differences(begun, state()))
        calls += 1

def audit(asked, **options):
    results.append(run_audit(asked, table, folder=".", **options))

beside = threading.Thread(target=bystander)
audits = [threading.Thread(target=audit, args=(asked,)) for asked in (plan, of_a_function)]
[thread.start() for thread in (beside, *audits)]
[thread.join() for thread in audits]
audit(plan)  # in the main thread, which alone can take signals
audit(of_a_function, sandbox="none")
ended.set()
beside.join()
assert not wrong, sorted(set(wrong))
assert [result.further.crosscheck_state for result in results] == ["agreed"] * 4
assert "own_detector" not in sys.modules
assert not differences(begun, state()), differences(begun, state())
changed = [
    f"{name}.{attribute}"
    for name, values in attributes.items()
    for attribute, value in values.items()
    if vars(modules[name]).get(attribute) is not value
]
assert changed in ([], ["pyarrow.lib.__pc"]), changed  # where Arrow keeps the pandas that it has found
new = [
    f"{name}.{attribute}"
    for name, values in attributes.items()
    for attribute, value in vars(modules[name]).items()
    if attribute not in values
    and not isinstance(value, types.ModuleType)
    and attribute not in vars(modules[name]).get("__all__", ())  # pydantic loads its names when they are asked for
]
assert not new, new
frame = MetricFrame(
    metrics=true_positive_rate, y_true=table.label, y_pred=table.flagged, sensitive_features=table.gender
)
for result in results:
    rates = {
        estimate.group.levels[0].code: estimate.value
        for estimate in result.estimates
        if estimate.metric == "true_positive_rate" and estimate.group.root
    }
    assert all(abs(rates[code] - rate) < 1e-12 for code, rate in frame.by_group.items()), (rates, frame.by_group)
print("as alone")
"""


def test_audits_in_two_threads_change_nothing_for_a_third(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "as alone\n"
