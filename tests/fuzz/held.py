"""What must hold after every command, whatever it was given: runs one in this process and looks at all it left."""

from __future__ import annotations

import json
import re
import stat
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
from fuzz.data_files import CELL_CANARY, ID_CANARY
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.result.file import parse_result

CODES: Final = frozenset({0, 1, 2, 3, 4, 73, 74, 75, 130})
VERDICTS: Final = {"pass": 0, "fail": 1, "inconclusive": 3}
_BESIDE: Final = r"(, [\d.,]+ rows/s)?(, about [\d hmins]+ left)?(, [\d,]+ rows? failed)?(, [\d,]+ (retry|retries))?"
_PROGRESS: Final = re.compile(rf"scored \d+ % \(\d+ of \d+ rows\){_BESIDE}|(note|warning): .*")
_COUNTS: Final = (
    "true_positive", "false_negative", "false_positive", "true_negative", "unlabelled_flagged",
    "unlabelled_not_flagged", "unscored_positive", "unscored_negative", "unscored_unlabelled",
)  # fmt: skip
_PARTS: Final = ("read", "scored", "abstained", "failed", "labelled", "unlabelled")
Tree = dict[str, bytes | str | None]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path) -> Ended:
    """Run a command through the application of the console script. Fails if anything but an exit code comes out."""
    with warnings.catch_warnings():
        done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def said_well(ended: Ended) -> None:
    """The code is a documented one, and what went wrong stands in one line that repeats nothing of the data."""
    assert ended.code in CODES, ended
    assert "Traceback" not in ended.err + ended.out
    for hidden in ("internal error", "the reporter", "the answers cannot be read"):
        assert hidden not in ended.err, ended.err
    for canary in (ID_CANARY, CELL_CANARY):
        assert canary not in ended.err, ended.err
    assert ID_CANARY not in ended.out
    if ended.code in {4, 73, 74, 75}:
        assert ended.out == ""
        *before, last = ended.err.splitlines()
        assert ended.err.endswith("\n")
        assert last.startswith("error: "), ended.err
        assert last.isprintable(), ended.err
        assert len(last) < 3000, ended.err
        assert all(_PROGRESS.fullmatch(line) for line in before), ended.err


def tree(folder: Path) -> Tree:
    """Everything in a folder: files with their content, links with their target."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = path.read_bytes() if stat.S_ISREG(mode) else str(path.readlink()) if stat.S_ISLNK(mode) else None
        found[str(path.relative_to(folder))] = content
    return found


@contextmanager
def own_temporary_folder(folder: Path) -> Iterator[None]:
    """Make `folder` this process's folder for temporary files, and find it empty again in the end."""
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
    assert list(folder.iterdir()) == []


def judged(out: Path, code: int, rows: int | None, *, also: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The outputs of a verdict are all there, and no row is lost in them. Returns the result.

    Parameters
    ----------
    rows : int or None
        Rows of data in the file, by another reader; None where it cannot say.
    also : set of str
        Names of files that were in the folder before.
    """
    names = {path.name for path in out.iterdir()} - also
    assert {"result.json", "report.html", "junit.xml"} <= names <= {
        ".gitignore", ".inputs.json", "result.json", "report.html", "junit.xml", "predictions.parquet", "scoring"
    }, names  # fmt: skip
    text = (out / "result.json").read_text(encoding="utf-8")
    parse_result(text)
    result: dict[str, Any] = json.loads(text)
    assert code == VERDICTS[result["overall"]["outcome"]]
    everyone = result["rows"][0]
    assert everyone["group"] == []
    if rows is not None:
        assert everyone["read"] == rows
    nothing_lost(result)
    if "predictions.parquet" in names:
        assert pq.read_table(out / "predictions.parquet").num_rows == everyone["read"]
    assert (result["system"]["kind"] != "predictions") == ("predictions.parquet" in names)
    ET.parse(out / "junit.xml")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    for shown in (text, page, (out / "junit.xml").read_text(encoding="utf-8")):
        assert ID_CANARY not in shown
    return result


def nothing_lost(result: dict[str, Any]) -> None:
    """Parts add up to their group, and groups to everyone, in every family."""
    sums: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for account in result["rows"]:
        assert account["read"] == account["scored"] + account["abstained"] + account["failed"], account
        assert account["read"] == account["labelled"] + account["unlabelled"], account
        for part in _PARTS:
            sums[_family(account)][part] += account[part]
    for counts, account in zip(result["counts"], result["rows"], strict=True):
        assert counts["group"] == account["group"]
        assert sum(counts[cell] for cell in _COUNTS) == account["read"]
        assert sum(counts[cell] for cell in _COUNTS[6:]) == account["abstained"] + account["failed"]
        assert (
            sum(counts[cell] for cell in ("unlabelled_flagged", "unlabelled_not_flagged", "unscored_unlabelled"))
            == (account["unlabelled"])
        )
        for cell in _COUNTS:
            sums[_family(counts)][cell] += counts[cell]
    for family, added in sums.items():
        assert added == sums[()], family
    for estimate in result["estimates"]:
        assert 0 <= estimate["numerator"] <= estimate["denominator"] <= sums[()]["read"]
        assert (estimate["value"] is None) == (estimate["status"] == "not_evaluable")
        if estimate["value"] is not None:
            assert None not in (estimate["low"], estimate["high"]), estimate
            assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"] <= 1
            rate = estimate["numerator"] / estimate["denominator"]
            if estimate["effective_cases"] is None:
                assert estimate["value"] == rate
            elif estimate["weighted_denominator"] is None:  # ten digits
                assert abs(estimate["value"] - rate) < 1e-9, estimate
            else:
                assert 0 <= estimate["weighted_numerator"] <= estimate["weighted_denominator"], estimate


def _family(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((feature, rung) for feature, rung, _ in record["group"])
