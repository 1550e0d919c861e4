"""What a crawler saw, one answer of a server a line, as JSON; nothing is fetched here.

```
{"url": "https://pictures.example/robots.txt", "seen_at": "2026-11-20T10:00:00Z", "status": 200,
 "headers": {"Content-Type": "text/plain"}, "body": "User-agent: *\\nDisallow: /private\\n"}
```

``body_base64`` stands for a body that is no text, ``status`` 0 for a server that did not answer,
``covers`` for an address for all below which a page or a file speaks, ``kind`` for what the
address does not tell (``tdm_policy``), ``manifest_store`` for content credentials read already.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent.errors import SignalUnreadable
from consent.signals.documents import header_values
from consent.signals.finding import Observation, Reach, Source
from consent.signals.paths import path_of
from consent.signals.places import WELL_KNOWN, check_url

LONGEST_BODY = 16 * 2**20
# A body in base64, with room for the rest.
LONGEST_LINE = 24 * 2**20
# The header lines that are a signal; the others say who came and what was set, and are not kept.
KEPT = ("x-robots-tag", "tdm-reservation", "tdm-policy", "content-usage")
_IN_FILES = {
    "text/html": Source.HTML,
    "application/xhtml+xml": Source.HTML,
    "application/pdf": Source.PDF,
    "application/epub+zip": Source.EPUB,
}
_KEYS = frozenset(
    {
        *("url", "seen_at", "status", "headers", "body", "body_base64", "covers", "kind"),
        "manifest_store",
    }
)
_UNREACHABLE_FROM = 500
_TOO_MANY_REQUESTS = 429
# Reads the content credentials of a picture as JSON; None where it has none. Raises
# SignalUnreadable where the picture is damaged.
ReadStore = Callable[[bytes, str], bytes | None]


@dataclass(frozen=True)
class Answer:
    """One answer of a server: header lines as received, the body as it came.

    ``status`` is 0 where none came. ``store`` holds content credentials that were read already.
    """

    url: str
    seen_at: datetime
    status: int = 200
    headers: bytes = b""
    body: bytes = b""
    covers: str = ""
    kind: Source | None = None
    store: bytes = b""

    @property
    def reach(self) -> Reach:
        """Return how the fetch ended: RFC 9309, section 2.3.1; too busy counts as no answer."""
        if 200 <= self.status < 300:
            return Reach.FOUND
        if 400 <= self.status < _UNREACHABLE_FROM and self.status != _TOO_MANY_REQUESTS:
            return Reach.ABSENT
        return Reach.UNREACHABLE

    @property
    def media_type(self) -> str:
        """Return what the server named, cut to what a media type can be."""
        named = (value for _, value in header_values(self.headers, "content-type"))
        return next(named, "")[:120]


@dataclass(frozen=True)
class Capture:
    """One thing seen in an answer, as it is stored and as parsers take it."""

    source: Source
    place: str
    covers: str
    seen_at: datetime
    reach: Reach
    media_type: str
    raw: bytes

    def observed(self, pk: UUID) -> Observation:
        """Return it as an observation of this id."""
        return Observation(
            pk, self.source, self.place, self.seen_at, self.raw, self.reach, self.media_type
        )


def read_line(line: bytes) -> Answer:
    """Read one line. Raises SignalUnreadable, which says what is wrong with it."""
    if len(line) > LONGEST_LINE:
        raise SignalUnreadable(f"it has {len(line)} bytes, at most {LONGEST_LINE} are read")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SignalUnreadable("it is no JSON") from error
    if not isinstance(said, dict) or not {"url", "seen_at"} <= said.keys():
        raise SignalUnreadable("it is no object with url and seen_at")
    if unknown := said.keys() - _KEYS:
        raise SignalUnreadable(f"{sorted(unknown)[0][:40]} is none of {', '.join(sorted(_KEYS))}")
    store = said.get("manifest_store")
    return check(
        Answer(
            url=_text(said, "url"),
            seen_at=_moment(said["seen_at"]),
            status=_status(said.get("status", 200)),
            headers=_headers(said.get("headers")),
            body=_body(said),
            covers=_text(said, "covers"),
            kind=_kind(said.get("kind")),
            store=json.dumps(store).encode() if store is not None else b"",
        )
    )


def check(answer: Answer) -> Answer:
    """Return an answer that can be taken. Raises SignalUnreadable."""
    check_url(answer.url)
    if answer.covers:
        check_url(answer.covers)
    if len(answer.body) > LONGEST_BODY:
        raise SignalUnreadable(
            f"its body has {len(answer.body)} bytes, at most {LONGEST_BODY} are taken"
        )
    if 300 <= answer.status < 400:
        raise SignalUnreadable("it leads on to another address: tell what the last one answered")
    return answer


def find_captures(answer: Answer, read_store: ReadStore) -> Iterator[Capture]:
    """Yield what of an answer is a signal, or could be.

    A page without any is told too: it takes the place of what was seen there before. Raises
    SignalUnreadable for headers that are too large.
    """
    path = path_of(answer.url).decode("latin-1")
    source = answer.kind or WELL_KNOWN.get(path)
    if source is not None:
        yield _capture(answer, source, answer.body)
        return
    lines = b"".join(
        f"{name}: {value}\r\n".encode("latin-1", "replace")
        for name, value in header_values(answer.headers, *KEPT)
    )
    yield _capture(answer, Source.RESPONSE_HEADERS, lines)
    if answer.reach is not Reach.FOUND:
        return
    media_type = answer.media_type.partition(";")[0].strip().lower()
    if media_type in _IN_FILES and answer.body:
        yield _capture(answer, _IN_FILES[media_type], answer.body)
    store: bytes | None = answer.store or None
    if store is None and answer.body and media_type.startswith("image/"):
        store = _find_store(answer.body, media_type, read_store)
    if store is not None:
        yield _capture(answer, Source.C2PA_MANIFEST, store)


def _find_store(content: bytes, media_type: str, read_store: ReadStore) -> bytes | None:
    """Return the credentials of a picture; nothing at all, which reads as malformed, where they
    may be there and cannot be read: what else the answer said counts all the same."""
    try:
        return read_store(content, media_type)
    except SignalUnreadable:
        return b""


def _capture(answer: Answer, source: Source, raw: bytes) -> Capture:
    found = answer.reach is Reach.FOUND
    return Capture(
        source=source,
        place=answer.url,
        covers=answer.covers,
        seen_at=answer.seen_at,
        reach=answer.reach,
        media_type=answer.media_type,
        raw=raw if found else b"",
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise SignalUnreadable(f"{name} is no text")
    return value


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SignalUnreadable("seen_at is no time with its zone, as 2026-11-20T10:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise SignalUnreadable("seen_at lies beyond all calendars") from error


def _status(value: object) -> int:
    if type(value) is not int or not (value == 0 or 200 <= value < 600):
        raise SignalUnreadable("status is no HTTP status of an answer, or 0 where none came")
    return value


def _kind(value: object) -> Source | None:
    if value is None:
        return None
    known = sorted(set(Source) - {Source.REQUEST_HEADERS})
    if value not in known:
        raise SignalUnreadable(f"kind is none of {', '.join(known)}")
    return Source(str(value))


def _headers(value: object) -> bytes:
    """Return header lines from an object (values alone or in lists), pairs, or the lines."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("latin-1", "replace")
    pairs = value.items() if isinstance(value, dict) else value
    lines = []
    try:
        for name, stated in pairs:  # type: ignore[attr-defined]
            values = stated if isinstance(stated, list) else [stated]
            lines += [f"{name}: {' '.join(str(one).split())}" for one in values]
    except (TypeError, ValueError) as error:
        raise SignalUnreadable("headers are no object and no list of pairs") from error
    return "\r\n".join(lines).encode("latin-1", "replace")


def _body(said: Mapping[str, Any]) -> bytes:
    if "body_base64" not in said:
        return _text(said, "body").encode("utf-8", "surrogatepass")
    try:
        return b64decode(_text(said, "body_base64"), validate=True)
    except ValueError as error:
        raise SignalUnreadable("body_base64 is no base64") from error
