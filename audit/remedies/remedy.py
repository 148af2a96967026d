"""Remedies of an audit: chosen on one half of its cases, and judged by the ordinary verdict on the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Unpack

import numpy as np

from audit.analyses.score_quality import unused_design
from audit.counting.score_table import CHOOSES, JUDGES, HalvedScores, count_halves
from audit.counting.table import (
    FLAGGED,
    NEGATIVE,
    NOT_FLAGGED,
    POSITIVE,
    CountsTable,
    count_families,
    everyone_as_family,
    plan_families,
)
from audit.detectors.isolation.options import Isolating, IsolationOptions
from audit.errors import ArgumentError, DataError, PlanError, ResultError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan, limited_rates
from audit.plan.file.plan_file import AnyPlan, LoadedPlan, canonical_plan_sha256, loaded_plan
from audit.remedies.choice import Measures, candidates_of, candidates_to_try, front_of, thinned
from audit.remedies.ways_to_flag import Candidate, Half, Limits, members_of, threshold_at
from audit.result.findings.judged import Outcome, Verdict
from audit.result.findings.remedies import (
    MOST_TRIED,
    ORDER,
    WAYS,
    Effect,
    Errors,
    MoreCases,
    Option,
    OwnThreshold,
    Remedies,
    Status,
    Tried,
    Way,
)
from audit.scoring import Progress, score
from audit.stages import stage
from audit.stats.arrays import BoolArray, IntArray
from audit.stats.pairs import newcombe_paired
from audit.verdicts.changes.baseline import (
    PREDICTIONS,
    Baseline,
    another_run_error,
    check_counts,
    load_baseline,
    plan_at_hand,
)
from audit.verdicts.decidability import plan_decidability
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Group, SensitiveFeature
from audit.vocabulary.metrics import metric_definitions

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SHOWN: Final = 8
"""Most points of the front of each way that are shown, beside the candidates that are tried."""
_MOST_EFFECTS: Final = 12
"""Most groups for which gains and prices are said; people of the others are taken together."""


class AskedPlan(NamedTuple):
    """Plan that is asked about, read once."""

    loaded: LoadedPlan
    audited: Baseline | None = None
    """The audit of which it is the plan; None where a plan itself is named."""


def remedy(
    of: AnyPlan | AskedPlan,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    ways: Sequence[str] = WAYS,
    per_group: str | None = None,
    review_right: tuple[float, float] = (0.7, 1.0),
    folder: str | Path | None = None,
    progress: Progress | None = None,
    **isolation: Unpack[IsolationOptions],
) -> Remedies:
    """Find what would bring the groups within the limits, and say who pays. No verdict of an audit is changed.

    Parameters
    ----------
    of
        A plan, whose detector is then run; or the path of a `result.json` or of its folder, with the answers beside it;
        or either, read by `asked_plan`.
    ways
        What may be changed for everyone alike; see `audit.result.findings.remedies.Way`.
    per_group
        The lawful reason for which groups may have thresholds of their own; without one they have none.
    review_right
        Lowest and highest share of the cases in a band that people are supposed to decide as labelled, in every group.
    table, folder, progress, isolation
        As in `audit.run_audit`.

    Raises
    ------
    AuditError
        If plan, data, answers or detector are in error, or no group can be judged in both halves.
    """
    _check(ways, per_group, review_right)
    original, audited = of if isinstance(of, AskedPlan) else asked_plan(of, folder)
    loaded, result = _with_scores(original, audited), None if audited is None else audited.result
    with open_evaluation_set(loaded.plan, loaded.folder, table) as evaluation_set:
        if result is not None and evaluation_set.sha256 != result.provenance.evaluation_set_sha256:
            raise another_run_error("are of another evaluation set than is there now")
        stage("scoring")
        score(loaded.plan, evaluation_set, loaded.folder, progress=progress, isolating=Isolating(**isolation))
        halves = count_halves(evaluation_set, loaded.plan.detector.score_range, loaded.plan.verdict.seed)
        cases_sha256 = evaluation_set.cases_sha256()
        evaluation_set.check_unchanged()
        features = evaluation_set.features
    stage("choosing")
    if result is not None:
        tables = [halves.table(half, halves.as_it_is(half).sum(axis=2)) for half in (CHOOSES, JUDGES)]
        counts, by_name = tables[0] + tables[1], {feature.name: feature for feature in result.features}
        shown = (counts.family(family, by_name) for family in plan_families(result.plan.groups, result.plan.rules))
        check_counts(result, [everyone_as_family(counts), *shown])
    allowed = [way for way in ORDER if way in ways or (way == "per_group" and per_group is not None)]
    origin = {"lawful_because": per_group, "cases_sha256": cases_sha256}
    origin["plan_sha256"] = canonical_plan_sha256(original.plan)
    return remedies_of(loaded.plan, features, halves, allowed, review_right).model_copy(update=origin)


def _check(ways: Sequence[str], per_group: str | None, review_right: tuple[float, float]) -> None:
    if not (ways or per_group) or not set(ways) <= set(WAYS):
        raise ArgumentError("no such ways to flag", slug="remedy-ways", hint=f"name some of {', '.join(WAYS)}")
    if per_group is not None and not per_group.strip():
        raise ArgumentError(
            "thresholds of groups treat people differently by group, and no reason is given", slug="remedy-no-reason"
        )
    if not 0.0 <= review_right[0] <= review_right[1] <= 1.0:
        raise ArgumentError("people are right in a share of cases", slug="remedy-review")


def asked_plan(plan_or_result: AnyPlan, folder: str | Path | None = None) -> AskedPlan:
    """Read a plan, or a result and its plan. Raises AuditError where the plan of a result is not at hand."""
    path = Path(plan_or_result) if isinstance(plan_or_result, str | Path) and "\n" not in str(plan_or_result) else None
    if path is None or not (path.is_dir() or path.suffix == ".json"):
        return AskedPlan(loaded_plan(plan_or_result, folder))
    audited = load_baseline(path)
    loaded = plan_at_hand(audited.result, None, audited.beside)
    if loaded is None:
        raise ResultError(
            "the plan of this result is not at hand", slug="no-plan", hint="name the plan itself: its detector is run"
        )
    return AskedPlan(loaded, audited)


def _with_scores(loaded: LoadedPlan, audited: Baseline | None) -> LoadedPlan:
    """Return the plan that gives scores: of an audited model the answers that were kept. Raises AuditError."""
    detector = loaded.plan.detector
    if not detector.has_scores:
        raise PlanError(
            "the detector gives no scores, and without them no other decision can be looked at", slug="remedy-no-scores"
        )
    if audited is None or isinstance(detector, PredictionsDetector):
        return loaded
    file = audited.beside / PREDICTIONS
    if not file.is_file():
        raise ResultError(
            f"{PREDICTIONS} is not beside the result",
            slug="no-answers",
            hint="put it back, or name the plan: then the detector is run again",
        )
    if detector.abstention_means is not None and audited.result.rows[0].failed:
        raise ResultError(
            f"scores of {PREDICTIONS} do not say which rows abstained and which failed",
            slug="no-answers",
            hint="name the plan: then the detector is run again",
        )
    kept = ("threshold", "top_k", "score_range", "answers", "abstention_means")
    cut = {name: getattr(detector, name) for name in kept}
    answers = PredictionsDetector(kind="predictions", path=file.absolute(), id="case_id", score="score", **cut)
    return loaded._replace(plan=loaded.plan.model_copy(update={"detector": answers}))


class _Story(NamedTuple):
    """What every part of the answer needs; `plan` has the level of one candidate."""

    plan: AuditPlan
    features: Mapping[str, SensitiveFeature]
    scores: HalvedScores
    halves: tuple[Half, Half]
    limits: Limits
    right: tuple[float, float]
    beyond: set[tuple[str, Group]]
    """Rules and groups that are beyond a limit in the whole set: nothing is confirmed that is not shown for them."""


def remedies_of(
    plan: AuditPlan,
    features: Sequence[SensitiveFeature],
    scores: HalvedScores,
    ways: Sequence[Way],
    right: tuple[float, float],
) -> Remedies:
    """Choose on one half and judge on the other, from counts alone. Raises DataError where no group can be judged."""
    verdict = plan.verdict.model_copy(update={"alpha": plan.verdict.alpha / MOST_TRIED})
    at_level, by_name = plan.model_copy(update={"verdict": verdict}), {feature.name: feature for feature in features}
    halves = Half(scores, CHOOSES), Half(scores, JUDGES)
    tables = [scores.table(half, scores.as_it_is(half).sum(axis=2)) for half in (CHOOSES, JUDGES)]
    counted = [count_families(plan.groups, plan.rules, table, features) for table in tables]
    limits = Limits(at_level, scores, by_name, [plan_decidability(at_level, counts, by_name) for counts in counted])
    if not limits.judged:
        raise DataError("no group is large enough to be judged in both halves", slug="remedy-too-few")
    beyond = set() if unused_design(plan.evaluation_set) else _beyond(plan, features, scores, tables[0] + tables[1])
    story = _Story(at_level, by_name, scores, halves, limits, right, beyond)
    measured = [
        candidates_of(way, plan.groups, plan.named_rules, halves[CHOOSES], limits, by_name, right) for way in ways
    ]
    picked = candidates_to_try(plan.audit, plan.costs, halves[CHOOSES], limits, measured)
    as_it_is = _option(story, Candidate("as_it_is", np.zeros(0, dtype=np.int64)))
    now = as_it_is.where_chosen.beyond or 0.0
    return Remedies(
        title=plan.audit.title,
        features=tuple(features),
        metrics={rule.id: rule.metric for rule in plan.named_rules},
        rates=metric_definitions(
            [rate for rate in limited_rates(plan.rules) if rate.name in plan.rates], plan.audit.route
        ),
        plan_sha256="",
        cases_sha256="",
        seed=plan.verdict.seed,
        rows=(int(tables[0].cells.sum()), int(tables[1].cells.sum())),
        alpha=plan.verdict.alpha,
        level=plan.verdict.level,
        lawful_because=None,
        review_right=right,
        too_few=tuple(sorted(limits.too_few, key=lambda group: group.root)),
        unused=unused_design(plan.evaluation_set),
        as_it_is=as_it_is,
        tried=tuple(_tried(story, candidate, number) for number, candidate in enumerate(picked, start=1)),
        front=tuple(
            _option(story, candidate) for way in measured for candidate in _front(way, now) if candidate not in picked
        ),
    )


def _beyond(
    plan: AuditPlan, features: Sequence[SensitiveFeature], scores: HalvedScores, table: CountsTable
) -> set[tuple[str, Group]]:
    """Find who FAILs in the whole set, is among unnamed groups that do, or is judged alone and beyond as counted."""
    counted = count_families(plan.groups, plan.rules, table, features)
    by_name = {feature.name: feature for feature in features}
    decided = plan_decidability(plan, counted, by_name)
    rules, verdicts, _ = judge(plan, counted, by_name, decided=decided)
    unnamed = {(rule.rule, family.family) for rule in rules for family in rule.families if family.unnamed_beyond}
    pairs = {
        (verdict.rule, verdict.group)
        for verdict in verdicts
        if verdict.outcome == "fail"
        or (
            verdict.outcome != "pass" and verdict.p_fail is not None and (verdict.rule, verdict.group.family) in unnamed
        )
    }
    flagged = (scores.as_it_is(CHOOSES) + scores.as_it_is(JUDGES)).sum(axis=2)
    return pairs | Limits(plan, scores, by_name, [decided, decided]).beyond(scores.scored.sum(axis=(0, 3, 4)), flagged)


def _front(way: Measures, now: float) -> list[Candidate]:
    """Return some points of the front of a way with a smaller worst gap than `now`, from the fewest missed to the most.

    A capacity is a threshold on the half that chooses, and no point of its own.
    """
    places = np.flatnonzero(front_of(way.points) & (way.measured.beyond < now))
    places = places[np.argsort(way.points[places, 1], kind="stable")]
    return [way.candidates[index] for index in thinned(places, _SHOWN) if way.candidates[index].way != "capacity"]


def _flags(story: _Story, half: int, candidate: Candidate, right: float | None) -> IntArray:
    if candidate.way == "as_it_is":
        return story.scores.as_it_is(half)
    return story.halves[half].of(candidate, right)


def _option(story: _Story, candidate: Candidate) -> Option:
    """Say what a candidate changes and does. A band is shown with people as seldom right as is supposed."""
    value = partial(threshold_at, story.scores, ordinal=story.plan.detector.answers == "ordinal")
    parts = candidate.parts or ([(None, int(candidate.edges[0]))] if candidate.way == "band" else [])
    return Option(
        way=candidate.way,
        thresholds=tuple(OwnThreshold(group=group, threshold=value(edge)) for group, edge in parts),
        share=candidate.share,
        band_from=None if candidate.below is None else value(candidate.below),
        to_people=story.halves[JUDGES].to_people(candidate),
        where_chosen=_errors(story, CHOOSES, candidate),
        elsewhere=_errors(story, JUDGES, candidate),
    )


def _errors(story: _Story, half: int, candidate: Candidate) -> Errors:
    counted = story.halves[half]
    flagged = _flags(story, half, candidate, story.right[0])
    (beyond,), (missed,), (wrong,) = story.limits.measure(counted, flagged[np.newaxis])
    total = counted.total.sum(axis=(0, 2))
    return Errors(
        missed=int(missed),
        victims=int(total[POSITIVE]),
        wrongly_flagged=int(wrong),
        others=int(total[NEGATIVE]),
        beyond=float(beyond) if math.isfinite(beyond) else None,
    )


def _judged(story: _Story, candidate: Candidate, right: float | None) -> tuple[Outcome, tuple[Verdict, ...]]:
    """Judge the half that did not choose, by the ordinary verdict."""
    table = story.scores.table(JUDGES, _flags(story, JUDGES, candidate, right).sum(axis=2))
    families = count_families(story.plan.groups, story.plan.rules, table, tuple(story.features.values()))
    _, verdicts, overall = judge(story.plan, families, story.features)
    return overall.outcome, verdicts


def _tried(story: _Story, candidate: Candidate, number: int) -> Tried:
    supposed = sorted(set(story.right)) if candidate.way == "band" else [None]
    judged = (
        [] if unused_design(story.plan.evaluation_set) else [_judged(story, candidate, right) for right in supposed]
    )
    outcomes = [outcome for outcome, _ in judged]
    passed: Status = "confirmed_if_people_are_right" if candidate.way == "band" else "confirmed"
    status: Status = passed if set(outcomes) == {"pass"} else "not_decidable" if outcomes else "described"
    silent = {group for _, verdicts in judged for group in _silent(story.beyond, verdicts)}
    if "fail" in outcomes:
        status = "not_confirmed"
    elif silent:
        status = "not_decidable"
    if candidate.way == "band" and judged:
        outcomes.append(_judged(story, candidate, None)[0])
    before, after = story.scores.as_it_is(JUDGES), story.halves[JUDGES].of(candidate, story.right[0])
    return Tried(
        **dict(_option(story, candidate)),
        number=number,
        status=status,
        outcomes=tuple(outcomes),
        silent=tuple(sorted(silent, key=lambda group: group.root)),
        more_cases=tuple(_more_cases([verdict for _, verdicts in judged for verdict in verdicts]))
        * (status == "not_decidable"),
        levelled_down=story.limits.levelled_down(story.halves[JUDGES], before, after),
        effects=_effects(story, after),
    )


def _silent(beyond: Iterable[tuple[str, Group]], verdicts: Sequence[Verdict]) -> set[Group]:
    """Groups of these that neither pass nor fail by themselves."""
    judged = [verdict for verdict in verdicts if verdict.outcome in {"pass", "fail"}]
    decided = {(verdict.rule, group) for verdict in judged for group in (verdict.group, *verdict.same_people)}
    return {group for rule, group in beyond if (rule, group) not in decided}


def _more_cases(verdicts: Sequence[Verdict]) -> Iterator[MoreCases]:
    """Sum what the undecided groups of each rule lack: of families that share people, the one that lacks most."""
    lacking: dict[str, dict[Group, float]] = {}
    for verdict in verdicts:
        if verdict.outcome == "inconclusive" and verdict.because != "judged_as_part":
            of_rule = lacking.setdefault(verdict.rule, {})
            needed = math.inf if verdict.cases_needed is None else verdict.cases_needed
            of_rule[verdict.group] = max(of_rule.get(verdict.group, 0.0), needed)
    for rule, groups in lacking.items():
        families = {group.family for group in groups}
        most = 2 * max(sum(lack for group, lack in groups.items() if group.family == family) for family in families)
        cases = int(most) if math.isfinite(most) else None
        nobody_could = (rule, "limit_cannot_be_exceeded") in {(verdict.rule, verdict.because) for verdict in verdicts}
        yield MoreCases(rule=rule, groups=len(groups), cases=cases, nobody_could_exceed=nobody_could)


def _effects(story: _Story, after: IntArray) -> tuple[Effect, ...]:
    """Say for each judged group, and for all people in none of them, what changes: the largest groups by themselves."""
    total, members = story.halves[JUDGES].total, dict[Group, BoolArray]()
    judged = {group for _, group in story.limits.judged}
    for family in plan_families(story.plan.groups, story.plan.rules):
        members |= {
            group: part for group, part in members_of(story.scores, family, story.features).items() if group in judged
        }
    largest = sorted(members, key=lambda group: (-int(total[members[group]].sum()), group.root))[:_MOST_EFFECTS]
    nobody = np.zeros(total.shape[0], dtype=np.bool_)
    rest = ~np.logical_or.reduce([nobody, *(members[group] for group in largest)])
    rows: list[tuple[Group | None, BoolArray]] = [*((group, members[group]) for group in largest), (None, rest)]
    effects = []
    for group, part in rows:
        for label, error in ((POSITIVE, "missed"), (NEGATIVE, "wrongly_flagged")):
            cases, flags = total[part, label].sum(axis=0), after[part, label].sum(axis=0)
            if cases.sum() >= story.plan.verdict.min_denominator:
                effects.append(_effect(story, group, error, cases, flags))
    return tuple(effects)


def _effect(story: _Story, group: Group | None, error: str, cases: IntArray, flags: IntArray) -> Effect:
    """Effect on cases of one label, int64[2] by the decision as it is."""
    lost, gained = int(cases[FLAGGED] - flags[FLAGGED]), int(flags[NOT_FLAGGED])
    still_flagged, neither = int(flags[FLAGGED]), int(cases[NOT_FLAGGED]) - gained
    more, fewer = (lost, gained) if error == "missed" else (gained, lost)
    harmed = (neither, still_flagged) if error == "missed" else (still_flagged, neither)
    change, low, high = newcombe_paired(harmed[0], more, fewer, harmed[1], story.plan.verdict.level)
    return Effect(
        group=group,
        error="missed" if error == "missed" else "wrongly_flagged",
        cases=int(cases.sum()),
        before=harmed[0] + fewer,
        after=harmed[0] + more,
        change=float(change),
        low=float(low),
        high=float(high),
    )
