"""Reports: order one for a period, and issue it as a bundle that verifies without us.

The record ``report.issued`` holds the manifest's digest, so that the bundle is put together in
two steps: draft and record in one transaction; then, once that record is published, its proof
goes in and the file is stored. A report cut off between the two is issued again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ledger.certificates import REPORTS, ensure_test_credentials, load_credentials
from ledger.errors import LogContinued, NotYetPublished
from ledger.grounds import read_grounds
from ledger.logkeys import read_history
from ledger.models import HOUSE_SCOPE, Incarnation, IssuedReport, ReportState, SealedFile
from ledger.note import Checkpoint
from ledger.proofs import (
    PublishedRecord,
    current_incarnation,
    published_checkpoint,
    wait_for_record,
)
from ledger.publication import with_witnesses
from ledger.record_kinds import REPORT_ISSUED, REPORT_ORDERED, ReportIssued, ReportOrdered
from ledger.reports.bundle import Draft, Evidence, Papers, draft_bundle, finish_bundle
from ledger.reports.collect import collect_evidence
from ledger.reports.compose import TITLE, compose
from ledger.reports.page import verify_page
from ledger.reports.pdf import draw_pdf, sign
from ledger.reports.readme import README
from ledger.roots import proposed_roots
from ledger.services.append import DEFAULT_LOG, Unsealed, append
from ledger.services.files import open_file, store_file
from ledger.signing import read_verifiers
from ledger.tlogpolicy import LOG_TYPES, LogKey, Policy
from ledger.tree import StoredTree

PUBLISHED_SECONDS = 30
SWEPT_AFTER = timedelta(minutes=2)


def order_report(*, officer: UUID, first: int = 0, end: int | None = None) -> IssuedReport:
    """Ask for a report over the records [first, end) of the default log, all by default.

    ``officer`` is the key scope of who asks. Raises NotYetPublished for a period that is not
    published yet, or is empty.
    """
    incarnation = current_incarnation(DEFAULT_LOG)
    size = published_checkpoint(incarnation).size
    end = size if end is None else end
    if not 0 <= first < end <= size:
        raise NotYetPublished(f"records {first} to {end - 1} are not all among {size} published")
    with transaction.atomic():
        report = IssuedReport.objects.create(
            incarnation=incarnation, first=first, end=end, ordered_at=timezone.now()
        )
        append(
            kind=REPORT_ORDERED,
            facts=ReportOrdered(records=end - first),
            segments=[Unsealed("officer", (officer,)), Unsealed("house", rows=(report,))],
        )
    return report


def issue_report(report: IssuedReport) -> IssuedReport:
    """Draft, record, wait for the proof, and store the bundle; safe to repeat.

    No transaction may be open. Raises NotYetPublished when the sequencer does not answer in
    time; nothing is lost then, and the next call issues again. Raises LogContinued when the log
    goes on under another origin since, which cannot vouch for the one that was reported on.
    """
    if find_bundle(report) is not None:
        return report
    incarnation = current_incarnation(DEFAULT_LOG)
    verify_same(report.incarnation, incarnation.origin)
    evidence = collect_evidence(incarnation, report.first, report.end)
    draft = draft_report(incarnation, evidence)
    with transaction.atomic():
        report = IssuedReport.objects.select_for_update().get(pk=report.pk)
        report.state, report.manifest = ReportState.ISSUED, draft.digest
        report.save(update_fields=["state", "manifest"])
        record = append(
            kind=REPORT_ISSUED,
            facts=ReportIssued(manifest=draft.digest),
            segments=[Unsealed("house", rows=(report,))],
        )
    published = wait_for_record(record.uuid, PUBLISHED_SECONDS)
    verify_same(incarnation, published.origin)
    bundle = finish_report(incarnation, evidence, draft, published)
    store_file((HOUSE_SCOPE,), bundle, report.pk)
    return report


def find_unfinished() -> list[UUID]:
    """Return the ids of reports that were ordered a while ago and have no bundle yet."""
    ordered = IssuedReport.objects.filter(ordered_at__lt=timezone.now() - SWEPT_AFTER)
    there = SealedFile.objects.filter(pk=OuterRef("pk"))
    # One on an origin that goes on no more can only be ordered anew.
    later = Incarnation.objects.filter(
        log=OuterRef("incarnation__log"), ordinal__gt=OuterRef("incarnation__ordinal")
    )
    return list(ordered.filter(~Exists(there), ~Exists(later)).values_list("pk", flat=True))


def find_bundle(report: IssuedReport) -> SealedFile | None:
    """Return the file of an issued report, or None while there is none."""
    return SealedFile.objects.filter(pk=report.pk).first()


def read_bundle(report: IssuedReport) -> bytes:
    """Return the bundle's bytes. Raises NotYetPublished while there is none."""
    file = find_bundle(report)
    if file is None:
        raise NotYetPublished("the report is not ready yet")
    return open_file(file)


