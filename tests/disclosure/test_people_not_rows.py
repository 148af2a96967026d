"""One person with many rows is one person: the floor of a public table counts people where a plan says who they are."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.published import PLAN, install_reporters, keep_key, render_in_this_process
from made.replaced import replaced

from audit.counting.clusters import ClusterTable
from audit.counting.clusters_once import count_clusters_once
from audit.disclosure.from_result import ready
from audit.disclosure.publish import Published, check_folder, publish
from audit.disclosure.read import parse_release
from audit.disclosure.release import into
from audit.errors import ResultError
from audit.plan.file.plan_file import loaded_plan
from audit.public.sentences import SENTENCES
from audit.public.table import group_key, public_json, why_no_rates
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import result_to_json
from audit.run import run_audit

CLUSTERED = PLAN.replace('id = "case"', 'id = "case"\ncluster = "person"')
ROWS = CLUSTERED + '[disclosure]\nunit = "row"\n'
NORTH, SOUTH = "gender:level=woman,site:level=north", "gender:level=man,site:level=south"


@pytest.fixture(autouse=True, scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("site")
    install_reporters(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        render_in_this_process(patch)
        yield


@pytest.fixture(scope="module")
def of_rows(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    return audited(tmp_path_factory.mktemp("rows"), ROWS)


@pytest.fixture(scope="module")
def of_people(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    return audited(tmp_path_factory.mktemp("people"), CLUSTERED)


@pytest.fixture(scope="module")
def made(of_people: AuditResult, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The audit that counts people, published."""
    return published(of_people, tmp_path_factory.mktemp("made"))


