"""The audits that pages are heaviest of: 200 nationalities by 4 genders, under two limits, among a million people and
among so few that more is in doubt.

Names are those of the real list, in whichever language, and every text that a plan may hold is there. Counts are drawn
as counts, so that a million people cost nothing, and so many that nearly every group prints its numbers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from made.audits import ORIGIN, SYSTEM
from made.once import made_once
from made.releases import GENDERS, published
from made.samples import RULES, RUNGS, Drawn, Sample

from audit.counting.counted import Counted
from audit.counting.score_table import BINS, UNIT, ScoreRanks, ScoreTable
from audit.counting.table import CountsTable, count_families
from audit.evaluation import nationality
from audit.plan.file.plan_file import LoadedPlan
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult
from audit.run import Gathered, summarise
from audit.stages import Scope
from audit.vocabulary.groups import LevelName, SensitiveFeature

PEOPLE, FEWER, NATIONALITIES = 1_000_000, 64_000, 200


@made_once
def heavy_result(people: int = PEOPLE) -> AuditResult:
    """The exact result. Further questions are asked of fewer people, of whom more is in doubt, and these answers stand
    in the result of a million too: they take most of its time.
    """
    result = _result(people, scope=Scope.DETAILS if people == FEWER else Scope.RECORDS)
    if people == FEWER:
        return result
    asked = {name: value for name, value in result.further if value not in (None, ())}
    return result.model_copy(update={"further": heavy_result(FEWER).further.model_copy(update=asked)})


def _result(people: int, *, scope: Scope) -> AuditResult:
    rng = np.random.default_rng(5)
    codes = rng.permutation(sorted(nationality.countries()))[:NATIONALITIES].tolist()
    table = _counts(rng, people, codes)
    genders = tuple(LevelName(rung="level", code=code, name=code) for code in sorted(GENDERS))
    features = (
        _feature("gender", ("level",), genders),
        _feature("nationality", RUNGS, nationality.levels(codes, RUNGS)),
    )
    plan = Drawn(Sample(rows=50, rules=RULES)).plan
    loaded = LoadedPlan(plan=plan, as_asked=plan.model_dump(mode="json", by_alias=True), folder=Path())
    families = count_families(plan.groups, plan.rules, table, features)
    return summarise(
        Gathered(loaded, features, Counted(table, scores=_scores(table)), families, SYSTEM, ORIGIN, scope=scope)
    )


@made_once
def heavy_release(people: int = PEOPLE) -> PublicRelease:
    """What is published of it."""
    with tempfile.TemporaryDirectory() as folder:
        return published(heavy_result(people), Path(folder) / "restricted")


def _feature(name: str, rungs: tuple[str, ...], levels: tuple[LevelName, ...]) -> SensitiveFeature:
    return SensitiveFeature.model_validate(
        {"name": name, "column": name, "coding": name, "rungs": rungs, "levels": levels, "given_to_detector": False}
    )


def _counts(rng: np.random.Generator, people: int, codes: list[str]) -> CountsTable:
    """By gender and, Zipf, by nationality, with somebody everywhere; women of the second are found far less."""
    share = np.outer(1.0 / np.arange(1, len(codes) + 1), list(GENDERS.values())).ravel()
    keys = [(gender, code) for code in codes for gender in GENDERS]
    n = rng.multinomial(people - len(keys), share / share.sum()) + 1
    found = np.array([0.5 if key == ("woman", codes[1]) else 0.8 for key in keys])
    victims = rng.binomial(n, 0.4)
    right = rng.binomial(victims, found)
    wrong = rng.binomial(n - victims, 0.12)
    cells = np.zeros((n.size, 3, 4), dtype=np.int64)
    cells[:, 0, 0], cells[:, 0, 1] = right, victims - right
    cells[:, 1, 0], cells[:, 1, 1] = wrong, n - victims - wrong
    return CountsTable.of(("gender", "nationality"), dict(zip(keys, cells, strict=True)))


def _scores(table: CountsTable) -> ScoreTable:
    """Scores that fit the counts: flags lie in the upper half of the range, the others in the lower one."""
    steps = np.arange(5, BINS // 2, 10)
    found = []
    for place, cells in enumerate(table.cells):
        for label, (flagged, left) in enumerate(cells[:2, :2].tolist()):
            for rows, start in ((flagged, BINS // 2), (left, 0)):
                spread = np.diff(np.linspace(0, rows, len(steps) + 1).astype(np.int64))
                found += [
                    (place, label, start + step, n) for step, n in zip(steps.tolist(), spread.tolist(), strict=True)
                ]
    group, labels, bins, rows_in = np.array([each for each in found if each[3]], dtype=np.int64).T
    score = (bins + 0.5) / BINS
    order = np.argsort(bins, kind="stable")
    ranked = (
        group[order],
        bins[order],
        np.where(labels == 0, rows_in, 0)[order],
        np.where(labels == 1, rows_in, 0)[order],
    )
    return ScoreTable(
        features=table.features,
        codes=table.codes,
        score_range=(0.0, 1.0),
        place=group,
        label=labels,
        bin=bins,
        rows=rows_in,
        sums=np.rint(rows_in * score * UNIT).astype(np.int64),
        squares=np.rint(rows_in * score**2 * UNIT).astype(np.int64),
        near=np.zeros(len(table.codes), dtype=np.int64),
        ranks=ScoreRanks(*ranked, np.zeros(BINS, dtype=np.bool_)),
    )
