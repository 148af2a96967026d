"""Public files of a release, made by the reporters of this project: no other code runs where exact numbers are.

Whoever wants another form reads `release.json`, which is public, with any program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from audit.errors import DataError
from audit.plan.offers import ours
from audit.public.release import PublicRelease
from audit.vocabulary.file_names import RELEASE, TEST_RESULT
from audit.vocabulary.text import printable

DATA: Final = "json"
"""Always made: everything else can be checked against it."""
REPORTERS: Final[Mapping[str, tuple[str, str]]] = {
    "html": ("report.html", "reports.public.html.document:html_file"),
    DATA: (RELEASE, "audit.public.release:public_json"),
    "csv": ("groups.csv", "reports.public.csv_file:csv_file"),
    "findings": ("findings.json", "audit.public.findings_document:findings_file"),
    "junit": ("junit.xml", "reports.public.case_files:junit_file"),
    "sarif": ("report.sarif.json", "reports.public.case_files:sarif_file"),
    "github-summary": ("summary.md", "reports.public.markdown_files:summary_file"),
    "github-annotations": ("annotations.txt", "reports.public.github_annotations_file:annotations_file"),
    "gitlab-codequality": ("gl-code-quality.json", "reports.public.case_files:codequality_file"),
    "gitlab-metrics": ("metrics.txt", "reports.public.gitlab_metrics_file:metrics_file"),
    "markdown": ("comment.md", "reports.public.markdown_files:comment_file"),
    "badge": ("badge.svg", "reports.public.badge_file:badge_file"),
    "letter": ("letter.html", "reports.public.html.letter:letter_file"),
    "pdf": ("report.pdf", "reports.pdf.public:PublicPdfReporter"),
    "test-result": (TEST_RESULT, "reports.standards.test_result_file:test_result_file"),
    "cyclonedx": ("model.cdx.json", "reports.standards.cyclonedx_file:cyclonedx_file"),
    "croissant": ("croissant.json", "reports.standards.croissant_file:croissant_file"),
    "atrs": ("atrs.csv", "reports.standards.mapped_files:atrs_file"),
    "algoritmeregister": ("algoritmeregister.csv", "reports.standards.mapped_files:algoritmeregister_file"),
    "fria": ("fria.csv", "reports.standards.mapped_files:fria_file"),
}
"""File of each form, and who makes it: a function, or a class with `render` that refuses where it lacks something."""
_STANDARDS: Final = "reports.standards"
PAPER: Final = "pdf"
"""Form whose bytes depend on the fonts of a machine: it cannot be made again elsewhere."""
TRANSLATED: Final = ("html", "letter", PAPER)
"""Forms in every language; others are in English alone."""
DEFAULT: Final = ("html", DATA, "csv", "junit")
"""Forms that are made unless others are asked for."""


class PublicFile(NamedTuple):
    """A form of a public release."""

    name: str
    filename: str
    render: Callable[[PublicRelease], str | bytes]
    """Function that returns the whole file, from the release and nothing else. Text is written as UTF-8."""

    def content(self, release: PublicRelease) -> bytes:
        """Return the file of a release."""
        rendered = self.render(release)
        return rendered.encode("utf-8") if isinstance(rendered, str) else rendered


def find_public_reporters(names: Sequence[str]) -> list[PublicFile]:
    """Return the public reporters with these names, in their order, each once.

    Raises
    ------
    DataError
        If there is no such reporter.
    AuditError
        If a file of somebody else hides ours.
    """
    reporters = []
    for name in dict.fromkeys(names):
        if name not in REPORTERS:
            raise DataError(
                f'no public report "{printable(name)[:60]}"',
                slug="unknown-public-reporter",
                hint=f"choose from {', '.join(REPORTERS)}; any program can read release.json",
            )
        filename, maker = REPORTERS[name]
        reporters.append(PublicFile(name, filename, _maker(name, maker)))
    return reporters


def file_of(release: PublicRelease, name: str) -> bytes:
    """Return one form of a release. Raises AuditError as `find_public_reporters` does."""
    (file,) = find_public_reporters([name])
    return file.content(release)


def mapped_file(release: PublicRelease, mapping: bytes, name: str) -> bytes:
    """Return what a release says to the fields of a mapping. Raises AuditError as `find_public_reporters` does."""
    text: str = _maker("mapping", f"{_STANDARDS}.mapped_files:own_file")(release, mapping, name)
    return text.encode("utf-8")


def mapping_text(name: str) -> bytes:
    """Return a mapping that comes with this project. Raises ArgumentError if there is none of this name."""
    text: bytes = _maker("mapping", f"{_STANDARDS}.mapping:mapping_text")(name)
    return text


def _maker(name: str, path: str) -> Callable[..., Any]:
    maker = ours(f'the public report "{name}"', path)
    return maker().render if isinstance(maker, type) else maker  # type: ignore[no-any-return]


def make_files(release: PublicRelease) -> dict[str, bytes]:
    """Return every file of `release.about.formats`, by name.

    Raises
    ------
    AuditError
        If a reporter lacks what it needs, such as a package for PDF.
    """
    return {file.filename: file.content(release) for file in find_public_reporters(release.about.formats)}
