"""Writers of parts of a report, and what they write with: findings, and names, words and numbers in a language."""

from __future__ import annotations

from audit.result.audit_result import AuditResult
from audit.result.reading import Reading
from reports.language import Language
from reports.names import Names
from reports.words import Words


class Report:
    """One result in one language. It is built once for each report and language."""

    def __init__(self, result: AuditResult, language: Language) -> None:
        self.result = result
        self.language = language
        self.reading = Reading(result)
        self.names = Names(result.features, language)
        self.words = Words(language, self.names)


class Writer:
    """The base class of writers. Each writes a part of a report."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.result, self.reading = report.result, report.reading
        self.language, self.names, self.words = report.language, report.names, report.words
        self.t, self.n = report.language.translations, report.language.numbers
