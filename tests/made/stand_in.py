"""Packages that stand in for AIF360 on the path of the process that asks it, and a Python without AIF360."""

from __future__ import annotations

import os
import sys
from pathlib import Path

WRONG = """
class ClassificationMetric:
    def __init__(self, *datasets, **groups):
        pass
    def __getattr__(self, name):
        return lambda *arguments, **named: 0.123
BinaryLabelDatasetMetric = ClassificationMetric
"""
DATASETS = """
class BinaryLabelDataset:
    def __init__(self, **columns):
        pass
    def copy(self):
        return self
"""
BROKEN = "raise RuntimeError('a text that quotes a row')\n"


def aif360_of(folder: Path, metrics: str, version: str = "0.6.1") -> Path:
    """Write an AIF360 of this version whose metrics are this code. Returns the folder for the path."""
    information, package = folder / f"aif360-{version}.dist-info", folder / "aif360"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: aif360\nVersion: {version}\n")
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "metrics.py").write_text(metrics)
    (package / "datasets.py").write_text(DATASETS)
    return folder


def python_without_aif360(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Make a folder of all installed packages but AIF360. Returns a command of Python, and its environment."""
    for site in filter(Path.is_dir, map(Path, sys.path)):
        if site.name != "site-packages":
            continue
        for entry in site.iterdir():
            link = folder / entry.name
            if not (entry.name.startswith("aif360") or entry.suffix == ".pth" or link.is_symlink()):
                link.symlink_to(entry)
    root = Path(__file__).parents[2]
    path = os.pathsep.join((str(root), str(folder)))
    return [os.path.realpath(sys.executable), "-P"], {**os.environ, "PYTHONPATH": path}
