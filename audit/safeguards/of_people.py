"""Evidence on people: who is missed, who is wrongly flagged, and who is in the set at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from audit.plan.governance import Meaning
from audit.plan.sections import feature_coding
from audit.result.findings.judged import Estimate
from audit.safeguards.result_view import FOUND, ResultView
from audit.safeguards.searches import FoundEvidence, Search, measured, not_shown, stated
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.sentences import Word, counted, sentence


def _missed(view: ResultView) -> FoundEvidence:
    rules = view.rules_on(MISSED)
    if not view.rates(FOUND):
        return not_shown("no_missed")
    if not rules:
        return not_shown("missed_no_rule")
    return measured(sentence("missed", rules=counted(len(rules), "rule")), "estimates", "rules")


def _false_alarms(view: ResultView) -> FoundEvidence:
    rules = counted(len(view.rules_on(WRONGLY_FLAGGED)), "rule")
    return stated("false_alarms", view.rates("false_positive_rate"), rules=rules)


def _gender(view: ResultView) -> FoundEvidence:
    features = view.features_coded("gender")
    if not features:
        return not_shown("gender_no_feature")
    unknown = sum(
        row.read for row in view.result.rows if [level[::2] for level in row.group.root] == [(features[0], "unknown")]
    )
    known, named = view.rates_by(FOUND, features), Word(word=", ".join(features))
    return stated("gender", known, features=named, rows=counted(unknown, "row"))


def _children(view: ResultView) -> FoundEvidence:
    if not _of_children(view):
        return not_shown("children_not_named")
    known = [estimate for estimate in view.rates(FOUND) if _is_of_children(view, estimate)]
    genders = view.features_coded("gender")
    with_gender = sum(any(level.feature in genders for level in estimate.group.root) for estimate in known)
    return stated("children", known, both=with_gender)


def _of_children(view: ResultView) -> dict[str, tuple[str, ...]]:
    return {feature.name: feature.children for feature in view.result.features if feature.children}


def _is_of_children(view: ResultView, estimate: Estimate) -> bool:
    children = _of_children(view)
    return any(level.code in children.get(level.feature, ()) for level in estimate.group.root)


def _present(view: ResultView) -> FoundEvidence:
    women = [(feature, "woman") for feature in view.features_coded("gender")]
    children = [(feature, code) for feature, codes in _of_children(view).items() for code in codes]
    if not women and not children:
        return not_shown("present_not_named")
    of_women, of_children = (
        sum(row.read for row in view.result.rows if _is_one_of(wanted, row.group.root)) for wanted in (women, children)
    )
    if not of_women + of_children:
        return not_shown("no_present")
    return measured(sentence("present", rows=counted(of_women, "row"), children=of_children), "rows")


def _is_one_of(wanted: Collection[tuple[str, str]], levels: Collection[tuple[str, str, str]]) -> bool:
    return len(levels) == 1 and all((feature, code) in wanted for feature, _, code in levels)


def _forced_criminality(view: ResultView) -> FoundEvidence:
    codes, form = view.governance.forced_criminality, view.features_meaning("form")
    if not codes or not form:
        return not_shown("forced_criminality_not_named")
    return stated(
        "forced_criminality",
        [
            estimate
            for estimate in view.rates(FOUND)
            if any(level.feature in form and level.code in codes for level in estimate.group.root)
        ],
    )


def _rates_by(key: str, *meanings: Meaning) -> Search:
    def find(view: ResultView) -> FoundEvidence:
        features = view.features_meaning(*meanings)
        if not features:
            return not_shown(f"{key}_not_named")
        known, named = view.rates_by(FOUND, features), Word(word=", ".join(features))
        if not known:
            return not_shown(sentence("no_rates_by", features=named))
        return stated("rates_by", known, features=named)

    return Search(find)


def _forms(view: ResultView) -> FoundEvidence:
    form = view.governance.features.get("form")
    if form is None:
        return not_shown("forms_not_named")
    if form in view.plan.groups:
        known = {estimate.group for estimate in view.rates_by(FOUND, [form])}
        return stated("forms", known, open=len(view.groups_by([form]) - known))
    records = [record for record in view.result.further.conditional if form in record.controls]
    if not any(count for record in records for note, count in record.notes.items() if note != "cannot_tell"):
        return not_shown("no_forms_compared")
    return measured(
        sentence("forms_compared", controls=Word(word=", ".join(records[0].controls))), "further.conditional"
    )


def _nationalities(view: ResultView) -> FoundEvidence:
    features = view.features_coded("nationality")
    if not features:
        return not_shown("nationalities_no_feature")
    return stated("nationalities", view.decided_verdicts(features), "verdicts", "verdict")


def _ratios_by(*codings: str) -> Search:
    def find(view: ResultView) -> FoundEvidence:
        for table in view.result.further.impact_ratios:
            if sorted(feature_coding(view.plan.groups, axis.feature) for axis in table.family.axes) == sorted(codings):
                compared = [group for group in table.groups if group.ratio is not None]
                if compared:
                    out = len(table.groups) - len(compared)
                    return stated("ratios", compared, "further.impact_ratios", out=out)
        return not_shown("no_ratios")

    return Search(find)


def _ratios_unknown(view: ResultView) -> FoundEvidence:
    tables = view.result.further.impact_ratios
    if not tables:
        return not_shown("no_ratios_unknown")
    cases = counted(max(table.unknown for table in tables), "case")
    groups = counted(sum(group.left_out == "unknown" for table in tables for group in table.groups), "group")
    return measured(sentence("ratios_unknown", cases=cases, groups=groups), "further.impact_ratios")


PEOPLE: Final[Mapping[str, Search]] = {
    "missed": Search(_missed),
    "false_alarms": Search(_false_alarms),
    "gender": Search(_gender),
    "children": Search(_children),
    "present": Search(_present),
    "forced_criminality": Search(_forced_criminality),
    "legal_status": _rates_by("legal_status", "legal_status"),
    "drift": _rates_by("drift", "period", "language", "site"),
    "forms": Search(_forms),
    "nationalities": Search(_nationalities),
    "selection": Search(lambda view: stated("selection", view.rates("selection_rate"))),
    "ratios_gender": _ratios_by("gender"),
    "ratios_nationality": _ratios_by("nationality"),
    "ratios_both": _ratios_by("gender", "nationality"),
    "ratios_unknown": Search(_ratios_unknown),
}
"""Searches by the key of the evidence."""
