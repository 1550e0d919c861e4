"""Edge: one POST to somebody outside, bounded in time and size.

No redirect is followed and no proxy asked: who is asked is who was configured. The deadline holds
for the whole exchange; a timeout of the socket alone would let a peer drip one byte at a time.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from ledger.errors import AddressRefused, PeerSlow, PeerUnreachable

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """Status, media type without parameters, and body of what a peer answered."""

    status: int
    content_type: str
    body: bytes


def post(url: str, body: bytes, *, content_type: str, seconds: float, most: int) -> Answer:
    """Send ``body`` and return the answer; of its body at most ``most`` + 1 bytes are read.

    Raises AddressRefused for what is no http or https address, PeerSlow when the exchange takes
    longer than ``seconds``, PeerUnreachable when it fails otherwise.
    """
    address = parse_address(url)
    is_late = Event()
    try:
        with _connected(address, seconds, is_late) as connection:
            path = address.path + (f"?{address.query}" if address.query else "")
            headers = {"Content-Type": content_type, "User-Agent": "muniment"}
            connection.request("POST", path or "/", body, headers)
            with connection.getresponse() as response:
                received = response.read(most + 1)
                media_type = response.headers.get_content_type()
    except (OSError, HTTPException, ValueError) as error:
        if is_late.is_set() or isinstance(error, TimeoutError):
            raise PeerSlow(f"no whole answer came within {seconds:g} s") from error
        raise PeerUnreachable(f"exchange failed: {type(error).__name__}") from error
    # A connection cut at the deadline looks like one that the peer has ended.
    if is_late.is_set():
        raise PeerSlow(f"no whole answer came within {seconds:g} s")
    return Answer(response.status, media_type, received)


def parse_address(url: str) -> SplitResult:
    """Return the parts of an http or https address with a host. Raises AddressRefused."""
    try:
        address = urlsplit(url)
        is_usable = address.scheme in _PORTS and address.hostname and address.port != 0
    except ValueError as error:
        raise AddressRefused("the address cannot be read") from error
    if not is_usable or address.username or address.fragment:
        raise AddressRefused("the address is none of http or https with a host")
    return address


@contextmanager
def _connected(address: SplitResult, seconds: float, is_late: Event) -> Iterator[HTTPConnection]:
    """Yield a connection that is cut, whatever it is doing, once its time is over."""
    assert address.hostname is not None
    port = address.port or _PORTS[address.scheme]
    # The line is cut through a descriptor of its own, since TLS takes the first one over.
    with (
        socket.create_connection((address.hostname, port), timeout=seconds) as line,
        line.dup() as second,
        _cut_after(seconds, second, is_late),
    ):
        connection = HTTPConnection(address.hostname, port, timeout=seconds)
        connection.sock = line
        if address.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(line, server_hostname=address.hostname)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def _cut_after(seconds: float, line: socket.socket, is_late: Event) -> Iterator[None]:
    def cut() -> None:
        is_late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
