"""Importing costs what it must and no more; seen from a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FRAMEWORKS = {"numpy", "pandas", "scipy", "duckdb", "ibis", "pyarrow", "sklearn", "skops", "fairlearn", "aif360"}
FRAMEWORKS |= {"onnxruntime", "matplotlib"}
CONVENIENCES = {"pydantic", "jinja2", "babel", "typer", "click", "rich"}


def loaded_by(code: str) -> set[str]:
    """Top-level names in sys.modules after `code` has run in a new interpreter."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_probe_sees_what_is_loaded() -> None:
    assert {"numpy", "pydantic"} <= loaded_by("import numpy, pydantic")


def test_importing_audit_loads_nothing_heavy() -> None:
    loaded = loaded_by("import audit; audit.__version__; dir(audit)")
    assert "audit" in loaded
    assert not loaded & (FRAMEWORKS | CONVENIENCES)


def test_reading_a_plan_or_a_result_loads_no_framework() -> None:
    loaded = loaded_by("import audit; audit.load_plan, audit.load_result, audit.AuditPlan, audit.AuditResult")
    assert "pydantic" in loaded
    assert not loaded & FRAMEWORKS


def test_rendering_loads_no_framework() -> None:
    files = sorted((ROOT / "reports").rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    assert "reports" in names
    loaded = loaded_by("import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names))
    assert "reports" in loaded
    assert not loaded & FRAMEWORKS


def test_every_public_name_can_be_had_and_no_other() -> None:
    loaded_by(
        "import audit\n"
        "for name in audit.__all__:\n"
        "    getattr(audit, name)\n"
        "try:\n"
        "    audit.no_such_name\n"
        "except AttributeError:\n"
        "    pass\n"
        "else:\n"
        "    raise SystemExit('a name that does not exist was found')\n"
    )
