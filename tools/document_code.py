"""Pages on metrics, exit codes and errors, from the code that defines them."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tools.schema_page import GENERATED, cell, table

ROOT = Path(__file__).resolve().parent.parent

METRICS_INTRODUCTION = """
# Metrics

Every rate is a quotient of integer counts of cases by label and by decision. The names are those of fairlearn. A rate
without a denominator is not evaluable: it is shown as such, and never as 0. `audit7k explain METRIC` prints the same
in a terminal.

- TP: labelled as exploitation and flagged.
- FN: labelled as exploitation and not flagged.
- FP: labelled as no exploitation and flagged.
- TN: labelled as no exploitation and not flagged.

Labels are not truth: they are what the plan's `label_source` says.
"""

WORSE = {
    "low": "a lower rate",
    "high": "a higher rate",
    "by_route": "lower where flags go to services, higher where they go to enforcement",
    "not_judged": "no rule can be set on it",
}

EXIT_INTRODUCTION = """
# Exit codes

What the process tells the caller. `run`, `gate` and `demo` differ in what they tell: see [the commands](cli.md).
"""

ERRORS_INTRODUCTION = """
# Errors

An error is one line: what is wrong and where, then what to do. No message holds the content of a row; rows are named
by their number in the file, from 1. What a message fills in stands here as ‹name› or as …. Every error has a stable
name, its slug, by which this page lists it.
"""


def metrics_page() -> str:
    """Write the page on metrics, as Markdown."""
    from audit.vocabulary.metrics import METRICS

    blocks = [GENERATED + METRICS_INTRODUCTION]
    for metric in METRICS.values():
        rows = [
            ["In reports", metric.plain],
            ["Formula", f"`{metric.formula}`"],
            ["Counts", f"{metric.counted}, among {metric.among}"],
            ["Harms a group", WORSE[metric.worse.value]],
            ["Rate assumed in planning", f"{metric.expected_rate:.2f}"],
            ["Also called", ", ".join(metric.also_called)],
        ]
        blocks.append(f"## {metric.name}\n\n{metric.definition}\n\n{table(['', ''], rows)}")
    return "\n".join(blocks)


def exit_codes_page() -> str:
    """Write the page on exit codes, as Markdown; the words are the docstrings under `ExitCode`."""
    from audit.errors import ExitCode

    tree = ast.parse((ROOT / "audit" / "errors.py").read_text(encoding="utf-8"))
    enum = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "ExitCode")
    words = {}
    for statement, after in zip(enum.body, enum.body[1:], strict=False):
        if isinstance(statement, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            words[getattr(statement.targets[0], "id", "")] = str(after.value.value)
    rows = [[str(code.value), f"`{code.name}`", cell(words[code.name])] for code in ExitCode]
    return f"{GENERATED}{EXIT_INTRODUCTION}\n{table(['Code', 'Name', 'Meaning'], rows)}"


def errors_page() -> str:
    """Write the page on errors, as Markdown: every place in `audit` that raises one, by slug."""
    from audit.errors import hints

    rows_by_slug: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in sorted((ROOT / "audit").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "slug=" not in text and "storage(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and (slug := _slug(node)):
                rows_by_slug[slug].add((_message(node), _keyword(node, "hint") or hints().get(slug, "")))
            if isinstance(node, ast.FunctionDef):
                rows_by_slug["storage-failed"].update(_of_storage(node))
    blocks = [GENERATED + ERRORS_INTRODUCTION]
    for slug in sorted(rows_by_slug):
        rows = [[cell(message), cell(hint)] for message, hint in sorted(rows_by_slug[slug])]
        blocks.append(f"## {slug}\n\n{table(['What is wrong', 'What to do'], rows)}")
    return "\n".join(blocks)


def _of_storage(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield what fails and what to do for each call of `audit.storage.storage` in a function."""
    from audit.storage import storage

    usual = inspect.signature(storage).parameters["hint"].default
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _text(node.func) == "‹storage›"]
    texts = {_text(node.targets[0]): _text(node.value) for node in ast.walk(function) if isinstance(node, ast.Assign)}
    for call in calls:
        failed = _text(call.args[1]) if len(call.args) > 1 else "… could not be read or written"
        hint = _keyword(call, "hint")
        yield f"{failed} (…)", texts.get(hint, hint) or usual


def _slug(call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg == "slug" and isinstance(keyword.value, ast.Constant | ast.JoinedStr):
            return _text(keyword.value)
    return ""


def _message(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name) and call.func.id == "refuse_rows":  # it adds the file and the rows
        return f"…: {_text(call.args[2])} in …"
    return _text(call.args[0]) if call.args else _keyword(call, "message")


def _keyword(call: ast.Call, name: str) -> str:
    return next((_text(keyword.value) for keyword in call.keywords if keyword.arg == name), "")


def _text(node: ast.expr) -> str:
    """Write the words of an expression; what the program fills in when it runs is ‹name› or `…`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body)} / {_text(node.orelse)}"
    filled_in = node.value if isinstance(node, ast.FormattedValue) else node
    name = filled_in.id if isinstance(filled_in, ast.Name) else "…"
    return f"‹{name.replace('_', ' ')}›" if name != "…" else name