def audited(folder: Path, plan: str, *, own_case: bool = False) -> AuditResult:
    """Of women of the north one victim with 60 cases and 45 ordinary persons; of men of the south 80 victims of 3 cases
    each, a case of which is found, and 70 others; 90 women of the south and 85 men of the north of one case each."""
    rows: list[tuple[str, int, float, str, str]] = []
    rows += [("CANARY-one", 1, 0.9 if n < 30 else 0.1, "woman", "north") for n in range(60)]
    rows += [(f"n{n}", 0, 0.1, "woman", "north") for n in range(45)]
    rows += [(f"v{n // 3}", 1, 0.9 if n % 3 == 0 and n < 150 else 0.1, "man", "south") for n in range(240)]
    rows += [(f"o{n}", 0, 0.9 if n < 20 else 0.1, "man", "south") for n in range(70)]
    for at, (sex, where, people) in enumerate([("woman", "south", 90), ("man", "north", 85)]):
        rows += [(f"x{at}-{n}", n % 2, 0.9 if n % 3 else 0.1, sex, where) for n in range(people)]
    lines = ["case,person,label,score,sex,site"]
    lines += [f"c{n},{f'p{n}' if own_case else who},{','.join(map(str, row))}" for n, (who, *row) in enumerate(rows)]
    (folder / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run_audit(write_plan(folder, plan), crosscheck=False, details=False)


def write_plan(folder: Path, plan: str) -> Path:
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    return folder / "plan.toml"


FORMATS = ("html", "json", "csv", "junit", "markdown")


def published(result: AuditResult, folder: Path, formats: tuple[str, ...] = FORMATS) -> Published:
    folder.mkdir(exist_ok=True)
    if not (folder / "restricted").exists():
        keep_key(folder / "restricted")
    return publish(result, folder / "restricted", into(folder / "public"), formats, ("en",))


def test_one_person_with_sixty_rows_reaches_no_floor(tmp_path: Path, of_rows: AuditResult, made: Published) -> None:
    rows = published(of_rows, tmp_path / "rows")
    shown = {group_key(row.group): row for row in rows.public.table.groups}
    sixty = shown[NORTH].positives.cases
    assert sixty is not None  # the hole, for a plan that says that no two rows are of one person
    assert abs(sixty - 60) <= 5
    assert (made.public.figures, made.number) == ("shown", 1)
    shown = {group_key(row.group): row for row in made.public.table.groups}
    assert shown[NORTH].positives.cases is None
    assert shown[NORTH].negatives.cases is not None
    eighty = shown[SOUTH].positives.cases
    assert eighty is not None
    assert abs(eighty - 80) <= 5  # 240 rows
    everyone = shown["everyone"].positives.cases
    assert everyone is not None
    assert abs(everyone - (1 + 80 + 45 + 42)) <= 5
    assert b"CANARY" not in b"".join(made.files.values())


def test_every_file_says_what_it_counts(made: Published) -> None:
    said = SENTENCES["counted_once"].split(".")[1].strip()
    for name in ("report.html", "junit.xml", "comment.md"):
        assert said in " ".join(made.files[name].decode().split()), name
    assert json.loads(made.files["release.json"])["about"]["unit"] == "cluster"
    assert all(rate.value is None for rate in made.public.rates)
    assert {word.word for word in made.public.words} == {"cannot_tell"}
    assert why_no_rates(made.public) == ("counted_once",)
    both = made.public.model_copy(update={"about": made.public.about.model_copy(update={"weighted": True})})
    assert why_no_rates(both) == ("weighted_once", "counted_once")
    claims = made.public.model_copy(update={"about": made.public.about.model_copy(update={"clustered": False})})
    with pytest.raises(ResultError, match="stand alone"):
        parse_release(public_json(claims).encode())


def test_of_clusters_sizes_are_printed_and_no_errors(made: Published) -> None:
    """Whose case was found once counts as found: a rate of that is better than the result's."""
    sides = [side for row in made.public.table.groups for side in (row.positives, row.negatives)]
    assert any(side.cases for side in sides)
    assert {(side.errors, side.shown) for side in sides} == {(None, "not_shown")}
    rows = list(csv.DictReader(io.StringIO(made.files["groups.csv"].decode("utf-8-sig"))))
    assert any(row["positives"] for row in rows)
    assert not any(row["missed"] or row["wrongly_flagged"] for row in rows)
    first = made.public.table.groups[0]
    some = first.positives.model_copy(update={"errors": 20, "shown": "value", "why": None})
    groups = (first.model_copy(update={"positives": some}), *made.public.table.groups[1:])
    loud = made.public.model_copy(update={"table": made.public.table.model_copy(update={"groups": groups})})
    with pytest.raises(ResultError, match="shows errors of them"):
        parse_release(public_json(loud).encode())


def test_a_written_result_is_enough_and_one_of_rows_alone_is_not(
    tmp_path: Path, of_people: AuditResult, made: Published
) -> None:
    result = of_people
    read = parse_result(result_to_json(result))
    assert dict(published(read, tmp_path).files) == dict(made.files)
    with pytest.raises(ResultError, match="earlier version"):
        ready(replaced(result, clusters=()), ("json",), ("en",))
    more = result.further.clusters[0].model_copy(update={"true_positive": 10_000})
    with pytest.raises(ResultError, match="do not add up"):
        ready(replaced(result, clusters=(more, *result.further.clusters[1:])), ("json",), ("en",))
    assert result.further.finest == ()
    finer = PLAN.replace('groups = ["gender", ["gender", "site"]]', 'groups = ["gender"]')
    assert audited(tmp_path, finer).further.finest


def test_a_folder_keeps_to_what_it_counts(tmp_path: Path, of_rows: AuditResult, of_people: AuditResult) -> None:
    published(of_rows, tmp_path, ("json",))
    with pytest.raises(ResultError) as refused:
        published(of_people, tmp_path, ("json",))
    assert refused.value.slug == "other-parameters"
    assert "(unit)" in str(refused.value)
    with pytest.raises(ResultError):
        check_folder(loaded_plan(write_plan(tmp_path, CLUSTERED)).plan, tmp_path / "restricted")
    check_folder(loaded_plan(write_plan(tmp_path, ROWS)).plan, tmp_path / "restricted")
    assert "unit" not in json.loads((tmp_path / "restricted" / "parameters.json").read_text())


def test_clusters_of_one_row_each_are_rows(tmp_path: Path) -> None:
    once = audited(tmp_path, CLUSTERED, own_case=True)
    rows = audited(tmp_path, PLAN)
    of_rows = {counts.group: counts for counts in rows.counts if len(counts.group.levels) == 2}
    assert {counts.group: counts for counts in once.further.clusters} == of_rows


Row = tuple[int, int, int, int]


@given(st.lists(st.tuples(*(st.integers(0, most) for most in (7, 2, 2, 8))), min_size=1, max_size=60))
def test_clusters_are_counted_as_by_hand(rows: list[Row]) -> None:
    genders, sites = ("man", "unknown", "woman"), ("north", "south", "west")
    codes = [(gender, place) for gender in genders for place in sites]
    numbers = {name: at for at, name in enumerate(sorted({row[0] for row in rows}))}
    cluster = np.array([numbers[row[0]] for row in rows])
    finest = np.array([row[1] * 3 + row[2] for row in rows])
    ones = np.ones(len(rows))
    table = ClusterTable.of(cluster, finest, np.array([row[3] for row in rows]), ones, ones)
    made = count_clusters_once(table, codes, ("gender", "site"), ("site", "gender"))

    people: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        people[row[0]].append(row)
    expected: dict[tuple[str, str, int], int] = defaultdict(int)
    for of in people.values():
        gender = genders[of[0][1]] if len({row[1] for row in of}) == 1 else "unknown"
        place = sites[of[0][2]] if len({row[2] for row in of}) == 1 else "unknown"
        expected[place, gender, min(row[3] for row in of)] += 1
    cells = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (0, 2), (1, 2), (2, 2)]
    counted = {
        (*code, cell): int(made.cells[at, *place])
        for at, code in enumerate(made.codes)
        for cell, place in enumerate(cells)
        if made.cells[at, *place]
    }
    assert counted == expected
    assert int(made.cells.sum()) == len(people)
