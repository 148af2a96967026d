"""A kind of detector is found by its entry point, whoever wrote it, and no other kind is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from audit.detectors.protocol import table_detector
from audit.detectors.registry import make_detector
from audit.errors import DetectorError
from audit.plan.answers import PredictionsDetector as PredictionsSection
from audit.plan.detectors import OnnxDetector as OnnxSection
from audit.plan.detectors import PythonDetector as PythonSection
from audit.plan.offers import KINDS, names_offered

CODE = """
class Constant:
    api_version = {version}
    def __init__(self, section, folder):
        self.section, self.folder = section, folder
"""


def install(site: Path, name: str, entry_points: str, modules: dict[str, str]) -> None:
    """Put a distribution where an installer would: modules, and metadata beside them."""
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[audit.detectors]\n{entry_points}\n", encoding="utf-8")
    for module, code in modules.items():
        (site / f"{module}.py").write_text(code, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def make(kind: str) -> object:
    return make_detector(SimpleNamespace(kind=kind), Path())


def test_our_own_kinds_are_registered_like_anyone_elses() -> None:
    assert {"onnx", "predictions", "python", "skops"} <= set(names_offered(KINDS))
    section = PythonSection(kind="python", entry="m:f", features=("a",), threshold=0.5)
    assert table_detector(make_detector(section, Path())) is None
    table = PredictionsSection(kind="predictions", score="p", threshold=0.5)
    assert table_detector(make_detector(table, Path())) is not None
    saved = OnnxSection(kind="onnx", path=Path("model.onnx"), features=("a",), threshold=0.5)
    assert table_detector(make_detector(saved, Path())) is None


def test_a_third_party_kind_is_found(site: Path) -> None:
    install(site, "elsewhere", "constant = elsewhere_constant:Constant", {"elsewhere_constant": CODE.format(version=1)})
    assert "constant" in names_offered(KINDS)
    made = make("constant")
    assert type(made).__name__ == "Constant"
    assert type(made).__module__ == "elsewhere_constant"


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(DetectorError, match="no detector kind 'onyx'") as caught:
        make("onyx")
    assert "onnx, pickle, predictions, python, skops, transformers" in caught.value.hint


def test_another_version_of_the_protocol_is_refused(site: Path) -> None:
    install(site, "elsewhere", "later = elsewhere_later:Constant", {"elsewhere_later": CODE.format(version=2)})
    with pytest.raises(DetectorError, match="from elsewhere follows version 2 of the detector protocol"):
        make("later")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("raise ValueError('canary-11')", "ValueError"),
        ("import not_installed_anywhere", "ModuleNotFoundError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("", "AttributeError"),
    ],
)
def test_a_kind_that_cannot_be_imported_says_whose_it_is(site: Path, code: str, named: str) -> None:
    install(site, "elsewhere", "broken = elsewhere_broken:Constant", {"elsewhere_broken": code})
    sys.modules.pop("elsewhere_broken", None)
    with pytest.raises(DetectorError) as caught:
        make("broken")
    assert str(caught.value) == (
        f"the detector kind 'broken' from elsewhere cannot be imported ({named}) — "
        "reinstall elsewhere; its entry point is elsewhere_broken:Constant"
    )


def test_two_packages_that_offer_the_same_kind_are_named(site: Path) -> None:
    install(site, "one", "same = one_same:Constant", {"one_same": CODE.format(version=1)})
    install(site, "two", "same = two_same:Constant", {"two_same": CODE.format(version=1)})
    with pytest.raises(
        DetectorError, match="more than one installed package offers the detector kind 'same': one, two"
    ):
        make("same")


def test_only_the_kind_that_is_named_is_imported(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install(site, "loud", "loud = loud_kind:Constant", {"loud_kind": "raise SystemExit('imported')"})
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from audit.plan.detectors import PythonDetector\n"
        "from audit.detectors.registry import make_detector\nfrom audit.plan.offers import names_offered\n"
        "assert 'loud' in names_offered('audit.detectors')\n"
        "make_detector(PythonDetector(kind='python', entry='m:f', features=('a',), threshold=0.5), Path())\n"
        "heavy = {'loud_kind', 'skops', 'onnxruntime', 'sklearn', 'pandas', 'duckdb'}\n"
        "heavy |= {'audit.detectors.predictions', 'audit.detectors.skops_model', 'audit.detectors.onnx_model'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
