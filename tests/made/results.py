"""Audit results made up for the tests of reports: consistent in their numbers, with verdicts by a rough normal rule.

The arithmetic is simple on purpose and is not the procedure of an audit. Reports read what a result says; that the
result is right is tested elsewhere. Everything is drawn from a seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Any

from made.once import made_once
from made.replaced import replaced
from made.samples import FAILING, FEW, PASSING, RULES, RUNGS, UNDECIDED, Drawn, Key, Sample

from audit.analyses.disparities import impact_ratios
from audit.plan.audit_plan import Rule
from audit.result.audit_result import AuditResult, OverallVerdict, Provenance, Waiver
from audit.result.findings.further import Agreement, Further
from audit.result.findings.judged import (
    Disparity,
    Estimate,
    FamilyResult,
    GroupCounts,
    RowAccount,
    RuleResult,
    Verdict,
)
from audit.result.findings.system import Notice, SystemDescription
from audit.safeguards import with_safeguards
from audit.vocabulary.groups import Axis, Family, Group
from audit.vocabulary.metrics import METRICS, Cell, Metric, MetricDefinition, worse_direction
from audit.vocabulary.sentences import Word, sentence

__all__ = [
    "FAILING",
    "PASSING",
    "RULES",
    "UNDECIDED",
    "Sample",
    "failing_result",
    "few_result",
    "hostile_result",
    "passing_result",
    "sample_result",
    "undecided_result",
]

Z = NormalDist().inv_cdf(0.975)


def sample_result(sample: Sample) -> AuditResult:
    """Make the result of `sample`."""
    result = _Maker(sample).result()
    if sample.code is str:
        return result
    return AuditResult.model_validate_json(json.dumps(_recoded(result.model_dump(mode="json", by_alias=True), sample)))


def _recoded(part: Any, sample: Sample) -> Any:
    """`part` of a result with the codes of genders replaced."""
    if isinstance(part, dict):
        if part.get("rung") == "level":
            return {**part, "code": sample.code(part["code"])}
        return {key: _recoded(value, sample) for key, value in part.items()}
    if isinstance(part, list):
        if part[:2] == ["gender", "level"] and len(part) == 3:
            return [*part[:2], sample.code(part[2])]
        return [_recoded(value, sample) for value in part]
    return part


@made_once
def failing_result() -> AuditResult:
    """About 1,150 groups; fails for a sub-region, for women of one country, and on wrong flags for another."""
    return sample_result(FAILING)


@made_once
def few_result() -> AuditResult:
    """Fails in the same ways, with 22 countries: for what a report says, where it need not be large."""
    return sample_result(FEW)


@made_once
def passing_result() -> AuditResult:
    """A few groups, one rule, all within the limit."""
    return sample_result(PASSING)


@made_once
def undecided_result() -> AuditResult:
    """Far too few cases."""
    return sample_result(UNDECIDED)


def hostile_result(payload: str, sample: Sample = UNDECIDED) -> AuditResult:
    """A result in which every string that someone else could have written carries `payload`."""
    return sample_result(replace(sample, text=lambda text: f"{text}{payload}"))


class _Maker(Drawn):
    def result(self) -> AuditResult:
        text = self.sample.text
        rules, verdicts = self._judge()
        failing = tuple(rule.rule for rule in rules if rule.outcome == "fail")
        undecided = tuple(rule.rule for rule in rules if rule.outcome == "inconclusive")
        harm = {"services": "missed", "enforcement": "wrongly_flagged", "both": "both"}[self.sample.route]
        groups = self.all_groups()
        made = AuditResult(
            schema_version=2,
            status="complete",
            release="restricted",
            plan_as_asked={"audit": {"title": text("Recruitment-advert screener 2.3")}},
            plan=self.plan,
            system=SystemDescription(
                kind="skops",
                name=text("model.skops"),
                decision=text("flagged when the score is at least 0.5"),
                decision_sentence=sentence("threshold", what=Word(word="score"), threshold="0.5"),
                features=(text("advert_text"), text("pay_offered")),
                sensitive_features_used=(text("nationality"),),
                near_threshold=3,
                ties_at_capacity=2,
                notes=(text("Run in batches of 4,096 rows."),),
            ),
            features=self.features,
            metrics=tuple(self._definition(metric) for metric in METRICS.values()),
            overall=OverallVerdict.model_validate(
                {
                    "outcome": "fail" if failing else "inconclusive" if undecided else "pass",
                    "failing_rules": failing,
                    "undecided_rules": undecided,
                    "primary_harm": harm,
                }
            ),
            rules=rules,
            verdicts=verdicts,
            rows=tuple(self._account(key, cells) for key, cells in groups),
            counts=tuple(
                GroupCounts.model_validate({"group": Group(key), **{c.value: n for c, n in cells.items()}})
                for key, cells in groups
            ),
            estimates=tuple(self._estimate(m, key, cells) for key, cells in groups for m in METRICS.values()),
            disparities=tuple(
                self._disparity(rule.rate, key, cells) for rule in self.plan.rules for key, cells in groups if key
            ),
            waivers=self._waivers(verdicts),
            safeguards=(),
            notices=(
                Notice(code="labels", text=text("Labels are not truth. These come from: NGO case files.")),
                Notice(
                    code="given",
                    text=text("The detector is given: nationality."),
                    sentences=(sentence("columns_given", columns=Word(word="nationality")),),
                ),
            ),
            further=Further(
                crosscheck=(
                    Agreement(
                        library=text("fairlearn 0.15.0"),
                        rates_compared=9_000,
                        largest_difference=2.2e-16,
                        differs_by_convention=412,
                    ),
                ),
            ),
            provenance=self._provenance(),
        )
        ratios = impact_ratios(self.plan.groups, made.estimates)
        return self._written_by_others(with_safeguards(replaced(made, impact_ratios=ratios)))

    def _definition(self, metric: Metric) -> MetricDefinition:
        worse = {"low": "low", "high": "high"}.get(worse_direction(metric, self.plan.audit.route), "not_judged")
        return MetricDefinition.model_validate(
            {
                "name": metric.name,
                "plain": metric.plain,
                "counted": metric.counted,
                "among": metric.among,
                "definition": metric.definition,
                "formula": metric.formula,
                "worse": worse,
            }
        )

    def _account(self, key: Key, cells: Mapping[Cell, int]) -> RowAccount:
        read = sum(cells.values())
        unscored = sum(count for cell, count in cells.items() if cell.value.startswith("unscored"))
        unlabelled = cells[Cell.UNLABELLED_FLAGGED] + cells[Cell.UNLABELLED_NOT_FLAGGED]
        unlabelled += cells[Cell.UNSCORED_UNLABELLED]
        unknown = (
            sum(sum(c.values()) for k, c in self.cells.items() if any(level.code == "unknown" for level in k))
            if not key
            else read * any(level.code == "unknown" for level in key)
        )
        return RowAccount(
            group=Group(key),
            read=read,
            scored=read - unscored,
            abstained=unscored - unscored // 5,
            failed=unscored // 5,
            labelled=read - unlabelled,
            unlabelled=unlabelled,
            attribute_unknown=unknown,
        )

    def _estimate(self, metric: Metric, key: Key, cells: Mapping[Cell, int]) -> Estimate:
        x, n = _parts(metric, cells)
        known = n >= self.plan.verdict.min_denominator
        low, high = wilson(x, n) if known else (None, None)
        return Estimate(
            metric=metric.name,
            group=Group(key),
            numerator=x,
            denominator=n,
            value=x / n if known else None,
            low=low,
            high=high,
            exact_low=None if low is None else max(0.0, low - 0.01),
            exact_high=None if high is None else min(1.0, high + 0.01),
            level=0.95,
            status="estimated" if known else "not_evaluable",
            reason=None if known else "no_cases" if n == 0 else "too_few_for_a_rate",
        )

    def _disparity(self, metric: Metric, key: Key, cells: Mapping[Cell, int]) -> Disparity:
        x, n = _parts(metric, cells)
        whole_x, whole_n = _parts(metric, self.everyone)
        y, m = whole_x - x, whole_n - n
        known = n >= self.plan.verdict.min_denominator and m > 0
        shown: dict[str, Any] = dict.fromkeys(
            ("difference", "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high")
        )
        if known:
            shown["difference"] = x / n - y / m
            shown["difference_low"], shown["difference_high"] = newcombe(x, n, y, m)
            if y:
                shown["ratio"] = (x / n) / (y / m)
        return Disparity(
            metric=metric.name,
            group=Group(key),
            compared_with="rest",
            other_numerator=y,
            other_denominator=m,
            **shown,
            level=0.95,
            status="estimated" if known else "not_evaluable",
            reason=None if known and y else "zero_in_rest" if known else "too_few_for_a_rate",
        )

    def _judge(self) -> tuple[tuple[RuleResult, ...], tuple[Verdict, ...]]:
        rules: list[RuleResult] = []
        verdicts: list[Verdict] = []
        for rule in self.plan.named_rules:
            wanted = {frozenset(features) for features in rule.feature_sets}
            families = [axes for axes in self.families if frozenset(axis.feature for axis in axes) in wanted]
            of_rule = {key: verdict for axes in families for key, verdict in self._judge_family(rule, axes).items()}
            self._climb_ladders(of_rule)
            verdicts += of_rule.values()
            rules.append(self._rule_result(rule, families, list(of_rule.values())))
        return tuple(rules), tuple(verdicts)

    def _judge_family(self, rule: Rule, axes: tuple[Axis, ...]) -> dict[Key, Verdict]:
        metric = rule.rate
        whole_x, whole_n = _parts(metric, self.everyone)
        low_is_worse = worse_direction(rule.rate, self.plan.audit.route) == "low"
        judged: dict[Key, Verdict] = {}
        for key, cells in self.families[axes].items():
            x, n = _parts(metric, cells)
            y, m = whole_x - x, whole_n - n
            gap = (y / m - x / n if low_is_worse else x / n - y / m) if n and m else 0.0
            error = math.sqrt(0.18 / n + 0.18 / m) if n and m else 1.0
            p_fail = 1 - NormalDist().cdf((gap - rule.limit) / error)
            p_pass = 1 - NormalDist().cdf((rule.limit - gap) / error)
            decidable = n >= self.sample.needed_alone
            outcome, because = _outcome(p_fail, p_pass, n, decidable)
            judged[key] = Verdict.model_validate(
                {
                    "rule": rule.id,
                    "group": Group(key),
                    "outcome": outcome,
                    "because": because,
                    "cases": n,
                    "cases_required": self.sample.needed_alone,
                    "cases_needed": 0
                    if outcome in ("pass", "fail")
                    else max(self.sample.needed_alone - n, n // 2 + 20),
                    "decidable": decidable,
                    "judged_as": None,
                    "judged_as_outcome": None,
                    "p_fail": p_fail if n >= 5 else None,
                    "level_fail": 0.0004 if n >= 5 else None,
                    "p_pass": p_pass if n >= 5 else None,
                    "side": "low" if low_is_worse else "high",
                }
            )
        return judged

    def _climb_ladders(self, verdicts: dict[Key, Verdict]) -> None:
        for key, verdict in list(verdicts.items()):
            if verdict.because not in ("too_few_cases", "too_few_for_a_rate", "no_cases"):
                continue
            for rung in RUNGS[1:]:
                if key[-1].feature != "nationality" or RUNGS.index(key[-1].rung) >= RUNGS.index(rung):
                    continue
                larger = (*key[:-1], self.climb(key[-1], rung))
                if larger in verdicts and verdicts[larger].decidable:
                    verdicts[key] = verdict.model_copy(
                        update={
                            "judged_as": Group(larger),
                            "judged_as_outcome": verdicts[larger].outcome,
                            "because": "judged_as_part" if verdict.because == "too_few_cases" else verdict.because,
                        }
                    )
                    break

    def _rule_result(self, rule: Rule, families: list[tuple[Axis, ...]], verdicts: list[Verdict]) -> RuleResult:
        by_outcome = dict.fromkeys(("fail", "pass", "inconclusive", "not_evaluable"), 0)
        for verdict in verdicts:
            by_outcome[verdict.outcome] += 1
        covered = sum(verdict.cases for verdict in verdicts if verdict.decidable or verdict.judged_as)
        coverage = covered / max(sum(verdict.cases for verdict in verdicts), 1)
        open_ones = [v for v in verdicts if v.decidable and v.outcome == "inconclusive"]
        if by_outcome["fail"]:
            outcome, because = "fail", "group_beyond_limit"
        elif open_ones:
            outcome, because = "inconclusive", "group_undecided"
        elif coverage < self.sample.min_coverage:
            outcome, because = "inconclusive", "coverage_too_small"
        else:
            outcome, because = "pass", "all_judged_within_limit"
        worse = worse_direction(rule.rate, self.plan.audit.route)
        return RuleResult.model_validate(
            {
                "rule": rule.id,
                "metric": rule.metric,
                "scale": rule.scale,
                "limit": rule.limit,
                "direction": rule.direction,
                "worse": "both" if rule.direction == "both" else worse.value,
                "outcome": outcome,
                "because": because,
                "coverage": coverage,
                "min_coverage": self.sample.min_coverage,
                "groups_by_outcome": by_outcome,
                "judged_as_part": sum(verdict.because == "judged_as_part" for verdict in verdicts),
                "families": [
                    FamilyResult(
                        family=Family(axes),
                        groups=len(self.families[axes]),
                        tested=sum(1 for c in self.families[axes].values() if sum(c.values()) > 20),
                        level=0.045 / 14,
                        procedure="discarding" if len(self.families[axes]) >= 20 else "weights_only",
                        coverage=coverage,
                    )
                    for axes in families
                ],
                "reason": rule.reason,
            }
        )

    def _waivers(self, verdicts: Sequence[Verdict]) -> tuple[Waiver, ...]:
        text = self.sample.text
        failing = [verdict for verdict in verdicts if verdict.outcome == "fail"]
        return tuple(
            Waiver(rule=v.rule, group=v.group, who=text("The owner"), why=text("Being corrected"), expires="2027-01-31")
            for v in failing[:1]
        )

    def _written_by_others(self, made: AuditResult) -> AuditResult:
        """The safeguards, and laws and standards, with the sample's text in every string."""
        text = self.sample.text
        rows = tuple(
            one.model_copy(update={name: text(getattr(one, name)) for name in ("words", "question", "evidence")})
            for one in made.safeguards
        )
        laws = tuple(
            law.model_copy(
                update={
                    **{name: text(getattr(law, name)) for name in ("instrument", "title", "checked")},
                    "provisions": tuple(
                        one.model_copy(
                            update={
                                "article": text(one.article),
                                "about": text(one.about),
                                "not_shown": tuple(map(text, one.not_shown)),
                            }
                        )
                        for one in law.provisions
                    ),
                }
            )
            for law in made.frameworks
        )
        return made.model_copy(update={"safeguards": rows, "frameworks": laws})

    def _provenance(self) -> Provenance:
        text = self.sample.text
        return Provenance(
            plan_sha256="3f" * 32,
            evaluation_set_sha256="a1" * 32,
            detector_sha256=None,
            tool="audit7k 0.1.0",
            packages={text("numpy"): text("2.4.6"), "duckdb": "1.4.4"},
            python="3.11.2",
            platform=text("Linux x86_64"),
            git_commit="9c" * 20,
            git_dirty=True,
            started="2026-11-24T09:12:03Z",
            finished="2026-11-24T09:12:07Z",
        )


