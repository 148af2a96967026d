"""A baseline from beginning to end: read it, check that it may be one, join its answers by case, and judge the change.

Answers of an earlier audit come from the file beside its result, or are read again with its plan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.analyses.estimates import cells_of, counted_cells
from audit.counting.count import SCORED, added_by_group
from audit.counting.table import DECISIONS, UNLABELLED, CountsTable, FamilyCounts, everyone_as_family, plan_families
from audit.detectors.predictions import PredictionsDetector as Predictions
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.errors import AuditError, DataError, PlanError, ResultError, path_of
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan, Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.file.mistakes import one_line
from audit.plan.file.plan_file import AnyPlan, LoadedPlan, loaded_plan
from audit.result.audit_result import AuditResult, OverallVerdict
from audit.result.file import load_result
from audit.result.findings.change import (
    Change,
    ChangeBaseline,
    HeldAgainst,
    Unpaired,
    combined_outcome,
    deciding,
)
from audit.result.json_text import result_sha256
from audit.scoring import predictions_file, score
from audit.scoring.decisions import counted_columns, create_scored_view
from audit.scoring.provenance import sha256_of
from audit.scoring.rules import decision_rule
from audit.scoring.scored import AnswerSource
from audit.stats.arrays import IntArray
from audit.verdicts.changes.acceptance import check_features, check_plans, check_sets, permitted_differences
from audit.verdicts.changes.judge import Comparison, Evidence, judge_change, why_not_judged
from audit.verdicts.decidability import Climb
from audit.verdicts.judge import verdict_without_change
from audit.verdicts.side_tests import WHOLE_CHANGE, ChangeBudget
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.statuses import AbstentionMeaning

PREDICTIONS: Final = "predictions.parquet"


def answer_files(result: AuditResult, beside: Path, folder: Path) -> list[Path]:
    """Return the files in which the answers of an audit may lie, for whoever opens its set; see `answers_of`."""
    section = result.plan.detector
    if not isinstance(section, PredictionsDetector) or section.path is None:
        return []
    places = (beside / section.path.name, folder / section.path)
    return [path.absolute() for path in places if path.is_file()]


def answers_of(
    result: AuditResult, beside: Path, evaluation_set: EvaluationSet, plan: AuditPlan, folder: Path, view: str
) -> bool:
    """Create a view of the set as an audit scored it: the set's expressions and `decision`. False where the answers are
    not at hand.

    If a detector was run, they stand in `predictions.parquet` beside the result. Answers that existed already are read
    again: from the evaluation set, or from the predictions file beside the result or where its plan says, if it is
    still the file that was audited.

    Parameters
    ----------
    beside : Path
        The folder of the result.
    evaluation_set
        The set that was audited, opened with `answer_files`.
    plan, folder
        Its plan, and what paths are relative to.

    Raises
    ------
    ResultError
        If there is a file and it is no file of answers.
    """
    section = result.plan.detector
    if plan.evaluation_set.is_counted:
        return False
    if not isinstance(section, PredictionsDetector):
        table = _predictions_beside(beside / PREDICTIONS, result.provenance.predictions_sha256)
    elif section.stands_in_set and section.answer not in evaluation_set.source.types:
        table = _read_again(result, plan.model_copy(update={"detector": section}), folder)
    else:
        places = answer_files(result, beside, folder) if section.path is not None else [None]
        return any(
            _decided_again(result, section.model_copy(update={"path": path}), evaluation_set, plan.evaluation_set, view)
            for path in places
        )
    if table is not None:
        _view_of_table(evaluation_set, table, section.abstention_means, view)
    return table is not None


def _view_of_table(
    evaluation_set: EvaluationSet, answers: pa.Table, meaning: AbstentionMeaning | None, view: str
) -> None:
    if answers.num_rows != evaluation_set.rows:
        raise another_run_error("are not of the cases of its evaluation set, each once")
    expressions = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in evaluation_set.expressions.items())
    evaluation_set.engine.register(f"{view}_answers", answers)
    with reading(evaluation_set.source_name):
        evaluation_set.engine.execute(
            f"CREATE OR REPLACE TEMP VIEW {view} AS"  # noqa: S608 - names of our own
            f" SELECT cases.*, {counted_columns(meaning, evaluation_set.expressions)}"
            f" FROM (SELECT {expressions} FROM {evaluation_set.source.name}) cases"
            f" LEFT JOIN {view}_answers USING (case_id)"
        )


def _decided_again(
    result: AuditResult,
    section: PredictionsDetector,
    evaluation_set: EvaluationSet,
    set_section: EvaluationSetSection,
    view: str,
) -> bool:
    """Decide the answers of a table again; False where the file is another one, or cannot be read as it was."""
    detector = Predictions(section, Path(), joined=f"{view}_answers")
    try:
        answers = AnswerSource.of_table(detector.find_answers(evaluation_set, set_section.id))
        if detector.info.artefact_sha256 != result.provenance.detector_sha256:
            return False
        evaluation_set.engine.with_little_memory(
            lambda: create_scored_view(evaluation_set, answers, decision_rule(section), view)
        )
    except (DataError, PlanError):
        return False
    return True


def _read_again(result: AuditResult, plan: AuditPlan, folder: Path) -> pa.Table | None:
    """Read answers in a column of the set that its own plan does not name; None where they cannot be read as they
    were.
    """
    try:
        with open_evaluation_set(plan, folder) as evaluation_set:
            if evaluation_set.sha256 != result.provenance.evaluation_set_sha256:
                return None
            score(plan, evaluation_set, folder)
            return evaluation_set.table_of(f"SELECT case_id, decision FROM {SCORED}")  # noqa: S608 - names of our own
    except (DataError, PlanError):
        return None


def _predictions_beside(path: Path, digest: str | None) -> pa.Table | None:
    file_digest = sha256_of(path)
    if file_digest is None:
        return None
    if digest is not None and file_digest != digest:
        raise another_run_error("are not the file that was written with it")
    try:
        table = pq.read_table(path, columns=["case_id", "decision"])
        words = table["decision"].cast(pa.string())
        codes = pc.index_in(words, value_set=pa.array(predictions_file.DECISIONS)).cast(pa.int8())
        ids = table["case_id"].cast(pa.string())
    except (OSError, pa.ArrowException, KeyError):
        raise _unreadable(path) from None
    if codes.null_count or ids.null_count:
        raise _unreadable(path)
    return pa.table({"case_id": ids, "decision": codes})


def another_run_error(why: str) -> ResultError:
    """Make the error of predictions that lie beside the result of another run."""
    return ResultError(f"the predictions beside a result {why}", slug="predictions-of-another-run")


def _unreadable(path: Path) -> ResultError:
    return ResultError(f"{path.name} holds no answers as a run writes them", slug="predictions-unreadable")


THEN: Final = "scored_then"
"""Name of the view of a set as an earlier audit scored it."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The counts table of both audits' decisions."""

    both: CountsTable
    """Its cells are int64[K, 3, 4, 4]: label x decision then x decision now."""
    _families: dict[Family, FamilyCounts] = field(default_factory=dict, init=False, repr=False, compare=False)

    def family(self, family: Family, features: Mapping[str, SensitiveFeature]) -> FamilyCounts:
        """Return the groups of a family, with cells int64[G, 3, 4, 4]; added up once, as all ask for the same."""
        if family not in self._families:
            self._families[family] = self.both.family(family, features)
        return self._families[family]


