"""`kind = "python"`: a function beside the plan is found, given its columns only, and never trusted to answer well."""

from __future__ import annotations

import hashlib
import os
import py_compile
import site
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from py_compile import PycInvalidationMode

import pyarrow as pa
import pytest

from audit.detectors.protocol import Answers, RunContext
from audit.detectors.python_function import ModulesBeside, PythonDetector
from audit.errors import DetectorError
from audit.plan.detectors import PythonDetector as PythonSection

CANARY = "canary-51c2"
BATCH = pa.record_batch({"row_id": pa.array([0, 1, 2]), "text": [CANARY, "b", None], "pay": [1.0, 2.0, None]})


@pytest.fixture(autouse=True)
def _process_is_left_as_it_was() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    assert sys.path == path
    left = {name for name in set(sys.modules) - modules if name.startswith("beside")}
    assert not left


def ask(folder: Path, code: str, *, entry: str = "beside:score", answers: Answers = "score") -> pa.RecordBatch:
    (folder / "beside.py").write_text(code, encoding="utf-8")
    cut = {"threshold": 0.5} if answers == "score" else {}
    section = PythonSection.model_validate(
        {"kind": "python", "entry": entry, "features": ["text", "pay"], "answers": answers, **cut}
    )
    detector = PythonDetector(section, folder)
    try:
        detector.open(RunContext(folder, section.features, answers, (0.0, 1.0), 3))
        return detector.score(BATCH)
    finally:
        detector.close()


def refusal(folder: Path, code: str, *, entry: str = "beside:score") -> str:
    with pytest.raises(DetectorError) as caught:
        ask(folder, code, entry=entry)
    text = str(caught.value)
    assert CANARY not in text
    assert "\n" not in text
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return text


def test_a_function_answers(tmp_path: Path) -> None:
    answer = ask(tmp_path, "def score(batch):\n    return [0.5 if pay else None for pay in batch['pay'].to_pylist()]\n")
    assert answer.to_pydict() == {
        "row_id": [0, 1, 2],
        "score": [0.5, 0.5, None],
        "status": ["ok", "ok", "abstain"],
        "reason": [None, None, None],
    }


def test_a_function_decides(tmp_path: Path) -> None:
    answer = ask(tmp_path, "def score(batch):\n    return [True, False, 7]\n", answers="decision")
    assert answer["score"].to_pylist() == [1.0, 0.0, None]
    assert answer["reason"].to_pylist() == [None, None, "not_a_decision"]


def test_a_function_sees_the_features_and_nothing_else(tmp_path: Path) -> None:
    code = "def score(batch):\n    assert batch.schema.names == ['text', 'pay']\n    return [0.1, 0.2, 0.3]\n"
    assert ask(tmp_path, code)["score"].to_pylist() == [0.1, 0.2, 0.3]


def test_values_that_cannot_be_used_are_counted_and_not_clipped(tmp_path: Path) -> None:
    answer = ask(tmp_path, "def score(batch):\n    return [float('nan'), 1.5, 'high']\n")
    assert answer["score"].to_pylist() == [None, None, None]
    assert answer["status"].to_pylist() == ["invalid_output"] * 3
    assert answer["reason"].to_pylist() == ["not_finite", "out_of_range", "not_a_number"]


def test_what_a_function_prints_does_not_reach_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(tmp_path, "print('loading')\ndef score(batch):\n    print('scoring')\n    return [0, 0, 0]\n")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "loading\nscoring\n"


@pytest.mark.parametrize(
    ("raised", "named"),
    [
        ("ValueError(batch['text'][0])", "ValueError"),
        ("KeyError(batch['text'][0].as_py())", "KeyError"),
        ("SystemExit(0)", "SystemExit"),
        ("type('Odd', (Exception,), {})()", "an error of its own"),
    ],
)
def test_an_exception_is_named_by_its_type_only(tmp_path: Path, raised: str, named: str) -> None:
    text = refusal(tmp_path, f"def score(batch):\n    raise {raised}\n")
    assert text.startswith(f"beside:score, batch 1: the function raised {named}")


