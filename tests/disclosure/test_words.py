"""Words of rows: never against the exact audit, and never more than a row prints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from made.audits import gender, result_of
from made.releases import GENDERS, RULES, countries, made_release, made_result, published, rows_of, weighted

from audit.disclosure.restricted import restricted_folder
from audit.disclosure.rows import rows_of as rows_of_sides
from audit.disclosure.words import StandingWords, WordLog, Words
from audit.public.release import PublicRelease, PublicRow, PublicWord, WordReason
from audit.result.audit_result import AuditResult
from audit.stages import Scope
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS
from tools.attack.near_limits import result_of as result_at_limits
from tools.attack.words import GAP, drawn, judged, said, sets
from tools.attack.world import METHOD, realistic, world_ladders

KINDS = ("fail", "pass", "inconclusive", "good")
OUTCOMES = {"within": "pass", "beyond": "fail"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_contradicts_the_exact_audit(kind: str) -> None:
    result, release = made_result(kind), made_release(kind)
    exact = {(v.rule, group): v.outcome for v in result.verdicts for group in (v.group, *v.same_people)}
    said_of = [(word, row) for row in release.rows for word in row.words if word.word in OUTCOMES]
    for word, row in said_of:
        assert row.group is not None
        assert exact[word.rule, row.group] == OUTCOMES[word.word or ""]
    assert release.headline.outcome == result.overall.outcome
    assert {rule.rule: rule.outcome for rule in release.rules} == {rule.rule: rule.outcome for rule in result.rules}
    assert bool(said_of) == (kind != "inconclusive")


REASONS = {
    "limit_not_excluded": {
        "limit_not_excluded", "limit_cannot_be_exceeded", "unscored_cases", "too_many_failed",
    },
    "unknown_people": {"unknown_attribute", "several_nationalities"},
    "too_few_cases": {
        "judged_as_part", "too_few_cases", "too_few_clusters", "too_few_for_a_rate", "no_cases", "no_rest",
    },
}  # fmt: skip
"""Exact reasons behind a row that cannot be told. A pass that hangs on people whom no row prints has the reason that
the auditor knows: another would be false.
"""


def reasons_of(result: AuditResult, release: PublicRelease) -> set[str | None]:
    """Hold every word and its reason to the exact audit, and return the reasons that were given."""
    exact = {(v.rule, group): v for v in result.verdicts for group in (v.group, *v.same_people)}
    for row in release.rows:
        for word in row.words:
            verdict = None if row.group is None else exact.get((word.rule, row.group))
            assert (word.word is None) == (word.because is None) == (verdict is None), row.key
            if verdict is None:
                continue
            match word.because:
                case "beyond_limit" | "within_limit":
                    assert (word.word, verdict.outcome) in (("beyond", "fail"), ("within", "pass")), row.key
                case "too_few_in_public":
                    assert verdict.decidable, row.key
                case _ if word.word == "cannot_tell" and row.as_of < release.about.finished:
                    pass  # what was said of the same numbers, or lost since
                case "numbers_of_before":
                    raise AssertionError(row.key)
                case because:
                    assert verdict.because in REASONS[str(because)] or (row.errors is None and not verdict.decidable)
    failing = {verdict.rule for verdict in result.verdicts if verdict.outcome == "fail"}
    hinted = {word.rule for row in release.rows for word in row.words if word.word == "beyond" or word.smaller_beyond}
    assert hinted <= failing
    return {word.because for row in release.rows for word in row.words}


def test_every_reason_is_that_of_the_exact_audit_or_of_the_protection(tmp_path: Path) -> None:
    given = set().union(*(reasons_of(made_result(kind), made_release(kind)) for kind in KINDS))
    rows = rows_of(3_000, missed=0.01, places=8)
    features = [gender(tuple(GENDERS)), countries(sorted({code for _, code in rows}))]
    result = weighted(result_of(rows, features, RULES, scope=Scope.RECORDS))
    given |= reasons_of(result, published(result, tmp_path / "weighted"))
    rows = rows_of(3_000, gaps={("*", "NGA"): (0.25, 0.2)}, places=20)
    features = [gender(tuple(GENDERS)), countries(sorted({code for _, code in rows}))]
    for day in ("2026-01-01", "2027-01-01"):
        made = result_of(rows, features, RULES, scope=Scope.RECORDS)
        origin = made.provenance.model_copy(update={"finished": f"{day}T00:00:01.000Z"})
        result = made.model_copy(update={"provenance": origin})
        given |= reasons_of(result, published(result, tmp_path / "restricted"))
        for place, codes in enumerate(sorted(rows)):  # a few answers of some groups turn
            turned = min(4, int(rows[codes][0, 1])) if place % 7 == 0 else 0
            rows[codes][0, :2] += turned, -turned
    # what one answer turns is tested alone, below
    assert given - {None} == set(get_args(WordReason)) - {"numbers_of_before"}


def test_every_exact_fail_of_a_row_with_numbers_is_said() -> None:
    result, release = made_result("fail"), made_release("fail")
    fails = {(v.rule, group) for v in result.verdicts if v.outcome == "fail" for group in (v.group, *v.same_people)}
    shown = {(word.rule, row.group): word.word for row in release.rows if row.errors is not None for word in row.words}
    assert fails
    found = [shown[fail] for fail in fails if fail in shown]
    assert found == ["beyond"] * len(found)
    assert len(found) >= 3


def test_rows_that_join_several_groups_have_no_word() -> None:
    joined = [row for row in made_release("fail").rows if row.group is None]
    assert joined
    assert {word.word for row in joined for word in row.words} == {None}


def few_with_word() -> tuple[IntArray, list[PublicRow]]:
    """A set with rows of few errors that pass in public."""
    rng = np.random.default_rng(7)
    people = realistic(4_000, 0.97, rng).sum(axis=2)
    right = rng.binomial(people, np.where(rng.random(people.shape) < 0.1, 0.97 * GAP, 0.97))
    cells = np.stack([people - right, right], axis=2)
    _, rows, _ = said(cells, 0.97, bytes(32))
    return cells, [row for row in rows if row.few == "errors" and any(word.word == "within" for word in row.words)]


def with_errors(
    cells: IntArray, row: PublicRow, errors: int | None = None, right: int | None = None
) -> tuple[IntArray, Group]:
    """The set with so many errors in a row, or so many right answers."""
    ladders = world_ladders()
    group = row.group
    assert group is not None
    chosen = [np.ones(len(ladder.levels[0]), dtype=bool) for ladder in ladders]
    for level in group.levels:
        at = next(at for at, ladder in enumerate(ladders) if ladder.feature == level.feature)
        rung = ladders[at].rungs.index(level.rung)
        chosen[at] = np.array([ladders[at].levels[rung][to].code == level.code for to in ladders[at].climbs[rung]])
    changed = cells.copy()
    inside = np.outer(*chosen)
    people = cells.sum(axis=2)
    left = errors if errors is not None else int(people[inside].sum()) - (right or 0)
    for place in sorted(zip(*np.nonzero(inside), strict=True), key=lambda at: -int(people[at])):
        lost = min(int(people[place]), left)
        changed[place] = lost, people[place] - lost
        left -= lost
    return changed, group


def test_a_row_of_few_errors_passes_whatever_number_below_ten_it_has() -> None:
    cells, rows = few_with_word()
    assert len(rows) >= 3
    for row in rows[:3]:
        for errors in (0, 9):
            changed, group = with_errors(cells, row, errors)
            verdict = next(v for v in judged(changed, 0.97).verdicts if group in (v.group, *v.same_people))
            assert verdict.outcome == "pass", (row.key, errors)


def test_a_row_of_few_right_answers_fails_whatever_number_below_ten_it_has() -> None:
    cells = realistic(4_000, 0.8, np.random.default_rng(11))
    largest = np.argsort(-cells.sum(axis=(0, 2)))[6:9]
    for country in largest:
        lost = cells[:, country, 1] * 19 // 20  # nearly all are missed
        cells[:, country, 0] += lost
        cells[:, country, 1] -= lost
    _, rows, _ = said(cells, 0.8, bytes(32))
    failing = [row for row in rows if row.few == "right" and any(word.word == "beyond" for word in row.words)]
    assert failing
    for row in failing[:2]:
        for right in (0, 9):
            changed, group = with_errors(cells, row, right=right)
            verdict = next(v for v in judged(changed, 0.8).verdicts if group in (v.group, *v.same_people))
            assert verdict.outcome == "fail", (row.key, right)


def test_fails_and_passes_are_said_nearby() -> None:
    """A slice of `make simulate`: 85 % of fails at a row no wider than their sub-region, 80 % of passes of rows."""
    total: Counter[str] = Counter()
    for recall in (0.8, 0.97):
        for found in sets(20_000, recall, 2, np.random.default_rng([1, round(100 * recall)])):
            total += found
    assert total["contradicts"] == 0
    assert total["fails named"] >= 0.85 * total["fails"] > 8
    assert total["passes said"] >= 0.8 * total["passes that a row can carry"] > 50


def test_a_group_without_a_row_that_fails_is_hinted_at_where_it_cannot_be_found(tmp_path: Path) -> None:
    """All 25 women of a place are missed, and too few men are there for a row of these women."""
    rows = rows_of(6_000, places=12, seed=4)
    for sex, lost in (("woman", 25), ("man", 3)):
        cell = np.zeros((3, 4), dtype=np.int64)
        cell[0, 1] = lost
        rows[sex, "FJI"] = cell
    result = result_of(
        rows, [gender(tuple(GENDERS)), countries(sorted({code for _, code in rows}))], RULES, scope=Scope.RECORDS
    )
    assert any(v.outcome == "fail" and v.cases == 25 for v in result.verdicts)
    release = published(result, tmp_path / "restricted")
    hinted = [row for row in release.rows if any(word.smaller_beyond for word in row.words)]
    assert len(hinted) == 1
    assert hinted[0].errors is not None
    assert 25 <= hinted[0].errors <= hinted[0].people - 30
    assert not any("woman" in row.key and "FJI" in row.key for row in release.rows)
    assert not release.headline.no_group_named


@pytest.mark.parametrize(
    ("today", "before", "expected"),
    [
        ("within", "within", ("within", "within_limit")),
        ("within", "cannot_tell", ("cannot_tell", "limit_not_excluded")),
        ("within", "beyond", ("cannot_tell", "numbers_of_before")),
        ("beyond", "within", ("cannot_tell", "numbers_of_before")),
        ("beyond", "cannot_tell", ("cannot_tell", "limit_not_excluded")),
        ("cannot_tell", "within", ("cannot_tell", "numbers_of_before")),
        ("cannot_tell", "beyond", ("cannot_tell", "numbers_of_before")),
    ],
)
def test_the_word_of_numbers_that_stand_stands_as_long_as_the_audit_of_today_bears_it_out(
    today: str, before: str, expected: tuple[str, str]
) -> None:
    cells, side = two_countries_apart(), drawn(two_countries_apart(), bytes(32))
    assert side is not None
    rows = rows_of_sides([side], [METRICS["true_positive_rate"]], METHOD, 0.95)
    key = {"within": "NPL", "beyond": "PHL", "cannot_tell": "NGA"}[today]
    place = next(place for place, row in enumerate(rows) if row.key == f"nationality:country={key}")
    audit = judged(cells, 0.8)
    fresh = Words(audit, [side], rows, METHOD).rows()
    assert [word.word for word in fresh[place].words] == [today]
    reason: dict[str, WordReason] = {"within": "within_limit", "beyond": "beyond_limit"}
    rule = audit.plan.named_rules[0].id
    told = PublicWord.model_validate(
        {"rule": rule, "word": before, "because": reason.get(before, "limit_not_excluded")}
    )
    standing: list[StandingWords | None] = [None] * len(rows)
    standing[place] = StandingWords({rule: told})
    again = Words(audit, [side], rows, METHOD, standing).rows()
    assert [(word.word, word.because) for word in again[place].words] == [expected]
    assert [row for row in again if row.key != rows[place].key] == [row for row in fresh if row.key != rows[place].key]
    standing[place] = StandingWords(None)
    (untold,) = Words(audit, [side], rows, METHOD, standing).rows()[place].words
    assert (untold.word, untold.because) == ("cannot_tell", "too_few_in_public")


def test_a_fail_that_one_answer_turns_is_taken_back_for_good_and_no_number_changes(tmp_path: Path) -> None:
    def at(errors: int) -> AuditResult:
        counts = {"NPL": (errors, 400 - errors), "PHL": (300, 300), "NGA": (90, 510), "unknown": (12, 48)}
        return result_at_limits(women(counts))

    def outcome(errors: int) -> str:
        levels = (Level("nationality", "country", "NPL"),)
        return next(v.outcome for v in at(errors).verdicts if Group(levels) in (v.group, *v.same_people))

    edge = next(errors for errors in range(100, 400) if outcome(errors) == "fail")
    restricted = tmp_path / "restricted"
    releases = [published(at(errors), restricted) for errors in (edge, edge - 1, edge)]
    rows = [next(row for row in of.rows if row.key == "nationality:country=NPL") for of in releases]
    words = [[(word.word, word.because) for word in row.words] for row in rows]
    assert words == [[("beyond", "beyond_limit")], *[[("cannot_tell", "numbers_of_before")]] * 2]
    assert len({row.model_copy(update={"words": ()}).model_dump_json() for row in rows}) == 1
    assert {of.headline.outcome for of in releases} == {"fail"}  # another nationality fails beside it


def two_countries_apart() -> IntArray:
    """Women of four countries: one found as often as others, one far less often, one at its limit."""
    return women({"NPL": (90, 510), "PHL": (200, 200), "NGA": (140, 260), "VNM": (160, 840), "unknown": (12, 48)})


def women(of: Mapping[str, tuple[int, int]]) -> IntArray:
    """int64[genders, countries, 2]: errors and right answers of women by country."""
    codes = [[level.code for level in ladder.levels[0]] for ladder in world_ladders()]
    cells = np.zeros((len(codes[0]), len(codes[1]), 2), dtype=np.int64)
    for country, counts in of.items():
        cells[codes[0].index("woman"), codes[1].index(country)] = counts
    return cells


def test_words_are_those_of_the_numbers_and_of_the_limits_that_they_were_said_under() -> None:
    plan, row = made_result("fail").plan, next(row for row in made_release("fail").rows if len(row.words) == 1)
    rule = plan.rules[0]
    log = WordLog({"said": {}}, plan)
    assert log.standing(row, "0.1") is None
    log.add(row, "0.1")
    again = WordLog(json.loads(json.dumps({"said": log.to_json()})), plan)
    assert again.standing(row, "0.1") == StandingWords({word.rule: word for word in row.words})
    assert again.standing(row, "0.2") is None
    for look in range(1, 9):  # another limit is a further look at the same people, and there are eight
        other = plan.model_copy(update={"every_rule": (rule.model_copy(update={"margin": 0.1 + look / 100}),)})
        log = WordLog({"said": log.to_json()}, other)
        assert log.standing(row, "0.1") == (StandingWords(None) if look == 8 else None)
        log.add(row, "0.1")
    assert WordLog({"said": log.to_json()}, plan).standing(row, "0.1") is not None


def test_another_reason_or_owner_is_no_other_limit() -> None:
    plan, row = made_result("fail").plan, made_release("fail").rows[1]
    log = WordLog({"said": {}}, plan)
    log.add(row, "0.1")
    rules = tuple(rule.model_copy(update={"reason": "other words"}) for rule in plan.every_rule)
    assert WordLog({"said": log.to_json()}, plan.model_copy(update={"every_rule": rules})).standing(row, "0.1")


def test_a_log_of_before_words_stood_gives_the_words_that_were_printed_last(tmp_path: Path) -> None:
    result, restricted = made_result("fail"), tmp_path / "restricted"
    release = published(result, restricted)
    with restricted_folder(restricted) as folder:
        told = dict(folder.last["sides"])
    old = {name: part for name, part in told.items() if name != "said"}
    old["words"] = {f"{row.side} {row.key}": {} for row in release.rows if row.words}
    log = WordLog(old, result.plan, release.rows)
    for name, draws in told["said"].items():
        for draw, looks in draws.items():
            for words in looks.values():
                assert not words or log.to_json()[name][draw] == {log_limits(told): words}


def log_limits(told: Mapping[str, Any]) -> str:
    return next(str(look) for draws in told["said"].values() for looks in draws.values() for look in looks)


def test_a_pass_near_its_limit_is_not_said() -> None:
    """One person more or less, or answered otherwise, does not take the word back that is said."""
    told: list[str | None] = []
    for errors in range(60, 140):
        audit, rows, _ = said(
            women({"NPL": (errors, 400 - errors), "PHL": (80, 320), "NGA": (80, 320)}), 0.8, bytes(32)
        )
        row = next(row for row in rows if row.key == "nationality:country=NPL")
        if next(v.outcome for v in audit.verdicts if row.group in (v.group, *v.same_people)) == "pass":
            told.append(row.words[0].word)
    assert told[-2:] == ["cannot_tell"] * 2
    assert told[-6:-3] == ["within"] * 3


def test_other_limits_are_another_look_and_the_old_ones_give_the_old_words(tmp_path: Path) -> None:
    cells = women({"NPL": (90, 510), "PHL": (200, 200), "NGA": (100, 300), "VNM": (160, 840), "unknown": (12, 48)})
    (rule,) = result_at_limits(cells).plan.every_rule
    results = [
        result_at_limits(cells, every_rule=(rule.model_copy(update={"margin": margin}),)) for margin in (0.1, 0.4, 0.1)
    ]
    releases = [published(result, tmp_path / "restricted") for result in results]
    words = [[[word.word for word in row.words] for row in of.rows] for of in releases]
    numbers = [[(row.people, row.errors) for row in of.rows] for of in releases]
    assert words[0] == words[2] != words[1]
    assert numbers[0] == numbers[1] == numbers[2]
