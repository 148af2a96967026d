"""Our public files: what stands in them, that they hold to the release, and that hostile names stay text."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from made.disclosure import ABOUT, RULE, SECRET, made_counts, made_lattice, made_method
from made.public import sizes_alone

from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.explain import blank, refuse_unexplained
from audit.disclosure.protect import protect
from audit.disclosure.words import public_release
from audit.public.table import PublicRelease, group_key, public_json
from reports.public.csv_file import PublicCsvReporter
from reports.public.json_file import PublicJsonReporter
from reports.public.junit_file import PublicJunitReporter


def counts_in_which_men_are_missed() -> CountsTable:
    counts = made_counts(9_000, 4, countries=12, found=0.7)
    cells = counts.cells.copy()
    for place, (gender, _) in enumerate(counts.codes):
        if gender == "man":
            cells[place, 0, 1] += cells[place, 0, 0] // 2
            cells[place, 0, 0] -= cells[place, 0, 0] // 2
    return replace(counts, cells=cells)


COUNTS = counts_in_which_men_are_missed()
TABLE = protect(exact_counts(made_lattice(12, 4, 2), COUNTS, SECRET), made_method()).table
MADE = public_release(TABLE, "fail", (RULE,), ABOUT)
REPORTERS = (PublicJsonReporter(), PublicCsvReporter(), PublicJunitReporter())


def files_of(release: PublicRelease) -> dict[str, bytes]:
    return {reporter.filename: reporter.render(release).encode() for reporter in REPORTERS}


def rows_of(release: PublicRelease) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(PublicCsvReporter().render(release))))


def test_every_number_follows_from_its_row() -> None:
    refuse_unexplained(files_of(MADE), files_of(blank(MADE)), MADE)
    assert files_of(MADE) == files_of(PublicRelease.model_validate_json(public_json(MADE)))


def test_a_row_says_what_is_shown_and_why_nothing_is() -> None:
    rows = {row["group"]: row for row in rows_of(MADE)}
    assert len(rows) == len(MADE.table.groups)
    for group in MADE.table.groups:
        row = rows[group_key(group.group)]
        assert row["positives"] == ("" if group.positives.cases is None else str(group.positives.cases))
        assert row["missed"] == ("" if group.positives.errors is None else str(group.positives.errors))
        assert (row["missed"] == "") == (row["missed_in_words"] != "")
    rate = next(rate for rate in MADE.rates if rate.value is not None and rate.group.levels)
    assert rate.low is not None
    row = rows[group_key(rate.group)]
    assert row["true_positive_rate_percent"] == f"{(rate.value or 0) * 100:.1f}"
    assert row["true_positive_rate_low_percent"] == str(round(rate.low * 100))


def test_a_fail_that_nobody_can_be_named_for_is_a_failure_all_the_same() -> None:
    silent = public_release(blank(MADE).table, "fail", (RULE,), ABOUT)
    verdict, rule = ET.fromstring(PublicJunitReporter().render(silent))
    assert (verdict.get("failures"), rule.get("failures")) == ("1", "0")
    failure = verdict.find("testcase/failure")
    assert failure is not None
    assert "do not show which" in failure.get("message", "")
    undecided, _ = ET.fromstring(PublicJunitReporter().render(public_release(TABLE, "inconclusive", (RULE,), ABOUT)))
    assert (undecided.get("failures"), undecided.get("skipped")) == ("0", "1")


def test_a_fail_of_probes_alone_accuses_no_group() -> None:
    assert any(word.word == "below" for word in MADE.words)
    release = public_release(TABLE, "fail", (RULE,), ABOUT, fails_on=("probes",))
    assert not release.headline.no_group_named
    assert not any(word.word == "below" for word in release.words)
    said = PublicJunitReporter().render(release)
    assert said.count("<failure") == 1
    assert "one word or field of a case, and nothing else, moved its score" in said


def test_hostile_names_stay_text() -> None:
    payload = '=HYPERLINK("http://x.invalid","\u202e")<b>&\t'
    (gender, nationality) = TABLE.features
    levels = tuple(level.model_copy(update={"name": payload}) for level in nationality.levels)
    features = (gender, nationality.model_copy(update={"levels": levels}))
    release = MADE.model_copy(
        update={
            "table": TABLE.model_copy(update={"features": features}),
            "about": ABOUT.model_copy(update={"title": payload}),
        }
    )
    cells = [cell for row in csv.reader(io.StringIO(PublicCsvReporter().render(release))) for cell in row]
    assert any(payload[:9] in cell for cell in cells)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert not any("\u202e" in cell for cell in cells)
    root = ET.fromstring(PublicJunitReporter().render(release))
    assert "[U+202E]" in (root.get("name") or "")
    refuse_unexplained(files_of(release), files_of(blank(release)), release)


@pytest.mark.parametrize("flag", ["weighted", "clustered"])
def test_no_group_of_sizes_alone_has_a_word(flag: str) -> None:
    """ "cannot_tell" would read as though its figures had been judged."""
    release = sizes_alone("fail", flag)
    for row in rows_of(release):
        assert {row[f"word under {rule.rule}"] for rule in release.rules} == {""}
    assert "cannot_tell" in {row[f"word under {RULE.rule}"] for row in rows_of(MADE)}
