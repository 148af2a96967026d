"""The import contracts of pyproject.toml hold, and each of them bites."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def contracts() -> dict[str, dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


CONTRACTS = contracts()

PLANTS: dict[str, list[tuple[str, str]]] = {
    "layers": [
        ("audit/cli/__init__.py", "import audit.__main__"),
        ("audit/run.py", "def late() -> None:\n    import audit.cli"),
        ("audit/counting/table.py", "import typing\n\nif typing.TYPE_CHECKING:\n    from audit.scoring import Scored"),
        ("audit/planning/__init__.py", "import audit.run"),
        ("audit/disclosure/__init__.py", "from audit import planning"),
        ("audit/verdicts/judge.py", "import audit.safeguards"),
        ("audit/analyses/__init__.py", "from audit.scoring import score"),
        ("audit/counting/__init__.py", "from audit.scoring import score"),
        ("audit/worlds/__init__.py", "import audit.detectors"),
        ("audit/evaluation/__init__.py", "from audit.counting import table"),
        ("audit/plan/audit_plan.py", "def late() -> None:\n    import audit.run"),
        ("audit/public/__init__.py", "import audit.plan.audit_plan"),
        ("audit/stats/__init__.py", "from audit import verdicts"),
        ("audit/vocabulary/__init__.py", "import audit.stats"),
        ("audit/errors.py", "import audit.plan.audit_plan"),
    ],
    "no-circles": [
        ("audit/stats/arrays.py", "def late() -> None:\n    from audit.stats import score_test"),
        (
            "audit/engines/protocol.py",
            "import typing\n\nif typing.TYPE_CHECKING:\n    from audit.engines.duckdb import DuckDBEngine",
        ),
    ],
    "analyses-decide-nothing": [
        ("audit/analyses/__init__.py", "import audit.verdicts.judge"),
        ("audit/analyses/crosscheck/__init__.py", "def late() -> None:\n    from audit.verdicts import judge"),
    ],
    "opinions-decide-nothing": [
        ("audit/verdicts/judge.py", "def late() -> None:\n    from audit.analyses.crosscheck import rates_fairlearn"),
        ("audit/scoring/__init__.py", "import audit.worlds"),
        ("audit/safeguards/__init__.py", "import audit.analyses.records"),
        (
            "audit/verdicts/side_tests.py",
            "def late() -> None:\n    from audit.analyses.deployment import cost_findings",
        ),
    ],
    "a-run-stands-alone": [
        ("audit/run.py", "def late() -> None:\n    import audit.planning"),
        ("audit/disclosure/__init__.py", "import audit.verdicts.nights"),
    ],
    "reports-see-nouns": [
        ("reports/__init__.py", "import numpy"),
        ("reports/__init__.py", "from audit.counting import table"),
        ("reports/__init__.py", "from audit.disclosure import draws"),
        ("reports/__init__.py", "def late() -> None:\n    from audit import run"),
    ],
    "public-sees-no-result": [
        ("reports/public/words.py", "def late() -> None:\n    from audit.result.reading import Reading"),
        ("audit/public/cases.py", "from audit.result import cases"),
    ],
    "audit-never-reports": [
        ("audit/cli/__init__.py", "def late() -> None:\n    import reports"),
    ],
    "peers-in-crosscheck": [
        ("audit/analyses/__init__.py", "def late() -> None:\n    from fairlearn.metrics import MetricFrame"),
        ("audit/stats/__init__.py", "import aif360"),
        ("audit/cli/__init__.py", "def late() -> None:\n    import aif360.metrics"),
        ("reports/__init__.py", "import fairlearn"),
    ],
    "spark-in-engines": [
        ("audit/counting/count.py", "def late() -> None:\n    from pyspark.sql import SparkSession"),
    ],
    "keys-in-evidence": [
        ("audit/evidence/bundle.py", "def late() -> None:\n    from cryptography import x509"),
    ],
    "stats-are-pure": [
        ("audit/stats/__init__.py", "import pandas"),
        ("audit/verdicts/judge.py", "import ibis"),
    ],
    "nouns-are-light": [
        ("audit/plan/audit_plan.py", "import numpy"),
        ("audit/result/audit_result.py", "import pandas"),
        ("audit/public/release.py", "import numpy"),
        ("audit/result/audit_result.py", "def late() -> None:\n    import audit.stats"),
    ],
}


def copy_of_the_tree(folder: Path) -> Path:
    """The packages and their contracts, without anything that was built."""
    for package in ("audit", "reports"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")
    return folder


def lint(folder: Path) -> tuple[int, dict[str, str], str]:
    """Exit code, state of each contract by id, and everything printed."""
    command = [str(LINT_IMPORTS), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    lines = (done.stdout + done.stderr).splitlines()
    states = {}
    for name, contract in CONTRACTS.items():
        for line in lines:
            if line.startswith(contract["name"]) and line.split()[-1] in {"KEPT", "BROKEN"}:
                states[name] = line.split()[-1]
    return done.returncode, states, done.stdout + done.stderr


def test_every_contract_holds_in_the_repository() -> None:
    code, states, printed = lint(ROOT)
    assert code == 0, printed
    assert states == dict.fromkeys(CONTRACTS, "KEPT"), printed


@dataclass(frozen=True)
class Planted:
    """An import in a copy of the tree."""

    contract: str
    module: str
    line: int


def plant_all(tree: Path) -> list[Planted]:
    """Plant every import, each behind the last one in its file."""
    planted: list[Planted] = []
    for contract, plants in PLANTS.items():
        for name, plant in plants:
            file = tree / name
            text = f"{file.read_text(encoding='utf-8')}\n\n{plant.replace('late()', f'late_{len(planted)}()')}\n"
            file.write_text(text, encoding="utf-8")
            module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            planted.append(Planted(contract, module, len(text.splitlines())))
    return planted


def said_of_each(printed: str) -> dict[str, str]:
    """What is said of each broken contract, by its id."""
    ids = {contract["name"]: name for name, contract in CONTRACTS.items()}
    said: dict[str, str] = {}
    current = ""
    for line in printed.partition("Broken contracts")[2].splitlines():
        current = ids.get(line, current)
        said[current] = f"{said.get(current, '')}{line}\n"
    return said


def test_each_planted_import_breaks_its_contract_and_is_named(tmp_path: Path) -> None:
    """All are planted in one copy: each must stand, with its line, under the contract that it breaks."""
    tree = copy_of_the_tree(tmp_path)
    planted = plant_all(tree)
    code, states, printed = lint(tree)
    assert code == 1, printed
    assert states == dict.fromkeys(CONTRACTS, "BROKEN"), printed
    said = said_of_each(printed)
    for plant in planted:
        named = rf"^- +{re.escape(plant.module)} -> \S+ \((?:l\.\d+, )*l\.{plant.line}\b"
        if plant.contract == "no-circles":
            named = rf"^- \.{plant.module.rpartition('.')[2]} -> \.\w+ \(1 import\)"
        assert re.search(named, said[plant.contract], re.MULTILINE), (plant, printed)


DECIDED_WITH = {"control_sample", "estimates", "missing_attributes", "probe_shifts", "sides", "weighted_rates"}
"""Modules of `analyses` that can change a verdict."""


def test_every_module_of_analyses_is_decided_with_or_kept_from_what_decides() -> None:
    kept = {name.removeprefix("audit.analyses.") for name in CONTRACTS["opinions-decide-nothing"]["forbidden_modules"]}
    there = {path.stem for path in (ROOT / "audit" / "analyses").iterdir() if not path.stem.startswith("__")}
    assert there == kept - {"audit.worlds"} | DECIDED_WITH
    named = re.findall(
        r"`(\w+)\.py`", (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("**What changes a verdict.**")[1]
    )
    assert set(named[: len(DECIDED_WITH)]) == DECIDED_WITH


def test_a_module_on_no_floor_breaks_the_house(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    (tree / "audit" / "undeclared.py").write_text("WEIGHT = 1\n", encoding="utf-8")
    code, states, printed = lint(tree)
    assert code == 1, printed
    assert states == {**dict.fromkeys(CONTRACTS, "KEPT"), "layers": "BROKEN"}, printed


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTS) == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_contract_has_a_list_of_exceptions(contract: str) -> None:
    assert not set(CONTRACTS[contract]) & {"ignore_imports", "exhaustive_ignores", "allow_indirect_imports"}


@cache
def imports_of(path: Path) -> frozenset[str]:
    """The modules that a file names in its imports, for types or at run time, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return frozenset(found)


