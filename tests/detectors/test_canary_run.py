"""Tokens planted in every field, and in all that a detector says, are found nowhere but where they belong.

The ids belong in `predictions.parquet`. The words of the label and of the groups stand in the plan, and the plan in
`result.json`; the HTML says which words of the label count as exploitation. Nothing else of a row, and no secret, is
anywhere: not on stdout or stderr, in a report, in the answers that are kept, or in a folder for temporary files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from detectors.fault_server import Asked, serving

ID, TEXT, LABEL, GROUP = "canary-id-7c21", "canary-text-7c21", "canary-label-7c21", "canary-group-7c21"
TOKEN, SAID = "canary-token-7c21", "canary-said-7c21"
ROOT = Path(__file__).parents[2]
ROWS = 40
FIELDS = (ID, TEXT, LABEL, GROUP, TOKEN, SAID)
OWN = {"set.parquet", "own_function.py", "own_program.py", "plan.toml"}
"""Files that the test writes itself."""
PROGRAM_OF_COMMANDS = """
import json, os, sys, tempfile
from audit.cli import main
for folder, commands in json.loads(sys.argv[1]):
    os.chdir(folder)
    os.environ["TMPDIR"], tempfile.tempdir = os.path.join(folder, "temporary"), None
    codes = []
    for line in commands:
        sys.argv = ["audit7k", *line.split()]
        try:
            main()
            codes.append(0)
        except SystemExit as end:
            codes.append(int(end.code or 0))
    print(codes)
    for stream in (sys.stdout, sys.stderr):
        print(END, file=stream, flush=True)
""".replace("END", repr("the end of a scene"))
FUNCTION = f"""
def score(batch):
    texts = batch["text"].to_pylist()
    if FAILS:
        raise ValueError(f"{SAID} {{texts}}")
    return [0.25 + 0.5 * (n % 2) for n in range(len(texts))]
"""
PROGRAM = f"""
import json, os, sys
for line in sys.stdin:
    print(line, "{SAID}", os.environ["AUDIT7K_TOKEN"], file=sys.stderr, flush=True)
    if FAILS:
        print("{SAID}", line, flush=True)
        sys.exit("{SAID}")
    row = json.loads(line)
    print(json.dumps(dict(row_id=row["row_id"], score=0.25 + 0.5 * (row["row_id"] % 2), note="{SAID}")), flush=True)
"""


class Scene:
    """A folder with a set full of tokens, and a plan for a detector of some kind that works or fails."""

    def __init__(self, folder: Path, kind: str, *, fails: bool, url: str = "") -> None:
        self.folder, self.temporary, self.kind, self.fails = folder, folder / "temporary", kind, fails
        self.codes, self.said = list[int](), ""
        self.temporary.mkdir()
        columns = {
            "case_id": [f"{ID}-{n}" for n in range(ROWS)],
            "exploited": [f"{LABEL}-{n // 2 % 2}" for n in range(ROWS)],
            "gender": [f"{GROUP}-{n // 4 % 2}" for n in range(ROWS)],
            "text": [f"{TEXT} {n}" for n in range(ROWS)],
            "left_out": [f"{TEXT} left out {n}" for n in range(ROWS)],
        }
        pq.write_table(pa.table(columns), folder / "set.parquet")
        (folder / "own_function.py").write_text(f"FAILS = {fails}\n{FUNCTION}", encoding="utf-8")
        (folder / "own_program.py").write_text(f"FAILS = {fails}\n{PROGRAM}", encoding="utf-8")
        sections = {
            "python": 'entry = "own_function:score"',
            "command": f'command = ["{sys.executable}", "own_program.py"]\n'
            'environment = ["AUDIT7K_TOKEN"]\nmost_restarts = 1',
            "http": f'url = "{url}"\nallow_local = true\ntoken = "env:AUDIT7K_TOKEN"\nanswers_at = "predictions"\n'
            'score_at = "score"\nid_at = "row_id"\nheaders = { X-Second = "env:AUDIT7K_TOKEN" }\ntimeout = 2',
        }
        (folder / "plan.toml").write_text(
            f"""
