"""`restricted.sarif.json`: SARIF 2.1.0 with exact counts, for a pipeline that few may read. Every message says so.

A result for each group that fails, one for a rule that fails without naming a group, and a warning for each rule that
neither passes nor fails: only a pass is silent.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, Literal

from audit.result.audit_result import AuditResult, Group, ProbeRuleResult, RuleResult
from audit.result.reading import Finding, Reading
from reports.change_words import ChangeWords
from reports.language import ENGLISH
from reports.names import Names
from reports.plain_text import harmless
from reports.unnamed_words import UnnamedWords
from reports.waived_words import WaivedWords, plain_words
from reports.words import Words

__all__ = ["SarifReporter"]

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RESTRICTED: Final = "Restricted: exact counts, not for publication."
_BRACKETS: Final = str.maketrans("[]{}", "()()")
"""Brackets are links and places of arguments in a message of SARIF."""
_EXPIRY: Final = "audit/expiry"
_CHANGE: Final = "audit/change"
"""No id of a rule has a slash."""


class SarifReporter:
    """Writes `restricted.sarif.json`."""

    name: str = "sarif"
    filename: str = "restricted.sarif.json"
    audience: Literal["restricted"] = "restricted"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_Run(result).write()]}
        return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


class _Run:
    def __init__(self, result: AuditResult) -> None:
        self._result = result
        self._reading = Reading(result)
        self._names = Names(result.features, ENGLISH)
        self._words = Words(ENGLISH, self._names)
        self._unnamed = UnnamedWords(ENGLISH)
        self._waived = WaivedWords(result)
        self._rules: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]
        lines = result.provenance.rule_lines
        known = lines if len(lines) == len(result.rules) else [None] * len(result.rules)
        self._lines = {rule.rule: line for rule, line in zip(result.rules, known, strict=True)}

    def write(self) -> dict[str, Any]:
        result = self._result
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
                    for line in self._waived.listed(self._names)
                ],
            },
        }

    def _results(self) -> list[dict[str, Any]]:
        made = []
        for rule in self._rules:
            failing = self._failing(rule) if isinstance(rule, RuleResult) else []
            made += [self._of_group(rule, one) for one in failing]
            if rule.outcome == "fail" and (not failing or self._unnamed_in(rule)):
                made.append(self._made(rule.rule, "error", self._of_rule(rule), "rule"))
            elif rule.outcome not in ("fail", "pass"):
                made.append(self._made(rule.rule, "warning", self._of_rule(rule), "rule"))
        made += self._change()
        until = self._result.plan.governance.valid_until
        if until is not None and self._result.provenance.finished[:10] > until:
            made.append(self._made(_EXPIRY, "warning", "Past its expiry: do not rely on this audit.", "expiry"))
        return made

    def _of_group(self, rule: RuleResult | ProbeRuleResult, finding: Finding) -> dict[str, Any]:
        """A group that fails; waived, it is suppressed from outside, which hides neither it nor who did so."""
        made = self._made(rule.rule, "error", self._told(finding), _key(finding.group))
        held = self._waived.of(rule.rule, finding.group)
        if held is not None:
            status = "rejected" if held.state == "expired" else "accepted"
            justification = plain_words(self._result, held.waiver)
            made["suppressions"] = [{"kind": "external", "status": status, "justification": justification}]
        return made

    def _change(self) -> list[dict[str, Any]]:
        """A result for each group that became worse, and one where the change neither passes nor fails."""
        change = self._result.change
        if change is None or change.outcome == "pass":
            return []
        words = ChangeWords(self._result, ENGLISH)
        made = [
            self._made(
                _CHANGE,
                "error",
                f"{self._names.group(one.group)}: {one.rule}: worse than before",
                f"{one.rule} {_key(one.group)}",
            )
            for one in change.verdicts
            if one.outcome == "fail"
        ]
        level: Literal["error", "warning"] = "error" if change.outcome == "fail" else "warning"
        return [*made, self._made(_CHANGE, level, words.whole().rstrip("."), "change")]

    def _failing(self, rule: RuleResult) -> list[Finding]:
        return [finding for finding in self._reading.with_outcome("fail") if finding.rule is rule]

    def _unnamed_in(self, rule: RuleResult | ProbeRuleResult) -> bool:
        return any(unnamed.rule == rule.rule for unnamed, _ in self._reading.unnamed)

    def _told(self, finding: Finding) -> str:
        told = f"{self._names.group(finding.group)}: exceeds the limit in this test"
        estimate = finding.estimate
        if estimate is None:
            return told
        return f"{told}; {self._words.rate(finding.metric)} {estimate.numerator} of {estimate.denominator}"

    def _of_rule(self, rule: RuleResult | ProbeRuleResult) -> str:
        told = f"{self._words.rule_outcome(rule.outcome)} in this test: rule {rule.rule}"
        if self._unnamed_in(rule):
            told += f"; {self._unnamed.of_the_rule()}; {self._unnamed.caution()}"
        return told

    def _made(self, rule: str, level: str, text: str, of: str) -> dict[str, Any]:
        audit = self._result.plan.audit
        named = json.dumps([audit.system or audit.title, rule, of]).encode("utf-8", "surrogatepass")
        fingerprint = hashlib.sha256(named).hexdigest()
        uri = self._result.provenance.plan_file or "plan.toml"
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
