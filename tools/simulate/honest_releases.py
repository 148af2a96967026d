"""Simulation of how often the gate that explains every number refuses an honest release: never, if it is right.

Noise is keyed, so a release that is refused by chance is refused for ever. Counts are drawn at random, half of them
where rates end in 5 behind the last digit that is printed; whole sets of people are protected under keys of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np

from audit.disclosure.explain import blank, unexplained
from audit.disclosure.gates import render
from audit.disclosure.protect import protect
from audit.disclosure.public_files import RENDERER
from audit.disclosure.words import public_release
from audit.public.about import PublicAbout, PublicCoding, PublicMetric
from audit.public.table import PublicFeature, PublicGroup, PublicRelease, PublicRule, PublicSide, PublicTable
from audit.vocabulary.groups import Group, Level, LevelName
from audit.vocabulary.metrics import METRICS
from tools.simulate.disclosure_world import counted, method, people, world_lattice
from tools.simulate.verdict_size import Measured

TIES: Final = (40, 80, 200, 400, 800, 1_000, 2_000, 4_000, 8_000, 20_000)
"""Sizes of which many rates end in 5 behind a whole per cent, a tenth or a hundredth of one."""
FORMATS: Final = (
    "html", "json", "csv", "junit", "sarif", "markdown", "github-summary", "gitlab-codequality", "gitlab-metrics"
)  # fmt: skip
RULES: Final = (
    PublicRule(rule="found", metric="true_positive_rate", scale="difference", limit=0.1, worse=("low",)),
    PublicRule(rule="flagged", metric="false_positive_rate", scale="ratio", limit=0.8, worse=("high",)),
)
WORDS: Final = ("plain", "counted", "among", "definition", "formula")
GENDERS: Final = ("man", "unknown", "woman")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Counts one by one, 20 for each run, and sets of people under keys of their own, one for each ten."""
    rng = np.random.default_rng(seed)
    yield _measured("counts of everyone and of one group, half of them where rates end in 5", of_counts(20 * runs, rng))
    yield _measured("sets of 8,000 people of 200 nationalities, a key each", of_sets(max(1, runs // 10), 8_000, rng))


def of_counts(runs: int, rng: np.random.Generator) -> tuple[int, int]:
    """Count refused releases, out of how many; everyone and one group have rates."""
    furniture = _files(blank(_release(rng, 2_000, 2_000)))
    refused = 0
    for _ in range(runs):
        sizes = [int(rng.choice(TIES) if rng.random() < 0.5 else rng.integers(60, 5_000)) for _ in range(2)]
        made = _release(rng, *sizes)
        refused += bool(unexplained(_files(made), furniture, made))
    return refused, runs


def of_sets(runs: int, rows: int, rng: np.random.Generator) -> tuple[int, int]:
    """Count refused releases of whole sets, each protected under a key of its own."""
    lattice, refused = world_lattice(), 0
    for _ in range(runs):
        exact = counted(lattice, people(rng, rows, low=0.1), by="counts", secret=rng.bytes(32))
        made = public_release(protect(exact, method()).table, "fail", RULES, _about("gender", "nationality"))
        refused += bool(unexplained(_files(made), _files(blank(made)), made))
    return refused, runs


def _files(release: PublicRelease) -> dict[str, bytes]:
    return render(release, RENDERER)


def _measured(setting: str, refused: tuple[int, int]) -> Measured:
    return Measured(setting, "refused", *refused, "0")


def _release(rng: np.random.Generator, victims: int, others: int) -> PublicRelease:
    """Everyone and women, who are half of them; of two more groups nothing is shown."""
    nothing = PublicSide(cases=None, shown="not_shown", errors=None, why="small_or_withheld")
    everyone = [_side(rng, size) for size in (victims, others)]
    woman = [_part(rng, side) for side in everyone]
    groups = [
        PublicGroup(
            group=Group((Level("gender", "level", code),) if code else ()),
            positives=sides[0],
            negatives=sides[1],
            unscored=None,
            unlabelled=None,
        )
        for code, sides in (("", everyone), *((each, woman if each == "woman" else [nothing] * 2) for each in GENDERS))
    ]
    levels = tuple(LevelName(rung="level", code=code, name=code) for code in GENDERS)
    features = (PublicFeature(name="gender", rungs=("level",), levels=levels),)
    table = PublicTable(method=method().public(), features=features, groups=tuple(groups))
    return public_release(table, "fail", RULES, _about("gender"))


def _side(rng: np.random.Generator, cases: int) -> PublicSide:
    return PublicSide(cases=cases, shown="value", errors=int(rng.integers(11, cases - 11)), why=None)


def _part(rng: np.random.Generator, side: PublicSide) -> PublicSide:
    """Return a part of a side, with as many errors as it may have."""
    cases, errors = side.cases or 0, side.errors or 0
    own = int(rng.integers(20, cases // 2 + 1))
    low, high = max(10, own - (cases - errors) + 1), min(own - 10, errors - 1)
    return PublicSide(cases=own, shown="value", errors=int(rng.integers(low, max(low, high) + 1)), why=None)


def _about(*features: str) -> PublicAbout:
    coding = {"gender": "gender", "nationality": "nationality"}
    return PublicAbout(
        title="A screener",
        owner="Its operator",
        auditor="Its auditors",
        limits_set_by="A council",
        use="victim-identification",
        route="services",
        primary_harm="missed",
        label_source="made up",
        kind="predictions",
        decision="flagged where the score is at least the threshold",
        features=(),
        sensitive_features_used=(),
        codings=tuple(
            PublicCoding.model_validate({"name": name, "coding": coding[name], "given_to_detector": False})
            for name in features
        ),
        metrics=tuple(
            PublicMetric.model_validate(
                {
                    "name": name,
                    "worse": "low" if name == "true_positive_rate" else "high",
                    **{
                        word: getattr(METRICS[name], word)
                        for word in ("plain", "counted", "among", "definition", "formula")
                    },
                }
            )
            for name in ("true_positive_rate", "false_positive_rate")
        ),
        probe_rules=0,
        weighted=False,
        clustered=False,
        safeguards=(),
        looks=(),
        finished=date(2026, 11, 20).isoformat(),
        valid_until=None,
        tool="audit7k",
        plan_sha256="00" * 32,
        digests=(),
        formats=FORMATS,
        languages=("en", "es"),
    )
