"""Whole results and checks made from counts, for tests of what shows them: no file and no detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from made.counts import cells, families_of, plan_of
from made.once import made_once

from audit.counting.counted import Counted
from audit.counting.table import CountsTable
from audit.plan.file.plan_file import LoadedPlan
from audit.planning.check import CheckReport, check_counts
from audit.result.audit_result import AuditResult, Provenance
from audit.result.findings.system import SystemDescription
from audit.run import Gathered, summarise
from audit.stages import Scope
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import LevelName, SensitiveFeature

ORIGIN = Provenance(
    plan_sha256="0" * 64,
    evaluation_set_sha256=None,
    detector_sha256=None,
    tool="audit7k 0",
    packages={},
    python="3",
    platform="any",
    started="2026-01-01T00:00:00.000Z",
    finished="2026-01-01T00:00:01.000Z",
)
SYSTEM = SystemDescription(
    kind="predictions", name="score", decision="score at least 0.5", features=(), sensitive_features_used=()
)


def result_of(
    rows: Mapping[tuple[str, ...], IntArray],
    features: Sequence[SensitiveFeature],
    rules: Sequence[Mapping[str, Any]],
    *,
    title: str = "Screener",
    scope: Scope = Scope.DETAILS,
    **plan: Any,
) -> AuditResult:
    """The result of an audit whose counts are `rows`; without details no further question is asked, which take ten
    times as long as the verdicts.
    """
    asked = plan_of(rules, features, **plan)
    asked = asked.model_copy(update={"audit": asked.audit.model_copy(update={"title": title})})
    table, families = families_of(asked, features, rows)
    loaded = LoadedPlan(plan=asked, as_asked=asked.model_dump(mode="json", by_alias=True), folder=Path())
    return summarise(Gathered(loaded, features, Counted(table), families, SYSTEM, ORIGIN, scope=scope))


def check_of(
    rows: Mapping[tuple[str, ...], IntArray],
    features: Sequence[SensitiveFeature],
    rules: Sequence[Mapping[str, Any]],
    **plan: Any,
) -> CheckReport:
    """The check of a set whose counts are `rows`, nothing of which is scored."""
    table = CountsTable.of([feature.name for feature in features], rows)
    return check_counts(plan_of(rules, features, **plan), table, features)


def many_nationalities(names: Mapping[str, str]) -> SensitiveFeature:
    """A nationality with invented countries, each in one of ten sub-regions of one region."""
    places = {code: f"S{number % 10}" for number, code in enumerate(sorted(names))}
    levels = [LevelName(rung="country", code=code, name=names[code], parent=places[code]) for code in sorted(names)]
    levels += [
        LevelName(rung="m49-subregion", code=code, name=f"Sub-region {code} with a long name of its own", parent="R")
        for code in sorted(set(places.values()))
    ]
    levels.append(LevelName(rung="m49-region", code="R", name="The region"))
    return SensitiveFeature(
        name="nationality",
        column="citizenship",
        coding="nationality",
        rungs=("country", "m49-subregion", "m49-region"),
        levels=tuple(levels),
        given_to_detector=False,
    )


def gender(codes: Sequence[str] = ("woman", "man", "unknown")) -> SensitiveFeature:
    """A gender with these levels."""
    levels = tuple(LevelName(rung="level", code=code, name=code) for code in sorted(codes))
    return SensitiveFeature(
        name="gender", column="sex", coding="gender", rungs=("level",), levels=levels, given_to_detector=False
    )


@made_once
def large_result() -> AuditResult:
    """Two rules over 3 genders, 160 nationalities and their intersections; names long, wide and hostile."""
    names = {
        f"N{number:03}": f"Country number {number} whose name is far too long for a column" for number in range(160)
    }
    names["N001"] = "国" * 40
    names["N002"] = "\x1b[2J\x1b[31mred\nnext"
    rows: dict[tuple[str, ...], IntArray] = {}
    for number, code in enumerate(sorted(names)):
        size = 1 + (number * 37) % 900
        share = 0.4 if number % 20 == 1 else 0.8
        for sex in ("woman", "man", "unknown"):
            found = int(share * size)
            rows[sex, code] = cells(found, size - found, size // 10, size, unlabelled=(1, 2), failed=(0, 1, 0))
    rules = [
        {"metric": "true_positive_rate", "groups": ["gender", "nationality", ["gender", "nationality"]], "margin": 0.1},
        {"metric": "false_positive_rate", "groups": ["gender", "nationality"], "ratio": 0.8},
    ]
    return result_of(rows, [gender(), many_nationalities(names)], rules, title="A title " * 20)
