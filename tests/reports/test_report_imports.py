"""What a report may load: the nouns of a result and a template engine. Proved in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made.results import undecided_result

TESTS = Path(__file__).parents[1]
HEAVY = {"numpy", "pandas", "duckdb", "ibis", "pyarrow", "scipy", "sklearn", "fairlearn", "aif360", "skops"}
NOUNS = {
    "audit",
    "audit.version",
    "audit.result",
    "audit.public",
    "audit.plan",
    "audit.vocabulary",
    "audit.result.audit_result",
    "audit.result.cases",
    "audit.result.finding_list",
    "audit.result.next_commands",
    "audit.result.reading",
    "audit.result.reasons",
    "audit.result.selected",
    "audit.result.urgency",
    "audit.result.waivers",
    "audit.public.figures",
    "audit.public.cases",
    "audit.public.finding_list",
    "audit.public.names",
    "audit.public.release",
    "audit.public.sentences",
    "audit.public.about",
    "audit.result.findings",
    "audit.vocabulary.attempts",
    "audit.vocabulary.documented",
    "audit.vocabulary.groups",
    "audit.vocabulary.finding",
    "audit.plan.audit_plan",
    "audit.plan.detectors",
    "audit.plan.answers",
    "audit.plan.services",
    "audit.plan.http",
    "audit.plan.evaluation_set",
    "audit.plan.measures",
    "audit.plan.governance",
    "audit.plan.probes",
    "audit.plan.second_questions",
    "audit.plan.sections",
    "audit.vocabulary.metrics",
    "audit.vocabulary.names",
    "audit.vocabulary.numbers",
    "audit.vocabulary.sentences",
    "audit.vocabulary.text",
    "audit.vocabulary.statuses",
    "audit.vocabulary.terms",
    "audit.errors",
}


def modules_after(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(("module", "reporter"), [("reports.html", "HtmlReporter"), ("reports.junit", "JunitReporter")])
def test_a_report_loads_the_nouns_and_nothing_below_them(module: str, reporter: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(undecided_result().model_dump_json(by_alias=True), encoding="utf-8")
    program = (
        "import pathlib\n"
        "from audit.result.audit_result import AuditResult\n"
        f"from {module} import {reporter}\n"
        f"result = AuditResult.model_validate_json(pathlib.Path({str(path)!r}).read_text(encoding='utf-8'))\n"
        f"assert {reporter}().render(result)"
    )
    loaded = modules_after(program)
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    ours = {
        name for name in loaded if name.partition(".")[0] == "audit" and not name.startswith("audit.result.findings.")
    }
    assert ours <= NOUNS


def test_a_pdf_loads_the_nouns_the_extra_and_nothing_below_them(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(undecided_result().model_dump_json(by_alias=True), encoding="utf-8")
    program = (
        "import pathlib\n"
        "from audit.result.audit_result import AuditResult\n"
        "from reports.pdf.paper import pdf_of\n"
        "from reports.group_counts import counts_csv\n"
        "from audit.result.json_text import result_to_json\n"
        f"result = AuditResult.model_validate_json(pathlib.Path({str(path)!r}).read_text(encoding='utf-8'))\n"
        "assert counts_csv(result)\n"
        "try:\n    assert pdf_of('<html lang=en><title>t</title><p>t', {})\n"
        "except Exception as error:\n    assert 'needs' in str(error)"
    )
    loaded = modules_after(program)
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    ours = {
        name for name in loaded if name.partition(".")[0] == "audit" and not name.startswith("audit.result.findings.")
    }
    assert ours <= NOUNS | {"audit.result.json_text"}


def test_a_pdf_is_not_loaded_before_it_is_asked_for() -> None:
    loaded = modules_after("import reports.pdf, reports.html")
    assert not loaded & {"weasyprint", "pypdf", "jinja2", "audit.result.audit_result"}


def test_finding_a_reporter_does_not_load_its_templates() -> None:
    loaded = modules_after("import reports.html")
    assert "jinja2" not in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
