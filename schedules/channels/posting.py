"""One HTTP POST: to an address that was looked at first, within a time that holds for all of it, no redirects followed.

The name is resolved here, each address it has is checked, and the connection goes to one of those very addresses:
a name that answers differently a moment later gains nothing. Certificates are still checked against the name. Proxies
and credentials from the environment are not used.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple

import httpcore

BODY_LIMIT = 64 * 1024
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class Answer(NamedTuple):
    """What came back: the status, and the first 64 KiB of the body."""

    status: int
    body: bytes


class Unreachable(Exception):
    """Nothing came back, or not in time; the receiver may have got it all the same."""


class NotPublic(Exception):
    """The address lies inside the house, where messages may not go."""


def post(
    url: str, content: bytes, headers: Mapping[str, str], seconds: float, *, private: bool, read_body: bool
) -> Answer:
    """Send one POST and return the answer; `private` lets it go to addresses inside the house.

    Looking the name up is the system's resolver's and takes as long as that allows; all the rest ends in `seconds`.

    Raises:
        Unreachable: no connection, no valid certificate, no whole answer in time, or not HTTP.
        NotPublic: a name that stands for an address which is not public.
    """
    backend = _Checked(private, seconds)
    # Anonymous HTTP: one connection for one message, and none kept.
    pool = httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend, max_keepalive_connections=0)
    timeout = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    try:
        with pool, pool.stream("POST", url, headers=listed, content=content, extensions=timeout) as response:
            return Answer(response.status, _beginning(response.iter_stream()) if read_body else b"")
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        OSError,
        UnicodeError,  # a name that is no name
    ) as error:
        raise Unreachable(f"{type(error).__name__}: {error}"[:200]) from error


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of the public Internet, also where an IPv4 address is wrapped in an IPv6 one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _beginning(chunks: Iterable[bytes]) -> bytes:
    read = b""
    for chunk in chunks:
        read += chunk
        if len(read) >= BODY_LIMIT:
            break
    return read[:BODY_LIMIT]


class _Checked(httpcore.SyncBackend):
    """Connects to checked addresses only; every step gets what is left of the time."""

    def __init__(self, private: bool, seconds: float) -> None:
        self._private = private
        self._seconds = seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, and connect to the first address that answers."""
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One that is not public spoils the name: whoever made it does not mean well.
        if not self._private and not all(is_public(ip_address(each.partition("%")[0])) for each in addresses):
            raise NotPublic(host)
        until = time.monotonic() + self._seconds
        trouble: Exception = OSError("no address")
        for address in addresses[:4]:
            try:
                left = max(0.01, until - time.monotonic())
                stream = super().connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return _Hurried(stream, until)
        raise trouble


@dataclass(slots=True)
class _Hurried(httpcore.NetworkStream):
    """A stream whose every read and write must end by one instant: a receiver that dribbles holds nobody up."""

    stream: httpcore.NetworkStream
    until: float  # of the monotonic clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self._left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self._left(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(httpcore.ConnectTimeout)
        return _Hurried(self.stream.start_tls(ssl_context, server_hostname, left), self.until)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)

    def _left(self, late: type[Exception]) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise late("out of time")
        return left
