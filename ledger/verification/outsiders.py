"""Integrity of what outsiders said: do offers, cosignatures and tokens fit their checkpoints?"""

from collections.abc import Iterator

from ledger.errors import LedgerError
from ledger.models import Cosignature, Incarnation, Offer
from ledger.note import Note
from ledger.verification.findings import Aspect, LogVerdict
from ledger.witness import parse_witness_key

_CHUNK = 500


def check_outsiders(incarnation: Incarnation, verdict: LogVerdict) -> None:
    """Check offers and cosignatures of one incarnation, behind ``verdict.since``.

    A token is checked where it is used, under the roots that are pinned then: one of an authority
    that is trusted no more is no fault of the log.
    """
    for size, fault in (*_find_offers(incarnation, verdict), *_find_false(incarnation, verdict)):
        verdict.found(Aspect.INTEGRITY, "outsider", f"checkpoint of size {size}: {fault}")


def _find_offers(incarnation: Incarnation, verdict: LogVerdict) -> Iterator[tuple[int, str]]:
    offers = Offer.objects.filter(incarnation=incarnation, checkpoint__size__gt=verdict.since)
    rows = offers.order_by("pk").values_list("checkpoint__size", "note", "checkpoint__note")
    for size, note, kept in rows.iterator(chunk_size=_CHUNK):
        if _text(note) != _text(kept):
            yield size, "another text was offered to outsiders than was signed first"


def _find_false(incarnation: Incarnation, verdict: LogVerdict) -> Iterator[tuple[int, str]]:
    kept = Cosignature.objects.filter(
        checkpoint__incarnation=incarnation, checkpoint__size__gt=verdict.since
    )
    for row in kept.select_related("checkpoint", "witness").iterator(chunk_size=_CHUNK):
        if not _holds(row):
            yield row.checkpoint.size, f"the cosignature by {row.witness} does not hold"


def _holds(row: Cosignature) -> bool:
    text = _text(row.checkpoint.note)
    try:
        (signature,) = Note.parse(f"{text}\n{row.line}\n").signatures
        verifier = parse_witness_key(row.witness.vkey)
        is_named = (signature.name, signature.key_id) == (verifier.name, verifier.key_id)
        return is_named and verifier.verify(text, signature.value) == row.time
    except (LedgerError, ValueError):
        return False


def _text(note: str) -> str:
    # A log's notes hold no empty line but the one before the signatures.
    return note.partition("\n\n")[0] + "\n"
