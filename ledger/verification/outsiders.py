"""Integrity of what outsiders said: do offers, cosignatures and tokens fit their checkpoints?"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from cryptography.x509 import Certificate

from ledger.bounds import Bounds
from ledger.errors import LedgerError, PeerFalse
from ledger.models import Cosignature, Incarnation, Offer, TimeStamp
from ledger.note import Note
from ledger.roots import read_roots
from ledger.timestamps import Stamp, verify_response
from ledger.verification.findings import Aspect, LogVerdict
from ledger.witness import parse_witness_key

_CHUNK = 500


def check_outsiders(incarnation: Incarnation, verdict: LogVerdict) -> Bounds:
    """Check offers, cosignatures and tokens of one incarnation, from ``verdict.since`` on.

    Returns the bounds that the good tokens set. Tokens are held against the roots that are pinned
    now: the roots of an authority must stay as long as its tokens do, or bundles would fail too.
    """
    for size, fault in (*_find_offers(incarnation, verdict), *_find_false(incarnation, verdict)):
        verdict.found(Aspect.INTEGRITY, "outsider", f"checkpoint of size {size}: {fault}")
    return Bounds(_check_tokens(incarnation, verdict))


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


def _check_tokens(incarnation: Incarnation, verdict: LogVerdict) -> list[tuple[int, Stamp]]:
    """Return size and statement of each good token; one finding for each way to be bad."""
    kept = TimeStamp.objects.filter(
        offer__incarnation=incarnation, checkpoint__size__gte=verdict.since
    )
    good: list[tuple[int, Stamp]] = []
    first: dict[str, int] = {}
    bad = Counter[str]()
    roots = cache(read_roots)
    for row in kept.select_related("offer", "checkpoint").iterator(chunk_size=_CHUNK):
        try:
            good.append((row.checkpoint.size, _read_token(row, roots)))
        except LedgerError as error:
            first.setdefault(str(error), row.checkpoint.size)
            bad[str(error)] += 1
    for fault, size in first.items():
        others = f", and {bad[fault] - 1} more alike" if bad[fault] > 1 else ""
        message = f"checkpoint of size {size}: its token is not believed{others}: {fault}"
        verdict.found(Aspect.INTEGRITY, "outsider", message)
    return good


def _read_token(row: TimeStamp, roots: Callable[[], Sequence[Certificate]]) -> Stamp:
    if row.offer.checkpoint_id != row.checkpoint_id:
        raise PeerFalse("it lies with another checkpoint than it was asked for")
    stamp = verify_response(bytes(row.response), _text(row.offer.note), roots())
    if stamp.time != row.stamped_at:
        raise PeerFalse("it states another time than its row")
    return stamp


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
