"""Notices that reached people: which, in which language, when, how, and to whom."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused
from consent.models import Notice, Serving, Subject
from consent.moment import database_now
from consent.services.authority import Party, Visitor, by, get, lock, method_of, require_party
from consent.uses import Capacity, Method
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append


@transaction.atomic
def serve_notice(
    *,
    actor: Party,
    subject_id: UUID,
    notice_id: UUID,
    channel: Method,
    served_at: datetime | None = None,
    capacity: Capacity = Capacity.SELF,
) -> Serving:
    """Record that a notice reached a person, or with ``capacity`` whoever speaks for them.

    It says nothing of what they chose. Whoever opened it in the portal did so just now, for the
    person for whom they act. Raises NotPermitted, Unknown, TermsRefused for a moment in
    the future or before the notice was published.
    """
    people = Subject.objects.filter(pk=subject_id).values_list("pk", flat=True)
    require_party(actor, "consent.serve_notice", people)
    if isinstance(actor, Visitor):
        served_at, capacity = None, actor.capacity
    subject = lock(Subject.objects.all(), subject_id)
    notice = get(Notice.objects.all(), notice_id)
    now = database_now()
    at = served_at or now
    if not notice.published_at <= at <= now:
        raise TermsRefused("it was served before the notice was published, or is yet to be")
    row = Serving(
        subject=subject,
        notice=notice,
        channel=method_of(actor, channel).value,
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
