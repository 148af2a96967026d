"""Hold the catalogues of sentences against the code: `python tools/sentence_keys.py [FOLDER]`.

A catalogue is a TOML file whose texts are found by key. Where code or a template names a key that is not there, a run
would end; a key that nothing names has a text that nobody reads, in six languages. Both are printed with file, line and
key, and the program ends with 1. It needs the standard library alone. Keys are found as literals: where code puts one
together, every key of its table counts as named, so that some that nobody reads are not found.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

CATALOGUES: Final[Mapping[str, tuple[str, str]]] = {
    "reports/data/words.toml": ("reports.language", "WORDS"),
    "reports/html/looks/looks.toml": ("reports.html.looks.parts", "TEXTS"),
    "reports/figures/notes.toml": ("reports.figures.data", "NOTES"),
    "audit/cli/pages/words.toml": ("audit.cli.pages.words", "WORDS"),
    "audit/public/data/sentences.toml": ("audit.public.sentences", "SENTENCES"),
}
"""Files of sentences, each with the module and the name under which code has it."""
OF_REPORTS: Final = "reports/data/words.toml"
METHODS: Final = ("word", "counted")
"""Methods of a language of reports whose first arguments are a table and a key of `OF_REPORTS`."""
OTHERWISE: Final = "otherwise"
"""Key of a table whose text stands for every key that it does not have."""
ROOMS: Final = ("audit", "reports", "tools")
_IN_TEMPLATE: Final = re.compile(rf"""\.(?:{"|".join(METHODS)})\("(\w+)", ?"(\w+)\"""")
_QUOTED: Final = re.compile(r"""["'](\w+)["']""")


class Use(NamedTuple):
    """A place that names a key, or a table and a key."""

    catalogue: str
    keys: tuple[str, ...]
    path: Path
    line: int


def main() -> int:
    """Print what is wrong under a folder, or in the repository that holds this file."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    lines = list(faults(root))
    print("\n".join(lines) if lines else "every key of a sentence is there, and is named")
    return 1 if lines else 0


def faults(root: Path) -> Iterator[str]:
    """Yield a line for each key that is missing, and for each that nothing names."""
    texts = {name: tomllib.loads((root / name).read_text(encoding="utf-8")) for name in CATALOGUES}
    modules = {path: list(ast.walk(ast.parse(path.read_text("utf-8")))) for path in _files(root, "*.py")}
    templates = {
        path: path.read_text(encoding="utf-8") for kind in ("*.html", "*.jinja") for path in _files(root, kind)
    }
    uses = [use for path, nodes in modules.items() for use in _uses(path.relative_to(root), nodes)]
    uses += [use for path, text in templates.items() for use in _uses_in_template(path.relative_to(root), text)]
    for use in uses:
        table: object = texts[use.catalogue]
        for key in use.keys:
            known = isinstance(table, dict) and (key in table or OTHERWISE in table)
            if not known:
                yield f"{use.path}:{use.line}: {use.catalogue} has no {'.'.join(use.keys)}"
                break
            table = table.get(key) if isinstance(table, dict) else None
    named = {word for text in templates.values() for word in _QUOTED.findall(text)}
    named |= {word for nodes in modules.values() for word in _strings(nodes)}
    patterns = re.compile("|".join({pattern for nodes in modules.values() for pattern in _patterns(nodes)}) or "(?!)")
    for name, table in texts.items():
        for keys in _keys(table):
            key = keys[-1]
            if key != OTHERWISE and not (key in named or patterns.fullmatch(key) or _is_joined(key, named)):
                yield f"{name}: nothing names {'.'.join(keys)}"


def _is_joined(key: str, named: Collection[str]) -> bool:
    """Tell whether a key is two named words, as `f"{harm}_{direction}"` joins them."""
    return any(key[: at.start()] in named and key[at.end() :] in named for at in re.finditer("_", key))


def _files(root: Path, kind: str) -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((root / room).rglob(kind))


def _keys(table: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    """Yield the keys of a catalogue, those within a table after its name."""
    for key, text in table.items():
        yield (key,)
        if isinstance(text, dict):
            yield from ((key, *rest) for rest in _keys(text))


def _uses(path: Path, nodes: Sequence[ast.AST]) -> Iterator[Use]:
    """Yield what a module names of catalogues: `WORDS["table"]["key"]`, and `language.word("table", "key")`."""
    names = dict(_imported(path, nodes))
    tables: dict[str, tuple[str, tuple[str, ...]]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Subscript):
            table = _subscript(node.value, names, {})
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            tables |= {target.id: table for target in targets if table and isinstance(target, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Subscript) and (access := _subscript(node, names, tables)):
            yield Use(access[0], access[1], path, node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            keys = [argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            if len(keys) == len(node.args[:2]) == 2 and all(isinstance(key, str) for key in keys):
                yield Use(OF_REPORTS, tuple(map(str, keys)), path, node.lineno)


def _imported(path: Path, nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield the names under which a module has catalogues, each with its file."""
    here = ".".join(path.with_suffix("").parts)
    for name, (module, variable) in CATALOGUES.items():
        if module == here:
            yield variable, name
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module == module:
                yield from ((alias.asname or alias.name, name) for alias in node.names if alias.name == variable)


def _subscript(
    node: ast.Subscript, names: Mapping[str, str], tables: Mapping[str, tuple[str, tuple[str, ...]]]
) -> tuple[str, tuple[str, ...]] | None:
    """Return the file and the keys of `NAME["a"]["b"]`; None where one is computed, or it is no catalogue."""
    if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
        return None
    key, value = node.slice.value, node.value
    if isinstance(value, ast.Name):
        if value.id in tables:
            return tables[value.id][0], (*tables[value.id][1], key)
        return (names[value.id], (key,)) if value.id in names else None
    before = _subscript(value, names, tables) if isinstance(value, ast.Subscript) else None
    return None if before is None else (before[0], (*before[1], key))


def _uses_in_template(path: Path, text: str) -> Iterator[Use]:
    for match in _IN_TEMPLATE.finditer(text):
        yield Use(OF_REPORTS, match.groups(), path, text.count("\n", 0, match.start()) + 1)


def _strings(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yield every text of a module, and the names of its arguments and attributes: keys are computed of them."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _patterns(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yield patterns of texts that are put together, as `f"change_{outcome}"` is."""
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            if any(isinstance(part, str) and re.fullmatch(r"_?[a-z]\w+|\w+_", part) for part in parts):
                yield "".join(r"\w*" if part is None else re.escape(str(part)) for part in parts)


if __name__ == "__main__":
    sys.exit(main())
