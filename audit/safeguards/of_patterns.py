"""Evidence on patterns: whether gaps are there, added to, repeated, and there among like cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from audit.safeguards.found import Finding, Found, measured, not_shown
from audit.safeguards.held import Held
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import count_of

__all__ = ["PATTERNS"]


def _limits(held: Held) -> Found:
    judged = len(held.decided())
    if not judged:
        return not_shown("Limits were set in the plan, and the data decide on no group.")
    return measured(
        f"{count_of(len(held.result.rules), 'rule')}; {count_of(judged, 'verdict')} on groups that the data decide.",
        "verdicts",
    )


def _inequality(held: Held) -> Found:
    rules = count_of(len(held.result.rules), "rule")
    told = f"Differences and ratios with intervals for every group; {rules}."
    if not held.decided() or not held.result.disparities:
        return not_shown(f"{told} No group could be judged.")
    return measured(told, "disparities", "verdicts")


def _facilitate(held: Held) -> Found:
    groups: Counter[str] = Counter()
    for record in held.result.amplification:
        groups.update(record.outcomes)
    rest = "What it would do without gender and nationality was not tested."
    if not groups.total():
        return not_shown(f"Flags were not compared with labels. {rest}")
    told = (
        f"Flags against labels, for {count_of(groups.total(), 'group')}: the gap is added to or turned round for "
        f"{groups['adds']}, repeated for {groups['repeats']}, narrowed for {groups['removes']}; the cases do not say "
        f"for {groups['cannot_tell']}. {rest}"
    )
    if not groups["adds"] + groups["repeats"] + groups["removes"]:
        return not_shown(told)
    return measured(told, "amplification")


def _perpetuate(held: Held) -> Found:
    reference = held.result.reference_comparison
    if reference is None or reference.p is None:
        return not_shown("Labels are compared with nothing from outside the set.")
    return measured(
        f"Labels are compared by {reference.feature} with a table from elsewhere ({reference.source}), which is no "
        "truth either.",
        "reference_comparison",
    )


def _forms_outside(held: Held) -> Found:
    reference, form = held.result.reference_comparison, held.governance.features.get("form")
    if reference is None or reference.p is None or reference.feature != form:
        return not_shown("The forms in the set are compared with nothing from outside.")
    return measured(
        f"The forms in the set are compared with a table from elsewhere ({reference.source}), which is no truth "
        "either.",
        "reference_comparison",
    )


def _like_cases(held: Held) -> Found:
    records = held.result.conditional
    if not records:
        return not_shown("The plan declares no control features, so like cases were not compared.")
    notes: Counter[str] = Counter()
    for record in records:
        notes.update(record.notes)
    controls = dict.fromkeys(control for record in records for control in record.controls)
    told = (
        f"Gaps among cases of the same {', '.join(controls)}, beside those among all: {notes['vanishes']} vanish, "
        f"{notes['appears']} appear, {notes['reverses']} turn round, {notes['stays']} stay; of "
        f"{notes['cannot_tell']} it cannot be told."
    )
    return measured(told, "conditional") if notes.total() - notes["cannot_tell"] else not_shown(told)


def _weighed(held: Held) -> Found:
    known = [one for one in held.result.costs if one.per_1000 is not None and one.group.root]
    if not known:
        return not_shown("The plan weighs no cost of an error against another, or no cost can be stated.")
    return measured(
        f"What errors cost is stated for {count_of(len(known), 'group')}, at costs that the plan weighs.", "costs"
    )


def _above_chance(held: Held) -> Found:
    right, labelled = held.of_everyone("precision"), held.of_everyone("base_rate")
    if right is None or labelled is None:
        return not_shown("Nobody was flagged or labelled, so that flags cannot be set beside chance.")
    return measured(
        f"{percent(right)} of flags are right; {percent(labelled)} of flags at random would be.", "estimates"
    )


def _at_work(held: Held) -> Found:
    everyone = [one for table in held.result.deployed for one in table.groups if not one.group.root]
    right = next((one.precision for one in everyone if one.precision is not None), None)
    if right is None:
        return not_shown("The base rate where the detector works is not in the plan, or the cases do not say.")
    return measured(f"At the base rate where it works, {percent(right)} of flags are right.", "deployed")


def _calibration(held: Held) -> Found:
    known = [one for one in held.result.calibrations if one.group.root and one.reason is None]
    if not known:
        return not_shown("Whether scores mean the same for everyone is not shown.")
    return measured(f"Scores are set against labels for {count_of(len(known), 'group')}.", "calibrations")


def _unnamed_groups(held: Held) -> Found:
    searched = [one for one in held.result.subgroup_scan if one.outcome != "cannot_tell"]
    if not searched:
        return not_shown("Subgroups that nobody named were not searched for.")
    return measured("Subgroups that nobody named were searched for.", "subgroup_scan")


def _doubts(held: Held) -> Found:
    rules = [rule for rule in held.result.sensitivity if rule.examined == "yes" and rule.listed]
    if not rules:
        return not_shown("How easily verdicts would change is not shown.")
    return measured(f"What would overturn a verdict is stated under {count_of(len(rules), 'rule')}.", "sensitivity")


PATTERNS: Final[Mapping[str, Finding]] = {
    "limits": Finding(_limits),
    "inequality": Finding(_inequality),
    "facilitate": Finding(_facilitate),
    "perpetuate": Finding(_perpetuate),
    "forms_outside": Finding(_forms_outside),
    "like_cases": Finding(_like_cases),
    "weighed": Finding(_weighed),
    "above_chance": Finding(_above_chance),
    "at_work": Finding(_at_work),
    "calibration": Finding(_calibration),
    "unnamed_groups": Finding(_unnamed_groups),
    "doubts": Finding(_doubts),
}
"""By the key of the evidence."""
