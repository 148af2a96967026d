"""Words for the tally: how many comparisons are beyond a limit, within it, and without a verdict of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from audit.vocabulary.finding import Tally, Word
from reports.language import Wording

_LOOKS: Final[tuple[tuple[Word, str], ...]] = (
    ("beyond", "fail"),
    ("within", "pass"),
    ("cannot_tell", "inconclusive"),
    ("not_judged_alone", "inconclusive"),
    ("no_rate", "not_evaluable"),
)
"""Words in the order in which they are shown, and the outcome whose mark and colour each has."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A word of a tally, with its count."""

    word: Word
    look: str
    count: int
    text: str
    """The word in the language of the report."""


class TallyWords(Wording):
    """Words for tallies in one language."""

    def counted(self, tally: Tally) -> list[Counted]:
        """Return the words of which there is any, in the order in which they are shown."""
        counts = [(word, look, getattr(tally, word)) for word, look in _LOOKS]
        return [Counted(word, look, count, self.word(word)) for word, look, count in counts if count]

    def word(self, word: Word) -> str:
        """Return one word of a tally."""
        return self._language.word("tally", word)

    def sentence(self, tally: Tally, reason: str = "") -> str:
        """Return the tally in one sentence; `reason` is the most frequent one why it cannot be told."""
        parts = []
        for word in ("beyond", "within", "cannot_tell", "not_judged_alone", "no_rate"):
            count = self._n.count(getattr(tally, word))
            if word == "cannot_tell" and reason:
                count = self._t.gettext("%(count)s (most often: %(reason)s)") % {"count": count, "reason": reason}
            if word in ("beyond", "within") or getattr(tally, word):
                parts.append(self._t.gettext("%(state)s: %(count)s") % {"state": self.word(word), "count": count})
        counts = {"all": self._n.count(tally.total), "counts": self._t.gettext("; ").join(parts)}
        return self._t.gettext("Comparisons with a limit: %(all)s, of these %(counts)s.") % counts
