"""What the public reads of a limit on texts in which one word is changed: the rule, and what the headline settles."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from made.probes import IGNORES, LEXICON, write_audit

from audit.disclosure.about import public_about
from audit.public.about import PublicSafeguard
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.safeguards import evidence_of, public_states, with_safeguards
from audit.safeguards.plan_scope import asks_for

WORDS = (
    '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\nslots = ["demonym"]\nlevels = { demonym = ["NGA"] }\n'
)
GENDER = '[[probes]]\nid = "gender"\nkind = "text"\ncolumn = "text"\nslots = ["gender"]\n'
RULE = '[[rules]]\nmetric = "counterfactual_shift"\nmargin = 0.05\n'
MOVES = LEXICON + (
    "def score(batch):\n"
    "    return [base(text) * 0.5 + 0.4 * ('nigerian' in words(text)) for text in batch.column('text').to_pylist()]\n"
)
"""Names a nationality and rises."""
SILENT = LEXICON + (
    "def score(batch):\n"
    "    return [base(text) if text.startswith('Work offered: ') else float('nan')\n"
    "            for text in batch.column('text').to_pylist()]\n"
)
"""Answers the rows of the set, and no text of the package."""


@cache
def audited(more: str, code: str) -> AuditResult:
    with TemporaryDirectory() as folder:
        return run_audit(write_audit(Path(folder), more, code), crosscheck=False)


def read(result: AuditResult, key: str) -> PublicSafeguard:
    """What a public report says of it."""
    about = public_about(with_safeguards(result), ("html",), ("en",), {})
    return next(one for one in about.safeguards if one.key == key)


def test_a_nationality_word_beyond_the_limit_is_measured_and_said_to_be_beyond_it() -> None:
    """The headline publishes that a word moves the score: the row on nationality must not say that nothing is shown."""
    result = audited(WORDS + RULE, MOVES)
    assert [rule.outcome for rule in result.probe_rules] == ["fail"]
    shown = read(result, "nationality_word")
    assert (shown.state, shown.date) == ("measured", result.provenance.finished[:10])
    assert shown.evidence.endswith("the limit of the plan on how far that may move the score is exceeded.")
    assert read(result, "swaps").state == "measured"
    assert "a limit of the plan on changing one word or column is exceeded" in read(result, "swaps").evidence


def test_where_another_word_may_be_the_one_it_is_not_said_which() -> None:
    shown = read(audited(WORDS + GENDER + RULE, MOVES), "nationality_word")
    assert shown.state == "measured"
    assert "whether it is this one is said in the restricted report alone" in shown.evidence


def test_a_limit_that_is_open_is_measured_and_not_said_to_be_kept() -> None:
    passed = audited(WORDS + RULE, IGNORES)
    assert passed.overall.outcome == "pass"
    assert read(passed, "nationality_word").evidence.endswith("may move the score is kept.")
    for outcome in ("inconclusive", "fail"):  # of groups
        other = passed.model_copy(update={"overall": passed.overall.model_copy(update={"outcome": outcome})})
        shown = read(other, "nationality_word")
        assert shown.state == "measured"
        assert "Whether it is kept is said in the restricted report alone" in shown.evidence


@pytest.mark.parametrize(
    ("more", "swaps", "nationality"),
    [
        ("", "No text or row was scored with", "No text or row was scored in which nationality alone"),
        (WORDS, "What came of it", "What came of it"),
        (GENDER + RULE, None, "No text or row was scored in which nationality alone"),
        (WORDS + GENDER + RULE.replace("margin", 'probes = ["gender"]\nmargin'), None, "What came of it"),
    ],
)
def test_without_a_rule_on_such_texts_it_is_not_shown(more: str, swaps: str | None, nationality: str) -> None:
    result = audited(more, MOVES)
    for key, begins in (("swaps", swaps), ("nationality_word", nationality)):
        shown = read(result, key)
        assert shown.state == ("measured" if begins is None else "not_shown"), key
        assert begins is None or shown.evidence.startswith(begins), key


def test_texts_that_were_never_scored_measure_nothing() -> None:
    result = audited(WORDS + RULE, SILENT)
    assert public_states(result)["nationality_word"] == "elsewhere"
    assert all(slot.pairs == 0 for probe in result.probes for slot in probe.slots)


def test_no_answer_changes_what_is_said() -> None:
    """Only that texts were scored, the rules, and the headline: not how far a score moved, nor how many decisions."""
    result = audited(WORDS + RULE, MOVES)
    other = tuple(
        probe.model_copy(
            update={
                "slots": tuple(slot.model_copy(update={"flipped": 0}) for slot in probe.slots),
                "shifts": tuple(shift.model_copy(update={"shift": 0.0, "raised": 0}) for shift in probe.shifts),
            }
        )
        for probe in result.probes
    )
    changed = with_safeguards(result.model_copy(update={"probes": other, "probe_verdicts": ()}))
    assert changed.safeguards != result.safeguards
    assert public_about(changed, (), (), {}) == public_about(result, (), (), {})


@pytest.mark.parametrize("more", ["", WORDS, WORDS + GENDER + RULE])
def test_what_a_plan_does_not_ask_for_its_result_does_not_hold(more: str) -> None:
    """Else the public would read "absent" of evidence that the restricted report of the same result holds."""
    result = audited(more, MOVES)
    public = public_states(result)
    for key, one in evidence_of(result).items():
        assert asks_for(result.plan, key) or (one.state, public[key]) == ("not_shown", "not_shown"), key
        assert one.state != "measured" or public[key] != "not_shown", key
