"""`restricted.sarif.json`: SARIF 2.1.0 with exact counts, for a pipeline that few may read. Every message says so.

The file has a result for each group that fails, one for a rule that fails without naming a group, and a warning for
each rule that neither passes nor fails. Only a pass is silent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, Literal

from audit.result.audit_result import AuditResult
from audit.result.cases import Suite, suites
from audit.result.findings.change import Change, ChangeVerdict
from audit.result.findings.judged import RuleResult
from audit.result.reading import Finding
from audit.result.waivers import WaiverOnDay
from audit.vocabulary.groups import Group
from audit.vocabulary.text import harmless
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.unnamed_words import UnnamedWords
from reports.waiver_words import WaiverWords, plain_words
from reports.writer import Report, Writer

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RESTRICTED: Final = "Restricted: exact counts, not for publication."
_BRACKETS: Final = str.maketrans("[]{}", "()()")
"""Brackets. In a message of SARIF they are links and places of arguments."""
_EXPIRY: Final = "audit/expiry"
_CHANGE: Final = "audit/change"
"""The id of the change. It has a slash, which no id of a rule has."""


class SarifReporter:
    """Writes `restricted.sarif.json`."""

    name: str = "sarif"
    filename: str = "restricted.sarif.json"
    audience: Literal["restricted"] = "restricted"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_Run(result).write()]}
        return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


class _Run(Writer):
    def __init__(self, result: AuditResult) -> None:
        super().__init__(Report(result, ENGLISH))
        self._unnamed = UnnamedWords(ENGLISH)
        self._waived = WaiverWords(result)
        lines = result.provenance.rule_lines
        known = lines if len(lines) == len(result.rules) else [None] * len(result.rules)
        self._lines = {rule.rule: line for rule, line in zip(result.rules, known, strict=True)}

    def write(self) -> dict[str, Any]:
        result = self.result
        described = [_descriptor(rule.rule, rule.metric) for rule in result.rules]
        described += [_descriptor(rule.rule, "probes") for rule in result.probe_rules]
        driver = {"name": "audit7k", "fullName": harmless(result.provenance.tool), "rules": described}
        return {
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "results": self._results(),
            "properties": {
                "release": _RESTRICTED,
                "system": harmless(result.plan.audit.title),
                "outcome": result.overall.outcome,
                "change": harmless(ChangeWords(result, ENGLISH).whole()),
                "waivers": [
                    f"{line.rule}: {harmless(line.group)}: {line.state}; by {harmless(line.who)}, until {line.until}"
                    for line in self._waived.listed(self.names)
                ],
            },
        }

    def _results(self) -> list[dict[str, Any]]:
        made = [each for suite in suites(self.reading) for each in self._of_suite(suite)]
        until = self.result.plan.governance.valid_until
        if until is not None and self.result.provenance.finished[:10] > until:
            made.append(self._made(_EXPIRY, "warning", "Past its expiry: do not rely on this audit.", "expiry"))
        return made

    def _of_suite(self, suite: Suite) -> Iterator[dict[str, Any]]:
        """Yield the groups that fail, and the whole suite where it is not passed and no group says so."""
        named = False
        for case in suite.failing:
            if isinstance(case.of, Finding):
                named = True
                yield self._of_group(suite.name, case.of, case.waiver)
            elif isinstance(case.of, ChangeVerdict):
                text = f"{self.names.group(case.of.group)}: {case.of.rule}: worse than before"
                yield self._made(_CHANGE, "error", text, f"{case.of.rule} {_key(case.of.group)}")
        level: Literal["error", "warning"] = "error" if suite.outcome == "fail" else "warning"
        if isinstance(suite.of, Change):
            if suite.outcome != "pass":
                whole = ChangeWords(self.result, ENGLISH).whole().rstrip(".")
                yield self._made(_CHANGE, level, whole, "change")
        elif suite.outcome != "pass" and (level == "warning" or suite.unnamed or not named):
            yield self._made(suite.name, level, self._of_rule(suite), "rule")

    def _of_group(self, rule: str, finding: Finding, held: WaiverOnDay | None) -> dict[str, Any]:
        """Return a group that fails. A waived one is suppressed from outside, which hides neither the group nor who
        waived it.
        """
        text = f"{self.names.whole(finding.group, finding.same_people)}: exceeds the limit in this test"
        if finding.estimate is not None:
            counts = f"{finding.estimate.numerator} of {finding.estimate.denominator}"
            text += f"; {self.words.rate(finding.metric)} {counts}"
        made = self._made(rule, "error", text, _key(finding.group))
        if held is not None:
            status = "rejected" if held.state == "expired" else "accepted"
            justification = plain_words(self.result, held.waiver)
            made["suppressions"] = [{"kind": "external", "status": status, "justification": justification}]
        return made

    def _of_rule(self, suite: Suite) -> str:
        text = f"{self.words.rule_outcome(suite.outcome)} in this test: rule {suite.name}"
        if isinstance(suite.of, RuleResult) and suite.outcome != "fail":
            text += f"; {self.why(suite.of)}"
        if suite.unnamed and isinstance(suite.of, RuleResult):
            text += f"; {self._unnamed.of_the_rule(suite.of)}; {self._unnamed.caution()}"
        return text

    def _made(self, rule: str, level: str, text: str, of: str) -> dict[str, Any]:
        audit = self.result.plan.audit
        named = json.dumps([audit.system or audit.title, rule, of]).encode("utf-8", "surrogatepass")
        fingerprint = hashlib.sha256(named).hexdigest()
        uri = self.result.provenance.plan_file or "plan.toml"
        region = {"startLine": self._lines.get(rule) or 1}
        return {
            "ruleId": rule,
            "level": level,
            "message": {"text": f"{harmless(text)}. {_RESTRICTED}".translate(_BRACKETS)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
            "partialFingerprints": {"primaryLocationLineHash": fingerprint, "auditFinding": fingerprint},
        }


def _key(group: Group) -> str:
    return ",".join(f"{level.feature}:{level.rung}={level.code}" for level in group.levels)


def _descriptor(rule: str, metric: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": f"Limit on {metric}"}, "defaultConfiguration": {"level": "error"}}
