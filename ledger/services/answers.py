"""Keep what somebody outside last answered, in one row for each of them and log."""

from django.db import transaction
from django.utils import timezone

from ledger.errors import (
    AddressRefused,
    LedgerError,
    PeerFalse,
    PeerMalformed,
    PeerRefused,
    PeerSlow,
    PeerUnreachable,
)
from ledger.models import AnswerCode, LastAnswer, Offer, Witness

_CODES: dict[type[LedgerError], AnswerCode] = {
    AddressRefused: AnswerCode.UNUSABLE,
    PeerFalse: AnswerCode.FALSE,
    PeerMalformed: AnswerCode.MALFORMED,
    PeerRefused: AnswerCode.REFUSED,
    PeerSlow: AnswerCode.SLOW,
    PeerUnreachable: AnswerCode.UNREACHABLE,
}


def code_of(failure: LedgerError) -> AnswerCode:
    """Return the code of a question that failed; one that could not be put is unusable."""
    return _CODES.get(type(failure), AnswerCode.UNUSABLE)


def newest_answer(offer: Offer, witness: Witness | None) -> LastAnswer | None:
    """Return the row of ``witness``, or of the time-stamp authority, for the offer's log."""
    return LastAnswer.objects.filter(incarnation=offer.incarnation_id, witness=witness).first()


def keep_answer(
    offer: Offer, witness: Witness | None, code: AnswerCode, known_size: int = 0
) -> LastAnswer:
    """Store how the question about ``offer`` ended; safe to repeat."""
    now = timezone.now()
    is_given = code is AnswerCode.GIVEN
    with transaction.atomic():
        row, _ = LastAnswer.objects.select_for_update().get_or_create(
            incarnation_id=offer.incarnation_id,
            witness=witness,
            defaults={"offer": offer, "code": code, "asked_at": now},
        )
        row.offer, row.code, row.known_size, row.asked_at = offer, code, known_size, now
        row.given_at = now if is_given else row.given_at
        row.failures = 0 if is_given else row.failures + 1
        row.save()
    return row
