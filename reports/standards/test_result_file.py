"""`test-result.intoto.json`: the verdict as policy engines read it. Only a pass is PASSED.

Source: in-toto attestation framework, predicate test-result v0.1. The subject is `release.json`: the digest of a model
would let anybody try which model it is.
"""

from __future__ import annotations

import hashlib
from typing import Final

from audit.public.release import TEST_RESULTS, PublicRelease, public_json
from audit.vocabulary.file_names import RELEASE, STATEMENT_TYPE
from reports.plain_text import json_text
from reports.public.pipeline_reading import PipelineReading

PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"
_LISTS: Final = {"pass": "passedTests", "inconclusive": "warnedTests", "fail": "failedTests"}


def test_result_file(release: PublicRelease) -> str:
    """Write `test-result.intoto.json`: a test for the verdict, each rule, and each row under a rule."""
    reading = PipelineReading(release)
    tests: dict[str, list[str]] = {name: [] for name in _LISTS.values()}
    for suite in reading.suites:
        tests[_LISTS[suite.verdict.outcome]].append(suite.name)
        for case in suite.cases:
            tests[_LISTS[case.outcome]].append(f"{suite.name}: {case.key}")
    plan = {"name": reading.plan, "digest": {"sha256": release.about.plan_sha256}}
    digest = hashlib.sha256(public_json(release).encode()).hexdigest()
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": RELEASE, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": {"result": TEST_RESULTS[reading.suites[0].verdict.outcome], "configuration": [plan], **tests},
    }
    return json_text(statement)
