"""Waivers in public files: a finding is named where a row says that it is beyond the limit, and nowhere else."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from made.formats import format_files, text_of
from made.releases import made_release

from audit.disclosure.headline import with_waivers
from audit.disclosure.read import parse_release
from audit.public.cases import PublicCases, RowCase
from audit.public.release import PublicRelease, public_json
from audit.result.audit_result import Waiver

CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 39), st.booleans()), max_size=12)
"""For each waiver: whether it is of a row beyond the limit, which one, and whether it has expired."""
MANY = ("junit.xml", "report.sarif.json", "groups.csv")
"""Files that say every waiver with its reason; others end their lists, or have no room for a reason."""


def of_groups(release: PublicRelease) -> list[RowCase]:
    cases = [case for cases in PublicCases(release).by_rule.values() for case in cases]
    return [case for case in cases if case.row.group is not None]


def waived(chosen: list[tuple[bool, int, bool]]) -> tuple[PublicRelease, list[Waiver]]:
    release = made_release("fail")
    beyond = [case for case in of_groups(release) if case.word.word == "beyond"]
    others = [case for case in of_groups(release) if case.word.word != "beyond"]
    waivers: dict[tuple[str, str], Waiver] = {}
    for number, (is_named, place, has_expired) in enumerate(chosen):
        cases = beyond if is_named else others
        case = cases[place % len(cases)]
        assert case.row.group is not None
        waivers[case.rule.rule, case.row.key] = Waiver(
            rule=case.rule.rule,
            group=case.row.group,
            who=f"Office {place}",
            why=f"Reason R{number}x",
            expires="2020-02-29" if has_expired else "2031-12-01",
        )
    return with_waivers(release, waivers.values()), list(waivers.values())


@given(CASES)
@example([(True, 0, False), (True, 1, True), (False, 0, False), (False, 3, True)])
@settings(max_examples=settings().max_examples // 3)  # in each every format is written
def test_a_waived_finding_is_named_where_its_row_is_beyond_the_limit(chosen: list[tuple[bool, int, bool]]) -> None:
    release, waivers = waived(chosen)
    beyond = {(case.rule.rule, case.row.group) for case in of_groups(release) if case.word.word == "beyond"}
    named = [waiver for waiver in waivers if (waiver.rule, waiver.group) in beyond]
    unnamed = [waiver for waiver in waivers if waiver not in named]
    assert [waiver.group for waiver in release.waivers] == [*(each.group for each in named), *(None for _ in unnamed)]
    assert parse_release(public_json(release).encode()) == release
    for name, content in format_files(release).items():
        text = content.decode("utf-8")
        assert not any(waiver.why in text for waiver in unnamed), name
        if name in MANY:
            assert all(waiver.why in text for waiver in named), name


@given(CASES)
@settings(max_examples=settings().max_examples // 4)
def test_a_waiver_changes_no_word_and_no_figure(chosen: list[tuple[bool, int, bool]]) -> None:
    release, _ = waived(chosen)
    plain = release.model_copy(update={"waivers": ()})
    assert (plain.headline, plain.rows) == (release.headline, release.rows)
    assert text_of("badge.svg", plain) == text_of("badge.svg", release)
    for name, mark in (("junit.xml", "<failure "), ("report.sarif.json", '"ruleId"'), ("metrics.txt", "audit_group{")):
        assert text_of(name, plain).count(mark) == text_of(name, release).count(mark)
