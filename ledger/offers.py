"""Offers: what outsiders get of a log, once a minute, on the minute; made by the sequencer.

A checkpoint is signed with time 0 as soon as it is made. What leaves the house is the same text
signed again with the whole minute in which it is first shown. Nobody outside can tell more than
that minute of when a record was made.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from ledger.errors import LogTampered
from ledger.models import Incarnation, Offer
from ledger.note import Note, Signer, sign_note

# How often an idle log is signed again, so that idle and stalled look different.
IDLE = timedelta(hours=1)
_MINUTE_SECONDS = 60


class MinuteHand:
    """Tells once when a minute has turned; the minute it starts in does not count."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._minute = self._read()

    def turned(self) -> datetime | None:
        """Return the whole minute that began since the last call, or None within one."""
        minute = self._read()
        if minute == self._minute:
            return None
        self._minute = minute
        return datetime.fromtimestamp(minute * _MINUTE_SECONDS, UTC)

    def _read(self) -> int:
        return int(self._clock()) // _MINUTE_SECONDS


def make_offer(
    incarnation: Incarnation, signers: Sequence[Signer], minute: datetime
) -> Offer | None:
    """Sign the newest published checkpoint with ``minute``, when it is new or the log idles.

    Needs the role sequencer. Safe to repeat, and for standbys to do as well: an incarnation has
    one offer a minute. Returns None when there is nothing to offer.
    """
    published = incarnation.checkpoints.filter(anchored__isnull=False)
    newest = published.order_by("-size").first()
    last = incarnation.offers.select_related("checkpoint").order_by("-id").first()
    if newest is None or (last and not _is_due(last, newest.size, minute)):
        return None
    text = Note.parse(newest.note).text
    note = sign_note(text, signers, time=int(minute.timestamp()))
    offer, _ = Offer.objects.get_or_create(
        incarnation=incarnation,
        minute=minute,
        defaults={"checkpoint": newest, "note": str(note)},
    )
    return offer


def _is_due(last: Offer, size: int, minute: datetime) -> bool:
    if size < last.checkpoint.size:
        raise LogTampered(f"size {last.checkpoint.size} was offered, but {size} is the newest")
    # A clock that was set back must not silence the log until it has caught up.
    return size > last.checkpoint.size or abs(minute - last.minute) >= IDLE
