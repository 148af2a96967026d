"""One night, and the detector and question that its history belongs to.

Detector and question that a history belongs to: evidence for one says nothing about another.

One night: it takes a result and a state, and gives what was done, the verdict so far and the next state.

Sets that were taken in, known by the ids of their cases, so that no case counts twice.

The bytes of a file do not decide that, since another export of the same cases has other bytes. A state holds no id: it
holds digests of all ids of a set together, and of what was counted of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from audit.analyses.estimates import cells_of
from audit.analyses.sides import questions
from audit.counting.table import ABSTAINED, FamilyCounts
from audit.errors import DataError, PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.probes import NamedProbeRule
from audit.result.audit_result import AuditResult
from audit.verdicts.nights.state import TOOL, FamilySeen, Outcome, Reset, Sample, SetTaken, State, new_state
from audit.verdicts.nights.verdict import JudgedRule, judge_nights, overall_outcome, with_night
from audit.vocabulary.groups import Family, Group, SensitiveFeature

_WORDS: Final[Mapping[str, str]] = {
    "detector": "the detector",
    "asked": "how the detector is asked, or when it flags",
    "labels": "how labels are read",
    "groups": "how groups are read",
    "rules": "the rules",
    "alpha": "alpha",
}
_NO_ANSWER_DEPENDS_ON: Final = {
    "path", "timeout", "start_timeout", "try_timeout", "most_restarts", "longest_line", "workers", "most_bytes",
    "token",
}  # fmt: skip
"""Keys of a detector that change no answer: where its file lies (its digest is compared), and how patiently it is
asked.
"""
_LABELS: Final = {"id", "label", "label_positive", "label_negative", "label_missing", "numbers"}
_NOT_THE_READING: Final = {"min_cases", "reference", "expected"}
"""Keys of a group that say who is judged and compared, and change no group."""


def identity(plan: AuditPlan, detector_sha256: str | None) -> dict[str, Any]:
    """Return what must stay as it is for a history to go on, as plain JSON.

    The detector is known by its digest. Where nothing but its answers can be had (predictions, a service) it is known
    by the title of the audit, which names the system and its version. Keys at their default are left out, so that a key
    that a later version adds ends no history, and no FAIL that stands.
    """
    answers_alone = detector_sha256 is None or plan.detector.kind == "predictions"
    factors = plan.sensitivity.model_dump(include={"unknown_share_factor", "unknown_odds_factor"})
    identifying = {
        "detector": {"title": plan.audit.title} if answers_alone else {"sha256": detector_sha256},
        "asked": plan.detector.model_dump(
            mode="json", by_alias=True, exclude=_NO_ANSWER_DEPENDS_ON, exclude_defaults=True
        ),
        "labels": plan.evaluation_set.model_dump(mode="json", by_alias=True, include=_LABELS, exclude_defaults=True),
        "groups": {
            "features": {
                name: feature.model_dump(mode="json", by_alias=True, exclude=_NOT_THE_READING, exclude_defaults=True)
                for name, feature in plan.groups.items()
            },
            "order": list(plan.groups),
            "max_missing_share": plan.sensitivity.max_missing_share,
            # histories that begin before there were factors supposed nothing
            **{key: value for key, value in factors.items() if value != "worst"},
        },
        "rules": [
            {
                "metric": rule.metric,
                "scale": rule.scale,
                "limit": rule.limit,
                "sides": [question.side for question in questions(plan.audit.route, rule)],
                "groups": [list(features) for features in rule.feature_sets],
            }
            for rule in plan.rules
        ],
        "alpha": plan.verdict.alpha,
        # states of before know no number of releases, and go on where there is none
        **({} if plan.verdict.releases is None else {"releases": plan.verdict.releases}),
    }
    plain: dict[str, Any] = json.loads(json.dumps(identifying))
    return plain


def changed_parts(state: State, now: Mapping[str, Any], features: Sequence[SensitiveFeature]) -> tuple[str, ...]:
    """Name in words what changed since the nights that `state` has taken in; empty where the history goes on."""
    words = [words for key, words in _WORDS.items() if state.identity.get(key) != now.get(key)]
    levels_by_code = {
        (name, seen.level.rung, seen.level.code): seen.level for name, levels in state.levels.items() for seen in levels
    }
    for feature in features:
        for level in feature.levels:
            before = levels_by_code.get((feature.name, level.rung, level.code), level)
            if (before.parent, before.parts) != (level.parent, level.parts):
                return (*words, "what a region holds")
    return tuple(words)


def check_plan(
    set_section: EvaluationSetSection,
    detector: DetectorSection,
    probe_rules: Sequence[NamedProbeRule],
    *,
    people_count: bool,
) -> None:
    """Raise PlanError where nights of this plan cannot be added up."""
    section = set_section
    if section.is_weighted or section.cluster is not None:
        raise _refused("it is for independent cases without design weights, and this plan has weights or clusters")
    if detector.top_k is not None:
        raise _refused("with top_k one case is flagged in the place of another, so that cases are not independent")
    if probe_rules:
        raise _refused("a rule on probes asks the same texts every night, and no night adds to it")
    if people_count:
        raise _refused('nights judge the detector alone, and by decisions.verdict = "counts" people are judged too')


def _refused(why: str) -> PlanError:
    return PlanError(f"--sequential: {why}", slug="sequential-plan")


_DECIDED: Final = 2
"""Number of decisions that are answers: flagged, not flagged."""
Came = Literal["taken_in", "same_set", "too_many_failed"]


@dataclass(frozen=True, slots=True)
class Night:
    """Outcome of one night."""

    came: Came
    """`taken_in`; or the reason why not: the set was taken in before, or the detector failed on too many rows."""
    state: State
    """State to keep; the earlier one where nothing was taken in."""
    rules: tuple[JudgedRule, ...]
    """Verdict of all nights on each rule."""
    outcome: Outcome
    """Outcome that decides the exit code: a FAIL stands whatever tonight was; a PASS is not given over an outage."""
    ended: Reset | None = None
    """History that ended tonight, because it was of another detector or another question."""
    alike: int | None = None
    """First night, from 1, with exactly the counts of tonight although the cases have other ids."""


def take_in_night(result: AuditResult, before: State | None, sample: Sample | None = None) -> Night:
    """Add the counts of a night to the state, and judge every rule over all nights so far.

    Parameters
    ----------
    before
        The state so far; None in the first night.
    sample
        What the sets are said to be; as in the state where not given, `fresh` in the first night.

    Raises
    ------
    PlanError
        If nights of the plan cannot be added up, or the sets are said to be of another kind than before.
    DataError
        If the result does not say of which cases it is; if the set was said to grow and has shrunk; if it holds cases
        that were taken in before, with other answers, labels or groups; or if the second night looks like the first
        with cases added, and nobody said what the sets are.
    """
    plan, families = result.plan, _families(result)
    check_plan(plan.evaluation_set, plan.detector, plan.named_probe_rules, people_count=plan.people_count)
    check_sample(before, sample)
    tonight = digested_set(result, families)
    now = identity(plan, result.provenance.detector_sha256)
    state, ended = before or new_state(now, sample or "fresh", declared=sample is not None), None
    words = changed_parts(state, now, result.features)
    if words:
        ended = Reset(nights=state.nights, outcome=state.outcome, changed=words)
        state = new_state(now, state.sample, (*state.resets, ended), declared=state.declared)
    came: Came = "taken_in"
    alike: int | None = None
    if result.too_many_failed:
        came, state, ended = "too_many_failed", before or state, None
    elif seen_before(state, tonight, is_answered_anew=plan.detector.kind != "predictions") == "same":
        came = "same_set"
    else:
        alike = night_with_same_counts(state, tonight)
        state = with_night(plan, state, _check_declared(state, sample, families), result.features)
    # an outage under another detector or question leaves the old history as it is, and says nothing of the new one
    rules = judge_nights(
        plan, new_state(now, state.sample) if words and came == "too_many_failed" else state, result.features
    )
    outcome_tonight = overall_outcome(rules)
    if came == "taken_in":
        sets, declared = (*state.sets, tonight), state.declared or sample is not None
        entry_of_night = {"sets": sets, "outcome": outcome_tonight, "declared": declared, "tool": TOOL}
        state = state.model_copy(update=entry_of_night)
    outcome: Outcome = "inconclusive" if came == "too_many_failed" and outcome_tonight == "pass" else outcome_tonight
    return Night(came, state, rules, outcome, ended, alike)


def with_verdict_of_nights(result: AuditResult, tonight: Night) -> AuditResult:
    """Return tonight's result with the verdict of all nights in place of its own."""
    failing = tuple(rule.rule for rule in tonight.rules if rule.outcome == "fail")
    undecided = tuple(rule.rule for rule in tonight.rules if rule.outcome == "inconclusive")
    entry_of_verdict = {"outcome": tonight.outcome, "failing_rules": failing, "undecided_rules": undecided}
    return result.model_copy(update={"overall": result.overall.model_copy(update=entry_of_verdict)})


