"""Made-up results and their reports, each made once."""

from __future__ import annotations

import pytest
from made.results import failing_result, few_result, passing_result, undecided_result
from made.second_looks import further_result

from audit.result.audit_result import AuditResult
from reports.html import HtmlReporter


@pytest.fixture(scope="session")
def failing() -> AuditResult:
    return failing_result()


@pytest.fixture(scope="session")
def few() -> AuditResult:
    return few_result()


@pytest.fixture(scope="session")
def few_further(few: AuditResult) -> AuditResult:
    return further_result(few)


@pytest.fixture(scope="session")
def passing() -> AuditResult:
    return passing_result()


@pytest.fixture(scope="session")
def undecided() -> AuditResult:
    return undecided_result()


@pytest.fixture(scope="session")
def further(failing: AuditResult) -> AuditResult:
    return further_result(failing)


@pytest.fixture(scope="session")
def further_html(further: AuditResult) -> str:
    return HtmlReporter().render(further)


@pytest.fixture(scope="session")
def failing_html(failing: AuditResult) -> str:
    return HtmlReporter().render(failing)


@pytest.fixture(scope="session")
def passing_html(passing: AuditResult) -> str:
    return HtmlReporter().render(passing)


@pytest.fixture(scope="session")
def undecided_html(undecided: AuditResult) -> str:
    return HtmlReporter().render(undecided)
