"""What is asked: which texts and rows there are, which are compared, and answers from elsewhere."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made.probes import IGNORES, LEXICON, RUN, write_audit
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.counting.probed import Comparison
from audit.errors import AuditError, DataError, DetectorError, PlanError
from audit.plan.file.plan_file import read_plan_file
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.scoring.probing.text_design import DesignWithRows
from audit.scoring.probing.variants_file import designs_of_plan

TEXT = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\n'
RULE = '[[rules]]\nmetric = "counterfactual_shift"\nmargin = 0.05\n'


def design(folder: Path, more: str, *, detector: str = RUN, set_keys: str = "") -> DesignWithRows:
    _, (found,) = designs_of_plan(write_audit(folder, more, detector=detector, set_keys=set_keys))
    return found


def texts(found: DesignWithRows) -> list[str]:
    column: list[str] = found.batch.column(0).to_pylist()
    return column


def pairs_of(found: DesignWithRows, comparison: Comparison) -> list[tuple[str, str]]:
    shown, pairs = texts(found), found.pairs
    chosen = np.flatnonzero(pairs.comparison == found.comparisons.index(comparison))
    return [(shown[pairs.anchor[place]], shown[pairs.variant[place]]) for place in chosen]


def test_slots_are_changed_one_at_a_time(tmp_path: Path) -> None:
    found = design(tmp_path, TEXT + 'slots = ["demonym", "gender"]\nlevels = { demonym = ["NGA", "PHL"] }\n')
    assert [(one.slot, one.level, one.given_slot) for one in found.comparisons] == [
        ("demonym", "NGA", ""),
        ("demonym", "PHL", ""),
        ("gender", "woman", ""),
        ("gender", "man", ""),
    ]
    assert len(found.ids) == len(set(found.ids)) == len(set(texts(found))) == 100 * 5
    for before, after in pairs_of(found, Comparison("demonym", "", "NGA", "")):
        assert after == before.replace("a person", "a Nigerian person", 1)
    for before, after in pairs_of(found, Comparison("gender", "", "woman", "")):
        assert "person" in before
        assert "woman" in after
        assert "Nigerian" not in after


def test_intersections_change_one_slot_within_each_level_of_another(tmp_path: Path) -> None:
    more = 'slots = ["demonym", "gender"]\nlevels = { demonym = ["NGA", "PHL"] }\nintersections = true\n'
    found = design(tmp_path, TEXT + more)
    assert Counter(one.family for one in found.comparisons) == {
        ("demonym", ""): 2,
        ("gender", ""): 2,
        ("demonym", "gender"): 4,
        ("gender", "demonym"): 4,
    }
    assert len(found.ids) == 100 * 3 * 3
    for before, after in pairs_of(found, Comparison("demonym", "gender", "PHL", "man")):
        assert after == before.replace("a man", "a Filipino man", 1)
    plan = read_plan_file(tmp_path / "plan.toml").plan
    assert plan.probes[0].families == len({one.family for one in found.comparisons})


@pytest.mark.parametrize("slots", [["name"], ["name", "gender"], ["name", "demonym", "gender", "language", "country"]])
def test_the_families_that_share_the_budget_are_those_that_are_judged(tmp_path: Path, slots: list[str]) -> None:
    more = f"slots = {slots}\n".replace("'", '"') + 'templates = "case-notes"\nlanguages = ["en", "fr"]\n'
    levels = {"name": "fr_FR", "demonym": "NGA", "gender": "woman", "country": "NGA"}
    named = ", ".join(f'{slot} = ["{level}"]' for slot, level in levels.items() if slot in slots)
    found = design(tmp_path, TEXT + more + f"levels = {{ {named} }}\nintersections = true\nnames = 1\n")
    plan = read_plan_file(tmp_path / "plan.toml").plan
    assert plan.probes[0].families == len({one.family for one in found.comparisons})


def test_names_are_of_the_gender_that_the_text_is_about(tmp_path: Path) -> None:
    more = 'slots = ["name", "gender"]\ntemplates = "case-notes"\nlevels = { name = ["fr_FR", "yo_NG"] }\nnames = 3\n'
    found = design(tmp_path, TEXT + more + "intersections = true\n")
    of_both = pairs_of(found, Comparison("name", "", "yo_NG", ""))
    assert len(of_both) == 100 * 2 * 3
    assert all(before.replace("N. N.", "X") != after and "N. N." in before for before, after in of_both)
    of_women = pairs_of(found, Comparison("name", "gender", "yo_NG", "woman"))
    assert len(of_women) == 100 * 3
    assert all("woman" in before and "woman" in after for before, after in of_women)
    assert {after for _, after in of_women}.isdisjoint({after for _, after in of_both})
    assert ("gender", "name") not in {one.family for one in found.comparisons}


def test_each_name_of_a_short_list_counts_once(tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text(
        '[name.village]\nwoman = ["Amina"]\nman = ["Yusuf", "Idris"]\n', encoding="utf-8"
    )
    more = 'slots = ["name", "demonym"]\ntemplates = "case-notes"\nwords = "words.toml"\nintersections = true\n'
    levels = 'levels = { name = ["village"], demonym = ["NGA"] }\n'
    found = design(tmp_path, TEXT + more + levels)
    for comparison in (Comparison("name", "", "village", ""), Comparison("demonym", "name", "NGA", "village")):
        pairs = pairs_of(found, comparison)
        assert len(pairs) == len(set(pairs)) == 100 * 3
    anchored = levels + 'anchor = { name = "fr_FR" }\n'
    assert len(pairs_of(design(tmp_path, TEXT + more + anchored), Comparison("name", "", "village", ""))) == 100 * 3


def test_an_anchor_can_be_a_level(tmp_path: Path) -> None:
    more = 'slots = ["demonym"]\nlevels = { demonym = ["NGA", "PHL"] }\nanchor = { demonym = "FRA" }\n'
    found = design(tmp_path, TEXT + more)
    assert found.slots[0].anchor == "French"
    for before, after in pairs_of(found, Comparison("demonym", "", "NGA", "")):
        assert after == before.replace("French", "Nigerian")


def test_translations_of_a_text_are_one_template(tmp_path: Path) -> None:
    more = 'slots = ["country"]\nlevels = { country = ["PHL"] }\nlanguages = ["en", "es", "fr"]\n'
    found = design(tmp_path, TEXT + more)
    assert len(found.pairs.template) == 300
    assert Counter(found.pairs.template.tolist()) == dict.fromkeys(range(100), 3)
    assert "des Philippines" in texts(found)[5]


COLUMNS = (
    '[[probes]]\nid = "field"\nkind = "columns"\nvalues = { gender = ["woman", "man"], nationality = ["NGA", "PHL"] }\n'
    'anchor = { gender = "", nationality = "" }\nrows = 60\n'
)
TABLE = 'kind = "python"\nentry = "beside:score"\nfeatures = ["text", "gender", "nationality", "pay"]\nthreshold = 0.5'
BY_FIELD = (
    "def score(batch):\n"
    "    genders = batch.column('gender').to_pylist()\n"
    "    pay = batch.column('pay').to_pylist()\n"
    "    return [0.3 + 0.01 * p + 0.2 * (g == 'woman') for g, p in zip(genders, pay)]\n"
)


def test_columns_are_flipped_in_rows_of_the_set(tmp_path: Path) -> None:
    keys = 'numbers = ["pay"]\n'
    found = design(tmp_path, COLUMNS + "intersections = true\n", detector=TABLE, set_keys=keys)
    assert found.templates == 60
    assert len(found.ids) == len(set(found.ids)) == 60 * 9
    rows = found.batch.to_pylist()
    for comparison, anchor, variant in zip(
        found.pairs.comparison.tolist(), found.pairs.anchor.tolist(), found.pairs.variant.tolist(), strict=True
    ):
        slot = found.comparisons[comparison].slot
        before, after = rows[anchor], rows[variant]
        assert {key for key in before if before[key] != after[key]} == {slot}
        assert after[slot] == found.comparisons[comparison].level


def test_a_gender_column_moves_the_score_and_a_nationality_column_does_not(tmp_path: Path) -> None:
    plan = write_audit(tmp_path, COLUMNS + RULE, BY_FIELD, detector=TABLE, set_keys='numbers = ["pay"]')
    result = run_audit(plan, crosscheck=False)
    by_level = {(one.slot, one.level): one for one in result.probes[0].shifts}
    assert by_level["gender", "woman"].shift == pytest.approx(0.2)
    assert {by_level["gender", "man"].shift, by_level["nationality", "NGA"].shift} == {0.0}
    assert {(one.slot, one.level) for one in result.probe_verdicts if one.outcome == "fail"} == {("gender", "woman")}
    (paragraph,) = [one for one in result.safeguards if one.key == "nationality_word"]
    assert "nationality column was changed, 0 of 120 decisions changed" in paragraph.evidence


def test_the_rows_drawn_do_not_depend_on_the_order_of_the_file(tmp_path: Path) -> None:
    keys = {"detector": TABLE, "set_keys": 'numbers = ["pay"]'}
    first = design(tmp_path, COLUMNS, **keys).batch
    lines = (tmp_path / "set.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "set.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")
    _, (second,) = designs_of_plan(tmp_path / "plan.toml")
    assert second.batch.equals(first)
    _, (other,) = designs_of_plan(_changed(tmp_path, "rows = 60", "rows = 60\nseed = 1"))
    assert not other.batch.equals(first)


def _changed(folder: Path, old: str, new: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


def test_rows_of_a_cluster_count_as_one_template(tmp_path: Path) -> None:
    keys = 'numbers = ["pay"]\ncluster = "channel"\n'
    found = design(tmp_path, COLUMNS.replace("rows = 60", "rows = 300"), detector=TABLE, set_keys=keys)
    assert found.templates == 25


def test_a_value_of_another_type_gets_one_line(tmp_path: Path) -> None:
    probe = '[[probes]]\nid = "pay"\nkind = "columns"\nvalues = { pay = ["high"] }\nanchor = { pay = "0" }\n'
    with pytest.raises(PlanError, match="'high' for pay is none of its type in the evaluation set") as caught:
        design(tmp_path, probe, detector=TABLE, set_keys='numbers = ["pay"]')
    assert caught.value.slug == "probe-value"


def test_fixed_values_are_given_in_the_set_s_own_types(tmp_path: Path) -> None:
    detector = RUN.replace('["text"]', '["text", "pay", "channel"]')
    more = TEXT + 'slots = ["gender"]\nfixed = { pay = 12, channel = "web" }\n'
    found = design(tmp_path, more, detector=detector, set_keys='numbers = ["pay"]')
    assert found.batch.schema.names == ["text", "pay", "channel"]
    assert str(found.batch.schema.field("pay").type) == "double"
    assert set(found.batch.column(1).to_pylist()) == {12.0}
    with pytest.raises(PlanError, match="'much' for pay is none of its type"):
        design(tmp_path, more.replace("12", '"much"'), detector=detector, set_keys='numbers = ["pay"]')


PREDICTED = 'kind = "predictions"\npath = "answers.csv"\nscore = "score"\nthreshold = 0.5'
KNOWN = TEXT + 'slots = ["demonym"]\nlevels = { demonym = ["NGA", "PHL"] }\n'
BIASED = LEXICON + "def one(text):\n    return min(base(text) + 0.2 * ('nigerian' in words(text)), 1.0)\n"


def scored_elsewhere(folder: Path, source: str, target: str, blank: int = 0) -> None:
    """Score the column `text` of one file into another, as somebody outside would."""
    space: dict[str, object] = {}
    exec(BIASED, space)
    with (folder / source).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (folder / target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case_id", "score"))
        for place, row in enumerate(rows):
            writer.writerow((row["case_id"], "" if place < blank else space["one"](row["text"])))  # type: ignore[operator]


def predicted(folder: Path, blank: int = 0) -> AuditResult:
    """The whole way of an auditor who has files alone: write, have scored, name the answers, run."""
    plan = write_audit(folder, KNOWN + RULE, detector=PREDICTED)
    scored_elsewhere(folder, "set.csv", "answers.csv")
    done = CliRunner().invoke(app, ["probes", str(plan), "--out", str(folder / "variants.csv"), "--force"])
    assert done.exit_code == 0, done.output
    scored_elsewhere(folder, "variants.csv", "words.csv", blank)
    plan.write_text(
        plan.read_text(encoding="utf-8").replace(KNOWN, KNOWN + 'answers = "words.csv"\n'), encoding="utf-8"
    )
    return run_audit(plan, crosscheck=False)


def test_a_detector_known_by_its_predictions_is_probed_through_files(tmp_path: Path) -> None:
    result = predicted(tmp_path)
    called = tmp_path / "called"
    called.mkdir()
    code = BIASED + "def score(batch):\n    return [one(text) for text in batch.column('text').to_pylist()]\n"
    wanted = run_audit(write_audit(called, KNOWN + RULE, code), crosscheck=False)
    assert result.probes[0].shifts == wanted.probes[0].shifts
    assert result.probe_verdicts == wanted.probe_verdicts
    assert {one.level: one.outcome for one in result.probe_verdicts} == {"NGA": "fail", "PHL": "pass"}


def test_without_answers_it_says_what_to_do_before_anything_is_scored(tmp_path: Path) -> None:
    plan = write_audit(tmp_path, KNOWN + RULE, detector=PREDICTED)
    with pytest.raises(PlanError, match="known by its predictions cannot be asked") as caught:
        run_audit(plan, crosscheck=False)
    assert "audit7k probes" in caught.value.hint


def test_answers_that_are_not_those_of_the_probe_are_counted(tmp_path: Path) -> None:
    predicted(tmp_path)
    path = tmp_path / "words.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:-2], lines[1], "stranger,0.5"]) + "\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="2 variants without an answer, 1 answer to no variant, 1 answer repeating an id"
    ) as caught:
        run_audit(tmp_path / "plan.toml", crosscheck=False)
    assert caught.value.slug == "probe-answers-ids"


def test_answers_to_other_texts_are_not_taken_for_these(tmp_path: Path) -> None:
    predicted(tmp_path)
    _changed(tmp_path, '["NGA", "PHL"]', '["NGA", "ROU"]')
    with pytest.raises(DataError, match="100 variants without an answer, 100 answers to no variant"):
        run_audit(tmp_path / "plan.toml", crosscheck=False)


def test_variants_that_were_not_answered_are_counted_and_keep_a_pass_away(tmp_path: Path) -> None:
    """The first rows are the anchor and the first change of one text, and the anchor of the next."""
    result = predicted(tmp_path, blank=3)
    (probe,) = result.probes
    assert (probe.variants, probe.scored, probe.abstained, probe.failed) == (300, 297, 3, 0)
    for shift in probe.shifts:
        assert (shift.templates, shift.pairs, shift.pairs_unscored) == (98, 98, 2)
    by_level = {one.level: one for one in result.probe_verdicts}
    assert by_level["NGA"].outcome in {"fail", "inconclusive"}
    assert (by_level["PHL"].outcome, by_level["PHL"].because) == ("inconclusive", "unscored_variants")
    assert result.overall.outcome != "pass"


def test_variants_that_fail_are_counted_by_reason(tmp_path: Path) -> None:
    code = LEXICON + (
        "def score(batch):\n"
        "    return [7.0 if 'filipino' in words(text) else float('nan') if 'romanian' in words(text) else base(text)\n"
        "            for text in batch.column('text').to_pylist()]\n"
    )
    more = TEXT + 'slots = ["demonym"]\nlevels = { demonym = ["NGA", "PHL", "ROU"] }\n' + RULE
    result = run_audit(write_audit(tmp_path, more, code), crosscheck=False)
    (probe,) = result.probes
    assert (probe.variants, probe.scored, probe.failed) == (400, 200, 200)
    assert probe.failures == {"invalid_output: not_finite": 100, "invalid_output: out_of_range": 100}
    outcomes = {one.level: (one.outcome, one.because) for one in result.probe_verdicts}
    assert outcomes == {
        "NGA": ("pass", "no_shift"),
        "PHL": ("not_evaluable", "no_pairs"),
        "ROU": ("not_evaluable", "no_pairs"),
    }
    assert result.probe_rules[0].outcome == "inconclusive"


def test_nine_templates_decide_nothing(tmp_path: Path) -> None:
    nine = "".join(f'[[templates]]\nid = "t{n}"\nen = "Text {n} about {{a_person}}."\n' for n in range(9))
    (tmp_path / "texts.toml").write_text(nine, encoding="utf-8")
    more = TEXT + 'slots = ["gender"]\ntemplates = "texts.toml"\n' + RULE
    result = run_audit(write_audit(tmp_path, more, IGNORES), crosscheck=False)
    assert {(one.outcome, one.because) for one in result.probe_verdicts} == {("inconclusive", "too_few_templates")}
    assert {one.templates_needed for one in result.probe_verdicts} == {59}
    assert {one.reason for one in result.probes[0].shifts} == {"too_few_templates"}
    assert result.probes[0].digests["templates"]


def test_a_capacity_flags_from_the_lowest_score_that_was_flagged_in_the_set(tmp_path: Path) -> None:
    code = LEXICON + "def score(batch):\n    return [base(text) for text in batch.column('text').to_pylist()]\n"
    detector = RUN.replace("threshold = 0.5", "top_k = 150")
    result = run_audit(write_audit(tmp_path, TEXT + 'slots = ["gender"]\n', code, detector=detector), crosscheck=False)
    assert result.probes[0].decision.endswith("within its capacity of 150")


def test_decisions_without_scores_are_compared_as_decisions(tmp_path: Path) -> None:
    code = (
        LEXICON
        + "def score(batch):\n    return ['woman' in words(text) for text in batch.column('text').to_pylist()]\n"
    )
    detector = RUN.replace("threshold = 0.5", 'answers = "decision"')
    result = run_audit(write_audit(tmp_path, TEXT + 'slots = ["gender"]\n', code, detector=detector), crosscheck=False)
    found = {one.level: one for one in result.probes[0].shifts}
    assert (found["woman"].shift, found["woman"].to_flagged) == (1.0, 100)
    assert found["man"].shift == 0.0


def test_a_detector_that_breaks_on_a_probe_quotes_no_text(tmp_path: Path) -> None:
    code = LEXICON + (
        "def score(batch):\n"
        "    texts = batch.column('text').to_pylist()\n"
        "    if any('nigerian' in words(text) for text in texts):\n"
        "        raise ValueError(texts[0])\n"
        "    return [base(text) for text in texts]\n"
    )
    with pytest.raises(DetectorError, match="raised ValueError") as caught:
        run_audit(write_audit(tmp_path, KNOWN, code), crosscheck=False)
    assert "Hotel" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        (TEXT + 'slots = ["demonym"]\nlevels = { demonym = ["COD"] }\n', "no demonym 'COD' with words in en"),
        (TEXT + 'slots = ["name"]\n', "no text of the package's adverts has the slots name"),
        (TEXT + 'slots = ["name"]\ntemplates = "nowhere.toml"\n', "nowhere.toml: it cannot be read"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_set_is_scored(tmp_path: Path, more: str, shown: str) -> None:
    plan = write_audit(tmp_path, more, "raise SystemExit('scored')")
    with pytest.raises(AuditError) as caught:
        run_audit(plan, crosscheck=False)
    assert shown in str(caught.value)
