"""Receipts: write, sign and keep what a person is given of an answer; take in those of others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from consent import kinds
from consent.errors import WrongState
from consent.formats.doubts import Doubt
from consent.kinds import ReceiptIssued
from consent.models import Account, AnswerPaper, AnswerPaperKind, Grant
from consent.moment import database_now
from consent.receipts.kantara import read_kantara
from consent.receipts.receipt import Logged, consent_receipt
from consent.receipts.record import House, NoticeShown, Paper, Parts, consent_record
from consent.receipts.signature import sign
from consent.services.answers import Answer
from consent.services.authority import Actor, Party, Visitor, by, get, require, require_party
from consent.services.evidence import PERMISSION, Piece, list_papers, read_papers
from consent.services.grants import draft, give, lock_grant, whose_grant
from consent.services.viewing import Sealed, view_files
from consent.signing import read_receipt_signer
from consent.uses import Assurance, EvidenceKind
from ledger import vault
from ledger.leaf import parse_leaf
from ledger.models import Segment
from ledger.publication import prove_outside
from ledger.record_kinds import DisclosureReason
from ledger.services import Unsealed, append, store_file

ROLE = "subject"


@dataclass(frozen=True)
class Imported:
    """What became of somebody else's receipt; each doubt is for a person to read."""

    grant: Grant
    doubts: tuple[Doubt, ...]


@transaction.atomic
def issue_receipt(*, actor: Actor | Visitor, grant_id: UUID) -> AnswerPaper:
    """Write and sign the receipt of an answer as it stands; one that was issued of it stays.

    Raises NotPermitted, Unknown, ScopeGone, and NotYetPublished until the log shows the answer.
    """
    require_party(actor, PERMISSION, whose_grant(grant_id))
    grant = lock_grant(grant_id)
    return find_paper(grant, AnswerPaperKind.RECEIPT) or keep_paper(
        actor, grant, AnswerPaperKind.RECEIPT, _write_receipt(grant), told=grant.record
    )


def find_paper(grant: Grant, kind: AnswerPaperKind) -> AnswerPaper | None:
    """Return the paper that tells of the answer as it stands, or None."""
    if grant.record is None:
        return None
    return grant.papers.filter(kind=kind, told=grant.record).select_related("file").first()


def keep_paper(
    actor: Actor | Visitor,
    grant: Grant,
    kind: AnswerPaperKind,
    content: bytes,
    *,
    told: UUID | None,
) -> AnswerPaper:
    """Store a paper under the person's key, on the record; for services, in their transaction.

    ``told`` is the record of the answer that it tells of.
    """
    if told is None:
        raise WrongState("answer was never recorded")
    paper = AnswerPaper(
        grant=grant,
        kind=kind,
        told=told,
        file=store_file(grant.scope_ids(), content),
        issued_at=database_now(),
    )
    paper.save(force_insert=True)
    append(
        kind=kinds.RECEIPT_ISSUED,
        facts=ReceiptIssued(paper=kinds.PaperFact(kind.value)),
        segments=[
            Unsealed(ROLE, grant.scope_ids(), {"answer": str(grant.pk)}, (paper,)),
            by(actor),
        ],
    )
    return paper


def read_paper(*, reader: Party, paper: AnswerPaper) -> bytes | None:
    """Return a paper's bytes, or None once the person is erased; who read is on record first.

    Raises NotPermitted, and RuntimeError inside a transaction.
    """
    seen = view_files(
        reader=reader,
        permission=PERMISSION,
        reason=(
            DisclosureReason.OWN_MATTERS
            if isinstance(reader, Visitor)
            else DisclosureReason.CASEWORK
        ),
        wanted=[Sealed(paper, "file")],
    )
    return seen.get(paper.pk)


