"""Post a batch once and read the reply, up to a size limit and a deadline; or return a failure with a name.

Connections are made by httpcore2, the engine of httpx2. It follows no redirect and knows no proxy, no .netrc and no
cookie. Its errors are never repeated, because they can quote an address or a header.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult

import httpcore2

from audit.detectors.http_service.network import PinnedNetwork, find_addresses
from audit.detectors.http_service.outcome import (
    CUT_OFF,
    NO_CONNECTION,
    TIMEOUT,
    TOO_LARGE,
    UNREADABLE,
    Failure,
    failure_by_code,
)
from audit.detectors.http_service.pace import seconds_asked_for
from audit.plan.http import host_of, split_url

_PORTS: Final = {"https": 443, "http": 80}
_GZIP: Final = 16 + zlib.MAX_WBITS
_PACKED: Final[Mapping[str, int]] = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}
"""Window bits that zlib needs for each content encoding."""

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a service, parsed once, so that no code reads its text in another way."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""
    name: str
    """Scheme, host and path, for messages and reports. Never the query."""

    @classmethod
    def of(cls, url: str) -> Address:
        """Parse a checked `url`."""
        parts: SplitResult = split_url(url)
        host, path = host_of(parts), parts.path or "/"
        shown = f"[{host}]" if ":" in host else host
        port = "" if parts.port is None else f":{parts.port}"
        return cls(
            scheme=parts.scheme,
            host=host,
            port=parts.port or _PORTS[parts.scheme],
            target=path + (f"?{parts.query}" if parts.query else ""),
            name=f"{parts.scheme}://{shown}{port}{path}",
        )

    @property
    def host_header(self) -> str:
        """The value of the header `Host`."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


@dataclass(slots=True)
class Exchange:
    """The connections to one service."""

    address: Address
    headers: Headers = field(repr=False)
    """Headers of every request. They hold secrets and are never shown."""
    workers: int
    most_bytes: int
    allow_local: bool
    network: PinnedNetwork = field(init=False, repr=False)
    _pool: httpcore2.ConnectionPool = field(init=False, repr=False)

    def open(self) -> None:
        """Look the service up; nothing is sent yet. Raises DetectorError if its address is not allowed."""
        at = self.address
        addresses = find_addresses(at.host, at.port, at.name, allow_local=self.allow_local, plain=at.scheme == "http")
        self.network = PinnedNetwork(at.host, at.port, addresses, at.name, plain=at.scheme == "http")
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpcore2.default_ssl_context(),
            max_connections=self.workers,
            max_keepalive_connections=self.workers,
            keepalive_expiry=5.0,
            network_backend=self.network,
        )

    def once(self, body: bytes, until: float) -> bytes | Failure:
        """Post one batch and read the reply. `until` is a time of `time.monotonic`."""
        arrived = False
        at = self.address
        url = httpcore2.URL(scheme=at.scheme.encode(), host=at.host.encode(), port=at.port, target=at.target.encode())
        headers = [(b"Host", at.host_header.encode()), *self.headers]
        try:
            with (
                self.network.until(until),
                self._pool.stream("POST", url, headers=headers, content=body) as response,
            ):
                reply_headers = {name.lower(): value for name, value in response.headers}
                failure = failure_by_code(response.status, seconds_asked_for(reply_headers.get(b"retry-after")))
                if failure is not None:
                    return failure
                arrived = True
                encoding = reply_headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
                return read_body(response.iter_stream(), encoding, self.most_bytes)
        except httpcore2.TimeoutException:
            return TIMEOUT
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError, ssl.SSLError):
            return CUT_OFF if arrived else NO_CONNECTION

    def stop(self) -> None:
        """End every running request."""
        self.network.stop()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def read_body(pieces: Iterable[bytes], encoding: str, most: int) -> bytes | Failure:
    """Read and unpack a body, and stop at the first byte beyond `most`, packed or unpacked."""
    if encoding in {"", "identity"}:
        unpacker = None
    elif encoding in _PACKED:
        unpacker = zlib.decompressobj(_PACKED[encoding])
    else:
        return UNREADABLE
    body, packed = bytearray(), 0
    for piece in pieces:
        packed += len(piece)
        if unpacker is None:
            body += piece
        else:
            try:
                body += unpacker.decompress(piece, most + 1 - len(body))
            except zlib.error:
                return UNREADABLE
        if packed > most or len(body) > most:
            return TOO_LARGE
        if unpacker is not None and (unpacker.unconsumed_tail or unpacker.unused_data):
            return UNREADABLE
    if unpacker is not None and not unpacker.eof:
        return UNREADABLE
    return bytes(body)
