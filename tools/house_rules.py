"""Check the rules of the house that no linter knows: print a line for each breach, and exit with 1 if there is any.

It needs the standard library alone, and reads the tracked files of the repository or any folder:
`house_rules.py [FOLDER]`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

FUNCTION_LINES = 60
SIZED = ("audit", "reports", "audit7k_pytest", "tools", "examples")
PRODUCT = ("audit", "reports", "audit7k_pytest", "examples", "docs")
INSTALLED = ("audit", "reports", "audit7k_pytest")
PRODUCT_FILES = ("README.md", "CHANGELOG.md", "mkdocs.yml", "pyproject.toml")
TEXT = {
    ".py",
    ".md",
    ".html",
    ".css",
    ".j2",
    ".jinja",
    ".toml",
    ".txt",
    ".yml",
    ".yaml",
    ".json",
    ".cfg",
    ".po",
    ".xml",
}

DRAWER = re.compile(r"^_*(utils?|helpers?|common|misc|miscellaneous|stuff|toolbox)_*$")
MOOD = re.compile(r"(?<![A-Za-z])(fair|unfair|unbiased|de-?bias(?:ed|ing)?|compliant)(?![A-Za-z])", re.IGNORECASE)
QUOTES = "\"'`“”‘’«»"
UNFINISHED = re.compile(r"\b(TODO|FIXME|NotImplementedError)\b|#\s*(XXX|HACK)\b")
ADDRESS = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ ")
ALIAS = re.compile(r"=.*\.(?:n|p)?gettext\s*$")
"""Another name given to gettext: the catalogs do not find its messages, which then stay English unnoticed."""
REACHES_INTO = re.compile(
    r"\bsys\.meta_path\b|\b__pydantic_\w+__|\bsys\.modules(\[[^\]]*\]\s*=[^=]|\.(pop|update|setdefault|clear)\b)"
    r"|\bdel sys\.modules\b"
)
"""What changes the import system or another library: they are used as they are installed, by their public names."""
IN_THE_CHILD = ("audit/detectors/python_function.py", "audit/detectors/skops_types.py")
"""What runs in the process of a model: the importer of modules beside a plan, and the parts that a model file is of."""
SOMEONES_FOLDER = re.compile(r"(?<![\w.])/(root|home/\w+|Users/\w+)/")

OPENING = re.compile(r"(The same|Whom|Whatever|That of|Of whom)\b")
STANDS_ALONE = ("audit/", "audit7k_pytest/", "reports/", "tools/")
"""Rooms whose docstrings stand alone: none begins with an `OPENING`, which needs a sentence before it."""

Breach = tuple[Path, int, str]


def tracked(root: Path) -> list[Path]:
    """Return the files of the repository at `root` that git knows or would add; every file without a repository."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        return sorted(Path(name) for name in names if name and (root / name).is_file())
    return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


def breaches(root: Path) -> Iterator[Breach]:
    """Find every breach under `root`, as file (relative), line and what is wrong."""
    for path in tracked(root):
        yield from _name(path)
        if path.suffix not in TEXT:
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".py" and path.parts[0] in SIZED:
            statements = list(_statements(ast.parse(text)))
            yield from _sizes(path, statements)
            if path.as_posix().startswith(STANDS_ALONE):
                yield from _openings(path, statements)
            if path.parts[0] in INSTALLED and path.as_posix() not in IN_THE_CHILD:
                yield from _private_imports(path, statements)
        for number, line in enumerate(text.splitlines(), start=1):
            yield from ((path, number, what) for what in _line(path, line))


def _name(path: Path) -> Iterator[Breach]:
    for part in (*path.parts[:-1], path.stem):
        if DRAWER.match(part):
            yield path, 0, f"{part} is a drawer, not a name: say what is in it"


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement of a module, at every depth; what stands within an expression is none."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        for statement in getattr(tree, name, ()):
            yield statement
            yield from _statements(statement)


def _sizes(path: Path, statements: Sequence[ast.AST]) -> Iterator[Breach]:
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length >= FUNCTION_LINES:
                yield path, node.lineno, f"{node.name} has {length} lines; a function has fewer than {FUNCTION_LINES}"


def _openings(path: Path, statements: Sequence[ast.AST]) -> Iterator[Breach]:
    for node in statements:
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))) if opening := OPENING.match(words.lstrip()):
                yield path, node.lineno, f"a docstring stands alone: begin with a noun or a verb, not {opening[0]!r}"


def _private_imports(path: Path, statements: Sequence[ast.AST]) -> Iterator[Breach]:
    """Imports of a private name of another package."""
    for node in statements:
        if not isinstance(node, ast.ImportFrom) or node.module is None or node.module.split(".")[0] in INSTALLED:
            continue
        names = [*node.module.split("."), *(alias.name for alias in node.names)]
        if private := [name for name in names if name.startswith("_") and not name.startswith("__")]:
            yield path, node.lineno, f"{private[0]} is private to another package: use what it makes public"


def _line(path: Path, line: str) -> Iterator[str]:
    top = path.parts[0]
    if (
        top in INSTALLED
        and path.suffix == ".py"
        and path.as_posix() not in IN_THE_CHILD
        and (match := REACHES_INTO.search(line))
    ):
        yield f"{match[0]}: use other libraries, and the import system, as they are"
    if top in PRODUCT or str(path) in PRODUCT_FILES:
        for match in MOOD.finditer(line):
            if not (path.suffix == ".md" and _quoted(line, match)):
                yield f"{match[0]!r}: name the statistic, not the mood"
    if top in {"audit", "reports", "audit7k_pytest"} and (unfinished := UNFINISHED.search(line)):
        yield f"{unfinished[0]}: finish it, or file an issue"
    if top == "reports" and path.suffix == ".py" and ALIAS.search(line):
        yield "call gettext by its name: catalogs do not find messages that are given to another"
    if path.parts[:2] == ("tools", "requirements") and path.suffix == ".txt" and ADDRESS.search(line):
        yield "a lock file holds names, versions and hashes, and no address"
    if SOMEONES_FOLDER.search(line):
        yield "a path of someone's machine"


def _quoted(line: str, match: re.Match[str]) -> bool:
    before, after = line[: match.start()][-1:], line[match.end() :][:1]
    return bool(before) and before in QUOTES and bool(after) and after in QUOTES


def main() -> int:
    """Print the breaches under the folder given, or under the repository that holds this file."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    all_breaches = list(breaches(root))
    for path, number, what in all_breaches:
        print(f"{path}:{number}: {what}")
    return 1 if all_breaches else 0


if __name__ == "__main__":
    sys.exit(main())
