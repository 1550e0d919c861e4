"""Notices that reached people: which, in which language, when, how, and to whom."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused
from consent.models import Account, Notice, Serving, Subject
from consent.moment import database_now
from consent.services.authority import by, get, lock, require
from consent.uses import Capacity, Method
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append


@transaction.atomic
def serve_notice(
    *,
    actor: Account,
    subject_id: UUID,
    notice_id: UUID,
    channel: Method,
    served_at: datetime | None = None,
    capacity: Capacity = Capacity.SELF,
) -> Serving:
    """Record that a notice reached a person, or with ``capacity`` whoever speaks for them.

    It says nothing of what they chose. Raises NotPermitted, Unknown, TermsRefused for a moment in
    the future or before the notice was published.
    """
    require(actor, "consent.serve_notice")
    subject = lock(Subject.objects.all(), subject_id)
    notice = get(Notice.objects.all(), notice_id)
    now = database_now()
    at = served_at or now
    if not notice.published_at <= at <= now:
        raise TermsRefused("it was served before the notice was published, or is yet to be")
    row = Serving(
        subject=subject,
        notice=notice,
        channel=channel.value,
        capacity=capacity.value,
        served_at=at,
        recorded_at=now,
    )
    row.save(force_insert=True)
    said = {
        "channel": row.channel,
        "language": notice.language,
        "notice": f"sha256:{notice.digest.hex()}",
        "to": row.capacity,
    }
    segments = [Unsealed("subject", row.scope_ids(), said, (row,)), by(actor)]
    append(kind=kinds.NOTICE_SERVED, facts=NoFacts(), segments=segments)
    return row
