"""Hook of mkdocs that puts every record of docs/decisions/ into the navigation, so that none can be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTION = "Decisions"


def on_config(config: Any) -> Any:
    """Fill the section `Decisions` of the navigation with the files of docs/decisions/, by their headings."""
    folder = Path(config["docs_dir"]) / "decisions"
    records = sorted(path for path in folder.glob("[0-9]*.md"))
    for entry in (page for section in config["nav"] for pages in section.values() for page in pages):
        if SECTION in entry:
            entry[SECTION] = [{_title(path): f"decisions/{path.name}"} for path in records]
    return config


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
