"""A release from beginning to end, with real processes and files, and everything that must stop it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made.disclosure import ABOUT, RULE, SECRET, changed_text, made_counts, made_lattice, made_method, render
from made.published import render_in_this_process

from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.explain import blank, refuse_unexplained, unexplained
from audit.disclosure.gates import refuse_unless_rendered_again, render_in_fresh_process
from audit.disclosure.gates import render as render_by_name
from audit.disclosure.linear import SideAttack, SideSystem, attack_side
from audit.disclosure.printed import read_numbers
from audit.disclosure.protect import protect
from audit.disclosure.release import Audited, People, Released, into, release, reproduce
from audit.disclosure.restricted import restricted_folder
from audit.disclosure.words import public_release
from audit.errors import AuditError, DataError
from audit.public.table import PublicRelease, group_key
from audit.stats.arrays import BoolArray
from audit.storage import patience

LATTICE, METHOD = made_lattice(8, 3, 2), made_method()
COUNTS = made_counts(4_000, 3, countries=8)
AUDITED = Audited(COUNTS, "fail", (RULE,), ABOUT)
RENDERER = "made.disclosure:render"
MADE = public_release(protect(exact_counts(LATTICE, COUNTS, SECRET), METHOD).table, "fail", (RULE,), ABOUT)
FILES = render(MADE)
FURNITURE = render(blank(MADE))


def refusal(error: pytest.ExceptionInfo[AuditError]) -> str:
    return error.value.slug


def again(files: Mapping[str, bytes]) -> None:
    refuse_unless_rendered_again(files, MADE, RENDERER)


# ---- the two gates


def test_what_is_computed_from_the_release_passes_both_gates() -> None:
    refuse_unexplained(FILES, FURNITURE, MADE)
    again(FILES)
    assert len(read_numbers(FILES, [group_key(row.group) for row in MADE.table.groups])) > 500


def row_with_a_rate() -> tuple[str, Any, Any]:
    """A group with few errors and a rate, its protected row and its exact counts."""
    exact = exact_counts(LATTICE, COUNTS, SECRET).counts
    for node, row in enumerate(MADE.table.groups):
        if row.group.levels and row.positives.errors is not None and row.positives.cases != exact[node, 0]:
            return group_key(row.group), row, exact[node]
    raise AssertionError("no row serves")


KEY, ROW, EXACT = row_with_a_rate()
RATE = next(r for r in MADE.rates if r.metric == "true_positive_rate" and r.group == ROW.group)
TAG = f'<tr data-group="{KEY}">'


def leaks() -> dict[str, dict[str, bytes]]:
    """Seven ways in which exact counts got into public files of a prototype (disclosure.md, sections 6 and 8)."""
    victims, missed = int(EXACT[0]), int(EXACT[1])
    low, high = 61.3, 83.7  # ends of an interval from exact counts, as pixels with a decimal
    page = FILES["report.html"].decode()
    row = page[page.index(TAG) :]
    row = row[: row.index("</tr>")]
    drawn = row[row.index("<rect ") : row.index("/></svg>")]
    swapped = FILES["groups.csv"].decode().splitlines()
    with_rate = [at for at, line in enumerate(swapped) if line.split(",")[-1].endswith("%")]
    one, other = with_rate[5], with_rate[9]
    cells = [swapped[at].rsplit(",", 5) for at in (one, other)]
    swapped[one] = ",".join([cells[0][0], cells[1][1], *cells[0][2:]])
    swapped[other] = ",".join([cells[1][0], cells[0][1], *cells[1][2:]])
    exact_rate = f"{(victims - missed) / victims:.4f}"
    exact, everyone = exact_counts(LATTICE, COUNTS, SECRET).counts[0], MADE.table.groups[0]
    shown = (everyone.positives.cases, everyone.negatives.cases)
    total = next(int(count) for count, protected in zip(exact[[0, 2]], shown, strict=True) if count != protected)
    return {
        "ends of an interval in the chart": changed_text(
            FILES, "report.html", row, row.replace(drawn, f'<rect x="{low}%" width="{high - low:.1f}%"')
        ),
        "exact number in an attribute": changed_text(FILES, "report.html", TAG, TAG[:-1] + f' data-n="{victims}">'),
        "cases needed in JUnit": changed_text(
            FILES, "junit.xml", f'name="{KEY}"', f'name="{KEY}" needed="{10_000 - victims}"'
        ),
        "rate with four decimals in JSON": changed_text(
            FILES, "result.json", f'"group": "{KEY}", ', f'"group": "{KEY}", "exact": {exact_rate}, '
        ),
        "exact total in prose": changed_text(
            FILES, "report.html", "victims in all", f"victims in all, {total} of them"
        ),
        "values of two rows of the CSV swapped": {**FILES, "groups.csv": ("\n".join(swapped) + "\n").encode()},
        "exact number in a comment": changed_text(FILES, "report.html", TAG, f"{TAG}<!-- exact n={victims} -->"),
    }


LEAKS = leaks()


@pytest.mark.parametrize("leak", LEAKS)
def test_every_planted_leak_is_found_by_reading_the_files(leak: str) -> None:
    with pytest.raises(DataError) as refused:
        refuse_unexplained(LEAKS[leak], FURNITURE, MADE)
    assert refusal(refused) == "unexplained-number"
    assert str(int(EXACT[0])) not in str(refused.value).replace(KEY, "")


def test_every_planted_leak_changes_bytes_that_a_fresh_process_does_not_write() -> None:
    for leak, files in LEAKS.items():
        assert files != FILES, leak  # which a fresh process does write: see above
    with pytest.raises(DataError) as refused:
        again(LEAKS["exact number in a comment"])
    assert refusal(refused) == "not-rendered-again"
    assert "report.html" in str(refused.value)


@pytest.mark.parametrize(("name", "content"), [("plot.png", b"\x89PNG"), ("table.csv", b"\xff\xfe"), ("a.json", b"{")])
def test_a_file_that_cannot_be_read_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(DataError) as refused:
        unexplained({**FILES, name: content}, FURNITURE, MADE)
    assert refusal(refused) == "unread-public-file"


@pytest.mark.parametrize("planted", [
    '<a href="data:text/csv;base64,Z3JvdXAsbgp4LDQ3MTE=">CSV</a>',
    '<a href="data:text/csv,group,n%0Ax,4711">CSV</a>',
    "<style>td{width:4711px}</style>",
    "<script>n=4711</script>",
    "<p title='n = 4,711'></p>",
    "<p>٤٧١١ people</p>",
    "<p>4\u202f711 people</p>",
    "<p class=n4711></p>",
    "<![CDATA[4711]]>",
    "<br data-n=4711>",
])  # fmt: skip
def test_a_number_is_found_wherever_it_hides(planted: str) -> None:
    found = unexplained(changed_text(FILES, "report.html", "<table>", planted + "<table>"), FURNITURE, MADE)
    assert [int(number.value) for number in found] == [4711]


def test_a_file_name_is_read_too() -> None:
    assert [number.text for number in unexplained({**FILES, "n-4711.txt": b""}, FURNITURE, MADE)] == ["4711"]


def test_a_number_of_another_row_is_not_explained_by_its_own() -> None:
    others = [row.positives.cases or 0 for row in MADE.table.groups if row.group.levels and row.group != ROW.group]
    there = str(max(others))
    files = changed_text(FILES, "report.html", TAG, f"{TAG}<td>{there}</td>")
    assert [number.text for number in unexplained(files, FURNITURE, MADE)] == [there]


RENDERERS = """
import sys
from made.disclosure import render as honest

