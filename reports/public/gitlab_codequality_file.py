"""`gl-code-quality.json` for GitLab's merge-request widget: an entry for each group beyond a limit.

A fail has an entry for the whole set too, whether a group is named or not; so have an inconclusive set and an audit
past its expiry. An empty list is a pass and nothing else.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from audit.public.sentences import SENTENCES
from audit.public.table import PublicRelease, PublicRule, PublicWaiver, group_key
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import Finding, PipelineReading, likely_range

_VERDICT: Final = "audit/verdict"
_SEVERITIES: Final = {"fail": "blocker", "inconclusive": "major", "expired": "major"}


class PublicGitlabCodequalityReporter:
    """Writes `gl-code-quality.json`."""

    name: Final = "gitlab-codequality"
    filename: Final = "gl-code-quality.json"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        entries = [_verdict(reading)] if reading.look != "pass" else []
        entries += [_finding(reading, finding) for finding in reading.findings]
        return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def _verdict(reading: PipelineReading) -> dict[str, Any]:
    text = f"{reading.title}: {reading.about_verdict()}"
    return {
        **_entry(reading, _VERDICT, "outcome", text, _SEVERITIES[reading.look]),
        "rules": [_place(reading, rule) for rule in reading.release.rules],
        **({"waivers": list(map(partial(_waiver, reading), reading.waived.all))} if reading.waived.all else {}),
    }


def _waiver(reading: PipelineReading, waiver: PublicWaiver) -> dict[str, Any]:
    """A waiver in the row of its group, so that its days may stand beside the finding as well."""
    told = {"check_name": harmless(waiver.rule), "description": reading.waived.words(waiver)}
    return told if waiver.group is None else {"group": group_key(waiver.group), **told}


def _finding(reading: PipelineReading, finding: Finding) -> dict[str, Any]:
    text = f"{reading.waived.before(finding.rule.rule, finding.group)}{finding.name}: {SENTENCES['below']}"
    rate = likely_range(finding.rate)
    if rate is not None:
        text += f"; rate {rate[0]} (likely range {rate[1]})"
    made = _entry(reading, finding.rule.rule, finding.key, text, "critical")
    # `group` is ours: GitLab does not read it, and the gate takes the numbers of the entry for those of this row.
    return {**made, **_place(reading, finding.rule), "group": finding.key}


def _entry(reading: PipelineReading, rule: str, of: str, text: str, severity: str) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": harmless(rule),
        "fingerprint": reading.fingerprint(rule, of),
        "severity": severity,
        "location": {"path": reading.plan, "lines": {"begin": 1}},
    }


def _place(reading: PipelineReading, rule: PublicRule) -> dict[str, Any]:
    """What names a rule and its place in the plan. All stand with the verdict, so that they are no group's numbers."""
    location = {"path": reading.plan, "lines": {"begin": reading.line(rule)}}
    return {"check_name": harmless(rule.rule), "location": location}
