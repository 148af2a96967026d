"""`gl-code-quality.json` for GitLab's merge-request widget: an entry for whatever is no pass, so none is a pass."""

from __future__ import annotations

import json
from typing import Any, Final

from audit.public.release import PublicRelease
from audit.vocabulary.text import harmless
from reports.cases import Result, fingerprint, results
from reports.public.pipeline_reading import PipelineReading


class PublicGitlabCodequalityReporter:
    """Writes `gl-code-quality.json`."""

    name: Final = "gitlab-codequality"
    filename: Final = "gl-code-quality.json"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        entries = [_entry(reading, found) for found in results(reading.suites)]
        return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def _entry(reading: PipelineReading, found: Result) -> dict[str, Any]:
    suite, case = found.suite, found.case
    severity = "major" if found.level == "warning" else "critical" if case is not suite.whole else "blocker"
    waived = f"{case.waived.words}; " if case.waived else ""
    return {
        "description": harmless(f"{waived}{case.name}: {case.message}"),
        "check_name": harmless(f"audit/{suite.name}" if suite.kind == "verdict" else suite.name),
        "fingerprint": fingerprint(reading.system, suite.name, case.key),
        "severity": severity,
        "location": {"path": reading.plan, "lines": {"begin": suite.line or 1}},
    }