schema = 1
[audit]
title = "T"
owner = "O"
use = "hotline-triage"
route = "services"
[detector]
kind = "{kind}"
features = ["text"]
threshold = 0.5
{sections[kind]}
[evaluation_set]
path = "set.parquet"
id = "case_id"
label = "exploited"
label_positive = ["{LABEL}-1"]
label_negative = ["{LABEL}-0"]
label_source = "made for a test"
[groups.gender]
column = "gender"
map = {{ "{GROUP}-0" = "woman", "{GROUP}-1" = "man" }}
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.2
[scoring]
batch_size = 8
""",
            encoding="utf-8",
        )

    @property
    def commands(self) -> list[str]:
        """What is done with it."""
        run = f"run plan.toml --out out{ALONE[self.kind]}"
        if self.fails:
            return [run, "gate plan.toml"]
        drawn = "report out/result.json --restricted --out drawn.html"
        return [
            "check plan.toml", run, "gate out/result.json --inputs-elsewhere",
            drawn, f"{drawn.replace('html', 'xml')} --format junit"
        ]  # fmt: skip

    def found(self) -> Iterator[tuple[str, str]]:
        """Every file but those that the test wrote, and each token in it."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name not in OWN and path.suffix != ".pyc":
                content = path.read_bytes()
                if path.suffix == ".parquet":  # its columns are packed
                    content += json.dumps(pq.read_table(path).to_pydict(), default=str).encode()
                yield from (
                    (str(path.relative_to(self.folder)), field) for field in FIELDS if field.encode() in content
                )


def working(asked: Asked) -> None:
    rows = [{"row_id": row["row_id"], "score": 0.25 + 0.5 * (row["row_id"] % 2), "note": SAID} for row in asked.rows]
    asked.reply({"predictions": rows, "note": SAID}, X_Note=SAID)


def failing(asked: Asked) -> None:
    """Everything that a service can say, with what it was given."""
    body = f"{SAID} {asked.body} {asked.headers}"
    if asked.number % 3 == 1:
        asked.reply({"predictions": [], "detail": body})
    elif asked.number % 3 == 2:
        asked.reply(body.encode(), 400, X_Note=SAID)
    else:
        asked.reply({"detail": body}, 302, Location=f"/{SAID}")


BELONGS = {
    ("out/predictions.parquet", ID),
    ("out/result.json", LABEL),
    ("out/result.json", GROUP),
}
"""Nothing in `out/public`, which may leave the house, and of the restricted folder nothing but counts."""

ALONE = {"python": "", "command": " --no-crosscheck", "http": " --no-crosscheck"}
"""The cross-check sees groups and decisions, whatever decided: once is enough."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], Scene]:
    """Every kind, working and failing, after its commands: by one Python, which needs a second to load audit7k."""
    with serving(working) as well, serving(failing) as ill:
        made = [
            Scene(tmp_path_factory.mktemp(kind), kind, fails=fails, url=(ill if fails else well).url)
            for kind in ALONE
            for fails in (False, True)
        ]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM_OF_COMMANDS, json.dumps([[str(one.folder), one.commands] for one in made])],
            env={**os.environ, "PYTHONPATH": str(ROOT), "AUDIT7K_TOKEN": TOKEN},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    said = zip(made, *(stream.split("the end of a scene\n")[:-1] for stream in (done.stdout, done.stderr)), strict=True)
    for one, out, error in said:
        one.codes, one.said = json.loads(out.splitlines()[-1]), out + error
    return {(one.kind, one.fails): one for one in made}


def said_nothing(scene: Scene) -> None:
    assert "Traceback" not in scene.said, scene.said
    assert not [field for field in FIELDS if field in scene.said]
    assert not list(scene.temporary.iterdir())


@pytest.mark.parametrize("kind", ALONE)
def test_tokens_of_a_run_that_succeeds_are_where_they_belong(scenes: dict[tuple[str, bool], Scene], kind: str) -> None:
    scene = scenes[kind, False]
    said_nothing(scene)
    assert len(scene.codes) == len(scene.commands)
    assert set(scene.codes) <= {0, 1, 3}
    assert set(scene.found()) == BELONGS | {("drawn.html", LABEL)}
    assert (scene.folder / "out" / "scoring" / "complete.json").exists()
    assert {path.name for path in (scene.folder / "out" / "public").iterdir()} >= {"report.html", "junit.xml"}


@pytest.mark.parametrize("kind", ALONE)
def test_tokens_of_a_run_that_fails_are_nowhere(scenes: dict[tuple[str, bool], Scene], kind: str) -> None:
    scene = scenes[kind, True]
    said_nothing(scene)
    assert scene.codes == ([3, 3] if kind == "http" else [4, 4])
    assert set(scene.found()) == (BELONGS if kind == "http" else set())
    ends = {"python": "the detector raised ValueError", "command": "command-keeps-failing", "http": "failed"}
    assert ends[kind] in scene.said
