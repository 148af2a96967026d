"""Evidence on patterns: whether gaps exist, whether the system adds to them or repeats them, and whether they remain
among like cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from audit.safeguards.result_view import ResultView
from audit.safeguards.searches import FoundEvidence, Search, measured, not_shown, stated
from audit.vocabulary.sentences import Word, counted, sentence, share


def _limits(view: ResultView) -> FoundEvidence:
    rules = counted(len(view.result.rules), "rule")
    decided = view.decided_verdicts()
    if not decided:
        return not_shown("no_limits")
    return measured(sentence("limits", rules=rules, verdicts=counted(len(decided), "verdict")), "verdicts")


def _inequality(view: ResultView) -> FoundEvidence:
    statement = sentence("inequality", rules=counted(len(view.result.rules), "rule"))
    if not view.decided_verdicts() or not view.result.disparities:
        return not_shown((statement, "nobody_judged"))
    return measured(statement, "disparities", "verdicts")


def _facilitate(view: ResultView) -> FoundEvidence:
    groups = sum((Counter[str](record.outcomes) for record in view.result.further.amplification), Counter[str]())
    if not groups:
        return not_shown(("no_facilitate", "not_without_features"))
    counts = {"adds": groups["adds"], "repeats": groups["repeats"], "removes": groups["removes"]}
    total = counted(groups.total(), "group")
    sentences = (sentence("facilitate", groups=total, **counts, open=groups["cannot_tell"]), "not_without_features")
    return measured(sentences, "further.amplification") if any(counts.values()) else not_shown(sentences)


def _perpetuate(view: ResultView) -> FoundEvidence:
    reference = view.result.further.reference_comparison
    if reference is None or reference.p is None:
        return not_shown("no_perpetuate")
    statement = sentence("perpetuate", feature=Word(word=reference.feature), source=reference.source)
    return measured(statement, "further.reference_comparison")


def _forms_outside(view: ResultView) -> FoundEvidence:
    reference, form = view.result.further.reference_comparison, view.governance.features.get("form")
    if reference is None or reference.p is None or reference.feature != form:
        return not_shown("no_forms_outside")
    return measured(sentence("forms_outside", source=reference.source), "further.reference_comparison")


def _like_cases(view: ResultView) -> FoundEvidence:
    records = view.result.further.conditional
    if not records:
        return not_shown("no_like_cases")
    notes = sum((Counter[str](record.notes) for record in records), Counter[str]())
    counts = {note: notes[note] for note in ("vanishes", "appears", "reverses", "stays")}
    controls = Word(word=", ".join(dict.fromkeys(control for record in records for control in record.controls)))
    statement = sentence("like_cases", controls=controls, **counts, open=notes["cannot_tell"])
    return measured(statement, "further.conditional") if any(counts.values()) else not_shown(statement)


def _weighed(view: ResultView) -> FoundEvidence:
    known = [cost for cost in view.result.further.costs if cost.per_1000 is not None and cost.group.root]
    return stated("weighed", known, "further.costs")


def _above_chance(view: ResultView) -> FoundEvidence:
    right, labelled = view.rate_of_everyone("precision"), view.rate_of_everyone("base_rate")
    if right is None or labelled is None:
        return not_shown("no_above_chance")
    return measured(sentence("above_chance", right=share(right), chance=share(labelled)), "estimates")


def _at_work(view: ResultView) -> FoundEvidence:
    everyone = [group for table in view.result.further.deployed for group in table.groups if not group.group.root]
    right = next((group.precision for group in everyone if group.precision is not None), None)
    return (
        not_shown("no_at_work")
        if right is None
        else measured(sentence("at_work", right=share(right)), "further.deployed")
    )


def _calibration(view: ResultView) -> FoundEvidence:
    known = [
        calibration
        for calibration in view.result.further.calibrations
        if calibration.group.root and calibration.reason is None
    ]
    return stated("calibration", known, "further.calibrations")


def _unnamed_groups(view: ResultView) -> FoundEvidence:
    searched = any(scan.outcome != "cannot_tell" for scan in view.result.further.subgroup_scan)
    return measured("unnamed_groups", "further.subgroup_scan") if searched else not_shown("no_unnamed_groups")


def _doubts(view: ResultView) -> FoundEvidence:
    rules = [rule for rule in view.result.further.sensitivity if rule.examined == "yes" and rule.listed]
    return stated("doubts", rules, "further.sensitivity", "rule")


PATTERNS: Final[Mapping[str, Search]] = {
    "limits": Search(_limits),
    "inequality": Search(_inequality),
    "facilitate": Search(_facilitate),
    "perpetuate": Search(_perpetuate),
    "forms_outside": Search(_forms_outside),
    "like_cases": Search(_like_cases),
    "weighed": Search(_weighed),
    "above_chance": Search(_above_chance),
    "at_work": Search(_at_work),
    "calibration": Search(_calibration),
    "unnamed_groups": Search(_unnamed_groups),
    "doubts": Search(_doubts),
}
"""Searches by the key of the evidence."""