def count_pairs(evaluation_set: EvaluationSet, then: str) -> Pairs:
    """Join the answers of an earlier audit to the scored set by id, and count, in one query.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring, or after `audit.verdicts.changes.baseline.answers_of` for `scored`.
    then : str
        The view of the set as the earlier audit scored it.

    Raises
    ------
    ResultError
        If either has not an answer to each case of this set, once.
    """
    names = tuple(feature.name for feature in evaluation_set.features)
    groups = [identifier(f"group_{name}") for name in names]
    # built from quoted identifiers and numbers; nothing of a cell stands in it
    counted = evaluation_set.rows_of(
        f"SELECT {', '.join(groups)}, coalesce(label, 2) AS labelled, past.decision AS before,"  # noqa: S608
        f" now.decision AS after, count(*) AS cases FROM (SELECT {', '.join(groups)}, case_id,"
        " CASE label WHEN 1 THEN 0 WHEN 0 THEN 1 END AS label,"
        f" decision FROM {SCORED}) now LEFT JOIN (SELECT case_id, decision FROM {then}) past USING (case_id)"
        " GROUP BY ALL"
    )
    *raw, labels, before, after, cases = zip(*counted, strict=True)
    if None in (*before, *after) or sum(cases) != evaluation_set.rows:
        raise another_run_error("are not of the cases of its evaluation set, each once")
    codes = [evaluation_set.codes[name] for name in names]
    shape = (UNLABELLED + 1, DECISIONS, DECISIONS)
    return Pairs(added_by_group(names, raw, codes, (labels, before, after), cases, shape))


