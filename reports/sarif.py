"""`restricted.sarif.json`: SARIF 2.1.0 with exact counts, for a pipeline that few may read. Every message says so.

The file has a result for each group that fails, one for a rule that fails without naming a group, and a warning for
each rule that neither passes nor fails. Only a pass is silent.
"""

from __future__ import annotations

from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.finding_list import findings_of
from audit.vocabulary.finding import tally_of
from audit.vocabulary.text import harmless
from reports.cases import Case, Suite
from reports.change_words import ChangeWords
from reports.exact_cases import ExactCases
from reports.language import ENGLISH
from reports.sarif_log import SarifLog, sarif_text
from reports.waiver_words import WaiverWords

_RESTRICTED: Final = "Restricted: exact counts, not for publication."


class SarifReporter:
    """Writes `restricted.sarif.json`."""

    name: str = "sarif"
    filename: str = "restricted.sarif.json"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        cases = ExactCases(result)
        audit = result.plan.audit
        properties = {
            "release": _RESTRICTED,
            "system": harmless(audit.title),
            "outcome": result.relied_on,
            "findings": str(tally_of(findings_of(cases.reading))),
            "change": harmless(ChangeWords(result, ENGLISH).whole()),
            "waivers": [
                f"{line.rule}: {harmless(line.group)}: {line.state}; by {harmless(line.who)}, until {line.until}"
                for line in WaiverWords(result).listed(cases.names)
            ],
        }
        plan = result.provenance.plan_file or "plan.toml"
        log = SarifLog(result.provenance.tool, audit.system or audit.title, plan, properties, _RESTRICTED)
        return sarif_text(log, [*cases.suites(), *_expiry(result)])


def _expiry(result: AuditResult) -> list[Suite]:
    until = result.plan.governance.valid_until
    if until is None or result.provenance.finished[:10] <= until:
        return []
    case = Case("this audit", "inconclusive", "Past its expiry: do not rely on this audit.", "expiry")
    return [Suite("expiry", "verdict", case)]
