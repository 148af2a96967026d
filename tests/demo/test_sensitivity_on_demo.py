"""What is doubted on the demonstration's cases, whose truth is known: doubts are planted, and must show as such."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.counts import WORST

from audit.analyses.control_sample import JudgedSample, Verdicts, control_sample
from audit.analyses.sensitivity import sensitivity_findings, sensitivity_notices
from audit.counting.count import count_cases
from audit.counting.counted import count_control_sample
from audit.counting.table import EVERYONE, FAILED, FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, CountsTable, count_families
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import loaded_plan
from audit.plan.sections import SensitivitySection
from audit.result.findings.judged import Verdict
from audit.result.findings.sensitivity import ControlSample, RuleSensitivity, SensitivityFinding
from audit.scoring import score
from audit.stats.robustness import corrected_rate
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Group, Level, SensitiveFeature
from audit.worlds.demo.prepare import prepare_demo

MEN = Group((Level("gender", "level", "man"),))
MISSED, WRONGLY = "missed", "wrongly-flagged"
pytestmark = pytest.mark.usefixtures("warm_children_of_module")


def country(code: str) -> Group:
    return Group((Level("nationality", "country", code),))


@dataclass(frozen=True)
class Demo:
    """The demonstration's counts, and what changing them does."""

    plan: AuditPlan
    features: tuple[SensitiveFeature, ...]
    table: CountsTable

    def vouching(self, share: float) -> Demo:
        """Whoever has 30 cases is judged alone: planning would ask for more where a pass hangs by a hair."""
        groups = {name: of.model_copy(update={"min_cases": 30}) for name, of in self.plan.groups.items()}
        section = SensitivitySection(**WORST, max_missing_share=share)
        plan = self.plan.model_copy(update={"sensitivity": section, "groups": groups})
        return Demo(plan, self.features, self.table)

    def moved(self, share: float, code: str, before: tuple[int, int], after: tuple[int, int]) -> Demo:
        """A share of a group's cases counted otherwise: by label and decision."""
        cells = self.table.cells.copy()
        for place, codes in enumerate(self.table.codes):
            if code in codes:
                number = round(share * int(cells[(place, *before)]))
                cells[(place, *before)] -= number
                cells[(place, *after)] += number
        return Demo(self.plan, self.features, CountsTable(self.table.features, self.table.codes, cells))

    def hidden(self, share: float, code: str, of: tuple[int, int]) -> Demo:
        """The same number of cases, but the feature of some of a group's is unknown."""
        rows = {codes: cells.copy() for codes, cells in zip(self.table.codes, self.table.cells, strict=True)}
        for codes in self.table.codes:
            if code in codes:
                number = round(share * int(rows[codes][of]))
                other = tuple("unknown" if own == code else own for own in codes)
                rows[codes][of] -= number
                rows.setdefault(other, np.zeros((3, 4), dtype=np.int64))[of] += number
        return Demo(self.plan, self.features, CountsTable.of(self.table.features, rows))

    def cells_of(self, code: str) -> list[int]:
        """True positives, false negatives, false positives and true negatives of a group."""
        of_group = self.table.cells[[code in codes for codes in self.table.codes]].sum(axis=0)
        return [int(of_group[place]) for place in ((0, 0), (0, 1), (1, 0), (1, 1))]

    def doubted(self) -> Doubted:
        families = count_families(self.plan.groups, self.plan.rules, self.table, self.features)
        _, verdicts, _ = judge(self.plan, families, {feature.name: feature for feature in self.features})
        return Doubted(verdicts, sensitivity_findings(self.plan, families, verdicts))


@dataclass(frozen=True)
class Doubted:
    verdicts: tuple[Verdict, ...]
    found: tuple[RuleSensitivity, ...]

    def verdict(self, rule: str, group: Group) -> Verdict:
        (verdict,) = [verdict for verdict in self.verdicts if (verdict.rule, verdict.group) == (rule, group)]
        return verdict

    def of(self, rule: str, group: Group, kind: str) -> SensitivityFinding:
        (found,) = [
            finding
            for of_rule in self.found
            if of_rule.rule == rule
            for finding in of_rule.findings
            if (finding.group, finding.kind) == (group, kind)
        ]
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_demo(tmp_path_factory.mktemp("demo")).folder