def test_answers_that_break_while_they_are_read_are_an_error_too(tmp_path: Path) -> None:
    code = (
        "from collections.abc import Sequence\n"
        "class Lazy(Sequence):\n"
        "    def __len__(self): return 3\n"
        f"    def __getitem__(self, place): raise RuntimeError('{CANARY}')\n"
        "def score(batch): return Lazy()\n"
    )
    assert "the answers cannot be read (RuntimeError)" in refusal(tmp_path, code)


@pytest.mark.parametrize(
    ("code", "entry", "message"),
    [
        ("", "beside:score", "module beside has no function score"),
        ("score = 3", "beside:score", "module beside has no function score"),
        ("", "beside.deeper:score", "no module named beside.deeper"),
        ("", "no_such_module_here:score", "no module named no_such_module_here"),
        ("", "__main__:score", "write it to a file beside the plan, in a notebook with %%writefile"),
        ("import no_such_library_here", "beside:score", "no module named no_such_library_here"),
        (f"raise ValueError('{CANARY}')", "beside:score", "importing beside raised ValueError"),
        ("def score(:", "beside:score", "importing beside raised SyntaxError"),
        ("import sys; sys.exit(0)", "beside:score", "importing beside raised SystemExit"),
    ],
)
def test_a_function_that_cannot_be_found(tmp_path: Path, code: str, entry: str, message: str) -> None:
    assert message in refusal(tmp_path, code, entry=entry)


