"""SARIF 2.1.0 of cases: a result for each that fails, and one for a suite that does not pass and names none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from audit.vocabulary.text import harmless
from reports.cases import Result, Suite, fingerprint, results

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BRACKETS: Final = str.maketrans("[]{}", "()()")
"""Brackets. In a message of SARIF they are links and places of arguments."""


@dataclass(frozen=True, slots=True)
class SarifLog:
    """What stands in a log beside its results."""

    tool: str
    """Name and version of the tool."""
    system: str
    """The system, by which results are known again."""
    plan: str
    """File of the plan."""
    properties: Mapping[str, Any]
    after: str = ""
    """Sentence after each message."""


def sarif_text(log: SarifLog, suites: Sequence[Suite]) -> str:
    """Write a log of suites."""
    described = [_descriptor(suite) for suite in suites]
    run = {
        "tool": {"driver": {"name": "audit7k", "fullName": harmless(log.tool), "rules": described}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(log, result) for result in results(suites)],
        "properties": log.properties,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _descriptor(suite: Suite) -> dict[str, Any]:
    text = next((value for name, value in suite.properties if name == "limit"), "verdict over the whole set")
    return {
        "id": _id(suite),
        "shortDescription": {"text": harmless(text).translate(_BRACKETS)},
        "defaultConfiguration": {"level": "warning" if suite.warns else "error"},
    }


def _id(suite: Suite) -> str:
    """The id of a suite; no id of a rule has a slash, so none is that of the verdict."""
    return harmless(suite.name if suite.kind == "disparity" else f"audit/{suite.name}")


def _result(log: SarifLog, result: Result) -> dict[str, Any]:
    case = result.case
    text = ". ".join(filter(None, (f"{case.group_name or case.name}: {case.message}".rstrip("."), log.after)))
    known = fingerprint(log.system, result.suite.name, case.key)
    region = {"startLine": result.suite.line or 1}
    sarif_result = {
        "ruleId": _id(result.suite),
        "level": result.level,
        "message": {"text": harmless(text).translate(_BRACKETS)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": log.plan}, "region": region}}],
        # GitHub tells alerts apart by the first; without it, by the text of the line, which groups share.
        "partialFingerprints": {"primaryLocationLineHash": known, "auditFinding": known},
    }
    if case.waived is not None:
        # A viewer hides a result whose waiver is accepted, and still lists it.
        status = "rejected" if case.waived.has_expired else "accepted"
        sarif_result["suppressions"] = [{"kind": "external", "status": status, "justification": case.waived.words}]
    return sarif_result
