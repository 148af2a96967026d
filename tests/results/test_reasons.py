"""Every reason without a verdict has its cure, and more cases are asked for only where more cases would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest
from made.audits import result_of
from made.counts import categorical, cells

from audit.cli.commands.run_command import _next_command
from audit.cli.console.terminal import Style
from audit.cli.pages.summary import rule_lines, summary
from audit.cli.pages.summary_lines import _TAKES
from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Because
from audit.result.reasons import CURES, Cure, cure_of, open_cures
from audit.stats.arrays import IntArray
from reports.junit import JunitReporter
from reports.language import ENGLISH
from reports.markdown import MarkdownReporter
from reports.sarif import SarifReporter
from reports.verdict_words import VerdictWriter
from reports.writer import Report, Writer

PLAIN = Style(colour=False, unicode=True)
DECIDED = {"beyond_limit", "beyond_limit_as_recorded", "within_limit"}


def made(rows: Mapping[str, IntArray]) -> AuditResult:
    rule = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}
    return result_of({(code,): of for code, of in rows.items()}, [categorical("sex", list(rows))], [rule])


@pytest.fixture(scope="module")
def held_back() -> AuditResult:
    """30 % missed in each group of 6,625 cases; a third of all people are of unknown sex."""
    return made(dict.fromkeys(("a", "b", "unknown"), cells(4637, 1988)))


def test_every_reason_without_a_verdict_has_a_cure_and_every_cure_its_words() -> None:
    assert set(CURES) | DECIDED == set(get_args(Because))
    assert {*CURES.values(), "more_of_others"} == set(get_args(Cure))
    assert {*_TAKES, "mend_system"} == set(get_args(Cure))


def test_people_of_unknown_group_are_the_reason_and_the_cure_in_every_exact_output(held_back: AuditResult) -> None:
    assert {one.because for one in held_back.verdicts if one.outcome == "inconclusive"} == {"unknown_attribute"}
    assert open_cures(held_back.rules, held_back.verdicts) == {"find_out_who": 2}
    shown = summary(held_back, PLAIN)
    assert "It takes: knowing who the unknown are (2 groups)" in shown
    assert "people of unknown group could change it (2)" in "\n".join(rule_lines(held_back, PLAIN))
    words = VerdictWriter(Report(held_back, ENGLISH)).write()
    assert "people whose group is unknown could change that" in words.sentence
    assert words.next_step.startswith(
        "Complete missing gender or nationality, lawfully and for this audit only; or justify"
    )
    for text in (shown, words.next_step):
        assert "more cases (" not in text
        assert "labelled cases" not in text
    reason = "it would pass, but for people whose group is unknown (2 groups)"
    for written in (JunitReporter(), SarifReporter(), MarkdownReporter()):
        assert reason in written.render(held_back)


def test_one_group_alone_takes_a_second_group_and_no_smaller_gap() -> None:
    alone = made({"a": cells(4000, 100)})
    assert alone.rules[0].because == "nothing_judged"
    assert open_cures(alone.rules, alone.verdicts) == {"second_group": 1}
    (line,) = rule_lines(alone, PLAIN)
    assert line.endswith(": nobody is left to compare with")
    assert "It takes: a second group to compare with (1 group)" in summary(alone, PLAIN)
    report = Report(alone, ENGLISH)
    assert Writer(report).why(alone.rules[0]) == "no group could be judged: nobody is left to compare with (1 group)"
    words = VerdictWriter(report).write()
    assert words.next_step.startswith("Add labelled cases of a second group to compare with.")
    for text in (line, summary(alone, PLAIN), words.sentence, words.next_step):
        assert "enough" not in text
        assert "gap" not in text


def test_the_command_that_comes_next_follows_the_cure(held_back: AuditResult) -> None:
    from pathlib import Path

    plan, out = Path("plan.toml"), Path("audit-out")
    assert "whom people of unknown group keep from a pass" in _next_command(held_back, plan, out)
    few = made({"a": cells(16, 4), "b": cells(16, 4)})
    assert "how many more cases each group needs" in _next_command(few, plan, out)


def test_cases_are_not_asked_for_where_so_many_are_unknown_that_none_would_help() -> None:
    """A group too small to be judged alone would only be held back once it was large enough."""
    result = made({"a": cells(400, 100), "b": cells(80, 20), "unknown": cells(1600, 400)})
    small = next(one for one in result.verdicts if one.group.levels[0].code == "b")
    assert not small.decidable
    assert small.cases_needed is None
    assert cure_of(small) == "more_of_others"


def test_cases_needed_count_people_of_unknown_group_against_a_pass() -> None:
    """An undecided group needs more of its own cases where some are unknown than where nobody is."""
    known = made({"a": cells(150, 50), "b": cells(800, 200)})
    some = made({"a": cells(150, 50), "b": cells(800, 200), "unknown": cells(8, 2)})
    needed = []
    for result in (known, some):
        (one,) = [one for one in result.verdicts if one.group.levels[0].code == "a"]
        assert one.because == "limit_not_excluded"
        assert one.cases_needed is not None
        needed.append(one.cases_needed)
    assert needed[0] < needed[1]
