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


def run_rules(folder: Path) -> tuple[int, list[str], list[str]]:
    """The exit code, the breaches and the counts."""
    command = [sys.executable, str(HOUSE_RULES), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert not done.stderr
    lines = done.stdout.splitlines()
    counts = [line for line in lines if line.endswith(" of 1,000 names say nothing")]
    return done.returncode, [line for line in lines if line not in counts], counts


def test_the_repository_keeps_the_rules() -> None:
    code, breaches, counts = run_rules(ROOT)
    assert breaches == []
    assert code == 0
    assert [line.partition(":")[0] for line in counts] == ["audit", "reports", "tools"]


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
    ("audit/counting/quick.py", "import sklearn.metrics\n\nsklearn.metrics.check_array = None\n"),
    ("audit/counting/quicker.py", "from scipy import special as s\n\nsetattr(s, 'logsumexp', None)\n"),
    ("audit/counting/class.py", "from pydantic import BaseModel\n\nBaseModel.copy = None\n"),
    ("audit/counting/two.py", "import numpy as np\n\na, np.pi = 1, 3\n"),
    ("audit/counting/drawn.py", "def f() -> None:\n    import matplotlib as mpl\n\n    mpl.rcParams['a'] = 1\n"),
    ("audit/scoring/path.py", "import sys\n\nsys.path.insert(0, '.')\n"),
    ("audit/scoring/slice.py", "from sys import path\n\npath[:] = []\n"),
    ("audit/scoring/modules.py", "import sys\n\nsys.modules['pandas'] = None\n"),
    ("audit/scoring/gone.py", "import sys\n\ndel sys.modules['pandas']\n"),
    ("audit/scoring/finder.py", "import sys\n\nsys.meta_path.append(object())\n"),
    ("audit/scoring/around.py", "import os\n\nos.environ['A'] = '1'\n"),
    ("audit/scoring/stop.py", "import signal\n\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n"),
    ("audit/scoring/quiet.py", "import warnings\n\nwarnings.simplefilter('ignore')\n"),
    ("audit/scoring/out.py", "import sys\n\nsys.stdout = sys.stderr\n"),
    ("audit/engines/active.py", "from pyspark import SparkContext\n\nSPARK = SparkContext._active\n"),
    ("audit/engines/inside.py", "import pandas._libs.lib\n"),
    ("audit/engines/deeper.py", "from sklearn.utils import _check\n"),
    ("audit/engines/object.py", "def f(it):\n    return it._name  # noqa: SLF001\n"),
    ("audit/plan/model.py", "def f(it):\n    return it.__pydantic_core_schema__\n"),
    ("audit/cli/patched.py", "import rich\n\nrich.print = print\n"),
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
    ("audit/cli/start.py", "import gc, os\n\ngc.freeze()\nos.environ.setdefault('A', '1')\n"),
    ("audit/engines/end.py", "import os\nfrom audit.stats import _tail\n\nos._exit(_tail._least)\n"),
    ("audit/scoring/mine.py", "import os\n\nAROUND = dict(os.environ)\nAROUND['A'] = os.environ['B']\n"),
    ("audit/scoring/own.py", "class Own:\n    def f(self) -> None:\n        self._a = self.b = 1\n"),
]


def planted(folder: Path, files: list[tuple[str, str]]) -> Path:
    for name, text in files:
        file = folder / name
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def test_each_breach_is_found_once(tmp_path: Path) -> None:
    code, breaches, _ = run_rules(planted(tmp_path, BREACHES))
    assert code == 1
    assert sorted(breach.partition(":")[0] for breach in breaches) == sorted(file for file, _ in BREACHES)


def test_what_is_allowed_is_not_a_breach(tmp_path: Path) -> None:
    assert run_rules(planted(tmp_path, ALLOWED))[:2] == (0, [])


def test_imports_inside_functions_and_names_that_say_nothing_are_counted(tmp_path: Path) -> None:
    code = "import os\n\ndef f(found, case_id):\n    import json\n    for one in case_id:\n        rate = one\n"
    assert run_rules(planted(tmp_path, [("reports/f.py", code)])) == (
        0,
        [],
        ["reports: 1 imports inside functions; 500.0 of 1,000 names say nothing"],
    )
