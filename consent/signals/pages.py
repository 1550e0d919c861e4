"""The meta elements of a page, found in one pass over its bytes.

Not with ``html.parser``: crafted pages make that take time quadratic in their length. What is
read is what a browser would take for a tag: comments, scripts and the like are passed over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from consent.errors import SignalUnreadable

LONGEST = 2 * 2**20
MOST_METAS = 1000
_MOST_ATTRIBUTES = 64
_RAW_TEXT = {b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes"}
# The first start tag of any other element ends the head, as it does in a browser.
_HEAD = {b"html", b"head", b"title", b"base", b"link", b"style", b"meta", b"script", b"noscript"}
_HEAD |= {b"template"}
_NAME = re.compile(rb"[A-Za-z][^\s/>]*")
_ATTRIBUTE = re.compile(
    rb"[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"'][^\s>]*)|(?=>)))?"
)
_END = re.compile(rb"[\s/]*>")


@dataclass(frozen=True)
class Meta:
    """A meta element: its attributes, the first of each name, and whether it is in the head."""

    attributes: dict[str, str]
    is_in_head: bool


def find_metas(data: bytes) -> list[Meta]:
    """Return the meta elements of a page in any encoding that writes tags as ASCII, or UTF-16.

    Raises SignalUnreadable when it is too large.
    """
    if len(data) > LONGEST:
        raise SignalUnreadable(f"it has {len(data)} bytes, at most {LONGEST} are read")
    metas: list[Meta] = []
    is_in_head = True
    for name, attributes in _start_tags(_as_ascii(data)):
        is_in_head = is_in_head and name in _HEAD
        if name == b"meta":
            decoded = {
                _text(key).lower(): unescape(_text(value)) for key, value in attributes[::-1]
            }
            metas.append(Meta(decoded, is_in_head))
        if len(metas) > MOST_METAS:
            raise SignalUnreadable(f"it has more than {MOST_METAS} meta elements")
    return metas


def _as_ascii(data: bytes) -> bytes:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[2:].decode(encoding, "replace").encode("utf-8", "replace")
    return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _start_tags(data: bytes) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Yield names, in lower case, and the attributes of those called meta."""
    lowered, at = data.lower(), 0
    # What does not end takes all that follows with it, in a browser as here.
    while at >= 0 and (at := data.find(b"<", at)) >= 0:
        if data.startswith(b"<!--", at):
            at = _behind(data, b"-->", at + 2)
        elif tag := _NAME.match(data, at + 1):
            name = tag[0].lower()
            attributes, at = _attributes(data, tag.end(), most=_MOST_ATTRIBUTES * (name == b"meta"))
            if at < 0:
                return
            yield name, attributes
            if name in _RAW_TEXT:
                at = _behind(lowered, b"</" + name, at)
        else:
            # A declaration or an end tag ends at the next bracket; a sign alone is text.
            is_markup = data[at + 1 : at + 2] in (b"!", b"/", b"?")
            at = _behind(data, b">", at) if is_markup else at + 1


def _attributes(data: bytes, at: int, most: int) -> tuple[list[tuple[bytes, bytes]], int]:
    """Return the first ``most`` attributes and the place behind the tag, -1 without an end."""
    found: list[tuple[bytes, bytes]] = []
    while attribute := _ATTRIBUTE.match(data, at):
        if len(found) < most:
            name, *values = attribute.groups(b"")
            found.append((name, b"".join(values)))
        at = attribute.end()
    end = _END.match(data, at)
    return found, end.end() if end else -1


def _behind(data: bytes, mark: bytes, at: int) -> int:
    """Return the place behind the next ``mark``, or -1 when there is none."""
    found = data.find(mark, at)
    return found if found < 0 else found + len(mark)
