"""What DuckDB is asked in an audit of each of `made.lake_plans`, which Spark is asked too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from made.lake_plans import PLANS, made_lake

from audit.engines import duckdb
from audit.engines.duckdb import connect
from audit.engines.protocol import Question
from audit.run import run_audit

REPLACED: Final = (
    "hash(", "md5_number(", "min(__row__, ", "read_parquet(", "current_setting(", "SET ", "unnest("
)  # fmt: skip
"""Spark answers these by methods of its own: see `audit.engines.spark`."""


class Recording:
    """A DuckDB connection that remembers every statement."""

    def __init__(self, connection: Any, said: list[str]) -> None:
        self._connection, self._said = connection, said

    def __getattr__(self, name: str) -> Any:
        """Return what the connection has, and let it remember what is said."""
        if name not in ("sql", "execute"):
            return getattr(self._connection, name)

        def ask(text: str, *parameters: Any) -> Any:
            self._said.append(text)
            return getattr(self._connection, name)(text, *parameters)

        return ask


def statements_of_plans(folder: Path, questions: list[Question] | None = None) -> list[str]:
    """Audit every plan in a folder, and return the statements in their order; `questions` gets those of all checks."""
    said: list[str] = []
    answers = duckdb.DuckDBEngine.answers

    def remembered(engine: Any, relation: str, asked: Sequence[Question]) -> list[Any]:
        if questions is not None:
            questions.extend(asked)
        return answers(engine, relation, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", lambda *of: Recording(connect(*of), said))
        patch.setattr(duckdb.DuckDBEngine, "answers", remembered)
        made_lake(folder, 600)
        run_audit(folder / "plain.toml")
        patch.setattr("audit.run.summarise", lambda _: None)  # it asks the engine nothing but for the cross-check
        for plan in list(PLANS)[1:]:
            run_audit(folder / f"{plan}.toml", crosscheck=False)
    return [text for text in said if not any(word in text for word in REPLACED)]
