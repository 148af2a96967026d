"""A result file that was changed by hand or by accident: `gate` never takes it for a pass that it does not hold."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import math
from pathlib import Path
from typing import Any, Final

import pytest
from fuzz.data_files import csv_text, damaged, healthy
from fuzz.further_plans import EVERYTHING_REFERENCE, everything, placed
from fuzz.held import VERDICTS, own_temporary_folder, run, tree
from fuzz.plans import plan_text
from fuzz.settings import some
from hypothesis import given
from hypothesis import strategies as st

_FOLDERS: Final = itertools.count()
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, 10**30, math.nan, math.inf, "", "pass", "fail", "inconclusive",
    "not_evaluable", "woman", "\x00", "\u202e", "\ud800", "<b>", "x" * 5000, [], {}, [[]], [None], {"a": 1},
)  # fmt: skip
PLAN: Final[dict[str, Any]] = {
    "schema": 1,
    "audit": {"title": "Screener", "owner": "An office", "use": "moderation", "route": "services"},
    "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
    "evaluation_set": {"path": "cases.csv", "id": "case_id", "label": "exploited", "label_source": "case files"},
    "groups": {"gender": {"column": "gender"}},
    "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
}


@pytest.fixture(scope="module", params=["plain", "everything"])
def failing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a result that fails, without and with an answer to every further question."""
    folder = tmp_path_factory.mktemp("result")
    if request.param == "everything":
        folder = placed(folder, *everything(), EVERYTHING_REFERENCE)
        assert run("run", "--restricted", folder / "plan.toml", "--out", folder / "out").code == VERDICTS["fail"]
        return (folder / "out" / "result.json").read_text(encoding="utf-8")
    (folder / "cases.csv").write_text(csv_text(healthy(1, 900, detector="worse")), encoding="utf-8")
    (folder / "plan.toml").write_text(plan_text(PLAN), encoding="utf-8")
    assert run("run", "--restricted", folder / "plan.toml", "--out", folder / "out").code == VERDICTS["fail"]
    return (folder / "out" / "result.json").read_text(encoding="utf-8")


@functools.cache
def _spots_of(text: str) -> list[tuple[Any, ...]]:
    return list(_paths(json.loads(text)))


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*before, key)
        yield from _paths(inner, (*before, key))


@some()
@given(data=st.data())
def test_a_result_that_was_changed(data: st.DataObject, failing: str, tmp_path: Path) -> None:
    document = copy.deepcopy(json.loads(failing))
    for _ in range(data.draw(st.sampled_from((1, 1, 2)))):
        *way, last = data.draw(st.sampled_from(_spots_of(failing)))
        holder = document
        try:
            for key in way:
                holder = holder[key]
            how = data.draw(st.sampled_from(("value", "value", "remove", "add", "twice")))
            if how == "remove":
                del holder[last]
            elif how == "add" and isinstance(holder, dict):
                holder[f"{last}x"] = data.draw(st.sampled_from(_VALUES))
            elif how == "twice" and isinstance(holder, list):
                holder.append(holder[last])
            else:
                holder[last] = data.draw(st.sampled_from(_VALUES))
        except (KeyError, IndexError, TypeError):  # the other change took it away
            continue
    _read_well(json.dumps(document).encode("utf-8", "surrogatepass"), tmp_path)


@some()
@given(data=st.data())
def test_a_result_whose_bytes_were_damaged(data: st.DataObject, failing: str, tmp_path: Path) -> None:
    _read_well(data.draw(damaged(failing.encode())), tmp_path)


def _read_well(content: bytes, tmp_path: Path) -> None:
    """`gate` and `report` of these bytes end well; the verdict is never better than that of any rule in it."""
    folder = tmp_path / str(next(_FOLDERS)) / "out"
    folder.mkdir(parents=True)
    (folder / "result.json").write_bytes(content)
    with own_temporary_folder(folder.parent / "tmp"):
        gated = run("gate", "--restricted", "--inputs-elsewhere", folder)
        assert gated.code in {0, 1, 3, 4}, gated
        before = tree(folder)
        reported = run("report", "--restricted", folder)
    if gated.code == 4:
        _refused(gated.err)
        assert gated.out == ""
        assert reported.code == 4
    else:
        rules = [rule["outcome"] for rule in json.loads(content)["rules"]]
        assert gated.code == (1 if "fail" in rules else 0 if set(rules) == {"pass"} else 3)
        assert reported.code in {0, 4}
    if reported.code == 4:
        _refused(reported.err)
        assert tree(folder) == before
    else:
        assert set(tree(folder)) == {"result.json", "report.html"}


def _refused(said: str) -> None:
    assert said.startswith("error: "), said
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert len(said) < 3000
