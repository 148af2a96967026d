"""Sets drawn from pools: how many of whom, with which weights, and the same whatever the pool looks like."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.pools import GROUPS, RULE, Pool, draw, drawn_rows, made_design, pool_cells, usual_pool
from made.sets import write_set

from audit.cli.console.terminal import Style
from audit.cli.pages.draw_document import draw_document
from audit.cli.pages.draw_summary import draw_summary
from audit.engines import duckdb as engine_module
from audit.errors import AuditError, DataError, PlanError
from audit.plan.file.plan_file import LoadedPlan, parse_design
from audit.planning.draw import draw_set
from audit.planning.power import plan_power

ALLOCATIONS = ('allocation = "equal"\nsize = 120', 'allocation = "proportional"\nsize = 120',
               'allocation = "decidable"\nsize = 120')  # fmt: skip
COPIES = '[duplicates]\ncolumns = ["advert"]\ncopies = "{}"\n'


def cell_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["gender"], row["nationality"], row["exploited"]


def written(folder: Path, cells: Pool, name: str = "pool.parquet") -> Path:
    return write_set(folder / name, cells)


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_rows_of_a_cell_have_its_size_over_what_is_drawn_as_their_weight(tmp_path: Path, allocation: str) -> None:
    cells = usual_pool()
    report, rows = draw(made_design(allocation, rules=RULE), written(tmp_path, cells))
    assert report.check is not None
    pool = Counter(zip(cells["gender"], cells["nationality"], cells["exploited"], strict=True))
    drawn = Counter(map(cell_of, rows))
    assert set(drawn) == {cell for cell in pool if cell[2] is not None}
    for row in rows:
        chance = Fraction(drawn[cell_of(row)], pool[cell_of(row)])
        assert row["inclusion_probability"] == float(chance)
        assert row["design_weight"] == float(1 / chance)
        shown = report.cells[row["stratum"] - 1]
        assert (shown.pool, shown.drawn) == (pool[cell_of(row)], drawn[cell_of(row)])
    assert len(rows) == report.drawn <= 120
    assert sum(row["design_weight"] for row in rows) == pytest.approx(len(cells["gender"]) - 7)
    assert report.unlabelled == 7


def test_rows_keep_every_column_and_stand_in_the_order_of_their_ids(tmp_path: Path) -> None:
    cells = usual_pool()
    _, rows = draw(made_design(ALLOCATIONS[0]), written(tmp_path, cells))
    by_id = {one: place for place, one in enumerate(cells["case_id"])}
    assert [row["case_id"] for row in rows] == sorted(row["case_id"] for row in rows)
    for row in rows:
        assert all(row[name] == cells[name][by_id[row["case_id"]]] for name in cells)
    assert list(rows[0]) == [*cells, "inclusion_probability", "design_weight", "stratum"]


def test_equal_cells_give_the_same_number_as_far_as_they_have_it(tmp_path: Path) -> None:
    report, _ = draw(made_design(ALLOCATIONS[0]), written(tmp_path, usual_pool()))
    most = max(cell.drawn or 0 for cell in report.cells)
    assert all(cell.drawn in {min(cell.pool, most), min(cell.pool, most - 1)} for cell in report.cells)
    assert report.drawn == 120
    assert {(cell.pool, cell.why) for cell in report.short} == {
        (3, "pool_has_no_more"), (4, "pool_has_no_more"), (8, "pool_has_no_more")
    }  # fmt: skip


def test_proportional_cells_give_their_share_and_no_fewer_than_the_least(tmp_path: Path) -> None:
    report, _ = draw(made_design('allocation = "proportional"\nsize = 300\nleast_per_cell = 2'),
                     written(tmp_path, usual_pool()))  # fmt: skip
    for cell in report.cells:
        share = 300 * cell.pool / sum(one.pool for one in report.cells)
        assert cell.drawn is not None
        assert cell.drawn >= 2
        assert abs(cell.drawn - share) < 2


def test_a_quota_holds_for_every_cell_that_it_describes(tmp_path: Path) -> None:
    more = (
        '[[quotas]]\nof = { gender = "woman" }\ncases = 11\n'
        '[[quotas]]\nof = { gender = "woman", nationality = "KEN" }\nlabel = "positive"\ncases = 35\n'
        '[[quotas]]\nof = { nationality = "VNM" }\ncases = 5\n'
    )
    report, _ = draw(made_design("least_per_cell = 1", more=more), written(tmp_path, usual_pool()))
    asked = {(*cell.codes, cell.positive): (cell.asked, cell.drawn) for cell in report.cells}
    assert asked["woman", "KEN", True] == (35, 35)
    assert asked["woman", "NGA", True] == asked["woman", "KEN", False] == (11, 11)
    assert asked["woman", "unknown", False] == (11, 4)
    assert asked["man", "NGA", True] == asked["unknown", "NGA", True] == (1, 1)
    assert [quota.of for quota in report.absent] == [{"nationality": "VNM"}]


def test_a_decidable_set_without_a_size_has_what_its_rules_need_and_hardly_more(tmp_path: Path) -> None:
    """What `audit7k check` says of it: whoever the pool has enough of is judged alone, and all of them can pass."""
    sizes = [(gender, code, label, size * (1 if label == "1" else 3))
             for gender, code, size in [("woman", "NGA", 900), ("man", "NGA", 300), ("woman", "KEN", 250),
                                        ("man", "KEN", 350), ("woman", "UGA", 400), ("man", "PHL", 20)]
             for label in "10"]  # fmt: skip
    report, rows = draw(made_design('allocation = "decidable"'), written(tmp_path, pool_cells(sizes)))
    standings = {standing.group.levels[0].code: standing for standing in report.standings()}
    assert {code for code, standing in standings.items() if standing.decidable} == {"woman", "man", "NGA", "KEN", "UGA"}
    assert standings["PHL"].cases == standings["PHL"].pool == 20
    assert len(rows) < 1_500
    assert report.check is not None
    assert report.check.planned_pass is not None
    assert report.check.planned_pass.chance >= 0.75
    for planned in report.planned:
        code = planned.groups.groups[planned.place].levels[0].code
        found = standings[code]
        assert (planned.cases, planned.decidable) == (found.cases, found.decidable)
        if code in ("NGA", "KEN", "UGA"):
            assert planned.wanted is not None
            assert planned.wanted <= planned.cases <= 1.05 * planned.wanted + 3
            assert found.required is not None
            assert found.required <= planned.wanted, "each by itself needs fewer than all together"


def test_a_decidable_set_of_a_size_makes_the_smallest_margin_the_same_for_all(tmp_path: Path) -> None:
    sizes = [("woman", code, label, size * (1 if label == "1" else 3))
             for code, size in [("NGA", 900), ("KEN", 400), ("UGA", 260), ("PHL", 30)] for label in "10"]  # fmt: skip
    rules = RULE.replace('["gender", "nationality"]', '["nationality"]')
    design = made_design('allocation = "decidable"\nsize = 640', rules=rules)
    report, rows = draw(design, written(tmp_path, pool_cells(sizes)))
    assert len(rows) <= 640
    plan = LoadedPlan(design.as_plan(tmp_path / "drawn.parquet"), {}, Path())
    (rule,) = plan_power(plan).rules
    margins = {group.group.levels[0].code: group.passes_at[0].disparity for group in rule.families[0].groups}
    assert None not in margins.values()
    enough = [margins[code] or 0.0 for code in ("NGA", "KEN", "UGA")]
    assert max(enough) < 1.06 * min(enough)
    assert (margins["PHL"] or 0.0) > 1.5 * max(enough)
    assert report.share is not None
    assert 0.07 * report.share < max(enough) < 0.1 * report.share, "each by itself passes at less than all together"


DRAWN: dict[str, list[dict[str, Any]]] = {}
"""What is drawn of the pool as it is, by the way of drawing: it is the same for every example."""


# A quarter of the usual: each draws a set.
@settings(max_examples=settings().max_examples // 4)
@given(order=st.integers(0, 2**32), suffix=st.sampled_from(["csv", "jsonl", "parquet", "csv.gz"]),
       way=st.sampled_from(["", "clusters", "out", "together"]), threads=st.sampled_from([1, 2, 5]))  # fmt: skip
def test_neither_order_nor_format_nor_threads_change_what_is_drawn(
    tmp_path: Path, order: int, suffix: str, way: str, threads: int
) -> None:
    cells = usual_pool()
    rows = len(cells["case_id"])
    cells["advertiser"] = [f"advertiser {place % 200}" for place in range(rows)]
    cells["advert"] = [cells["advert"][place // 2] for place in range(rows)]
    design = made_design(
        ALLOCATIONS[0],
        pool='cluster = "advertiser"' if way in {"clusters", "together"} else "",
        more=COPIES.format(way) if way in {"out", "together"} else "",
    )
    if way not in DRAWN:
        DRAWN[way] = draw(design, written(tmp_path, cells))[1]
    places = list(range(rows))
    random.Random(order).shuffle(places)
    shuffled = {name: [values[place] for place in places] for name, values in cells.items()}
    pool = written(tmp_path, shuffled, f"shuffled.{suffix}")
    usual = engine_module.connect

    def connect(*arguments: Any) -> Any:
        connection = usual(*arguments)
        connection.execute(f"SET threads = {threads}")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "connect", connect)
        _, found = draw(design, pool)
    assert found == DRAWN[way]


def test_the_same_pool_and_design_give_the_same_bytes_and_another_seed_another_set(tmp_path: Path) -> None:
    pool = written(tmp_path, usual_pool())
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_set(made_design(f"{ALLOCATIONS[0]}\nseed = {seed}"), pool, tmp_path / f"{name}.parquet")
    a, b, c = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abc")
    assert a == b != c


def test_clusters_are_drawn_whole_and_their_rows_have_one_chance(tmp_path: Path) -> None:
    cells = usual_pool()
    cells["advertiser"] = [f"advertiser {place % 150}" for place in range(len(cells["case_id"]))]
    labelled = [name for name, label in zip(cells["advertiser"], cells["exploited"], strict=True) if label is not None]
    design = made_design(ALLOCATIONS[0], pool='cluster = "advertiser"', rules=RULE)
    report, rows = draw(design, written(tmp_path, cells))
    assert report.check is not None
    sizes = Counter(labelled)
    assert 0 < len(rows) < len(labelled)
    assert Counter(row["advertiser"] for row in rows) == {
        name: sizes[name] for name in {row["advertiser"] for row in rows}
    }
    chances: dict[str, set[float]] = {}
    for row in rows:
        chances.setdefault(row["advertiser"], set()).add(row["inclusion_probability"])
        stratum = report.cells[row["stratum"] - 1]
        assert row["inclusion_probability"] == stratum.units_drawn / stratum.units
        assert row["inclusion_probability"] >= min(1.0, stratum.asked / stratum.pool) - 1e-12
    assert all(len(some) == 1 for some in chances.values())
    assert report.largest_unit == max(sizes.values())


def test_more_than_the_size_is_drawn_only_because_clusters_are_whole(tmp_path: Path) -> None:
    cells = usual_pool()
    cells["advertiser"] = [f"advertiser {place % 300}" for place in range(len(cells["case_id"]))]
    design = made_design('allocation = "proportional"\nsize = 400\nleast_per_cell = 1', pool='cluster = "advertiser"')
    report = draw_set(design, written(tmp_path, cells), None)
    assert sum(cell.expected for cell in report.cells) <= 1.005 * 400 + report.largest_unit


def test_cells_that_give_one_less_by_rounding_are_not_short(tmp_path: Path) -> None:
    """60 cases of 8 large and 2 small cells: 53 among 8 are 6 and 7 each."""
    design = made_design('allocation = "equal"\nsize = 60')
    report, _ = draw(design, written(tmp_path, usual_pool()))
    assert {cell.drawn for cell in report.cells if cell.pool > 5} == {6, 7}
    assert {(cell.pool, cell.why) for cell in report.cells if cell.why} == {
        (3, "pool_has_no_more"), (4, "pool_has_no_more")
    }  # fmt: skip
    assert report.unlucky == ()


def test_the_levels_of_quotas_are_read_as_values_are(tmp_path: Path) -> None:
    quota = "[[quotas]]\nof = {{ gender = '{}', nationality = '{}' }}\ncases = 20\n"
    design = made_design("", more=quota.format("Woman", "nga"))
    report, _ = draw(design, written(tmp_path, usual_pool()))
    assert report.gaps == ()
    assert [cell.drawn for cell in report.cells if cell.codes == ("woman", "NGA")] == [20, 20]
    for levels, words in (
        (("female", "NGA"), 'quotas 1: "female" is no level of a gender — write woman, man'),
        (("man", "Nigerian"), 'quotas 1: "Nigerian" is no level of a nationality — write ISO'),
    ):
        with pytest.raises(PlanError, match=words):
            draw(made_design("", more=quota.format(*levels)), written(tmp_path, usual_pool()))


@pytest.mark.parametrize("allocation", ["equal", "proportional"])
@pytest.mark.parametrize("size", [400, 550])
def test_whole_clusters_come_near_the_size_that_was_asked(tmp_path: Path, allocation: str, size: int) -> None:
    cells, rng = usual_pool(), random.Random(1)
    cells["advertiser"] = [f"advertiser {rng.randrange(60)}" for _ in cells["case_id"]]
    draw_section = f'allocation = "{allocation}"\nsize = {size}\nleast_per_cell = 1'
    report = draw_set(made_design(draw_section, pool='cluster = "advertiser"'), written(tmp_path, cells), None)
    assert 0.94 * size <= sum(cell.expected for cell in report.cells) <= 1.005 * size


def test_of_copies_one_row_stays_and_says_how_many_it_stands_for(tmp_path: Path) -> None:
    cells = usual_pool()
    for place in range(0, 90, 3):  # thirty sets of three, that differ in punctuation and numbers alone
        letters = chr(97 + place // 3 % 26) + chr(97 + place // 78)
        for more, mark in enumerate(("1 !", " 123,", " 0044 / 99")):
            cells["advert"][place + more] = f"Workers {letters} wanted {mark} in a hotel abroad"
    design = made_design('allocation = "equal"\nsize = 5000', rules=RULE, more=COPIES.format("out"))
    report, rows = draw(design, written(tmp_path, cells))
    assert report.check is not None
    labelled = sum(label is not None for label in cells["exploited"])
    assert len(rows) == labelled - 60
    assert Counter(row["copies"] for row in rows) == {3: 30, 1: labelled - 90}
    assert report.copies is not None
    assert (report.copies.sets, report.copies.rows) == (30, 90)
    assert sum(row["design_weight"] * row["copies"] for row in rows) == labelled


def test_differences_within_sets_of_copies_are_counted(tmp_path: Path) -> None:
    cells = pool_cells([("woman", "NGA", "1", 3), ("woman", "NGA", "0", 3), ("man", "KEN", "1", 3)])
    cells["advert"][0] = cells["advert"][1] = "one and the same text, twice"  # alike in label and group
    cells["advert"][2] = cells["advert"][3] = "another text that stands there twice"  # another label
    cells["advert"][4] = cells["advert"][6] = "a third one, in two groups and labels"
    for way in ("out", "together"):
        report, _ = draw(made_design(ALLOCATIONS[0], more=COPIES.format(way)), written(tmp_path, cells))
        assert report.copies is not None
        assert (report.copies.sets, report.copies.labels_differ) == (3, 2)


def test_short_and_missing_texts_are_nobodys_copies(tmp_path: Path) -> None:
    cells = pool_cells([("woman", "NGA", "1", 12)])
    cells["advert"] = [None, None, "", "", "call 1", "call 2", "🍒", "🍒", "x" * 19, "x" * 19, "y" * 20, "Y" * 20]
    report, _ = draw(made_design(ALLOCATIONS[0], more=COPIES.format("out")), written(tmp_path, cells))
    assert report.copies is not None
    assert (report.copies.sets, report.copies.rows) == (1, 2)


def test_a_key_of_ones_own_is_compared_as_it_stands(tmp_path: Path) -> None:
    cells = pool_cells([("woman", "NGA", "1", 6)])
    cells["advert"] = ["k1", "k1", "K1", None, None, "k2"]
    more = COPIES.format("out") + 'compare = "value"\n'
    report, _ = draw(made_design(ALLOCATIONS[0], more=more), written(tmp_path, cells))
    assert report.copies is not None
    assert (report.copies.sets, report.copies.rows) == (1, 2)


def test_copies_together_join_clusters_that_share_them(tmp_path: Path) -> None:
    """A and B share a text, and so do B and C: three clusters are one unit; D is another."""
    cells = pool_cells([("woman", "NGA", "1", 200)])
    cells["advertiser"] = [f"own {place}" for place in range(200)]
    cells["advertiser"][:8] = ["A", "A", "B", "B", "C", "C", "D", "D"]
    cells["advert"][1] = cells["advert"][2] = "a text that A and B both have on their pages"
    cells["advert"][3] = cells["advert"][4] = "a text that B and C both have on their pages"
    design = 'allocation = "equal"\nsize = 60\nseed = {}'
    together = 0
    for seed in (0, 1, 8, 9):  # of these only 8 draws them
        way = {"pool": 'cluster = "advertiser"', "more": COPIES.format("together")}
        report, rows = draw(made_design(design.format(seed), rules=RULE * (seed == 8), **way), written(tmp_path, cells))
        assert (report.check is not None) == (seed == 8)
        counted = Counter(row["advertiser"] for row in rows)
        assert {counted[name] for name in "ABC"} in ({2}, {0})
        assert len({row["sampling_unit"] for row in rows if row["advertiser"] in set("ABC")}) <= 1
        assert not {row["sampling_unit"] for row in rows if row["advertiser"] == "D"} & {
            row["sampling_unit"] for row in rows if row["advertiser"] in set("ABC")
        }
        assert report.copies is not None
        assert report.copies.joined_clusters == 3
        assert report.largest_unit == 6
        together += counted["A"] > 0
    assert 0 < together < 4


def test_columns_of_a_pool_can_be_called_anything(tmp_path: Path) -> None:
    names = ["place", "cell", "unit", "side", "copy", "number", "read", "value_0", "of_group", "lot", "audit7k_id"]
    names += ["a b", 'quo"te', "select", "drawn", "rank", "numbers", "cell_of"]
    cells = usual_pool()
    for turn in range(3):
        use = dict(zip(("case_id", "gender", "nationality", "exploited", "advertiser", "advert"),
                       names[turn * 6 :], strict=False))  # fmt: skip
        renamed: Pool = {use[name]: values for name, values in cells.items()}
        others = [name for name in names if name not in renamed]
        renamed |= {name: [f"x{place % 7}" for place in range(len(cells["gender"]))] for name in others}
        design = parse_design(
            f"schema = 1\n[pool]\nid = {use['case_id']!r}\nlabel = {use['exploited']!r}\nlabel_source = '-'\n"
            f"cluster = {use['advertiser']!r}\n[draw]\n{ALLOCATIONS[0]}\nseed = 1\n"
            f"[groups.gender]\ncolumn = {use['gender']!r}\n[groups.nationality]\ncolumn = {use['nationality']!r}\n"
            f"[duplicates]\ncolumns = [{use['advert']!r}]\ncopies = 'out'\n"
        )
        _, rows = draw(design, written(tmp_path, renamed))
        assert list(rows[0])[: len(renamed)] == list(renamed)
        assert [row[use["case_id"]] for row in rows] == sorted(row[use["case_id"]] for row in rows)
        by_id = {one: place for place, one in enumerate(renamed[use["case_id"]])}
        assert all(row[name] == renamed[name][by_id[row[use["case_id"]]]] for row in rows for name in renamed)


def test_a_csv_is_read_as_the_pool_was(tmp_path: Path) -> None:
    pool = written(tmp_path, usual_pool())
    design = made_design(ALLOCATIONS[0])
    expected = drawn_rows_of(design, pool, tmp_path / "drawn.parquet")
    draw_set(design, pool, tmp_path / "drawn.csv")
    import csv

    with (tmp_path / "drawn.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["case_id"] for row in found] == [row["case_id"] for row in expected]
    assert [float(row["design_weight"]) for row in found] == [row["design_weight"] for row in expected]
    assert [row["gender"] or None for row in found] == [row["gender"] for row in expected]


def drawn_rows_of(design: Any, pool: Path, target: Path) -> list[dict[str, Any]]:
    draw_set(design, pool, target)
    return drawn_rows(target)


def test_numbers_of_nationalities_stay_numbers(tmp_path: Path) -> None:
    cells = usual_pool()
    codes = [{"NGA": 566, "KEN": 4, None: None}[one] for one in cells["nationality"]]  # 4: Afghanistan is 004
    table = pa.table({**cells, "nationality": pa.array(codes, pa.int32())})
    pq.write_table(table, tmp_path / "pool.parquet")
    report, rows = draw(made_design(ALLOCATIONS[0]), tmp_path / "pool.parquet")
    assert {row["nationality"] for row in rows} == {566, 4, None}
    assert {code for cell in report.cells for code in cell.codes} >= {"AFG", "NGA"}
    with pytest.raises(DataError, match="CSV has no numbers"):
        draw_set(made_design(ALLOCATIONS[0]), tmp_path / "pool.parquet", tmp_path / "drawn.csv")
    lines = "".join(
        f'{{"case_id": "{one}", "gender": "woman", "nationality": {code or "null"}, "exploited": {label or "null"}}}\n'
        for one, code, label in zip(cells["case_id"], codes, cells["exploited"], strict=True)
    )
    (tmp_path / "pool.jsonl").write_text(lines)
    report, rows = draw(made_design(ALLOCATIONS[0], rules=RULE), tmp_path / "pool.jsonl")
    assert {row["nationality"] for row in rows} == {566, 4, None}
    assert report.check is not None


@pytest.mark.parametrize("separator", ["", "/"])
@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_lists_of_nationalities_can_be_read_again(tmp_path: Path, suffix: str, separator: str) -> None:
    cells: dict[str, Any] = dict(usual_pool())
    one = cells["nationality"]
    two = [["KEN", "NGA"] if place % 9 == 0 else [code] if code else None for place, code in enumerate(one)]
    cells["nationality"] = two
    pool = tmp_path / f"pool.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table(cells), pool)
    else:
        rows = (dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
        pool.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    declared = f"dual = 'any'\nseparator = '{separator}'\n" if separator else "dual = 'any'\n"
    quota = "[[quotas]]\nof = { gender = 'woman', nationality = 'NGA+KEN' }\ncases = 6\n"
    design = made_design("", groups=GROUPS + declared, rules=RULE.replace("0.1", "0.3"), more=quota)
    report, rows_drawn = draw(design, pool)
    assert [cell.drawn for cell in report.cells if cell.codes == ("woman", "KEN+NGA")] == [6, 6]
    assert report.check is not None
    both = "KEN/NGA" if separator and suffix == "jsonl" else ["KEN", "NGA"]
    assert sum(row["nationality"] == both for row in rows_drawn) >= 12
    if suffix == "jsonl" and separator:
        draw_set(design, pool, tmp_path / "drawn.csv")
    else:
        with pytest.raises(DataError, match="a column holds lists"):
            draw_set(design, pool, tmp_path / "drawn.csv")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_times_do_not_depend_on_the_clock_of_the_machine(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, noon = usual_pool(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    table = pa.table(cells).append_column("seen", pa.array([noon] * len(cells["case_id"]), pa.timestamp("us", "UTC")))
    pq.write_table(table, tmp_path / "pool.parquet")
    made = {}
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        target = tmp_path / f"drawn.{suffix}"
        draw_set(made_design(ALLOCATIONS[0]), tmp_path / "pool.parquet", target)
        made[zone] = target.read_bytes()
    monkeypatch.undo()
    time.tzset()
    assert made["UTC"] == made["Asia/Tokyo"]
    assert suffix == "parquet" or b"2026-03-01 12:00:00+00" in made["UTC"]


def test_a_type_that_parquet_lacks_is_told(tmp_path: Path) -> None:
    write_set(tmp_path / "pool.parquet", usual_pool())
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT *, INTERVAL 3 DAYS AS stay FROM '{tmp_path}/pool.parquet') TO '{tmp_path}/stays.parquet'"
        )
    with pytest.raises(DataError, match=r"stays.parquet: a column is of a type that .parquet files do not have"):
        draw_set(made_design(ALLOCATIONS[0]), tmp_path / "stays.parquet", tmp_path / "drawn.parquet")
    assert not (tmp_path / "drawn.parquet").exists()


@pytest.mark.parametrize(
    ("change", "draw_section", "more", "message"),
    [
        ({"design_weight": "1"}, ALLOCATIONS[0], "", "a column is called design_weight, a name that a drawn set gives"),
        ({"Stratum": "1"}, ALLOCATIONS[0], "", "a column is called Stratum"),
        ({"gender": "F"}, ALLOCATIONS[0], "", 'the gender "gender" is none of woman, man, non-binary'),
        ({"nationality": "Congolese"}, ALLOCATIONS[0], "", 'the nationality "nationality" is read as no nationality'),
        ({"exploited": "maybe"}, ALLOCATIONS[0], "", "every value under label_positive, label_negative or label_"),
        ({"Gender": "woman"}, ALLOCATIONS[0], "", 'the columns "gender" and "Gender" differ only in upper and lower'),
        ({"exploited": ""}, ALLOCATIONS[0], "", "no row has a label"),
        ({"case_id": "x"}, ALLOCATIONS[0], "", "was seen before"),
        ({}, 'allocation = "equal"\nsize = 20', "", "the pool has 10 cells, which give 47 cases at the least"),
        ({}, ALLOCATIONS[0], '[duplicates]\ncolumns = ["adverts"]\ncopies = "out"', 'has no column "adverts"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(
    tmp_path: Path, change: dict[str, str], draw_section: str, more: str, message: str
) -> None:
    cells = usual_pool()
    rows = len(cells["case_id"])
    cells |= {name: [value] * rows for name, value in change.items()}
    target = tmp_path / "drawn.parquet"
    with pytest.raises((DataError, PlanError)) as caught:
        draw_set(made_design(draw_section, more=more), written(tmp_path, cells), target)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "evaluation_set" not in str(caught.value)
    assert "the plan" not in str(caught.value)
    assert not target.exists()


@pytest.mark.parametrize("column", ["case_id", "exploited", "gender", "nationality", "advertiser", "advert"])
def test_a_canary_in_a_cell_is_in_no_message(tmp_path: Path, column: str) -> None:
    cells = usual_pool()
    cells[column] = ["Zq7canary"] * len(cells[column])
    design = made_design(ALLOCATIONS[0], pool='cluster = "advertiser"', more=COPIES.format("out"))
    if column in {"advertiser", "advert"}:
        assert draw(design, written(tmp_path, cells))[0].drawn > 0
        return
    with pytest.raises(AuditError) as caught:
        draw(design, written(tmp_path, cells))
    assert "Zq7canary" not in str(caught.value)


def test_a_table_of_one_cell_is_drawn_too(tmp_path: Path) -> None:
    report, rows = draw(made_design('allocation = "equal"\nsize = 5', rules=""),
                        written(tmp_path, pool_cells([("woman", "NGA", "1", 9)])))  # fmt: skip
    assert (len(rows), len(report.cells), report.planned, report.check) == (5, 1, (), None)


@pytest.mark.parametrize(("label", "metric"), [("0", "true_positive_rate"), ("1", "false_positive_rate")])
def test_a_pool_of_one_label_is_drawn_and_says_that_no_group_can_be_judged(
    tmp_path: Path, label: str, metric: str
) -> None:
    sizes = [("woman", "NGA", label, 30), ("man", "KEN", label, 20), ("man", None, label, 9)]
    design = made_design('allocation = "decidable"', rules=RULE.replace("true_positive_rate", metric))
    report, rows = draw(design, written(tmp_path, pool_cells(sizes)))
    assert {row["exploited"] for row in rows} == {label}
    assert len(rows) == 15
    assert [(one.pool, one.cases, one.decidable) for one in report.standings()] == [(0, 0, False)] * 5


def test_groups_that_unknown_people_hold_back_are_told_before_and_after_the_draw(tmp_path: Path) -> None:
    sizes = (("woman", "NGA", "1", 900), ("man", "NGA", "1", 900), (None, "NGA", "1", 1_500), ("man", "KEN", "0", 300))
    path = written(tmp_path, pool_cells(sizes))
    design = made_design('allocation = "decidable"', rules=RULE.replace(', "nationality"', ""))
    for target in (None, tmp_path / "set.parquet"):
        report = draw_set(design, path, target)
        held = {one.group.levels[0].code: one.held_back for one in report.standings()}
        assert held == {"woman": True, "man": True, "unknown": False}
        page = draw_summary(report, Style(colour=False, unicode=True))
        assert "    2 of them cannot pass while so many people are unknown, even if treated like everyone else" in page
        groups = json.loads(draw_document(report, None))["groups"]
        assert [group["held_back"] for group in groups] == [True, False, True]