def by_hash(release):
    return {**honest(release), "note.txt": " ".join(set("abcdefgh")).encode()}

def breaks(release):
    raise RuntimeError("secret-of-a-row")

def no_files(release):
    return {"../outside": b""}

def exits_late(release):
    sys.stdout.write("hello")
    return honest(release)
"""


@pytest.mark.parametrize(("function", "slug"), [
    ("by_hash", "not-rendered-again"),
    ("no_files", "no-renderer"),
    ("missing", "no-renderer"),
    ("exits_late", "not-rendered-again"),
])  # fmt: skip
def test_renderers_that_are_no_function_of_the_release_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, slug: str
) -> None:
    (tmp_path / "made_renderers.py").write_text(RENDERERS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    public = tmp_path / "public"
    with pytest.raises(AuditError) as refused:
        release(tmp_path / "restricted", into(public), LATTICE, AUDITED, METHOD, f"made_renderers:{function}")
    assert refusal(refused) == slug
    assert not public.exists()
    assert not (tmp_path / "restricted" / "releases").exists()


def with_a_finding(system: SideSystem, floor: int, asked: BoolArray) -> SideAttack:
    """What the programs find, and one finding that they do not make."""
    side = attack_side(system, floor, asked)
    side.told.append(int(np.flatnonzero(asked)[0]))
    return side


def test_a_table_that_tells_something_is_not_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs are made to find something."""
    monkeypatch.setattr("audit.disclosure.attack.attack_side", with_a_finding)
    monkeypatch.setattr("audit.disclosure.release._ATTACKS", 1)  # more is withheld once, and they find something again
    with pytest.raises(AuditError) as refused:
        release(tmp_path / "restricted", into(tmp_path / "public"), LATTICE, AUDITED, METHOD, RENDERER)
    assert refusal(refused) == "small-counts-told"
    assert not (tmp_path / "public").exists()
    assert not (tmp_path / "restricted" / "releases").exists()


