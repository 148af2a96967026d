"""What is not counted on Spark is refused by a slug before any Spark is started, and a plan holds no secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.lake_models import modelled
from made.lake_plans import PLANS, made_lake, write_plans
from made.sets import made_plan
from pydantic import BaseModel, ValidationError

from audit.cli.console.terminal import Style
from audit.cli.pages.check_summary import check_summary
from audit.cli.pages.json_schemas import plan_schema
from audit.errors import AuditError
from audit.evaluation.on_spark import spark_for
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import canonical_plan_sha256, read_plan_file
from audit.plan.second_questions import ExposureSection
from audit.plan.sections import EngineSection
from audit.planning.check import check_plan
from audit.result.json_text import result_to_json
from audit.run import run_audit
from audit.verdicts.rows_of_rates import cases

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = {"kind": "predictions", "decision": "flagged"}
SERVICE = {"url": "https://model.example/chat/completions", "features": ["text"], "threshold": 0.5}


def on_spark(plan: AuditPlan) -> AuditPlan:
    return plan.model_copy(update={"engine": EngineSection(kind="spark")})


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("detector", {"detector": {**SERVICE, "kind": "http", "answers_at": "a", "score_at": "s"}}),
    ("detector", {"detector": {**SERVICE, "kind": "chat", "model": "m", "prompt": "{text}"}}),
    ("detector", {"detector": {**ANSWERS, "path": "answers.parquet"}}),
    ("clusters", {"detector": ANSWERS, "evaluation_set": {"cluster": "text"}}),
    ("top-k", {"detector": {"kind": "predictions", "score": "score", "top_k": 5}}),
    (
        "nationalities",
        {"detector": ANSWERS, "groups": {"nationality": {"column": "nationality", "separator": "/", "dual": "any"}}},
    ),
]


REFUSED_PARTS: dict[str, tuple[str, Any]] = {
    "exposure": ("top-k", ExposureSection(first=(5,))),  # a score of a case would stand in a statement
    "probes": ("probes", (None,)),
    "measures": ("own-measures", (None,)),
    "reference_table": ("reference", object()),
}
"""Slugs, and anything in the place of a section that is refused."""


@pytest.mark.parametrize(
    ("slug", "plan"),
    [
        *((slug, made_plan("set", **parts)) for slug, parts in REFUSED),
        *((slug, made_plan("set").model_copy(update={key: part})) for key, (slug, part) in REFUSED_PARTS.items()),
    ],
)
def test_what_is_not_counted_there_is_refused_by_its_slug(slug: str, plan: AuditPlan) -> None:
    with pytest.raises(AuditError) as refused:
        spark_for(on_spark(plan))
    assert refused.value.slug == f"engine-{slug}"
    assert f"\n## engine-{slug}\n" in (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    assert "\n" not in str(refused.value)
    assert "not on Spark" in str(refused.value)


NOT_SWEPT = {
    "AuditPlan": {*REFUSED_PARTS, "engine", "governance", "sandbox", "waivers"},
    "AuditSection": {"auditor", "primary_harm", "respond_by", "system"},
    "BaselineSection": {"expected_change"},
    "DisclosureSection": {"folder"},
    "EvaluationSetSection": {
        "cells", "cluster", "counts", "decimal", "delimiter", "encoding", "expected_icc", "format", "not_cases",
        "numbers", "sha256", "sheet", "stratum_by", "suppressed", "table", "version",
    },
    "GroupFeature": {"country_column", "dual", "separator"},
    "PredictionsDetector": {"decimal", "delimiter", "encoding", "id", "path", "rank", "top_k"},
    "PythonDetector": {"answers", "classes", "files", "positive_classes", "score_range", "top_k"},
    "ScoringSection": {"repeat"},
}  # fmt: skip
"""Keys that no plan of `made.lake_plans` sets, by model: refused on Spark, of another format, or without a count."""
WHOLE = (
    "Blind Chat Command Http Mlflow Onnx Other Pickle Skops Transformers", "Columns Text",
    "Engine Exposure Governance ReferenceTable Sandbox Waivers",
)  # fmt: skip
"""Models of which no plan sets a key: detectors, which are asked as a function is or refused, probes and sections."""


def test_no_key_of_a_plan_is_forgotten_on_spark(tmp_path: Path) -> None:
    """A new key is set by a plan that both engines count, or stands in a list here."""
    write_plans(tmp_path)
    plans = [*tmp_path.glob("*.toml"), modelled(tmp_path / "sample.toml")]
    swept = {key for plan in plans for key in _keys_of(read_plan_file(plan).plan)}
    schema = plan_schema()
    models = {"AuditPlan": schema, **schema["$defs"]}
    known = {(name, key) for name, of in models.items() for key in of.get("properties", {})}
    kinds = ("Detector", "Probe", "Section")
    whole = {f"{name}{kind}" for names, kind in zip(WHOLE, kinds, strict=True) for name in names.split()}
    whole |= {"Measure", "ProbeRule"}
    listed = {(name, key) for name, keys in NOT_SWEPT.items() for key in keys}
    assert {(name, key) for name, key in known - swept if name not in whole} == listed
    assert whole <= models.keys() - {name for name, _ in swept}


def _keys_of(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield type(value).__name__, type(value).model_fields[name].alias or name
            yield from _keys_of(getattr(value, name))
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _keys_of(each)


def test_a_detector_is_asked_once_there() -> None:
    plan = on_spark(made_plan("set", detector={"kind": "python", "entry": "m:f", "features": ["a"], "threshold": 0.5}))
    with pytest.raises(AuditError) as refused:
        spark_for(plan.model_copy(update={"scoring": plan.scoring.model_copy(update={"repeat": 2})}))
    assert refused.value.slug == "engine-repeat"


def test_a_table_in_memory_is_not_counted_there() -> None:
    with pytest.raises(AuditError) as refused:
        spark_for(on_spark(made_plan("set", detector=ANSWERS)), object())
    assert refused.value.slug == "engine-format"


def test_single_rows_are_refused_before_a_spark_is_started(tmp_path: Path) -> None:
    made_lake(tmp_path, 600)
    (tmp_path / "result.json").write_text(result_to_json(run_audit(tmp_path / "decisions.toml", crosscheck=False)))
    there = tmp_path / "there.toml"
    there.write_text((tmp_path / "decisions.toml").read_text() + '[engine]\nkind = "spark"\n')
    with pytest.raises(AuditError, match="and not on Spark") as refused:
        cases(tmp_path / "result.json", {"gender": "woman"}, plan=there)
    assert refused.value.slug == "engine-question"


def test_a_check_says_what_is_not_looked_at_there(tmp_path: Path) -> None:
    made_lake(tmp_path, 600)
    report = check_plan(tmp_path / "decisions.toml")
    said = [check_summary(each, Style()) for each in (report, replace(report, plan=on_spark(report.plan)))]
    assert ["Not looked at on Spark" in text for text in said] == [False, True]


@pytest.mark.parametrize(
    "remote",
    ["sc://spark:15002/;token=abc", "sc://user@spark:15002", "sc://spark?x=y", "spark://spark:7077", "sc://a b"],
)
def test_an_address_is_host_and_port_and_no_secret(remote: str) -> None:
    with pytest.raises(ValidationError):
        EngineSection(kind="spark", remote=remote)
    assert EngineSection(kind="spark", remote="sc://spark.internal:15002").remote


def test_where_rows_are_counted_is_part_of_no_digest_and_of_no_result() -> None:
    plan = made_plan("set", detector=ANSWERS)
    assert canonical_plan_sha256(plan) == canonical_plan_sha256(on_spark(plan))
    assert "engine" not in on_spark(plan).model_dump()


def test_without_pyspark_one_line_says_which_extra_counts_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    made_lake(tmp_path, 600)
    plan = tmp_path / f"{next(iter(PLANS))}.toml"
    plan.write_text(plan.read_text() + '[engine]\nkind = "spark"\n')
    with pytest.raises(AuditError, match=r"pip install 'audit7k\[spark\]', and Java 17"):
        run_audit(plan)
