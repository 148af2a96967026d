"""What stands behind the findings, for those who check: where rows went."""

from __future__ import annotations

from audit.result.findings.judged import RowAccount
from reports.writer import Report, Writer


class Evidence(Writer):
    """All tables for those who check. Templates write out the records that they hold."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.everyone: RowAccount = next(account for account in self.result.rows if not account.group.root)
        self.metrics = [(metric.name, self.words.rate(metric.name)) for metric in self.result.metrics]
        """The name in the field and the head of the column."""
