"""Audits as tests: how pytest runs a plan, and what a test receives from it.

    import pytest

    @pytest.mark.audit7k("plan.toml")
    def test_detector(audit7k_verdict):
        audit7k_verdict.check()

pytest loads `audit7k_pytest` by its entry point, even in projects that audit nothing. The plugin imports nothing of
this package before a test asks for it.
"""

from __future__ import annotations

from audit.cli.testing.cases import AuditCase, AuditVerdict

__all__ = ["AuditCase", "AuditVerdict"]
