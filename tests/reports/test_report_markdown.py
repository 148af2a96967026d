"""The restricted Markdown: a comment that names the change fully, with exact counts, and in which no text is markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made.change_told import change_told
from made.changes import ask, made_pair, write_plan, write_result_of
from made.entry_points import offered_by_this_version
from made.hostile import everywhere
from made.results import failing_result, passing_result, undecided_result
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.result.audit_result import AuditResult
from audit.result.reading import changed_groups
from reports.markdown import MarkdownReporter

_CODE = re.compile(r"`[^`\n]*`")
OWN_TAGS = ("<details>", "<summary>", "</summary>", "</details>")


def outside_code(text: str) -> str:
    """What a reader of Markdown would take for markup, without our own tags."""
    for tag in OWN_TAGS:
        text = text.replace(tag, "")
    return _CODE.sub("", text)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version 1 that was audited, and a version 2 that became worse for the south."""
    folder = tmp_path_factory.mktemp("pair")
    made_pair(folder, worse=0.12, moved=0.01, rows=6000)
    write_result_of(folder / "plan-1.toml", folder / "one")
    write_plan(folder, 2, extra="[scoring]\nbatch_size = 100\n")
    write_result_of(folder / "plan-2.toml", folder / "two")
    return folder


def test_it_tells_the_whole_change(pair: Path) -> None:
    result = ask(pair / "plan-2.toml", pair / "one")
    text, change = MarkdownReporter().render(result), result.change
    assert change is not None
    assert "### Worse since " in text
    assert "Held against `Screener 1`." in text or "Held against Screener 1." in text
    assert "compared one by one" in text
    assert "differ in: detector, `audit.title`, scoring." in text
    assert "Restricted: exact counts can single out people; not for publication." in text
    (south,) = (one for one in change.verdicts if one.outcome == "fail")
    row = next(line for line in text.splitlines() if " = south |" in line)
    assert "| worse |" in row
    assert f"({south.then_numerator} of {south.then_denominator})" in row
    assert f"({south.now_numerator} of {south.now_denominator})" in row
    assert f"{south.lost} for the worse, {south.gained} for the better, of {south.n}" in row
    assert text.index("### Worse since") < text.index("<details>")


def test_compare_writes_it_for_its_owner_alone(pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path / "site")))
    monkeypatch.chdir(pair)
    comment = tmp_path / "change.md"
    asked = ["compare", "one", "two", "--plan", "plan-2.toml", "--out"]
    done = CliRunner().invoke(app, [*asked, str(comment), "--quiet"])
    assert done.exit_code == 1, done.output
    assert comment.stat().st_mode & 0o077 == 0
    assert "### Worse since " in comment.read_text(encoding="utf-8")
    refused = CliRunner().invoke(app, [*asked, "change.txt"])
    assert refused.exit_code == 2
    assert "end its name in .html or .md" in refused.stderr


@pytest.mark.parametrize("result", [failing_result(), undecided_result(), passing_result()])
def test_without_an_earlier_audit_it_tells_the_verdict_alone(result: AuditResult) -> None:
    text = MarkdownReporter().render(result)
    assert "since" not in text
    assert all(rule.rule in text for rule in result.rules)
    assert text == MarkdownReporter().render(result)
    changed = result.model_copy(update={"change": change_told(result)})
    assert "### Not worse since 1 January 2026" in MarkdownReporter().render(changed)


def test_a_group_without_a_rate_is_no_further_row() -> None:
    """The table leaves it out wherever it stands, so that it is not one of those left out for length."""
    result = passing_result()
    change = change_told(result)
    *shown, last = change.verdicts
    verdicts = (*shown, last.model_copy(update={"outcome": "not_evaluable"}))
    changed = result.model_copy(update={"change": change.model_copy(update={"verdicts": verdicts})})
    assert len(changed_groups(change)) > 1
    assert "more in `result.json`" not in MarkdownReporter().render(changed)
    nobody = tuple(one.model_copy(update={"outcome": "not_evaluable"}) for one in verdicts)
    changed = result.model_copy(update={"change": change.model_copy(update={"verdicts": nobody})})
    assert "What became of it" not in MarkdownReporter().render(changed)


def test_rows_left_out_for_length_are_counted() -> None:
    result = passing_result()
    change = change_told(result)
    first = change.verdicts[0]
    many = tuple(
        first.model_copy(update={"rule": f"rule-{place}", "outcome": "not_evaluable" if place > 22 else "pass"})
        for place in range(30)
    )
    rules = tuple(change.rules[0].model_copy(update={"rule": verdict.rule}) for verdict in many)
    changed = result.model_copy(update={"change": change.model_copy(update={"rules": rules, "verdicts": many})})
    assert "\n3 more in `result.json`.\n" in MarkdownReporter().render(changed)


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script> <!-- <details open>",
        "[a](https://example.org) ![b](//example.org) @somebody #12 owner/repo@0123456",
        "`code` ``` | --- | **x** __y__",
        "line\nbreak\r\n# head\n- item",
        "\u202ereversed",
        "www.example.org example.org",
    ],
)
def test_what_others_wrote_is_no_markup(payload: str) -> None:
    text = MarkdownReporter().render(everywhere(lambda word: f"{word} {payload}"))
    assert "### Not worse since" in text
    left = outside_code(text)
    for mark in ("<", "](", "![", "@somebody", "example", "**x**", "# head\n", "- item\n", "\u202e", "`"):
        assert mark not in left, mark
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {line.count("|") for line in rows}
    assert widths <= {4, 5, 8}
