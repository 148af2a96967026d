"""A second and a third opinion: what they compare, what they count as convention, and what happens without them."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_counts import cells

from audit.analyses.estimates import everyone_as_family
from audit.counting.table import CountsTable, FamilyCounts, IntArray
from audit.crosscheck import agreement, rates_aif360, rates_fairlearn
from audit.crosscheck.agreement import agreement_notices, crosscheck
from audit.crosscheck.weighted_rows import labelled, scored, scored_and_labelled
from audit.groups import Axis, Family, Group, Level
from audit.metrics import METRICS
from audit.result import Agreement

AXIS = Axis("ethnicity", "level")


def family_of(*tables: IntArray) -> FamilyCounts:
    groups = tuple(Group((Level(*AXIS, f"{place:04}"),)) for place in range(len(tables)))
    stacked = np.array(tables, dtype=np.int64).reshape(len(tables), 3, 4)
    return FamilyCounts(Family((AXIS,)), groups, stacked, stacked.sum(axis=0, dtype=np.int64))


few = st.integers(0, 30)
tables = st.lists(
    st.lists(few, min_size=12, max_size=12).map(lambda flat: np.array(flat, dtype=np.int64).reshape(3, 4)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(made=tables)
@example(made=[cells()])
@example(made=[cells(), cells(1, 1, 1, 1)])
@example(made=[cells(fp=3, tn=2)])
@example(made=[cells(tp=3, fn=2)])
@example(made=[cells(unlabelled=(2, 3))])
@example(made=[cells(abstained=(4, 2, 1), failed=(0, 1, 0))])
def test_both_libraries_agree_on_every_rate_that_has_a_denominator(made: list[IntArray]) -> None:
    family = family_of(*made)
    fairlearn, aif360 = crosscheck([family])
    stated = {name: int((family.denominator(metric) > 0).sum()) for name, metric in METRICS.items()}
    assert fairlearn.rates_compared == sum(count for name, count in stated.items() if name != "base_rate")
    assert aif360.rates_compared == sum(stated.values())
    assert max(fairlearn.largest_difference, aif360.largest_difference) <= 1e-12
    assert agreement_notices((fairlearn, aif360)) == ()


def test_rates_without_a_denominator_are_counted_as_conventions() -> None:
    no_positives, no_negatives, nobody_flagged, empty = cells(fp=3, tn=2), cells(2, 1), cells(fn=4, tn=5), cells()
    fairlearn, aif360 = crosscheck([family_of(no_positives, no_negatives, nobody_flagged, empty)])
    assert fairlearn.differs_by_convention == 2 + 2 + 1 + 0
    assert aif360.differs_by_convention == 0 + 0 + 1 + 2


def test_unlabelled_cases_are_in_the_share_flagged_and_unscored_ones_in_the_base_rate() -> None:
    family = family_of(cells(1, 2, 3, 4, unlabelled=(50, 0), abstained=(7, 0, 0), failed=(0, 9, 0)), cells(5, 5, 5, 5))
    for rates in (rates_fairlearn.rates(family), rates_aif360.rates(family)):
        assert rates["selection_rate"][0] == 54 / 60
        assert rates["accuracy"][0] == 5 / 10
    assert rates_aif360.rates(family)["base_rate"][0] == 10 / 26
    assert "base_rate" not in rates_fairlearn.rates(family)


def test_every_case_that_a_rate_counts_stands_in_the_rows() -> None:
    family = family_of(cells(1, 2, 3, 4, unlabelled=(5, 6), abstained=(7, 8, 9), failed=(10, 11, 12)), cells(tp=1))
    assert scored_and_labelled(family).weight.tolist() == [1, 2, 3, 4, 1]
    assert scored(family).weight.tolist() == [1 + 3 + 5, 2 + 4 + 6, 1]
    assert labelled(family).weight.tolist() == [1 + 2 + 7 + 10, 3 + 4 + 8 + 11, 1]


def test_everyone_is_a_family_like_any_other() -> None:
    table = CountsTable.of(["ethnicity"], {("A",): cells(3, 1, 2, 8), ("B",): cells(1, 3, 1, 9)})
    for found in crosscheck([everyone_as_family(table)]):
        assert found.largest_difference == 0
        assert found.rates_compared in (7, 8)


def test_nothing_to_compare_is_said_as_nothing_compared() -> None:
    assert [found.rates_compared for found in crosscheck([])] == [0, 0]


def test_asking_leaves_logging_as_it_was_and_writes_nothing() -> None:
    script = (
        "import logging, sys, warnings\n"
        "warnings.simplefilter('error')\n"
        "import numpy as np\n"
        "from audit.counting.table import FamilyCounts\n"
        "from audit.crosscheck.agreement import crosscheck\n"
        "from audit.groups import Family, Group\n"
        "ones = np.ones((1, 3, 4), dtype=np.int64)\n"
        "found = crosscheck([FamilyCounts(Family(()), (Group(()),), ones, ones[0])])\n"
        "root = logging.getLogger()\n"
        "print(len(found), root.handlers, root.filters, logging.root.manager.disable)\n"
        "logging.warning('ours')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2 [] [] 0\n"
    assert done.stderr == "WARNING:root:ours\n"


def test_our_own_records_pass_while_aif360_loads(caplog: pytest.LogCaptureFixture) -> None:
    with rates_aif360.quiet_import():
        logging.getLogger().warning("ours")
    assert [record.message for record in caplog.records] == ["ours"]


@pytest.mark.parametrize("missing", ["fairlearn", "aif360"])
def test_a_library_that_cannot_be_loaded_has_no_agreement_and_a_notice(missing: str) -> None:
    script = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "import numpy as np\n"
        "from audit.counting.table import FamilyCounts\n"
        "from audit.crosscheck.agreement import agreement_notices, crosscheck\n"
        "from audit.groups import Family, Group\n"
        "ones = np.ones((1, 3, 4), dtype=np.int64)\n"
        "found = crosscheck([FamilyCounts(Family(()), (Group(()),), ones, ones[0])])\n"
        "print([one.library for one in found], [(one.code, one.text) for one in agreement_notices(found)])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    other = {"fairlearn": "aif360 0.6.1", "aif360": "fairlearn "}[missing]
    libraries, notices = done.stdout.split("] [")
    assert other in libraries
    assert missing not in libraries
    assert notices.startswith(f"('crosscheck-missing', '{missing} was asked")


def test_a_library_that_breaks_off_does_not_break_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("broken")
    broken.DISTRIBUTION = "aif360"  # type: ignore[attr-defined]
    broken.rates = lambda family: 1 / 0  # type: ignore[attr-defined]
    monkeypatch.setattr(agreement, "LIBRARIES", (broken,))
    assert crosscheck([family_of(cells(1, 1, 1, 1))]) == ()
    assert [notice.code for notice in agreement_notices(())] == ["crosscheck-missing"]


@pytest.mark.parametrize(("answer", "difference"), [(0.75, 0.25), (math.nan, 1.0)])
def test_a_library_that_answers_differently_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: float, difference: float
) -> None:
    wrong = ModuleType("wrong")
    wrong.DISTRIBUTION = "aif360"  # type: ignore[attr-defined]
    wrong.rates = lambda family: {"accuracy": np.full(len(family.groups), answer)}  # type: ignore[attr-defined]
    monkeypatch.setattr(agreement, "LIBRARIES", (wrong,))
    found = crosscheck([family_of(cells(1, 1, 1, 1))])
    assert [(one.rates_compared, one.largest_difference) for one in found] == [(1, difference)]
    assert [notice.code for notice in agreement_notices(found)] == ["crosscheck-differs"]


def test_rounding_alone_is_no_difference() -> None:
    near = Agreement(library="aif360 0.6.1", rates_compared=3, largest_difference=1e-15, differs_by_convention=0)
    far = near.model_copy(update={"largest_difference": 1e-9})
    codes = [notice.code for notice in agreement_notices((near, far))]
    assert codes == ["crosscheck-missing", "crosscheck-differs"]


def test_the_same_table_is_asked_once_however_many_groups_have_it() -> None:
    asked: list[int] = []

    def counted(label: IntArray, decision: IntArray, *, sample_weight: IntArray) -> float:
        asked.append(int(sample_weight.sum()))
        return float(np.average(label == decision, weights=sample_weight))

    family = family_of(*[cells(1, 2, 3, 4)] * 5, cells(4, 3, 2, 1), cells())
    values = rates_fairlearn.by_group(counted, scored_and_labelled(family), len(family.groups))
    assert asked == [10, 10]
    assert values[:6].tolist() == [0.5] * 6
    assert math.isnan(values[6])
