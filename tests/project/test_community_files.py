"""Files for those who join, cite or report: they name the version, and their forms are what the host reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from audit import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__.partition("+")[0].partition(".dev")[0]
    assert {"title", "message", "authors"} <= citation.keys()


@pytest.mark.parametrize("form", ["wrong_result.yml", "proposal.yml"])
def test_a_form_of_an_issue_has_what_its_host_asks(form: str) -> None:
    content = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / form).read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= content.keys()
    questions = [part for part in content["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in questions}) == len(questions)
    assert all(part["attributes"]["label"] for part in questions)


def test_the_workflow_does_what_continuous_integration_does() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["all"]["steps"]
    assert steps[-1]["run"].splitlines()[-1] == "bash .ci/run"
    # a tag can be moved to other code, and this job has the repository
    assert all(len(step["uses"].partition("@")[2]) == 40 for step in steps if "uses" in step)
