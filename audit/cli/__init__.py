"""Command line: parse, call one function, print, exit. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys

from audit.operating_system import limit


def main() -> None:
    """Run the console script `audit7k`, and end the process with the exit code of what happened."""
    collect_rarely()
    # nobody's plugin sees a plan or a result, and looking for one reads the metadata of all that is installed
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # threads of OpenBLAS wait by turning, a tenth of a gate; and a model computes alike on any number of processors
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Matplotlib keeps a list of fonts in the home folder; where it cannot, it uses a folder that goes with the process
    os.environ.setdefault("MPLCONFIGDIR", os.devnull)
    # a Spark of this process: its launcher makes a folder in /tmp, and it asks a name server for its own name
    os.environ.setdefault("SPARK_LAUNCHER_OPTS", "-XX:-UsePerfData")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    limit("RLIMIT_CORE", 0)  # what a crash leaves would hold rows
    _end_cleanly_when_stopped()
    try:
        from audit.cli.commands.application import application, asked_for

        application(asked_for(sys.argv[1:]))(prog_name="audit7k")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # outside any command: help that could not be printed
        from audit.cli.console.guard import report_error

        sys.exit(report_error(error))
    finally:
        gc.freeze()  # the end of Python looks for cycles twice more, among all that was ever loaded


def collect_rarely() -> None:
    """Make Python look for cycles rarely: a result is hundreds of thousands of small objects that live to the end."""
    gc.set_threshold(1_000_000, 20, 100)


def _end_cleanly_when_stopped() -> None:
    """Treat the signals of a batch system or a closed terminal as an interrupt, so that no copy of a case is left."""
    for name in ("SIGTERM", "SIGHUP"):
        # Windows lacks one, and outside the main thread no signal can be taken
        with contextlib.suppress(AttributeError, ValueError):
            if signal.getsignal(number := getattr(signal, name)) == signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
