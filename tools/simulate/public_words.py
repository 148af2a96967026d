"""How much of what the exact audit finds is said in public, and whether any public word contradicts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from audit.analyses.estimates import group_counts
from audit.analyses.sides import questions
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable, count_families, everyone_as_family
from audit.disclosure.doubts import Judged
from audit.disclosure.draws import SideRows, draw_side
from audit.disclosure.rows import rows_of
from audit.disclosure.tables import SideCounts, entries, first_cut
from audit.disclosure.words import Members, Words
from audit.plan.audit_plan import AuditPlan
from audit.public.release import PublicRow
from audit.result.findings.judged import Verdict
from audit.stats.arrays import IntArray, Tables
from audit.verdicts.judge import judge
from audit.verdicts.margin_tests import pass_p
from audit.vocabulary.groups import Group, LevelName, SensitiveFeature
from tools.simulate.public_world import METHOD, realistic, world_ladders
from tools.simulate.verdict_size import Measured

ROWS = (5_000, 20_000, 64_000, 300_000)
RECALLS = (0.8, 0.97)
GAP = 5 / 8
"""Recall of a group that is treated worse, as a share of everyone's."""
_SEVERAL = 2


def judged(cells: IntArray, recall: float) -> Judged:
    """Judge one side of a set: int64[genders, countries, 2]."""
    asked = plan(recall)
    table, features = counted_side(cells)
    families = count_families(asked, table, features)
    rules, verdicts, _ = judge(asked, families, {feature.name: feature for feature in features})
    return Judged(asked, features, group_counts([everyone_as_family(table), *families.values()]), rules, verdicts)


def counted_side(cells: IntArray) -> tuple[CountsTable, tuple[SensitiveFeature, ...]]:
    """Count one side of a set, int64[genders, countries, 2], and return the features of those in it."""
    names = [[level.code for level in ladder.levels[0]] for ladder in world_ladders()]
    rows: dict[tuple[str, ...], IntArray] = {}
    for gender, country in zip(*np.nonzero(cells.sum(axis=2)), strict=True):
        cell = np.zeros((3, 4), dtype=np.int64)
        cell[POSITIVE, NOT_FLAGGED], cell[POSITIVE, FLAGGED] = cells[gender, country]
        rows[names[0][gender], names[1][country]] = cell
    features = tuple(feature_of(at, {codes[at] for codes in rows}) for at in (0, 1))
    return CountsTable.of(("gender", "nationality"), rows), features


def said(cells: IntArray, recall: float, secret: bytes) -> tuple[Judged, list[PublicRow], Members]:
    """Judge and publish one side of a set: int64[genders, countries, 2]."""
    audit, side = judged(cells, recall), drawn(cells, secret)
    if side is None:
        return audit, [], Members([])
    printed = rows_of([side], ["true_positive_rate"], METHOD, 0.95)
    return audit, list(Words(audit, [side], printed, METHOD).rows()), Members([side])


def drawn(cells: IntArray, secret: bytes) -> SideRows | None:
    """Draw the rows of one side of a set: int64[genders, countries, 2]."""
    counts = SideCounts(world_ladders(), (cells.sum(axis=1), cells.sum(axis=0)), cells)
    made = first_cut(counts, METHOD.row, METHOD.floor)
    if made is None:
        return None
    return draw_side("positives", counts, made, entries(counts, made), {}, METHOD, secret, "1")


def named(cells: IntArray, recall: float, secret: bytes) -> Counter[str]:
    """Count fails and passes of the exact audit, those said in public, and words that contradict it."""
    audit, rows, members = said(cells, recall, secret)
    exact = {group: verdict for verdict in audit.verdicts for group in (verdict.group, *verdict.same_people)}
    found: Counter[str] = Counter()
    beyond = [row for row in rows if any(word.word == "beyond" for word in row.words)]
    hints = [row for row in rows if any(word.smaller_beyond for word in row.words)]
    for row in rows:
        verdict = exact.get(row.group) if row.group is not None else None
        for word in row.words:
            outcome = {"within": "pass", "beyond": "fail"}.get(word.word or "")
            found["contradicts"] += outcome is not None and (verdict is None or verdict.outcome != outcome)
        if verdict is not None and verdict.outcome == "pass":
            found["passes"] += 1
            found["passes that a row can carry"] += _can_carry(audit, verdict, row, cells.sum(axis=(0, 1)))
            found["passes said"] += any(word.word == "within" for word in row.words)
    fails = [verdict.group for verdict in audit.verdicts if verdict.outcome == "fail"]
    for row in hints:
        found["contradicts"] += not any(members.holds(row, group) for group in fails)
    for group in fails:
        found["fails"] += 1
        near = [row for row in (*beyond, *hints) if members.holds(row, group) and _is_near(row, group)]
        inside = [row for row in beyond if members.within(row, group)]
        found["fails named"] += bool(near or inside)
        found["fails hinted"] += not (near or inside) and any(members.holds(row, group) for row in (*beyond, *hints))
    return found