@pytest.fixture(scope="module")
def demo(folder: Path) -> Demo:
    loaded = loaded_plan(folder / "plan.toml")
    with open_evaluation_set(loaded.plan, loaded.folder, None) as opened:
        score(loaded.plan, opened, loaded.folder, progress=None, predictions_to=None)
        nothing = {"sensitivity": SensitivitySection(**WORST)}
        return Demo(loaded.plan.model_copy(update=nothing), opened.features, count_cases(opened))


@pytest.fixture(scope="module")
def doubted(demo: Demo) -> Doubted:
    return demo.doubted()


def test_the_gap_planted_for_men_takes_many_wrong_labels_to_explain(doubted: Doubted) -> None:
    assert doubted.verdict(MISSED, MEN).outcome == "fail"
    found = doubted.of(MISSED, MEN, "labels_flipped")
    assert found.overturned_by == 130
    assert "of 532 victims missed would have to be no victims" in found.words
    assert found.to_limit is not None
    assert found.to_limit > found.overturned_by


def test_as_many_wrong_labels_as_told_undo_it_and_half_as_many_do_not(demo: Demo, doubted: Doubted) -> None:
    fewest = doubted.of(MISSED, MEN, "labels_flipped").overturned_by
    assert fewest is not None
    for share, outcome in ((fewest * 1.1 / 532, "inconclusive"), (fewest * 0.5 / 532, "fail")):
        wrong = demo.moved(share, "man", (POSITIVE, NOT_FLAGGED), (NEGATIVE, NOT_FLAGGED)).doubted()
        assert wrong.verdict(MISSED, MEN).outcome == outcome


def test_a_false_accusation_made_by_missing_labels_is_explained_by_the_share_that_was_planted(
    demo: Demo, doubted: Doubted
) -> None:
    """Nothing is planted for Brazilians. Label seven in ten of their victims as none, and they seem wrongly flagged."""
    brazil, planted = country("BRA"), 0.7
    biased = demo
    for decision in (FLAGGED, NOT_FLAGGED):
        biased = biased.moved(planted, "BRA", (POSITIVE, decision), (NEGATIVE, decision))
    accused = biased.doubted()
    assert doubted.verdict(WRONGLY, brazil).outcome != "fail"
    assert accused.verdict(WRONGLY, brazil).outcome == "fail"
    found = accused.of(WRONGLY, brazil, "labelled_too_rarely")
    assert found.share is not None
    assert found.share < planted
    seen, before = (made.cells_of("BRA") for made in (biased, demo))
    truth = corrected_rate([seen], [0, 0, 1, 0], [0, 0, 1, 1], 1 - planted, 1.0)
    assert truth.rate[0] == pytest.approx(before[2] / (before[2] + before[3]), abs=0.004), "as it was before"


def test_the_nationalities_planted_as_wrongly_flagged_say_how_much_they_rest_on_labels(doubted: Doubted) -> None:
    for code in ("VNM", "NGA"):
        assert doubted.verdict(WRONGLY, country(code)).outcome == "fail"
        found = doubted.of(WRONGLY, country(code), "labels_flipped")
        assert found.overturned_by is not None
        assert "people wrongly flagged would have to be victims" in found.words
    strong, weak = (doubted.of(WRONGLY, country(code), "labels_flipped").overturned_by for code in ("NGA", "VNM"))
    assert strong is not None
    assert weak is not None
    assert strong > weak, "of 1,087 others 28 % against 24 % of 1,163, with 20 % as the limit"


def test_without_a_declaration_small_nationalities_cannot_pass_and_with_the_truth_declared_the_control_does(
    demo: Demo, doubted: Doubted
) -> None:
    """A tenth of nationalities is left out at random, so of each group about a tenth of its cases is unknown."""
    brazil = country("BRA")
    for rule in (MISSED, WRONGLY):
        assert doubted.verdict(rule, brazil).because == "unknown_attribute"
        share = doubted.of(rule, brazil, "unknown_attribute").share
        assert share is not None
        assert 0.04 < share < 0.07
        assert demo.vouching(share).doubted().verdict(rule, brazil).outcome == "pass"
    as_supposed = Demo(demo.plan.model_copy(update={"sensitivity": SensitivitySection()}), demo.features, demo.table)
    found = as_supposed.doubted()
    assert found.verdict(MISSED, brazil).outcome == "pass"
    # so that all that are judged alone can pass together, it is too small for the narrower limit
    assert found.verdict(WRONGLY, brazil).because == "judged_as_part"
    notices = sensitivity_notices(demo.plan.sensitivity, doubted.found)
    assert [notice.code for notice in notices] == [f"unknown_attribute_{rule}" for rule in (MISSED, WRONGLY)]


