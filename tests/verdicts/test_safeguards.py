"""What the result says of the draft's clauses rests on what the result holds."""

from __future__ import annotations

from made_results import FAILING, sample_result
from made_second_looks import further_result

from audit.result import AuditResult, Safeguard
from audit.safeguards import safeguards


def of_words(result: AuditResult, words: str) -> Safeguard:
    """The clause of which `words` are a part, told from the findings of `result`."""
    further = {name: getattr(result, name) for name in ("amplification", "reference_comparison", "conditional")}
    told = safeguards(result.plan, result.rules, result.system, further)
    return next(clause for clause in told if words in clause.words)


def test_what_was_asked_is_shown_and_what_was_not_is_not() -> None:
    plain = sample_result(FAILING)
    asked = further_result(plain)
    for words in ("facilitate", "perpetuate", "discrimination"):
        assert of_words(plain, words).state == "not_shown"
        assert of_words(asked, words).state == "measured"


def test_the_evidence_counts_groups() -> None:
    result = further_result(sample_result(FAILING))
    added = sum(record.outcomes.get("adds", 0) for record in result.amplification)
    vanished = sum(record.notes.get("vanishes", 0) for record in result.conditional)
    assert added
    assert vanished
    assert f"turned round for {added}," in of_words(result, "facilitate").evidence
    assert f": {vanished} vanish," in of_words(result, "discrimination").evidence
    assert result.reference_comparison is not None
    assert result.reference_comparison.source in of_words(result, "perpetuate").evidence


def test_findings_that_say_nothing_are_not_shown() -> None:
    result = further_result(sample_result(FAILING))
    silent = tuple(
        record.model_copy(update={"outcomes": {"cannot_tell": sum(record.outcomes.values())}})
        for record in result.amplification
    )
    assert of_words(result.model_copy(update={"amplification": silent}), "facilitate").state == "not_shown"
