"""Path patterns of robots.txt and what took them over: RFC 9309, sections 2.2.2 and 2.2.3.

``*`` stands for any octets, ``$`` at the end for the end of the path; both sides are brought to
one form of percent-encoding first.
"""

from dataclasses import dataclass

from consent.errors import SignalUnreadable

# Bounds the time that many patterns take, and is longer than servers take a URL.
LONGEST_URL = 4096
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HEX = frozenset(b"0123456789ABCDEFabcdef")
_PERCENT, _DOLLAR = b"%$"


@dataclass(frozen=True)
class Pattern:
    """A pattern in its one form: ``pieces`` between the stars; ``octets`` measure how specific."""

    pieces: tuple[bytes, ...]
    is_anchored: bool
    octets: int

    @classmethod
    def parse(cls, text: bytes) -> "Pattern":
        """Read any octets as a pattern."""
        is_anchored = text.endswith(b"$")
        body = text[:-1] if is_anchored else text
        pieces = tuple(_encode(piece) for piece in body.split(b"*"))
        octets = sum(map(len, pieces)) + len(pieces) - 1 + is_anchored
        return cls(pieces, is_anchored, octets)

    def matches(self, path: bytes) -> bool:
        """Return whether ``path``, as ``path_of`` gives it, begins as the pattern says."""
        first, *others = self.pieces
        if not others:
            return path == first if self.is_anchored else path.startswith(first)
        if not path.startswith(first):
            return False
        at = len(first)
        last = others.pop() if self.is_anchored else b""
        for piece in others:
            found = path.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return path.endswith(last) and len(path) - len(last) >= at


def path_of(url: str) -> bytes:
    """Return path and query of a URL, in the form that patterns are matched against.

    A URL without a path has ``/``; what has no scheme is taken as a path itself. Raises
    SignalUnreadable for a URL of more than ``LONGEST_URL`` characters.
    """
    if len(url) > LONGEST_URL:
        raise SignalUnreadable(f"the URL asked about is longer than {LONGEST_URL} characters")
    _, has_scheme, rest = url.partition("#")[0].partition("://")
    if has_scheme:
        cuts = [cut for cut in (rest.find(mark) for mark in "/?") if cut >= 0]
        rest = rest[min(cuts) :] if cuts else ""
    else:
        rest = url.partition("#")[0]
    # RFC 9309, section 2.2.3: a star of the path stands percent-encoded in the pattern.
    path = _encode(rest.encode("utf-8", "surrogatepass")).replace(b"*", b"%2A")
    return _without_dots(path if path.startswith(b"/") else b"/" + path)


def _without_dots(path: bytes) -> bytes:
    """Return a path without its dot segments, as it is asked for: RFC 3986, section 5.2.4."""
    path, mark, query = path.partition(b"?")
    if b"/." not in path:
        return path + mark + query
    kept: list[bytes] = []
    *segments, last = path.split(b"/")[1:]
    for segment in (*segments, last):
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if last in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept) + mark + query


def _encode(data: bytes) -> bytes:
    """Percent-encode what is not US-ASCII, ``$`` too, and decode what need not be encoded."""
    if data.isascii() and b"%" not in data and b"$" not in data:
        return data
    encoded, at = bytearray(), 0
    while at < len(data):
        octet, digits = data[at], data[at + 1 : at + 3]
        at += 1
        if octet == _PERCENT and len(digits) == 2 and _HEX.issuperset(digits):
            octet, at = int(digits, 16), at + 2
            encoded += bytes([octet]) if octet in _UNRESERVED else b"%%%02X" % octet
        elif octet >= 0x80 or octet in (_PERCENT, _DOLLAR):
            # A percent sign alone too, lest it form a new escape with what comes behind it.
            encoded += b"%%%02X" % octet
        else:
            encoded.append(octet)
    return bytes(encoded)
