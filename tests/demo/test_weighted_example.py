"""The example that is weighted and clustered, against what its own script says it planted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from made.scripts import carry_out
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.result.audit_result import AuditResult
from audit.result.file import load_result
from audit.vocabulary.groups import Group, Level

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "weighted-adverts"


def country(code: str) -> Group:
    return Group((Level("nationality", "country", code),))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    """The result of the example, from end to end as its README says."""
    folder = tmp_path_factory.mktemp("weighted") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "audit-out", "*.parquet", "*.csv"))
    carry_out(folder / "make_set.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command, code in (
            ("check plan.toml", 0),
            ("run plan.toml --restricted --no-crosscheck", 1),
            ("gate audit-out --inputs-elsewhere", 1),
        ):
            ended = CliRunner().invoke(app, command.split())
            assert ended.exit_code == code, ended.output
    assert {"junit.xml", "report.html"} <= {path.name for path in (folder / "audit-out").iterdir()}
    return load_result(folder / "audit-out" / "result.json")


def test_only_nepal_is_beyond_the_limit_and_the_verdict_knows_its_degrees_of_freedom(result: AuditResult) -> None:
    failing = [verdict for verdict in result.verdicts if verdict.outcome == "fail"]
    assert [(verdict.rule, verdict.group) for verdict in failing] == [("missed", country("NPL"))]
    (verdict,) = failing
    assert verdict.degrees_of_freedom is not None
    assert 20 < verdict.degrees_of_freedom < 500


def test_effective_cases_are_fewer_than_rows(result: AuditResult) -> None:
    stated = [
        estimate for estimate in result.estimates if estimate.metric == "false_positive_rate" and estimate.group.root
    ]
    assert stated
    assert all(
        estimate.effective_cases is not None and 0 < estimate.effective_cases <= estimate.denominator
        for estimate in stated
        if estimate.status == "estimated" and estimate.denominator > 100
    )


def test_the_gap_of_filipinos_vanishes_among_adverts_of_one_form_and_that_of_nepalis_stays(result: AuditResult) -> None:
    notes = {
        gap.group: gap.note
        for record in result.further.conditional
        if record.metric == "true_positive_rate"
        for gap in record.groups
    }
    assert (notes[country("PHL")], notes[country("NPL")]) == ("vanishes", "stays")


def test_the_search_finds_the_planted_subgroup_and_confirms_it(result: AuditResult) -> None:
    missed, flagged = result.further.subgroup_scan
    assert (missed.outcome, flagged.outcome) == ("confirmed", "confirmed")
    assert [(part.attribute, part.values) for part in missed.subset] == [("form", ("domestic work",))]
    assert [(part.attribute, part.values) for part in flagged.subset] == [
        ("channel", ("messaging",)),
        ("gender", ("woman",)),
        ("nationality", ("VNM",)),
    ]


def test_the_random_sample_agrees_with_the_rest(result: AuditResult) -> None:
    sample = result.further.control_sample
    assert sample is not None
    everyone = next(row for row in sample.comparisons if row.metric == "true_positive_rate" and not row.group.root)
    assert everyone.difference_low is not None
    assert everyone.difference_high is not None
    assert everyone.difference_low < 0 < everyone.difference_high


def test_few_flags_are_right_at_the_base_rate_at_work(result: AuditResult) -> None:
    everyone = result.further.deployed[0].groups[0]
    assert everyone.precision is not None
    assert everyone.set_precision is not None
    assert everyone.precision < 0.2 < 0.8 < everyone.set_precision


def test_the_share_of_right_flags_in_the_set_is_weighted_wherever_it_stands(result: AuditResult) -> None:
    """It once counted rows here and weights in the table of rates: 89 and 83 % in one report."""
    weighted = {
        (estimate.metric, estimate.group): estimate.value
        for estimate in result.estimates
        if estimate.metric in ("precision", "selection_rate")
    }
    for group in (group for family in result.further.deployed for group in family.groups):
        assert group.set_precision == weighted["precision", group.group]
        assert group.set_flag_rate == weighted["selection_rate", group.group]  # every case of this set has a label


def test_a_measure_of_ones_own_is_shown_by_group(result: AuditResult) -> None:
    of_nepal = next(measure for measure in result.further.own_measures if measure.group == country("NPL"))
    assert of_nepal.value is not None
    assert of_nepal.low is not None
    assert of_nepal.high is not None
    assert of_nepal.low <= of_nepal.value <= of_nepal.high