def _can_carry(audit: Judged, verdict: Verdict, row: PublicRow, everyone: IntArray) -> bool:
    """Whether the largest number below the bound of a row would pass too, so that a word tells nothing of it."""
    if row.fewer_than is None:
        return True
    (question,) = questions(audit.plan, audit.plan.named_rules[0])
    right = max(verdict.cases - row.fewer_than + 1, 0)
    numbers = (right, verdict.cases, everyone[1] - right, everyone.sum() - verdict.cases)
    table = Tables(*(np.array([number]) for number in numbers))
    return bool(pass_p(question, table, np.array([True]), 0.05)[0] <= audit.plan.verdict.alpha)


def _is_near(row: PublicRow, group: Group) -> bool:
    """Whether a row is no wider than a group's sub-region; without a nationality, than two genders."""
    nationality = [part for part in row.parts if part.feature == "nationality"]
    if any(level.feature == "nationality" for level in group.levels):
        return (
            bool(nationality)
            and nationality[0].rung in ("country", "m49-subregion")
            and (nationality[0].kind == "level" or bool(nationality[0].codes))
        )
    return bool(row.parts) and not nationality and len(row.parts[0].codes) <= _SEVERAL


def sets(rows: int, recall: float, runs: int, rng: np.random.Generator) -> Iterator[Counter[str]]:
    """Judge and publish sets in which every tenth group is found at `GAP` of the recall of all."""
    for _ in range(runs):
        people = realistic(round(rows * 0.4), recall, rng).sum(axis=2)
        rates = np.where(rng.random(people.shape) < 0.1, recall * GAP, recall)
        right = rng.binomial(people, rates)
        yield named(np.stack([people - right, right], axis=2), recall, rng.bytes(32))


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Yield what is said of exact fails and passes, by size and recall."""
    for rows in ROWS:
        for recall in RECALLS:
            total: Counter[str] = Counter()
            for found in sets(rows, recall, runs, np.random.default_rng([seed, rows, round(100 * recall)])):
                total += found
            setting = f"{rows:,} rows, recall {recall:g}, every tenth group at {GAP:g} of it"
            yield Measured(setting, "exact fails named nearby", total["fails named"], max(total["fails"], 1), ">= 85")
            yield Measured(setting, "exact fails hinted further up", total["fails hinted"], max(total["fails"], 1), "")
            yield Measured(
                setting,
                "exact passes of rows said",
                total["passes said"],
                max(total["passes that a row can carry"], 1),
                ">= 80",
            )
            yield Measured(setting, "words that contradict", total["contradicts"], runs, "0")


def plan(recall: float) -> AuditPlan:
    """One rule on the share found, over both features and their intersection."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated"},
            "groups": {
                "gender": {"column": "gender", "coding": "gender"},
                "nationality": {
                    "column": "nationality",
                    "coding": "nationality",
                    "ladder": ["country", "m49-subregion", "m49-region"],
                },
            },
            "rules": [
                {
                    "metric": "true_positive_rate",
                    "groups": ["gender", "nationality", ["gender", "nationality"]],
                    "margin": 0.1,
                    "expected_rate": recall,
                }
            ],
        }
    )


def feature_of(at: int, codes: set[str]) -> SensitiveFeature:
    ladder = world_ladders()[at]
    wanted = {(ladder.rungs[0], code) for code in codes}
    levels: list[LevelName] = []
    for rung in ladder.levels:
        for level in rung:
            if (level.rung, level.code) in wanted:
                levels.append(level)
                place = ladder.rungs.index(level.rung)
                if level.parent is not None:
                    wanted.add((ladder.rungs[place + 1], level.parent))
    coding = "gender" if at == 0 else "nationality"
    return SensitiveFeature.model_validate(
        {
            "name": ladder.feature,
            "column": ladder.feature,
            "coding": coding,
            "rungs": ladder.rungs,
            "levels": levels,
            "given_to_detector": False,
        }
    )
