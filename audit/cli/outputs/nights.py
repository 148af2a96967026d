"""Option `gate --sequential`: the verdict of all nights so far, for a detector that gets new cases every night."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from audit.cli.console.group_names import GroupNames
from audit.cli.console.terminal import Style, note, say, say_document
from audit.cli.outputs.gate_result import ResultRequest, night_result
from audit.cli.outputs.run_request import RunRequest
from audit.cli.outputs.verdict_code import OnInconclusive, result_exit_code
from audit.cli.pages.words import WORDS
from audit.result.audit_result import AuditResult
from audit.verdicts.nights.night import Night, check_plan, check_sample, take_in_night, with_verdict_of_nights
from audit.verdicts.nights.state import Reset, Sample, features_seen, levels_seen, locked, read_state, write_state
from audit.verdicts.nights.verdict import JudgedRule
from audit.vocabulary.finding import Tally
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.text import count_of, first_of

_MOST: Final = 3
"""Groups that are named under a rule."""
_SENTENCES: Final = WORDS["nights"]
_NOT_TAKEN_IN: Final = WORDS["not_taken_in"]


def code_of_all_nights(
    state: Path,
    sample: Sample | None,
    judged: RunRequest | ResultRequest,
    cache: Path | None,
    on_inconclusive: OnInconclusive | None,
    *,
    quiet: bool,
    as_json: bool,
    exact: bool,
) -> int:
    """Judge all nights so far, print what is asked for, and return the exit code. Raises AuditError."""
    result = result_of_all_nights(state, sample, judged, cache, quiet=quiet, as_json=as_json, exact=exact)
    return result_exit_code(result, on_inconclusive, quiet=quiet)


def result_of_all_nights(
    state_path: Path,
    sample: Sample | None,
    judged: RunRequest | ResultRequest,
    cache: Path | None,
    *,
    quiet: bool,
    as_json: bool,
    exact: bool,
) -> AuditResult:
    """Return tonight's result with the verdict of all nights in place of its own, after the state is written.

    Anything that can be refused without scoring is refused first: a state in use or damaged, or a plan whose nights
    cannot be added up.

    Parameters
    ----------
    judged
        A plan to run, or a file with the result of tonight.
    exact
        Whether groups are named.
    """
    if isinstance(judged, RunRequest):
        plan = judged.loaded.plan
        check_plan(plan.evaluation_set, plan.detector, plan.named_probe_rules, people_count=plan.people_count)
    # A link would be replaced by a file, and a link into a missing folder would count as new.
    state_path = state_path.resolve()
    with locked(state_path):
        before = read_state(state_path)
        check_sample(before, sample)
        result = night_result(judged, cache, quiet=quiet)
        tonight = take_in_night(result, before, sample)
        if tonight.came == "taken_in":
            write_state(state_path, tonight.state)
    if not quiet:
        _notes(tonight)
        if as_json:
            say_document(json.dumps(_document(tonight, exact=exact), ensure_ascii=False) + "\n")
        else:
            say("\n".join(_lines(tonight, result.features, Style.of(sys.stdout), exact=exact)))
    return with_verdict_of_nights(result, tonight)


def _notes(tonight: Night) -> None:
    if tonight.ended is not None:
        note(
            f"note: a new history begins, since {' and '.join(tonight.ended.changed)} changed; the one before had "
            f"taken in {count_of(tonight.ended.nights, 'night')} and came to {tonight.ended.outcome.upper()}"
        )
    if tonight.came != "taken_in":
        note(_NOT_TAKEN_IN[tonight.came])
    if tonight.alike is not None:
        note(
            f"note: every count is that of night {tonight.alike:,}, under other ids: if these are the same cases, they "
            "have been counted twice"
        )


def _lines(tonight: Night, features: tuple[SensitiveFeature, ...], style: Style, *, exact: bool) -> list[str]:
    outcome = tonight.outcome
    words = style.paint(f"{style.shape(outcome)} {outcome.upper()}", outcome)
    line = f"{words}  {count_of(tonight.state.nights, 'night')} so far: {_SENTENCES[_why(tonight)]}"
    if not exact:
        return [line, "  groups are named with --restricted"]
    seen = levels_seen(tonight.state.levels, features, first=False)
    names = GroupNames(features_seen(features, seen).values())
    return [*(_rule_line(rule, names) for rule in tonight.rules), line]


def _why(tonight: Night) -> str:
    if tonight.outcome != "inconclusive":
        return tonight.outcome
    if tonight.came == "too_many_failed":
        return "outage"
    return "doubt" if _in_doubt(tonight) else "inconclusive"


def _in_doubt(tonight: Night) -> bool:
    return any(group.judged and group.doubted for rule in tonight.rules for group in rule.groups)


def _rule_line(rule: JudgedRule, names: GroupNames) -> str:
    beyond = [names.name(group.group) for group in rule.groups if group.outcome == "fail"]
    doubted = sum(group.judged and group.doubted for group in rule.groups)
    since = f"; {doubted:,} of those undecided shown to be within it before" if doubted else ""
    named = first_of(beyond, _MOST, "; ")
    return (
        f"{rule.rule}: {rule.outcome} ({rule.because.replace('_', ' ')}): {_tally(rule)}{since}"
        f"{f': {named}' if named else ''}"
    )


def _tally(rule: JudgedRule) -> Tally:
    """Count groups by word; those that have not yet the cases to be judged alone are apart."""
    outcomes = Counter(
        "not_judged" if group.outcome == "inconclusive" and not group.judged else group.outcome for group in rule.groups
    )
    return Tally(
        beyond=outcomes["fail"],
        within=outcomes["pass"],
        cannot_tell=outcomes["inconclusive"],
        not_judged_alone=outcomes["not_judged"],
        no_rate=outcomes["not_evaluable"],
    )


def _document(tonight: Night, *, exact: bool) -> dict[str, Any]:
    state = tonight.state
    document: dict[str, Any] = {
        "headline": {"outcome": tonight.outcome},
        "sequential": {
            "nights": state.nights,
            "sample": state.sample,
            "came": tonight.came,
            "counts_of_night": tonight.alike,
            "in_doubt": _in_doubt(tonight),
            "ended": None if tonight.ended is None else _ended(tonight.ended),
            "earlier": [_ended(reset) for reset in state.resets],
        },
    }
    if exact:
        document["sequential"]["rules"] = [
            {
                "rule": rule.rule,
                "outcome": rule.outcome,
                "because": rule.because,
                "groups": [
                    {
                        "group": [list(level) for level in group.group.levels],
                        "outcome": group.outcome,
                        "judged": group.judged,
                        "doubted": group.doubted,
                        "log_e_fail": group.log_e_fail,
                        "log_e_pass": group.log_e_pass,
                    }
                    for group in rule.groups
                ],
            }
            for rule in tonight.rules
        ]
    return document


def _ended(history: Reset) -> dict[str, Any]:
    return {"nights": history.nights, "outcome": history.outcome, "changed": list(history.changed)}
