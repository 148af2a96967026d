"""audit7k: bias audits of anti-trafficking detection models, with a verdict that says how sure it is.

The public names are loaded when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.version import __version__

if TYPE_CHECKING:
    from audit.cli.first_look import look
    from audit.errors import AuditError
    from audit.plan.audit_plan import AuditPlan
    from audit.plan.file.plan_file import load_plan
    from audit.remedies.remedy import remedy
    from audit.result.audit_result import AuditResult
    from audit.result.file import load_result
    from audit.run import run_audit
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
    "AuditError": "audit.errors",
    "AuditPlan": "audit.plan.audit_plan",
    "load_plan": "audit.plan.file.plan_file",
    "AuditResult": "audit.result.audit_result",
    "load_result": "audit.result.file",
    "run_audit": "audit.run",
    "look": "audit.cli.first_look",
    "cases": "audit.verdicts.rows_of_rates",
    "remedy": "audit.remedies.remedy",
    "compare": "audit.verdicts.changes.baseline",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'audit' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
