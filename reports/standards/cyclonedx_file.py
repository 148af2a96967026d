"""`model.cdx.json`: the model card of a CycloneDX 1.6 bill of materials, with what the audit measured by group.

Source: CycloneDX specification 1.6 (ECMA-424), `modelCard`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from audit.public.cases import sentences_beside, waiver_words
from audit.public.release import PublicRate, PublicRelease, public_json
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.numbers import half_up
from reports.plain_text import json_text
from reports.public.pipeline_reading import PipelineReading

_MODEL: Final = "audited-model"


def cyclonedx_file(release: PublicRelease) -> str:
    """Write `model.cdx.json` for whoever keeps bills of materials: the model, its rates by group, and what is beyond
    a limit.
    """
    reading, about = PipelineReading(release), release.about
    digest = hashlib.sha256(public_json(release).encode()).hexdigest()
    verdict = f"{reading.about_verdict} Row by row: {reading.tally}."
    model = {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": reading.system,
        "description": f"{about.title}. Audited on {about.finished}. {verdict}",
        "modelCard": _card(reading),
        "externalReferences": [{"type": "evidence", "url": RELEASE, "hashes": [{"alg": "SHA-256", "content": digest}]}],
        "properties": [{"name": "audit7k:verdict", "value": reading.look}],
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{digest}").urn,
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": about.tool}]}},
        "components": [model],
    }
    return json_text(document)


def _card(reading: PipelineReading) -> Mapping[str, Any]:
    release, about = reading.release, reading.about
    metrics = [_metric(f"{row.side}: {row.key}", rate) for row in release.rows for rate in row.rates]
    measured = {
        "type": "dataset",
        "name": "evaluation set of the audit",
        "description": f"{about.rows_are}; who is a victim, says: {about.label_source}",
        "sensitiveData": [feature.name for feature in release.features],
    }
    return {
        "modelParameters": {"task": "classification", "datasets": [measured]},
        "quantitativeAnalysis": {"performanceMetrics": [metric for metric in metrics if metric]},
        "considerations": {
            "useCases": [about.use],
            "technicalLimitations": sentences_beside(release),
            "fairnessAssessments": [*_assessed(reading)],
        },
    }


def _metric(name: str, rate: PublicRate) -> Mapping[str, Any] | None:
    """A rate as the standard holds it; None where nothing is printed of it."""
    ends = (("", rate.value), ("at least ", rate.at_least), ("at most ", rate.at_most))
    value = "; ".join(f"{word}{half_up(end, 3)}" for word, end in ends if end is not None)
    metric: dict[str, Any] = {"type": rate.metric, "value": value, "slice": name}
    if rate.low is not None and rate.high is not None:
        span = {"lowerBound": str(half_up(rate.low, 3)), "upperBound": str(half_up(rate.high, 3))}
        metric["confidenceInterval"] = span
    return metric if value else None


def _assessed(reading: PipelineReading) -> Iterator[Mapping[str, str]]:
    """What each rule says of all groups, so that none is passed over in silence, then of those that fail."""
    for suite in reading.suites[1:]:
        yield {"groupAtRisk": "all groups that are judged", "harms": f"{suite.name}: {suite.verdict.message}"}
    for case in reading.cases.failing:
        waived = f"; {waiver_words(case.waiver, reading.release)}" if case.waiver else ""
        yield {"groupAtRisk": case.name, "harms": f"{case.rule.rule}: {case.message}{waived}"}
