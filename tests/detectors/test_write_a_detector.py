"""The page about detectors of one's own: its package installs, keeps its contract, and is audited."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import AuditError
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "write-a-detector.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)```", PAGE, flags=re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, and the package installed in `site`, without a network."""
    folder = tmp_path_factory.mktemp("page")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", "site"]
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *options, "./wordlist"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *command: str, without: bool = False) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT), *([] if without else [str(folder / "site")]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_the_page_has_all_files() -> None:
    assert set(FILES) == {
        "wordlist/pyproject.toml",
        "wordlist/audit7k_wordlist.py",
        "wordlist/test_contract.py",
        "wordlist/README.md",
        "first/words.json",
        "first/plan.toml",
        "first/adverts.csv",
    }


def test_the_package_of_the_page_keeps_the_contract(folder: Path) -> None:
    done = run(folder, "pytest", "-q", "-s", "-p", "no:cacheprovider", "wordlist")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "same_again: kept" in done.stdout
    assert "broken" not in done.stdout


def test_an_audit_with_the_package_of_the_page(folder: Path) -> None:
    done = run(folder, "audit", "run", "--restricted", "first/plan.toml", "--out", "audit-out", "--no-crosscheck")
    assert done.returncode in {0, 1, 3}, done.stderr
    result = json.loads((folder / "audit-out" / "result.json").read_text(encoding="utf-8"))
    assert result["system"]["kind"] == "wordlist"
    assert result["plan"]["detector"]["options"] == {"path": "words.json"}
    overall = next(account for account in result["rows"] if not account["group"])
    assert (overall["read"], overall["scored"]) == (8, 8)
    found = next(one for one in result["estimates"] if one["metric"] == "true_positive_rate" and not one["group"])
    assert (found["numerator"], found["denominator"]) == (4, 5)
    # whoever reads the result need not have the package
    done = run(folder, "audit", "report", "--restricted", "audit-out/result.json", "--out", "drawn.html", without=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "without", "says"),
    [
        ("", "", True, 'plan.toml, line 10: detector.kind = "wordlist" is not known — it takes "predictions"'),
        ('"wordlist"', '"wordlists"', False, 'detector.kind = "wordlists" is not known — did you mean "wordlist"?'),
        ("options =", "option =", False, "detector.option is not a key of a plan — did you mean options?"),
        ("threshold = 0.5", "threshold = 5.0", False, "threshold 5 lies outside score_range"),
        ("options = {", "options = { more = 1,", False, "a word list takes one feature, answers with scores"),
        ('path = "words.json"', 'path = "nowords.json"', False, "nowords.json is no list of words with a weight each"),
        ('["words.json"]', '["nowords.json"]', False, "`files` names nowords.json, which is not there"),
        ('path = "words.json"', "path = nan", False, "options holds a number that is not finite"),
        (
            'path = "words.json"',
            "path = 3",
            False,
            "kind 'wordlist' from audit7k-wordlist cannot be made: it raised TypeError",
        ),
    ],
)
def test_a_mistake_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, without: bool, says: str
) -> None:
    if not without:
        monkeypatch.syspath_prepend(str(folder / "site"))
    plan = folder / "first" / "broken.toml"
    plan.write_text(FILES["first/plan.toml"].replace(old, new, 1), encoding="utf-8")
    with pytest.raises(AuditError) as caught:
        run_audit(plan, crosscheck=False)
    assert says in str(caught.value).replace("broken.toml", "plan.toml")
    assert "\n" not in str(caught.value)


def test_answers_that_were_kept_are_believed_by_a_digest_that_is_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder / "site"))
    plan = folder / "first" / "plan.toml"
    for _ in range(2):
        checkpoint = Checkpoint(folder / "kept")
        result = run_audit(plan, crosscheck=False, checkpoint=checkpoint)
        assert result.system.notes[:1] == ("Words in the list: 3.",)
    assert [path.name for path in (folder / "kept" / "parts").glob("*.json")] == ["000000.json"]
