"""The service of a page, run as its reader would, on a port of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def running(program: Path, code: str, port_of_the_page: int) -> Iterator[int]:
    """Write the code of a page into a file, with another port, and run it; gives the port once it answers."""
    with socket.socket() as kept:
        # bound on and on, so that nobody else is given the port; who binds to it so too may listen there, on Linux
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = int(kept.getsockname()[1])
        if sys.platform != "linux":
            kept.close()
        assert str(port_of_the_page) in code
        program.write_text(code.replace(str(port_of_the_page), str(port)), encoding="utf-8")
        with subprocess.Popen([sys.executable, program.name], cwd=program.parent, stderr=subprocess.DEVNULL) as process:
            try:
                while not _listens(port):
                    assert process.poll() is None, "it ended"
                    time.sleep(0.05)
                yield port
            finally:
                process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
