"""The page about blind audits, followed to the letter by both sides, each in a folder of its own."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import skops.io
from made.blind import PLAN, write_cases
from made.sealed import signer_in
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from audit.cli.commands.app import app

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "blind.md").read_text(encoding="utf-8")
FEATURES = ["age", "hours", "debt"]
BY_VENDOR = ("commit", "rehearse", "answer")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def ready(vendor: Path, regulator: Path) -> None:
    """Keys, a model, a set, and what the system at work decided."""
    for folder, key in ((vendor, "vendor.key"), (regulator, "regulator.key")):
        folder.mkdir()
        signer_in(folder, key)
    write_cases(regulator)
    cases = pq.read_table(regulator / "set.parquet").to_pandas()
    model = LogisticRegression(max_iter=1_000).fit(cases[FEATURES], cases["label"])
    written, asked = blocks("toml")
    for folder, name in ((vendor, "vendor.toml"), (regulator, "service.toml")):
        skops.io.dump(model, folder / "screener.skops")
        (folder / name).write_text(written, encoding="utf-8")
    head, _, rest = PLAN.partition("[detector]\n")
    plan = f"{head}{asked}\n[evaluation_set]{rest.partition('[evaluation_set]')[2]}"
    (regulator / "plan.toml").write_text(plan, encoding="utf-8")
    chance = np.random.default_rng(5)
    work = cases.sample(100, random_state=6)[FEATURES].assign(age=chance.integers(18, 60, 100))
    work.assign(decision=model.predict(work)).to_csv(regulator / "production.csv", index=False)


@pytest.mark.usefixtures("warm_children")
@pytest.mark.timeout(600)
def test_the_page_is_followed_to_the_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, regulator = tmp_path / "vendor", tmp_path / "regulator"
    ready(vendor, regulator)
    cid, said = "", dict[str, str]()
    for line in [line for block in blocks("console") for line in block.splitlines()]:
        command, _, written = line.replace("CID", cid).partition(" > ")
        words = shlex.split(command)[1:]
        step = " ".join(words[1:3]) if words[1] == "open" else words[1]
        folder = vendor if words[1] in BY_VENDOR or step == "open opened.json" else regulator
        monkeypatch.chdir(folder)
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (line, done.output)
        said[step] = done.output
        if written:
            (regulator / written).write_text(done.stdout, encoding="utf-8")
        if step == "commit":  # only what the page says travels
            shutil.copy(vendor / "history.a7h", regulator / "vendor.a7h")
        elif step == "challenge":
            shutil.copytree(regulator / "challenge", vendor / "challenge")
            cid = pq.read_table(vendor / "challenge" / "challenge.parquet")["cid"][0].as_py()
        elif step == "answer":
            shutil.copytree(vendor / "answers", regulator / "answers")
        elif step == "open audit-out/restricted/challenge.secret":
            shutil.copy(regulator / "opened.json", vendor)
    assert set(said) == {
        *BY_VENDOR, "challenge", "judge", "repeat", "open audit-out/restricted/challenge.secret", "open opened.json",
    }  # fmt: skip
    assert "0  otherwise when asked again: --deterministic can be declared" in said["rehearse"]
    assert "0 of 100 decisions from production differ" in said["judge"]
    assert "none did" in said["repeat"]
    assert "as was fixed before the answers" in said["open opened.json"]
    release = json.loads((regulator / "audit-out" / "public" / "release.json").read_text(encoding="utf-8"))
    assert (
        "decisions of the system at work support that it answers so (0 of 100 otherwise)"
        in release["about"]["decision"]
    )
