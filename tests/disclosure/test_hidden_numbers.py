"""Public figures of a table that hides numbers hold whatever these are; where nothing is hidden nothing changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from audit import run_audit
from audit.disclosure.publish import publish
from audit.disclosure.restricted import restricted_folder
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import with_counted_columns
from audit.public.cases import sentences_beside
from audit.public.release import PublicPart, PublicRate, PublicRelease, PublicRow
from audit.public.sentences import SENTENCES
from audit.result.audit_result import AuditResult
from audit.stages import Scope

SIDES: tuple[Literal["positives", "negatives"], ...] = ("positives", "negatives")
GROUPS = [(sex, site) for sex in ("woman", "man") for site in ("east", "north", "south", "west", "unknown")]
RULES = [
    {"metric": "true_positive_rate", "groups": ["gender", "site", ["gender", "site"]], "margin": 0.2},
    {"metric": "false_positive_rate", "groups": ["gender", "site"], "margin": 0.2},
]


SEARCHED = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)


class Cell(NamedTuple):
    """A number of the table, and whether it is hidden."""

    number: int
    hidden: bool = False


Group = tuple[str, str]
Table = Mapping[tuple[Group, str], tuple[Cell, Cell]]
"""Of each group and side: errors, and either right answers or everybody."""


class Made(NamedTuple):
    table: Table
    most: int
    whole: bool
    """Whether the second number of a side is that of everybody, never hidden; else that of right answers."""


@st.composite
def made_tables(draw: st.DrawFn) -> Made:
    whole, most = draw(st.booleans()), draw(st.sampled_from((4, 9, 40)))
    hiding = draw(
        st.sets(st.sampled_from([(g, side, at) for g in GROUPS for side in SIDES for at in (0, 1)]), max_size=3)
    )
    table: dict[tuple[Group, str], tuple[Cell, Cell]] = {}
    for group in GROUPS:
        size = draw(st.sampled_from((0, 6, 40, 300)))
        for side in SIDES:
            errors, right = draw(st.integers(0, size // 2)), draw(st.integers(int(group == GROUPS[0]), size + 1))
            marks = [(group, side, at) in hiding and (at == 0 or not whole) for at in (0, 1)]
            errors, right = (min(n, most) if mark else n for n, mark in zip((errors, right), marks, strict=True))
            table[group, side] = Cell(errors, marks[0]), Cell(errors + right if whole else right, marks[1])
    return Made(table, most, whole)


def completed(made: Made, choose: Callable[[int], int]) -> Table:
    """The table with every hidden number chosen from 0 up to what it can be."""

    def of(errors: Cell, other: Cell) -> tuple[Cell, Cell]:
        most = min(made.most, other.number) if made.whole else made.most
        one = Cell(choose(most)) if errors.hidden else errors
        return one, Cell(choose(made.most)) if other.hidden else other

    return {at: of(*cells) for at, cells in made.table.items()}


def audited(table: Table, most: int, *, whole: bool) -> AuditResult:
    seconds = ("positives", "negatives") if whole else ("true_positives", "true_negatives")
    names = ("false_negatives", seconds[0], "false_positives", seconds[1])
    rows = [
        (*group, *("*" if cell.hidden else str(cell.number) for side in SIDES for cell in table[group, side]))
        for group in GROUPS
    ]
    asked: dict[str, Any] = {
        "schema": 1,
        "audit": {"title": "Made up", "owner": "nobody", "use": "victim-identification", "route": "services"},
        "evaluation_set": {
            "label_source": "made up",
            "cells": {name: name for name in names},
            "suppressed": {"*": [0, most]},
        },
        "groups": {
            "gender": {"column": "gender", "min_cases": 20},
            "site": {"column": "site", "coding": "categorical", "min_cases": 20},
        },
        "rules": RULES,
    }
    plan = AuditPlan.model_validate(with_counted_columns(asked))
    return run_audit(
        plan,
        pd.DataFrame(rows, columns=["gender", "site", *names], dtype="string"),
        crosscheck=False,
        scope=Scope.RECORDS,
    )


def released(result: AuditResult) -> PublicRelease:
    with TemporaryDirectory() as folder:
        return publish(result, Path(folder) / "restricted", lambda files: None, (), ("en",)).public


def stands_in(release: PublicRelease, side: str, part: PublicPart, code: str) -> bool:
    """Whether who reads the release takes the people of a level for a part of a row."""
    named = {
        one.codes[0]
        for row in release.rows
        for one in row.parts
        if row.side == side and one.kind == "level" and one.feature == part.feature
    }
    return code not in named if part.kind == "others" else code in part.codes


def outcomes(release: PublicRelease, row: PublicRow, table: Table, *, whole: bool) -> tuple[int, int]:
    """People and errors of a row in a table that hides nothing."""
    errors = people = 0
    for (group, side), (wrong, other) in table.items():
        codes = dict(zip(("gender", "site"), group, strict=True))
        if side == row.side and all(stands_in(release, side, part, codes[part.feature]) for part in row.parts):
            errors += wrong.number
            people += other.number if whole else wrong.number + other.number
    return people, errors


def assert_holds(release: PublicRelease, row: PublicRow, people: int, errors: int) -> None:
    most = release.method.largest_change
    assert abs(row.people - people) <= most
    if row.errors is not None:
        assert abs(row.errors - errors) <= most
    if row.few is not None:
        assert row.fewer_than is not None
        assert (errors if row.few == "errors" else people - errors) < row.fewer_than
    for rate in row.rates:
        counted = people - errors if rate.metric == "true_positive_rate" else errors
        assert_rate_holds(rate, row, counted / people)


def assert_rate_holds(rate: PublicRate, row: PublicRow, true: float) -> None:
    if rate.value is not None:
        assert rate.low is not None
        assert rate.high is not None
        assert row.errors is not None
        wrong = row.errors / row.people
        assert rate.value == pytest.approx(1 - wrong if rate.metric == "true_positive_rate" else wrong)
        assert rate.low <= true <= rate.high
    assert (rate.at_least or 0.0) <= true <= (1.0 if rate.at_most is None else rate.at_most)


def assert_sides_hold(made: Made, release: PublicRelease) -> None:
    """A side that hides has no row of everyone and no rest, and the release says so."""
    figures = {str(side): shown for side, shown in release.sides.items()}
    for side in SIDES:
        open_to = [
            min(made.most, cells[1].number) if made.whole else made.most
            for (_, of), cells in made.table.items()
            for cell in cells
            if of == side and cell.hidden
        ]
        assert (figures[side] == "hidden") == any(open_to)
    for row in release.rows:
        if figures[row.side] == "hidden":
            assert row.parts
            assert all(rate.rest is None for rate in row.rates)
    assert (SENTENCES["figures_hidden"] in sentences_beside(release)) == ("hidden" in figures.values())


def a_table(*hidden: tuple[Group, str], errors: Mapping[Group, int] | None = None) -> Table:
    """A table of alike groups, some of whose numbers are hidden, and some of which have other numbers of victims."""
    found = {"positives": 30, "negatives": 60}
    return {
        (group, side): (Cell(wrong, hidden=(group, side) in hidden), Cell(10 * found[side] - wrong))
        for group in GROUPS
        for side in SIDES
        for wrong in [(errors or {}).get(group, found[side]) if side == "positives" else found[side]]
    }


ON_THE_EDGE = Made(
    a_table(
        *(((GROUPS[0][0], site), "positives") for site in ("east", "south", "west")), errors={("man", "north"): 113}
    ),
    40,
    whole=False,
)
"""The men of the north are beyond the limit where the hidden numbers are 0, and not where they are 40."""


@SEARCHED
@given(made_tables(), st.randoms(use_true_random=False))
@example(ON_THE_EDGE, Random(0))
@example(Made(a_table((GROUPS[0], "positives"), errors={GROUPS[0]: 4}), 4, whole=False), Random(0))  # few are hidden
def test_every_public_figure_and_word_holds_whatever_is_hidden(made: Made, random: Random) -> None:
    result = audited(made.table, made.most, whole=made.whole)
    release, verdicts = released(result), {(each.rule, each.group): each for each in result.verdicts}
    assert_sides_hold(made, release)
    words = [
        (row.group, word)
        for row in release.rows
        for word in row.words
        if row.group is not None and word.word in ("within", "beyond")
    ]
    seen = [made.table]  # that of nothing hidden has been audited
    for choose in (lambda _: 0, lambda most: most, lambda most: random.randint(0, most)):
        table = completed(made, choose)
        for row in release.rows:
            assert_holds(release, row, *outcomes(release, row, table, whole=made.whole))
        if not words or table in seen:
            continue
        seen.append(table)
        known = {(each.rule, each.group): each for each in audited(table, made.most, whole=made.whole).verdicts}
        for group, word in words:
            now, then = known.get((word.rule, group)), verdicts.get((word.rule, group))
            if word.word == "within":
                assert now is not None
                assert now.outcome == "pass"
            elif word.word == "beyond":
                assert now is not None
                assert then is not None
                assert then.level_fail is not None
                assert (now.p_fail or 0.0) <= then.level_fail
    assert release.unscored is None


def test_what_holds_no_hidden_number_keeps_its_row_and_its_word() -> None:
    release = released(audited(a_table((("woman", "east"), "positives")), 40, whole=False))
    keys = {row.key for row in release.rows if row.side == "positives"}
    assert "site:level=north" in keys
    assert "gender:level=man,site:level=north" in keys
    assert not keys & {"everyone", "gender:level=woman", "site:level=east", "gender:level=woman,site:level=east"}
    words = {word.word for row in release.rows if row.side == "positives" for word in row.words}
    assert "within" in words
    assert "everyone" in {row.key for row in release.rows if row.side == "negatives"}


def test_nothing_is_printed_where_every_row_holds_a_hidden_number(tmp_path: Path) -> None:
    hidden = [(group, side) for group in GROUPS for side in SIDES]
    release = released(audited(a_table(*hidden), 9, whole=False))
    assert (release.rows, release.number) == ((), None)
    beside = sentences_beside(release)
    assert SENTENCES["figures_hidden"] in beside
    assert SENTENCES["figures_none"] not in beside  # they are not too few


def test_without_hidden_numbers_the_rows_are_those_of_single_cases(tmp_path: Path) -> None:
    table = a_table()
    counted = audited(table, 9, whole=False)
    rows = [
        (*group, label, decision)
        for (group, side), cells in table.items()
        for label in (int(side == "positives"),)
        for decision, cell in zip((1 - label, label), cells, strict=True)
        for _ in range(cell.number)
    ]
    cases = pd.DataFrame(rows, columns=["gender", "site", "label", "decision"])
    cases["id"] = [f"case {at}" for at in range(len(cases))]
    asked = counted.plan.model_dump(by_alias=True, exclude_unset=True)
    asked["evaluation_set"] = {"label_source": "made up", "id": "id", "label": "label"}
    asked["detector"] = {"kind": "predictions", "decision": "decision"}
    with restricted_folder(tmp_path / "one"):
        pass
    shutil.copytree(tmp_path / "one", tmp_path / "other")  # one key for both
    single = run_audit(asked, cases, crosscheck=False, scope=Scope.RECORDS)
    one, other = (
        publish(result, tmp_path / name, lambda files: None, (), ("en",)).public
        for name, result in (("one", counted), ("other", single))
    )
    assert (one.rows, one.sides) == (other.rows, other.sides)
    assert "hidden" not in one.sides.values()


@SEARCHED
@given(made=made_tables(), first=st.booleans())
@example(made=Made(a_table((GROUPS[0], "positives")), 9, whole=False), first=True)
def test_figures_hold_too_where_an_earlier_or_a_later_table_hides(made: Made, *, first: bool) -> None:
    """A number that was drawn while it was hidden is never printed later, when the table shows what it is."""
    seen = completed(made, lambda most: most)
    tables = (made.table, seen) if first else (seen, made.table)
    with TemporaryDirectory() as folder:
        for table in tables:
            result = audited(table, made.most, whole=made.whole)
            release = publish(result, Path(folder) / "restricted", lambda files: None, (), ("en",)).public
            for row in release.rows:
                assert_holds(release, row, *outcomes(release, row, seen, whole=made.whole))
