"""What `check` prints: who would be judged, who is too small, and what is known only after scoring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from made.audits import check_of, gender
from made.counts import WORST, categorical, cells, nationality, plan_of
from rich.cells import cell_len

from audit.cli.console.terminal import Style
from audit.cli.pages.check_summary import MOST_GROUPS, check_summary
from audit.counting.table import CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.plan.second_questions import DecisionsSection
from audit.planning.check import check_counts, check_plan
from audit.stats.arrays import IntArray

PLAIN = Style(colour=False, unicode=True)
TPR = {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}


def unscored(positive: int, negative: int = 0, unlabelled: int = 0) -> IntArray:
    return cells(abstained=(positive, negative, unlabelled))


def of_codes(rows: Mapping[str, IntArray]) -> dict[tuple[str, ...], IntArray]:
    return {(code,): counts for code, counts in rows.items()}


def by_sex(rows: dict[str, IntArray], *, sensitivity: dict[str, Any] | None = None, **rule: object) -> str:
    plan = {"sensitivity": sensitivity or {}}
    return check_summary(check_of(of_codes(rows), [categorical("sex", list(rows))], [TPR | rule], **plan), PLAIN)


def test_rows_are_told_by_label_and_by_what_is_unknown() -> None:
    text = by_sex({"a": unscored(1000, 50, 3), "b": unscored(1000), "unknown": unscored(7)})
    assert "Rows: 2,060 read; 2,007 labelled as exploitation, 50 as none" in text
    assert "3 without a label" in text
    assert "7 with an unknown sex" in text


def test_cases_with_several_nationalities_are_told_with_what_is_done_with_them() -> None:
    rows = of_codes({"NGA": unscored(900), "FRA": unscored(900)})
    rule = {**TPR, "groups": ["nationality"]}
    shown = {"first": "the first", "together": "all of them together", "standing": "how any of them stands"}
    for several_as, words in shown.items():
        feature = nationality(["NGA", "FRA"]).model_copy(update={"several": 12, "several_as": several_as})
        text = check_summary(check_of(rows, [feature], [rule]), PLAIN)
        assert f"12 with several in one cell (nationality), counted under {words}" in text
    assert "several in one cell" not in check_summary(check_of(rows, [nationality(["NGA", "FRA"])], [rule]), PLAIN)


def test_a_group_that_is_too_small_says_how_many_cases_it_needs() -> None:
    text = by_sex({"a": unscored(1000), "b": unscored(1000), "c": unscored(20)}, expected_rate=0.7)
    assert "sex: 3 groups: 2 judged alone, 1 not judged" in text
    (row,) = [line for line in text.splitlines() if line.startswith("    sex = c ")]
    words = row.split()
    assert words[3:5] == ["20", "cases"]
    assert words[5] == "needs"
    assert int(words[6]) > 0
    assert "planned with a rate of 70%" in text
    assert "✓ A pass is within reach: 99.0% of people" in text


def test_a_pass_out_of_reach_says_so() -> None:
    small = {f"s{number:02}": unscored(50) for number in range(20)}
    text = by_sex({"a": unscored(1000), "b": unscored(1000)} | small)
    assert "? No pass is within reach: only 67% of people" in text
    nobody = by_sex({"a": unscored(20), "b": unscored(20)})
    assert "? No pass is within reach: no group could be judged\n" in nobody
    assert "\n\nChance of a pass, were everyone treated alike: 0%\n  None is within reach: " in nobody


def test_people_of_unknown_group_put_a_pass_out_of_reach() -> None:
    rows = {"a": unscored(300), "b": unscored(3000)}
    text = by_sex(rows | {"unknown": unscored(500)}, sensitivity=WORST)
    assert "    2 of them cannot pass while so many people are unknown, even if treated like everyone else\n" in text
    assert "    All could if in no group more than 1.8% of its own cases were unknown. Whoever can vouch" in text
    assert "? No pass is within reach: 2 groups could not, since people are unknown who may belong there\n" in text
    assert text.endswith("  Most would be gained by finding out who the unknown are: 99%\n")
    one = by_sex(
        {"a": unscored(200), "b": unscored(3000), "c": unscored(3000), "unknown": unscored(200)}, sensitivity=WORST
    )
    assert "    1 of them cannot pass" in one
    assert "1 group could not" in one
    assert "cannot pass while" not in by_sex(rows | {"unknown": unscored(5)})


def test_only_the_nearest_small_groups_are_named_unless_all_are_asked_for() -> None:
    names = [f"s{number:02}" for number in range(30)]
    rows = {"a": unscored(1000), "b": unscored(1000)} | {name: unscored(10 + k) for k, name in enumerate(names)}
    report = check_of(of_codes(rows), [categorical("sex", ["a", "b", *names])], [TPR])
    few = [line for line in check_summary(report, PLAIN).splitlines() if line.startswith("    sex = s")]
    assert len(few) == MOST_GROUPS
    assert few[0].split()[2] == "s29"  # it lacks the fewest
    assert f"and {30 - MOST_GROUPS} more that are too small (--all names them)" in check_summary(report, PLAIN)
    everyone = check_summary(report, PLAIN, every_group=True)
    assert sum(line.startswith("    sex = s") for line in everyone.splitlines()) == 30
    assert "--all" not in everyone


def test_a_small_nationality_is_told_as_part_of_a_larger_group() -> None:
    rows = {"NGA": unscored(1000), "MLI": unscored(20), "FRA": unscored(1000), "DEU": unscored(1000)}
    rule = {"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}
    text = check_summary(check_of(of_codes(rows), [nationality(["NGA", "MLI", "FRA", "DEU"])], [rule]), PLAIN)
    assert "nationality: 4 groups: 3 judged alone, 1 only as part of a larger group" in text
    assert "nationality (sub-region): 2 groups" in text
    assert "only as part of 011" in next(line for line in text.splitlines() if line.startswith("    MLI"))


def test_one_group_alone_has_nobody_to_be_compared_with() -> None:
    text = by_sex({"a": unscored(1000)})
    assert "1 group:" in text
    assert "1,000 cases  too few others to compare with" in text
    assert "No pass is within reach" in text


def test_what_hangs_on_decisions_is_known_only_after_scoring() -> None:
    text = by_sex({"a": unscored(1000, 1000), "b": unscored(1000, 1000)}, metric="precision")
    assert "precision: share of flags that are right, difference 0.1 from the rest" in text
    assert "Known only after scoring" in text
    assert "within reach" not in text


def test_names_are_cut_and_cannot_write_to_the_terminal() -> None:
    rows = {"a": unscored(1000), "b": unscored(1000), "\x1b[2Jx" * 30: unscored(20), "国" * 50: unscored(20)}
    text = by_sex(rows)
    assert all(line.isprintable() for line in text.splitlines())
    assert max(cell_len(line) for line in text.splitlines()) <= 100


def test_an_intersection_is_named_by_its_features() -> None:
    features = [gender(["woman", "man"]), nationality(["NGA", "FRA"])]
    rows: dict[tuple[str, ...], IntArray] = {
        (sex, code): unscored(1000) for sex in ("woman", "man") for code in ("NGA", "FRA")
    }
    rule = {"metric": "true_positive_rate", "groups": [["gender", "nationality"]], "margin": 0.1}
    text = check_summary(check_of(rows, features, [rule]), PLAIN)
    assert "nationality, gender: 4 groups: 4 judged alone" in text
    assert "(region)" not in text, "the same people as in the countries"


def test_what_a_run_would_say_of_the_model_is_said_before(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("id,label,sex\n1,1,a\n2,0,b\n", encoding="utf-8")
    plan = AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "moderation", "route": "services"},
            "detector": {"kind": "pickle", "path": "m.pkl", "features": ["id"], "threshold": 0.5},
            "evaluation_set": {"path": "set.csv", "id": "id", "label": "label", "label_source": "made up"},
            "groups": {"sex": {"column": "sex"}},
            "rules": [TPR],
        }
    )
    missing, needs_leave = "its file is not there yet", "a run needs --allow-pickle"
    text = check_summary(check_plan(plan, folder=tmp_path), PLAIN)
    assert missing in text
    assert needs_leave in text
    (tmp_path / "m.pkl").write_bytes(b"")
    text = check_summary(check_plan(plan, folder=tmp_path), PLAIN)
    assert missing not in text
    assert needs_leave in text


def test_no_chance_of_a_pass_where_people_count() -> None:
    rows, features = of_codes({"a": unscored(400), "b": unscored(400)}), [categorical("sex", ["a", "b"])]
    plan, table = plan_of([TPR], features), CountsTable.of(["sex"], rows)
    words = {"column": "officer", "decision_positive": ["refer"], "decision_negative": ["close"]}
    shown = [
        check_summary(check_counts(plan.model_copy(update={"decisions": section}), table, features), PLAIN)
        for section in (DecisionsSection.model_validate({**words, "verdict": which}) for which in ("beside", "counts"))
    ]
    assert ["Chance of a pass, were everyone treated alike" in text for text in shown] == [True, False]
    assert "Chance of a pass: not known, since people's decisions count in the verdict" in shown[1]
