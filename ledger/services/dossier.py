"""Dossiers: a bundle over single records of one person, to prove one matter of theirs.

Made like a report, in the same two steps, and read by the same verifier; what the records say of
the person stands opened in it, with papers that the caller brings. It is stored by the caller.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction

from ledger.proofs import current_incarnation, wait_for_record
from ledger.record_kinds import REPORT_ISSUED, ReportIssued
from ledger.reports.collect import collect_records
from ledger.services.append import DEFAULT_LOG, Unsealed, append
from ledger.services.report import draft_report, finish_report, verify_same

PUBLISHED_SECONDS = 10


def issue_dossier(
    *,
    title: str,
    records: Collection[UUID],
    person: UUID,
    papers: Mapping[str, bytes],
    segments: Sequence[Unsealed],
) -> bytes:
    """Draft, record, wait for the proof, and return the bundle; no transaction may be open.

    ``person`` is the key scope whose statements are opened, ``papers`` files by path under
    ``disclosed/``, ``segments`` say in the record who asked, and whom it concerns. Raises
    NotYetPublished while a record, or the one of the issue, is not published, and LogContinued.
    """
    incarnation = current_incarnation(DEFAULT_LOG)
    evidence = collect_records(incarnation, records, person)
    draft = draft_report(incarnation, evidence, title, papers)
    with transaction.atomic():
        record = append(
            kind=REPORT_ISSUED, facts=ReportIssued(manifest=draft.digest), segments=segments
        )
    published = wait_for_record(record.uuid, PUBLISHED_SECONDS)
    verify_same(incarnation, published.origin)
    return finish_report(incarnation, evidence, draft, published)
