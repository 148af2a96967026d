"""What is asked: the plan of an audit, a file for each of its sections, and reading it from TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.plan.audit_plan import AuditPlan

__all__ = ["AuditPlan"]


def __getattr__(name: str) -> object:
    """Load the plan when it is first asked for: its sections alone are light."""
    if name == "AuditPlan":
        from audit.plan.audit_plan import AuditPlan

        return AuditPlan
    raise AttributeError(f"module 'audit.plan' has no attribute {name!r}")
