"""`report.sarif.json`: SARIF 2.1.0 for code scanning. A result for each group beyond a limit, and none for a pass.

A set that fails with no group named, or on probes, has a result of its own, and so have an inconclusive set (a warning)
and an audit past its expiry: an empty list would look like a pass.
"""

from __future__ import annotations

import json
from typing import Any, Final

from audit.public.sentences import SENTENCES
from audit.public.table import PublicRelease, PublicRule, PublicWaiver, group_key
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import Finding, PipelineReading, likely_range

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_VERDICT: Final = "audit/verdict"
"""No id of a rule has a slash."""
_BRACKETS: Final = str.maketrans("[]{}", "()()")
"""Brackets are links and places of arguments in a message of SARIF."""


class PublicSarifReporter:
    """Writes `report.sarif.json`."""

    name: Final = "sarif"
    filename: Final = "report.sarif.json"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        run = _Run(PipelineReading(release)).write()
        log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
        return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


class _Run:
    def __init__(self, reading: PipelineReading) -> None:
        self._reading = reading

    def write(self) -> dict[str, Any]:
        reading = self._reading
        about, release = reading.about, reading.release
        rules = [_verdict_rule(), *map(_rule, release.rules)]
        return {
            "tool": {"driver": {"name": "audit7k", "fullName": harmless(about.tool), "rules": rules}},
            "automationDetails": {"id": f"audit/{reading.fingerprint('', '')}"},
            "columnKind": "unicodeCodePoints",
            "results": [*self._verdicts(), *map(self._finding, reading.findings)],
            "properties": {
                "release": "public, protected figures",
                "system": reading.title,
                "outcome": reading.outcome,
                "verdict": reading.verdict,
                "notes": list(map(harmless, reading.notes)),
                "figures": release.figures,
                "finished": harmless(about.finished),
                "validUntil": harmless(about.valid_until or "not declared"),
                "waivers": list(map(self._waiver, reading.waived.all)),
            },
        }

    def _verdicts(self) -> list[dict[str, Any]]:
        reading = self._reading
        said = []
        unnamed = {"probes", "change"} & set(reading.release.headline.fails_on)
        if reading.outcome == "fail" and (not reading.findings or unnamed):
            said.append(("error", "outcome"))
        if reading.outcome == "inconclusive":
            said.append(("warning", "outcome"))
        if reading.is_expired:
            said.append(("warning", "expiry"))
        return [self._result(_VERDICT, level, reading.about_verdict(), about, None) for level, about in said]

    def _waiver(self, waiver: PublicWaiver) -> dict[str, Any]:
        """A waiver in the row of its group, so that its days may stand beside the finding as well."""
        told = {"rule": harmless(waiver.rule), "said": self._reading.waived.words(waiver)}
        return told if waiver.group is None else {"group": group_key(waiver.group), **told}

    def _finding(self, finding: Finding) -> dict[str, Any]:
        text = f"{finding.name}: {SENTENCES['below']}"
        rate = likely_range(finding.rate)
        if rate is not None:
            text += f"; rate {rate[0]} (likely range {rate[1]})"
        made = self._result(finding.rule.rule, "error", text, finding.key, finding.rule)
        row = {"group": finding.key}
        made["message"]["properties"] = row
        suppressed = self._suppressions(finding)
        if suppressed:
            made["suppressions"] = suppressed
        made["locations"][0]["logicalLocations"] = [{"fullyQualifiedName": finding.key, "properties": row}]
        return made

    def _suppressions(self, finding: Finding) -> list[dict[str, Any]]:
        """The waivers of these people, each in the row of the rung that it is of.

        A viewer hides a result whose suppressions are all accepted: where a rung has no waiver, none of them is.
        """
        waived = self._reading.waived
        holds = "accepted" if waived.covers(finding.rule.rule, finding.group) else "underReview"
        return [
            {
                "kind": "external",
                "status": "rejected" if waived.has_expired(waiver) else holds,
                "justification": waived.words(waiver),
                "properties": {"group": finding.key if waiver.group is None else group_key(waiver.group)},
            }
            for waiver in waived.about(finding.rule.rule, finding.group)
        ]

    def _result(self, rule_id: str, level: str, text: str, of: str, rule: PublicRule | None) -> dict[str, Any]:
        reading = self._reading
        fingerprint = reading.fingerprint(rule_id, of)
        return {
            "ruleId": harmless(rule_id),
            "level": level,
            "message": {"text": text.translate(_BRACKETS)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": reading.plan},
                        "region": {"startLine": PipelineReading.line(rule)},
                    }
                }
            ],
            # GitHub tells alerts apart by the first; without it, by the text of the line, which groups share.
            "partialFingerprints": {"primaryLocationLineHash": fingerprint, "auditFinding": fingerprint},
        }


def _verdict_rule() -> dict[str, Any]:
    return {
        "id": _VERDICT,
        "shortDescription": {"text": "Verdict over the whole set in this test"},
        "fullDescription": {"text": "One word for the whole set, from the exact figures that the auditor holds."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"line": 1},
    }


def _rule(rule: PublicRule) -> dict[str, Any]:
    text = f"{rule.metric}: limit on the {rule.scale} between a group and everyone else: {rule.limit:g}"
    return {
        "id": harmless(rule.rule),
        "shortDescription": {"text": text},
        "fullDescription": {"text": f"{text}. Protected figures; only groups beyond the limit are results."},
        "defaultConfiguration": {"level": "error"},
        "properties": {"line": PipelineReading.line(rule)},
    }
