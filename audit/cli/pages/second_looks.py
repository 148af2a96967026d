"""Further findings in the terminal: one line for each question, only where it changes how a verdict is to be read."""

from __future__ import annotations

import math
from collections.abc import Iterator

from audit.cli.console.group_names import GroupNames
from audit.cli.pages.summary_lines import added_over_line, planned_pass_lines, swap_line
from audit.result.audit_result import AuditResult
from audit.result.findings.sensitivity import RuleSensitivity
from audit.result.findings.subgroup_scan import ScanValues, SubgroupScan
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.text import printable

_WIDTH = 80
_CHANGES = {"vanishes": "vanishes", "appears": "appears", "reverses": "turns round"}


def second_looks(result: AuditResult, names: GroupNames) -> list[str]:
    """Write a few lines: verdicts beside that of the audit, how the set was made, what was added up, who is known in
    full, one changed word, the chance of a pass, unknown groups, what would overturn a verdict, like with like, the
    search.
    """
    lines = (
        *_second_verdicts(result),
        _selection_line(result),
        _added_line(result),
        _full_line(result),
        swap_line(result),
        *planned_pass_lines(result.further.planned_pass, names),
        _unknown_line(result, names),
        _weakest_line(result, names),
        _like_with_like_line(result, names),
        _search_line(result, names),
    )
    return [line for line in lines if line]


def _second_verdicts(result: AuditResult) -> Iterator[str]:
    """Say what the limits say of people's decisions that are no part of the verdict, and of forms that do not pass."""
    for second in result.further.second_verdicts:
        if second.kind == "decisions" and not result.plan.people_count:
            yield f"People after it: {second.outcome.upper()}, beside the verdict above and no part of it"
    open_forms = [
        verdict for verdict in result.further.second_verdicts if verdict.kind == "form" and verdict.outcome != "pass"
    ]
    if open_forms:
        verdict_words = "; ".join(f"{verdict.outcome.upper()} {printable(verdict.name)}" for verdict in open_forms)
        yield f"Form by form, no part of the verdict: {verdict_words}"


def _selection_line(result: AuditResult) -> str:
    """Say where the set was put together by the decision, so that its rates are those of nobody else."""
    if not any(notice.code == "selected_by_decision" for notice in result.notices):
        return ""
    return "Rates hold for these cases only: the system chose them. Add weight or stratum"


def _added_line(result: AuditResult) -> str:
    """Name the columns of a table of counts that no verdict is by."""
    added = next((notice.sentences[0] for notice in result.notices if notice.code == "added_over"), None)
    return "" if added is None else added_over_line(printable(str(added.values["columns"])))


def _full_line(result: AuditResult) -> str:
    """Say where verdicts are about people who are all in the set."""
    if not any(notice.code == "known_in_full" for notice in result.notices):
        return ""
    return "Known in full: a figure is what happened to these people, not to the next"


def _unknown_line(result: AuditResult, names: GroupNames) -> str:
    """Name the PASS that falls first where more is supposed of people of unknown group."""
    known = result.further.sensitivity
    broken = [rule for rule in known if rule.breakdown_factor is not None and rule.weakest is not None]
    if result.overall.outcome != "pass" or not broken:
        return ""
    first = min(broken, key=lambda rule: rule.breakdown_factor or math.inf)
    factor = math.floor((first.breakdown_factor or 0.0) * 10.0) / 10.0
    start = f"Unknown people: with {factor:g} times the errors no PASS of "
    return f"{start}{names.name_within(first.weakest or Group(()), _WIDTH - len(start), '..')}"


def _weakest_line(result: AuditResult, names: GroupNames) -> str:
    """Name the FAIL that the fewest wrong labels would overturn; for an audit that passes, the PASS."""
    outcome = result.overall.outcome
    candidates = [
        (finding.overturned_by, finding.among, names.name(finding.group), finding.group)
        for rule in _examined(result)
        for finding in rule.findings
        if finding.kind == "labels_flipped" and finding.outcome == outcome and finding.overturned_by is not None
    ]
    if not candidates:
        return ""
    count, among, _, group = min(candidates, key=lambda candidate: candidate[:3])
    falls = f": {count:,} wrong label{'' if count == 1 else 's'} of {among:,} undo{'es' * (count == 1)} it"
    start = f"Least sure: {outcome.upper()} of "
    return f"{start}{names.name_within(group, _WIDTH - len(start) - len(falls), '..')}{falls}"


def _examined(result: AuditResult) -> Iterator[RuleSensitivity]:
    return (rule for rule in result.further.sensitivity if rule.examined == "yes")


def _like_with_like_line(result: AuditResult, names: GroupNames) -> str:
    """Say what comparing only cases of the same kind does to gaps, with one group by name."""
    changed = [
        (gap.note, gap.group, record.controls)
        for record in result.further.conditional
        for gap in record.groups
        if gap.note in _CHANGES
    ]
    if not changed:
        return ""
    note, group, controls = changed[0]
    kinds = " and ".join(printable(control.replace("_", " ")) for control in controls)
    more = f" (and {len(changed) - 1:,} more)" if len(changed) > 1 else ""
    end = f" {_CHANGES[note]} within {kinds}{more}"
    start = "Like with like: the gap of "
    return f"{start}{names.name_within(group, max(_WIDTH - len(start) - len(end), 12), '..')}{end}"


def _search_line(result: AuditResult, names: GroupNames) -> str:
    """Name the subgroup that held up among other cases; else say that none did."""
    if not result.further.subgroup_scan:
        return ""
    confirmed = [scan for scan in result.further.subgroup_scan if scan.outcome == "confirmed"]
    if not confirmed:
        undecided = all(scan.outcome == "cannot_tell" for scan in result.further.subgroup_scan)
        return f"Search for subgroups: {'too few cases to tell' if undecided else 'none stands out and holds up'}"
    scan = confirmed[0]
    harm = "missed" if scan.question == "missed" else "wrongly flagged"
    more = "; another in the report" if len(confirmed) > 1 else ""
    return f"Search: {harm} more often: {_subset(scan, result, names)}{more}"


def _subset(scan: SubgroupScan, result: AuditResult, names: GroupNames) -> str:
    finest = {feature.name: feature.rungs[0] for feature in result.features}
    return "; ".join(_values(part, finest, names) for part in scan.subset)


def _values(part: ScanValues, finest: dict[str, str], names: GroupNames) -> str:
    if part.kind == "feature" and part.attribute in finest:
        groups = [Group((Level(part.attribute, finest[part.attribute], value),)) for value in part.values]
        named = [names.name(group) for group in groups]
    else:
        named = [f"{printable(part.attribute)} = {printable(value)}" for value in part.values]
    return " or ".join([*named, *([f"{part.others} more"] if part.others else [])])
