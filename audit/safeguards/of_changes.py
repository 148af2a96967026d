"""Evidence from texts and rows in which one word or one column was changed, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from audit.result.findings import ChangedSlot, Outcome, SwapProbe, SwapShift
from audit.safeguards.found import Finding, Found, measured, not_shown
from audit.safeguards.held import Held
from audit.vocabulary.numbers import percent
from audit.vocabulary.terms import SLOT_WORDS
from audit.vocabulary.text import count_of

__all__ = ["CHANGES"]


def _nationality_word(held: Held) -> Found:
    """Paragraph 2: tested by changing the nationality word, or the nationality column, and nothing else."""
    nationalities = held.coded("nationality")
    evidence = " ".join(
        told for probe in held.result.probes for told in [_moved_by_nationality(held, nationalities, probe)] if told
    )
    if evidence:
        return measured(
            f"{evidence} This speaks of what was changed here and of its like; whether other words or columns stand "
            "in was not tested.",
            "probes",
        )
    system = held.result.system
    if not system.features:
        return not_shown("Answers were supplied: whether nationality entered them is not known.")
    if any(feature in system.sensitive_features_used for feature in nationalities):
        return not_shown("The detector is given the nationality of the person; its effect was not tested.")
    return not_shown("The nationality column was withheld; whether other columns stand in for it was not tested.")


def _religion(held: Held) -> Found:
    columns = {held.plan.groups[feature].column for feature in held.meant("religion")}
    changed = [
        slot
        for probe in held.result.probes
        for slot in probe.slots
        if probe.kind == "columns" and slot.slot in columns and slot.pairs
    ]
    if not changed:
        return not_shown("Religion was changed in no text and no row.")
    return measured(
        f"When only the religion column was changed, {sum(slot.flipped for slot in changed):,} of "
        f"{count_of(sum(slot.pairs for slot in changed), 'decision')} changed.",
        "probes",
    )


def _swaps(held: Held) -> Found:
    changed = [slot for probe in held.result.probes for slot in probe.slots if slot.pairs]
    if not changed:
        return not_shown("No text or row was scored with one word or one column changed.")
    told = (
        f"When one word or one column was changed, and nothing else, {sum(slot.flipped for slot in changed):,} of "
        f"{count_of(sum(slot.pairs for slot in changed), 'decision')} changed."
    )
    verdicts = held.result.probe_verdicts
    if not verdicts:
        return measured(f"{told} No rule limits it.", "probes")
    return measured(
        f"{told} Under the rules on it, {_judged(Counter(one.outcome for one in verdicts), 'of these changes are')}.",
        "probes",
        "probe_verdicts",
    )


def _moved_by_nationality(held: Held, nationalities: Sequence[str], probe: SwapProbe) -> str:
    """What one probe says of nationality; empty where it changes none, or too few texts were scored."""
    columns = {held.plan.groups[feature].column for feature in nationalities}
    wanted = {"demonym", "country"} if probe.kind == "text" else columns
    told = []
    for slot in probe.slots:
        shifts = [
            one
            for one in probe.shifts
            if one.slot == slot.slot and one.given_slot is None and one.shift is not None and one.reason is None
        ]
        if slot.slot in wanted and shifts:
            widest = max(shifts, key=lambda one: abs(one.shift or 0.0))
            what = SLOT_WORDS[slot.slot] if probe.kind == "text" else "nationality column"
            told.append(
                f"When only the {what} was changed, {slot.flipped:,} of {count_of(slot.pairs, 'decision')} changed "
                f"({count_of(slot.levels, 'level')}, {_scored(slot, probe)}); the widest mean shift of "
                f"the score is {percent(abs(widest.shift or 0.0))} of its range"
                + (f" (“{widest.name}”: {_flips(widest)})." if widest.shift else ".")
            )
    if not told:
        return ""
    of_nationality = [one for one in held.result.probe_verdicts if one.probe == probe.probe and one.slot in wanted]
    for rule in dict.fromkeys(one.rule for one in of_nationality):
        alone, beside = (
            Counter(
                one.outcome for one in of_nationality if one.rule == rule and (one.given_slot is not None) is within
            )
            for within in (False, True)
        )
        told.append(f"Under rule {rule}, {_judged(alone, 'of these changes are')}.")
        if beside:
            told.append(f"Of the same changes within one level of another word or column, {_judged(beside, 'are')}.")
    return " ".join(told)


def _judged(outcomes: Counter[Outcome], are: str) -> str:
    undecided = outcomes["inconclusive"] + outcomes["not_evaluable"]
    return f"{outcomes['fail']} {are} beyond the limit, {outcomes['pass']} within it, {undecided} not decided"


def _scored(slot: ChangedSlot, probe: SwapProbe) -> str:
    """The texts, rows or clusters, or the fewest of them that a level was scored in."""
    every = count_of(slot.templates, probe.unit)
    return every if slot.templates_scored == slot.templates else f"scored in {slot.templates_scored:,} of {every}"


def _flips(shift: SwapShift) -> str:
    return f"{shift.to_flagged + shift.to_not_flagged:,} of {count_of(shift.pairs, 'decision')} changed"


CHANGES: Final[Mapping[str, Finding]] = {
    "nationality_word": Finding(_nationality_word),
    "religion": Finding(_religion),
    "swaps": Finding(_swaps),
}
"""By the key of the evidence."""
