"""One model, audited as a function, as a service and as a program, gives one result: the way to a model is not seen.

The model is a third party's: py3langid (BSD-3-Clause), a naive Bayes over byte sequences with weights for 139 languages
in its wheel. Nobody made it to find exploitation, and how likely it holds a text for English says nothing about that.
It does here because what is asked is whether three ways to the same answers lead to the same audit: its scores are
doubles of which hardly two are equal, so that a row swapped, a digit lost or a text changed on the way is seen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.detectors.command_setup import program_environment
from audit.worlds.folder import synthesise
from audit.worlds.strengths import WORLDS

ROWS = 400
ENGLISH = """
from py3langid.langid import MODEL_FILE, LanguageIdentifier

IDENTIFIER = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

def english(text):
    return dict(IDENTIFIER.rank(text))["en"]
"""
FUNCTION = """
from english_model import english

def score(batch):
    return [english(text) for text in batch.column("text").to_pylist()]
"""
PROGRAM = """
import json, sys
from english_model import english

for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps({"row_id": row["row_id"], "score": english(row["features"]["text"])}), flush=True)
"""
SERVICE = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from english_model import english

class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
        answers = [{"row_id": row["row_id"], "score": english(row["text"])} for row in rows]
        body = json.dumps({"predictions": answers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, flush=True)
server.serve_forever()
"""
WAYS = ("python", "http", "command")
OF_THE_WAY = (
    "plan.detector.",
    "plan_as_asked.detector.",
    "provenance.ran_in",
    "provenance.course",
    "provenance.plan_file",
    "provenance.rule_lines",
)
"""What tells of the detector and of where it ran."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic adverts, with the plan that comes with them; the model beside it."""
    folder = synthesise(WORLDS["adverts"], tmp_path_factory.mktemp("world") / "adverts", rows=ROWS, seed=11).folder
    files = {"english_model": ENGLISH, "english_function": FUNCTION, "program": PROGRAM, "service": SERVICE}
    for name, code in files.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def port(world: Path) -> Iterator[int]:
    """The service, in the surroundings that a program under audit has: BLAS takes its kernel from other variables."""
    started = [sys.executable, "service.py"]
    given = program_environment(())
    with subprocess.Popen(started, cwd=world, env=given, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def runs(world: Path, port: int) -> dict[str, Path]:
    """The output folders of three whole audits, by how the model was reached."""
    sections = {
        "python": 'entry = "english_function:score"\nfiles = ["english_model.py"]',
        "http": f'url = "http://127.0.0.1:{port}/"\nallow_local = true\nanswers_at = "predictions"\n'
        'score_at = "score"\nid_at = "row_id"\nworkers = 3',
        "command": f'command = [{json.dumps(sys.executable)}, "program.py"]\nfiles = ["english_model.py"]',
    }
    before, _, rest = (world / "plan.toml").read_text(encoding="utf-8").partition("[detector]")
    after = rest[rest.index("[evaluation_set]") :]
    for more in (', ["gender", "nationality"]', ', "es", "fr"'):  # which would ask and judge more of the same
        assert more in after
        after = after.replace(more, "")
    for way, keys in sections.items():
        detector = f'[detector]\nkind = "{way}"\nfeatures = ["text"]\nthreshold = 0.5\n{keys}\n'
        scoring = "\n[scoring]\nbatch_size = 100\n"
        (world / f"{way}.toml").write_text(f"{before}{detector}\n{after}{scoring}", encoding="utf-8")
        where = [str(world / f"{way}.toml"), "--out", str(world / way)]
        asked = ["run", "--restricted", *where, "--no-crosscheck", "--report", "junit"]
        done = CliRunner().invoke(app, asked)
        assert done.exit_code in (0, 1, 3), done.output
    return {way: world / way for way in WAYS}


def differing(one: Any, other: Any, where: str = "") -> set[str]:
    """Where two results differ, key by key."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set().union(
            *(differing(one.get(key), other.get(key), f"{where}.{key}" if where else key) for key in {*one, *other})
        )
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(*(differing(a, b, where) for a, b in zip(one, other, strict=True)))
    return set() if one == other else {where}


@pytest.mark.parametrize("way", WAYS[1:])
def test_predictions_are_the_same_bytes(runs: dict[str, Path], way: str) -> None:
    assert (runs[way] / "predictions.parquet").read_bytes() == (runs["python"] / "predictions.parquet").read_bytes()


def test_hardly_two_rows_have_the_same_score(runs: dict[str, Path]) -> None:
    table = pq.read_table(runs["python"] / "predictions.parquet").to_pandas()
    assert len(table) == ROWS
    assert table["score"].nunique() > 0.95 * ROWS
    assert set(table["decision"]) == {"flagged", "not flagged"}


@pytest.mark.parametrize("way", WAYS[1:])
def test_results_differ_in_what_names_the_detector_and_in_nothing_else(runs: dict[str, Path], way: str) -> None:
    one, other = (json.loads((runs[name] / "result.json").read_text(encoding="utf-8")) for name in ("python", way))
    for result in (one, other):  # whether the audit runs without a network is asked of 7(l), and a service is one
        result["safeguards"] = [row for row in result["safeguards"] if row["clause"] != "7(l)"]
    assert other["rows"][0]["scored"] == ROWS
    assert other["probe_verdicts"]
    found = differing(one, other)
    assert {key for key in found if not key.startswith(OF_THE_WAY)} <= {
        "provenance.detector_sha256",
        "provenance.finished",
        "provenance.plan_sha256",
        "provenance.started",
        "system.kind",
        "system.name",
        "system.notes",
    }
    assert {"plan.detector.kind", "system.kind", "system.name"} <= found
