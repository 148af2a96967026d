"""What counts as evidence: scores that move, texts that were scored, and pairs that differ."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from made.pages import part_of, text
from made.probes import IGNORES, LEXICON, PLAN, write_audit, write_texts
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.console.terminal import Style
from audit.cli.pages.summary_lines import probe_rule_lines, swap_line
from audit.errors import PlanError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.file.plan_file import parse_plan
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import result_to_json
from audit.run import run_audit
from audit.scoring.probing.probes import design_probe
from audit.scoring.probing.text_design import DesignWithRows
from reports.html import HtmlReporter
from reports.junit import JunitReporter

TEXT = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\n'
RULE = '[[rules]]\nmetric = "counterfactual_shift"\nmargin = 0.05\n'
ONE = 'slots = ["demonym"]\nlevels = { demonym = ["NGA"] }\n'


def audit(folder: Path, more: str, code: str) -> AuditResult:
    result = run_audit(write_audit(folder, more, code), crosscheck=False)
    assert parse_result(result_to_json(result)) == result
    return result


def swaps(result: AuditResult) -> str:
    """What the report says under "Swaps"."""
    return text(part_of(HtmlReporter().render(result), "swaps"))


CANCELS = LEXICON + (
    "def score(batch):\n"
    "    return [0.5 + 0.25 * ('nigerian' in words(text)) - 0.25 * ('nigeriana' in words(text))\n"
    "            for text in batch.column('text').to_pylist()]\n"
)
"""The English word raises a score by as much as the Spanish one lowers it."""


def test_scores_that_move_both_ways_and_cancel_out_are_not_said_to_stay(tmp_path: Path) -> None:
    result = audit(tmp_path, TEXT + ONE + 'languages = ["en", "es"]\n' + RULE, CANCELS)
    (probe,) = result.probes
    (shift,), (slot,) = probe.shifts, probe.slots
    assert (shift.shift, shift.pairs, shift.pairs_moved) == (0.0, 200, 200)
    assert (shift.raised, shift.lowered, shift.unmoved) == (0, 0, 0)
    assert (slot.spread_mean, slot.spread_max) == (0.25, 0.25)
    assert [one.because for one in result.probe_verdicts] == ["within_limit"]
    assert swap_line(result) == (
        "Swaps within the limit: widest, nationality word Nigerian: +0.0 points, 100 of 200 decisions changed"
    )
    shown = swaps(result)
    assert "stayed exactly" not in shown
    assert "no score moved" not in shown
    assert "exactly 0" not in shown
    assert "0 / 0 / 0; 100 up and down alike" in shown
    assert "Within one text the score varies by 25.0 points of its range on average, and by 25.0 at the most." in shown


FEW = LEXICON + (
    "def score(batch):\n"
    "    return [0.3 if 'hotel' in words(text) or text.startswith('Work offered') else float('nan')\n"
    "            for text in batch.column('text').to_pylist()]\n"
)
"""Answers the rows of the set, and adverts in which an hotel is named."""


def test_what_rests_on_few_scored_texts_is_said_of_those_few(tmp_path: Path) -> None:
    result = audit(tmp_path, TEXT + ONE + RULE, FEW)
    (probe,) = result.probes
    (shift,), (slot,) = probe.shifts, probe.slots
    assert 0 < shift.templates < 10
    assert (slot.templates, slot.templates_scored) == (100, shift.templates)
    assert slot.pairs_unscored == 100 - shift.templates
    assert slot.undetected_share == pytest.approx(1 - 0.05 ** (1 / shift.templates))
    assert swap_line(result) == (
        f"Swaps cannot tell: no score moved, but {slot.pairs_unscored} of 100 pairs were not scored"
    )
    shown = swaps(result)
    assert "in all 100 texts" not in shown
    assert f"{slot.pairs_unscored} of 100 pairs were not scored, and nothing is known of them." in shown


def test_too_few_texts_say_how_many_it_takes_before_and_after(tmp_path: Path) -> None:
    more = TEXT + ONE + write_texts(tmp_path, 58) + RULE
    result = audit(tmp_path, more, LEXICON + "def score(batch):\n    return [0.3] * batch.num_rows\n")
    (verdict,) = result.probe_verdicts
    assert (verdict.outcome, verdict.because, verdict.templates_needed) == ("inconclusive", "too_few_templates", 59)
    assert verdict.p_pass == pytest.approx(0.95**58)
    assert result.probe_rules[0].outcome == "inconclusive"
    assert "It takes at least 59 texts." in swaps(result)
    assert "cannot tell: fewer than 59 texts" in swaps(result)
    assert swap_line(result) == (
        "Swaps cannot tell with fewer than 59 texts: no score moved, whatever was changed (58 texts)"
    )
    (line,) = probe_rule_lines(result, Style(colour=False, unicode=True))
    assert line.endswith(": Nigerian; it takes 59 texts or more")
    done = CliRunner().invoke(app, ["check", str(tmp_path / "plan.toml")])
    assert "No pass with 58 texts: its limit takes 59 or more" in done.stdout
    write_texts(tmp_path, 59)
    assert run_audit(tmp_path / "plan.toml", crosscheck=False).probe_rules[0].outcome == "pass"
    assert "No pass with" not in CliRunner().invoke(app, ["check", str(tmp_path / "plan.toml")]).stdout


def test_where_nothing_is_scored_a_change_could_work_everywhere(tmp_path: Path) -> None:
    code = LEXICON + (
        "def score(batch):\n"
        "    return [float('nan') if 'nigerian' in words(text) else 0.3 for text in batch.column('text').to_pylist()]\n"
    )
    (slot,) = audit(tmp_path, TEXT + ONE + RULE, code).probes[0].slots
    assert (slot.pairs, slot.templates_scored, slot.undetected_share) == (0, 0, 1.0)


def own(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return f'{name} = "{name}.toml"\n'


TEXTS = "".join(
    f'[[templates]]\nid = "t{number}"\nen = "Text {number} on {{a_person}}."\nfr = "{number} : {{logé|logée}}."\n'
    for number in range(12)
)
"""In French the neutral noun is feminine as a woman is, so that the text reads the same."""


def test_a_pair_that_reads_the_same_is_no_evidence(tmp_path: Path) -> None:
    more = TEXT + 'slots = ["gender"]\nlanguages = ["en", "fr"]\n' + own(tmp_path, "templates", TEXTS) + RULE
    result = audit(tmp_path, more, LEXICON + "def score(batch):\n    return [0.3] * batch.num_rows\n")
    assert {one.level: one.pairs for one in result.probes[0].shifts} == {"woman": 12, "man": 24}
    done = CliRunner().invoke(app, ["probes", str(tmp_path / "plan.toml")])
    assert "  12 pairs read the same after the change, and are left out\n" in done.output


def test_a_change_that_no_text_shows_is_refused(tmp_path: Path) -> None:
    more = TEXT + 'slots = ["gender"]\nlanguages = ["fr"]\n' + own(tmp_path, "templates", TEXTS)
    with pytest.raises(PlanError) as caught:
        run_audit(write_audit(tmp_path, more), crosscheck=False)
    assert "no text of templates.toml reads otherwise with the gender woman than without" in str(caught.value)


def test_a_word_of_ones_own_that_is_the_anchor_s_is_refused(tmp_path: Path) -> None:
    words = own(tmp_path, "words", '[demonym.XFR]\nen = { word = "French", article = "a" }\n')
    more = TEXT + 'slots = ["demonym"]\nlevels = { demonym = ["XFR"] }\nanchor = { demonym = "FRA" }\n' + words
    with pytest.raises(PlanError, match="reads otherwise with the demonym XFR than without"):
        run_audit(write_audit(tmp_path, more), crosscheck=False)


TABLE = 'kind = "python"\nentry = "beside:score"\nfeatures = ["text", "gender", "pay"]\nthreshold = 0.5'
FIELD = '[[probes]]\nid = "field"\nkind = "columns"\nrows = 60\n'
NUMBERS = 'numbers = ["pay"]'


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (
            'values = { pay = ["12.0"] }\nanchor = { pay = "12" }\n',
            "'12' and '12.0' are the same value of the column pay",
        ),
        ('values = { pay = ["6", "6.0"] }\nanchor = { pay = "12" }\n', "'6' and '6.0' are the same value"),
        ('values = { pay = ["nan"] }\nanchor = { pay = "12" }\n', "'nan' for pay is none of its type"),
        ('values = { pay = ["1e400"] }\nanchor = { pay = "12" }\n', "'1e400' for pay is none of its type"),
    ],
)
def test_values_that_are_no_change_or_no_value_are_refused(tmp_path: Path, values: str, shown: str) -> None:
    plan = write_audit(tmp_path, FIELD + values, detector=TABLE, set_keys=NUMBERS)
    with pytest.raises(PlanError) as caught:
        run_audit(plan, crosscheck=False)
    assert shown in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (
            'values = { gender = ["Woman"] }\nanchor = { gender = "man" }\n',
            "probe field: no row of the set holds 'Woman' in the column gender",
        ),
        (
            'values = { gender = ["woman"] }\nanchor = { gender = "unknown" }\n',
            "no row of the set holds 'unknown' in the column gender",
        ),
        (
            'values = { pay = ["14"] }\nanchor = { pay = "12" }\n',
            "no row of the set holds '14' in the column pay, whose numbers go from 5 to 13",
        ),
    ],
)
def test_a_value_that_no_row_holds_is_no_silent_pass(tmp_path: Path, values: str, shown: str) -> None:
    plan = write_audit(tmp_path, FIELD + values + RULE, detector=TABLE, set_keys=NUMBERS)
    with pytest.raises(PlanError) as caught:
        run_audit(plan, crosscheck=False)
    assert shown in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.slug == "probe-value-not-held"


def test_a_number_between_those_of_the_set_and_an_empty_cell_are_asked(tmp_path: Path) -> None:
    values = 'values = { pay = ["6.5"], gender = ["woman", ""] }\nanchor = { pay = "", gender = "man" }\n'
    write_audit(tmp_path, FIELD + values, detector=TABLE, set_keys=NUMBERS)
    done = CliRunner().invoke(app, ["probes", str(tmp_path / "plan.toml")])
    assert done.exit_code == 0, done.output
    assert "pay: 6.5; compared with: empty, as no row of the set is\n" in done.output
    assert "gender: woman, empty, as no row of the set is; compared with: man\n" in done.output
    path = tmp_path / "set.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",woman,", ",,", 1), encoding="utf-8")
    done = CliRunner().invoke(app, ["probes", str(tmp_path / "plan.toml")])
    assert "gender: woman, empty; compared with: man\n" in done.output


_COLUMNS = {
    "case_id": [f"c{row}" for row in range(40)],
    "exploited": [row % 3 == 0 for row in range(40)],
    "gender": ["woman", "man"] * 20,
    "nationality": ["NGA", "PHL"] * 20,
    "text": ["papers"] * 40,
}


def _design(more: str, table: pa.Table, column: str = "field") -> DesignWithRows:
    """What a probe asks of a table in memory, by a detector that is given its text and one column."""
    detector = TABLE.replace('["text", "gender", "pay"]', f'["text", "{column}"]')
    text = PLAN.format(detector=detector, set_keys="", more=more).replace('path = "set.csv"\n', "")
    plan = parse_plan(text, folder=Path()).plan
    with open_evaluation_set(plan, Path(), table) as evaluation_set:
        return design_probe(plan.probes[0], plan.evaluation_set, plan.detector, evaluation_set, Path())


@pytest.mark.parametrize(
    ("kind", "held", "other"),
    [
        (pa.int64(), "3", "99"),
        (pa.bool_(), "true", None),
        (pa.date32(), "2024-04-12", "2024-04-13"),
        (pa.timestamp("us"), "2024-04-12", "2024-04-13"),
        (pa.decimal128(6, 2), "3.25", "99.5"),
        (pa.float32(), "0.1", "0.7"),
        (pa.string(), "it's", "its"),
    ],
)
def test_values_are_found_in_columns_of_every_type(kind: pa.DataType, held: str, other: str | None) -> None:
    field = pa.array([held, None] * 20).cast(kind)
    table = pa.table({**_COLUMNS, "field": field})

    def probe(value: str) -> str:
        return FIELD + f'values = {{ field = ["{value}"] }}\nanchor = {{ field = "" }}\n'

    found = _design(probe(held), table)
    assert found.batch.schema.field("field").type == field.type
    assert set(found.batch.column(1)[40:].to_pylist()) == {field[0].as_py()}
    if other is not None:
        with pytest.raises(PlanError, match="no row of the set holds"):
            _design(probe(other), table)


MOVES = LEXICON + (
    "def score(batch):\n"
    "    return [0.3 + 0.2 * ('nigerian' in words(text)) for text in batch.column('text').to_pylist()]\n"
)


def test_two_limits_on_one_probe_are_both_shown_and_a_change_counts_once(tmp_path: Path) -> None:
    """A shift of twenty points is within the first limit and beyond the second, and the order makes no difference."""
    wide, narrow = RULE.replace("0.05", "0.3") + 'id = "wide"\n', RULE + 'id = "narrow"\n'
    levels = ONE.replace('"NGA"', '"NGA", "PHL"')
    drawn = []
    for number, rules in enumerate((wide + narrow, narrow + wide)):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = audit(folder, TEXT + levels + rules, MOVES)
        assert len(result.probe_verdicts) == 4
        shown = swaps(result)
        assert "wide: within the limit" in shown
        assert "narrow: beyond the limit" in shown
        assert "more than the limit in 1 of 2 changes." in shown
        page = HtmlReporter().render(result)
        drawn.append(re.findall(r"<svg.*?</svg>", page[page.index('id="swaps"') :], re.DOTALL)[:2])
    assert drawn[0] == drawn[1], "the drawing of a change shows its gravest verdict, whichever rule comes first"


STOPS = "raise SystemExit('scored')"
"""A detector that ends the process where it is loaded."""
WRONG = [
    (TEXT + ONE + 'fixed = { pay = 1_000_000_000_000_000_000_000_000_000_000, gender = "woman" }\n', "pay is none"),
    (TEXT + ONE + 'templates = "a\\u0000b"\n', "templates holds a null character"),
    (TEXT + ONE + 'words = "a\\u0000b"\n', "words holds a null character"),
    (TEXT + ONE + 'answers = "a\\u0000b"\n', "answers holds a null character"),
    (TEXT + ONE + 'fixed = { pay = "much", gender = "woman" }\n', "'much' for pay is none of its type"),
    (TEXT + ONE + 'fixed = { pay = 1e400, gender = "woman" }\n', "pay"),
    (FIELD + 'values = { pay = ["high"] }\nanchor = { pay = "12" }\n', "'high' for pay is none of its type"),
    (FIELD + 'values = { gender = ["Woman"] }\nanchor = { gender = "man" }\n', "no row of the set holds 'Woman'"),
]


# Every command looks for all of them at one place: a run and a gate are held to the first and the last.
LOOKED_FOR = [("check", *one) for one in WRONG] + [(name, *one) for name in ("run", "gate") for one in WRONG[::7]]


@pytest.mark.parametrize(("command", "more", "shown"), LOOKED_FOR)
def test_a_mistake_in_a_probe_is_told_before_anything_is_scored(
    tmp_path: Path, command: str, more: str, shown: str
) -> None:
    plan = write_audit(tmp_path, more + RULE, STOPS, detector=TABLE, set_keys=NUMBERS)
    done = CliRunner().invoke(app, [command, str(plan)])
    assert done.exit_code == 4
    assert shown in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "audit-out").exists()


PREDICTED = 'kind = "predictions"\npath = "set.csv"\nscore = "exploited"\nthreshold = 0.5'


def test_check_says_what_comes_next_where_answers_are_still_to_come(tmp_path: Path) -> None:
    plan = write_audit(tmp_path, TEXT + ONE + RULE, detector=PREDICTED)
    done = CliRunner().invoke(app, ["check", str(plan)])
    assert done.exit_code == 0, done.output
    assert "Probe words: 200 to score, 1 change\n" in done.stdout
    assert "Next: audit7k probes PLAN --probe words --out FILE" in done.stdout
    assert CliRunner().invoke(app, ["run", str(plan)]).exit_code == 4

    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace(ONE, ONE + 'answers = "scored.csv"\n'), encoding="utf-8")
    done = CliRunner().invoke(app, ["check", str(plan)])
    assert "Not answered yet" in done.stdout
    (tmp_path / "scored.csv").write_text("case_id,exploited\nstranger,1\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["check", str(plan)])
    assert done.exit_code == 4
    assert "200 variants without an answer, 1 answer to no variant" in done.stderr


def test_a_level_of_ones_own_has_a_name(tmp_path: Path) -> None:
    person = 'noun = "x", a = "an x", the = "the x", they = "x", them = "x", their = "x"'
    words = own(tmp_path, "words", f'[gender.""]\nen = {{ {person} }}\n')
    with pytest.raises(PlanError, match=r"words\.toml: gender has a level ''"):
        run_audit(write_audit(tmp_path, TEXT + 'slots = ["gender"]\n' + words), crosscheck=False)


@pytest.mark.parametrize("value", ["1e20", "12.5", "1_000_000_000_000_000_000_000_000_000_000"])
def test_a_fixed_value_that_an_integer_cannot_hold_is_refused(value: str) -> None:
    table = pa.table({**_COLUMNS, "field": pa.array(range(40), type=pa.int64())})
    with pytest.raises(PlanError, match=r"for field is none of its type in the evaluation set \(int64\)"):
        _design(TEXT + ONE + f"fixed = {{ field = {value} }}\n", table)


def test_what_is_no_number_in_the_set_bounds_nothing() -> None:
    table = pa.table({**_COLUMNS, "field": pa.array([1.0, float("nan"), float("inf"), 9.0] * 10)})
    probe = FIELD + 'values = { field = ["4"] }\nanchor = { field = "9" }\n'
    assert _design(probe, table).templates == 40
    with pytest.raises(PlanError, match="whose numbers go from 1 to 9"):
        _design(probe.replace('"4"', '"10"'), table)


def test_a_column_may_have_any_name() -> None:
    table = pa.table({**_COLUMNS, "__group__": ["x", "y"] * 20})
    probe = FIELD + 'values = { __group__ = ["x"] }\nanchor = { __group__ = "y" }\n'
    found = _design(probe, table, "__group__")
    assert found.batch.schema.names == ["text", "__group__"]
    assert found.templates == 40


OWN_WORDS = """
[demonym.KUR]
en = { word = "Kurdish", article = "a" }
fr = { m = "kurde", f = "kurde" }
[demonym.ROM]
en = { word = "Romani", article = "a" }
es = { m = "gitano", f = "gitana" }
[country.XKX]
en = { bare = "Kosovo", from = "from Kosovo" }
[name.village]
woman = ["Amina", "Sara", "Leila"]
man = ["Yusuf", "Idris"]
"""
OWN_TEXTS = "".join(
    f'[[templates]]\nid = "t{n}"\nen = "Text {n} about {{a_person}}, {{name}}."\n' for n in range(12)
) + ('[[templates]]\nid = "still"\nen = "No slot at all."\n[[templates]]\nid = "foreign"\nfr = "{a_person}"\n')


def test_what_is_not_used_of_ones_own_words_and_texts_is_said_with_the_reason(tmp_path: Path) -> None:
    more = TEXT + 'slots = ["demonym", "name"]\nlanguages = ["en", "es"]\nnames = 2\nlevels = { name = ["village"] }\n'
    files = own(tmp_path, "words", OWN_WORDS) + own(tmp_path, "templates", OWN_TEXTS)
    result = audit(tmp_path, more + files, LEXICON + "def score(batch):\n    return [0.3] * batch.num_rows\n")
    wanted = (
        "demonym KUR: no words in es",
        "country XKX: the probe does not change this slot",
        "name village: only the first 2 names, as `names` says",
        "text foreign: not in en, es",
        "text still: nothing in it is changed in en, es",
    )
    assert result.probes[0].unused == wanted
    assert "Not used of the operator’s own words and texts: demonym KUR: no words in es; country" in swaps(result)
    for command, start in (("probes", "not used"), ("check", "Not used")):
        done = CliRunner().invoke(app, [command, str(tmp_path / "plan.toml")])
        assert [line.strip() for line in done.stdout.splitlines() if line.strip().startswith(start)] == [
            f"{start}: {shown}" for shown in wanted
        ]


def test_a_level_that_the_plan_leaves_out_is_said_to_be_left_out(tmp_path: Path) -> None:
    files = own(tmp_path, "words", OWN_WORDS)
    found = audit(tmp_path, TEXT + ONE + files, LEXICON + "def score(batch):\n    return [0.3] * batch.num_rows\n")
    assert found.probes[0].unused[0] == "demonym KUR, ROM: not among the levels that the plan names"


def _of_columns(folder: Path, set_keys: str, code: str, rule: str = RULE) -> AuditResult:
    probe = FIELD.replace("rows = 60", "rows = 300") + 'values = { gender = ["woman"] }\nanchor = { gender = "man" }\n'
    return run_audit(
        write_audit(folder, probe + rule, code, detector=TABLE, set_keys=NUMBERS + set_keys), crosscheck=False
    )


STILL = "def score(batch):\n    return [0.3] * batch.num_rows\n"
BY_GENDER = "def score(batch):\n    return [0.2 + 0.2 * (g == 'woman') for g in batch.column('gender').to_pylist()]\n"


@pytest.mark.parametrize(
    ("set_keys", "counted", "those"),
    [("", "300 rows", "rows"), ('\ncluster = "channel"\n', "25 clusters of rows", "clusters of rows")],
)
def test_a_probe_of_columns_is_told_in_rows_and_clusters(
    tmp_path: Path, set_keys: str, counted: str, those: str
) -> None:
    result = _of_columns(tmp_path, set_keys, STILL, RULE.replace("0.05", "0.2"))
    assert swap_line(result) == (
        f"Swaps within the limit: no score moved, whatever was changed ({counted.removesuffix(' of rows')})"
    )
    shown = swaps(result)
    assert (
        f"Every score stayed exactly as it was, in all {counted}. If these were drawn at random from {those}" in shown
    )
    assert "600 changed rows were made from rows of the evaluation set" in shown
    assert "one column changed, all else the same" in shown
    assert "text" not in shown.casefold().replace("context", "")
    (paragraph,) = [one for one in result.safeguards if one.key == "nationality_word"]
    assert "text" not in paragraph.evidence
    done = CliRunner().invoke(app, ["probes", str(tmp_path / "plan.toml")])
    assert f"  {counted.removesuffix(' of rows')} from rows of the evaluation set" in done.stdout


def test_a_column_that_moves_the_score_is_called_a_column(tmp_path: Path) -> None:
    result = _of_columns(tmp_path, "", BY_GENDER)
    assert swap_line(result) == "Swaps FAIL: widest, column gender woman: +20.0 points, 0 of 300 decisions changed"
    shown = swaps(result)
    assert "Within one row the score varies by 20.0 points" in shown
    assert "Rows in which it rises, falls, stays" in shown
    case = next(one for one in JunitReporter().render(result).split("<testcase") if "probe=field" in one)
    assert "over 300 rows" in case


HEARS = IGNORES.replace("[base(text)", "[0.9 if 'Nigerian' in text else base(text)")


@pytest.mark.parametrize(("code", "outcome", "rule"), [(IGNORES, "inconclusive", "pass"), (HEARS, "fail", "fail")])
def test_probes_without_labels_can_fail_an_audit_and_never_pass_it(
    tmp_path: Path, code: str, outcome: str, rule: str
) -> None:
    plan = write_audit(tmp_path, TEXT + ONE + RULE, code)
    empty = '"case_id","exploited","gender","nationality","text","pay","channel"\nc1,,,,none,,\n'
    (tmp_path / "set.csv").write_text(empty, encoding="utf-8")
    result = run_audit(plan, crosscheck=False)
    assert (result.overall.outcome, [each.outcome for each in result.probe_rules]) == (outcome, [rule])
    assert [each.outcome for each in result.rules] == ["inconclusive"]
    assert {each.value for each in result.estimates} == {None}