def check_sample(state: State | None, sample: Sample | None) -> None:
    """Raise PlanError where a history is said to go on with sets of another kind."""
    if state is not None and sample is not None and sample != state.sample:
        raise PlanError(
            f"the nights of this state were {state.sample} samples, and --sample says {sample}",
            slug="sequential-sample",
        )


def _check_declared(
    state: State, sample: Sample | None, families: dict[Family, FamilyCounts]
) -> dict[Family, FamilyCounts]:
    """Return the counts of tonight's set.

    Raises DataError where nobody said what the sets are, and the second holds as many of everything as the first.
    """
    silent = not state.declared and sample is None and state.nights == 1
    if silent and all(_may_hold_all(seen, families.get(seen.family)) for seen in state.families):
        raise DataError(
            "--sequential: this set holds at least as many cases of everything as the last, so it may hold the same",
            slug="sequential-undeclared",
        )
    return families


def _may_hold_all(seen: FamilySeen, tonight: FamilyCounts | None) -> bool:
    cells = {} if tonight is None else dict(zip(tonight.groups, tonight.cells, strict=True))
    then = {group: np.array(row).reshape(3, -1) for group, row in zip(seen.groups, seen.cells, strict=True)}
    return all(
        group in cells and _may_hold_cases(counts, cells[group]) for group, counts in then.items() if counts.any()
    )


