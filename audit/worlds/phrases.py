"""Sentences of the synthetic adverts in English, Spanish and French, from `data/phrases.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from audit.worlds.world import table

LANGUAGES: Final = ("en", "es", "fr")
LANGUAGE_SHARES: Final = (0.46, 0.32, 0.22)

_READ: Final = table("phrases")
_ByLanguage = Mapping[str, str]
_Wordings = Mapping[str, Sequence[str]]
JOBS: Final[_Wordings] = _READ["jobs"]
PLACES: Final[_Wordings] = _READ["places"]
GREETINGS: Final[_Wordings] = _READ["greetings"]
PAY: Final[_Wordings] = _READ["pay"]
CONTACTS: Final[_Wordings] = _READ["contacts"]
ADDRESSED_TO: Final[Mapping[str, Mapping[str, str]]] = _READ["addressed_to"]
"""By language and gender."""
NATIONALITY_SENTENCE: Final[_ByLanguage] = _READ["nationality_sentence"]
NATIONALITY_WORDS: Final[Mapping[str, _ByLanguage]] = _READ["nationality_words"]
PROBE_OPENING: Final[_ByLanguage] = _READ["probe_opening"]
"""First sentence of a text of the probe; the second braces are a slot."""
STATELESS: Final[_ByLanguage] = _READ["stateless"]
"""Sentences for XXA, which is no nationality."""
SIGN_SENTENCES: Final[Mapping[str, _Wordings]] = _READ["sign_sentences"]
"""By sign: a few wordings in each language."""
ORDINARY_SENTENCES: Final[Mapping[str, _ByLanguage]] = _READ["ordinary_sentences"]
"""By sign: the sentence that half of the adverts hold in which the sign does not show."""