def check_reproduced(
    result: AuditResult, pairs: Pairs, audit: Literal["then", "now"], families: Sequence[Family]
) -> None:
    """Raise ResultError where joined answers do not give the counts of the result that they are said to be of."""
    by_name, other = {feature.name: feature for feature in result.features}, 3 if audit == "then" else 2
    shown = [everyone_as_family(pairs.both), *(pairs.family(family, by_name) for family in families)]
    check_counts(result, [family._replace(cells=family.cells.sum(axis=other)) for family in shown])


def check_counts(result: AuditResult, shown: Sequence[FamilyCounts]) -> None:
    """Raise ResultError where these counts, everyone's first, are not those of the result."""
    groups, cells = counted_cells(shown)
    if groups != [group_counts.group for group_counts in result.counts] or not np.array_equal(
        cells, cells_of(result.counts)
    ):
        raise another_run_error("do not give its counts: they are of another run")


class Baseline(NamedTuple):
    """An earlier result, and where it lies."""

    result: AuditResult
    beside: Path
    """Folder of its file: its predictions are looked for there."""

    @property
    def description(self) -> ChangeBaseline:
        """Description of the baseline that a change holds."""
        return self.described(whole=True)

    def described(self, *, whole: bool) -> ChangeBaseline:
        """Describe the baseline. Without `whole`, nobody asks for its digest, for which all of it is written again."""
        origin = self.result.provenance
        return ChangeBaseline(
            sha256=result_sha256(self.result) if whole else "",
            finished=origin.finished,
            detector_sha256=origin.detector_sha256,
            title=self.result.plan.audit.title,
            outcome=verdict_without_change(self.result).outcome,
        )


class Joined(NamedTuple):
    """A baseline and the pairs of both audits' decisions, or why there are none."""

    baseline: Baseline
    pairs: Pairs | None
    unpaired: Unpaired | None
    whole: bool = True
    """Whether the change may be kept or reported: see `Baseline.described`."""
    budget: ChangeBudget = WHOLE_CHANGE
    """What the comparison may spend."""


class AcceptedBaselines(NamedTuple):
    """Accepted versions of a chain that a new version is held against, with what each comparison may spend."""

    reference: Baseline
    reference_number: int
    reference_budget: ChangeBudget
    last: Baseline | None
    """The last accepted version; None where it is the reference."""
    last_number: int
    last_budget: ChangeBudget

    @property
    def both(self) -> Sequence[Baseline]:
        """The reference, and the last version where it is another one."""
        return [self.reference] if self.last is None else [self.reference, self.last]

    def asked_by(self, plan: AuditPlan) -> AuditPlan:
        """Return a plan with what the reference's plan asks of a change: a release does not loosen its own comparison.

        Both ask the same otherwise, so that their rules stand in one order.
        """
        reference = self.reference.result.plan
        margins = iter([rule.regression_margin for rule in reference.rules])
        rules = tuple(
            rule.model_copy(update={"regression_margin": next(margins)}) if isinstance(rule, Rule) else rule
            for rule in plan.every_rule
        )
        values = {key: getattr(reference.baseline, key) for key in ("regression_margin", "expected_change")}
        return plan.model_copy(update={"every_rule": rules, "baseline": plan.baseline.model_copy(update=values)})


class AcceptedVersions(ABC):
    """Accepted versions of a plan, before it is known of which set; see `audit.verdicts.changes.chain.Releases`."""

    @property
    @abstractmethod
    def answer_files(self) -> list[Path]:
        """Files of answers that a set is opened with."""

    @abstractmethod
    def of_set(self, evaluation_set: str | None) -> AcceptedBaselines | None:
        """Return the versions that a new one is held against; None where none was accepted of its set."""


