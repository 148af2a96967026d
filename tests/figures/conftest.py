"""A public release, and a result of a real audit with scores, each made once."""

from __future__ import annotations

import pytest
from made.figures import scored_result
from made.portal import made_release

from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult


@pytest.fixture(scope="session")
def release() -> PublicRelease:
    return made_release("fail", title="Hotline triage 1")


@pytest.fixture(scope="session")
def result() -> AuditResult:
    return scored_result()
