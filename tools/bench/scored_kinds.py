"""Detectors of every kind that is run, each beside the same model without a harness.

What a model costs is set where it can be: a function, a program and a service each take `COST` for a row.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from tools.bench.scored_set import FEATURES

COST: Final = 40e-6
"""Seconds that a row costs where it can be chosen: 25,000 rows in a second."""
WORKERS: Final = 4
KINDS: Final = ("python", "skops", "skops-child", "skops-fast", "onnx", "onnx-fast", "command", "http")

_SPIN = """
import time
def spin(rows):
    until = time.perf_counter() + rows * {cost}
    while time.perf_counter() < until:
        pass
"""
_FUNCTION = "def score(batch):\n    spin(batch.num_rows)\n    return [0.25] * batch.num_rows\n"
_PROGRAM = """
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    spin(1)
    sys.stdout.write('{"row_id": %d, "score": 0.25}\\n' % row["row_id"])
    sys.stdout.flush()
"""
_SERVICE = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    def do_POST(self):
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
        spin(len(rows))
        body = json.dumps({"predictions": [{"row_id": row["row_id"], "score": 0.25} for row in rows]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
Batches = Sequence[Any]
"""pyarrow.RecordBatch with `row_id` and the features."""


class Contenders(NamedTuple):
    """Model with a harness, and the same model without one."""

    section: dict[str, Any]
    """Section `[detector]` of the model with a harness."""
    prepare: Callable[[Batches], Callable[[], object]]
    """Function that takes the batches and returns what is timed: the bare model over all of them."""


@contextlib.contextmanager
def contenders(kind: str, folder: Path) -> Iterator[Contenders]:
    """Bring up a model of a kind in `folder`, and take it down again."""
    spin = _SPIN.format(cost=COST)
    if kind == "python":
        (folder / "own_function.py").write_text(spin + _FUNCTION, encoding="utf-8")
        yield Contenders({"kind": "python", "entry": "own_function:score"}, _bare_function(spin + _FUNCTION))
    elif kind.startswith("skops"):
        yield _skops(folder, fast=kind.endswith("fast"))
    elif kind.startswith("onnx"):
        yield _onnx(folder, fast=kind.endswith("fast"))
    elif kind == "command":
        (folder / "own_program.py").write_text(spin + _PROGRAM, encoding="utf-8")
        command = [sys.executable, str(folder / "own_program.py")]
        yield Contenders({"kind": "command", "command": command}, _bare_program(command))
    else:
        with _served(spin + _SERVICE) as port:
            at = {"answers_at": "predictions", "score_at": "score", "id_at": "row_id"}
            url = f"http://127.0.0.1:{port}/score"
            section = {"kind": "http", "url": url, "allow_local": True, "workers": WORKERS, **at}
            yield Contenders(section, _bare_service(port))


def _bare_function(code: str) -> Callable[[Batches], Callable[[], object]]:
    named: dict[str, Any] = {}
    exec(compile(code, "own_function", "exec"), named)
    score = named["score"]
    return lambda batches: lambda: [score(batch) for batch in batches]


def _fitted(fast: bool) -> Any:
    import numpy as np
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    cases = pd.DataFrame(rng.normal(size=(4000, len(FEATURES))), columns=list(FEATURES))
    labels = (cases["f0"] * cases["f1"] + rng.normal(size=4000) > 0).astype(int)
    model = LogisticRegression() if fast else RandomForestClassifier(200, random_state=1, n_jobs=1)
    return model.fit(cases, labels)


def _skops(folder: Path, *, fast: bool) -> Contenders:
    import skops.io

    model, path = _fitted(fast), folder / "model.skops"
    skops.io.dump(model, path)

    def prepare(batches: Batches) -> Callable[[], object]:
        frames = [batch.drop_columns(["row_id"]).to_pandas() for batch in batches]
        return lambda: [model.predict_proba(frame) for frame in frames]

    return Contenders({"kind": "skops", "path": str(path)}, prepare)


def _onnx(folder: Path, *, fast: bool) -> Contenders:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before it is imported

    import numpy as np
    import onnxruntime as ort
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    model, path = _fitted(fast), folder / "model.onnx"
    inputs = [("X", FloatTensorType([None, len(FEATURES)]))]
    path.write_bytes(to_onnx(model, initial_types=inputs, options={id(model): {"zipmap": False}}).SerializeToString())
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def prepare(batches: Batches) -> Callable[[], object]:
        inputs = [
            np.column_stack([batch[name].to_numpy() for name in FEATURES]).astype(np.float32) for batch in batches
        ]
        return lambda: [session.run(["probabilities"], {"X": matrix}) for matrix in inputs]

    return Contenders({"kind": "onnx", "path": str(path), "score_range": (0.0, 1.00001)}, prepare)


def _rows(batch: Any) -> list[dict[str, Any]]:
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*map(_list, batch.columns), strict=True)]


def _list(column: Any) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _bare_program(command: list[str]) -> Callable[[Batches], Callable[[], object]]:
    """Run the program alone: its input is in a file, and its output is read as it comes."""

    def prepare(batches: Batches) -> Callable[[], object]:
        lines = (
            json.dumps({"row_id": row.pop("row_id"), "features": row}) + "\n"
            for batch in batches
            for row in _rows(batch)
        )
        requests = "".join(lines).encode()

        def bare() -> None:
            done = subprocess.run(command, input=requests, capture_output=True, check=True)
            if done.stdout.count(b"\n") != requests.count(b"\n"):
                raise AssertionError("the program lost rows")

        return bare

    return prepare


def _bare_service(port: int) -> Callable[[Batches], Callable[[], object]]:
    """Ask the service over as many connections as the harness may open, with bodies that are written already."""

    def prepare(batches: Batches) -> Callable[[], object]:
        bodies = [json.dumps({"instances": _rows(batch)}).encode() for batch in batches]

        def post(bodies_of_worker: list[bytes]) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for body in bodies_of_worker:
                connection.request("POST", "/score", body, {"Content-Type": "application/json"})
                json.loads(connection.getresponse().read())
            connection.close()

        def bare() -> None:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(post, [bodies[worker::WORKERS] for worker in range(WORKERS)]))

        return bare

    return prepare


@contextlib.contextmanager
def _served(code: str) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()