class JoinedVersions(NamedTuple):
    """Accepted versions joined to the answers of a new one."""

    accepted: AcceptedBaselines
    reference: Joined
    last: Joined | None

    def held_against(self, judged: Judged) -> tuple[Change, HeldAgainst]:
        """Return the change that decides, and what else is known."""
        judged = judged._replace(plan=self.accepted.asked_by(judged.plan))
        last = None if self.last is None else change_from(self.last, judged)
        return held_against(self.accepted, change_from(self.reference, judged), last)


def held_against(accepted: AcceptedBaselines, reference: Change, last: Change | None) -> tuple[Change, HeldAgainst]:
    """Put two changes together: the one that decides, and the other beside it."""
    change, decides, other = deciding(reference, last)
    return change, HeldAgainst(
        reference=accepted.reference_number, last=accepted.last_number, decides=decides, other=other
    )


def load_baseline(path: Path) -> Baseline:
    """Read an earlier result: its file, or the folder with it. Raises ResultError."""
    file = path / "result.json" if path.is_dir() else path
    return Baseline(load_result(file), file.parent)


def load_named_baseline(path: Path) -> Baseline:
    """Read an earlier result at a path that somebody named. Raises ResultError, also where nothing lies there."""
    hint = "check the path; the first one is the result of a run without a baseline"
    _require_result(path, one_line(str(path)), hint)
    return load_baseline(path)


def _require_result(path: Path, location: str, hint: str) -> None:
    """Raise ResultError where there is no result yet; its hint says how to get the first."""
    if not (path / "result.json" if path.is_dir() else path).exists():
        raise ResultError(f"there is no baseline at {location}", slug="no-baseline", hint=hint)


def baseline_for(loaded: LoadedPlan, named: Baseline | str | Path | None) -> Baseline | None:
    """Return the baseline that was named, or else the plan's; None where there is neither. Raises ResultError."""
    if isinstance(named, Baseline):
        return named
    of_plan = loaded.plan.baseline.result
    if named is not None:
        baseline = load_named_baseline(Path(named))
    elif of_plan is not None:
        _require_result(
            loaded.folder / of_plan,
            f"{one_line(str(of_plan))}, which the plan names",
            "the first one is the result of an audit without one: leave `result` out of [baseline] for one run, look "
            "at what came of it, and put its folder there",
        )
        baseline = load_baseline(loaded.folder / of_plan)
    else:
        return None
    check_plans(baseline.result.plan, loaded.plan)
    return baseline


def check_baseline(baseline: Baseline, evaluation_set: EvaluationSet) -> None:
    """Check a baseline before the long scoring run. Raises ResultError where it is of another set or of other
    groups.
    """
    check_sets(baseline.result, evaluation_set.sha256, only_the_same=True)
    check_features(baseline.result, evaluation_set.features)


def join_versions(
    accepted: AcceptedBaselines, loaded: LoadedPlan, evaluation_set: EvaluationSet, *, whole: bool
) -> JoinedVersions:
    """Join the answers of accepted versions to a set that was just scored.

    Raises ResultError where they are of another run.
    """
    budgets = (accepted.reference_budget, accepted.last_budget)
    joined = [
        join_answers(baseline, loaded, evaluation_set, whole=whole)._replace(budget=budget)
        for baseline, budget in zip(accepted.both, budgets, strict=False)
    ]
    return JoinedVersions(accepted, joined[0], joined[1] if accepted.last is not None else None)


def join_answers(baseline: Baseline, loaded: LoadedPlan, evaluation_set: EvaluationSet, *, whole: bool) -> Joined:
    """Join the baseline's answers to a set that was just scored. See `Joined`.

    Raises ResultError where they are of another run.
    """
    if why_not_judged(loaded.plan.evaluation_set, too_many_failed=False):
        return Joined(baseline, None, None, whole)
    if not answers_of(baseline.result, baseline.beside, evaluation_set, loaded.plan, loaded.folder, THEN):
        return Joined(baseline, None, "no_predictions_then", whole)
    pairs = count_pairs(evaluation_set, THEN)
    check_reproduced(baseline.result, pairs, "then", plan_families(loaded.plan.groups, loaded.plan.rules))
    return Joined(baseline, pairs, None, whole)


