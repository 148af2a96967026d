"""The rules of the house hold, and each of them bites."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from audit.vocabulary import file_names

ROOT = Path(__file__).resolve().parents[2]
HOUSE_RULES = ROOT / "tools" / "house_rules.py"

HOME = "/ho" + "me"
LONG_FUNCTION = "def long() -> int:\n" + "    assert True\n" * 58 + "    return 1\n"


def run_rules(folder: Path) -> tuple[int, list[str]]:
    command = [sys.executable, str(HOUSE_RULES), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_the_repository_keeps_the_rules() -> None:
    code, breaches = run_rules(ROOT)
    assert breaches == []
    assert code == 0


def test_a_name_that_rooms_share_stands_once() -> None:
    modules = [path for room in ("audit", "reports") for path in (ROOT / room).rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    shared = [value for name, value in vars(file_names).items() if name.isupper() and isinstance(value, str)]
    assert {value: code.count(f'"{value}"') for value in shared} == dict.fromkeys(shared, 1)


BREACHES = [
    ("reports/long.py", LONG_FUNCTION),
    ("audit/kind.py", 'OUTCOME = "fair"\n'),
    ("reports/html/page.html", "<p>The model is unbiased.</p>\n"),
    ("docs/index.md", "A debiased model.\n"),
    ("README.md", "Your model will be compliant.\n"),
    ("audit/later.py", "# TODO: later\n"),
    ("audit/stats/rate.py", '"""The same of the rests."""\n'),
    ("audit/plan/rule.py", 'def whose() -> None:\n    """Whom the rule is about."""\n'),
    ("audit/errors.py", 'SLUG = ""\n"""\nThat of the page."""\n'),
    ("audit/never.py", "def f() -> None:\n    raise NotImplementedError\n"),
    ("tools/requirements/run.txt", "--index-url https://example.org/simple\n"),
    ("tools/requirements/dev.txt", "thing @ file:///tmp/thing.whl\n"),
    ("tests/stats/utils.py", "A = 1\n"),
    ("audit/helpers/__init__.py", ""),
    ("audit/_common.py", "A = 1\n"),
    ("reports/words.py", "t = language.translations.gettext\n"),
    ("docs/howto.md", f"cd {HOME}/someone/project\n"),
]
ALLOWED = [
    ("audit/short.py", "A = 1\n" * 399),
    ("audit/peer.py", "import fairlearn  # fairness metrics, fairly named\n"),
    ("audit/codes.py", 'STATELESS = "XXA"\nUNSPECIFIED = "XXX"\n'),
    ("docs/words.md", 'We never write "fair" or `unbiased` of a model.\n'),
    ("tools/requirements/run.txt", "aif360==0.6.1 \\\n    --hash=sha256:00\n"),
    ("reports/words.py", 'word = t.gettext("one") % {"a": t.ngettext("b", "c", 2)}\n'),
    ("audit/stats/rate.py", '"""Rates."""\n\nSAID = "The same of the rests."\n'),
    ("tests/test_page.py", 'assert "unbiased" not in page\n'),
]


def planted(folder: Path, files: list[tuple[str, str]]) -> Path:
    for name, text in files:
        file = folder / name
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def test_each_breach_is_found_once(tmp_path: Path) -> None:
    code, breaches = run_rules(planted(tmp_path, BREACHES))
    assert code == 1
    assert sorted(breach.partition(":")[0] for breach in breaches) == sorted(file for file, _ in BREACHES)


def test_what_is_allowed_is_not_a_breach(tmp_path: Path) -> None:
    assert run_rules(planted(tmp_path, ALLOWED)) == (0, [])
