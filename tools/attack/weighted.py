"""One release of a weighted or clustered set, read by who knows the sampling plan: whose outcome does it tell?

The attacker knows of everybody the group and what they stand for (a weight, or a number of cases that are answered
alike), and no outcome. The sets are audited and published the whole way. Whole numbers of missed people of each
group and weight are bounded by what is printed. The printed rate and the printed number of missed people were changed
by the same draw, so that their difference is known to half a per cent, and no draw hides it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from audit.counting.counted import Counted
from audit.counting.table import CountsTable
from audit.disclosure.publish import publish
from audit.plan.file.plan_file import LoadedPlan
from audit.public.release import PublicRow
from audit.result.audit_result import AuditResult, Provenance
from audit.result.findings.system import SystemDescription
from audit.run import Gathered, summarise
from audit.stats.arrays import BoolArray, IntArray
from tools.attack.programs import FLOOR, Found, Known
from tools.attack.world import METHOD, folder_with_key, nowhere
from tools.simulate.audited import cells, families_of, feature_of, plan_of
from tools.simulate.clusters import moments_of
from tools.simulate.runner import Counts

HALF_A_PER_CENT: Final = 0.005 + 1e-9
_FINISHED: Final = "2026-01-01T00:00:00.000Z"
ORIGIN: Final = Provenance(
    plan_sha256="0" * 64,
    evaluation_set_sha256=None,
    detector_sha256=None,
    tool="audit7k 0",
    packages={},
    python="3",
    platform="any",
    started=_FINISHED,
    finished=_FINISHED,
)
SYSTEM: Final = SystemDescription(
    kind="predictions", name="score", decision="score at least 0.5", features=(), sensitive_features_used=()
)


class Kind(NamedTuple):
    """People of one group who stand for the same: how many, and for what."""

    group: int
    people: int
    stands_for: int
    missed: float
    """Chance of being missed."""


class Victims(NamedTuple):
    """Victims of a set, by kind."""

    kinds: tuple[Kind, ...]
    missed: IntArray
    """int64[kinds]: people missed."""
    clustered: bool
    """Whether people stand for cases of their own, all answered alike; else for a weight."""

    @classmethod
    def drawn(cls, kinds: Sequence[Kind], rng: np.random.Generator, *, clustered: bool) -> Victims:
        """Draw who is missed."""
        missed = np.array([rng.binomial(kind.people, kind.missed) for kind in kinds], dtype=np.int64)
        return cls(tuple(kinds), missed, clustered)

    def result(self) -> AuditResult:
        """Audit the set: one rule on the share found, over the groups."""
        people = np.array([kind.people for kind in self.kinds])
        kind = np.repeat(np.arange(people.size), people)
        stands_for = np.array([values.stands_for for values in self.kinds])[kind]
        missed = np.arange(kind.size) - (np.cumsum(people) - people)[kind] < self.missed[kind]
        times = stands_for if self.clustered else np.ones_like(stands_for)
        person, kind, missed = (np.repeat(values, times) for values in (np.arange(kind.size), kind, missed))
        units = np.ones(kind.size) if self.clustered else stands_for.astype(np.float64)
        group = np.array([values.group for values in self.kinds])[kind]
        feature = feature_of("group", [f"g{number}" for number in range(int(group.max()) + 1)])
        cases, lost = (np.bincount(group[rows], minlength=len(feature.levels)) for rows in (slice(None), missed))
        table = CountsTable.of(
            ("group",),
            {(level.code,): cells((cases[at] - lost[at], lost[at])) for at, level in enumerate(feature.levels)},
        )
        moments = moments_of(
            feature, group, person, ~missed, units, weighted=not self.clustered, clustered=self.clustered, unit=1.0
        )
        design = "cluster" if self.clustered else "weight"
        audit_plan = plan_of([{"margin": 0.1}], evaluation_set={design: design})
        loaded = LoadedPlan(plan=audit_plan, as_asked=audit_plan.model_dump(mode="json", by_alias=True), folder=Path())
        families = families_of(audit_plan, table, (feature,))
        return summarise(Gathered(loaded, (feature,), Counted(table, moments), families, SYSTEM, ORIGIN))


def published(result: AuditResult, secret: bytes) -> list[PublicRow]:
    """Publish a first release, and return the rows of victims."""
    with tempfile.TemporaryDirectory() as folder:
        restricted = folder_with_key(Path(folder) / "restricted", secret)
        release = publish(result, restricted, nowhere, (), ("en",)).public
    return [row for row in release.rows if row.side == "positives"]


def known(victims: Victims, rows: Sequence[PublicRow]) -> Known:
    """All that a release says of the people missed of each kind."""
    knowledge = Known(victims.missed, whole=True, register=True)
    for at, kind in enumerate(victims.kinds):
        knowledge.says(knowledge.marked(np.array([at])), 0, kind.people)
    people, stands_for = (np.array([kind[position] for kind in victims.kinds]) for position in (1, 2))
    for row in rows:
        inside = members(victims, rows, row)
        all_in = int(people[inside].sum())
        marked = inside.astype(np.int64)
        if row.fewer_than is not None:
            low, high = (0, row.fewer_than - 1) if row.few == "errors" else (all_in - row.fewer_than + 1, all_in)
            knowledge.says(marked, low, high)
        elif row.errors is not None:
            low, high = row.errors - METHOD.largest, row.errors + METHOD.largest
            knowledge.says(marked, max(low, FLOOR), min(high, all_in - FLOOR))
            _with_rate(knowledge, row, marked, all_in, stands_for * inside, int((stands_for * people)[inside].sum()))
    return knowledge


def _with_rate(
    knowledge: Known, row: PublicRow, marked: IntArray, people: int, stands_for: IntArray, total: int
) -> None:
    """Subtract the printed share missed, of people, from the printed rate, of weights: both were changed alike."""
    assert row.errors is not None
    for rate in row.rates:
        if rate.value is not None and 0.0 < rate.value < 1.0:
            apart = 1.0 - rate.value - row.errors / people
            scale = people * total
            low, high = ((apart + half) * scale for half in (-HALF_A_PER_CENT, HALF_A_PER_CENT))
            knowledge.says(stands_for * people - marked * total, low, high)


def members(victims: Victims, rows: Sequence[PublicRow], row: PublicRow) -> BoolArray:
    """bool[kinds]: who stands in a row."""
    names = np.array([f"g{kind.group}" for kind in victims.kinds])
    if not row.parts:
        return np.ones(names.size, dtype=bool)
    if row.parts[0].kind != "others":
        return np.isin(names, row.parts[0].codes)
    return ~np.isin(names, [code for other in rows for part in other.parts for code in part.codes])


def attacked(victims: Victims, secret: bytes) -> Found:
    """Publish, and ask of each kind of fewer than twenty people, and of each "fewer than ten"."""
    rows = published(victims.result(), secret)
    knowledge = known(victims, rows)
    tally = Found(figures=knowledge.figures, wrong=knowledge.wrong)
    for at, kind in enumerate(victims.kinds):
        if kind.people < METHOD.row:
            low, high = knowledge.bounds(knowledge.marked(np.array([at])))
            tally.outcomes += 1
            if high == 0 or low == kind.people:
                tally.outcomes_told.append(f"{kind}: {low} to {high} missed")
    for row in rows:
        if row.fewer_than == FLOOR:
            inside = members(victims, rows, row)
            low, high = knowledge.bounds(inside.astype(np.int64))
            right = sum(kind.people for kind, there in zip(victims.kinds, inside, strict=True) if there)
            few = (low, high) if row.few == "errors" else (right - high, right - low)
            tally.few += 1
            if few[0] > 0 or few[1] < FLOOR - 1:
                tally.few_told.append(f"{row.key}: {few[0]} to {few[1]}")
    return tally


class World(NamedTuple):
    """Sets of one kind."""

    name: str
    kinds: tuple[Kind, ...]
    clustered: bool = False

    def tally(self, sets: int, seed: int) -> Found:
        """Attack so many sets."""
        tally = Found()
        for at in range(sets):
            rng = np.random.default_rng([seed, at])
            tally.add(attacked(Victims.drawn(self.kinds, rng, clustered=self.clustered), rng.bytes(32)))
        return tally


def _heavy(people: int, stands_for: int, missed: float, *, clustered: bool = False) -> World:
    """Three groups of 80 people, and in the second some who stand for more."""
    kinds = (*(Kind(group, 80, 1, 0.3) for group in range(3)), Kind(1, people, stands_for, missed))
    unit = "cases each" if clustered else "weight"
    return World(f"{people} of {stands_for} {unit} among 240 of 1", kinds, clustered)


WORLDS: Final = (
    _heavy(1, 1000, 0.5),
    _heavy(1, 5, 0.5),
    _heavy(5, 10, 0.1),
    _heavy(15, 3, 0.05),
    _heavy(15, 10, 0.05),
    World("weights 1 to 30", tuple(Kind(at % 3, 18, 1 + at, 0.25) for at in range(30))),
    *(
        World(
            f"few errors of people of weight {times}",
            tuple(Kind(group, 120 if group < 2 else 60, 2 if group < 2 else times, 0.3 if group < 2 else 0.06)
                  for group in range(4)),
        )
        for times in (3, 6, 20)
    ),
    _heavy(1, 10, 0.5, clustered=True),
    _heavy(1, 30, 0.5, clustered=True),
    _heavy(5, 10, 0.1, clustered=True),
    World(
        "persons of 1 to 30 cases",
        tuple(Kind(at % 3, people, cases, 0.3)
              for at, (people, cases) in enumerate([(60, 1)] * 3 + [(15, 2)] * 3 + [(6, 5)] * 3 + [(1, 30)] * 3)),
        clustered=True,
    ),
)  # fmt: skip


def attacked_world(runs: int, rng: np.random.Generator, world: World) -> Counts:
    """Attack sets of a kind; of what was asked, how much was learnt."""
    counts = world.tally(runs, int(rng.integers(2**32))).counts()
    # figures are read more closely than they promise
    return {name: share for name, share in counts.items() if name != "figure not as promised"}
