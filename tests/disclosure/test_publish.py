"""A result made public again and again: what is remembered, what is refused, and what comes out the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from made.audits import gender, result_of
from made.releases import GENDERS, RULES, countries, made_result, rows_of

from audit.disclosure.digests import KEY
from audit.disclosure.publish import Published, Writer, publish, reproduce
from audit.disclosure.restricted import COUNTER, RELEASES
from audit.errors import ResultError
from audit.public.release import PublicRow
from audit.result.audit_result import AuditResult
from audit.stages import Scope

FORMS = ("json", "csv")


@cache
def changed(answers: int = 0, gone: int = 0, *, scope: Scope = Scope.RECORDS) -> AuditResult:
    """The failing set with other answers for women of Nepal, and with some of them gone."""
    rows = rows_of(4_000, places=10)
    cell = rows["woman", "NPL"].copy()
    cell[0, :2] += np.array([answers - gone, -answers])
    rows["woman", "NPL"] = cell
    return result_of(rows, [gender(tuple(GENDERS)), countries(sorted({code for _, code in rows}))], RULES, scope=scope)


def into(public: Path) -> Writer:
    def write(files: Mapping[str, bytes]) -> None:
        public.mkdir(exist_ok=True)
        for name, content in files.items():
            (public / name).write_bytes(content)

    return write


def published(result: AuditResult, folder: Path) -> Published:
    return publish(result, folder / "restricted", into(folder / "public"), FORMS, ("en",))


def numbers(made: Published) -> dict[tuple[str, str], tuple[int, int | None]]:
    return {(row.side, row.key): (row.people, row.errors) for row in made.public.rows}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Published]:
    folder = tmp_path_factory.mktemp("first")
    return folder, published(changed(), folder)


def test_a_release_is_remembered_before_it_is_written_and_says_its_number(first: tuple[Path, Published]) -> None:
    folder, made = first
    assert (made.public.number, made.new_key, bool(made.public.rows)) == (1, True, True)
    assert {path.name for path in (folder / "public").iterdir()} == {"release.json", *made.files}
    kept = json.loads((folder / "restricted" / RELEASES / "0001.json").read_bytes().splitlines()[1])
    assert kept["release"] == json.loads(made.files["release.json"])
    assert json.loads((folder / "restricted" / COUNTER).read_bytes())["releases"] == 1


def test_the_same_result_is_written_again_and_not_remembered_twice(
    first: tuple[Path, Published], tmp_path: Path
) -> None:
    folder, made = first
    again = publish(changed(), folder / "restricted", into(tmp_path), FORMS, ("en",))
    assert again.files == made.files
    assert not again.new_key
    assert len(list((folder / "restricted" / RELEASES).iterdir())) == 1


def test_few_changes_print_the_same_numbers_and_many_others(tmp_path: Path) -> None:
    before = numbers(published(changed(), tmp_path))
    few = published(changed(answers=4, gone=4), tmp_path)
    assert numbers(few) == before
    assert few.public.number == 1 or few.files
    many = numbers(published(changed(answers=-30), tmp_path))
    moved = {key for key in before if many[key] != before[key]}
    assert all(side == "positives" for side, _ in moved)
    assert {key for _, key in moved} <= {
        row.key for row in few.public.rows if _holds_women_of_nepal(row)
    }  # nobody else's numbers were drawn again
    assert len(moved) >= 2


def _holds_women_of_nepal(row: PublicRow) -> bool:
    for part in row.parts:
        codes = {"gender": {"woman"}, "nationality": {"NPL", "034", "142"}}[part.feature]
        if part.kind != "others" and not codes & set(part.codes):
            return False
    return True


def test_a_release_is_made_again_without_key_and_result(tmp_path: Path) -> None:
    made = published(changed(), tmp_path)
    key = tmp_path / "restricted" / KEY
    secret = key.read_bytes()
    assert reproduce(tmp_path / "restricted", 1) == made.files
    with pytest.raises(ResultError, match="no release 2"):
        reproduce(tmp_path / "restricted", 2)
    assert key.read_bytes() == secret


@pytest.mark.parametrize("missing", ["newest release", "counter", "everything since"])
def test_a_folder_that_was_put_back_is_noticed(tmp_path: Path, missing: str) -> None:
    published(changed(), tmp_path)
    folder = tmp_path / "restricted"
    shutil.copytree(folder, tmp_path / "copy")
    second = published(changed(answers=-30), tmp_path)
    assert second.public.number == 2
    if missing == "newest release":
        (folder / RELEASES / "0002.json").unlink()
    elif missing == "counter":
        (folder / COUNTER).unlink()
    else:
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "copy", folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ResultError, match=COUNTER if missing == "counter" else "older copy"):
        publish(changed(answers=-60), folder, into(tmp_path / "p"), FORMS, ("en",), second.public)
    assert not (tmp_path / "p").exists()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_changed_log_is_noticed(tmp_path: Path) -> None:
    published(changed(), tmp_path)
    published(changed(answers=-30), tmp_path)
    log = tmp_path / "restricted" / RELEASES / "0001.json"
    log.write_bytes(log.read_bytes().replace(b'"number":1', b'"number": 1'))
    with pytest.raises(ResultError, match="not as it was written"):
        published(changed(), tmp_path)


def test_a_missing_key_is_never_drawn_anew(tmp_path: Path) -> None:
    published(changed(), tmp_path)
    (tmp_path / "restricted" / KEY).unlink()
    with pytest.raises(ResultError, match="key of the restricted folder is missing"):
        published(changed(), tmp_path)


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    published(changed(), tmp_path)
    result = changed()
    plan = result.plan.model_copy(update={"disclosure": result.plan.disclosure.model_copy(update={"floor": 12})})
    with pytest.raises(ResultError, match="floor"):
        published(result.model_copy(update={"plan": plan}), tmp_path)


def test_nothing_of_further_questions_is_in_a_release(tmp_path: Path) -> None:
    """But for the digest of the result, under the same key; other tests publish results that ask none."""
    scopes = (Scope.DETAILS, Scope.RECORDS)
    asked, plain = (published(changed(scope=scope), tmp_path / scope).public for scope in scopes)
    assert changed(scope=Scope.DETAILS).further.sensitivity
    assert len(plain.rows) > 20
    assert asked.about.digests != plain.about.digests
    about = asked.about.model_copy(update={"digests": plain.about.digests})
    assert asked.model_copy(update={"about": about}) == plain


def test_a_set_too_small_for_a_row_has_a_headline_and_no_number(tmp_path: Path) -> None:
    made = published(made_result("none"), tmp_path)
    assert (made.public.rows, made.public.number) == ((), None)
    assert set(made.public.sides.values()) == {"none"}
    assert made.public.headline.outcome == "inconclusive"


def test_no_exact_number_stands_in_a_public_file(tmp_path: Path) -> None:
    """Every number of people and errors is one of its row's range; an exact one may be among them by chance alone."""
    result = made_result("fail")
    made = published(result, tmp_path)
    exact = {row.group.root: row for row in result.counts}
    same = total = 0
    for row in made.public.rows:
        if row.group is None or row.side == "both" or row.errors is None:
            continue
        counts = exact[row.group.root]
        pair = (counts.false_negative, counts.true_positive)
        if row.side == "negatives":
            pair = (counts.false_positive, counts.true_negative)
        assert abs(row.people - sum(pair)) <= 5
        assert abs(row.errors - pair[0]) <= 5
        total += 2
        same += (row.people == sum(pair)) + (row.errors == pair[0])
    assert same < 0.35 * total  # the law of the changes prints 23 % of numbers as they are
