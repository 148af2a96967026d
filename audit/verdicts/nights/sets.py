"""Sets that were taken in, known by the ids of their cases, so that no case counts twice.

The bytes of a file do not decide that, since another export of the same cases has other bytes. A state holds no id: it
holds digests of all ids of a set together, and of what was counted of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

import numpy as np

from audit.counting.table import ABSTAINED, FamilyCounts
from audit.errors import DataError
from audit.result.audit_result import AuditResult
from audit.verdicts.nights.state import SetTaken, State
from audit.vocabulary.groups import Family

Seen = Literal["new", "same"]


def digested_set(result: AuditResult, families: Mapping[Family, FamilyCounts]) -> SetTaken:
    """Digest the set of a result. Raises DataError where the result does not say of which cases it is."""
    cases = result.provenance.cases_sha256
    if cases is None:
        raise DataError(
            "--sequential: this result does not say of which cases it is, so nobody can say whether they were taken in",
            slug="sequential-no-cases",
            hint="run the audit again with this version of audit7k",
        )
    file = result.provenance.evaluation_set_sha256
    return SetTaken(
        cases=cases, totals=_digest_of_counts(families, decisions=False), counts=_digest_of_counts(families), file=file
    )


def seen_before(state: State, tonight: SetTaken, *, asked: bool) -> Seen:
    """Say whether tonight's set was taken in before.

    Parameters
    ----------
    asked
        Whether a detector was asked, whose answers are no part of the set; else they came with it.

    Raises
    ------
    DataError
        If sets are fresh ones, and the cases are those of an earlier night with other answers, labels or groups. In a
        set that grows the same cases may have been answered since.
    """
    same = [one for one in state.sets if one.cases == tonight.cases]
    # a detector that is asked may answer otherwise; but ids alone do not say that cases are the same, where an export
    # numbers its rows anew
    if any(one.counts == tonight.counts or (asked and one.file == tonight.file is not None) for one in same):
        return "same"
    if same and state.sample == "fresh":
        # its old verdict would be given to answers that nobody looked at, and its cases would count twice
        what = "labels or groups"
        if any(one.totals == tonight.totals for one in same):
            what = "the answers to them" if asked else "the predictions for them"
        raise DataError(
            f"--sequential: the cases of this set were taken in before, and {what} are other ones now",
            slug="sequential-answers",
            hint="name a new version in [audit] title: that begins a new history; or put them back. If these are other "
            "cases, give each an id of its own through all nights",
        )
    return "new"


def night_with_same_counts(state: State, tonight: SetTaken) -> int | None:
    """Return the first night, from 1, with exactly the counts of tonight although its cases have other ids; None
    without one.
    """
    if state.sample == "growing":
        return None
    return next((night for night, one in enumerate(state.sets, start=1) if one.counts == tonight.counts), None)


def _digest_of_counts(families: Mapping[Family, FamilyCounts], *, decisions: bool = True) -> str:
    """Digest the counts of every group that had cases, with or without the decisions."""
    counted = []
    for family, one in families.items():
        groups = []
        for group, cells in zip(one.groups, one.cells, strict=True):
            if cells.any():
                scored = np.column_stack([cells[:, :ABSTAINED], cells[:, ABSTAINED:].sum(axis=1)])
                groups.append([group.levels, (scored if decisions else scored.sum(axis=1)).tolist()])
        counted.append([family.axes, sorted(groups)])
    return hashlib.sha256(json.dumps(sorted(counted)).encode()).hexdigest()