def test_what_a_renderer_breaks_with_in_its_own_process_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_breaking.py").write_text(RENDERERS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DataError) as refused:
        render_in_fresh_process(MADE, "made_breaking:breaks")
    assert "secret" not in str(refused.value)


def test_only_a_public_release_is_rendered() -> None:
    """The wall is a type, and held to where types are not checked."""
    with pytest.raises(TypeError):
        render_by_name(exact_counts(LATTICE, COUNTS, SECRET), RENDERER)  # type: ignore[arg-type]


def test_the_public_nouns_load_nothing_that_holds_exact_counts() -> None:
    program = "import audit.public.table, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_here())
    ours = {name for name in json.loads(done.stdout) if name.startswith("audit.")}
    nouns = {"audit.public.about", "audit.public.sentences", "audit.public.table"}
    words = {"audit.vocabulary.groups", "audit.vocabulary.text", "audit.vocabulary.metrics"}
    assert ours == {*nouns, *words, "audit.public", "audit.vocabulary", "audit.version"}
    assert "numpy" not in json.loads(done.stdout)


def _here() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


# ---- the restricted folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first release, through every gate and process; what stands below is of the folder that it leaves."""
    folder = tmp_path_factory.mktemp("published")
    made = release(folder / "restricted", into(folder / "public"), LATTICE, AUDITED, METHOD, RENDERER)
    assert made.number == 1
    assert made.report.told == ()
    return folder


@pytest.fixture
def _rendered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    render_in_this_process(monkeypatch)


@pytest.fixture(scope="module")
def twice(published: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Released]:
    """The folder after a second release, of other counts."""
    folder = tmp_path_factory.mktemp("twice")
    second = replace(AUDITED, counts=other_model(1))
    with pytest.MonkeyPatch.context() as patch:
        render_in_this_process(patch)
        made = release(copy_of(published, folder), into(folder / "public"), LATTICE, second, METHOD, RENDERER)
    return folder, made


def copy_of(published: Path, folder: Path) -> Path:
    shutil.copytree(published / "restricted", folder / "restricted")
    return folder / "restricted"


def other_model(seed: int) -> CountsTable:
    cells = COUNTS.cells.copy()
    moved = np.random.default_rng(seed).binomial(cells[:, 0, 0], 0.05)
    cells[:, 0, 0] -= moved
    cells[:, 0, 1] += moved
    return CountsTable(COUNTS.features, COUNTS.codes, cells)


