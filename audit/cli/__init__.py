"""The command line: parse, call one function, print, exit code. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run `audit7k`: the console script. Ends the process with the exit code of what happened."""
    # a result is tens of thousands of small objects that live to the end: looking for cycles among them is wasted time
    gc.set_threshold(100_000, 20, 100)
    try:
        from audit.cli.app import app

        app(prog_name="audit7k")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # outside any command: help that could not be printed
        from audit.cli.guard import complain_of

        sys.exit(complain_of(error))
