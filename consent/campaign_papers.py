"""Tables of a campaign as CSV, page by page: handles and codes, never a name or an address."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models.functions import Coalesce

from consent import campaigns
from consent.models import Campaign

AT_ONCE = 1_000
_QUESTIONS = (
    *("person", "question", "old_answer", "text", "language", "asked_at"),
    *("reached", "letters", "said", "answered_at"),
)


def write_questions(campaign: Campaign) -> Iterator[bytes]:
    """Yield whom a campaign asks about which answer, how they were reached and what they said."""
    rows = campaigns.list_questions(campaign).values_list(
        *("grant__subject__handle", "grant_id", "grant__renews_id", "grant__notice__version"),
        *("grant__notice__language", "grant__opened_at", "reached"),
        *(Coalesce("lead__sent", "sent"), "said", "grant__given_at"),
    )
    yield from _table(_QUESTIONS, map(_told, rows.iterator(chunk_size=AT_ONCE)))


def _told(row: Iterable[object]) -> list[object]:
    return [one.isoformat() if isinstance(one, datetime) else one for one in row]


def write_unreachable(campaign: Campaign) -> Iterator[bytes]:
    """Yield the handles of those to whom no letter of a campaign would go."""
    people = campaigns.find_unreachable(campaign).values_list("handle", flat=True)
    yield from _table(("person",), ((one,) for one in people.iterator(chunk_size=AT_ONCE)))


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(head)
    for row in rows:
        lines.writerow(row)
        if written.tell() >= 1 << 16:
            yield written.getvalue().encode()
            written.seek(0)
            written.truncate()
    yield written.getvalue().encode()
