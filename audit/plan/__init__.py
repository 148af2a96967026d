"""The plan of an audit: what is asked, one file for each of its sections, and the TOML file that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.plan.audit_plan import AuditPlan

__all__ = ["AuditPlan"]


def __getattr__(name: str) -> object:
    """Load the plan when it is first used: the sections alone are light."""
    if name == "AuditPlan":
        from audit.plan.audit_plan import AuditPlan

        return AuditPlan
    raise AttributeError(f"module 'audit.plan' has no attribute {name!r}")
