"""How much of what the exact audit finds is said in public, and whether any public word contradicts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from audit.analyses.estimates import group_counts
from audit.counting.table import CountsTable, everyone_as_family
from audit.disclosure.doubts import Judged
from audit.disclosure.draws import SideRows, draw_side
from audit.disclosure.rows import rows_of
from audit.disclosure.tables import SideCounts, entries, first_cut
from audit.disclosure.words import Members, Words
from audit.plan.audit_plan import AuditPlan
from audit.public.release import PublicRow
from audit.result.findings.judged import Verdict
from audit.stats.arrays import IntArray, Tables
from audit.vocabulary.groups import Group, LevelName, SensitiveFeature
from audit.vocabulary.metrics import METRICS
from tools.attack.world import METHOD, realistic, world_ladders
from tools.simulate.audited import CROSSED, LADDER, families_of, feature_with, ladder_table, pass_p, plan_of, questions
from tools.simulate.audited import judged as judged_set
from tools.simulate.runner import Counts, Share

GAP = 5 / 8
"""Recall of a group that is treated worse, as a share of everyone's."""
_SEVERAL = 2


def judged(cells: IntArray, recall: float) -> Judged:
    """Judge one side of a set: int64[genders, countries, 2]."""
    audit_plan = plan(recall)
    table, features = counted_side(cells)
    rules, verdicts, _ = judged_set(audit_plan, table, features)
    shown = [everyone_as_family(table), *families_of(audit_plan, table, features).values()]
    return Judged(audit_plan, features, group_counts(shown), rules, verdicts)


def counted_side(cells: IntArray) -> tuple[CountsTable, tuple[SensitiveFeature, ...]]:
    """Count one side of a set, int64[genders, countries, 2], and return the features of those in it."""
    names = [[level.code for level in ladder.levels[0]] for ladder in world_ladders()]
    table = ladder_table(cells.sum(axis=2), cells[..., 1], names)
    return table, tuple(feature_of(at, {codes[at] for codes in table.codes}) for at in (0, 1))


def said(cells: IntArray, recall: float, secret: bytes) -> tuple[Judged, list[PublicRow], Members]:
    """Judge and publish one side of a set: int64[genders, countries, 2]."""
    audit, side = judged(cells, recall), drawn(cells, secret)
    if side is None:
        return audit, [], Members([])
    printed = rows_of([side], [METRICS["true_positive_rate"]], METHOD, 0.95)
    return audit, list(Words(audit, [side], printed, METHOD).rows()), Members([side])


def drawn(cells: IntArray, secret: bytes) -> SideRows | None:
    """Draw the rows of one side of a set: int64[genders, countries, 2]."""
    counts = SideCounts(world_ladders(), (cells.sum(axis=1), cells.sum(axis=0)), cells)
    cut = first_cut(counts, METHOD.row, METHOD.floor)
    if cut is None:
        return None
    return draw_side("positives", counts, cut, entries(counts, cut), {}, METHOD, secret, "1")


def named(cells: IntArray, recall: float, secret: bytes) -> Counter[str]:
    """Count fails and passes of the exact audit, those said in public, and words that contradict it."""
    audit, rows, members = said(cells, recall, secret)
    exact = {group: verdict for verdict in audit.verdicts for group in (verdict.group, *verdict.same_people)}
    tally: Counter[str] = Counter()
    beyond = [row for row in rows if any(word.word == "beyond" for word in row.words)]
    hints = [row for row in rows if any(word.smaller_beyond for word in row.words)]
    for row in rows:
        verdict = exact.get(row.group) if row.group is not None else None
        for word in row.words:
            outcome = {"within": "pass", "beyond": "fail"}.get(word.word or "")
            tally["contradicts"] += outcome is not None and (verdict is None or verdict.outcome != outcome)
        if verdict is not None and verdict.outcome == "pass":
            tally["passes"] += 1
            tally["passes that a row can carry"] += _can_carry(audit, verdict, row, cells.sum(axis=(0, 1)))
            tally["passes said"] += any(word.word == "within" for word in row.words)
    fails = [verdict.group for verdict in audit.verdicts if verdict.outcome == "fail"]
    for row in hints:
        tally["contradicts"] += not any(members.holds(row, group) for group in fails)
    for group in fails:
        tally["fails"] += 1
        near = [row for row in (*beyond, *hints) if members.holds(row, group) and _is_near(row, group)]
        inside = [row for row in beyond if members.within(row, group)]
        tally["fails named"] += bool(near or inside)
        tally["fails hinted"] += not (near or inside) and any(members.holds(row, group) for row in (*beyond, *hints))
    return tally


def _can_carry(audit: Judged, verdict: Verdict, row: PublicRow, everyone: IntArray) -> bool:
    """Whether the largest number below the bound of a row would pass too, so that a word tells nothing of it."""
    if row.fewer_than is None:
        return True
    (question,) = questions(audit.plan.audit.route, audit.plan.named_rules[0])
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


def said_in_public(runs: int, rng: np.random.Generator, rows: int, recall: float) -> Counts:
    """Count what is said of exact fails and passes."""
    total: Counter[str] = Counter()
    for counts in sets(rows, recall, runs, rng):
        total += counts
    return {
        "exact fails named nearby": Share(total["fails named"], total["fails"]),
        "exact fails hinted at further up": Share(total["fails hinted"], total["fails"]),
        "exact passes of rows said": Share(total["passes said"], total["passes that a row can carry"]),
        "words that contradict": Share(total["contradicts"], runs),
    }


def plan(recall: float) -> AuditPlan:
    """One rule on the share found, over both features and their intersection."""
    return plan_of([{"groups": CROSSED, "margin": 0.1, "expected_rate": recall}], LADDER)


def feature_of(at: int, codes: set[str]) -> SensitiveFeature:
    """Return a feature of the levels named and all above them: 0 gender, 1 nationality."""
    ladder = world_ladders()[at]
    wanted = {(ladder.rungs[0], code) for code in codes}
    levels: list[LevelName] = []
    for depth, rung in enumerate(ladder.levels):
        named = [level for level in rung if (level.rung, level.code) in wanted]
        wanted.update((ladder.rungs[depth + 1], level.parent) for level in named if level.parent is not None)
        levels += named
    return feature_with(ladder.feature, levels, ladder.feature, ladder.rungs)
