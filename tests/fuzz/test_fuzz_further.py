"""Weights, clusters and every further question over hostile columns: a verdict that everyone gets, or one line."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

import pytest
from fuzz.data_files import DataFile, Table, healthy
from fuzz.further_data import CLUSTER_CANARY, as_file, further_tables, told_nothing
from fuzz.further_plans import EVERYTHING_REFERENCE, FAULTS, everything, further_plans, placed
from fuzz.held import Ended, judged, own_temporary_folder, run, said_well, tree
from fuzz.settings import some
from hypothesis import event, given
from hypothesis import strategies as st

_KINDS: Final = ("csv", "csv", "texts", "dictionary", "typed")
_HOW: Final = ("gate", "no crosscheck", "again", "shuffled", "report")
Audit = tuple[Table, DataFile, dict[str, Any], bytes | None]


@st.composite
def further_audits(draw: st.DrawFn) -> Audit:
    """A table, its file, a plan over it and a reference table."""
    fault = draw(st.sampled_from(FAULTS))
    table = draw(further_tables(bad=fault))
    data = as_file(table, draw(st.sampled_from(_KINDS)))
    return table, data, *draw(further_plans(data, fault))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@some(0.25)
@given(audit=further_audits(), how=st.sampled_from(_HOW), seed=st.integers(0, 99))
def test_further_questions_are_answered_or_nothing_changes(audit: Audit, how: str, seed: int, tmp_path: Path) -> None:
    table, data, plan, reference = audit
    folder = placed(tmp_path, data, plan, reference)
    out = folder.parent / "out"
    before = _tree(folder.parent)
    with own_temporary_folder(folder.parent / "tmp"):
        checked = run("check", folder / "plan.toml")
        ended = run("run", "--restricted", folder / "plan.toml", "--out", out)
    for one in (checked, ended):
        said_well(one)
        assert told_nothing(one.err), one.err
        assert CLUSTER_CANARY not in one.out
    (folder.parent / "tmp").rmdir()
    event(f"ended in {ended.code}")
    if ended.code not in {0, 1, 3}:
        assert ended.code in {2, 4}, ended
        assert _tree(folder.parent) == before
        return
    assert checked.code == 0, checked.err
    assert {name for name in _tree(folder.parent) if not name.startswith("out")} == set(before)
    result = judged(out, ended.code, data.rows)
    for path in out.iterdir():
        assert CLUSTER_CANARY not in path.read_text(encoding="utf-8"), path.name
    assert result["further"]["crosscheck_state"] == "agreed"
    _the_same(how, folder, plan, table, seed, ended)


def _the_same(how: str, folder: Path, plan: dict[str, Any], table: Table, seed: int, ended: Ended) -> None:
    """Another way to the same verdict gives the same verdict; the same way, the same bytes."""
    out, other = folder.parent / "out", folder.parent / "other"
    if how == "gate":
        gated = run("gate", "--restricted", folder / "plan.toml", "--json")
        assert gated.code == ended.code
        assert _verdict(json.loads(gated.out)) == _verdict(_read(out))
        assert run("gate", "--restricted", "--inputs-elsewhere", out).code == ended.code
    elif how == "report":
        rendered = (out / "report.html").read_bytes()
        assert run("report", "--restricted", out).code == 0
        assert (out / "report.html").read_bytes() == rendered
    elif how == "no crosscheck":
        again = run("run", "--restricted", folder / "plan.toml", "--out", other, "--no-crosscheck")
        assert again.code == ended.code
        without, with_it = _read(other), _read(out)
        assert without["further"]["crosscheck_state"] == "not_asked"
        assert _verdict(without) == _verdict(with_it)
        for name in set(with_it) - {"further", "notices", "provenance"}:
            assert without[name] == with_it[name], name
        for name in set(with_it["further"]) - {"crosscheck", "crosscheck_state"}:
            assert without["further"][name] == with_it["further"][name], name
    else:
        if how == "shuffled":
            kind = "csv" if plan["evaluation_set"]["path"] == "cases.csv" else "texts"
            shuffled = as_file(table, kind, seed)
            plan_path = placed(folder.parent, shuffled, plan, _bytes_of(folder / "reference.csv")) / "plan.toml"
        else:
            plan_path = folder / "plan.toml"
        again = run("run", "--restricted", plan_path, "--out", other)
        assert again.code == ended.code, again
        assert _lasting(other) == _lasting(out)


@some(0.25)
@given(
    seed=st.integers(0, 9999),
    rows=st.sampled_from((12, 60, 400, 800)),
    detector=st.sampled_from(("blind", "right", "worse")),
    weight=st.sampled_from((None, "1", "2.5", "1e-300", "1e300")),
    clusters=st.booleans(),
    rule=st.sampled_from(
        (
            {"metric": "true_positive_rate", "margin": 0.2},
            {"metric": "false_positive_rate", "ratio": 0.5},
            {"metric": "selection_rate", "margin": 0.1, "direction": "both"},
            {"metric": "precision", "margin": 0.3},
        )
    ),
)
def test_equal_weights_and_clusters_of_one_change_no_verdict(
    seed: int, rows: int, detector: str, weight: str | None, clusters: bool, rule: dict[str, Any], tmp_path: Path
) -> None:
    table = healthy(seed, rows, detector=detector)
    header = (*table.header, "weight", "cluster")
    wide = Table(header, tuple((*row, weight, f"{CLUSTER_CANARY}{number}") for number, row in enumerate(table.rows)))
    data = as_file(wide, "csv")
    plan = _plain_plan(data, rule, seed)
    declared = {"weight": "weight"} if weight is not None else {}
    declared |= {"cluster": "cluster"} if clusters else {}
    found = []
    for section in ({}, declared):
        asked = plan | {"evaluation_set": plan["evaluation_set"] | section}
        gated = run("gate", "--restricted", placed(tmp_path, data, asked) / "plan.toml", "--json")
        said_well(gated)
        assert gated.code in {0, 1, 3}, gated.err
        found.append(json.loads(gated.out))
    plain, weighted = found
    event(f"the verdict is {plain['overall']['outcome']}")
    assert _outcomes(weighted) == _outcomes(plain)
    if not clusters:
        assert _numbers(weighted["verdicts"]) == pytest.approx(_numbers(plain["verdicts"]), rel=1e-8, abs=1e-12)


@some(0.1)
@given(
    seed=st.integers(0, 9999),
    rows=st.sampled_from((60, 400, 800)),
    detector=st.sampled_from(("blind", "right", "worse")),
    spread=st.sampled_from((0.0, 0.5, 2.0)),
    clusters=st.integers(1, 300),
    scale=st.sampled_from((1000.0, 2.0**-900, 1 / 3)),
)
def test_the_unit_of_weights_and_the_names_of_clusters_change_no_verdict(
    seed: int, rows: int, detector: str, spread: float, clusters: int, scale: float, tmp_path: Path
) -> None:
    table = healthy(seed, rows, detector=detector)
    rng = random.Random(seed)
    made = [(rng.lognormvariate(0, spread), rng.randrange(clusters)) for _ in table.rows]
    header = (*table.header, "weight", "cluster")
    found = []
    for factor, name in ((1.0, "{}"), (scale, f"{CLUSTER_CANARY}{{}}\u202e")):
        further = ((repr(weight * factor), name.format(cluster)) for weight, cluster in made)
        data = as_file(Table(header, tuple((*row, *two) for row, two in zip(table.rows, further, strict=True))), "csv")
        plan = _plain_plan(data, {"metric": "true_positive_rate", "margin": 0.2}, seed)
        plan["evaluation_set"] |= {"weight": "weight", "cluster": "cluster"}
        gated = run("gate", "--restricted", placed(tmp_path, data, plan) / "plan.toml", "--json")
        said_well(gated)
        assert gated.code in {0, 1, 3}, gated.err
        found.append(json.loads(gated.out))
    event(f"the verdict is {found[0]['overall']['outcome']}")
    assert _outcomes(found[0]) == _outcomes(found[1])


def _plain_plan(data: DataFile, rule: dict[str, Any], seed: int) -> dict[str, Any]:
    nationality = {"nationality": {"column": "nationality", "ladder": ["country"]}} if seed % 2 else {}
    groups: dict[str, Any] = {"gender": {"column": "gender"}, **nationality}
    return {
        "schema": 1,
        "audit": {"title": "Screener", "owner": "An office", "use": "moderation", "route": "services"},
        "detector": {"kind": "predictions", "decision": "decision"},
        "evaluation_set": {"path": data.name, "id": "case_id", "label": "exploited", "label_source": "case files"},
        "groups": groups,
        "rules": [rule | {"groups": list(groups)}],
    }


def _outcomes(result: dict[str, Any]) -> list[Any]:
    rules = [(rule["rule"], rule["outcome"], rule["because"]) for rule in result["rules"]]
    return rules + [(one["rule"], one["group"], one["outcome"], one["because"]) for one in result["verdicts"]]


def _numbers(verdicts: list[dict[str, Any]]) -> list[float]:
    return [
        -1.0 if verdict[key] is None else verdict[key]
        for verdict in verdicts
        for key in sorted(verdict)
        if key.startswith("p_")
    ]


def _verdict(result: dict[str, Any]) -> list[Any]:
    return [result[name] for name in ("overall", "rules", "verdicts", "counts", "estimates", "disparities", "rows")]


def _read(out: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return result


def _lasting(out: Path) -> str:
    """The result without its provenance, as text."""
    return json.dumps(_read(out) | {"provenance": None})


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _tree(folder: Path) -> dict[str, Any]:
    return {name: content for name, content in tree(folder).items() if "__pycache__" not in name}


def test_what_this_begins_with_asks_and_answers_everything(tmp_path: Path) -> None:
    """Without this, a fuzz test in which every question is left out would hold."""
    data, plan = everything()
    folder = placed(tmp_path, data, plan, EVERYTHING_REFERENCE)
    ended = run("run", "--restricted", folder / "plan.toml", "--out", folder.parent / "out")
    result = judged(folder.parent / "out", ended.code, 800)
    assert ended.code == 1
    for name in (
        "conditional", "control_sample", "subgroup_scan", "deployed", "costs", "own_measures", "reference_comparison",
        "label_gaps", "aucs", "sensitivity",
    ):  # fmt: skip
        assert result["further"][name], name
