"""Preference signals: record what a person's browser says, as it was seen."""

from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused
from consent.models import Observation, SignalFinding, Subject
from consent.moment import database_now
from consent.services.answers import values
from consent.services.authority import Party, by, lock, require_party
from consent.signals.finding import Code, Item, Source
from consent.signals.finding import Observation as Seen
from consent.signals.reading import read
from ledger import vault
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append

MAX_PLACE = 2_000
MAX_RAW_BYTES = 4_096
MAX_HEADERS = 65_536
# The header lines of a request that are a signal; the others say who came and are not kept.
KEPT = (b"sec-gpc:",)


@transaction.atomic
def observe_request(*, actor: Party, subject_id: UUID, place: str, headers: bytes) -> Observation:
    """Record what a person's request says of their wishes; it counts from now on.

    ``headers`` are its header lines as received, of which only the signals are kept, and
    ``place`` the URL that was asked for. Raises NotPermitted, Unknown, TermsRefused when the
    request holds no signal.
    """
    people = Subject.objects.filter(pk=subject_id).values_list("pk", flat=True)
    require_party(actor, "consent.observe_signal", people)
    subject = lock(Subject.objects.all(), subject_id)
    if not 0 < len(place) <= MAX_PLACE:
        raise TermsRefused(f"place has {len(place)} characters, wanted 1 to {MAX_PLACE}")
    lines = [line.strip() for line in headers.splitlines() if line.lower().startswith(KEPT)]
    raw = b"\n".join(lines)
    if not 0 < len(raw) <= MAX_RAW_BYTES:
        raise TermsRefused("request holds no signal, or one that is too long: none was recorded")
    row = Observation(subject=subject, source=Source.REQUEST_HEADERS, seen_at=database_now())
    keys = vault.keys(row.scope_ids())
    row.place = keys.seal(row, "place", place.encode())
    row.raw = keys.seal(row, "raw", raw)
    row.save(force_insert=True)
    found = _findings(row, place, raw)
    SignalFinding.objects.bulk_create(found)
    append(
        kind=kinds.SIGNAL_OBSERVED,
        facts=NoFacts(),
        segments=[Unsealed("subject", row.scope_ids(), {}, (row, *found)), by(actor)],
    )
    return row


def _findings(row: Observation, place: str, raw: bytes) -> list[SignalFinding]:
    seen = Seen(row.id, Source(row.source), place, row.seen_at, raw)
    return [
        SignalFinding(
            observation=row,
            signal=found.signal.value,
            standing=found.standing.value,
            code=found.code.value,
            uses=values(found.uses),
        )
        for found in read(seen, Item(place))
        if found.code is not Code.NOTHING_SAID
    ]