class Judged(NamedTuple):
    """Part of the later audit that its change from a baseline is judged by."""

    plan: AuditPlan
    features: Sequence[SensitiveFeature]
    cells: Mapping[Group, IntArray]
    """int64[3, 4] of every group, everyone first: see `audit.analyses.estimates.cells_of`."""
    too_many_failed: bool
    """Whether the detector failed on more rows than the plan allows."""
    detector_sha256: str | None
    climbs: Mapping[str, Climb] | None = None
    """Ways up the ladders by the id of each rule, where they are known already."""

    @classmethod
    def of(cls, result: AuditResult) -> Self:
        """Return the part of a result by which a change is judged."""
        return cls(
            result.plan, result.features, _cells(result), result.too_many_failed, result.provenance.detector_sha256
        )


def change_from(joined: Joined, now: Judged) -> Change:
    """Judge the change from the baseline to an audit by the same plan."""
    plan, by_name = now.plan, {feature.name: feature for feature in now.features}
    then, pairs = joined.baseline.result, joined.pairs
    cells_then = _cells(then)
    groups: dict[Family, list[Group]] = {}
    for group in now.cells:
        groups.setdefault(group.family, []).append(group)
    evidence = {
        family: Evidence(
            then=_counts(family, groups[family], cells_then),
            now=_counts(family, groups[family], now.cells),
            pairs=None if pairs is None else pairs.family(family, by_name).cells,
        )
        for family in plan_families(plan.groups, plan.rules)
    }
    return judge_change(
        plan,
        evidence,
        by_name,
        Comparison(
            joined.baseline.described(whole=joined.whole),
            permitted_differences(then, plan, now.detector_sha256),
            joined.unpaired,
            joined.budget,
        ),
        now.climbs,
        too_many_failed=then.too_many_failed or now.too_many_failed,
    )


def overall_with(overall: OverallVerdict, change: Change) -> OverallVerdict:
    """Return the worse of an audit's own verdict and of its change."""
    return overall.model_copy(update={"outcome": combined_outcome((overall.outcome, change.outcome))})


def with_change(result: AuditResult, change: Change) -> AuditResult:
    """Return the result with another change, and the overall verdict that follows from it."""
    overall = overall_with(verdict_without_change(result), change)
    return result.model_copy(update={"change": change, "overall": overall})


def with_versions(
    result: AuditResult, now: Baseline, accepted: AcceptedBaselines, loaded: LoadedPlan | None
) -> AuditResult:
    """Return an existing result with its change from accepted versions. Raises ResultError as `change_between` does."""
    asked = now.result.model_copy(update={"plan": accepted.asked_by(now.result.plan)})
    now = now._replace(result=asked)
    reference = change_between(accepted.reference, now, loaded, only_the_same=True, budget=accepted.reference_budget)
    last = None
    if accepted.last is not None:
        last = change_between(accepted.last, now, loaded, only_the_same=True, budget=accepted.last_budget)
    change, versions = held_against(accepted, reference, last)
    further = result.further.model_copy(update={"held_against": versions})
    return with_change(result.model_copy(update={"further": further}), change)


def change_between(
    then: Baseline,
    now: Baseline,
    loaded: LoadedPlan | None,
    *,
    only_the_same: bool,
    whole: bool = True,
    budget: ChangeBudget = WHOLE_CHANGE,
) -> Change:
    """Judge the change between two existing results.

    Parameters
    ----------
    then, now
        The earlier result, and the later one.
    loaded
        The plan of the later one, where it is at hand: without it no case can be looked up.
    only_the_same
        Whether another evaluation set is refused; else it is compared as a separate sample.
    whole
        Whether the change may be kept or reported.
    budget
        What the comparison may spend.

    Raises
    ------
    ResultError
        If they are not of one plan, or one of them lies beside answers of another run.
    """
    check_plans(then.result.plan, now.result.plan)
    same = check_sets(then.result, now.result.provenance.evaluation_set_sha256, only_the_same=only_the_same)
    if same:
        check_features(then.result, now.result.features)
        joined = _join_kept_answers(then, now, loaded)
    else:
        joined = Joined(then, None, "other_set")
    change = change_from(joined._replace(whole=whole, budget=budget), Judged.of(now.result))
    return change if same else _undecided_if_vanished(change, then.result, now.result)


