"""The page about MLflow: what it has saved is what its plan audits, and the digest is that of its command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from audit.detectors.mlflow_model import MlflowDetector
from audit.detectors.protocol import RunContext
from audit.plan.detectors import MlflowDetector as MlflowSection

FILES = (Path(__file__).parents[2] / "docs" / "how-to" / "model-files.md").read_text(encoding="utf-8")
PAGE = FILES.partition("\n## An MLflow folder\n")[2].partition("\n## ")[0]
MODEL = """
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
cases = pd.DataFrame({"country": ["NGA", "THA"] * 10, "pay_offered": [float(n) for n in range(20)]})
columns = make_column_transformer((OneHotEncoder(), ["country"]), remainder="passthrough")
pipeline = make_pipeline(columns, LogisticRegression()).fit(cases, [0] * 10 + [1] * 10)
"""


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert isinstance(found, str)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the find of other systems knows no -printf")
def test_what_the_page_saves_its_plan_audits_and_its_command_names(tmp_path: Path) -> None:
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(tmp_path / "home")}
    code = MODEL + block("python").replace("signature=", "pip_requirements=['scikit-learn'], signature=")
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, env=environment, timeout=60, check=True)
    section = MlflowSection.model_validate(tomllib.loads(block("toml"))["detector"])
    detector = MlflowDetector(section, tmp_path)
    detector.open(RunContext(tmp_path, section.features, "score", section.score_range, 10))
    detector.close()
    assert any("flavour sklearn, saved with skops" in note for note in detector.info.notes)
    said = subprocess.run(
        ["sh", "-c", block("sh")], cwd=tmp_path / "screener", capture_output=True, text=True, timeout=20, check=True
    )
    assert said.stdout.split()[0] == detector.info.artefact_sha256