def read_record(*, reader: Account, grant_id: UUID) -> dict[str, Any]:
    """Return an answer as a consent record, unsigned; where evidence is opened, on the record.

    Raises NotPermitted, Unknown, and RuntimeError inside a transaction.
    """
    require(reader, PERMISSION)
    grant = get(Grant.objects.select_related("subject", "notice"), grant_id)
    papers = read_papers(reader=reader, grant=grant)
    return consent_record(columns_of(grant), parts_of(grant, papers))


@transaction.atomic
def import_receipt(
    *,
    actor: Account,
    subject_id: UUID,
    notice_id: UUID,
    content: bytes,
    key: str | None,
    answer: Answer,
) -> Imported:
    """Take in a Kantara receipt as evidence of ``answer``, which says what its words mean.

    How surely, how it came and until when follow from the receipt alone, whatever ``answer`` says.
    It is given only where the issuer's signature holds and nothing stands against it; else it is
    a draft, to be asked for or answered. Raises as ``give`` does, and ReceiptRefused.
    """
    claim = read_kantara(content, key=key)
    ends = [moment for moment in (answer.valid_until, claim.ends_at) if moment]
    weak = replace(
        answer,
        assurance=Assurance.SELF_ASSERTED,
        method=claim.method,
        valid_until=min(ends, default=None),
    )
    store = give if claim.is_signed and claim.is_plain else draft
    grant = store(
        actor=actor,
        subject_id=subject_id,
        notice_id=notice_id,
        answer=weak,
        evidence=[Piece(content, EvidenceKind.RECEIPT)],
    )
    return Imported(grant, claim.doubts)


def columns_of(grant: Grant) -> dict[str, Any]:
    """Return the answer's columns as the log's digest of them counts them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t) FROM consent_grant t WHERE id = %s", [grant.pk])
        ((row,),) = cursor.fetchall()
    told: Mapping[str, Any] = json.loads(row) if isinstance(row, str) else row
    return {name: told[name] for name in told if told[name] is not None and name != "record"}


def parts_of(grant: Grant, papers: tuple[Paper, ...]) -> Parts:
    """Return what a record of the answer says beside its terms."""
    notice = grant.notice
    digest = f"sha256:{notice.digest.hex()}"
    shown = NoticeShown(notice.code, notice.version, notice.language, notice.title, digest)
    return Parts(grant.subject.handle, _house(), shown, papers)


def _house() -> House:
    return House(
        name=settings.MUNIMENT_ORGANISATION,
        address=settings.MUNIMENT_ORGANISATION_ADDRESS,
        contact=settings.MUNIMENT_ORGANISATION_CONTACT,
        country=settings.MUNIMENT_ORGANISATION_COUNTRY,
        withdrawal=settings.MUNIMENT_WITHDRAWAL,
    )


def _write_receipt(grant: Grant) -> bytes:
    issued_at = f"{database_now():%Y-%m-%dT%H:%M:%SZ}"
    receipt = consent_receipt(
        columns_of(grant),
        parts_of(grant, list_papers(grant)),
        _logged(grant),
        receipt_id=str(uuid4()),
        issued_at=issued_at,
    )
    signed = sign(receipt, read_receipt_signer(), issued_at)
    return json.dumps(signed, ensure_ascii=False, indent=1).encode()


def _logged(grant: Grant) -> Logged:
    """Return where the log speaks of the answer as it stands. Raises NotYetPublished."""
    if grant.record is None:
        raise WrongState("answer was never recorded")
    proved = prove_outside(grant.record)
    scopes, kind = list(grant.scope_ids()), parse_leaf(proved.leaf).body.kind
    keys = vault.keys(scopes)
    for segment in Segment.objects.filter(record__uuid=grant.record, scopes=scopes):
        opening = keys.open_segment(
            scopes, grant.record, segment.position, kind, segment.ciphertext
        )
        if opening.role == ROLE:
            return Logged(proved.leaf.decode(), str(proved.proof), segment.position, opening)
    raise WrongState("the log holds no statement about this answer")
