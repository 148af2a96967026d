"""SQL for Spark out of our SQL for DuckDB, by an allow-list: what it does not name could mean something else there."""

from __future__ import annotations

import functools
from typing import Any, Final

_NODES: Final = frozenset(
    {
        "Abs", "Add", "Alias", "And", "BitwiseAnd", "BitwiseRightShift", "Boolean", "Case", "Cast", "Coalesce",
        "Column", "Count", "Create", "DPipe", "DataType", "DataTypeParam", "DenseRank", "Distinct", "Div", "EQ",
        "Filter", "Floor", "From", "GT", "GTE", "Greatest", "Group", "Having", "Identifier", "If", "In", "Is",
        "IsNan", "Join", "LT", "LTE", "Least", "Length", "Limit", "Literal", "MD5", "Max", "Min", "Mul", "Neg", "Not",
        "Null", "Nullif", "Or", "Order", "Ordered", "Paren", "Properties", "Round", "Select", "Star", "Sub",
        "Subquery", "Sum", "Table", "TableAlias", "TemporaryProperty", "Where", "Window",
    }
)  # fmt: skip
"""Kinds of syntax that mean the same in DuckDB and in Spark with ANSI rules, as the conformance tests show."""
_TYPES: Final = frozenset(
    {"TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "FLOAT", "TEXT", "BOOLEAN"}
    | {f"DECIMAL({digits}, 0)" for digits in range(1, 39)}
)


@functools.lru_cache(maxsize=256)
def spark_sql(text: str) -> str:
    """Translate a statement of ours into Spark's SQL.

    Raises
    ------
    AssertionError
        It has syntax or a type that is not on the list: a defect of this tool, found by tests and not on a cluster.
    """
    import sqlglot

    tree = sqlglot.parse_one(text, read="duckdb").transform(_finite)
    for node in tree.walk():
        kind = type(node).__name__
        if kind not in _NODES:
            raise AssertionError(f"{kind} is not on the list of what Spark is asked")
        if kind in ("Max", "Min") and any(node.args[name] for name in node.args if name != "this"):
            raise AssertionError(f"{kind} of several values is not on the list of what Spark is asked")
        if kind == "DataType" and node.sql() not in _TYPES:
            raise AssertionError(f"the type {node.sql()} is not on the list of what Spark is asked")
    names = tree.named_selects
    if "" in names or len({*names}) < len(names):  # an engine that names it may name two alike
        raise AssertionError("a column of an answer has no name of its own")
    return str(tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE))


def _finite(node: Any) -> Any:
    """Replace `isfinite` by a comparison, as Spark has none. DuckDB needs it: where it compares, it skips Parquet rows
    by statistics that leave out NaN.
    """
    import sqlglot

    if node.sql(dialect="duckdb").startswith("ISFINITE(") and type(node).__name__ in ("Anonymous", "IsFinite"):
        (value,) = node.expressions or (node.this,)
        return sqlglot.parse_one(f"abs({value.sql(dialect='duckdb')}) < CAST('Infinity' AS DOUBLE)", read="duckdb")
    return node
