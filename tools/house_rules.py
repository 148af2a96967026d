"""Check the rules of the house that no linter knows: print a line for each breach, and exit with 1 if there is any.

It needs the standard library alone, and reads the tracked files of the repository or any folder:
`house_rules.py [FOLDER]`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FUNCTION_LINES = 60
SIZED = ("audit", "reports", "audit7k", "audit7k_pytest", "tools", "examples")
PRODUCT = ("audit", "reports", "audit7k", "audit7k_pytest", "examples", "docs")
INSTALLED = ("audit", "reports", "audit7k", "audit7k_pytest")
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
OF_PYDANTIC = re.compile(r"\b__pydantic_\w+__")
ENDS_THE_PROCESS = "os._exit"
"""A public name of the standard library, in spite of its underscore."""
CONTAINERS = ("os.environ", "sys.meta_path", "sys.modules", "sys.path", "sys.path_hooks", "warnings.filters")
"""What the whole process shares."""
CHANGES = ("append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "sort", "update")
"""Methods that change a container."""
PROCESS_WIDE = {
    "contextlib": ("redirect_stderr", "redirect_stdout"),
    "gc": ("collect", "disable", "enable", "freeze", "set_threshold"),
    "locale": ("setlocale",),
    "logging": ("basicConfig", "captureWarnings", "disable"),
    "numpy": ("random.seed", "seterr"),
    "os": ("chdir", "dup2", "putenv", "umask", "unsetenv"),
    "random": ("seed",),
    "resource": ("setrlimit",),
    "signal": ("signal",),
    "socket": ("setdefaulttimeout",),
    "sys": ("setrecursionlimit", "setswitchinterval"),
    "threadpoolctl": ("threadpool_limits",),
    "warnings": ("catch_warnings", "filterwarnings", "resetwarnings", "simplefilter"),
}
"""Functions that change the process of whoever calls them, for all its threads."""
PROGRAMS = (
    # commands, and what only they and the children call
    "audit/__main__.py",
    "audit/cli/",
    "audit/operating_system.py",
    "reports/figures/sheet.py",
    "reports/pdf/engine.py",
    # children, and what they run: in the process of a caller only with `sandbox="none"`
    "audit/analyses/crosscheck/__main__.py",
    "audit/analyses/crosscheck/own_measures_fairlearn.py",
    "audit/detectors/isolation/",
    "audit/detectors/one_thread.py",
    "audit/detectors/onnx_model.py",
    "audit/detectors/pickle_model.py",
    "audit/detectors/python_function.py",
    "audit/detectors/skops_file.py",
    "audit/detectors/skops_model.py",
    "audit/detectors/transformers_model.py",
    # the tests of whoever writes a detector
    "audit/detectors/testing/surroundings.py",
)
"""Files that may change the process that they run in, and still no other library."""
IN_THE_CHILD = ("audit/detectors/skops_types.py",)
"""Parts of scikit-learn that a model file is of: private names that files of models hold."""
PRIVATE_OF_AN_OBJECT = re.compile(r"#\s*noqa:.*\bSLF001\b")
KNOWN_TO_REACH = ("audit/evaluation/lake_tables.py",)
"""What reaches into an object of another library, for want of a setting: see decision 59."""
EMPTY_NAMES = (
    *("said", "of", "one", "found", "asked", "own", "made", "who", "held"),
    *("whole", "each", "both", "place", "told", "given", "kept", "stands", "of_all"),
)
"""Names of variables and arguments that say nothing."""
SOMEONES_FOLDER = re.compile(r"(?<![\w.])/(root|home/\w+|Users/\w+)/")

OPENING = re.compile(r"(The same|Whom|Whatever|That of|Of whom)\b")
STANDS_ALONE = ("audit/", "audit7k/", "audit7k_pytest/", "reports/", "tools/")
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
            if path.parts[0] in INSTALLED:
                yield from _foreign(path, ast.parse(text))
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


def _foreign(path: Path, tree: ast.AST) -> Iterator[Breach]:
    """Uses of other packages, the standard library among them, that go beyond their public interface or change them."""
    names = _names_of_others(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt | ast.expr):
            continue
        if path.as_posix() not in IN_THE_CHILD and (private := _private(node, names)):
            yield path, node.lineno, f"{private} is private to another package: use what it makes public"
        if (changed := _changed(node, names)) and not (changed[1] and path.as_posix().startswith(PROGRAMS)):
            yield path, node.lineno, f"{changed[0]}: use other libraries, and the process of the caller, as they are"


def _names_of_others(tree: ast.AST) -> dict[str, str]:
    """Names that a module binds by imports from other packages, with what each of them stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name: source for name, source in names.items() if source.partition(".")[0] not in INSTALLED}


