"""Time stamps: have the newest offered checkpoint stamped by the authority, and keep its answer."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from ledger.errors import LedgerError, PeerFalse, PeerRefused
from ledger.models import AnswerCode, Incarnation, LastAnswer, Offer, TimeStamp
from ledger.note import Note
from ledger.posting import post
from ledger.roots import read_roots
from ledger.services.answers import code_of, keep_answer
from ledger.timestamps import (
    MAX_RESPONSE,
    REQUEST_TYPE,
    Stamp,
    build_query,
    verify_response,
)

SECONDS = 15
# An authority whose clock is further off than this from ours does not tell the time.
CLOCK_SKEW = timedelta(minutes=5)


def stamp_newest(incarnation: Incarnation) -> LastAnswer | None:
    """Have the newest offer stamped unless it is; no transaction may be open.

    Only the newest is ever sent: its token covers all before it. Safe to repeat; of two tokens
    the first is kept. Returns how the question ended, or None when there was nothing to ask.
    """
    offer = _unstamped_offer(incarnation)
    if offer is None or not settings.MUNIMENT_TSA_URL:
        return None
    text = Note.parse(offer.note).text
    try:
        response, stamp = request_stamp(text)
    except LedgerError as failure:
        return keep_answer(offer, None, code_of(failure))
    with transaction.atomic():
        TimeStamp.objects.get_or_create(
            offer=offer,
            defaults={
                "checkpoint": offer.checkpoint,
                "stamped_at": stamp.time,
                "response": response,
            },
        )
        return keep_answer(offer, None, AnswerCode.GIVEN)


def request_stamp(text: str) -> tuple[bytes, Stamp]:
    """Ask the authority for a token over ``text``; return its answer and what that states.

    Raises PeerFailed in its kinds: an answer is believed only under the pinned roots, with our
    nonce, and when its time is about ours.
    """
    query, roots = build_query(text), read_roots()
    answer = post(
        settings.MUNIMENT_TSA_URL,
        query.data,
        content_type=REQUEST_TYPE,
        seconds=SECONDS,
        most=MAX_RESPONSE,
    )
    if answer.status != 200:
        raise PeerRefused(f"authority answered with status {answer.status}")
    stamp = verify_response(answer.body, text, roots, nonce=query.nonce)
    if abs(stamp.time - timezone.now()) > CLOCK_SKEW:
        raise PeerFalse("token states a time far from ours")
    return answer.body, stamp


def _unstamped_offer(incarnation: Incarnation) -> Offer | None:
    newest = incarnation.offers.select_related("checkpoint").order_by("-id").first()
    if newest is None or TimeStamp.objects.filter(offer=newest).exists():
        return None
    return newest
