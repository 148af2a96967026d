"""Remedies: who is in which half, the ordinary verdict on the other half, who pays, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made.counts import categorical, group, plan_of
from made.pages import find_all, parsed, text
from made.remedies import PLAN, cases, half_of, write
from statsmodels.stats.contingency_tables import SquareTable

import audit
from audit import AuditError, remedy, run_audit
from audit.counting.score_table import HalvedScores
from audit.counting.table import FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, count_families
from audit.notebook import NotebookRemedies
from audit.plan.file.plan_file import loaded_plan
from audit.remedies.next_plan import chosen_remedy, next_plan
from audit.remedies.ways_to_flag import Half, Limits
from audit.result.findings.remedies import Option, Tried
from audit.stages import Scope
from audit.verdicts.decidability import plan_decidability
from audit.vocabulary.groups import LevelName
from reports.html.remedies import front_chart, remedies_panel
from reports.language import ENGLISH


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return cases()


@pytest.fixture(scope="module")
def found(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> NotebookRemedies:
    folder = tmp_path_factory.mktemp("set")
    write(folder, table)
    (folder / "plan.toml").write_text(toml(PLAN), encoding="utf-8")
    return remedy(folder / "plan.toml", per_group="a law of the land")


def toml(plan: dict[str, Any]) -> str:
    from audit.remedies.next_plan import as_toml

    return as_toml(plan)


def judging(table: pd.DataFrame, found: NotebookRemedies) -> pd.DataFrame:
    return table[half_of(table["case"], found.seed, found.cases_sha256) == 1]


def flags(option: Option, rows: pd.DataFrame) -> pd.Series[bool]:
    """What a way to flag makes of rows, computed row by row."""
    own = {each.group.root[0].code if each.group else None: each.threshold for each in option.thresholds}
    if option.way == "as_it_is":
        return rows["score"] >= 0.5
    if option.way == "capacity":
        raise AssertionError("a capacity is no threshold")
    return rows["score"] >= rows["origin"].map(lambda origin: own.get(origin, own.get(None, 0.5)))


def of_threshold(found: NotebookRemedies) -> list[Option]:
    every: list[Option] = [found.as_it_is, *found.tried, *found.front]
    return [one for one in every if one.way in ("as_it_is", "threshold", "per_group")]


def test_both_halves_are_counted_as_a_row_by_row_count_does(table: pd.DataFrame, found: NotebookRemedies) -> None:
    half = half_of(table["case"], found.seed, found.cases_sha256)
    assert found.rows == ((half == 0).sum(), (half == 1).sum())
    assert abs(found.rows[0] - 3_000) < 4 * np.sqrt(1_500)
    assert len(of_threshold(found)) > 10
    for option in of_threshold(found):
        for place, counted in enumerate((option.where_chosen, option.elsewhere)):
            rows = table[half == place]
            flagged, victim = flags(option, rows), rows["label"] == 1
            assert (counted.missed, counted.victims) == ((victim & ~flagged).sum(), victim.sum())
            assert (counted.wrongly_flagged, counted.others) == ((~victim & flagged).sum(), (~victim).sum())
            gaps = []
            for label, sign in ((1, -1), (0, 1)):
                rate = flagged[rows["label"] == label].groupby(rows["origin"]).mean()
                gaps += [sign * (rate["south"] - rate["north"]) - 0.1, sign * (rate["north"] - rate["south"]) - 0.1]
            assert counted.beyond == pytest.approx(max(gaps))


def test_it_is_confirmed_by_the_verdict_that_a_run_on_the_other_half_gives(
    table: pd.DataFrame, found: NotebookRemedies
) -> None:
    rows = judging(table, found)
    assert {one.status for one in found.tried} >= {"confirmed"}
    for one in found.tried:
        if one.way not in ("threshold", "per_group"):
            continue
        decided = rows.assign(decided=flags(one, rows).astype(int).astype(str))
        plan = {**PLAN, "detector": {"kind": "predictions", "decision": "decided"}}
        plan["evaluation_set"] = {key: value for key, value in PLAN["evaluation_set"].items() if key != "path"}
        plan["verdict"] = {"alpha": 0.05 / 5}
        result = run_audit(plan, decided, crosscheck=False, scope=Scope.RECORDS)
        assert (result.overall.outcome,) == one.outcomes
        assert one.status == {"pass": "confirmed", "fail": "not_confirmed"}.get(one.outcomes[0], "not_decidable")


def with_few_failing() -> pd.DataFrame:
    table = cases(shift=0.0, few=150, seed=4)
    table.loc[:149, "origin"] = "islands"
    table.loc[:149, "label"] = (np.arange(150) < 70).astype(int)
    score = 0.47 + 0.25 * table["label"] - 0.18 * (table.index < 150) + np.random.default_rng(4).normal(0, 0.15, 6_000)
    return table.assign(score=score.clip(0, 1).round(3))


def test_nothing_is_confirmed_while_nobody_judges_the_group_that_fails(tmp_path: Path) -> None:
    table, plan = with_few_failing(), {**PLAN, "rules": PLAN["rules"][:1]}
    write(tmp_path, table)
    failed = [
        one.group
        for one in run_audit(plan, table, crosscheck=False, scope=Scope.RECORDS).verdicts
        if one.outcome == "fail"
    ]
    assert [group.root[0].code for group in failed] == ["islands"]
    found = remedy(plan, folder=tmp_path)
    assert found.tried
    for one in found.tried:
        assert set(one.outcomes) == {"pass"}
        assert (one.status, one.silent) == ("not_decidable", tuple(failed))
        assert one.more_cases
    assert found.too_few == tuple(failed)
    said = remedies_panel(found)
    assert "Too few in a half to be judged by every rule here: Origin = islands." in said
    assert "and undecided on those that it was not chosen on: Origin = islands." in said
    page = found.report(restricted=True).content
    assert isinstance(page, str)
    assert page.count("Too few in a half to be judged by every rule here: Origin = islands.") == 1


@pytest.mark.parametrize(("metric", "route"), [
    ("selection_rate", "services"), ("accuracy", "services"), ("selection_rate", "enforcement"),
])  # fmt: skip
def test_levelling_down_is_said_of_the_error_that_grew(metric: str, route: str) -> None:
    rng = np.random.default_rng(1)
    label, south = (rng.random(6_000) < 0.8).astype(int), rng.random(6_000) < 0.4
    table = pd.DataFrame({"case": [f"c{n}" for n in range(6_000)], "label": label})
    table["origin"] = np.where(south, "south", "north")
    score = np.where(south, 0.42 + 0.12 * label, 0.45 + 0.25 * label) + rng.normal(0, 0.12, 6_000)
    table["score"] = score.clip(0, 1).round(3)
    plan = {**PLAN, "audit": {**PLAN["audit"], "route": route}, "rules": [{**PLAN["rules"][0], "metric": metric}]}
    plan["evaluation_set"] = {key: value for key, value in PLAN["evaluation_set"].items() if key != "path"}
    found = remedy(plan, table, ways=["threshold"])
    fewer = [one for one in found.tried if one.elsewhere.missed > found.as_it_is.elsewhere.missed]
    first, *lines = remedies_panel(found).splitlines()
    said = [line for line in lines if "(levelling down). What the remedy does: " in line]
    assert fewer
    if route == "enforcement":  # fewer flags are a gain there
        assert not any(one.levelled_down for one in fewer)
        assert not {str(one.number) for one in fewer} & set(first.partition("Levelling down: ")[2])
    else:
        assert [one for one in found.tried if one.levelled_down] == fewer
        assert len(said) == len(fewer)
        assert first.endswith(f"Levelling down: {'; '.join(str(one.number) for one in fewer)}.")
        assert [int(line.split(".")[0]) for line in said] == [one.number for one in fewer]
        assert all("has less of it beyond chance: Missed. " in line for line in said)


def test_fewer_wrong_flags_alone_level_nobody_down_and_what_does_is_taken_last() -> None:
    """No victim scores below .9: of 0.5 and 0.9 as thresholds, the higher one harms nobody, and fewer are selected."""
    rng = np.random.default_rng(3)
    label, south = (rng.random(8_000) < 0.3).astype(int), rng.random(8_000) < 0.5
    table = pd.DataFrame({"case": [f"c{n}" for n in range(8_000)], "label": label})
    table["origin"] = np.where(south, "south", "north")
    table["score"] = np.where(label == 1, 0.95, rng.random(8_000) * np.where(south, 0.85, 0.6)).round(3)
    plan = {**PLAN, "rules": [{"metric": "selection_rate", "groups": ["origin"], "margin": 0.08}]}
    plan["evaluation_set"] = {key: value for key, value in PLAN["evaluation_set"].items() if key != "path"}
    found = remedy(plan, table, ways=["threshold"])
    one = next(each for each in found.tried if each.status == "confirmed")
    assert one.elsewhere.missed == 0
    assert one.elsewhere.wrongly_flagged < found.as_it_is.elsewhere.wrongly_flagged
    assert one.levelled_down == ()
    assert "evelling down" not in remedies_panel(found)
    down = one.model_copy(update={"levelled_down": ("selection_rate",)})
    hidden = remedies_panel(found.model_copy(update={"tried": (down,)}))  # as those too few to judge may hide it
    assert "has less of it beyond chance: Flagged." in hidden
    people = one.model_copy(update={"status": "confirmed_if_people_are_right", "number": 2})
    assert chosen_remedy(found.model_copy(update={"tried": (down, people)}), None) is people
    alone = found.model_copy(update={"tried": (down,)})
    asked = loaded_plan({**plan, "evaluation_set": PLAN["evaluation_set"]}, Path())
    levels = "# It levels down: groups come together by more harm"
    assert levels in next_plan(asked, alone, chosen_remedy(alone, None))
    assert levels not in next_plan(asked, found, one)


def test_who_gains_and_who_pays_are_the_decisions_that_change_sides(
    table: pd.DataFrame, found: NotebookRemedies
) -> None:
    rows = judging(table, found)
    (one,) = [one for one in found.tried if one.way == "per_group"][:1]
    assert {effect.group.root[0].code for effect in one.effects if effect.group} == {"north", "south"}
    for effect in one.effects:
        assert effect.group is not None
        label = 1 if effect.error == "missed" else 0
        own = rows[(rows["origin"] == effect.group.root[0].code) & (rows["label"] == label)]
        wrong = 1 - label
        before, after = ((own["score"] >= 0.5) == wrong), (flags(one, own) == wrong)
        assert (effect.cases, effect.before, effect.after) == (len(own), before.sum(), after.sum())
        assert effect.change == pytest.approx(after.mean() - before.mean())
        assert effect.low <= effect.change <= effect.high
        if before.sum() != after.sum():
            pairs = SquareTable(pd.crosstab(before, after).reindex([False, True], axis=0, fill_value=0)
                                .reindex([False, True], axis=1, fill_value=0), shift_zeros=False)  # fmt: skip
            discordant = pairs.table[0, 1] + pairs.table[1, 0]
            wald = 1.96 * np.sqrt(discordant) / len(own)
            assert effect.high - effect.low == pytest.approx(2 * wald, rel=0.35)


def test_a_band_supposes_that_people_are_right_as_often_in_every_group(table: pd.DataFrame, tmp_path: Path) -> None:
    write(tmp_path, cases(shift=0.06))
    found = remedy(PLAN, ways=["band"], folder=tmp_path, review_right=(0.8, 0.9))
    rows = judging(cases(shift=0.06), found)
    bands = [one for one in (*found.tried, *found.front) if one.way == "band"]
    assert bands
    for one in bands:
        assert one.band_from is not None
        inside = (rows["score"] >= one.band_from) & (rows["score"] < one.thresholds[0].threshold)
        assert one.to_people == inside.sum() <= 0.35 * len(rows)
        for label, counted in ((1, one.elsewhere.missed), (0, one.elsewhere.wrongly_flagged)):
            of = rows["label"] == label
            above = (of & (rows["score"] >= one.thresholds[0].threshold)).sum()
            right, people = (0.8 if label else 0.2), (of & inside).sum()
            flagged = above + people * right
            assert counted == pytest.approx(of.sum() - flagged if label else flagged, abs=1.01)
        if isinstance(one, Tried):
            assert len(one.outcomes) == 3
            assert (one.status == "confirmed_if_people_are_right") == (one.outcomes[:2] == ("pass", "pass"))


def test_a_band_is_confirmed_in_no_place_without_the_supposition_that_people_are_right() -> None:
    plan = {**PLAN, "evaluation_set": {key: value for key, value in PLAN["evaluation_set"].items() if key != "path"}}
    found = remedy(plan, cases(20_000, shift=0.03), ways=["band"], review_right=(0.8, 0.9))
    (one,) = found.tried
    assert one.status == "confirmed_if_people_are_right"
    panel, page = remedies_panel(found), text(parsed(str(found.report(restricted=True).content)))
    assert panel.startswith("Confirmed only if people are right as often as is supposed: 1.\n")
    for said, places in ((page, 1), (panel, 2)):
        assert said.count("Confirmed if people are right in 80 to 90 of 100 cases of every group, on") == places
        assert "Confirmed on cases" not in said
    assert chosen_remedy(found, None) is one
    sure = one.model_copy(update={"status": "confirmed", "number": 2})
    assert chosen_remedy(found.model_copy(update={"tried": (one, sure)}), None) is sure


def test_the_halves_follow_from_ids_and_seed_and_from_no_order_or_format(
    table: pd.DataFrame, found: NotebookRemedies, tmp_path: Path
) -> None:
    shuffled = table.sample(frac=1, random_state=3)
    shuffled.to_parquet(tmp_path / "cases.parquet")
    plan = {**PLAN, "evaluation_set": {**PLAN["evaluation_set"], "path": "cases.parquet"}}
    again = remedy(plan, folder=tmp_path, per_group="a law of the land")
    assert again.plan_sha256 != found.plan_sha256
    assert again.model_copy(update={"plan_sha256": found.plan_sha256}).to_json() == found.to_json()
    other = remedy({**plan, "verdict": {"seed": 5}}, folder=tmp_path)
    assert (other.seed, found.seed) == (5, 0)
    assert other.rows != found.rows


def test_clusters_stay_whole_and_are_described_and_never_confirmed(table: pd.DataFrame, tmp_path: Path) -> None:
    clustered = table.assign(family=[f"f{n // 5}" for n in range(len(table))])
    clustered.to_csv(tmp_path / "cases.csv", index=False)
    plan = {**PLAN, "evaluation_set": {**PLAN["evaluation_set"], "cluster": "family"}}
    found = remedy(plan, folder=tmp_path)
    assert found.rows[0] % 5 == found.rows[1] % 5 == 0
    assert found.unused == ("clusters",)
    assert found.tried
    assert {(one.status, one.outcomes, one.more_cases) for one in found.tried} == {("described", (), ())}


def test_a_group_of_few_has_no_threshold_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, cases(few=60))
    found = remedy(PLAN, folder=tmp_path, per_group="a law of the land")
    own = [one for one in (*found.tried, *found.front) if one.way == "per_group"]
    assert own
    for one in own:
        named = {each.group.root[0].code if each.group else None: each.threshold for each in one.thresholds}
        assert set(named) == {"north", "south", None}
        assert named[None] == 0.5


def test_no_group_has_a_threshold_of_its_own_without_a_reason(tmp_path: Path) -> None:
    write(tmp_path, cases())
    found = remedy(PLAN, folder=tmp_path)
    assert all(len(one.thresholds) < 2 for one in (*found.tried, *found.front))
    with pytest.raises(AuditError, match="no reason is given"):
        remedy(PLAN, folder=tmp_path, per_group=" ")


def test_levelling_down_is_said_where_a_gap_shrinks_and_nobody_gains(found: NotebookRemedies) -> None:
    (one,) = [one for one in found.tried if one.way == "threshold"][:1]
    assert one.levelled_down
    missed = {effect.group: effect.change for effect in one.effects if effect.error == "missed"}
    wrong = {effect.group: effect.change for effect in one.effects if effect.error == "wrongly_flagged"}
    assert ("true_positive_rate" in one.levelled_down) == all(change > 0 for change in missed.values())
    assert ("false_positive_rate" in one.levelled_down) == all(change > 0 for change in wrong.values())
    own = [each for each in found.tried if each.way == "per_group" and not each.levelled_down]
    assert own
    assert all(min(effect.change for effect in each.effects) < 0 for each in own)


def of_counts(groups: dict[str, tuple[int, int, int]], rest: int = 1_000) -> tuple[Limits, Half]:
    """Limits and a half of cases of exploitation of groups: with scores high, middle and low; the middle is flagged."""
    scored = np.zeros((2, len(groups), 3, 2, 200), dtype=np.int64)
    for place, cases_of in enumerate(groups.values()):
        for level, (now, number) in enumerate(zip((FLAGGED, FLAGGED, NOT_FLAGGED), cases_of, strict=True)):
            scored[:, place, POSITIVE, now, (190, 100, 10)[level]] = number
        scored[:, place, NEGATIVE, NOT_FLAGGED, 5] = rest
    codes = tuple((name,) for name in sorted(groups))
    unscored = np.zeros((2, len(groups), 3, 4), dtype=np.int64)
    scores = HalvedScores(("origin",), codes, (0.0, 1.0), scored, unscored)
    feature = categorical("origin", list(groups))
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], [feature])
    groups_of = plan.groups["origin"].model_copy(update={"min_cases": 10})
    plan = plan.model_copy(update={"groups": {"origin": groups_of}})
    counted = count_families(plan.groups, plan.rules, scores.table(0, scores.as_it_is(0).sum(axis=2)), [feature])
    decided = plan_decidability(plan, counted, {"origin": feature})
    return Limits(plan, scores, {"origin": feature}, [decided, decided]), Half(scores, 0)


@pytest.mark.parametrize(("gains", "levels"), [(1, True), (8, False)])
def test_one_person_of_a_group_of_twelve_does_not_hide_that_all_others_level_down(gains: int, levels: bool) -> None:
    limits, half = of_counts({"a": (500, 300, 200), "b": (500, 50, 450), "c": (2, 2, 8)})
    assert {group.root[0].code for _, group in limits.judged} == {"a", "b", "c"}
    now, after = half.scores.as_it_is(0), half.flagged(np.array([[150, 150, 50]]))[0]
    after[2, POSITIVE, NOT_FLAGGED] += gains
    assert limits.levelled_down(half, now, after) == (("true_positive_rate",) if levels else ())


def test_a_gap_that_shrinks_as_one_person_gains_and_another_loses_is_no_levelling_down() -> None:
    limits, half = of_counts({"a": (500, 300, 200), "b": (500, 50, 450)})
    now = half.scores.as_it_is(0)
    after = now.copy()
    after[0, POSITIVE, FLAGGED] -= 1
    assert limits.levelled_down(half, now, after) == ("true_positive_rate",)
    after[1, POSITIVE, NOT_FLAGGED] += 1
    assert limits.levelled_down(half, now, after) == ()


def test_page_and_terminal_name_so_many_of_hundreds_of_groups_and_count_the_rest(found: NotebookRemedies) -> None:
    groups = tuple(group(origin=f"g{n:03}") for n in range(300))
    one = found.tried[0].model_copy(update={"silent": groups})
    levels = tuple(LevelName(rung="level", code=f"g{n:03}", name=f"g{n:03}") for n in range(300))
    features = tuple(each.model_copy(update={"levels": each.levels + levels}) for each in found.features)
    many = found.model_copy(update={"too_few": groups, "tried": (one,), "features": features})
    page = text(parsed(str(many.report(restricted=True).content)))
    for said in (page, remedies_panel(many)):
        assert said.count("Origin = g003; and 296 more, in remedy.json.") == 2
        assert "g004" not in said


def test_no_two_numbers_of_the_picture_lie_on_each_other(found: NotebookRemedies) -> None:
    (own, *_) = [one for one in found.tried if one.way == "per_group"]
    same = [own.model_copy(update={"number": number}) for number in range(1, 6)]
    axes = ("Missed", "Wrongly flagged")
    for crowd in (found.tried, same):
        drawn = parsed(f"<!DOCTYPE html><title>t</title>{front_chart(crowd, 't', axes, ENGLISH.numbers)}")
        at = [(float(each.get("x") or 0), float(each.get("y") or 0)) for each in find_all(drawn, "text")
              if text(each).strip() in "12345"]  # fmt: skip
        assert len(at) == len(crowd)
        for place, (x, y) in enumerate(at):
            assert all(abs(x - other) >= 12 or abs(y - below) >= 18 for other, below in at[:place])


def test_costs_of_the_plan_choose_where_it_has_them(tmp_path: Path) -> None:
    write(tmp_path, cases())
    chosen = {}
    for missed, flagged in ((10, 1), (1, 10)):
        plan = {**PLAN, "costs": {"cost_missed": missed, "cost_flagged": flagged}}
        found = remedy(plan, folder=tmp_path, per_group="a law")
        one = next(one for one in found.tried if one.way == "per_group")
        chosen[missed] = one.where_chosen
    assert chosen[10].missed < chosen[1].missed
    assert chosen[10].wrongly_flagged > chosen[1].wrongly_flagged


def test_at_most_five_are_tried_and_the_least_intrusive_stand_first(found: NotebookRemedies) -> None:
    order = ["threshold", "capacity", "band", "per_group"]
    ways = [one.way for one in found.tried]
    assert 1 < len(ways) <= 5
    assert ways == sorted(ways, key=order.index)
    assert [one.number for one in found.tried] == list(range(1, len(ways) + 1))
    for one in found.tried:
        assert one.where_chosen.beyond is not None
        assert one.where_chosen.beyond <= 0


@pytest.mark.parametrize(("change", "said"), [
    ({"detector": {"kind": "predictions", "decision": "label2"}}, "gives no scores"),
    ({"groups": {"origin": {"column": "origin", "coding": "categorical", "min_cases": 5_000}}}, "no group is large"),
])  # fmt: skip
def test_what_cannot_be_looked_at_is_one_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    cases(300).assign(label2="1").to_csv(tmp_path / "cases.csv", index=False)
    with pytest.raises(AuditError, match=said):
        remedy({**PLAN, **change}, folder=tmp_path)


def test_a_result_and_its_plan_give_the_same_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, cases(3_000))
    (tmp_path / "model.py").write_text("def score(batch):\n    return [float(x) for x in batch['score']]\n", "utf-8")
    detector = {"kind": "python", "entry": "model:score", "features": ["score"], "threshold": 0.5}
    (tmp_path / "plan.toml").write_text(toml({**PLAN, "detector": detector}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    audited = run_audit("plan.toml", predictions_to=tmp_path / "predictions.parquet", crosscheck=False)
    audited.save(".")
    once = remedy(tmp_path)
    assert once.to_json() == remedy("plan.toml").to_json()
    assert (once.plan_sha256, once.seed) == (audited.provenance.plan_sha256, audited.plan.verdict.seed)
    moved = cases(3_000, seed=2)
    moved.to_csv(tmp_path / "cases.csv", index=False)
    with pytest.raises(AuditError, match="another evaluation set"):
        remedy("result.json")


def test_what_it_returns_is_restricted_and_reads_back(found: NotebookRemedies) -> None:
    assert NotebookRemedies.model_validate_json(found.to_json()) == found
    with pytest.raises(AuditError, match="restricted=True"):
        found.report()
    page = found.report(restricted=True, lang="en,ar")
    assert page.filename == "remedy.html"
    assert "remedy" in audit.__all__
    assert json.loads(found.to_json())["release"] == "restricted"
