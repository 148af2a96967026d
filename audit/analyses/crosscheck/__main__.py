"""Ask fairlearn and AIF360 about tables of counts: `python -m audit.analyses.crosscheck < question.json`.

The question is read from standard input and the answers are written to standard output, both as JSON by
`audit.analyses.crosscheck.libraries`. The libraries are loaded before anything is read, so that whoever starts this
program can work meanwhile.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from tempfile import TemporaryDirectory

from audit.analyses.crosscheck.libraries import NO_TABLES, Question, answers_as_json, ask, question_of_json


def main() -> int:
    """Answer one question. Returns 0, or 2 if standard input holds none."""
    warnings.simplefilter("ignore")  # that a precision without flags is 0 by convention
    logging.getLogger().addHandler(logging.NullHandler())  # AIF360 lists the packages that it could use besides
    written, sys.stdout = sys.stdout.buffer, sys.stderr  # whatever a library prints is no part of the answer
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    with TemporaryDirectory(prefix="audit7k-libraries-") as fonts:
        os.environ["MPLCONFIGDIR"] = fonts  # Matplotlib, which AIF360 loads, writes a list of fonts
        ask(Question(NO_TABLES, (), 0, ()))
        content = sys.stdin.buffer.read()
        if not content:  # whoever asks is gone
            return 2
        try:
            question = question_of_json(content)
        except (ValueError, KeyError, TypeError):
            sys.stderr.write("standard input holds no question: see audit.analyses.crosscheck.libraries\n")
            return 2
        written.write(answers_as_json(ask(question)))
        written.flush()
    return 0


if __name__ == "__main__":
    status = main()
    # at once: what the libraries would free piece by piece goes with the process
    os._exit(status)
