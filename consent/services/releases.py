"""Old releases in bulk: a table and its scans are brought, looked at, set right, and taken in.

```
 bring_releases ─▶ ReleaseImport, a ReleaseLine for each line, sealed one by one; the table is kept
 bring_scans ────▶ ScanArchive ─▶ worker: a BroughtScan for each file; the archive is forgotten
                                  worker: judge ─▶ good, or waiting with all reasons (the dry run)
      explain, decide, accept, bring_repaired ◀── set right ──┘
 take_releases ──▶ worker: a person, an answer, its evidence, OldRelease; the line is forgotten
 close_releases ─▶ what still waits is destroyed with the import's key
```
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import IO
from uuid import UUID

from django.db import transaction
from django.db.models import F, Func, Value

from consent import kinds
from consent.errors import DescriptionRefused, TermsRefused
from consent.kinds import ReleasesBrought, ReleasesDropped, Settling
from consent.models import (
    Account,
    LineStanding,
    Notice,
    ReleaseErrand,
    ReleaseImport,
    ReleaseLine,
    ReleaseState,
    Subject,
)
from consent.moment import database_now
from consent.releases.columns import Meaning, guess, override
from consent.releases.dates import UNLIMITED, Unclear, read_term
from consent.releases.snags import ACCEPTABLE
from consent.releases.stating import Said
from consent.releases.table import MAX_BYTES, read_table
from consent.releases.words import CODES
from consent.services.authority import by, get, lock, require
from consent.services.notices import find_paper_only
from consent.services.release_lines import (
    Kept,
    insert_lines,
    load_kept,
    seal_kept,
)
from consent.services.release_scans import (
    PERMISSION,
    UNWANTED,
    check_open,
    open_import,
    record_settled,
    want,
)
from consent.uses import Basis, Remedy
from ledger import vault
from ledger.kinds import Kind, NoFacts
from ledger.models import Retention
from ledger.services import (
    Unsealed,
    append,
    open_scope,
)

# How long what waits may lie here: whoever brought it settles it, or it is brought again.
_LEAST_KNOWN = 2
KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Bringing:
    """To which notice the releases were given, how the table is written, what is said of it.

    Without a notice the wording is known from the papers alone, and the answers say so.
    """

    notice_id: UUID | None = None
    encoding: str = "utf-8"
    said: Said = field(default_factory=Said)


def bring_releases(
    *, actor: Account, bringing: Bringing, content: IO[bytes]
) -> tuple[ReleaseImport, bool]:
    """Take in a table, line by line; a worker looks at it. The same table comes once.

    Returns the import, and whether it had come before. The table as a whole is not stored: its
    lines are, with their bytes. Raises NotPermitted, Unknown, TermsRefused, and DescriptionRefused
    for what is no such table.
    """
    require(actor, PERMISSION)
    check_said(bringing.said)
    data = content.read(MAX_BYTES + 1)
    table = read_table(data, bringing.encoding)
    kept = Kept(table.header, table.names, bringing.said)
    check_columns(table.names, bringing.said)
    mark = vault.blind_index("releases", sha256(data).hexdigest())
    with transaction.atomic():
        notice = _notice(actor, bringing.notice_id)
        same = ReleaseImport.objects.filter(fingerprint=mark, state=ReleaseState.OPEN)
        if known := same.first():
            return known, True
        importing = ReleaseImport(
            scope=open_scope(Retention.REQUEST),
            notice=notice,
            brought_by=actor,
            fingerprint=mark,
            line_count=len(table.lines),
            received_at=database_now(),
        )
        seal_kept(importing, kept)
        importing.save(force_insert=True)
        insert_lines(importing, kept, table.lines)
        want(importing)
        facts = ReleasesBrought(lines=importing.line_count)
        segments = [Unsealed("import", rows=(importing,)), by(actor)]
        append(kind=kinds.RELEASES_BROUGHT, facts=facts, segments=segments)
        return importing, False


@transaction.atomic
def explain(*, actor: Account, import_id: UUID, said: Said) -> ReleaseImport:
    """Say how the whole table is to be read; all lines that wait are looked at again.

    Raises NotPermitted, Unknown, WrongState, TermsRefused, DescriptionRefused.
    """
    importing = lock(ReleaseImport.objects.all(), open_import(actor, import_id).pk)
    check_said(said)
    kept = replace(load_kept(importing), said=said)
    override(guess(kept.names), said.mapping)
    seal_kept(importing, kept)
    importing.save(update_fields=["said"])
    want(importing, restate=True)
    segments = [Unsealed("import", rows=(importing,)), by(actor)]
    append(kind=kinds.RELEASES_EXPLAINED, facts=NoFacts(), segments=segments)
    return importing


@transaction.atomic
def decide_line(
    *,
    actor: Account,
    line_id: UUID,
    subject_id: UUID | None = None,
    is_guardian: bool = False,
) -> ReleaseLine:
    """Say who a line speaks of, or who its guardian is; None: somebody who is not known here.

    Raises NotPermitted, Unknown, WrongState.
    """
    require(actor, PERMISSION)
    lines = ReleaseLine.objects.select_related("importing")
    line = lock(lines, line_id)
    check_open(line.importing)
    person = get(Subject.objects.all(), subject_id) if subject_id else None
    if is_guardian:
        line.guardian, line.is_guardian_new = person, person is None
    else:
        line.subject, line.is_new = person, person is None
    line.state = LineStanding.UNREAD
    line.save()
    want(line.importing)
    record_settled(actor, Settling.DECIDED, 1)
    return line


@transaction.atomic
def accept_lines(*, actor: Account, import_id: UUID, reason: str) -> int:
    """Answer for all that waits for ``reason``, where somebody may; returns how many lines.

    Raises NotPermitted, Unknown, WrongState, TermsRefused.
    """
    importing = open_import(actor, import_id)
    if reason not in ACCEPTABLE:
        raise TermsRefused("nobody can take this as it is: set it right, or turn it away")
    waiting = importing.lines.filter(reasons__contains=[reason]).exclude(
        accepted__contains=[reason]
    )
    lines = waiting.update(
        accepted=Func(F("accepted"), Value(reason), function="array_append"),
        state=LineStanding.UNREAD,
    )
    want(importing)
    record_settled(actor, Settling.ACCEPTED, lines)
    return lines


@transaction.atomic
def drop_lines(*, actor: Account, import_id: UUID, reason: str = "") -> int:
    """Turn away for good what waits for ``reason``, or all that waits; returns how many lines.

    Raises NotPermitted, Unknown, WrongState.
    """
    importing = lock(ReleaseImport.objects.all(), open_import(actor, import_id).pk)
    waiting = importing.lines.filter(state=LineStanding.WAITING)
    if reason:
        waiting = waiting.filter(reasons__contains=[reason])
    claims = {claim for some in waiting.values_list("claims", flat=True) for claim in some}
    dropped, _ = waiting.delete()
    for others in importing.lines.filter(claims__overlap=list(claims)).values_list("claims"):
        claims.difference_update(*others)
    importing.scans.filter(short_index__in=list(claims)).update(trouble=UNWANTED)
    importing.dropped_count += dropped
    importing.save(update_fields=["dropped_count"])
    # Others may stand alone now that said the same.
    importing.lines.filter(state=LineStanding.WAITING).update(state=LineStanding.UNREAD)
    want(importing)
    _record_dropped(kinds.RELEASES_DROPPED, actor, importing, dropped)
    return dropped


@transaction.atomic
def take_releases(*, actor: Account, import_id: UUID) -> ReleaseImport:
    """Let a worker take in all that is good. Raises NotPermitted, Unknown, WrongState."""
    importing = open_import(actor, import_id)
    require(actor, "consent.register_subject")
    require(actor, "consent.give_grant")
    want(importing)
    ReleaseErrand.objects.filter(pk=importing.pk).update(taker=actor)
    return importing


@transaction.atomic
def close_releases(*, actor: Account, import_id: UUID) -> ReleaseImport:
    """Close an import: a worker destroys what still waits, with the key that it lies under.

    Raises NotPermitted, Unknown, WrongState.
    """
    return _close(actor, open_import(actor, import_id).pk)


def sweep_releases() -> int:
    """Close what was brought too long ago; returns how many imports."""
    late = ReleaseImport.objects.filter(
        state=ReleaseState.OPEN, received_at__lt=database_now() - KEPT_FOR
    )
    ids = list(late.values_list("pk", flat=True))
    for pk in ids:
        _close(None, pk)
    return len(ids)


@transaction.atomic
def _close(actor: Account | None, import_id: UUID) -> ReleaseImport:
    importing = lock(ReleaseImport.objects.all(), import_id)
    if importing.state == ReleaseState.OPEN:
        dropped = importing.lines.count()
        importing.state, importing.closed_at = ReleaseState.CLOSED, database_now()
        importing.dropped_count += dropped
        importing.save(update_fields=["state", "closed_at", "dropped_count"])
        want(importing)
        _record_dropped(kinds.RELEASES_CLOSED, actor, importing, dropped)
    return importing


def _record_dropped(
    kind: Kind, actor: Account | None, importing: ReleaseImport, dropped: int
) -> None:
    segments = [Unsealed("import", rows=(importing,)), *([by(actor)] if actor else [])]
    append(kind=kind, facts=ReleasesDropped(lines=dropped), segments=segments)


def _notice(actor: Account, notice_id: UUID | None) -> Notice:
    """Return the notice, locked: the same table may come twice at once."""
    found = notice_id or find_paper_only(actor=actor).pk
    return get(Notice.objects.select_for_update(no_key=True), found)


def check_columns(names: Sequence[str], said: Said) -> None:
    """Raise DescriptionRefused where hardly a column means anything: is it a header at all?

    What stands in a header is kept as nobody's, so that a line of data must not pass for one.
    """
    read = override(guess(names), said.mapping)
    known = [one for one in read.values() if one not in {Meaning.UNKNOWN, Meaning.IGNORED}]
    if len(known) < _LEAST_KNOWN:
        raise DescriptionRefused(
            "hardly a column is known by its name: is the first line a header? call its columns "
            "name, signed, uses, scan and so on"
        )


def check_said(said: Said) -> None:
    """Raise TermsRefused for what cannot be meant of a whole table."""
    for what in ("uses", "media", "territories"):
        if strange := set(getattr(said, what)) - CODES[what]:
            raise TermsRefused(f"{len(strange)} {what} are none that we know")
    for word, codes in said.words.items():
        what = word.partition(":")[0]
        if what not in CODES or not set(codes) <= CODES[what]:
            raise TermsRefused("a word is said to mean what we do not know")
    if said.basis not in set(Basis) or said.remedy not in set(Remedy):
        raise TermsRefused("legal basis or remedy is none that we know")
    if said.basis == Basis.LEGITIMATE_INTEREST:
        raise TermsRefused("a signed release stands for consent or a contract")
    if said.term and isinstance(read_term(said.term, database_now().date()), Unclear):
        raise TermsRefused(f"term is none: say {sorted(UNLIMITED)[-1]}, 5 years, or a date")
    if said.region and (len(said.region) != 2 or said.region not in CODES["territories"]):
        raise TermsRefused("country of phone numbers is none, wanted two letters (ISO 3166)")