def test_key_and_log_are_for_their_owner_alone(published: Path) -> None:
    restricted = published / "restricted"
    for path in (restricted / "key", restricted / "parameters.json", restricted / "releases" / "0001.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(restricted.stat().st_mode) == 0o700
    key = (restricted / "key").read_text().strip()
    assert len(bytes.fromhex(key)) == 32
    everything = b"".join(path.read_bytes() for path in restricted.rglob("*.json"))
    assert key.encode() not in everything
    for path in (published / "public").iterdir():
        assert key.encode() not in path.read_bytes()


def test_the_folder_makes_the_public_bytes_again(published: Path, tmp_path: Path) -> None:
    public = {path.name: path.read_bytes() for path in (published / "public").iterdir()}
    assert set(public) == {"report.html", "groups.csv", "result.json", "junit.xml"}
    assert reproduce(copy_of(published, tmp_path), LATTICE, METHOD, 1) == public


def test_the_same_release_is_written_again_and_remembered_once(published: Path, tmp_path: Path) -> None:
    restricted = copy_of(published, tmp_path)
    made = release(restricted, into(tmp_path / "public"), LATTICE, AUDITED, METHOD, RENDERER)
    assert made.number == 1
    assert len(list((restricted / "releases").iterdir())) == 1


def test_a_second_release_is_held_against_the_first_and_both_come_again(
    twice: tuple[Path, Released], tmp_path: Path
) -> None:
    restricted, made = copy_of(twice[0], tmp_path), twice[1]
    assert made.number == 2
    assert made.report.releases == 2
    assert reproduce(restricted, LATTICE, METHOD, 2) == dict(made.files)
    assert set(reproduce(restricted, LATTICE, METHOD, 1)) == set(made.files)
    with pytest.raises(AuditError) as refused:
        reproduce(restricted, LATTICE, METHOD, 3)
    assert refusal(refused) == "no-such-release"


def broken(restricted: Path, how: str) -> None:
    log = restricted / "releases" / "0001.json"
    stated = json.loads(log.read_bytes())
    if how == "key gone":
        (restricted / "key").unlink()
    elif how == "key open":
        (restricted / "key").chmod(0o644)
    elif how == "key cut":
        (restricted / "key").write_text("abcd\n")
    elif how == "number changed":
        log.write_text(json.dumps({**stated, "number": 7}))
    elif how == "not JSON":
        log.write_bytes(log.read_bytes()[:-40])
    elif how == "first gone":
        log.rename(log.with_name("0002.json"))
    elif how == "parameters gone":
        (restricted / "parameters.json").unlink()


@pytest.mark.parametrize(("how", "slug"), [
    ("key gone", "key-missing"),
    ("key open", "key-not-private"),
    ("key cut", "log-damaged"),
    ("number changed", "log-damaged"),
    ("not JSON", "log-damaged"),
    ("first gone", "log-damaged"),
    ("parameters gone", "log-damaged"),
])  # fmt: skip
def test_a_damaged_folder_releases_nothing(published: Path, tmp_path: Path, how: str, slug: str) -> None:
    restricted = copy_of(published, tmp_path)
    broken(restricted, how)
    with pytest.raises(AuditError) as refused:
        release(
            restricted, into(tmp_path / "public"), LATTICE, replace(AUDITED, counts=other_model(1)), METHOD, RENDERER
        )
    assert refusal(refused) == slug
    assert not (tmp_path / "public").exists()


def test_an_entry_that_was_changed_breaks_the_chain(twice: tuple[Path, Released], tmp_path: Path) -> None:
    restricted = copy_of(twice[0], tmp_path)
    log = restricted / "releases" / "0001.json"
    log.write_text(json.dumps({**json.loads(log.read_bytes()), "tool": "another"}))
    with pytest.raises(AuditError) as refused, restricted_folder(restricted):
        pass
    assert refusal(refused) == "log-damaged"


@pytest.mark.parametrize("floor", [5, 20])
def test_later_releases_cannot_choose_another_floor(published: Path, tmp_path: Path, floor: int) -> None:
    with pytest.raises(AuditError) as refused:
        release(copy_of(published, tmp_path), into(tmp_path / "p"), LATTICE, AUDITED, made_method(floor), RENDERER)
    assert refusal(refused) == "other-parameters"


def test_two_releases_at_once_are_not_made(published: Path, tmp_path: Path) -> None:
    restricted = copy_of(published, tmp_path)
    with restricted_folder(restricted), patience(0), pytest.raises(AuditError) as refused:
        release(restricted, into(tmp_path / "p"), LATTICE, AUDITED, METHOD, RENDERER)
    assert refusal(refused) == "folder-in-use"


@pytest.mark.usefixtures("_rendered_here")
def test_a_release_that_could_not_be_written_is_remembered_all_the_same(published: Path, tmp_path: Path) -> None:
    """Whoever saw a part of it has seen it; the next release must know."""
    restricted = copy_of(published, tmp_path)
    (tmp_path / "public").write_text("in the way")
    with pytest.raises(AuditError) as refused:
        release(
            restricted, into(tmp_path / "public"), LATTICE, replace(AUDITED, counts=other_model(1)), METHOD, RENDERER
        )
    assert refusal(refused) == "storage-failed"
    with restricted_folder(restricted) as folder:
        assert [entry.number for entry in folder.entries] == [1, 2]


def people(ids: str, *, stable: bool) -> People:
    places = np.repeat(np.arange(len(COUNTS.codes)), COUNTS.cells.sum(axis=(1, 2)))
    cells = np.concatenate([np.repeat(np.arange(12), group.ravel()) for group in COUNTS.cells])
    return People(places, cells, [f"{ids}{n}" for n in range(places.size)], stable)


@pytest.mark.usefixtures("_rendered_here")
def test_people_without_stable_ids_get_one_release(tmp_path: Path) -> None:
    folder = tmp_path / "restricted"
    made = release(
        folder, into(tmp_path / "p"), LATTICE, AUDITED, METHOD, RENDERER, people("nobody-else-", stable=False)
    )
    assert reproduce(folder, LATTICE, METHOD, made.number) == dict(made.files)
    with pytest.raises(AuditError) as refused:
        release(folder, into(tmp_path / "p"), LATTICE, AUDITED, METHOD, RENDERER, people("b", stable=False))
    assert refusal(refused) == "no-stable-ids"
    with pytest.raises(AuditError) as refused:
        release(folder, into(tmp_path / "p"), LATTICE, AUDITED, METHOD, RENDERER)
    assert refusal(refused) == "other-parameters"
    for path in folder.rglob("*"):
        assert not path.is_file() or b"nobody-else-17" not in path.read_bytes()


def test_a_release_round_trips_as_text() -> None:
    from audit.public.table import public_json

    assert PublicRelease.model_validate_json(public_json(MADE)) == MADE
