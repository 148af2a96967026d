"""Write the generated pages of docs/reference/ anew, or with `--check` say which of them are out of date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools.document_cli import cli_page
from tools.document_code import errors_page, exit_codes_page, metrics_page
from tools.document_dictionary import dictionary_page
from tools.document_plan import design_page, plan_page
from tools.document_result import result_page
from tools.document_terms import glossary_page
from tools.simulate.page import error_rates_page

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "glossary.md": glossary_page,
    "metric-dictionary.md": dictionary_page,
    "cli.md": cli_page,
    "design.md": design_page,
    "error-rates.md": error_rates_page,
    "errors.md": errors_page,
    "exit-codes.md": exit_codes_page,
    "metrics.md": metrics_page,
    "plan.md": plan_page,
    "result.md": result_page,
}


def main() -> int:
    """Write the pages, or check them. 0: all are up to date; 1: some are not, and their names are printed."""
    check = "--check" in sys.argv[1:]
    names = [name for name in sys.argv[1:] if name != "--check"] or list(PAGES)
    stale = []
    for name in names:
        text = PAGES[name]().rstrip() + "\n"
        path = FOLDER / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/reference/{name}: {'out of date; run `make reference`' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
