"""Tables of a campaign as CSV, page by page: handles and codes, never a name or an address."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from consent import campaigns
from consent.models import Campaign

AT_ONCE = 1_000
_QUESTIONS = (
    *("person", "question", "old_answer", "text", "language", "asked_at"),
    *("reached", "letters", "said", "answered_at"),
)


def write_questions(campaign: Campaign) -> Iterator[bytes]:
    """Yield whom a campaign asks about which answer, how they were reached and what they said."""
    rows: Iterator[Any] = campaigns.list_questions(campaign).iterator(chunk_size=AT_ONCE)
    yield from _table(
        _QUESTIONS,
        (
            (
                *(row.grant.subject.handle, row.grant_id, row.grant.renews_id),
                *(row.grant.notice.version, row.grant.notice.language),
                row.grant.opened_at.isoformat(),
                *(row.reached, (row.lead or row).sent, row.said),
                row.grant.given_at.isoformat() if row.grant.given_at else "",
            )
            for row in rows
        ),
    )


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
