"""Numbers that the documentation states are those that the code gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.plan.audit_plan import Rule
from audit.plan.sections import VerdictSection
from audit.stats.boundaries import margin_boundary
from audit.stats.power import cases_to_pass
from audit.vocabulary.metrics import METRICS, Worse

DOCS = Path(__file__).resolve().parents[2] / "docs"
REST = 100_000

ROWS = re.findall(
    r"^\| (0\.\d+) \| (margin|ratio) (0\.\d+) \| ([\d,]+) \|$",
    (DOCS / "how-to" / "limits.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_the_table_of_sizes_is_there() -> None:
    assert len(ROWS) == 4


@pytest.mark.parametrize(("rate", "kind", "limit", "cases"), ROWS)
def test_a_group_needs_as_many_cases_as_the_page_says(rate: str, kind: str, limit: str, cases: str) -> None:
    """A high rate is one that harms when low, such as the share of victims found; a low one the other way round."""
    scale: Literal["difference", "ratio"] = "difference" if kind == "margin" else "ratio"
    boundary = margin_boundary("pass", float(rate) > 0.5, scale, float(limit))
    needed = cases_to_pass(float(rate), REST, boundary, alpha=0.05, power=0.8)
    assert float(needed) == int(cases.replace(",", ""))


def test_the_defaults_that_the_pages_explain_are_the_defaults() -> None:
    verdict = VerdictSection()
    assert (verdict.alpha, verdict.min_coverage, verdict.min_denominator, verdict.power) == (0.05, 0.80, 5, 0.8)
    assert Rule(metric="true_positive_rate", groups=("gender",), margin=0.1).direction == "worse"


def test_nine_tenths_of_alpha_are_spent_and_discarding_starts_at_twenty() -> None:
    from audit.stats import multiplicity
    from audit.verdicts.side_tests import ALL_NAMES, NAMES, UNNAMED

    alpha = VerdictSection().alpha
    assert [share * alpha for share in (ALL_NAMES, NAMES, UNNAMED)] == pytest.approx([0.045, 0.0375, 0.0075])
    assert multiplicity.DISCARDING_MIN_GROUPS == 20


def test_the_rates_that_harm_are_the_ones_that_the_page_on_limits_names() -> None:
    assert METRICS["true_positive_rate"].worse is Worse.LOW
    assert METRICS["false_positive_rate"].worse is Worse.HIGH
    assert METRICS["selection_rate"].worse is Worse.BY_ROUTE


def test_what_a_set_can_decide_is_what_the_page_on_power_says() -> None:
    page = (DOCS / "how-to" / "power.md").read_text(encoding="utf-8")
    golden = DOCS.parent / "tests" / "golden" / "predictions-file" / "power.txt"
    of_a_set, without_one = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    given = golden.read_text(encoding="utf-8").splitlines()
    assert all(line in given for line in of_a_set.splitlines())
    (asked,) = re.findall(r"audit7k power (--metric .*)", page)
    done = CliRunner().invoke(app, ["power", *asked.split()])
    assert without_one in done.stdout
