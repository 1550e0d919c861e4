"""Reader: which keys signed a log when, and which somebody else may hold, by its own records."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ledger.errors import LeafError, LogTampered, NoteError
from ledger.keyhistory import LOG_KEY_COMPROMISED, LOG_KEY_ROTATED, KeyHistory
from ledger.leaf import Body, parse_at, parse_body
from ledger.models import Incarnation, KeyRecord, Leaf
from ledger.record_kinds import LOG_OPENED

# What every record about a log's keys has in its bytes; a name in facts cannot look like it.
_MARK = b'"kind":"log_key.'


@dataclass(frozen=True)
class Compromise:
    """That somebody else may sign with ``vkey`` since then, as leaf ``index`` of a log says."""

    vkey: str
    since: datetime
    incarnation: Incarnation
    index: int


def is_about_keys(body: bytes) -> bool:
    """Return whether a record speaks of its log's keys, so that it belongs to ``KeyRecord``."""
    return _MARK in body


def read_history(incarnation: Incarnation) -> KeyHistory:
    """Return which keys signed ``incarnation`` when. Raises LogTampered when leaf 0 is no opening.

    Two short queries, whatever the size of the log.
    """
    rows = list(_key_bodies(incarnation))
    if not rows or rows[0][1].kind != LOG_OPENED.name:
        raise LogTampered(f"{incarnation.origin} does not begin with its opening")
    try:
        history = KeyHistory.opened(rows[0][1].facts["keys"])  # type: ignore[arg-type]
    except (KeyError, TypeError, NoteError) as error:
        raise LogTampered(f"{incarnation.origin}: leaf 0 names no keys") from error
    for index, body in rows[1:]:
        if body.kind == LOG_KEY_ROTATED and body.facts.get("origin") == incarnation.origin:
            history = history.rotated(index, body.facts)
    return history


def read_compromises() -> list[Compromise]:
    """Return every key that a record, of whichever log, says is compromised.

    A record that was edited until nobody can read it says nothing; verification names it.
    """
    found = []
    for incarnation in Incarnation.objects.filter(key_records__isnull=False).distinct():
        for index, data in _key_records(incarnation):
            with suppress(KeyError, LeafError):
                body = parse_body(data)
                if body.kind == LOG_KEY_COMPROMISED:
                    since = parse_at(str(body.facts["since"]))
                    found.append(Compromise(str(body.facts["key"]), since, incarnation, index))
    return found


def _key_bodies(incarnation: Incarnation) -> Iterator[tuple[int, Body]]:
    return ((index, parse_body(data)) for index, data in _key_records(incarnation))


def _key_records(incarnation: Incarnation) -> Iterator[tuple[int, bytes]]:
    places = KeyRecord.objects.filter(incarnation=incarnation).values_list("index", flat=True)
    leaves = Leaf.objects.filter(incarnation=incarnation, index__in=[0, *places])
    for index, body in leaves.order_by("index").values_list("index", "record__body"):
        yield index, bytes(body)
