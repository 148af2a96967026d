"""Audits as tests: the plugin by which pytest asks a plan, and what a test is handed of it.

    import pytest

    @pytest.mark.audit7k("plan.toml")
    def test_detector(audit7k_verdict):
        audit7k_verdict.check()

pytest loads `audit.testing.plugin` by its entry point, also in projects that audit nothing: importing it loads neither
numpy nor pandas nor pydantic.
"""

from __future__ import annotations

from audit.testing.cases import AuditCase, AuditVerdict

__all__ = ["AuditCase", "AuditVerdict"]
