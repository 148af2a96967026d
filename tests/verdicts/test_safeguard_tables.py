"""The tables that a lawyer can edit: whole, true to the draft, and refused in one line where they are broken."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from made.results import passing_result

from audit.errors import DataError
from audit.safeguards import SEARCHES, safeguards
from audit.safeguards.catalogue import DATA, catalogue, read_catalogue
from audit.safeguards.public import public_mapping_state
from reports.html.resolution import PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K

TABLES = catalogue()
ALWAYS_ASKED = {"limits", "inequality", "facilitate", "false_alarms", "above_chance", "doubts", "selection"}
"""Of cases, and asked for by every plan: that nobody has it is never said."""
TESTS = Path(__file__).parents[1]
MOOD = re.compile(r"\b(fair|unfair|unbiased|debiased|compliant|compliance|fulfilled|satisfied)\b", re.IGNORECASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_evidence_is_looked_for_and_every_search_has_its_words() -> None:
    assert set(TABLES.evidence) == set(SEARCHES)
    for key, one in TABLES.evidence.items():
        hidden = {"measured"} if one.only_declared else set[str]()
        if key in ALWAYS_ASKED:
            hidden = {"not_shown"}
        of_cases = {"elsewhere"} if one.small_groups or one.of_table or one.of_rules else set[str]()
        assert set(one.public) == (set(SEARCHES[key].states) | of_cases) - hidden, key
    names = [one.name for one in TABLES.evidence.values()]
    assert len(set(names)) == len(names), "a table of laws knows evidence by its name"


def test_all_evidence_is_asked_for_by_a_clause_a_law_or_a_standard() -> None:
    asked = {clause.evidence for clause in TABLES.clauses}
    for instrument in TABLES.instruments:
        asked |= {key for row in instrument.provisions for key in (*row.measured, *row.declared)}
    assert asked == set(TABLES.evidence)


def test_the_instruments_of_the_issue_are_there() -> None:
    names = [one.name for one in TABLES.instruments]
    assert names[:4] == ["EU AI Act", "ISO/IEC TR 24027", "NIST AI RMF", "NYC Local Law 144"]


def test_the_clauses_of_the_design_are_there_in_its_order() -> None:
    order = list(dict.fromkeys(clause.clause for clause in TABLES.clauses))
    preamble = [f"preamble ({letter})" for letter in "abcdefg"]
    paragraph_7 = [f"7({letter})" for letter in "abcdefhijl"]
    assert order == ["7(k)", "2", *preamble, "preamble", "3", "5", "6", *paragraph_7, "8", "9(b)", "10"]


def test_words_of_paragraphs_that_the_report_quotes_are_those() -> None:
    for clause in TABLES.clauses:
        if clause.clause in ("7(k)", "2"):
            assert clause.words in f"{PARAGRAPH_2} {PARAGRAPH_7} {PARAGRAPH_7K}"


def test_all_words_are_those_of_the_draft() -> None:
    shared = Path(os.environ.get("AUDIT7K_SHARED_DATA", TESTS.parents[1] / "shared" / "data")).parent
    source = shared / "design" / "resolution.txt"
    if not source.exists():
        pytest.skip("the text of the draft is not beside this repository (../shared/design/resolution.txt)")
    shown = " ".join(source.read_text(encoding="utf-8").replace("*", "").split())
    for clause in TABLES.clauses:
        assert clause.words in shown, clause


def test_what_is_left_out_is_what_the_reports_say() -> None:
    shown = {clause.clause for clause in TABLES.clauses}
    assert not shown & {"1", "4", "7(g)", "9(a)", "11"}
    reports = TESTS.parent / "reports"
    said = (reports / "html" / "templates" / "draft.html").read_text(encoding="utf-8")
    assert "Left out: paragraphs 1, 4, 9(a) and 11, which ask nothing of a detector; and 7(g), on" in said
    for template in ("html/templates/safeguards.html", "public/html/templates/public_safeguards.html"):
        assert "{{ left_out() }}" in (reports / template).read_text(encoding="utf-8"), template


def test_no_table_holds_a_word_of_mood_or_a_day_from_which_a_law_applies() -> None:
    for path in sorted(DATA.rglob("*.toml")):
        text = path.read_text(encoding="utf-8")
        assert not MOOD.search(text), path.name
        if path.parent.name == "instruments":
            rows = text.partition("[[provisions]]")[2]
            assert not re.search(r"\b(19|20)\d\d\b", rows), "titles have years, and provisions none"


def test_what_was_not_checked_says_so() -> None:
    for one in TABLES.instruments:
        assert "checked" in one.checked or "borrowed" in one.checked, one.name


def test_an_edit_shows_up(folder: Path) -> None:
    changed(folder / "clauses.toml", 'question = "Who is missed?"', 'question = "Whom does it overlook?"')
    changed(folder / "instruments" / "40-nyc-ll144.toml", 'name = "NYC Local Law 144"', 'name = "A law of ours"')
    (folder / "instruments" / "99-ours.toml").write_text(
        'name = "National act"\ntitle = "An act"\nchecked = "Read by counsel"\n'
        '[[provisions]]\narticle = "s. 4"\nabout = "an appeal"\ndeclared = ["appeal"]\n',
        encoding="utf-8",
    )
    rows, laws = safeguards(passing_result(), read_catalogue(folder))
    assert "Whom does it overlook?" in [row.question for row in rows]
    assert "A law of ours" in [law.instrument for law in laws]
    assert (laws[-1].instrument, laws[-1].provisions[0].state) == ("National act", "present")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("clauses.toml", 'question = "Who is missed?"', 'question = "Tell"', "number 4 (7(k)) has no question"),
        ("clauses.toml", 'evidence = "missed"', 'evidence = "mised"', 'names evidence "mised", which is not in'),
        ("clauses.toml", 'clause = "7(k)"', 'clause = ""', "number 1 has no text in `clause`"),
        ("clauses.toml", 'clause = "7(k)"', "clause = 7", "number 1 has no text in `clause`"),
        ("clauses.toml", 'clause = "7(k)"', 'claus = "7(k)"', "has an unknown key claus"),
        ("clauses.toml", "[[clauses]]", "[[clause]]", "has an unknown key clause"),
        ("evidence.toml", 'key = "repeat"', 'key = "missed"', "(missed) has a key that stands there already"),
        ("evidence.toml", "every count", "all 9 counts", "(repeat) has a digit in a public sentence"),
        ("evidence.toml", "public.measured", "public.measurd", "(repeat) has no sentences in `public`"),
        (
            "evidence.toml",
            "\nsmall_groups = true",
            '\nsmall_groups = "yes"',
            "(facilitate) has small_groups, of_table",
        ),
        ("evidence.toml", "public.elsewhere", "public.elsewere", "(forms) has no sentences in `public`"),
        ("evidence.toml", 'public.elsewhere = "The plan asks', '# "', "(forms) has a sentence too many or too few"),
        ("evidence.toml", "headline.kept", "headline.keept", "(swaps) has an unknown key keept"),
        ("evidence.toml", "headline.kept", "headline.kept = 1 #", "(swaps) has no text in `kept`"),
        ("evidence.toml", "\nsmall_groups = true", "\nheadline.kept = 'a'", "(facilitate) has a sentence too many"),
        ("evidence.toml", "of_rules = true\n", "of_table = true\n", "(swaps) has a `headline` that is not read"),
        ("evidence.toml", 'key = "repeat"', 'key = "repeat', "is not valid TOML"),
        ("instruments/10-eu-ai-act.toml", '["group_data"]', '"group_data"', "(Article 10(5)) has a `declared` that is"),
        ("instruments/10-eu-ai-act.toml", '["group_data"]', "[]", "(Article 10(5)) names no evidence, or one twice"),
        ("instruments/10-eu-ai-act.toml", "checked", "chekced", "has no text in `checked`"),
        ("instruments/20-iso-tr-24027.toml", '"ISO/IEC TR 24027"', '"EU AI Act"', "has the name of another file's"),
    ],
)
def test_a_broken_table_is_one_line(folder: Path, file: str, old: str, new: str, said: str) -> None:
    changed(folder / file, old, new)
    with pytest.raises(DataError) as error:
        read_catalogue(folder)
    shown = str(error.value)
    assert said in shown
    assert "\n" not in shown
    assert shown.startswith(Path(file).name) or "instruments" in file
    assert error.value.hint
    assert error.value.slug == "broken-table-of-safeguards"


def test_a_table_that_is_gone_or_unreadable_is_one_line(folder: Path) -> None:
    (folder / "evidence.toml").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"evidence\.toml is not UTF-8 text"):
        read_catalogue(folder)
    (folder / "evidence.toml").unlink()
    with pytest.raises(DataError, match=r"evidence\.toml is missing"):
        read_catalogue(folder)
    shutil.copy(DATA / "evidence.toml", folder)
    shutil.rmtree(folder / "instruments")
    with pytest.raises(DataError, match="holds no law or standard"):
        read_catalogue(folder)


def test_a_declaration_is_not_there_where_measuring_is_asked_for() -> None:
    """What is asked to be measured and is declared leaves a provision partial; what may be declared does not."""
    asked = [row for one in catalogue().instruments for row in one.provisions if row.measured]
    assert asked
    for row in asked:
        assert public_mapping_state(row, dict.fromkeys(row.evidence, "declared")) == "partial"
        assert public_mapping_state(row, dict.fromkeys(row.evidence, "measured")) == "present"
        assert public_mapping_state(row, dict.fromkeys(row.evidence, "not_shown")) == "absent"
