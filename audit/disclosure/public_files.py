"""Public files of a release, made by the reporters of this project: no other code runs where exact numbers are.

Whoever wants another form reads `release.json`, which is public, with any program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, Protocol

from audit.errors import AuditError, DataError
from audit.plan.offers import who_answered
from audit.public.release import PublicRelease
from audit.vocabulary.text import printable

DATA: Final = "json"
"""Always made: everything else can be checked against it."""
REPORTERS: Final[Mapping[str, str]] = {
    "html": "reports.public.html:PublicHtmlReporter",
    DATA: "reports.public.json_file:PublicJsonReporter",
    "csv": "reports.public.csv_file:PublicCsvReporter",
    "junit": "reports.public.junit_file:PublicJunitReporter",
    "sarif": "reports.public.sarif_file:PublicSarifReporter",
    "github-summary": "reports.public.github_summary_file:PublicGithubSummaryReporter",
    "github-annotations": "reports.public.github_annotations_file:PublicGithubAnnotationsReporter",
    "gitlab-codequality": "reports.public.gitlab_codequality_file:PublicGitlabCodequalityReporter",
    "gitlab-metrics": "reports.public.gitlab_metrics_file:PublicGitlabMetricsReporter",
    "markdown": "reports.public.markdown_file:PublicMarkdownReporter",
    "badge": "reports.public.badge_file:PublicBadgeReporter",
    "pdf": "reports.pdf.public:PublicPdfReporter",
}
"""Reporters by their names, as `module:class`."""
DEFAULT: Final = ("html", DATA, "csv", "junit")
"""Forms that are made unless others are asked for."""


class PublicReporter(Protocol):
    """A form of a public release."""

    name: str
    """What `--report` and `--format` call it."""
    filename: str
    """Name of the file that it makes."""
    audience: str
    """`public`."""

    def render(self, release: PublicRelease) -> str | bytes:
        """Return the whole file, from the release and nothing else. Text is written as UTF-8."""
        ...


def find_public_reporters(names: Sequence[str]) -> list[PublicReporter]:
    """Return the public reporters with these names, in their order, each once.

    Raises
    ------
    DataError
        If there is no such reporter.
    AuditError
        If a file of somebody else hides ours.
    """
    found = []
    for name in dict.fromkeys(names):
        if name not in REPORTERS:
            raise DataError(
                f'no public report "{printable(name)[:60]}"',
                slug="unknown-public-reporter",
                hint=f"choose from {', '.join(REPORTERS)}; any program can read release.json",
            )
        module, _, made = REPORTERS[name].partition(":")
        try:
            found.append(getattr(import_module(module), made)())
        except (ImportError, AttributeError) as error:
            raise AuditError(
                f'the public report "{name}" cannot be loaded ({type(error).__name__}); {who_answered(module)}',
                slug="reporter-not-loaded",
                hint="start audit7k from another folder or rename what hides it; else reinstall the package",
            ) from error
    return found


def make_files(release: PublicRelease) -> dict[str, bytes]:
    """Return every file of `release.about.formats`, by name.

    Raises
    ------
    AuditError
        If a reporter lacks what it needs, such as a package for PDF.
    """
    files = {}
    for reporter in find_public_reporters(release.about.formats):
        made = reporter.render(release)
        files[reporter.filename] = made.encode("utf-8") if isinstance(made, str) else made
    return files
