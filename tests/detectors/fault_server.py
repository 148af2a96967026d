"""A real service on the loopback that fails in every way a service can, on demand.

What it does with a request is decided by a function of the test. It answers with `score_of(row)` where it answers.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Asked"], None]


def score_of(row: dict[str, Any]) -> float:
    """The score that the service gives to a row, from its number alone."""
    return float(row["row_id"] % 101) / 100


@dataclass
class Asked:
    """One request, and ways to answer it."""

    handler: BaseHTTPRequestHandler
    headers: dict[str, str]
    body: Any
    number: int
    """The how-manyth request this is, from 1."""
    over: threading.Event
    """Set when the service ends."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.body["instances"])

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [{"row_id": row["row_id"], "score": score_of(row)} for row in self.rows]

    def reply(self, body: Any, code: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.handler.send_response(code)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.handler.send_header("Content-Length", str(len(content)))
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def answer(self) -> None:
        self.reply({"predictions": self.answers})

    def say_nothing(self) -> None:
        """Hold the connection until the service ends."""
        self.over.wait(60)
        self.handler.close_connection = True

    def drop(self) -> None:
        """Hang up with a reset, without a word."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.close_connection = True
        self.handler.connection.close()

    def drip(self, pieces: bytes, seconds: float) -> None:
        """Send byte after byte, until nobody listens any more."""
        with contextlib.suppress(OSError):
            for byte in pieces:
                self.handler.connection.sendall(bytes([byte]))
                time.sleep(seconds)
        self.handler.close_connection = True

    def pour(self, most: int) -> int:
        """Send a body without end; returns how much of it went out."""
        self.handler.send_response(200)
        self.handler.end_headers()
        sent, piece = 0, b" " * 65536
        with contextlib.suppress(OSError):
            while sent < most:
                self.handler.connection.sendall(piece)
                sent += len(piece)
        self.handler.close_connection = True
        return sent

    def bomb(self, megabytes: int) -> None:
        self.reply(gzip.compress(b" " * (megabytes * 2**20)), Content_Encoding="gzip")


@dataclass
class FaultServer:
    """What was asked, and when."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    connections: int = 0
    ended: int = 0
    """Connections that are over."""
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def forget(self) -> None:
        """Forget what was asked, once nobody is connected any more: what was sent before has come by then."""
        until, still = time.monotonic() + 60, 0
        while still < 3 and time.monotonic() < until:
            time.sleep(0.01)
            still = still + 1 if self.ended == self.connections else 0
        self.asked.clear()

    def wait_for(self, at_once: int) -> None:
        """Wait until so many are being answered at once, or have been."""
        until = time.monotonic() + 60
        while self.most_at_once < at_once and time.monotonic() < until:
            time.sleep(0.002)


@contextlib.contextmanager
def serving(act: Act, *, tls: ssl.SSLContext | None = None) -> Iterator[FaultServer]:
    """Run a service that does `act` with every request, on a port of its own; over https with `tls`."""
    server_state = FaultServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server_state.lock:
                number = len(server_state.asked) + 1
                asked = Asked(self, dict(self.headers.items()), body, number, server_state.over)
                server_state.asked.append(asked)
                server_state.times.append(time.monotonic())
                server_state.at_once += 1
                server_state.most_at_once = max(server_state.most_at_once, server_state.at_once)
            try:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    act(asked)
            finally:
                with server_state.lock:
                    server_state.at_once -= 1

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def handle(self) -> None:
            with server_state.lock:
                server_state.connections += 1
            with contextlib.suppress(OSError, ValueError):
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()
            with server_state.lock:
                server_state.ended += 1

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        # the handshake is the handler's, not the listener's: one that fails must not stop the others
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server_state.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/v1/score"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server_state
    finally:
        server_state.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
