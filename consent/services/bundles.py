"""Proof of consent: one answer with all that shows it, for whoever verifies without us."""

import json
from collections.abc import Iterator, Mapping
from uuid import UUID

from django.db import transaction

from consent.errors import WrongState
from consent.models import AnswerPaper, AnswerPaperKind, Grant
from consent.receipts.record import Paper, consent_record
from consent.services.authority import Actor, by, get, require
from consent.services.evidence import PERMISSION, list_papers
from consent.services.grants import lock_grant
from consent.services.receipts import (
    ROLE,
    columns_of,
    find_paper,
    issue_receipt,
    keep_paper,
    parts_of,
)
from ledger import strict_base64, vault
from ledger.archive.reading import read_body
from ledger.canonical import JSON, canonical
from ledger.commitment import fresh_randomness
from ledger.leaf import parse_body
from ledger.models import Segment
from ledger.services import Unsealed, open_file
from ledger.services.dossier import issue_dossier
from ledger.verifier import bundle as layout

TITLE = "Proof of consent"
TABLE = Grant._meta.db_table


def issue_bundle(*, actor: Actor, grant_id: UUID) -> AnswerPaper:
    """Put together the proof of an answer as it stands; one that was issued of it stays.

    Record, receipt, notice text, the list of evidence, every record that speaks of the answer and
    the notice's own, each opened for this person and proved. Waits for the log, so that no
    transaction may be open. Raises NotPermitted, Unknown, ScopeGone, NotYetPublished, and
    LogContinued for an answer that a log before this one holds.
    """
    require(actor, PERMISSION)
    receipt = issue_receipt(actor=actor, grant_id=grant_id)
    grants = Grant.objects.select_related("subject", "notice")
    grant = get(grants, grant_id)
    if (there := find_paper(grant, AnswerPaperKind.BUNDLE)) is not None:
        return there
    if grant.record is None or grant.record != receipt.told:
        raise WrongState("the answer changed meanwhile: ask again")
    content = issue_dossier(
        title=TITLE,
        records=[*_records_of(grant), *([grant.notice.record] if grant.notice.record else [])],
        person=grant.subject.scope_id,
        papers=_papers(grant, receipt),
        segments=[
            Unsealed(ROLE, grant.scope_ids(), {"answer": str(grant.pk), "paper": "bundle"}),
            by(actor),
        ],
    )
    with transaction.atomic():
        # It tells of the answer as it was read, whatever became of it since.
        grant = lock_grant(grant_id)
        found = grant.papers.filter(kind=AnswerPaperKind.BUNDLE, told=receipt.told).first()
        return found or keep_paper(actor, grant, AnswerPaperKind.BUNDLE, content, told=receipt.told)


def _records_of(grant: Grant) -> Iterator[UUID]:
    """Yield each record whose statement about the person tells of this answer, oldest first."""
    scopes = list(grant.scope_ids())
    keys = vault.keys(scopes)
    own = Segment.objects.filter(scopes=scopes).select_related("record").order_by("record_id")
    for segment in own:
        kind = parse_body(read_body(segment.record)).kind
        opening = keys.open_segment(
            scopes, segment.record.uuid, segment.position, kind, segment.ciphertext
        )
        if opening.role == ROLE and _tells_of(grant, opening.payload):
            yield segment.record.uuid


def _tells_of(grant: Grant, payload: Mapping[str, JSON]) -> bool:
    several = payload.get("rows")
    rows = [payload.get("row"), *(several if isinstance(several, list) else ())]
    named = [(row["table"], row["id"]) for row in rows if isinstance(row, dict)]
    return (TABLE, str(grant.pk)) in named


def _papers(grant: Grant, receipt: AnswerPaper) -> dict[str, bytes]:
    papers = list_papers(grant)
    record = consent_record(columns_of(grant), parts_of(grant, papers))
    return {
        layout.CONSENT_EVIDENCE: _evidence_list(papers),
        layout.CONSENT_NOTICE: grant.notice.text.encode(),
        layout.CONSENT_RECEIPT: open_file(receipt.file),
        layout.CONSENT_RECORD: json.dumps(record, ensure_ascii=False, indent=1).encode(),
    }


def _evidence_list(papers: tuple[Paper, ...]) -> bytes:
    """Name the papers by digest; the salt hides them once the folder is taken out."""
    listed: list[JSON] = [{"digest": one.digest, "size": one.size} for one in papers]
    salt = strict_base64.encode(fresh_randomness())
    return canonical({"evidence": listed, "salt": salt, "v": layout.VERSION})
