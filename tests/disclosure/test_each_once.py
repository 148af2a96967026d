"""People who have one code on every rung of a ladder are one group to a reader, not three."""

from __future__ import annotations

import pytest

from audit.public.figures import each_people_once, state_tally
from audit.public.table import PublicWord
from audit.vocabulary.groups import Group, Level

WHY = {"below": "beyond_limit", "meets": "within_limit", "cannot_tell": "limit_not_excluded"}
RUNGS = ("m49-region", "m49-subregion", "country")


def shown(word: str, code: str, rung: str, rule: str = "missed") -> PublicWord:
    return PublicWord.model_validate(
        {"rule": rule, "group": Group((Level("nationality", rung, code),)), "word": word, "why": WHY[word]}
    )


def test_stateless_people_count_once_and_nigerians_and_western_africans_do_not() -> None:
    words = [shown("below", "XXA", rung) for rung in RUNGS]
    words += [shown("below", "011", "m49-subregion"), shown("below", "NGA", "country")]
    once = each_people_once(words)
    assert [(word.group.levels[0].rung, word.group.levels[0].code) for word in once] == [
        ("country", "XXA"),
        ("m49-subregion", "011"),
        ("country", "NGA"),
    ]
    assert state_tally(words)["below"] == 3


@pytest.mark.parametrize("rung", RUNGS)
def test_the_worst_word_stands_on_whatever_rung_it_was_found(rung: str) -> None:
    words = [shown("below" if each == rung else "meets", "XXA", each) for each in RUNGS]
    (kept,) = each_people_once(words)
    assert (kept.word, kept.group.levels[0].rung) == ("below", rung)
    assert state_tally(words) == {"below": 1, "meets": 0, "cannot_tell": 0, "not_shown": 0}


def test_not_knowing_outranks_a_pass() -> None:
    (kept,) = each_people_once([shown("meets", "XXA", "country"), shown("cannot_tell", "XXA", "m49-region")])
    assert kept.word == "cannot_tell"


def test_rules_are_counted_apart() -> None:
    words = [shown("below", "XXA", "country"), shown("meets", "XXA", "country", rule="flagged")]
    assert each_people_once(words) == words