def log_policy(origin: str) -> Policy:
    """Return the policy that an auditor should hold from outside: the log's own keys.

    Those in force come first; behind them, where keys were rotated, those of before. The active
    witnesses stand there too, and their quorum where nothing is shown without it.
    """
    verifiers = read_verifiers(origin)
    pairs = [verifiers[at : at + len(LOG_TYPES)] for at in range(0, len(verifiers), len(LOG_TYPES))]
    logs = tuple(LogKey(verifier) for pair in reversed(pairs) for verifier in pair)
    return with_witnesses(Policy(logs))


def all_logs_policy() -> Policy:
    """Return the keys of every log and incarnation that this service keeps, without witnesses."""
    origins = Incarnation.objects.order_by("pk").values_list("origin", flat=True)
    return Policy(tuple(key for origin in origins for key in log_policy(origin).logs))


def verify_same(incarnation: Incarnation, origin: str) -> None:
    """Raise LogContinued when ``origin`` is not the one that was reported on."""
    if incarnation.origin != origin:
        raise LogContinued(f"the log goes on as {origin} since: order this report again")


def draft_report(
    incarnation: Incarnation,
    evidence: Evidence,
    title: str = TITLE,
    disclosed: Mapping[str, bytes] | None = None,
) -> Draft:
    """Write all of a bundle but what proves its manifest; ``disclosed`` are papers by path."""
    now = timezone.now()
    folder = settings.MUNIMENT_KEYS / "reports"
    ensure_test_credentials(folder, REPORTS)
    credentials = load_credentials(folder)
    size = Checkpoint.parse(evidence.checkpoint.text).size
    in_force = read_history(incarnation).at(size)
    composed = compose(evidence, in_force, now, read_grounds(incarnation, size), title)
    pdf = sign(draw_pdf(composed.page, now), credentials, settings.MUNIMENT_ORGANISATION)
    papers = Papers(
        report_pdf=pdf,
        verify_html=verify_page(),
        readme=README,
        policy=log_policy(incarnation.origin),
        disclosed=disclosed or {},
        pades_roots=(credentials.root,),
        tsa_roots=proposed_roots(),
    )
    return draft_bundle(evidence, composed.report, papers)


def finish_report(
    incarnation: Incarnation, evidence: Evidence, draft: Draft, published: PublishedRecord
) -> bytes:
    """Return the bundle, once its record ``report.issued`` is published."""
    size = Checkpoint.parse(evidence.checkpoint.text).size
    way = StoredTree(incarnation).consistency_path(size, published.checkpoint.size)
    # Nothing else vouches for this note: it carries two signatures, at a rotation too.
    in_force = read_history(incarnation).at(published.checkpoint.size)
    note = published.proof.note.signed_by(in_force)
    proof = replace(published.proof, note=note)
    return finish_bundle(draft, leaf=published.leaf, proof=proof, consistency=way)