def test_a_module_beside_the_plan_comes_before_an_installed_one(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    beside = tmp_path / "beside_plan"
    for folder, score in ((installed, "0.1"), (beside, "0.9")):
        folder.mkdir()
        (folder / "beside_twin.py").write_text(f"def score(batch):\n    return [{score}] * 3\n", encoding="utf-8")
    sys.path.insert(0, str(installed))
    try:
        assert ask(beside, "", entry="beside_twin:score")["score"].to_pylist() == [0.9] * 3
    finally:
        sys.path.remove(str(installed))


def test_two_plans_with_modules_of_the_same_name_do_not_mix(tmp_path: Path) -> None:
    for score in (0.25, 0.75):
        folder = tmp_path / f"plan{score}"
        folder.mkdir()
        (folder / "beside_it.py").write_text(f"SCORE = {score}\n", encoding="utf-8")
        code = "import beside_it\ndef score(batch):\n    return [beside_it.SCORE] * 3\n"
        assert ask(folder, code)["score"].to_pylist() == [score] * 3


def test_a_module_in_an_archive_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.writestr("packed_far.py", "def score(batch):\n    return [0.1] * 3\n")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    assert ask(tmp_path, "", entry="packed_far:score")["score"].to_pylist() == [0.1] * 3


def test_two_plans_with_bytecode_of_the_same_name_do_not_mix(tmp_path: Path) -> None:
    """A module without a source runs from its bytecode."""
    for score in (0.25, 0.75):
        folder = tmp_path / f"plan{score}"
        folder.mkdir()
        (folder / "beside_bare.py").write_text(f"def score(batch):\n    return [{score}] * 3\n", encoding="utf-8")
        py_compile.compile(str(folder / "beside_bare.py"), cfile=str(folder / "beside_bare.pyc"))
        (folder / "beside_bare.py").unlink()
        assert ask(folder, "", entry="beside_bare:score")["score"].to_pylist() == [score] * 3


def test_a_module_beside_the_plan_can_be_imported_while_scoring(tmp_path: Path) -> None:
    (tmp_path / "beside_late.py").write_text("SCORE = 0.5\n", encoding="utf-8")
    code = "def score(batch):\n    from beside_late import SCORE\n    return [SCORE] * 3\n"
    assert ask(tmp_path, code)["score"].to_pylist() == [0.5] * 3


def test_no_plan_is_answered_by_the_module_of_another_that_is_open(tmp_path: Path) -> None:
    """Of a package without __init__.py, too."""
    for name in ("one", "two"):
        (tmp_path / name / "space").mkdir(parents=True)
        (tmp_path / name / "space" / "deep.py").write_text("", encoding="utf-8")
    first, second = (ModulesBeside(tmp_path / name) for name in ("one", "two"))
    try:
        first.load("space.deep", "space.deep:score")
        with pytest.raises(DetectorError, match="another module of that name is in use"):
            second.load("space.deep", "space.deep:score")
    finally:
        second.forget()
        first.forget()


def test_libraries_of_the_user_below_the_plan_are_loaded_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To compile each again takes seconds: a plan can lie in a home folder."""
    library = tmp_path / ".local" / "user_library.py"
    library.parent.mkdir()
    library.write_text("", encoding="utf-8")
    monkeypatch.setattr(site, "USER_SITE", str(library.parent))
    monkeypatch.syspath_prepend(str(library.parent))
    code = "def score(batch):\n    import user_library\n    return [1.0, 1.0, 1.0]\n"
    assert ask(tmp_path, code)["score"].to_pylist() == [1.0] * 3
    assert type(sys.modules.pop("user_library").__loader__) is SourceFileLoader


@pytest.mark.parametrize("name", ["json", "pyarrow", "audit"])
def test_a_module_named_like_a_library_in_use_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("def score(batch):\n    return [0, 0, 0]\n", encoding="utf-8")
    before = sys.modules[name]
    assert f"holds a module {name}, and another module of that name is in use" in refusal(
        tmp_path, "", entry=f"{name}:score"
    )
    assert sys.modules[name] is before


def test_the_digest_is_that_of_the_module(tmp_path: Path) -> None:
    code = "def score(batch):\n    return [0, 0, 0]\n"
    (tmp_path / "beside.py").write_text(code, encoding="utf-8")
    section = PythonSection(kind="python", entry="beside:score", features=("text",), threshold=0.5)
    detector = PythonDetector(section, tmp_path)
    detector.open(RunContext(tmp_path, ("text",), "score", (0.0, 1.0), 3))
    assert detector.info.artefact_sha256 == hashlib.sha256(code.encode()).hexdigest()
    assert detector.info.name == "beside:score"
    detector.close()


def planted(file: Path, mode: PycInvalidationMode) -> None:
    """Leave bytecode of another score, which Python takes for that of the file."""
    text, times = file.read_text(encoding="utf-8"), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_text(text.replace("0.1", "0.9"), encoding="utf-8")
    os.utime(file, ns=times)
    py_compile.compile(str(file), doraise=True, invalidation_mode=mode)
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=times)


@pytest.mark.parametrize("mode", [PycInvalidationMode.TIMESTAMP, PycInvalidationMode.UNCHECKED_HASH])
def test_bytecode_of_another_text_than_the_source_is_refused(tmp_path: Path, mode: PycInvalidationMode) -> None:
    plan, installed = tmp_path / "plan", tmp_path / "installed"
    sources = {
        plan / "beside_pack" / "__init__.py": "from .inner import SCORE\nPART = 0.1\n",
        plan / "beside_pack" / "inner.py": "SCORE = 0.1\n",
        plan / "space" / "beside_deep.py": "SCORE = 0.1\n",  # a package without __init__.py
        plan / "beside_late.py": "SCORE = 0.1\n",
        installed / "installed_far.py": (
            "import beside_pack, space.beside_deep\n"
            "def score(batch):\n"
            "    from beside_late import SCORE\n"
            "    return [0.1, beside_pack.SCORE + space.beside_deep.SCORE, SCORE]\n"
        ),
    }
    for file, text in sources.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sys.path.insert(0, str(installed))
    try:
        for file in sources:
            planted(file, mode)
            said = refusal(plan, "", entry="installed_far:score")
            assert said.startswith(f"{file.name} is not what its bytecode was")
            py_compile.compile(str(file), doraise=True, invalidation_mode=mode)  # honest, and then of an older text
            if mode is PycInvalidationMode.TIMESTAMP:
                os.utime(file, ns=(0, 0))
            sys.modules.pop("installed_far", None)
        assert ask(plan, "", entry="installed_far:score")["score"].to_pylist() == [0.1, 0.2, 0.1]
    finally:
        sys.path.remove(str(installed))
        sys.modules.pop("installed_far", None)
    assert not any(one.__class__.__module__ == PythonDetector.__module__ for one in sys.meta_path)
