"""JSON Schemas of the files that other programs read or write: each with a name and a version of its own."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel

from audit.plan.audit_plan import PLAN_SCHEMA, AuditPlan
from audit.plan.sampling_design import DESIGN_SCHEMA, SamplingDesign
from audit.public.findings_document import FINDINGS_SCHEMA, FindingsDocument
from audit.public.release import METHOD_VERSION, PublicRelease
from audit.result.audit_result import SCHEMA_VERSION, AuditResult
from audit.vocabulary.documented import Documented

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def plan_schema() -> dict[str, Any]:
    """Return the schema of a plan, for editors that check TOML with it."""
    return _schema_of(AuditPlan, f"plan:{PLAN_SCHEMA}", "validation")


def design_schema() -> dict[str, Any]:
    """Return the schema of the design of a drawn set."""
    return _schema_of(SamplingDesign, f"design:{DESIGN_SCHEMA}", "validation")


def result_schema() -> dict[str, Any]:
    """Return the schema of `result.json`."""
    return _schema_of(AuditResult, f"result:{SCHEMA_VERSION}", "serialization")


def release_schema() -> dict[str, Any]:
    """Return the schema of a public `release.json`. Keys that only some audits have are not required."""
    return _schema_of(PublicRelease, f"release:{METHOD_VERSION}", "validation")


def findings_schema() -> dict[str, Any]:
    """Return the schema of a public `findings.json`."""
    return _schema_of(FindingsDocument, f"findings:{FINDINGS_SCHEMA}", "serialization")


def chain_schema() -> dict[str, Any]:
    """Return the schema of an entry of a chain: a line of its file, but for the last one."""
    from audit.verdicts.changes.chain import CHAIN_SCHEMA, ChainEntry

    return _schema_of(ChainEntry, f"chain:{CHAIN_SCHEMA}", "serialization")


def _schema_of(model: type[BaseModel], name: str, mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    _build_below(Documented)
    schema = model.model_json_schema(mode=mode, by_alias=True)
    return {"$schema": _DIALECT, "$id": f"urn:audit7k:{name}", **schema}


def _build_below(model: type[BaseModel]) -> None:
    """Build the models that derive from a model: before pydantic 2.14, a default of an unbuilt one has no schema."""
    for derived in model.__subclasses__():
        derived.model_rebuild()
        _build_below(derived)
