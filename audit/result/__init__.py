"""Exact nouns: the result of an audit, its findings, its file, and waivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

__all__ = ["AuditResult"]


def __getattr__(name: str) -> object:
    """Load the result on first use: its findings alone are light."""
    if name == "AuditResult":
        from audit.result.audit_result import AuditResult

        return AuditResult
    raise AttributeError(f"module 'audit.result' has no attribute {name!r}")
