"""Sentences of a result in the language of a report, written from their keys and values.

Words of others in them are set apart. A text without sentences (from an old result), or with sentences that do not
match it, stays English. It is marked as English for readers and screen readers.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from markupsafe import Markup, escape

from audit.vocabulary.sentences import SENTENCES, Counted, Sentence, Share, Value, Word, english
from audit.vocabulary.text import harmless
from reports.language import Wording

_DECISIONS = (
    *("threshold", "top_k_scores", "top_k_levels", "rank_says", "column_says", "one_of_classes", "class_says"),
    *("blind_supported", "blind_too_few", "blind_not_shown"),
)


class SentenceWriter(Wording):
    """Writer of the sentences of a result, in one language."""

    def written(self, text: str, sentences: Collection[Sentence]) -> Markup:
        """Return `text` in the language, from its sentences. Where they are not known, return it as it is, marked as
        English.
        """
        if self._language.is_english or not _are_of(sentences, text):
            return self._english(text)
        return Markup(" ").join(self._sentence(sentence) for sentence in sentences)

    def known(self, text: str) -> Markup:
        """Return a fixed text of `audit` in the language. A text that is no message is returned as it is, marked as
        English.
        """
        translated = self._t.gettext(text) if text else text
        if self._language.is_english or translated == text:
            return self._english(text)
        return escape(translated)

    def decision(self, text: str) -> Markup:
        """Return a decision rule in the language, from its English text: a public file holds nothing else of it."""
        for key in _DECISIONS:
            pattern = re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+)", re.escape(SENTENCES[key]))
            if match := re.fullmatch(pattern, text):
                values: dict[str, Value] = {
                    name: int(value) if value.isdecimal() else Word(word=value)
                    for name, value in match.groupdict().items()
                }
                return self.written(text, [Sentence(key=key, values=values)])
        return self.known(text)

    def _english(self, text: str) -> Markup:
        if self._language.is_english:
            return Markup("<bdi>{}</bdi>").format(harmless(text))
        return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(harmless(text))

    def _sentence(self, sentence: Sentence) -> Markup:
        values = {name: self._value(value) for name, value in sentence.values.items()}
        return escape(self._t.gettext(SENTENCES[sentence.key])) % values

    def _value(self, value: Value) -> Markup | str:
        if isinstance(value, int):
            return self._n.count(value)
        if isinstance(value, Counted):
            return self._language.counted("nouns", value.noun.removesuffix(" has"), value.count)
        if isinstance(value, Share):
            return self._n.percent_pattern.format(value.written.removesuffix("%").replace(".", self._n.decimal))
        word = value.word if isinstance(value, Word) else value
        if isinstance(value, Word) and re.fullmatch(r"-?\d+\.\d+", word):
            return word.replace(".", self._n.decimal)
        translated = self._t.gettext(word) if isinstance(value, Word) and word else word
        return translated if translated != word else Markup("<bdi>{}</bdi>").format(harmless(word))


def _are_of(sentences: Collection[Sentence], text: str) -> bool:
    try:
        return bool(sentences) and english(sentences) == text
    except KeyError:
        return False
