"""Tables behind the findings, for those who check: where rows went, and the tests of groups beyond a limit."""

from __future__ import annotations

from audit.result.findings.judged import RowAccount
from reports.writer import Report, Writer

_TESTS_SHOWN = 20


class Evidence(Writer):
    """All tables for those who check. Templates write out the records that they hold."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.everyone: RowAccount = next(account for account in self.result.rows if not account.group.root)
        self.metrics = [(metric.name, self.words.rate(metric.name)) for metric in self.result.metrics]
        """The name in the field and the head of the column."""
        failing = [finding for finding in self.reading.judged_rates if finding.outcome == "fail"]
        self.failing, self.left_out = failing[:_TESTS_SHOWN], max(len(failing) - _TESTS_SHOWN, 0)
        """Judged rates beyond a limit, with their tests, and the number of those in the result file alone."""
