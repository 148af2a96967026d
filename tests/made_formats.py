"""What the gates see of the formats for pipelines: all of them as the public files of one release."""

from __future__ import annotations

from audit.public_table import PublicRelease
from reports.public.badge_file import PublicBadgeReporter
from reports.public.github_annotations_file import PublicGithubAnnotationsReporter
from reports.public.github_summary_file import PublicGithubSummaryReporter
from reports.public.gitlab_codequality_file import PublicGitlabCodequalityReporter
from reports.public.gitlab_metrics_file import PublicGitlabMetricsReporter
from reports.public.markdown_file import PublicMarkdownReporter
from reports.public.sarif_file import PublicSarifReporter

REPORTERS = (
    PublicSarifReporter(),
    PublicGithubSummaryReporter(),
    PublicGithubAnnotationsReporter(),
    PublicGitlabCodequalityReporter(),
    PublicGitlabMetricsReporter(),
    PublicMarkdownReporter(),
    PublicBadgeReporter(),
)


def text_of(name: str, release: PublicRelease) -> str:
    """One file as text, by its name."""
    made = next(one for one in REPORTERS if one.filename == name).render(release)
    assert isinstance(made, str)
    return made


def format_files(release: PublicRelease) -> dict[str, bytes]:
    """Every file, by its name."""
    return {one.filename: text_of(one.filename, release).encode() for one in REPORTERS}
