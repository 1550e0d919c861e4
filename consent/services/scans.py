"""Search everybody: open what each person is known by, on the record, and compare.

What keyed indexes cannot find, such as a slip in the only name that we have, is found here. The
answer says what was compared, with how many people and when: an empty one is an answer too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import QuerySet

from consent import kinds
from consent.errors import TermsRefused
from consent.identity import IdentifierKind, likeness
from consent.kinds import ScanDone
from consent.models import Account, Identifier, Scan, ScanErrand, ScanMatch, ScanState, Subject
from consent.moment import database_now
from consent.services.authority import by, lock, require
from consent.services.identities import Known
from ledger import vault
from ledger.canonical import JSON, canonical
from ledger.kinds import NoFacts
from ledger.models import Retention
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, Unsealed, append, disclose, open_scope

# One access record holds at most 256 segments: the reader's and one for each person.
AT_ONCE = 250
MOST_TERMS, MOST_MATCHES, MAX_WHY = 20, 200, 1_000
LEAST_LIKENESS = 85
LEASE = timedelta(minutes=10)

Terms = Sequence[tuple[IdentifierKind, str]]


@dataclass
class Tally:
    """How far a search is: who was compared, and how similar the similar ones are."""

    people: int = 0
    identifiers: int = 0
    unreadable: int = 0
    found: dict[UUID, tuple[int, str]] = field(default_factory=dict)

    def note(self, subject: UUID, percent: int, kind: str) -> None:
        """Keep the closest likeness of a person."""
        if percent >= LEAST_LIKENESS and percent > self.found.get(subject, (0, ""))[0]:
            self.found[subject] = percent, kind


@transaction.atomic
def scan_subjects(
    *, actor: Account, terms: Sequence[Known], reason: DisclosureReason, why: str
) -> Scan:
    """Order a search of everybody for what is similar to ``terms``; the worker carries it out.

    Every name that it opens is recorded as read by ``actor``. Raises NotPermitted, TermsRefused.
    """
    require(actor, "consent.scan_subject")
    if not 0 < len(terms) <= MOST_TERMS:
        raise TermsRefused(f"search has {len(terms)} terms, wanted 1 to {MOST_TERMS}")
    if not 0 < len(why.strip()) <= len(why) <= MAX_WHY:
        raise TermsRefused(f"reason has {len(why)} characters, wanted 1 to {MAX_WHY}")
    said: list[JSON] = [[known.kind.value, known.tidy()] for known in terms]
    compared = {one for known in terms for one in _compared(known.kind)}
    scan = Scan(
        scope=open_scope(Retention.REQUEST),
        ordered_by=actor,
        reason=reason.value,
        kinds=sorted(one.value for one in compared),
        least=LEAST_LIKENESS,
        ordered_at=database_now(),
    )
    keys = vault.keys(scan.scope_ids())
    scan.why = keys.seal(scan, "why", why.encode())
    scan.terms = keys.seal(scan, "terms", canonical(said))
    scan.save(force_insert=True)
    ScanErrand.objects.create(scan=scan, due_at=scan.ordered_at)
    segments = [Unsealed("scan", scan.scope_ids(), {}, (scan,)), by(actor)]
    append(kind=kinds.SCAN_ORDERED, facts=NoFacts(), segments=segments)
    return scan


def lease_scan(scan_id: UUID) -> ScanErrand | None:
    """Take the errand of a search for a while; None when there is none or somebody is at it."""
    return ScanErrand.objects.select_related("scan__ordered_by").lease(scan_id, LEASE)


def carry_out_scan(errand: ScanErrand) -> Scan:
    """Compare everybody who was here when the search was ordered; no transaction may be open.

    Safe to repeat: one that was cut off begins anew, and what it opened stays on the record.
    """
    scan = errand.scan
    terms = read_terms(vault.keys(scan.scope_ids()).open(scan, "terms"))
    everybody = Subject.objects.filter(registered_at__lte=scan.ordered_at)
    total = everybody.count()
    tally = Tally()
    for subjects in _batches(everybody.order_by("pk")):
        _compare(scan, terms, subjects, tally)
        seen = tally.people + tally.unreadable
        ScanErrand.objects.renew(errand.pk, LEASE, seen=seen, total=total)
    return _finish(scan, tally)


def read_terms(stored: bytes) -> Terms:
    """Return what was sought, as it was stored."""
    return [(IdentifierKind(kind), value) for kind, value in orjson.loads(stored)]


def _compared(kind: IdentifierKind) -> list[IdentifierKind]:
    return [one for one in IdentifierKind if one.family == kind.family]


def _batches(everybody: QuerySet[Subject]) -> Iterator[Sequence[UUID]]:
    rest = everybody
    while batch := list(rest.values_list("pk", flat=True)[:AT_ONCE]):
        yield batch
        rest = everybody.filter(pk__gt=batch[-1])


def _compare(scan: Scan, terms: Terms, subjects: Sequence[UUID], tally: Tally) -> None:
    """Open what these people are or were known by, on the record, and hold it to the terms."""
    held = list(Identifier.objects.legible().filter(subject__in=subjects, kind__in=scan.kinds))
    opened = disclose(
        reader=scan.ordered_by.scope_id,
        reason=DisclosureReason(scan.reason),
        wanted=[Disclosure(one, ("value",)) for one in held],
    )
    readable = {one.subject_id for one in held if one.pk in opened}
    lost = {one.subject_id for one in held} - readable
    tally.people += len(subjects) - len(lost)
    tally.unreadable += len(lost)
    tally.identifiers += len(opened)
    for one in held:
        if one.pk in opened:
            _hold_to(terms, one, opened[one.pk], tally)


def _hold_to(terms: Terms, one: Identifier, opened: Mapping[str, bytes], tally: Tally) -> None:
    kind, value = IdentifierKind(one.kind), opened["value"].decode()
    for sought, term in terms:
        if sought.family == kind.family:
            tally.note(one.subject_id, int(100 * likeness(kind, term, value)), kind.value)


@transaction.atomic
def _finish(scan: Scan, tally: Tally) -> Scan:
    """Write the answer down. Who was erased meanwhile is no longer in it."""
    scan = lock(Scan.objects.all(), scan.pk)
    if scan.state == ScanState.DONE:
        return scan
    there = (
        Subject.objects.select_for_update(of=("self",)).order_by("pk").in_bulk(list(tally.found))
    )
    closest = sorted(there, key=lambda pk: (-tally.found[pk][0], pk))[:MOST_MATCHES]
    matches = [
        ScanMatch(
            scan=scan, subject=there[pk], likeness=tally.found[pk][0], kind=tally.found[pk][1]
        )
        for pk in closest
    ]
    ScanMatch.objects.bulk_create(matches)
    scan.state, scan.done_at = ScanState.DONE, database_now()
    scan.people, scan.identifiers = tally.people, tally.identifiers
    scan.unreadable, scan.matched = tally.unreadable, len(there)
    scan.save()
    ScanErrand.objects.filter(pk=scan.pk).delete()
    people = [Unsealed("subject", match.scope_ids(), {}, (match,)) for match in matches]
    segments = [Unsealed("scan", scan.scope_ids(), {}, (scan,)), *people]
    append(kind=kinds.SCAN_DONE, facts=ScanDone(people=scan.people), segments=segments)
    return scan
