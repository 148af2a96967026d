"""`letter.html`: one printed page to the operator, from a public release and nothing else.

What was found, on what, the limit, the questions that its cause raises, and by when to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from audit.public.cases import is_expired
from audit.public.figures import PublicFinding
from audit.public.release import PublicRelease
from audit.vocabulary.finding import Cause
from reports.harms import due_words, use_in_words
from reports.html.charts import row_mark, shapes
from reports.html.environment import environment
from reports.html.layout import Part, one_file, part_in
from reports.language import Language
from reports.languages import language
from reports.public.html.document import TEMPLATES, notice_of
from reports.public.html.screen import Screen

MOST_ROWS: Final = 3
"""So many groups stand in a letter; the report has every one."""
_UNTIL_THEN: Final = ("affected", "correction", "meanwhile")
_QUESTIONS: Final[Mapping[Cause | None, Sequence[str]]] = {
    "beyond_limit": ("why_gaps", *_UNTIL_THEN),
    "smaller_group": ("why_gaps", "ask_auditor", *_UNTIL_THEN),
    "many_together": ("ask_auditor", "why_gaps", *_UNTIL_THEN),
    "changed_word": ("why_words", "where_words", *_UNTIL_THEN),
    "earlier_release": ("why_worse", "ask_auditor", "go_back", *_UNTIL_THEN),
    None: ("ask_auditor", *_UNTIL_THEN),
}
"""Keys of the questions about a fail, by the cause of its first finding."""
_UNDECIDED: Final = ("why_open", "more_cases", "meanwhile")
_WITHIN: Final = ("next_change", "too_small")
_EXPIRED: Final = ("audited_again", "meanwhile")


class Letter(Screen):
    """The letter of one release in one language."""

    @cached_property
    def rows(self) -> Sequence[PublicFinding]:
        """The first groups beyond a limit, or, without a fail, the widest gap."""
        return () if self.picture is None else self.picture.rows[:MOST_ROWS]

    @cached_property
    def questions(self) -> list[str]:
        """The questions that the cause of the first finding raises."""
        return [self.language.word("letter", key) for key in self._keys()]

    def _keys(self) -> Sequence[str]:
        if self.outcome == "pass":
            return _EXPIRED if is_expired(self.release) else _WITHIN
        if self.outcome == "inconclusive":
            return _UNDECIDED
        first = next((finding for finding in self.findings if finding.word == "beyond"), None)
        cause = None if first is None else first.cause
        return _QUESTIONS.get(cause, _QUESTIONS[None])

    @cached_property
    def due(self) -> str:
        """By when the operator is asked to answer."""
        expired = is_expired(self.release)
        if self.outcome == "pass" and not expired:
            return self.language.word("letter", "due_pass")
        about = self.about
        due = due_words(self.language, self.outcome, about.respond_by, about.finished, is_expired=expired)
        return due or self.language.word("letter", "no_day")


def letter_file(release: PublicRelease) -> str:
    """Write `letter.html` in the languages of the release, the first of them chosen."""
    return letter_in(release, [language(code) for code in dict.fromkeys(release.about.languages or ("en",))])


def letter_in(release: PublicRelease, languages: Sequence[Language]) -> str:
    """Write the letter in these languages, the first of them chosen."""
    parts = [_part(release, language, several=len(languages) > 1) for language in languages]
    styles = ("style.css", "public.css", "letter.css")
    return one_file(parts, release.about.title, folder=TEMPLATES, styles=styles)


def _part(release: PublicRelease, language: Language, *, several: bool) -> Part:
    letter, notice = Letter(release, language), notice_of(release, language)
    body = (
        environment(language, TEMPLATES)
        .get_template("letter.html")
        .render(
            release=release,
            about=release.about,
            past_expiry=is_expired(release),
            most_rows=MOST_ROWS,
            page=letter,
            language=language,
            notice=notice,
            row_mark=row_mark,
            shapes=shapes(),
            use=use_in_words(release.about.use, language),
        )
    )
    return part_in(language, letter.words.heading(release), notice, body, "", several=several)
