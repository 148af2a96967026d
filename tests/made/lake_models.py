"""Plans of `made.lake_plans` whose answers come from a function, beside its module."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODEL: Final = """
from pathlib import Path

def score(batch):
    with (Path(__file__).parent / "asked").open("a") as file:
        file.write(f"{batch.num_rows}\\n")
    rows = zip(batch.column("before").to_pylist(), batch.column("age").to_pylist())
    return [None if score is None else 2.0 if age == "under 18" and score > 0.8 else score for score, age in rows]
"""
"""Abstains from some rows, gives no usable answer to others, and writes down how many rows it was asked about."""
SILENT: Final = MODEL.replace('    with (Path(__file__).parent / "asked").open("a") as file:\n', "").replace(
    '        file.write(f"{batch.num_rows}\\n")\n', ""
)
"""As `MODEL`, and writes nothing, since a model that is kept in may not."""


def modelled(plan: Path, model: str = MODEL, features: str = '["before", "age"]') -> Path:
    """Write a plan beside another, with a function in the place of its column of scores."""
    there = plan.with_name(f"{plan.stem}-modelled.toml")
    answer = f'kind = "python"\nentry = "model:score"\nfeatures = {features}'
    there.write_text(plan.read_text().replace('kind = "predictions"\nscore = "score"', answer))
    (plan.parent / "model.py").write_text(model)
    (plan.parent / "asked").unlink(missing_ok=True)
    return there


def asked_about(folder: Path) -> int:
    """Rows that the function was asked about."""
    return sum(int(line) for line in (folder / "asked").read_text().split())
