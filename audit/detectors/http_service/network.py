"""Connect only to addresses that were looked up and checked once, and never beyond a deadline.

A second look-up of a name can lead elsewhere, to this machine or to the private network behind it (DNS rebinding). So
the addresses are pinned: whatever the name server says later, and whatever host a message names, no other address is
ever connected to. The certificate is still checked against the name.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import httpcore2

from audit.errors import DetectorError

_PIECE: Final = 64 * 1024
"""Bytes that are written at a time; the deadline is checked between pieces."""
_TRANSLATED: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""IPv6 addresses that stand for the IPv4 address in their last four bytes."""
_SITE_LOCAL: Final = ipaddress.IPv6Network("fec0::/10")
_NEVER: Final = tuple(
    map(
        ipaddress.ip_network,
        ("169.254.0.0/16", "fe80::/10", "192.0.0.0/24", "100.100.100.200", "168.63.129.16", "fd00:ec2::/32",
         "fd20:ce::/32", "64:ff9b:1::/48"),
    )
)  # fmt: skip
"""Link-local addresses and others at which clouds hand out the keys of a machine, and those that a translator on the
way turns into any others."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def find_addresses(host: str, port: int, name: str, *, allow_local: bool, plain: bool) -> tuple[str, ...]:
    """Look a host up, and check every address of it.

    Parameters
    ----------
    host, port
        Host and port of the service.
    name : str
        Name of the service in messages.
    allow_local : bool
        Whether addresses of this machine and of private networks are allowed.
    plain : bool
        Whether the connection is plain http: then only such local addresses are allowed.

    Raises
    ------
    DetectorError
        There is no address, or one that is not allowed. One bad address among good ones is enough.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DetectorError(
            f"{name}: no address is found for the host",
            slug="detector-unreachable",
            hint="check the host in `url`, and that this machine has a network",
        ) from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))
    for text in addresses:
        local, usable = _kind_of(text)
        if not usable or (local and not allow_local):
            raise DetectorError(
                f"{name}: the host has an address of this machine, of a private or link-local network, or of no single "
                "machine",
                slug="detector-address",
                hint="write `allow_local = true` in [detector] if the service really is there"
                if usable
                else "name a host that has an address of its own",
            )
        if plain and not local:
            raise DetectorError(
                f"{name}: plain http to a public address, where everybody on the way can read the cases",
                slug="detector-address",
                hint="write https; http is for services on this machine or network",
            )
    return addresses


def _kind_of(text: str) -> tuple[bool, bool]:
    """Whether an address belongs to this machine or a private network, and whether it can be connected to at all."""
    address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    never = address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255"
    return not address.is_global or address in _SITE_LOCAL, not (never or any(address in network for network in _NEVER))


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 address that only wraps it; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in {ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")}:
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(address.packed[-4:])
    return address


class PinnedNetwork(httpcore2.NetworkBackend):
    """A network of the given addresses only. Actions of a thread within `until` end at its deadline."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], name: str, *, plain: bool) -> None:
        self._host, self._port, self._name, self._plain = host, port, name, plain
        self._addresses = tuple(addresses)
        self._real = httpcore2.SyncBackend()
        self._clock = threading.local()
        self._open: weakref.WeakSet[_Stream] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._stopped = False
        self.connected = False
        """Whether a connection was ever made, with a valid certificate if there is one."""

    @contextlib.contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Set a deadline for all actions of this thread, in seconds of `time.monotonic`."""
        self._clock.until = moment
        try:
            yield
        finally:
            del self._clock.until

    def seconds_left(self) -> float:
        """Seconds until the deadline of this thread. Raises ReadTimeout after it. Closing a connection has no
        deadline.
        """
        left = float(getattr(self._clock, "until", time.monotonic() + 1.0)) - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline of the thread replaces it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers. The host is not looked up again."""
        if (host, port) != (self._host, self._port):
            raise httpcore2.ConnectError
        failure: Exception = httpcore2.ConnectError()
        for index, address in enumerate(self._addresses):
            # an address that never answers leaves time for the others
            share = self.seconds_left() / (len(self._addresses) - index)
            try:
                stream = self._real.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return self.keep(stream, reached=self._plain)
        raise failure

    def keep(self, stream: httpcore2.NetworkStream, *, reached: bool) -> _Stream:
        """Remember a connection, so that another thread can end it."""
        connection = _Stream(self, stream, self._name)
        with self._lock:
            self.connected = self.connected or reached
            self._open.add(connection)
            stopped = self._stopped
        if stopped:
            connection.close()
            raise httpcore2.ConnectError
        return connection

    def stop(self) -> None:
        """End every connection, even while a thread waits for it."""
        with self._lock:
            self._stopped = True
            still_open = list(self._open)
        for stream in still_open:
            stream.end()


class _Stream(httpcore2.NetworkStream):
    """A connection that checks the deadline before it waits. A service that drips byte after byte does not extend
    it.
    """

    def __init__(self, network: PinnedNetwork, stream: httpcore2.NetworkStream, name: str) -> None:
        self._network, self._stream, self._name = network, stream, name

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._network.seconds_left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        rest = memoryview(buffer)
        while rest:
            self._stream.write(bytes(rest[:_PIECE]), self._network.seconds_left())
            rest = rest[_PIECE:]

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, self._network.seconds_left())
        except httpcore2.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise DetectorError(
                    f"{self._name}: the certificate of the service is not valid for this host",
                    slug="detector-certificate",
                ) from None
            raise
        return self._network.keep(stream, reached=True)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def end(self) -> None:
        """Make every running read or write return."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