def _may_hold_cases(
    then: np.ndarray[tuple[int, int], np.dtype[np.int64]], now: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> bool:
    """Say whether all cases of `then` may be in `now`: those without an answer may have one by now."""
    decided = (now[:, :_DECIDED] >= then[:, :_DECIDED]).all()
    return bool(decided and (now.sum(axis=1) >= then.sum(axis=1)).all())


def _families(result: AuditResult) -> dict[Family, FamilyCounts]:
    """Return the counts of every family, from the result."""
    by_family: dict[Family, dict[Group, np.ndarray[tuple[int, int], np.dtype[np.int64]]]] = {}
    for counts, cells in zip(result.counts, cells_of(result.counts), strict=True):
        by_family.setdefault(counts.group.family, {})[counts.group] = cells
    return {family: _counts(family, cells) for family, cells in by_family.items()}


def _counts(family: Family, cells: Mapping[Group, np.ndarray[tuple[int, int], np.dtype[np.int64]]]) -> FamilyCounts:
    stacked = np.stack(list(cells.values()))
    return FamilyCounts(family, tuple(cells), stacked, stacked.sum(axis=0))


Seen = Literal["new", "same"]


def digested_set(result: AuditResult, families: Mapping[Family, FamilyCounts]) -> SetTaken:
    """Digest the set of a result. Raises DataError where the result does not say of which cases it is."""
    cases = result.provenance.cases_sha256
    if cases is None:
        raise DataError(
            "--sequential: this result does not say of which cases it is, so nobody can say whether they were taken in",
            slug="sequential-no-cases",
        )
    file = result.provenance.evaluation_set_sha256
    return SetTaken(
        cases=cases, totals=_digest_of_counts(families, decisions=False), counts=_digest_of_counts(families), file=file
    )


def seen_before(state: State, tonight: SetTaken, *, is_answered_anew: bool) -> Seen:
    """Say whether tonight's set was taken in before.

    Parameters
    ----------
    asked
        Whether a detector was asked, whose answers are no part of the set; else they came with it.

    Raises
    ------
    DataError
        If sets are fresh ones, and the cases are those of an earlier night with other answers, labels or groups. In a
        set that grows the same cases may have been answered since.
    """
    same = [taken for taken in state.sets if taken.cases == tonight.cases]
    # a detector that is asked may answer otherwise; but ids alone do not say that cases are the same, where an export
    # numbers its rows anew
    if any(
        taken.counts == tonight.counts or (is_answered_anew and taken.file == tonight.file is not None)
        for taken in same
    ):
        return "same"
    if same and state.sample == "fresh":
        # its old verdict would be given to answers that nobody looked at, and its cases would count twice
        what = "labels or groups"
        if any(taken.totals == tonight.totals for taken in same):
            what = "the answers to them" if is_answered_anew else "the predictions for them"
        raise DataError(
            f"--sequential: the cases of this set were taken in before, and {what} are other ones now",
            slug="sequential-answers",
        )
    return "new"


def night_with_same_counts(state: State, tonight: SetTaken) -> int | None:
    """Return the first night, from 1, with exactly the counts of tonight although its cases have other ids; None
    without one.
    """
    if state.sample == "growing":
        return None
    return next((night for night, taken in enumerate(state.sets, start=1) if taken.counts == tonight.counts), None)


def _digest_of_counts(families: Mapping[Family, FamilyCounts], *, decisions: bool = True) -> str:
    """Digest the counts of every group that had cases, with or without the decisions."""
    counted = []
    for family, counts in families.items():
        groups = []
        for group, cells in zip(counts.groups, counts.cells, strict=True):
            if cells.any():
                scored = np.column_stack([cells[:, :ABSTAINED], cells[:, ABSTAINED:].sum(axis=1)])
                groups.append([group.levels, (scored if decisions else scored.sum(axis=1)).tolist()])
        counted.append([family.axes, sorted(groups)])
    return hashlib.sha256(json.dumps(sorted(counted)).encode()).hexdigest()
