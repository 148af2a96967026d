"""Sentences that a result holds in English, told in the language of a report.

A result says some things in whole sentences with numbers in them: notices, the evidence of safeguards, how a case is
decided. `SENTENCES` are their forms. A text that is one of these, or several one after another, is told in the language
with its numbers written as there; any other stays as it is and is marked as English, so that a reader and a screen
reader know. tests/reports/test_report_told.py holds the forms against the code that writes the sentences.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports.language import Language
from reports.plain_text import harmless
from reports.told_forms import SENTENCES

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

__all__ = ["Told", "in_language"]

_PLACE = re.compile(r"%\((\w+)\)s")
_FREE = {"answers", "column", "columns", "controls", "feature", "features", "library", "name", "owner", "rule"}
_FREE |= {"source", "words"}
"""Places in which words of others stand, with full stops in them perhaps."""
_COUNT = re.compile(r"\d{1,3}(?:,\d{3})*|\d+")
_PERCENT = re.compile(r"([<>]?)(\d+(?:\.\d+)?)%")
_COUNTED = re.compile(r"([\d,]+) (rule|verdict|group|decision|level|text|row|cluster|case|pattern)s?")


class Told:
    """Tells the sentences of a result in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._t = language.translations
        self._n = language.numbers

    def tell(self, text: str) -> Markup:
        """`text` in the language, its parts that others wrote set apart; as it is, marked as English, if unknown."""
        if self._language.is_english:
            return Markup("<bdi>{}</bdi>").format(harmless(text))
        found = _forms_of(text)
        if found is None:
            return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(harmless(text))
        return Markup(" ").join(self._sentence(form, values) for form, values in found)

    def known(self, text: str) -> Markup:
        """A text of the tables of safeguards in the language; as it is, marked as English, where it has none."""
        told = self._t.gettext(text) if text else text
        if self._language.is_english or told != text:
            return Markup("<bdi>{}</bdi>").format(harmless(text)) if told == text else escape(told)
        return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(harmless(text))

    def _sentence(self, form: str, values: dict[str, str]) -> Markup:
        return escape(self._t.gettext(form)) % {name: self._value(value) for name, value in values.items()}

    def _value(self, value: str) -> Markup | str:
        if _COUNT.fullmatch(value):
            return self._n.count(int(value.replace(",", "")))
        if percent := _PERCENT.fullmatch(value):
            number = percent[1] + percent[2].replace(".", self._n.decimal)
            return self._n.percent_pattern.format(number)
        if counted := _COUNTED.fullmatch(value):
            count = int(counted[1].replace(",", ""))
            return self._counted(counted[2], count) % {"count": self._n.count(count)}
        known = self._t.gettext(value) if value else value
        return known if known != value else Markup("<bdi>{}</bdi>").format(harmless(value))

    def _counted(self, noun: str, count: int) -> str:
        forms = {
            "rule": self._t.ngettext("%(count)s rule", "%(count)s rules", count),
            "verdict": self._t.ngettext("%(count)s verdict", "%(count)s verdicts", count),
            "group": self._t.ngettext("%(count)s group", "%(count)s groups", count),
            "decision": self._t.ngettext("%(count)s decision", "%(count)s decisions", count),
            "level": self._t.ngettext("%(count)s level", "%(count)s levels", count),
            "text": self._t.ngettext("%(count)s text", "%(count)s texts", count),
            "row": self._t.ngettext("%(count)s row", "%(count)s rows", count),
            "cluster": self._t.ngettext("%(count)s cluster", "%(count)s clusters", count),
            "case": self._t.ngettext("%(count)s case", "%(count)s cases", count),
            "pattern": self._t.ngettext("%(count)s pattern", "%(count)s patterns", count),
        }
        return forms[noun]


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each form as a pattern; the longest first, so that a form that begins with another is found."""
    found = []
    for form in sorted(SENTENCES, key=len, reverse=True):
        literal = _PLACE.split(form)
        parts = [_place(part) if number % 2 else re.escape(part) for number, part in enumerate(literal)]
        found.append((form.replace("%%", "%"), re.compile("".join(parts).replace("%%", "%"), re.DOTALL)))
    return tuple((form, pattern) for form, pattern in found)


def _place(name: str) -> str:
    """What can stand in a place: anything where words of others do, else nothing that begins another sentence."""
    return f"(?P<{name}>.+?)" if name in _FREE else rf"(?P<{name}>(?:(?!\. ).)+?)"


Forms = tuple[tuple[str, dict[str, str]], ...]


def _forms_of(text: str) -> Forms | None:
    """The forms of which `text` is made, with what stands in them; None where a part of it is of no known form."""
    return _Parts(text).of(0)


class _Parts:
    """Finds the sentences of one text. Each place is looked at once, whatever words of others hold."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [found.end() for found in re.finditer(r"[.?](?= )", text)]
        self._known: dict[int, Forms | None] = {}

    def of(self, begin: int) -> Forms | None:
        """The forms from a place on."""
        if begin not in self._known:
            self._known[begin] = None
            self._known[begin] = self._several(begin) or self._one(begin)
        return self._known[begin]

    def _several(self, begin: int) -> Forms | None:
        """A form that ends before the text does, and then further ones; the shortest that leaves such a rest."""
        ends = [end for end in self._ends if end > begin]
        for form, pattern in _patterns():
            if ends and pattern.match(self._text, begin):
                for end in ends:
                    found = pattern.fullmatch(self._text, begin, end)
                    rest = self.of(end + 1) if found else None
                    if found and rest is not None:
                        return (form, found.groupdict()), *rest
        return None

    def _one(self, begin: int) -> Forms | None:
        for form, pattern in _patterns():
            if whole := pattern.fullmatch(self._text, begin):
                return ((form, whole.groupdict()),)
        return None


def in_language(result: AuditResult, language: Language) -> AuditResult:
    """The same result with the names of its rates in the language; nothing else of it is changed."""
    if language.is_english:
        return result
    t = language.translations
    metrics = tuple(
        each.model_copy(update={name: t.gettext(getattr(each, name)) for name in ("plain", "among", "definition")})
        for each in result.metrics
    )
    return result.model_copy(update={"metrics": metrics})
