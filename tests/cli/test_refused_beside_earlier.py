"""A release that is safe alone and not beside an earlier one, from the command line to the page that is left."""

from __future__ import annotations

import contextlib
import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from made.published import PLAN, install_reporters, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.features import public_lattice, public_method
from audit.disclosure.protect import protect
from audit.errors import ExitCode, RefusedReleaseError
from audit.plan.file.plan_file import loaded_plan
from audit.public.sentences import SENTENCES
from audit.public.table import PublicRelease
from audit.stats.arrays import IntArray

Counts = dict[tuple[str, str], tuple[int, int]]

BEFORE: Counts = {("woman", "north"): (10, 5), ("man", "north"): (15, 7), ("woman", "south"): (120, 20),
                  ("man", "south"): (130, 110)}  # fmt: skip
AFTER: Counts = {**BEFORE, ("man", "north"): (1, 0)}
"""Ten women of the north were printed; now all but one of the men have left, and the north is below the floor. Whoever
knows that it is, and remembers the ten, knows that few others are there."""
RUN = ("run", "plan.toml", "--no-crosscheck")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site").mkdir()
    install_reporters(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def counted(counts: Counts) -> CountsTable:
    """What the set of `write_set` comes to."""
    rows: dict[tuple[str, ...], IntArray] = {}
    for key, (victims, found) in counts.items():
        rows[key] = np.zeros((3, 4), dtype=np.int64)
        rows[key][0, :2] = found, victims - found
        rows[key][1, :2] = victims // 10, victims + 97 - victims // 10
    return CountsTable.of(("gender", "site"), rows)


def keep_a_key_that_meets_it(folder: Path) -> None:
    """The first key whose noise prints the ten women and hides the eleven of the north: two of the first hundred do."""
    plan = loaded_plan(write_set(folder, PLAN, BEFORE)).plan
    lattice, method = public_lattice(plan), public_method(plan)
    assert lattice is not None
    for number in range(45, 256):
        key = bytes([number]) * 32
        first = protect(exact_counts(lattice, counted(BEFORE), key), method)
        after = exact_counts(lattice, counted(AFTER), key)
        protect(after, method)  # alone it would be safe
        with contextlib.suppress(RefusedReleaseError):
            protect(after, method, [first.seen])
            continue
        break
    else:
        pytest.fail("no key makes it happen")
    (folder / "audit-out").mkdir()
    (folder / "audit-out" / "restricted").mkdir(mode=0o700)
    place = folder / "audit-out" / "restricted" / "key"
    place.write_text(key.hex() + "\n", encoding="ascii")
    place.chmod(0o600)


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_what_is_not_safe_beside_an_earlier_release_is_not_published(here: Path) -> None:
    keep_a_key_that_meets_it(here)
    public, log = here / "audit-out" / "public", here / "audit-out" / "restricted" / "releases"
    assert invoke(*RUN, "--report", "html")[0] == ExitCode.FAIL
    first = {path.name: path.read_bytes() for path in public.iterdir()}
    assert json.loads(first["release.json"])["figures"] == "shown"
    remembered = (log / "0001.json").read_bytes()

    write_set(here, PLAN, AFTER)
    code, out, err = invoke(*RUN, "--report", "html")
    assert (code, "FAIL" in out) == (ExitCode.FAIL, True)  # of the verdict, which does not depend on publication
    assert err == (
        "refused (not-safe-beside-earlier): no public table can be made that is safe beside the releases before it; "
        "public files were written without figures\n"
    )
    assert {path.name: path.read_bytes() for path in log.iterdir()} == {"0001.json": remembered}

    release = PublicRelease.model_validate_json((public / "release.json").read_bytes())
    assert (release.figures, release.headline.outcome) == ("refused", "fail")
    assert all(row.positives.cases is row.negatives.cases is row.unscored is None for row in release.table.groups)
    assert all(rate.value is rate.low is rate.at_most is None for rate in release.rates)
    page = unescape(re.sub(r"<[^>]*>", " ", (public / "report.html").read_text(encoding="utf-8")))
    assert SENTENCES["figures_refused"] in " ".join(page.split())
    assert "FAIL" in page.upper()
    exact = {str(number) for victims, found in AFTER.values() for number in (victims, found) if number > 100}
    for path in public.iterdir():
        written = re.sub(r"\b[0-9a-f]{64}\b", "", path.read_text(encoding="utf-8"))  # a digest holds any three digits
        assert not exact & set(re.findall(r"\d+", written)), path.name

    # The same again: no second chance, and the release before still comes out, byte for byte.
    code, _, err = invoke("report", "audit-out", "--format", "json")
    assert (code, err.startswith("refused (not-safe-beside-earlier): ")) == (0, True)
    assert [path.name for path in log.iterdir()] == ["0001.json"]
    assert invoke("report", "audit-out", "--reproduce", "1", "--out", "again")[0] == 0
    assert {path.name: path.read_bytes() for path in (here / "again").iterdir()} == first


def test_a_new_set_under_a_key_of_its_own_is_published(here: Path) -> None:
    keep_a_key_that_meets_it(here)
    invoke(*RUN, "--report", "json")
    write_set(here, PLAN, AFTER)
    assert invoke(*RUN, "--report", "json", "--restricted-folder", "another")[2].startswith("note: a new key was made")
    assert json.loads((here / "audit-out/public/release.json").read_bytes())["figures"] == "shown"