def test_hiding_who_the_missed_men_are_gives_no_pass(demo: Demo) -> None:
    """Seven in ten missed men lose their gender: by the records men are then found as often as anybody."""
    hidden = demo.hidden(0.7, "man", (POSITIVE, NOT_FLAGGED)).doubted()
    verdict = hidden.verdict(MISSED, MEN)
    assert (verdict.outcome, verdict.because) == ("inconclusive", "unknown_attribute")
    found = hidden.of(MISSED, MEN, "unknown_attribute")
    assert found.low is not None
    assert found.low < 0.70, "the true rate of men, 69 %, is within what is possible"
    assert found.high is not None
    assert found.high > 0.85


def test_a_fail_stands_over_an_outage_and_says_so(demo: Demo) -> None:
    out = demo.moved(0.1, "man", (POSITIVE, FLAGGED), (POSITIVE, FAILED)).doubted()
    assert out.verdict(MISSED, MEN).outcome == "fail"
    found = out.of(MISSED, MEN, "unscored")
    assert found.stands
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.68 < found.high


def sampled(folder: Path, target: Path, *, selective: bool) -> ControlSample:
    """The demonstration with a third of its cases marked as drawn at random.

    Selective: of the others, six in ten ordinary cases were never looked at, and so never labelled.
    """
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    cases = pq.read_table(target / "evaluation.parquet")
    rng = np.random.default_rng(21)
    drawn, unseen = rng.random(cases.num_rows) < 1 / 3, rng.random(cases.num_rows) < 0.6
    if selective:
        labels: list[Any] = cases["exploited"].to_pylist()
        kept = [
            None if label == 0 and skip and not mark else label
            for label, skip, mark in zip(labels, unseen, drawn, strict=True)
        ]
        place = cases.column_names.index("exploited")
        cases = cases.set_column(place, "exploited", pa.array(kept, cases["exploited"].type))
    pq.write_table(cases.append_column("drawn", pa.array(np.where(drawn, "yes", "no"))), target / "evaluation.parquet")
    plan = (target / "plan.toml").read_text() + '\n[control_sample]\ncolumn = "drawn"\nvalues = ["yes"]\n'
    (target / "plan.toml").write_text(plan)
    loaded = loaded_plan(target / "plan.toml")
    with open_evaluation_set(loaded.plan, loaded.folder, None) as opened:
        score(loaded.plan, opened, loaded.folder, progress=None, predictions_to=None)
        whole, sample, features = count_cases(opened), count_control_sample(opened), opened.features
    assert sample is not None
    by_name = {feature.name: feature for feature in features}
    families, of_sample = (
        count_families(loaded.plan.groups, loaded.plan.rules, table, features) for table in (whole, sample)
    )
    judged, judged_drawn = (Verdicts(*judge(loaded.plan, counts, by_name)[:2]) for counts in (families, of_sample))
    return control_sample(
        loaded.plan.groups,
        loaded.plan.rules,
        loaded.plan.verdict,
        families,
        judged,
        JudgedSample(of_sample, judged_drawn),
    )


def test_a_gap_that_is_in_the_world_is_there_among_those_drawn_at_random(folder: Path, tmp_path: Path) -> None:
    found = sampled(folder, tmp_path / "random", selective=False)
    (men,) = [verdict for verdict in found.verdicts if verdict.group == MEN and verdict.rule == MISSED]
    assert (men.outcome, men.control_outcome) == ("fail", "fail")
    low, high = base_rate_difference(found)
    assert low < 0 < high, "nobody chose whom to look at"


def test_whom_somebody_chose_to_look_at_shows_beside_those_drawn_at_random(folder: Path, tmp_path: Path) -> None:
    found = sampled(folder, tmp_path / "selective", selective=True)
    low, high = base_rate_difference(found)
    assert low < 0.25 - 0.25 / (0.25 + 0.75 * 0.4) < high
    assert high < -0.1
    assert "of the labelled ones are victims" in found.words


def base_rate_difference(found: ControlSample) -> tuple[float, float]:
    (row,) = [row for row in found.comparisons if (row.metric, row.group) == ("base_rate", EVERYONE)]
    assert row.difference_low is not None
    assert row.difference_high is not None
    return row.difference_low, row.difference_high
