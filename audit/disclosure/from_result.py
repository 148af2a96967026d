"""From an `AuditResult` to what a public release is made of. The result is enough: noise is keyed by its counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.estimates import cells_of
from audit.counting.table import CountsTable
from audit.disclosure.about import public_about, public_change
from audit.disclosure.digests import Kind
from audit.disclosure.features import finest_family, public_features, public_lattice, public_method
from audit.disclosure.lattice import Lattice
from audit.disclosure.method import Method
from audit.disclosure.release import Audited
from audit.disclosure.rules import public_rules
from audit.errors import ResultError
from audit.plan.answers import PredictionsDetector
from audit.public.about import Unit
from audit.public.table import FailsOn
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_sha256
from audit.safeguards import public_states


@dataclass(frozen=True, slots=True)
class Ready:
    """What a release of a result is made of."""

    lattice: Lattice | None
    """The groups of the table; None where the plan has no feature for one."""
    audited: Audited
    """Exact counts, verdict, rules and what the audit is of."""
    method: Method
    """Floor and noise."""


_NOBODY: Final = CountsTable((), (), np.zeros((0, 3, 4), dtype=np.int64))


def ready(result: AuditResult, formats: Sequence[str], languages: Sequence[str]) -> Ready:
    """Take from a result what a public release is made of.

    Raises
    ------
    ResultError
        If the result does not hold the counts of the finest groups, or they do not add up to everyone.
    """
    lattice, method = public_lattice(result.plan), public_method(result.plan)
    features = public_features(result.plan)
    overall = result.overall
    fails_on: list[FailsOn] = []
    if any(rule.outcome == "fail" for rule in result.rules):
        fails_on.append("groups")
    if any(rule.outcome == "fail" for rule in result.probe_rules):
        fails_on.append("probes")
    if result.change is not None and result.change.outcome == "fail":
        fails_on.append("change")
    audited = Audited(
        counts=finest_counts(result, features, method.unit) if features else _NOBODY,
        outcome=overall.outcome,
        rules=public_rules(result.plan, result.provenance.rule_lines),
        about=public_about(result, formats, languages),
        level=result.plan.verdict.level,
        alpha=result.plan.verdict.alpha,
        fails_on=tuple(fails_on),
        change=public_change(result),
        evidence=public_states(result),
        digests=_digests(result),
        waivers=result.waivers,
    )
    return Ready(lattice, audited, method)


def finest_counts(result: AuditResult, features: Sequence[str], unit: Unit) -> CountsTable:
    """The counts of the finest groups, from wherever the result holds them: of rows, or of clusters.

    Raises
    ------
    ResultError
        If it does not hold them, or they contradict those of everyone.
    """
    family = finest_family(result.plan, features)
    rows = {
        tuple(level.code for level in counts.group.levels): cells_of(counts)
        for counts in ((*result.counts, *result.further.finest) if unit == "row" else result.further.clusters)
        if counts.group.family == family
    }
    table = CountsTable.of(features, rows)
    if not rows:
        raise ResultError(
            f"the result does not hold the counts of {' by '.join(features)} that public figures are made of",
            slug="no-finest-counts",
            hint="it is of an earlier version: run the audit again, or add --restricted",
        )
    everyone = cells_of(result.counts[0])
    # Each cluster stands in a cell that one of its rows is in.
    fits = np.array_equal(table.everyone, everyone) if unit == "row" else bool((table.everyone <= everyone).all())
    if not fits:
        raise ResultError(
            "the counts of the finest groups do not add up to everyone",
            slug="contradictory-result",
            hint="it was changed after the audit; run the audit again",
        )
    return table


def _digests(result: AuditResult) -> dict[Kind, str]:
    found: dict[Kind, str] = {}
    if result.provenance.evaluation_set_sha256 is not None:
        found["evaluation_set"] = result.provenance.evaluation_set_sha256
    if result.provenance.detector_sha256 is not None:
        is_table = isinstance(result.plan.detector, PredictionsDetector)
        found["predictions" if is_table else "detector"] = result.provenance.detector_sha256
    found["result"] = result_sha256(result)
    return found
