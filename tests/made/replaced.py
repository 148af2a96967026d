"""Results with other values in some of their fields."""

from __future__ import annotations

from typing import Any

from audit.result.audit_result import AuditResult
from audit.result.findings.further import Further

__all__ = ["replaced"]


def replaced(result: AuditResult, **fields: Any) -> AuditResult:
    """The result with other values in these fields, of itself and of its part `further`."""
    further = {name: fields.pop(name) for name in Further.model_fields if name in fields}
    return result.model_copy(update={"further": result.further.model_copy(update=further), **fields})
