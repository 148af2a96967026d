"""Evidence from texts and rows in which one word or one column was changed, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from audit.result.findings.judged import Outcome
from audit.result.findings.swaps import ChangedSlot, SwapProbe, SwapShift
from audit.safeguards.plan_scope import NATIONALITY_SLOTS
from audit.safeguards.result_view import ResultView
from audit.safeguards.searches import FoundEvidence, Search, measured, not_shown
from audit.vocabulary.sentences import SLOT_WORDS, Sentence, Value, Word, counted, sentence, share
from audit.vocabulary.text import count_of


def _nationality_word(view: ResultView) -> FoundEvidence:
    """Find whether a changed nationality word or column, and nothing else, was tested (paragraph 2)."""
    nationalities = view.features_coded("nationality")
    columns = {view.plan.groups[feature].column for feature in nationalities}
    sentences = [
        moved
        for probe in view.result.probes
        for moved in _moved_by(NATIONALITY_SLOTS if probe.kind == "text" else columns, probe, view)
    ]
    if sentences:
        return measured((*sentences, "other_words"), "probes")
    system = view.result.system
    if not system.features:
        return not_shown("nationality_supplied")
    is_given = any(feature in system.sensitive_features_used for feature in nationalities)
    return not_shown("nationality_given" if is_given else "nationality_withheld")


def _religion(view: ResultView) -> FoundEvidence:
    columns = {view.plan.groups[feature].column for feature in view.features_meaning("religion")}
    changed = [
        slot
        for probe in view.result.probes
        for slot in probe.slots
        if probe.kind == "columns" and slot.slot in columns and slot.pairs
    ]
    return measured(_flipped("religion", changed), "probes") if changed else not_shown("no_religion")


def _swaps(view: ResultView) -> FoundEvidence:
    changed = [slot for probe in view.result.probes for slot in probe.slots if slot.pairs]
    if not changed:
        return not_shown("no_swaps")
    verdicts = view.result.probe_verdicts
    if not verdicts:
        return measured((_flipped("swaps", changed), "swaps_no_rule"), "probes")
    judged = sentence("swaps_judged", **_judged(Counter(verdict.outcome for verdict in verdicts)))
    return measured((_flipped("swaps", changed), judged), "probes", "probe_verdicts")


def _flipped(key: str, changed: list[ChangedSlot]) -> Sentence:
    decisions = counted(sum(slot.pairs for slot in changed), "decision")
    return sentence(key, flipped=sum(slot.flipped for slot in changed), decisions=decisions)


def _moved_by(wanted: frozenset[str] | set[str], probe: SwapProbe, view: ResultView) -> Iterator[Sentence]:
    """Yield what one probe shows of these slots or columns: nothing where it changes none, or where too few texts were
    scored.
    """
    moved = False
    for slot in probe.slots:
        shifts = [
            shift
            for shift in probe.shifts
            if shift.slot == slot.slot and shift.given_slot is None and shift.shift is not None and shift.reason is None
        ]
        if slot.slot in wanted and shifts:
            moved = True
            yield _widest(slot, probe, max(shifts, key=lambda shift: abs(shift.shift or 0.0)))
    judged = [
        verdict
        for verdict in view.result.probe_verdicts
        if moved and verdict.probe == probe.probe and verdict.slot in wanted
    ]
    for rule in dict.fromkeys(verdict.rule for verdict in judged):
        alone = Counter(verdict.outcome for verdict in judged if verdict.rule == rule and verdict.given_slot is None)
        beside = Counter(
            verdict.outcome for verdict in judged if verdict.rule == rule and verdict.given_slot is not None
        )
        yield sentence("changes_judged", rule=rule, **_judged(alone))
        if beside:
            yield sentence("changes_within_judged", **_judged(beside))


def _widest(slot: ChangedSlot, probe: SwapProbe, widest: SwapShift) -> Sentence:
    values: dict[str, Value] = {
        "slot": Word(word=SLOT_WORDS[slot.slot] if probe.kind == "text" else "nationality column"),
        "flipped": slot.flipped,
        "decisions": counted(slot.pairs, "decision"),
        "levels": counted(slot.levels, "level"),
        "scored": _scored(slot, probe),
        "shift": share(abs(widest.shift or 0.0)),
    }
    if not widest.shift:
        return sentence("word_changed", **values)
    flips, pairs = widest.to_flagged + widest.to_not_flagged, counted(widest.pairs, "decision")
    return sentence("word_changed_widest", **values, name=widest.name, flips=flips, pairs=pairs)


def _judged(outcomes: Counter[Outcome]) -> dict[str, int]:
    undecided = outcomes["inconclusive"] + outcomes["not_evaluable"]
    return {"fail": outcomes["fail"], "pass": outcomes["pass"], "open": undecided}


def _scored(slot: ChangedSlot, probe: SwapProbe) -> Value:
    """Return the number of texts, rows or clusters: the fewest that any level was scored in."""
    if slot.templates_scored == slot.templates:
        return counted(slot.templates, probe.unit)
    return f"scored in {slot.templates_scored:,} of {count_of(slot.templates, probe.unit)}"


CHANGES: Final[Mapping[str, Search]] = {
    "nationality_word": Search(_nationality_word),
    "religion": Search(_religion),
    "swaps": Search(_swaps),
}
"""Searches by the key of the evidence."""
