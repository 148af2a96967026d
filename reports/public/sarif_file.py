"""`report.sarif.json`: SARIF 2.1.0 for code scanning. A result for each row beyond a limit; only a pass is silent."""

from __future__ import annotations

from typing import Final

from audit.public.release import PublicRelease
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import PipelineReading
from reports.sarif_log import SarifLog, sarif_text


class PublicSarifReporter:
    """Writes `report.sarif.json`."""

    name: Final = "sarif"
    filename: Final = "report.sarif.json"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        about = release.about
        properties = {
            "release": "public",
            "system": reading.title,
            "outcome": reading.outcome,
            "verdict": reading.verdict,
            "notes": list(map(harmless, reading.notes)),
            "finished": harmless(about.finished),
            "validUntil": harmless(about.valid_until or "not declared"),
            "waivers": [reading.waiver(waiver) for waiver in release.waivers],
        }
        return sarif_text(SarifLog(about.tool, reading.system, reading.plan, properties), reading.suites)
