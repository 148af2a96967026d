"""Other libraries stay as they are while audits run beside them, and are asked as their documentation says."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
import numpy as np, pandas as pd, scipy.stats, sklearn.metrics
from sklearn.metrics import _classification
from fairlearn.metrics import MetricFrame, true_positive_rate
from audit import run_audit

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
run_audit(plan, table)
modules = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] in FOREIGN}
before = {name: dict(vars(module)) for name, module in modules.items()}
wrong, done = [], threading.Event()

def bystander():
    for _ in range(1_000):
        if sklearn.metrics.accuracy_score(["a", "b", "a"], ["a", "b", "b"]) != 2 / 3:
            wrong.append("scikit-learn")
        if pd.Series([1.0, None]).sum() != 1.0 or scipy.stats.norm.cdf(0) != 0.5:
            wrong.append("pandas or SciPy")

def audits():
    result = run_audit(plan, table)
    assert result.further.crosscheck_state == "agreed"

threads = [threading.Thread(target=bystander), threading.Thread(target=audits), threading.Thread(target=audits)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not wrong, wrong
changed = [
    f"{name}.{attribute}"
    for name, values in before.items()
    for attribute, value in values.items()
    if not attribute.startswith("__") and vars(modules[name]).get(attribute) is not value
]
assert not changed, changed
result = run_audit(plan, table)
frame = MetricFrame(
    metrics=true_positive_rate, y_true=table.label, y_pred=table.flagged, sensitive_features=table.gender
)
rates = {
    estimate.group.levels[0].code: estimate.value
    for estimate in result.estimates
    if estimate.metric == "true_positive_rate" and estimate.group.root
}
assert all(abs(rates[code] - rate) < 1e-12 for code, rate in frame.by_group.items()), (rates, frame.by_group)
print("as alone")
"""
FOREIGN = {"sklearn", "pandas", "scipy", "fairlearn", "aif360", "numpy", "pyarrow", "pydantic"}


def test_audits_in_two_threads_change_nothing_for_a_third() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"FOREIGN = {FOREIGN}\n{PROGRAM}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "as alone\n"
