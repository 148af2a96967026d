"""The page about services: its service runs, its plan is a plan, and one fits the other."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from detectors.documented_service import running

from audit.detectors.http_service import HttpDetector
from audit.detectors.protocol import REASONS, STATUSES, RunContext
from audit.plan.sections import ScoringSection
from audit.plan.services import HttpDetector as HttpSection

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "service.md").read_text(encoding="utf-8")


def block(language: str, place: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)[place])


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The service of the page, on a port that is free."""
    with running(tmp_path / "service.py", block("python"), 8765) as port:
        yield port


def test_the_plan_and_the_service_of_the_page_fit(port: int) -> None:
    plan: dict[str, Any] = tomllib.loads(block("toml"))
    ScoringSection.model_validate(plan["scoring"])
    remote = HttpSection.model_validate(plan["detector"])
    assert remote.token == "env:SCREENER_TOKEN"
    here = tomllib.loads(block("toml", 1).replace("8765", str(port)))
    asked = HttpSection.model_validate({**plan["detector"], **here, "token": None})
    detector = HttpDetector(asked, Path())
    detector.open(RunContext(Path(), asked.features, "score", (0.0, 1.0), 2))
    try:
        texts = ["your passport will be kept safe", "good pay"]
        batch = pa.record_batch({"row_id": pa.array([0, 1]), "advert_text": texts, "pay_offered": [1.0, None]})
        assert detector.score(batch).to_pydict()["score"] == [0.9, 0.1]
    finally:
        detector.close()


def test_a_service_that_answers_a_bare_list_is_read_as_the_page_says() -> None:
    from audit.detectors.http_service.reply import ReplyReader

    read = ReplyReader("", "", None, "score", (0.0, 1.0)).read(json.dumps([0.1, 0.9]).encode(), [0, 1], where="x")
    assert read.scores.tolist() == [0.1, 0.9]


def test_the_table_of_failures_names_statuses_and_reasons_that_exist() -> None:
    table = PAGE.split("| What happened |")[1].split("\n\n")[0]
    named = {word for row in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])}
    known = {*map(str, STATUSES), *map(str, REASONS)}
    assert named - known == {"id_at"}
    assert {"timeout", "no_connection", "http_429", "too_large", "out_of_order"} <= named


def test_the_service_is_short() -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 25
