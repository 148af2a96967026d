"""JUnit XML for continuous integration: a suite for each rule, a case for each group, and a case for the rule itself.

Only a fail is a failure. Inconclusive and not evaluable are `skipped` with the reason, never a pass. The rule's own
case shows an inconclusive rule even where no group is inconclusive. Limits on probes and the change since an earlier
audit are suites beside those of the rates.
"""

from __future__ import annotations

from audit.result.audit_result import AuditResult
from reports.exact_cases import ExactCases
from reports.junit_xml import junit_xml


class JunitReporter:
    """Writes `junit.xml`."""

    name: str = "junit"
    filename: str = "junit.xml"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        return junit_xml(result.plan.audit.title, ExactCases(result).suites())