def test_a_file_that_imports_a_peer_library_is_named_after_it() -> None:
    files = [path for package in ("audit", "reports") for path in sorted((ROOT / package).rglob("*.py"))]
    assert files
    for peer in ("fairlearn", "aif360"):
        naming = [path for path in files if peer in path.read_text(encoding="utf-8")]
        importers = [path for path in naming if any(name.split(".")[0] == peer for name in imports_of(path))]
        assert importers
        misnamed = [str(path.relative_to(ROOT)) for path in importers if not path.stem.endswith(f"_{peer}")]
        assert not misnamed


def test_no_report_writes_a_file() -> None:
    """Whoever saves one from Python does it through the result, so that the contract cannot say it."""
    assert not [path for path in (ROOT / "reports").rglob("*.py") if "audit.storage" in imports_of(path)]


def test_imports_for_types_alone_count_as_any_other() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["importlinter"]["exclude_type_checking_imports"] is False


def audit_imports(folder: Path) -> dict[str, set[str]]:
    """What each file below a folder imports of `audit`."""
    return {
        str(path.relative_to(folder)): {name for name in imports_of(path) if name.split(".")[0] == "audit"}
        for path in sorted(folder.rglob("*.py"))
    }


PUBLIC_NOUNS = {
    "audit.public.release", "audit.public.about", "audit.public.cases", "audit.public.figures",
    "audit.public.finding_list",
    "audit.public.names", "audit.public.sentences", "audit.public.site",
}  # fmt: skip
WORDS_AND_NAMES = {
    "audit.vocabulary.attempts",
    "audit.vocabulary.file_names",
    "audit.vocabulary.terms",
    "audit.vocabulary.groups",
    "audit.vocabulary.finding",
    "audit.vocabulary.metrics",
    "audit.vocabulary.names",
    "audit.vocabulary.numbers",
    "audit.vocabulary.text",
    "audit.errors",
}
PUBLIC_PARTS = ("public/", "portal/", "standards/")


