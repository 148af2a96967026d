"""Descriptions of a set: what is counted, how much a unit changes, what it costs, and that nothing exact is told."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made.descriptions import GROUPS, Blind, Row, made_loaded
from made.sets import made_plan

from audit.cli.pages.description_page import description_page
from audit.disclosure.description.counting import Counted, count_rows, needed_columns
from audit.disclosure.description.describe import Asked, described_set, shares_of
from audit.disclosure.description.document import description_json
from audit.disclosure.description.ledger import LEDGER, open_ledger
from audit.disclosure.description.tables import possible_tables, without_list
from audit.errors import DataError, PlanError, RefusedReleaseError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import LoadedPlan

PLAN = made_plan(groups=GROUPS)
TABLES = possible_tables(PLAN)
ALL = ("label", "gender", "nationality:m49-region", "channel", "gender+label")
rows = st.tuples(
    st.sampled_from(["1", "0", None]),
    st.sampled_from(["woman", "man", "non-binary", None]),
    st.sampled_from(["NGA", "FRA", "XXA", "TWN", None]),
    st.sampled_from(["web", "phone", "fax", "<b>", None]),
    st.sampled_from(["a", "b", "c"]),
)
slow = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def counted(loaded: LoadedPlan, rows_per_unit: int = 1) -> dict[str, dict[tuple[str, ...], int]]:
    """The counts by the codes of their levels."""
    found = count_rows(loaded.plan, loaded.folder, TABLES, rows_per_unit)
    named: dict[str, dict[tuple[str, ...], int]] = {}
    for table in TABLES:
        codes = [
            tuple(axis.levels[place][0] for axis, place in zip(table.axes, places, strict=True))
            for places in table.cells
        ]
        named[table.name] = dict(zip(codes, found.cells[table.name], strict=True))
    return named


def change(one: dict[tuple[str, ...], int], other: dict[tuple[str, ...], int]) -> int:
    return sum(abs(one[cell] - other[cell]) for cell in one)


def test_tables_follow_from_the_plan_alone() -> None:
    assert tuple(table.name for table in TABLES) == ALL
    assert without_list(PLAN) == ("office",)
    sizes = {table.name: len(table.cells) for table in TABLES}
    assert sizes == {"label": 3, "gender": 4, "nationality:m49-region": 12, "channel": 4, "gender+label": 12}
    for table in TABLES:
        assert len(set(table.cells)) == len(table.cells)


def test_a_feature_called_as_the_label_is_refused() -> None:
    with pytest.raises(PlanError, match="could not tell"):
        possible_tables(made_plan(groups={"label": {"column": "sex", "coding": "gender"}}))


def test_counts_are_those_of_the_set(tmp_path: Path) -> None:
    made: list[Row] = [
        ("1", "woman", "NGA", "web", "a"), ("0", "woman", "GHA", "fax", "a"), (None, None, "FRA", None, "b"),
        ("1", "man", None, "phone", "b"), ("1", "woman", "XXA", "web", "c"),
    ]  # fmt: skip
    found = {
        table: {cell: n for cell, n in cells.items() if n}
        for table, cells in counted(made_loaded(tmp_path, made)).items()
    }
    assert found == {
        "label": {("positive",): 3, ("negative",): 1, ("unlabelled",): 1},
        "gender": {("woman",): 3, ("man",): 1, ("unknown",): 1},
        "nationality:m49-region": {("002",): 2, ("150",): 1, ("XXA",): 1, ("unknown",): 1},
        "channel": {("web",): 2, ("phone",): 1, ("unlisted",): 1, ("unknown",): 1},
        "gender+label": {
            ("woman", "positive"): 2, ("woman", "negative"): 1, ("man", "positive"): 1, ("unknown", "unlabelled"): 1,
        },
    }  # fmt: skip


@given(made=st.lists(rows, min_size=1, max_size=12), one=rows)
@slow
def test_one_row_more_changes_one_count_of_each_table_by_one(tmp_path: Path, made: list[Row], one: Row) -> None:
    before, after = counted(made_loaded(tmp_path, made)), counted(made_loaded(tmp_path, [*made, one]))
    assert {table: change(before[table], after[table]) for table in before} == dict.fromkeys(ALL, 1)
    assert all(sum(cells.values()) == len(made) for cells in before.values())


@given(
    made=st.lists(rows, min_size=1, max_size=12), more=st.lists(rows, min_size=1, max_size=9), most=st.integers(1, 4)
)
@slow
def test_one_cluster_more_changes_each_table_by_at_most_the_rows_that_count(
    tmp_path: Path, made: list[Row], more: list[Row], most: int
) -> None:
    cluster: list[Row] = [(*row[:4], "new") for row in more]
    before = counted(made_loaded(tmp_path, made, cluster=True), most)
    after = counted(made_loaded(tmp_path, [*made, *cluster], cluster=True), most)
    assert {table: change(before[table], after[table]) for table in before} == dict.fromkeys(ALL, min(len(more), most))


def test_which_rows_of_a_cluster_count_depends_on_no_order_of_the_file(tmp_path: Path) -> None:
    made: list[Row] = [(str(n % 2), ("woman", "man")[n % 3 == 0], "NGA", "web", "ab"[n % 2]) for n in range(40)]
    loaded = made_loaded(tmp_path, made, cluster=True)
    first = counted(loaded, 3)
    assert sum(first["label"].values()) == 6
    header, *lines = (tmp_path / "set.csv").read_text().splitlines()
    random.Random(1).shuffle(lines)
    (tmp_path / "set.csv").write_text("\n".join([header, *lines]) + "\n")
    assert counted(loaded, 3) == first


def test_only_the_columns_that_are_needed_are_read(tmp_path: Path) -> None:
    loaded = made_loaded(tmp_path, [("1", "woman", "NGA", "web", "a")])
    assert "text" in getattr(loaded.plan.detector, "features", ())  # asked for by the detector, and not in the file
    label = tuple(table for table in TABLES if table.name == "label")
    assert set(needed_columns(loaded.plan, label)) == {"case_id", "exploited"}
    assert set(needed_columns(loaded.plan, TABLES)) == {"case_id", "exploited", "gender", "nationality", "channel"}
    (tmp_path / "set.csv").write_text("case_id,exploited,gender\nc1,1,no gender at all\n")
    described, _ = described_set(loaded, Asked(Decimal(1), only=("label",)), tmp_path / "r", Blind())
    assert [table.name for table in described.tables] == ["label"]


@given(thousandths=st.integers(1, 10_000), tables=st.integers(1, 9))
def test_shares_add_up_to_epsilon_exactly(thousandths: int, tables: int) -> None:
    epsilon = Decimal(thousandths) / 1000
    shares = shares_of(epsilon, tables)
    assert len(shares) == tables
    assert sum(shares) == epsilon
    assert max(shares) - min(shares) <= Decimal("0.000001")
    assert min(shares) > 0


@given(thousandths=st.integers(1, 3_000), only=st.lists(st.sampled_from(ALL), max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stated_is_what_the_ledger_holds(
    tmp_path_factory: pytest.TempPathFactory, thousandths: int, only: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("set")
    loaded = made_loaded(folder, [("1", "woman", "NGA", "web", "a")])
    epsilon = Decimal(thousandths) / 1000
    described, new = described_set(loaded, Asked(epsilon, only=tuple(only)), folder / "r", Blind())
    book = json.loads((folder / "r" / LEDGER).read_bytes())
    spent = [Decimal(table["epsilon"]) for table in book["entries"][0]["tables"]]
    assert new
    assert sum(spent) == epsilon == Decimal(repr(described.epsilon)) == Decimal(repr(described.spent))
    assert [table.epsilon for table in described.tables] == [float(share) for share in spent]
    assert [table.name for table in described.tables] == [name for name in ALL if not only or name in only]
    assert all(table.sensitivity == 1 for table in described.tables)


@pytest.mark.parametrize("cluster", [False, True])
def test_nothing_exact_is_told_where_the_mechanism_does_not_tell_it(tmp_path: Path, cluster: bool) -> None:
    """With a mechanism that ignores its counts, two sets give the same page, file and ledger, but for the digest."""
    one: list[Row] = [("1", "woman", "NGA", "web", str(n)) for n in range(17)]
    other: list[Row] = [("0", "man", None, "fax", "x") for _ in range(223)]
    told, given_counts = [], []
    for name, made in (("one", one), ("other", other)):
        mechanism = Blind()
        loaded = made_loaded(tmp_path / name, made, cluster=cluster)
        described, _ = described_set(loaded, Asked(Decimal(1)), tmp_path / name / "r", mechanism)
        ledger = json.loads((tmp_path / name / "r" / LEDGER).read_bytes())
        digest = ledger["entries"][0].pop("set_sha256")
        page, file = description_page(described), description_json(described)
        assert digest not in page + file
        told.append((page, file, ledger))
        given_counts.append(mechanism.given)
        assert [[cell.noised for cell in table.cells] for table in described.tables] == [
            list(range(-1, len(table.cells) - 1)) for table in described.tables
        ]
        assert all(cell.count == max(cell.noised, 0) for table in described.tables for cell in table.cells)
    assert told[0] == told[1]
    assert given_counts[0] != given_counts[1]  # the mechanism did get counts


def test_counts_are_not_shown_by_accident() -> None:
    assert "417" not in repr(Counted("0" * 64, {"label": (417, 0, 0)}))


@pytest.mark.parametrize(
    "broken",
    ["case_id,exploited,gender\nc1,1,SECRET\n", "case_id,exploited,gender\nc1,SECRET,woman\n",
     'case_id,exploited,gender\nc1,1,"=1+SECRET\n<b>"\n', "case_id,exploited,gender\nc1,1,woman\nc1,0,SECRET\n",
     "case_id,exploited\nc1,1\n"],
)  # fmt: skip
def test_a_set_that_cannot_be_read_costs_nothing_and_quotes_nothing(tmp_path: Path, broken: str) -> None:
    loaded = made_loaded(tmp_path, [("1", "woman", "NGA", "web", "a")])
    (tmp_path / "set.csv").write_text(broken)
    with pytest.raises(DataError) as raised:
        described_set(loaded, Asked(Decimal(1), only=("gender+label",)), tmp_path / "r", Blind())
    assert "SECRET" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "r" / LEDGER).exists()


def test_columns_and_values_may_be_called_anything(tmp_path: Path) -> None:
    hostile = 'audit7k_described_0" ; DROP TABLE source --'
    plan = AuditPlan.model_validate(
        {
            **made_plan().model_dump(by_alias=True, exclude_unset=True),
            "audit": {"title": "| # <b>\u202e`x`", "owner": "o", "use": "moderation", "route": "services"},
            "groups": {
                "gender": {"column": hostile, "map": {"'; --": "woman"}},
                "kind": {"column": "label", "coding": "categorical", "expected": ["a|b", "<img src=x>"]},
            },
        }
    )
    quoted = hostile.replace('"', '""')
    text = f'case_id,exploited,label,"{quoted}"\nc1,1,a|b,\'; --\nc2,0,"<script>SECRET",\'; --\n'
    (tmp_path / "set.csv").write_text(text, encoding="utf-8")
    loaded = LoadedPlan(plan=plan, as_asked={}, folder=tmp_path)
    mechanism = Blind()
    described, _ = described_set(loaded, Asked(Decimal(1)), tmp_path / "r", mechanism)
    assert [sum(counts) for counts in mechanism.given] == [2, 2, 2, 2]
    page = description_page(described)
    assert "SECRET" not in page + description_json(described)
    assert "<" not in page
    assert "\u202e" not in page
    assert r"a\|b" in page


def test_a_ledger_adds_up_and_refuses(tmp_path: Path) -> None:
    loaded = made_loaded(tmp_path, [("1", "woman", "NGA", "web", "a")])
    totals = []
    for epsilon in ("1", "0.7", "1.3"):
        described, new = described_set(loaded, Asked(Decimal(epsilon)), tmp_path / "r", Blind())
        totals.append((described.spent, described.budget, new))
    assert totals == [(1.0, 3.0, True), (1.7, 3.0, False), (3.0, 3.0, False)]
    kept, mechanism = (tmp_path / "r" / LEDGER).read_bytes(), Blind()
    made_loaded(tmp_path, [("1", "woman", "NGA", "web", "a"), ("0", "man", "FRA", "web", "a")])  # another digest
    with pytest.raises(RefusedReleaseError, match=r"epsilon 0\.001 is more than is left: 3 of 3"):
        described_set(loaded, Asked(Decimal("0.001")), tmp_path / "r", mechanism)
    assert mechanism.given == []
    assert (tmp_path / "r" / LEDGER).read_bytes() == kept
    with open_ledger(tmp_path / "r") as ledger:
        assert ledger.spent == 3


@pytest.mark.parametrize("most", [None, 2])
def test_noise_is_as_large_as_the_rows_of_a_cluster_that_count(tmp_path: Path, most: int | None) -> None:
    loaded = made_loaded(tmp_path, [("1", "woman", "NGA", "web", "a")] * 9, cluster=True)
    asked = Asked(Decimal(1), only=("label", "gender"), rows_per_cluster=most)
    mechanism = Blind()
    described, _ = described_set(loaded, asked, tmp_path / "r", mechanism)
    rows = 5 if most is None else most
    assert (described.unit, described.rows_per_unit) == ("cluster", rows)
    assert [(table.sensitivity, table.scale) for table in described.tables] == [(rows, 2.0 * rows)] * 2
    assert [sum(counts) for counts in mechanism.given] == [rows, rows]
    assert f"At most {rows} rows of a cluster were counted" in description_page(described)


def test_budget_and_unit_are_declared_once(tmp_path: Path) -> None:
    made: list[Row] = [("1", "woman", "NGA", "web", "a")]
    loaded = made_loaded(tmp_path, made)
    described_set(loaded, Asked(Decimal(1), Decimal("1.5")), tmp_path / "r", Blind())
    assert described_set(loaded, Asked(Decimal("0.25"), Decimal("1.5")), tmp_path / "r", Blind())[0].budget == 1.5
    with pytest.raises(RefusedReleaseError, match=r"a budget of 1\.5"):
        described_set(loaded, Asked(Decimal("0.1"), Decimal(9)), tmp_path / "r", Blind())
    with pytest.raises(RefusedReleaseError, match="another unit"):
        described_set(made_loaded(tmp_path, made, cluster=True), Asked(Decimal("0.1")), tmp_path / "r", Blind())
    with pytest.raises(PlanError, match="names no cluster"):
        described_set(made_loaded(tmp_path, made), Asked(Decimal("0.1"), rows_per_cluster=2), tmp_path / "r", Blind())
    with pytest.raises(PlanError, match='no table "office"'):
        described_set(loaded, Asked(Decimal("0.1"), only=("office",)), tmp_path / "r", Blind())
    with open_ledger(tmp_path / "r") as ledger:
        assert ledger.spent == Decimal("1.25")
