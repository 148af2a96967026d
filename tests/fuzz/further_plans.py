"""Plans that ask the further questions: weights, clusters, like with like, doubts, a search, costs, own measures."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

from fuzz.data_files import CELL_CANARY, DataFile, Table, healthy
from fuzz.further_data import (
    BAD_MEASURES,
    BAD_REFERENCES,
    CLUSTER_CANARY,
    MEASURES,
    MODULES,
    NAMES,
    REFERENCES,
    as_file,
)
from fuzz.plans import METRICS, changed, plan_text
from hypothesis import strategies as st

_FOLDERS: Final = itertools.count()
EVERYTHING_REFERENCE: Final = b"level,share\nwoman,2\nman,1\n"
FAULTS: Final = (*[""] * 9, "weight", "cluster", "form", "channel", "reference", "measure", "plan")
"""Where a fault is: nowhere, in one of the columns, in a further file, or in the plan."""


@st.composite
def further_plans(draw: st.DrawFn, data: DataFile, fault: str) -> tuple[dict[str, Any], bytes | None]:
    """A plan over a further table, and its reference table."""
    both = draw(st.integers(0, 5)) == 0
    features: dict[str, Any] = {
        "gender": {"column": "gender"},
        "nationality": {"column": "nationality", "ladder": ["country", "m49-subregion"]},
        "setting": {"column": "setting"},
    }
    names = draw(st.sampled_from((["gender"], ["gender", "nationality"], ["gender", "setting"])))
    crossed = [names] if len(names) > 1 and draw(st.booleans()) else []
    rules = [
        {
            "metric": draw(st.sampled_from(METRICS[:-1])),
            "groups": [*names, *crossed],
            **draw(st.sampled_from(({"margin": 0.2}, {"ratio": 0.5}, {"margin": 0.001}, {"ratio": 0.99}))),
            "direction": "both" if both else draw(st.sampled_from(("worse", "both"))),
        }
        for _ in range(draw(st.integers(1, 2)))
    ]
    cut: dict[str, Any] = draw(st.sampled_from(({"threshold": 0.5}, {"top_k": 5})))
    answers = {"decision": "decision"} if draw(st.booleans()) else {"score": "score", **cut}
    plan: dict[str, Any] = {
        "schema": 1,
        "audit": {
            "title": "Screener",
            "owner": "An office",
            "use": "moderation",
            "route": "both" if both else draw(st.sampled_from(("services", "enforcement"))),
        },
        "detector": {"kind": "predictions", **answers},
        "evaluation_set": {"path": data.name, "id": "case_id", "label": "exploited", "label_source": "case files"},
        "groups": {name: features[name] for name in names},
        "rules": rules,
    }
    reference = draw(_sections(plan, names, fault))
    if fault == "plan":
        for _ in range(draw(st.integers(1, 2))):
            draw(changed(plan))
    return plan, reference


@st.composite
def _sections(draw: st.DrawFn, plan: dict[str, Any], names: list[str], fault: str) -> bytes | None:
    def wanted(section: str) -> bool:
        return fault == section or draw(st.booleans())

    if wanted("weight"):
        plan["evaluation_set"]["weight"] = "weight"
    if wanted("cluster"):
        plan["evaluation_set"] |= {"cluster": "cluster", "expected_icc": draw(st.sampled_from((0.0, 0.05, 0.99)))}
    if wanted("form"):
        plan["control_features"] = {"form": {"column": "form"}}
        if draw(st.booleans()):
            plan["control_features"]["way"] = {"column": "channel", "missing": ["farm"]}
    if wanted("channel"):
        plan["scan"] = {
            "columns": draw(st.sampled_from((["channel"], ["channel", "form"], ["channel", "text"]))),
            "replicates": 19,
            "penalty": draw(st.sampled_from((0.0, 1.0, 1000.0))),
        }
        if draw(st.booleans()):
            plan["scan"]["features"] = names[:1]
    draw(_alone(plan, names, fault))
    if not wanted("reference") or "gender" not in names:
        return None
    plan["reference_table"] = {
        "path": "reference.csv", "feature": "gender", "level": "level", "share": "share", "source": "<b>us",
    }  # fmt: skip
    known = BAD_REFERENCES if fault == "reference" else REFERENCES
    return known[draw(st.sampled_from(sorted(known)))]


@st.composite
def _alone(draw: st.DrawFn, plan: dict[str, Any], names: list[str], fault: str) -> None:
    """Sections that read no column of their own, or one that cannot be wrong."""
    if draw(st.integers(0, 3)) == 0:
        plan["control_sample"] = {"column": "drawn"}
    if draw(st.booleans()):
        plan["deployment"] = {"prevalence": draw(st.sampled_from((5e-324, 0.01, 0.9999999999999999))), "source": "us"}
    if draw(st.booleans()):
        plan["costs"] = draw(st.sampled_from(_COSTS))
    if draw(st.integers(0, 2)) == 0:
        plan["sensitivity"] = {"max_missing_share": draw(st.sampled_from((0.0, 5e-324, 0.1, 0.9999999999999999)))}
    if draw(st.integers(0, 2)) == 0 or fault == "measure":
        entries = BAD_MEASURES if fault == "measure" else [f"measures:{name}" for name in MEASURES]
        plan["measures"] = [
            {
                "metric": draw(st.sampled_from(entries)),
                "groups": names[:1],
                "replicates": 99,
                "given": draw(st.sampled_from(("decision", "score"))) if "score" in plan["detector"] else "decision",
                "name": draw(st.sampled_from(("", "<b>", "\u202e", "a\x00b"))),
            }
        ]


_COSTS: Final[tuple[dict[str, Any], ...]] = (
    {"cost_missed": 10, "cost_flagged": 1}, {"cost_missed": 1e9, "cost_flagged": 0},
    {"cost_missed": 5e-324, "cost_flagged": 1e9}, {"cost_missed": 5e-324, "cost_flagged": 5e-324},
)  # fmt: skip


def everything() -> tuple[DataFile, dict[str, Any]]:
    """A set that fails, and a plan that asks every further question of it."""
    table = healthy(1, 800, detector="worse")
    rows = tuple(
        (*row, "1" if number % 3 else "2", f"{CLUSTER_CANARY}{number // 2}", f"kind {number % 3}", CELL_CANARY, "1")
        for number, row in enumerate(table.rows)
    )
    data = as_file(Table((*table.header, *NAMES), rows), "csv")
    plan = {
        "schema": 1,
        "audit": {"title": "Screener", "owner": "An office", "use": "moderation", "route": "services"},
        "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
        "evaluation_set": {
            "path": data.name, "id": "case_id", "label": "exploited", "label_source": "case files", "weight": "weight",
            "cluster": "cluster",
        },
        "groups": {"gender": {"column": "gender"}},
        "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.2}],
        "control_features": {"form": {"column": "form"}},
        "control_sample": {"column": "drawn"},
        "scan": {"columns": ["channel"], "replicates": 19},
        "deployment": {"prevalence": 0.01, "source": "us"},
        "costs": {"cost_missed": 10, "cost_flagged": 1},
        "measures": [{"metric": "measures:agreement", "groups": ["gender"], "replicates": 99}],
        "reference_table": {
            "path": "reference.csv", "feature": "gender", "level": "level", "share": "share", "source": "us",
        },
    }  # fmt: skip
    return data, plan


def placed(tmp_path: Path, data: DataFile, plan: dict[str, Any], reference: bytes | None = None) -> Path:
    """A new folder with a plan and all that it names."""
    folder = tmp_path / f"case-{next(_FOLDERS)}" / "audit"
    folder.mkdir(parents=True)
    (folder / data.name).write_bytes(data.content)
    (folder / "plan.toml").write_text(plan_text(plan), encoding="utf-8")
    if reference is not None:
        (folder / "reference.csv").write_bytes(reference)
    for name, text in MODULES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