def compare(then: AuditResult | str | Path, now: AuditResult | str | Path, plan: str | Path | None = None) -> Change:
    """Say what changed from one audit to the next of the same plan: group by group, and whether anyone became worse.

    Parameters
    ----------
    then, now
        The earlier result and the later one, or the files or folders with them. Single cases are compared only where
        the answers of both lie beside their results.
    plan
        The plan of `now`, to look cases up in its set; by default the file that the result names, where it is there.

    Raises
    ------
    AuditError
        If they are not of one plan, or a table in memory was audited: nothing says that both are of the same cases.
    """
    earlier, later = (
        Baseline(audited, Path()) if isinstance(audited, AuditResult) else load_named_baseline(path_of(audited))
        for audited in (then, now)
    )
    return change_between(earlier, later, plan_at_hand(later.result, plan), only_the_same=False)


def plan_at_hand(result: AuditResult, named: AnyPlan | None, beside: Path | None = None) -> LoadedPlan | None:
    """Return the plan of a result: the named one, else the first file at hand that asks the same; else None.

    Looked for are the file that the result names and, where `beside` is the folder of the result, a file of that name
    one folder above it. Raises PlanError or ResultError if a named plan cannot be used.
    """
    if named is not None:
        return _plan_that_asks_the_same(result, named)
    file = result.provenance.plan_file
    places = [Path(file)] if file else []
    if beside is not None:
        places.append(beside.absolute().parent / Path(file or "plan.toml").name)
    for place in filter(Path.is_file, places):
        with suppress(AuditError):
            return _plan_that_asks_the_same(result, place)
    return None


def _plan_that_asks_the_same(result: AuditResult, named: AnyPlan) -> LoadedPlan:
    loaded = loaded_plan(named)
    check_plans(loaded.plan, result.plan)
    return loaded


def _undecided_if_vanished(change: Change, then: AuditResult, now: AuditResult) -> Change:
    """Let a change between two sets pass only if the later set holds every group that the earlier audit judged."""
    counted = {group for group, cells in _cells(now).items() if cells.any()}
    judged = {verdict.group for verdict in then.verdicts if verdict.decidable}
    if change.outcome != "pass" or judged <= counted:
        return change
    return change.model_copy(update={"outcome": "inconclusive", "because": "group_vanished"})


def _join_kept_answers(then: Baseline, now: Baseline, loaded: LoadedPlan | None) -> Joined:
    if why_not_judged(now.result.plan.evaluation_set, too_many_failed=False) or loaded is None:
        return Joined(then, None, None if loaded else "set_not_at_hand")
    check_plans(loaded.plan, now.result.plan)
    # with the detector of the result: the plan at hand may already be that of the next version
    plan = now.result.plan.model_copy(update={"evaluation_set": loaded.plan.evaluation_set})
    files = [file for audited in (then, now) for file in answer_files(audited.result, audited.beside, loaded.folder)]
    try:
        evaluation_set = open_evaluation_set(plan, loaded.folder, files=files)
    except (DataError, PlanError):
        return Joined(then, None, "set_not_at_hand")
    with evaluation_set:
        if evaluation_set.sha256 != now.result.provenance.evaluation_set_sha256:
            return Joined(then, None, "set_not_at_hand")
        if not answers_of(then.result, then.beside, evaluation_set, plan, loaded.folder, THEN):
            return Joined(then, None, "no_predictions_then")
        if not answers_of(now.result, now.beside, evaluation_set, plan, loaded.folder, SCORED):
            return Joined(then, None, "no_predictions_now")
        pairs = count_pairs(evaluation_set, THEN)
    check_reproduced(then.result, pairs, "then", plan_families(plan.groups, plan.rules))
    check_reproduced(now.result, pairs, "now", plan_families(plan.groups, plan.rules))
    return Joined(then, pairs, None)


def _cells(result: AuditResult) -> dict[Group, IntArray]:
    return dict(zip([group_counts.group for group_counts in result.counts], cells_of(result.counts), strict=True))


def _counts(family: Family, groups: Sequence[Group], cells: Mapping[Group, IntArray]) -> FamilyCounts:
    everyone = next(iter(cells.values()))
    nobody = np.zeros_like(everyone)
    return FamilyCounts(family, tuple(groups), np.stack([cells.get(group, nobody) for group in groups]), everyone)
