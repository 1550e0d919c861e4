"""What shows an answer: taken in with it, told by digest, opened on the record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from consent.errors import TermsRefused
from consent.mediatypes import media_type_of
from consent.models import Account, Evidence, GivenBy, Grant
from consent.moment import database_now
from consent.receipts.record import Paper
from consent.services.authority import require
from consent.services.subjects import store_evidence
from consent.uses import EvidenceKind
from ledger import vault
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose

PERMISSION = "consent.issue_receipt"
MAX_PIECES = 20


@dataclass(frozen=True)
class Piece:
    """One file that shows an answer, as it came."""

    content: bytes
    kind: EvidenceKind = EvidenceKind.FORM


def store_pieces(
    grant: Grant, pieces: Sequence[Piece], given_by: GivenBy | None = None
) -> tuple[Evidence, ...]:
    """Seal what shows an answer, under the keys of everybody who spoke; for services.

    Raises TermsRefused for too many pieces, or one of no or too great a size.
    """
    if len(pieces) > MAX_PIECES:
        raise TermsRefused(f"{len(pieces)} pieces of evidence came, at most {MAX_PIECES} at once")
    if given_by is None and grant.is_spoken_for:
        given_by = grant.given_by
    scopes = {*grant.scope_ids(), *(given_by.scope_ids() if given_by else ())}
    return tuple(_store(grant, piece, tuple(sorted(scopes))) for piece in pieces)


def _store(grant: Grant, piece: Piece, scopes: tuple[UUID, ...]) -> Evidence:
    file = store_evidence(scopes, piece.content)
    assert file is not None
    row = Evidence(grant=grant, kind=piece.kind.value, file=file, added_at=database_now())
    row.media_type = media_type_of(piece.content)
    row.digest = vault.keys(scopes).seal(row, "digest", sha256(piece.content).digest())
    row.save(force_insert=True)
    return row


def list_papers(grant: Grant) -> tuple[Paper, ...]:
    """Return what shows an answer by digest; pieces of erased people are left out. For services."""
    rows = list(Evidence.objects.of(grant))
    keys = vault.keys_there({scope for row in rows for scope in row.scope_ids()})
    readable = [row for row in rows if row.scope_ids() in keys]
    return _papers((row, keys.open(row, "digest")) for row in readable)


def read_papers(*, reader: Account, grant: Grant) -> tuple[Paper, ...]:
    """As ``list_papers``, for a person to read, on the record. Raises as ``disclose``."""
    require(reader, PERMISSION)
    rows = list(Evidence.objects.of(grant))
    wanted = [Disclosure(row, ("digest",)) for row in rows]
    seen = disclose(reader=reader.scope_id, reason=DisclosureReason.CASEWORK, wanted=wanted)
    return _papers((row, seen[row.pk]["digest"]) for row in rows if row.pk in seen)


def read_evidence(*, reader: Account, piece: Evidence) -> bytes | None:
    """Return a piece's content, or None once somebody who spoke is erased; on record first.

    Raises NotPermitted, and RuntimeError inside a transaction.
    """
    require(reader, PERMISSION)
    wanted = [Disclosure(piece, (), ("file",))]
    seen = disclose(reader=reader.scope_id, reason=DisclosureReason.CASEWORK, wanted=wanted)
    return seen[piece.pk]["file"] if piece.pk in seen else None


def _papers(rows: Iterable[tuple[Evidence, bytes]]) -> tuple[Paper, ...]:
    return tuple(Paper(f"sha256:{digest.hex()}", row.file.size) for row, digest in rows)
