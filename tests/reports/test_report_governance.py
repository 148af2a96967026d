"""What the operator declares, how long it holds, and what is relevant to laws, as the restricted report tells it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made.pages import find_all, parsed, section, text
from made.replaced import replaced
from made.results import passing_result

from audit.plan.governance import GovernanceSection
from audit.result.audit_result import AuditResult
from audit.result.findings.swaps import ProbeRuleResult
from audit.safeguards import with_safeguards
from reports.html import HtmlReporter
from reports.html.safeguards import Came, PatternRow, pattern_register
from reports.language import ENGLISH

REPORTS = Path(__file__).parents[2] / "reports"


def declared(**keys: Any) -> AuditResult:
    """A result whose plan declares this and nothing else."""
    shown = GovernanceSection.model_validate_json(json.dumps(keys))
    plain = passing_result()
    return with_safeguards(plain.model_copy(update={"plan": plain.plan.model_copy(update={"governance": shown})}))


def page(result: AuditResult) -> Any:
    return parsed(HtmlReporter().render(result))


def screen_one(result: AuditResult) -> str:
    return text(next(find_all(page(result), "header")))


def test_the_day_of_expiry_stands_on_screen_one_or_that_there_is_none() -> None:
    assert "24 November 2026 This audit expires on 30 June 2027" in screen_one(declared(valid_until="2027-06-30"))
    assert "No day of expiry is declared" in screen_one(declared())


@pytest.mark.parametrize(("day", "past"), [("2026-11-23", True), ("2026-11-24", False), ("2026-11-25", False)])
def test_an_audit_that_ended_after_that_day_says_so(day: str, past: bool) -> None:
    """It holds on the day itself."""
    shown = screen_one(declared(valid_until=day))
    assert ("Past its expiry." in shown) is past
    assert ("It ended later, on 24 November 2026: do not rely on it." in shown) is past
    assert ("This audit expired on" in shown) is past
    assert ("This audit expires on" in shown) is not past
    assert ("its operator should have it audited again: this audit is past its expiry." in shown) is past
    assert ("What comes next. This holds for this version of the system" in shown) is not past


def test_no_clock_enters_a_report() -> None:
    """What day it is when somebody renders or opens a file changes nothing in it."""
    for path in REPORTS.rglob("*.py"):
        assert not re.search(r"\b(now|today|utcnow|time|monotonic|localtime|gmtime)\(", path.read_text("utf-8")), path


def test_what_is_declared_is_called_declared_and_what_is_not_is_named() -> None:
    part = text(section(page(declared(oversight="The unit's head", declared_on="2026-11-02")), "system"))
    assert "Declared on 2 November 2026. None of it was checked in this audit." in part
    assert "Who can stop it The unit's head" in part
    assert "stands under “Safeguards in the draft resolution”, as not shown." in part
    silent = text(section(page(declared()), "system"))
    assert "None of it was checked" not in silent
    assert "stands under “Safeguards in the draft resolution”, as not shown." in silent


def test_contact_and_appeal_stand_at_the_end_or_their_absence() -> None:
    shown = text(section(page(declared(contact="The desk", appeal="In writing")), "contact"))
    assert "Errors in this audit The desk" in shown
    assert "To contest a flag In writing" in shown
    silent = text(section(page(declared()), "contact"))
    assert "No contact is declared." in silent
    assert "How a person contests a flag is not shown." in silent
    assert "No day of expiry is declared." in silent


def test_every_provision_of_a_law_has_its_state_and_words_are_words() -> None:
    result = declared(oversight="The head", review_rate=1.0, review_period="2026")
    part = section(page(result), "frameworks")
    shown = [text(row) for row in find_all(part, "li")]
    (oversight,) = [row for row in shown if row.startswith("Article 14: people who can watch over the system")]
    assert oversight.endswith("present as declared")
    (partial,) = [row for row in shown if row.startswith("Article 27(1)(f): ")]
    assert partial.endswith("partial as declared ; absent: how a person contests a flag; a contact"), (
        "an owner is named"
    )
    provisions = [one for framework in result.frameworks for one in framework.provisions]
    assert len(shown) == len(provisions) > 40
    assert all(f": {one.about}: " in row for one, row in zip(provisions, shown, strict=True))
    assert all(framework.checked in text(part) for framework in result.frameworks)
    assert "for a lawyer to say" in text(part)


@pytest.mark.parametrize(
    ("outcome", "beyond", "came", "why"),
    [
        ("fail", 1234, "found", "Groups beyond the limit of this rule: 1,234."),
        ("fail", 0, "found", "The limit of this rule is exceeded, and no group can be named."),
        ("pass", 0, "not_found", "The limit of this rule is met."),
        ("inconclusive", 0, "not_decided", "The cases do not say whether the limit of this rule is met."),
        ("not_evaluable", 0, "not_decided", "The cases do not say whether the limit of this rule is met."),
    ],
)
def test_the_register_says_of_each_pattern_what_came_of_it(outcome: str, beyond: int, came: Came, why: str) -> None:
    first, *others = passing_result().rules
    result = declared(named_patterns={"Men are found less often": first.rule, "Dialects are missed": "not tested"})
    shown = first.model_copy(update={"outcome": outcome, "groups_by_outcome": {"fail": beyond}})
    register = pattern_register(result.model_copy(update={"rules": (shown, *others)}), ENGLISH)
    assert register == (
        PatternRow("Men are found less often", first.rule, came, why),
        PatternRow("Dialects are missed", "—", "not_tested", "No rule of the plan is about it."),
    )


def test_the_register_stands_under_the_clauses_and_does_not_say_which_group() -> None:
    rule = passing_result().rules[0].rule
    part = section(page(declared(named_patterns={"Men are found less often": rule})), "safeguards")
    (register,) = [one for one in find_all(part, "table") if "patterns" in (one.get("class") or "")]
    rows = [[text(cell) for cell in row] for row in find_all(register, "tr")][1:]
    assert rows == [["Men are found less often", rule, "not found", "The limit of this rule is met."]]
    assert "whether it is the one that the pattern names" in text(register)


def test_the_register_of_a_pattern_about_probes_counts_changes() -> None:
    shown = ProbeRuleResult(
        rule="swap", probes=(), margin=0.05, outcome="fail", because="comparison_beyond_limit", level=0.05, reason="",
        comparisons_by_outcome={"fail": 3, "pass": 2, "inconclusive": 0, "not_evaluable": 0},
    )  # fmt: skip
    result = declared(named_patterns={"A nationality raises the score": "swap"}).model_copy(
        update={"probe_rules": (shown,)}
    )
    assert "swap found Changes beyond the limit of this rule: 3." in text(section(page(result), "safeguards"))


def test_without_a_pattern_there_is_no_register_and_what_is_left_out_is_said() -> None:
    shown = text(section(page(declared()), "safeguards"))
    assert "Patterns named in advance" not in shown
    assert shown.count("Left out: paragraphs 1, 4, 9(a) and 11, which ask nothing of a detector; and 7(g)") == 1


def test_a_result_without_these_tables_says_that_they_are_not_there() -> None:
    old = replaced(passing_result(), frameworks=(), impact_ratios=())
    shown = text(section(page(old), "frameworks"))
    assert "Not shown: this result holds no such table." in shown
    assert "Local Law 144" not in shown