def _parts(metric: Metric, cells: Mapping[Cell, int]) -> tuple[int, int]:
    return sum(cells[cell] for cell in metric.numerator), sum(cells[cell] for cell in metric.denominator)


def _outcome(p_fail: float, p_pass: float, n: int, decidable: bool) -> tuple[str, str]:
    if n == 0:
        return "not_evaluable", "no_cases"
    if n < 5:
        return "not_evaluable", "too_few_for_a_rate"
    if p_fail < 0.0004:
        return "fail", "beyond_limit"
    if not decidable:
        return "inconclusive", "too_few_cases"
    return ("pass", "within_limit") if p_pass < 0.05 else ("inconclusive", "limit_not_excluded")


def wilson(x: int, n: int) -> tuple[float, float]:
    """The Wilson score interval at 95%."""
    p = x / n
    centre, half = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    low = 0.0 if x == 0 else (centre - half) / scale
    return low, 1.0 if x == n else (centre + half) / scale


def newcombe(x: int, n: int, y: int, m: int) -> tuple[float, float]:
    """Newcombe's hybrid score interval of x/n - y/m at 95%."""
    p, r = x / n, y / m
    (low, high), (rest_low, rest_high) = wilson(x, n), wilson(y, m)
    return (
        p - r - math.sqrt((p - low) ** 2 + (rest_high - r) ** 2),
        p - r + math.sqrt((high - p) ** 2 + (r - rest_low) ** 2),
    )
