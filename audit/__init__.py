"""audit7k: bias audits of anti-trafficking detection models, with a verdict that says how sure it is.

The public names are loaded when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.version import __version__

if TYPE_CHECKING:
    from audit.cli.first_look import look
    from audit.errors import AuditError
    from audit.from_python import remedy, run_audit
    from audit.notebook import NotebookResult as AuditResult
    from audit.notebook import load_result
    from audit.plan.audit_plan import AuditPlan
    from audit.plan.file.plan_file import load_plan
    from audit.verdicts.changes.baseline import compare
    from audit.verdicts.rows_of_rates import cases

__all__ = [
    "AuditError",
    "AuditPlan",
    "AuditResult",
    "__version__",
    "cases",
    "compare",
    "load_plan",
    "load_result",
    "look",
    "remedy",
    "run_audit",
]

_HOMES = {
    "AuditError": "audit.errors.AuditError",
    "AuditPlan": "audit.plan.audit_plan.AuditPlan",
    "AuditResult": "audit.notebook.NotebookResult",
    "cases": "audit.verdicts.rows_of_rates.cases",
    "compare": "audit.verdicts.changes.baseline.compare",
    "load_plan": "audit.plan.file.plan_file.load_plan",
    "load_result": "audit.notebook.load_result",
    "look": "audit.cli.first_look.look",
    "remedy": "audit.from_python.remedy",
    "run_audit": "audit.from_python.run_audit",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'audit' has no attribute {name!r}")
    import importlib

    module, _, attribute = _HOMES[name].rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
