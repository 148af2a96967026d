"""Evidence on patterns: whether gaps exist, whether the system adds to them or repeats them, and whether they remain
among like cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from audit.safeguards.found import Finding, Found, measured, not_shown, stated
from audit.safeguards.held import Held
from audit.vocabulary.sentences import Word, counted, sentence, share

__all__ = ["PATTERNS"]


def _limits(held: Held) -> Found:
    rules = counted(len(held.result.rules), "rule")
    decided = held.decided()
    if not decided:
        return not_shown("no_limits")
    return measured(sentence("limits", rules=rules, verdicts=counted(len(decided), "verdict")), "verdicts")


def _inequality(held: Held) -> Found:
    said = sentence("inequality", rules=counted(len(held.result.rules), "rule"))
    if not held.decided() or not held.result.disparities:
        return not_shown((said, "nobody_judged"))
    return measured(said, "disparities", "verdicts")


def _facilitate(held: Held) -> Found:
    groups = sum((Counter[str](record.outcomes) for record in held.result.amplification), Counter[str]())
    if not groups:
        return not_shown(("no_facilitate", "not_without_features"))
    counts = {"adds": groups["adds"], "repeats": groups["repeats"], "removes": groups["removes"]}
    total = counted(groups.total(), "group")
    said = (sentence("facilitate", groups=total, **counts, open=groups["cannot_tell"]), "not_without_features")
    return measured(said, "amplification") if any(counts.values()) else not_shown(said)


def _perpetuate(held: Held) -> Found:
    reference = held.result.reference_comparison
    if reference is None or reference.p is None:
        return not_shown("no_perpetuate")
    said = sentence("perpetuate", feature=Word(word=reference.feature), source=reference.source)
    return measured(said, "reference_comparison")


def _forms_outside(held: Held) -> Found:
    reference, form = held.result.reference_comparison, held.governance.features.get("form")
    if reference is None or reference.p is None or reference.feature != form:
        return not_shown("no_forms_outside")
    return measured(sentence("forms_outside", source=reference.source), "reference_comparison")


def _like_cases(held: Held) -> Found:
    records = held.result.conditional
    if not records:
        return not_shown("no_like_cases")
    notes = sum((Counter[str](record.notes) for record in records), Counter[str]())
    counts = {note: notes[note] for note in ("vanishes", "appears", "reverses", "stays")}
    controls = Word(word=", ".join(dict.fromkeys(control for record in records for control in record.controls)))
    said = sentence("like_cases", controls=controls, **counts, open=notes["cannot_tell"])
    return measured(said, "conditional") if any(counts.values()) else not_shown(said)


def _weighed(held: Held) -> Found:
    known = [one for one in held.result.costs if one.per_1000 is not None and one.group.root]
    return stated("weighed", known, "costs")


def _above_chance(held: Held) -> Found:
    right, labelled = held.of_everyone("precision"), held.of_everyone("base_rate")
    if right is None or labelled is None:
        return not_shown("no_above_chance")
    return measured(sentence("above_chance", right=share(right), chance=share(labelled)), "estimates")


def _at_work(held: Held) -> Found:
    everyone = [one for table in held.result.deployed for one in table.groups if not one.group.root]
    right = next((one.precision for one in everyone if one.precision is not None), None)
    return not_shown("no_at_work") if right is None else measured(sentence("at_work", right=share(right)), "deployed")


def _calibration(held: Held) -> Found:
    known = [one for one in held.result.calibrations if one.group.root and one.reason is None]
    return stated("calibration", known, "calibrations")


def _unnamed_groups(held: Held) -> Found:
    searched = any(one.outcome != "cannot_tell" for one in held.result.subgroup_scan)
    return measured("unnamed_groups", "subgroup_scan") if searched else not_shown("no_unnamed_groups")


def _doubts(held: Held) -> Found:
    rules = [rule for rule in held.result.sensitivity if rule.examined == "yes" and rule.listed]
    return stated("doubts", rules, "sensitivity", "rule")


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
"""Searches by the key of the evidence."""
