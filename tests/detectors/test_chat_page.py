"""The page about language models: its model runs, its plan is a plan, and one fits the other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from detectors.documented_service import running

from audit.detectors.chat import ChatDetector
from audit.detectors.protocol import REASONS, STATUSES, RunContext
from audit.plan.sections import ScoringSection
from audit.plan.services import ChatDetector as ChatSection
from audit.scoring.kept_rows import ROWS_AGAIN

WHOLE = (Path(__file__).parents[2] / "docs" / "how-to" / "service.md").read_text(encoding="utf-8")
PAGE = WHOLE.partition("\n## A language model\n")[2]


def block(language: str, place: int = 0, page: str = PAGE) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)[place])


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The model of the page, on a port that is free."""
    (tmp_path / "service.py").write_text(block("python", page=WHOLE), encoding="utf-8")
    with running(tmp_path / "model.py", block("python"), 8766) as port:
        yield port


def test_the_plan_and_the_model_of_the_page_fit(port: int) -> None:
    plan: dict[str, Any] = tomllib.loads(block("toml"))
    ScoringSection.model_validate(plan["scoring"])
    remote = ChatSection.model_validate(plan["detector"])
    assert remote.token == "env:MODEL_TOKEN"
    here = tomllib.loads(block("toml", 2).replace("8766", str(port)))
    asked = ChatSection.model_validate({**plan["detector"], **here, "token": None})
    detector = ChatDetector(asked, Path())
    detector.open(RunContext(Path(), asked.features, "score", (0.0, 1.0), 3))
    try:
        texts = ["your passport will be kept safe", "good pay", ""]
        batch = pa.record_batch({"row_id": pa.array([0, 1, 2]), "advert_text": texts, "pay_offered": [1.0, None, 2.0]})
        answered = detector.score(batch).to_pydict()
        assert answered["score"] == [0.9, 0.1, None]
        assert answered["status"] == ["ok", "ok", "abstain"]
        assert "screener-8b-2025-03 (3)" in " ".join(detector.info.course)
    finally:
        detector.close()


def test_the_labels_of_the_page_are_a_plan() -> None:
    plan: dict[str, Any] = tomllib.loads(block("toml"))
    del plan["detector"]["threshold"]
    asked = ChatSection.model_validate({**plan["detector"], **tomllib.loads(block("toml", 1))})
    assert set(asked.positive_classes) < set(asked.classes)
    extra = re.findall(r"`(extra = \{.*?\})`", PAGE)[0]
    assert ChatSection.model_validate({**plan["detector"], **tomllib.loads(extra), "threshold": 0.5}).extra


def test_the_table_of_failures_names_statuses_and_reasons_that_exist() -> None:
    table = PAGE.split("| What happened |")[1].split("\n\n")[0]
    named = {word for row in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])}
    assert named <= {*map(str, STATUSES), *map(str, REASONS)}
    assert {
        "unreadable",
        "not_a_number",
        "not_finite",
        "out_of_range",
        "not_a_decision",
        "too_large",
        "refused",
    } < named


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"the first { ({8: 'eight'}[ROWS_AGAIN]) } rows are asked about again" in PAGE
    for name in ("timeout", "try_timeout"):
        assert f"({ChatSection.model_fields[name].default:g} seconds unless you write another)" in PAGE
    assert ChatSection.model_fields["missing"].default == "not stated"
    assert ChatSection.model_fields["temperature"].default == 0


def test_the_model_is_short() -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 25