def test_reports_import_the_nouns_and_no_other_part_of_audit() -> None:
    found = audit_imports(ROOT / "reports")
    of_restricted = set().union(*(names for file, names in found.items() if not file.startswith(PUBLIC_PARTS)))
    assert "audit.result.audit_result" in of_restricted
    findings = {name for name in of_restricted if name.startswith("audit.result.findings.")}
    assert of_restricted - findings <= {
        "audit.result.audit_result",
        "audit.result.cases",
        "audit.result.next_commands",
        "audit.result.finding_list",
        "audit.result.json_text",
        "audit.result.reading",
        "audit.result.urgency",
        "audit.result.reasons",
        "audit.result.selected",
        "audit.result.waivers",
        "audit.vocabulary.sentences",
        "audit.vocabulary.statuses",
        *PUBLIC_NOUNS,
        *WORDS_AND_NAMES,
    }


def test_public_reports_import_what_is_public_and_never_a_result() -> None:
    """Not even for a type: a public report that knew of an exact result could be handed one."""
    found = audit_imports(ROOT / "reports")
    of_public = set().union(*(names for file, names in found.items() if file.startswith(PUBLIC_PARTS)))
    assert "audit.public.release" in of_public
    assert of_public <= {*PUBLIC_NOUNS, *WORDS_AND_NAMES}


def test_the_contract_on_peer_libraries_lets_no_room_in_but_crosscheck() -> None:
    """A module that is let in beside it could answer with fairlearn unseen."""
    contract = CONTRACTS["peers-in-crosscheck"]
    assert contract["type"] == "protected"
    assert set(contract["protected_modules"]) == {"fairlearn", "aif360"}
    assert contract["allowed_importers"] == ["audit.analyses.crosscheck"]


def test_the_house_has_ten_floors_and_every_room_stands_on_one() -> None:
    floors = [[room.strip("() ") for room in floor.split("|")] for floor in CONTRACTS["layers"]["layers"]]
    assert len(floors) == 10
    assert CONTRACTS["layers"]["exhaustive"]
    assert not any(":" in room for floor in floors for room in floor), "rooms of one floor that may know each other"
