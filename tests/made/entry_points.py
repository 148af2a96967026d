"""The entry points of pyproject.toml, where Python looks for them: also those that nobody has installed yet."""

from __future__ import annotations

import tomllib
from pathlib import Path


def offered_by_this_version(site: Path) -> Path:
    """Write the metadata of a distribution with all that this version offers into a folder for `sys.path`."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = site / "audit7k-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: audit7k\nVersion: 0\n", encoding="utf-8")
    with (metadata / "entry_points.txt").open("w", encoding="utf-8") as file:
        for group, offers in project["entry-points"].items():
            print(f"[{group}]", *(f"{name} = {where}" for name, where in offers.items()), sep="\n", file=file)
    return site
