"""The metadata streams of a PDF: ISO 32000-2, section 14.3.2.

Found by a scan for the streams themselves: none may lie inside of another (section 7.5.7), so
that neither cross-references nor the catalogue are needed. A PDF library unpacks whatever a file
asks it to; this takes bounded time and memory. An object written again replaces the one before.
"""

import re
import zlib
from dataclasses import dataclass

from consent.errors import SignalUnreadable
from consent.signals.documents import LONGEST_XML

MOST_STREAMS = 2000
# Of all of them together, packed as well as unpacked.
LONGEST_IN_ALL = 16 * 2**20
_LONGEST_DICTIONARY = 4096
_SUBTYPE = re.compile(rb"/Subtype[\0\t\n\f\r ]*/XML\b")
_TYPE = re.compile(rb"/Type[\0\t\n\f\r ]*/Metadata\b")
_OBJECT = re.compile(rb"\b([0-9]{1,10})[\0\t\n\f\r ]{1,8}[0-9]{1,5}[\0\t\n\f\r ]{1,8}obj\b")
_STREAM = re.compile(rb"\bstream\r?\n")
# The one filter that metadata uses, alone and without parameters; else none at all.
_FLATE = re.compile(
    rb"/Filter[\0\t\n\f\r ]*(?:/FlateDecode\b|\[[\0\t\n\f\r ]*/FlateDecode[^/\]]*\])"
)
_OTHERS = re.compile(
    rb"/(?:Filter|DecodeParms|F|FFilter)\b(?![\0\t\n\f\r ]*(?:null|\[[\0\t\n\f\r ]*\]))"
)


@dataclass(frozen=True)
class Streams:
    """The metadata that could be unpacked, and how many streams could not be."""

    packets: tuple[bytes, ...]
    unread: int


def metadata_streams(data: bytes) -> Streams:
    """Return the metadata of a PDF and of its parts.

    Raises SignalUnreadable for what is no PDF, or holds too many metadata streams.
    """
    if b"%PDF-" not in data[:1024]:
        raise SignalUnreadable("it is no PDF")
    found: dict[bytes, bytes | None] = {}
    left = LONGEST_IN_ALL
    for count, subtype in enumerate(_SUBTYPE.finditer(data)):
        placed = _place(data, subtype.start())
        if placed:
            number, dictionary, begin = placed
            body = _body(data, begin)
            packet = found[number] = _unpack(dictionary, body)
            left -= len(body) + len(packet or b"")
        if left < 0 or count == MOST_STREAMS:
            raise SignalUnreadable("it has more metadata than is read")
    packets = tuple(packet for packet in found.values() if packet is not None)
    return Streams(packets, len(found) - len(packets))


def _place(data: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    """Return number, dictionary and begin of the metadata stream whose dictionary spans ``at``."""
    stream = _STREAM.search(data, at, at + _LONGEST_DICTIONARY)
    before = list(_OBJECT.finditer(data, max(0, at - _LONGEST_DICTIONARY), at))
    if stream is None or not before:
        return None
    dictionary = data[before[-1].end() : stream.start()]
    if b"endobj" in dictionary or not _TYPE.search(dictionary):
        return None
    return before[-1][1].lstrip(b"0"), dictionary, stream.end()


def _body(data: bytes, begin: int) -> bytes:
    end = data.find(b"endstream", begin, begin + LONGEST_XML)
    return data[begin : end if end >= 0 else begin + LONGEST_XML]


def _unpack(dictionary: bytes, body: bytes) -> bytes | None:
    """Return the content of a stream, cut where it is too long for XML; None if packed oddly."""
    filters = len(_OTHERS.findall(dictionary))
    if not filters:
        return body
    if filters > 1 or not _FLATE.search(dictionary):
        return None
    try:
        return zlib.decompressobj().decompress(body, LONGEST_XML + 1)
    except zlib.error:
        return None
