"""Taking old releases in: each line becomes a person, an answer and what shows it, or waits.

The day on the paper is when the person said it; the answer counts from when it is recorded, so
that every past decision can be made again as it was. A guardian's word for a child who is of age
by now is recorded as one that is over: decisions ask, and the person is asked.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from uuid import UUID

from django.db import DataError, connection, transaction

from consent import kinds, profiles
from consent.clock import of_age_at
from consent.errors import ConsentError
from consent.identity import IdentifierKind
from consent.kinds import ReleasesTaken
from consent.models import (
    Account,
    BroughtScan,
    Grant,
    LineStanding,
    OldRelease,
    ReleaseImport,
    ReleaseLine,
    ReleaseState,
    Subject,
)
from consent.releases.snags import Snag
from consent.releases.stating import Names, Stated
from consent.services.answers import Answer
from consent.services.authority import by, lock, require
from consent.services.evidence import Piece
from consent.services.grants import give
from consent.services.identities import Known
from consent.services.release_judging import Judged, judge, settle
from consent.services.release_lines import Kept, dump_content, load_kept
from consent.services.release_scans import delete_scan
from consent.services.subjects import Span, register_subject, represent
from consent.uses import Assurance, Basis, Capacity, EvidenceKind, Method, Mode, Remedy
from ledger import vault
from ledger.errors import LedgerError
from ledger.services import Unsealed, append_large, open_file

logger = logging.getLogger(__name__)

# Lines of one transaction: some seconds at most, with their scans.
AT_ONCE, _SECONDS = 20, 8
# "releases" in ASCII, shortened: one import at a time registers people.
_TURN = 0x72656C656173


@transaction.atomic
def take_some(importing_id: UUID, actor: Account) -> int:
    """Take in the next good lines of an import; return how many were looked at.

    Each is judged once more: what came in meanwhile may stand against it, and it waits then.
    Raises NotPermitted.
    """
    for permission in ("consent.register_subject", "consent.give_grant"):
        require(actor, permission)
    with connection.cursor() as cursor:
        # Two at once could register one person twice.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])
    importing = lock(ReleaseImport.objects.all(), importing_id)
    if importing.state != ReleaseState.OPEN:
        return 0
    ready = importing.lines.filter(state=LineStanding.READY).select_related("importing")
    lines = list(ready.select_for_update(of=("self",)).order_by("ordinal")[:AT_ONCE])
    kept = load_kept(importing)
    began, taken, seen = monotonic(), [], 0
    for line in lines:
        if row := _take(actor, importing, line, kept):
            taken.append(row)
        seen += 1
        if monotonic() - began > _SECONDS:
            break
    if taken:
        _record(actor, importing, taken)
    return seen


def _record(actor: Account, importing: ReleaseImport, taken: Sequence[OldRelease]) -> None:
    importing.taken_count += len(taken)
    importing.save(update_fields=["taken_count"])
    people = [Unsealed("subject", row.scope_ids(), {}, (row,)) for row in taken]
    append_large(
        kind=kinds.RELEASES_TAKEN,
        facts=ReleasesTaken(releases=len(taken)),
        segments=[Unsealed("import", rows=(importing,)), by(actor), *people],
    )


def _take(
    actor: Account, importing: ReleaseImport, line: ReleaseLine, kept: Kept
) -> OldRelease | None:
    (judged,) = judge(importing, [line])
    if judged.reasons:
        settle([judged])
        return None
    try:
        with transaction.atomic():
            return _write(actor, importing, judged, kept)
    except (ConsentError, LedgerError, ArithmeticError, ValueError, DataError) as error:
        # What a single answer would be refused for: said of the line, and the others go on.
        logger.warning("line is set aside", extra={"line": line.pk, "error": type(error).__name__})
        judged.reasons = [Snag.REFUSED.value]
        settle([judged])
        return None


def _write(actor: Account, importing: ReleaseImport, judged: Judged, kept: Kept) -> OldRelease:
    stated, scans = judged.stated, _unique(judged.scans)
    subject = judged.subject or _register(actor, stated.known)
    speaker = _represent(actor, subject, judged) if judged.needs_guardian else None
    grant = give(
        actor=actor,
        subject_id=subject,
        notice_id=importing.notice_id,
        answer=_answer(stated, kept),
        evidence=[Piece(_content(scan), EvidenceKind.SCAN) for scan in scans],
        representation_id=speaker,
        power_until=None if speaker or not stated.of_age else _of_age_at(stated),
    )
    row = _keep(importing, judged, grant, scans)
    line_id = judged.line.pk
    ReleaseLine.objects.filter(pk=line_id).delete()
    _forget(importing, scans)
    return row


def _register(actor: Account, known: Names) -> UUID:
    name = next(value for kind, value in known if kind is IdentifierKind.NAME)
    others = [Known(kind, value) for kind, value in known if kind is not IdentifierKind.NAME]
    return register_subject(actor=actor, name=name, others=others).pk


def _represent(actor: Account, subject: UUID, judged: Judged) -> UUID:
    """Return by what the guardian speaks, who is registered where nobody knows them."""
    assert judged.stated.of_age is not None
    guardian = judged.guardian or _register(actor, judged.stated.guardian)
    ends_at = _of_age_at(judged.stated)
    known = Subject.objects.get(pk=subject).representatives.filter(
        representative=guardian, capacity=Capacity.GUARDIAN.value, ended_at=None, ends_at=ends_at
    )
    if there := known.first():
        return there.pk
    row = represent(
        actor=actor,
        subject_id=subject,
        representative_id=guardian,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=ends_at),
    )
    return row.pk


def _answer(stated: Stated, kept: Kept) -> Answer:
    assert stated.signed is not None
    modes = {(True, False): Mode.OPT_IN, (False, True): Mode.OPT_OUT}
    return Answer(
        mode=modes.get((bool(stated.uses), bool(stated.refused)), Mode.GRANULAR),
        # A paper lies before us: no more, whoever says to have seen it signed.
        assurance=Assurance.SIGNED_RELEASE,
        method=Method.FORM,
        basis=Basis(kept.said.basis),
        uses=stated.uses,
        refused=stated.refused,
        media=stated.media,
        territories=stated.territories,
        barred_themes=stated.themes,
        remedy=Remedy(kept.said.remedy),
        valid_from=_midnight(stated.signed),
        valid_until=_midnight(stated.until + timedelta(1)) if stated.until else None,
        signed_on=stated.signed,
    )


def _keep(
    importing: ReleaseImport, judged: Judged, grant: Grant, scans: Sequence[BroughtScan]
) -> OldRelease:
    """Keep the line with its answer, under the keys of everybody who spoke."""
    spoken = grant.given_by.scope_ids() if grant.is_spoken_for else ()
    row = OldRelease(
        grant=grant,
        importing=importing,
        ordinal=judged.line.ordinal,
        scopes=sorted({*grant.scope_ids(), *spoken}),
        mark=judged.line.mark,
        papers=sorted(scan.content for scan in scans),
    )
    row.stated = vault.keys(row.scopes).seal(row, "stated", dump_content(judged.content))
    row.save(force_insert=True)
    return row


def _content(scan: BroughtScan) -> bytes:
    assert scan.file is not None
    return open_file(scan.file)


def _unique(scans: Sequence[BroughtScan]) -> list[BroughtScan]:
    return list({scan.pk: scan for scan in scans}.values())


def _forget(importing: ReleaseImport, scans: Sequence[BroughtScan]) -> None:
    """Forget scans that lie with their answers now, unless another line names them too."""
    for scan in scans:
        if not importing.lines.filter(claims__contains=[scan.short_index]).exists():
            delete_scan(scan)


def _of_age_at(stated: Stated) -> datetime:
    assert stated.born is not None
    return of_age_at(stated.born, stated.majority, profiles.load().clock.zone)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
