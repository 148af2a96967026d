"""A detector kind whose extra is not installed says so in one line, and which extra it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audit.detectors.extras import import_extra
from audit.errors import DetectorError

NO_ONNXRUNTIME = """
import sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "onnxruntime":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from audit.detectors.onnx_model import OnnxDetector
from audit.detectors.protocol import RunContext
from audit.errors import AuditError
from audit.plan.detectors import OnnxDetector as Section

section = Section(kind="onnx", path="model.onnx", features=("a",), threshold=0.5)
detector = OnnxDetector(section, Path(sys.argv[1]))
try:
    detector.open(RunContext(Path(sys.argv[1]), ("a",), "score", (0.0, 1.0), 10))
except AuditError as error:
    print(error.slug, error.exit_code.value, error)
"""


def test_onnx_without_onnxruntime(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NO_ONNXRUNTIME, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout == (
        'detector-extra 4 the detector kind "onnx" needs the extra "onnx" — pip install \'audit7k[onnx]\'\n'
    )
    assert done.stderr == ""


NO_YAML = """
import sys
from pathlib import Path

sys.modules["yaml"] = None
from audit.detectors.mlflow_model import MlflowDetector
from audit.detectors.protocol import RunContext
from audit.errors import AuditError
from audit.plan.detectors import MlflowDetector as Section

detector = MlflowDetector(Section(kind="mlflow", path="model", features=("a",), threshold=0.5), Path(sys.argv[1]))
try:
    detector.open(RunContext(Path(sys.argv[1]), ("a",), "score", (0.0, 1.0), 10))
except AuditError as error:
    print(error.slug, error.exit_code.value, error)
"""


def test_mlflow_without_pyyaml(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}", encoding="utf-8")
    command = [sys.executable, "-c", NO_YAML, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout == (
        'detector-extra 4 the detector kind "mlflow" needs the extra "mlflow" — pip install \'audit7k[mlflow]\'\n'
    )


def test_onnxruntime_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, audit.detectors.onnx_model\n"
        "heavy = {'onnxruntime', 'google.protobuf'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=240, check=True)


def test_a_module_that_is_there() -> None:
    assert import_extra("json.decoder", kind="k", extra="e").__name__ == "json.decoder"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("raise ImportError('canary')", "ImportError"),
        ("import not_installed_anywhere", "ModuleNotFoundError"),
        ("raise OSError('canary')", "OSError"),
    ],
)
def test_a_module_that_is_installed_and_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, named: str
) -> None:
    (tmp_path / f"broken_{named}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DetectorError) as caught:
        import_extra(f"broken_{named}", kind="onnx", extra="onnx")
    assert str(caught.value) == (
        f'the detector kind "onnx" cannot import what the extra "onnx" installs ({named}) — '
        "uninstall that package with pip, then pip install 'audit7k[onnx]'"
    )
    assert caught.value.slug == "detector-extra"


@pytest.mark.parametrize("module", ["absent_anywhere", "absent_anywhere.inner", "json.absent_part"])
def test_a_module_that_is_not_there(module: str) -> None:
    with pytest.raises(DetectorError, match='the detector kind "k" needs the extra "e"'):
        import_extra(module, kind="k", extra="e")
