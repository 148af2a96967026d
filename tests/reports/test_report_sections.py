"""Parts of the restricted page beside its verdict: how sure, all at once, squares, downloads, and words of its plan."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from urllib.parse import unquote

from made.pages import find_all, parsed, part_of, section, text
from made.results import FAILING, PASSING, sample_result

from audit.result.audit_result import AuditResult
from audit.result.reading import Reading
from audit.vocabulary.metrics import metric_called
from audit.vocabulary.terms import term_called
from reports.group_counts import groups_csv
from reports.html import HtmlReporter
from reports.plain_text import spreadsheet_text

GENDER = [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}]


def stated(result: AuditResult, part: str) -> str:
    return text(part_of(HtmlReporter().render(result), part))


def test_without_nationality_there_is_no_such_section_and_no_word_of_it() -> None:
    result = sample_result(replace(PASSING, rows=3_000, rules=GENDER))
    only = result.model_copy(
        update={
            "estimates": tuple(each for each in result.estimates if "nationality" not in str(each.group.root)),
            "verdicts": tuple(each for each in result.verdicts if "nationality" not in str(each.group.root)),
            "counts": tuple(each for each in result.counts if "nationality" not in str(each.group.root)),
            "rows": tuple(each for each in result.rows if "nationality" not in str(each.group.root)),
            "disparities": tuple(each for each in result.disparities if "nationality" not in str(each.group.root)),
        }
    )
    root = parsed(HtmlReporter().render(only))
    assert not [each for each in root.iter() if each.get("aria-labelledby") == "nationality"]
    assert "as a national of a country" not in text(section(root, "affected"))


def failing_by_gender() -> AuditResult:
    """Women are missed more often; groups are judged by gender alone."""
    result = sample_result(replace(FAILING, rows=4_000, countries=("GHA", "NGA"), rules=GENDER))
    low = {"outcome": "fail", "because": "beyond_limit", "side": "low"}
    woman = result.verdicts[0].group
    verdicts = tuple(each.model_copy(update=low) if each.group == woman else each for each in result.verdicts)
    rules = tuple(each.model_copy(update={"outcome": "fail"}) for each in result.rules)
    overall = result.overall.model_copy(update={"outcome": "fail"})
    made = result.model_copy(update={"verdicts": verdicts, "rules": rules, "overall": overall})
    parts = ("estimates", "verdicts", "counts", "rows", "disparities")
    return made.model_copy(
        update={
            part: tuple(
                each
                for each in getattr(made, part)
                if not each.group.root or [level.feature for level in each.group.root] == ["gender"]
            )
            for part in parts
        }
    )


def test_what_does_not_add_up_is_said_of_the_groups_of_the_plan(failing: AuditResult) -> None:
    ladder = stated(failing, "affected")
    assert "(as a national of a country, and of its region), so the last column does not add up." in ladder
    alone = stated(failing_by_gender(), "affected")
    assert "The last column counts the cases that would have gone the other way" in alone
    assert "several of these groups" not in alone
    assert "national of a country" not in alone


def test_no_feature_is_said_to_be_missing_from_the_set(failing: AuditResult) -> None:
    """A control feature such as age is in the set; no table is about its groups."""
    part = stated(failing, "not-shown")
    assert "Groups that no table of this page is about, be they of age, religion," in part
    assert "does not name" not in part


def test_the_download_holds_every_group_with_its_counts_and_verdicts(failing: AuditResult, failing_html: str) -> None:
    part = part_of(failing_html, "downloads")
    (link,) = find_all(part, "a")
    assert link.get("download") == "restricted-groups.csv"
    kind, _, held = (link.get("href") or "").partition(",")
    assert kind == "data:text/csv;charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(unquote(held))))
    people = {frozenset((level.feature, level.code) for level in each.group.root) for each in failing.counts}
    found = {frozenset((name, row[name]) for name in ("gender", "nationality") if row[name]): row for row in rows}
    assert set(found) == people
    assert len(found) == len(rows)
    for each in failing.counts:
        row = found[frozenset((level.feature, level.code) for level in each.group.root)]
        assert int(row["true_positive"]) == each.true_positive
        assert int(row["unscored_negative"]) == each.unscored_negative
    worst = {(each.rule.rule, each.group.people): each.outcome for each in Reading(failing).each_once}
    for (rule, who), outcome in worst.items():
        assert found[who][f"verdict {rule}"] == outcome
    assert "restricted as this page is, and not for publication" in text(part)
    assert "All groups are in it." in text(part)


def test_what_has_no_room_in_the_download_is_named(failing: AuditResult) -> None:
    whole, none = groups_csv(failing, 10**9)
    assert none == ()
    part, left_out = groups_csv(failing, 35_000)
    assert len(part) <= 35_000
    assert whole.startswith(part[: part.rindex("\n", 0, 2_000)])
    assert [len(family.root) for family in left_out] == [2]
    assert "country" in [axis.rung for axis in left_out[0].root]


def test_no_cell_of_the_download_is_a_formula(passing: AuditResult) -> None:
    name = "=cmd|' /C calc'!A0"
    features = tuple(
        each.model_copy(update={"name": name}) if each.name == "gender" else each for each in passing.features
    )
    text_of, _ = groups_csv(passing.model_copy(update={"features": features}), 10**6)
    cells = [cell for row in csv.reader(io.StringIO(text_of)) for cell in row]
    assert spreadsheet_text(name) in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_every_word_of_a_glossary_is_explained_in_the_terminal(further_html: str) -> None:
    """The documentation promises it, and that both say the same."""
    entries = part_of(further_html, "glossary")
    for entry in find_all(entries, "dt"):
        assert term_called(text(entry)) or metric_called(text(entry)), text(entry)
    own = {"Limit", "Clearly", "Percentage point", "Protected figures", "Restricted report"}
    for entry in find_all(entries, "div"):
        name, means = (text(part) for part in entry)
        term = term_called(name)
        assert name not in own or (term is not None and means == term.means)