def _dotted(node: ast.AST, names: Mapping[str, str]) -> str | None:
    """What `a.b[0].c` stands for, where `a` is imported from another package."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Subscript):
        return _dotted(node.value, names)
    if isinstance(node, ast.Attribute) and (source := _dotted(node.value, names)):
        return f"{source}.{node.attr}"
    return None


def _private(node: ast.AST, names: Mapping[str, str]) -> str | None:
    """Private name of another package that a node imports or reaches."""
    dotted = []
    if isinstance(node, ast.Import):
        dotted = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        dotted = [f"{node.module}.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.Attribute):
        dotted = [source for source in [_dotted(node, names)] if source and source != ENDS_THE_PROCESS]
        dotted = [source for source in dotted if source.endswith(f".{node.attr}") and node.attr.startswith("_")]
    for source in dotted:
        parts = source.split(".")
        if parts[0] not in INSTALLED:
            for part in parts:
                if part.startswith("_") and not part.startswith("__"):
                    return part
    return None


def _changed(node: ast.AST, names: Mapping[str, str]) -> tuple[str, bool] | None:
    """What a statement changes of another package, and whether that is a matter of the process and of no library."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        targets = [node.target]
    elif isinstance(node, ast.Call):
        called = _dotted(node.func, names) or (node.func.id if isinstance(node.func, ast.Name) else "")
        container, _, method = called.rpartition(".")
        package, _, function = called.partition(".")
        if function in PROCESS_WIDE.get(package, ()) or (container in CONTAINERS and method in CHANGES):
            return called, True
        if called in {"setattr", "delattr"} and node.args and (source := _dotted(node.args[0], names)):
            return source, False
    for target in targets:
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        for part in parts:
            if not isinstance(part, ast.Name) and (source := _dotted(part, names)):
                return source, source.startswith((*CONTAINERS, "sys.std"))
    return None


def counts(root: Path) -> Iterator[str]:
    """Say how many imports stand inside functions, and how many of 1,000 names that are bound say nothing."""
    for top in ("audit", "reports", "tools"):
        imports, bound = 0, Counter[str]()
        for path in tracked(root):
            if path.suffix == ".py" and path.parts[0] == top:
                tree = ast.parse((root / path).read_text(encoding="utf-8"))
                functions = [
                    node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                inside = {id(node): node for function in functions for node in ast.walk(function)}
                imports += sum(isinstance(node, ast.Import | ast.ImportFrom) for node in inside.values())
                bound += Counter(_bound(tree))
        if bound:
            empty = sum(bound[name] for name in EMPTY_NAMES)
            share = 1000 * empty / bound.total()
            yield f"{top}: {imports} imports inside functions; {share:.1f} of 1,000 names say nothing"


def _bound(tree: ast.AST) -> Iterator[str]:
    """Every name that is assigned, looped over, or an argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def _line(path: Path, line: str) -> Iterator[str]:
    top = path.parts[0]
    if top in INSTALLED and path.suffix == ".py":
        if private := OF_PYDANTIC.search(line):
            yield f"{private[0]}: use other libraries as they are"
        if PRIVATE_OF_AN_OBJECT.search(line) and path.as_posix() not in KNOWN_TO_REACH:
            yield "a private name of an object: use what its library makes public"
    if top in PRODUCT or str(path) in PRODUCT_FILES:
        for mood in MOOD.finditer(line):
            if not (path.suffix == ".md" and _quoted(line, mood)):
                yield f"{mood[0]!r}: name the statistic, not the mood"
    if top in {*INSTALLED} and (unfinished := UNFINISHED.search(line)):
        yield f"{unfinished[0]}: finish it, or file an issue"
    if top == "reports" and path.suffix == ".py" and ALIAS.search(line):
        yield "call gettext by its name: catalogs do not find messages that are given to another"
    if path.parts[:2] == ("tools", "requirements") and path.suffix == ".txt" and ADDRESS.search(line):
        yield "a lock file holds names, versions and hashes, and no address"
    if SOMEONES_FOLDER.search(line):
        yield "a path of someone's machine"


def _quoted(line: str, mood: re.Match[str]) -> bool:
    before, after = line[: mood.start()][-1:], line[mood.end() :][:1]
    return bool(before) and before in QUOTES and bool(after) and after in QUOTES


def main() -> int:
    """Print the breaches under the folder given, or under the repository that holds this file; then the counts."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    breaches_here = list(breaches(root))
    for path, number, what in breaches_here:
        print(f"{path}:{number}: {what}")
    for line in counts(root):
        print(line)
    return 1 if breaches_here else 0


if __name__ == "__main__":
    sys.exit(main())
