"""Cases of a release in three forms: JUnit XML, SARIF 2.1.0 and GitLab's code quality. Only a pass is silent."""

from __future__ import annotations

import json
from typing import Any

from audit.public.release import PublicRelease
from audit.vocabulary.text import harmless
from reports.cases import Result, fingerprint, results
from reports.junit_xml import junit_xml
from reports.public.pipeline_reading import PipelineReading
from reports.sarif_log import SarifLog, sarif_text


def junit_file(release: PublicRelease) -> str:
    """Write `junit.xml` for continuous integration: a suite for the verdict and for each rule, a case for each row."""
    return junit_xml(release.about.title, PipelineReading(release).suites)


def sarif_file(release: PublicRelease) -> str:
    """Write `report.sarif.json` for code scanning: a result for each row beyond a limit."""
    reading = PipelineReading(release)
    about = release.about
    properties = {
        "release": "public",
        "system": reading.title,
        "outcome": reading.outcome,
        "verdict": reading.verdict,
        "findings": str(reading.tally),
        "notes": list(map(harmless, reading.notes)),
        "finished": harmless(about.finished),
        "validUntil": harmless(about.valid_until or "not declared"),
        "waivers": [reading.waiver(waiver) for waiver in release.waivers],
        "exactFigures": reading.exact_figures,
    }
    return sarif_text(SarifLog(about.tool, reading.system, reading.plan, properties), reading.suites)


def codequality_file(release: PublicRelease) -> str:
    """Write `gl-code-quality.json` for GitLab's merge-request widget: an entry for whatever is no pass."""
    reading = PipelineReading(release)
    entries = [_entry(reading, result) for result in results(reading.suites)]
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def _entry(reading: PipelineReading, result: Result) -> dict[str, Any]:
    suite, case = result.suite, result.case
    severity = "major" if result.level == "warning" else "critical" if case is not suite.verdict else "blocker"
    waived = f"{case.waived.words}; " if case.waived else ""
    return {
        "description": harmless(f"{waived}{case.name}: {case.message}"),
        "check_name": harmless(f"audit/{suite.name}" if suite.kind == "verdict" else suite.name),
        "fingerprint": fingerprint(reading.system, suite.name, case.key),
        "severity": severity,
        "location": {"path": reading.plan, "lines": {"begin": suite.line or 1}},
    }
