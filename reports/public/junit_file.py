"""`junit.xml` for continuous integration whose reports are public: a suite a rule, a case a row, and the verdict."""

from __future__ import annotations

from typing import Final

from audit.public.release import PublicRelease
from reports.junit_xml import junit_xml
from reports.public.pipeline_reading import PipelineReading


class PublicJunitReporter:
    """Writes `junit.xml`."""

    name: Final = "junit"
    filename: Final = "junit.xml"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        return junit_xml(release.about.title, PipelineReading(release).suites)
