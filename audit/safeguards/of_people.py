"""Evidence on people: who is missed, who is wrongly flagged, and who is in the set at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from audit.result.findings import Estimate
from audit.safeguards.found import Finding, Found, measured, not_shown
from audit.safeguards.held import FOUND, MISSED, WRONGLY_FLAGGED, Held
from audit.vocabulary.text import count_of

__all__ = ["PEOPLE"]


def _missed(held: Held) -> Found:
    rules = held.rules(MISSED)
    if not held.rates(FOUND):
        return not_shown("No group has enough victims for a rate.")
    if not rules:
        return not_shown("The share of victims found is listed by group, but no rule limits it.")
    return measured(
        f"The share of victims found, by group, under {count_of(len(rules), 'rule')}.", "estimates", "rules"
    )


def _false_alarms(held: Held) -> Found:
    known = held.rates("false_positive_rate")
    if not known:
        return not_shown("No group has enough cases for a share wrongly flagged.")
    return measured(
        f"The share of non-victims wrongly flagged is stated for {count_of(len(known), 'group')}, under "
        f"{count_of(len(held.rules(WRONGLY_FLAGGED)), 'rule')}.",
        "estimates",
    )


def _gender(held: Held) -> Found:
    features = held.coded("gender")
    if not features:
        return not_shown("No feature of the plan is a gender.")
    known = held.rates_by(FOUND, features)
    if not known:
        return not_shown("No group by gender has enough victims for a rate.")
    unknown = sum(
        one.read for one in held.result.rows if [level[::2] for level in one.group.root] == [(features[0], "unknown")]
    )
    return measured(
        f"The share of victims found is stated for {count_of(len(known), 'group')} by {', '.join(features)}; "
        f"{count_of(unknown, 'row')} where it is unknown stand as a group of their own.",
        "estimates",
    )


def _children(held: Held) -> Found:
    if not _of_children(held):
        return not_shown(
            "The plan does not say which levels are children (children of an age band), so that they are in no group."
        )
    known = [one for one in held.rates(FOUND) if _is_of_children(held, one)]
    if not known:
        return not_shown("No group of children has enough victims for a rate.")
    genders = held.coded("gender")
    by_gender = [one for one in known if any(level.feature in genders for level in one.group.root)]
    return measured(
        f"The share of victims found is stated for {count_of(len(known), 'group')} of children; of these "
        f"{len(by_gender):,} are also by gender.",
        "estimates",
    )


def _of_children(held: Held) -> dict[str, tuple[str, ...]]:
    return {feature.name: feature.children for feature in held.result.features if feature.children}


def _is_of_children(held: Held, one: Estimate) -> bool:
    children = _of_children(held)
    return any(level.code in children.get(level.feature, ()) for level in one.group.root)


def _present(held: Held) -> Found:
    women = [(feature, "woman") for feature in held.coded("gender")]
    children = [(feature, code) for feature, codes in _of_children(held).items() for code in codes]
    if not women and not children:
        return not_shown("Neither a gender nor children are a group of this plan.")
    counted = [
        sum(one.read for one in held.result.rows if _is_one_of(wanted, one.group.root)) for wanted in (women, children)
    ]
    if not sum(counted):
        return not_shown("Neither women nor children are in the set, as far as the plan names them.")
    return measured(
        f"In the set: {count_of(counted[0], 'row')} of women, {counted[1]:,} of children, as far as the plan names "
        "them.",
        "rows",
    )


def _is_one_of(wanted: Collection[tuple[str, str]], levels: Collection[tuple[str, str, str]]) -> bool:
    return len(levels) == 1 and all((feature, code) in wanted for feature, _, code in levels)


def _forced_criminality(held: Held) -> Found:
    codes, form = held.governance.forced_criminality, held.meant("form")
    if not codes or not form:
        return not_shown(
            "The plan does not say which groups are forced criminality, so that its victims are not seen apart."
        )
    known = [
        one
        for one in held.rates(FOUND)
        if any(level.feature in form and level.code in codes for level in one.group.root)
    ]
    if not known:
        return not_shown("No group of forced criminality has enough victims for a rate.")
    return measured(
        f"The share of victims found is stated for {count_of(len(known), 'group')} of forced criminality.", "estimates"
    )


def _legal_status(held: Held) -> Found:
    features = held.meant("legal_status")
    if not features:
        return not_shown("The plan does not say which groups are by legal status.")
    return _by(held, features)


def _drift(held: Held) -> Found:
    features = held.meant("period", "language", "site")
    if not features:
        return not_shown("The plan does not say which groups are periods, languages or sites.")
    return _by(held, features)


def _by(held: Held, features: Collection[str]) -> Found:
    known = held.rates_by(FOUND, features)
    if not known:
        return not_shown(f"No group by {', '.join(features)} has enough victims for a rate.")
    return measured(
        f"The share of victims found is stated for {count_of(len(known), 'group')} by {', '.join(features)}.",
        "estimates",
    )


def _forms(held: Held) -> Found:
    form = held.governance.features.get("form")
    if form is None:
        return not_shown("The plan does not say which feature is the form of exploitation.")
    if form in held.plan.groups:
        known = {one.group for one in held.rates_by(FOUND, [form])}
        if not known:
            return not_shown("No form of exploitation has enough victims for a rate.")
        return measured(
            f"The share of victims found is stated for {count_of(len(known), 'group')} by form of exploitation; of "
            f"{len(held.groups_by([form]) - known):,} more there are too few victims.",
            "estimates",
        )
    records = [one for one in held.result.conditional if form in one.controls]
    told = sum(count for one in records for note, count in one.notes.items() if note != "cannot_tell")
    if not told:
        return not_shown("No gap could be compared among cases of the same form of exploitation.")
    return measured(
        f"Gaps were compared among cases of the same {', '.join(records[0].controls)}; rates by form of exploitation "
        "are not stated.",
        "conditional",
    )


def _nationalities(held: Held) -> Found:
    features = held.coded("nationality")
    if not features:
        return not_shown("No feature of the plan is a nationality.")
    decided = held.decided(features)
    if not decided:
        return not_shown("No group by nationality could be judged.")
    return measured(f"{count_of(len(decided), 'verdict')} on groups by nationality that the data decide.", "verdicts")


def _selection(held: Held) -> Found:
    known = held.rates("selection_rate")
    if not known:
        return not_shown("No group has enough cases for a share flagged.")
    return measured(f"The share flagged is stated for {count_of(len(known), 'group')}.", "estimates")


def _ratios_by(*codings: str) -> Finding:
    def find(held: Held) -> Found:
        for table in held.result.impact_ratios:
            if sorted(held.plan.coding(axis.feature) for axis in table.family.axes) == sorted(codings):
                compared = sum(one.ratio is not None for one in table.groups)
                if compared:
                    return measured(
                        f"Ratios of shares flagged are stated for {count_of(compared, 'group')}; "
                        f"{len(table.groups) - compared:,} are left out, each with its reason.",
                        "impact_ratios",
                    )
        return not_shown("No such ratio of shares flagged can be stated.")

    return Finding(find)


def _ratios_unknown(held: Held) -> Found:
    tables = held.result.impact_ratios
    if not tables:
        return not_shown("Cases of unknown gender or nationality are not counted.")
    rows = max(table.unknown for table in tables)
    groups = sum(one.left_out == "unknown" for table in tables for one in table.groups)
    return measured(
        f"{count_of(rows, 'case')} of unknown gender or nationality are counted, in {count_of(groups, 'group')}.",
        "impact_ratios",
    )


PEOPLE: Final[Mapping[str, Finding]] = {
    "missed": Finding(_missed),
    "false_alarms": Finding(_false_alarms),
    "gender": Finding(_gender),
    "children": Finding(_children),
    "present": Finding(_present),
    "forced_criminality": Finding(_forced_criminality),
    "legal_status": Finding(_legal_status),
    "drift": Finding(_drift),
    "forms": Finding(_forms),
    "nationalities": Finding(_nationalities),
    "selection": Finding(_selection),
    "ratios_gender": _ratios_by("gender"),
    "ratios_nationality": _ratios_by("nationality"),
    "ratios_both": _ratios_by("gender", "nationality"),
    "ratios_unknown": Finding(_ratios_unknown),
}
"""By the key of the evidence."""
