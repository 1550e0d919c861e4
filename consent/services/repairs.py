"""Setting right what was kept out of a draft: many items at once, or dropped for good."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.formats import repair_table
from consent.formats.described import DescribedItems
from consent.intake import (
    ACCEPTABLE,
    Admitted,
    AdmittedItems,
    Refused,
    judge,
    sentence,
)
from consent.kinds import IntakeRepaired
from consent.licences import is_known
from consent.models import Account, Intake, IntakeState, Quarantined, Reading, Subject
from consent.moment import database_now
from consent.repair import Repair, load, mend
from consent.services.admission import Batch, admit, quarantine
from consent.services.arrivals import lock_draft
from consent.services.authority import Actor, by, get, lock, require
from consent.services.batches import find_known, signals_of
from consent.services.datasets import set_aside
from consent.services.intakes import name_people
from consent.services.viewing import open_sealed
from consent.signals.weighing import Weighing
from consent.uses import Aside, LegalBasis, Use
from ledger import vault
from ledger.record_kinds import DisclosureReason
from ledger.services import Unsealed, append_large

# Items that one act sets right; whoever has more does it again for the rest.
AT_ONCE = 20_000
_CHUNK = 2_000
# A record holds 256 segments, one for each group of people.
_OPENED = 200


@dataclass(frozen=True)
class Repaired:
    """How many items were let in, and how many still wait."""

    items: int
    waiting: int


def repair(*, actor: Actor, intake_id: UUID, reason: str, said: Repair) -> Repaired:
    """Set right what waits for ``reason``, and let in what nothing stands against any more.

    Up to AT_ONCE items; each chunk commits by itself and may be repeated. With an empty ``said``
    they are only judged again, as after a consent that came later. Raises NotPermitted, Unknown,
    TermsRefused for what cannot settle it, WrongState when the version is no draft any more.
    """
    _check(reason, said)
    admitted, after = 0, -1
    for _ in range(AT_ONCE // _CHUNK):
        items, after = _repair_chunk(actor, intake_id, reason, said, after)
        admitted += items
        if after < 0:
            break
    waiting = Quarantined.objects.filter(intake=intake_id, reasons__contains=[reason]).count()
    return Repaired(admitted, waiting)


@transaction.atomic
def drop(*, actor: Actor, intake_id: UUID, reason: str = "") -> int:
    """Turn away for good what waits for ``reason``, or all; returns how many.

    Raises NotPermitted, Unknown, WrongState while it is still being read.
    """
    intake = get(Intake.objects.select_related("project"), intake_id)
    require(actor, "consent.freeze_version", intake.project)
    intake = lock(Intake.objects.all(), intake_id)
    if intake.state in {IntakeState.RECEIVED, IntakeState.READING}:
        raise WrongState("it is still being read: wait until it is read")
    waiting = intake.quarantined.all()
    if reason:
        waiting = waiting.filter(reasons__contains=[reason])
    dropped, _ = waiting.delete()
    if intake.state == IntakeState.UNREADABLE and intake.version is not None:
        # What came in before it broke off.
        set_aside(lock_draft(intake.version), intake.items.all(), Aside.REMOVED)
    _record(actor, intake, Batch(), dropped)
    return dropped


def write_errors(*, reader: Account, intake_id: UUID) -> Iterator[bytes]:
    """Yield what waits for repair as CSV, a line for each item, which ``manifest`` reads again.

    Each chunk is on the record before it is opened. Raises NotPermitted, Unknown.
    """
    intake = get(Intake.objects.select_related("project"), intake_id)
    require(reader, "consent.freeze_version", intake.project)
    return _lines(reader, intake)


def _check(reason: str, said: Repair) -> None:
    if said.licence and not is_known(said.licence):
        raise TermsRefused("licence is none that we know: give its SPDX identifier")
    if said.legal_basis and said.legal_basis not in set(LegalBasis):
        raise TermsRefused(f"legal basis must be one of {', '.join(LegalBasis)}")
    if said.accepted and (said.accepted != {reason} or reason not in ACCEPTABLE):
        raise TermsRefused("nobody can take this as it is: set it right, or drop it")


@transaction.atomic
def _repair_chunk(
    actor: Actor, intake_id: UUID, reason: str, said: Repair, after: int
) -> tuple[int, int]:
    """Repair the next items behind the ordinal ``after``; -1 when there are no more."""
    intake = get(Intake.objects.select_related("version", "project"), intake_id)
    require(actor, "consent.freeze_version", intake.project)
    if intake.version is None:
        raise WrongState("nothing of this goes into a version")
    version = lock_draft(intake.version)
    intake = lock(Intake.objects.all(), intake_id)
    rows = list(
        intake.quarantined.filter(reasons__contains=[reason], ordinal__gt=after)
        .select_for_update()
        .order_by("ordinal")[:_CHUNK]
    )
    if not rows:
        return 0, -1
    keys = vault.keys_there({scope for row in rows for scope in row.scopes})
    there = {row.ordinal: row for row in rows if row.scope_ids() in keys}
    stated = [load(keys.open(row, "stated")) for row in there.values()]
    answered = [before | said.accepted for _, before in stated]
    items = [mend(item, said) for item, _ in stated]
    _know(said)
    known = find_known(
        list(map(Use, version.uses)), version.profile, DescribedItems.of(items), intake
    )
    verdicts = [
        judge(item, known, accepted=accepted)
        for item, accepted in zip(items, answered, strict=True)
    ]
    admitted = [one for one in verdicts if isinstance(one, Admitted)]
    batch = admit(version, intake, AdmittedItems.of(admitted))
    refused = {one.ordinal: one for one in verdicts if isinstance(one, Refused)}
    refused |= {one.ordinal: one for one in batch.refused}
    let_in = [row.pk for ordinal, row in there.items() if ordinal not in refused]
    Quarantined.objects.filter(pk__in=let_in).delete()
    accepted = dict(zip(there, answered, strict=True))
    again = [(one, accepted[ordinal]) for ordinal, one in refused.items()]
    _keep(intake, there, again, known.people)
    if name_people(intake, known.people.values()):
        # Its bytes name somebody new: a worker seals them anew.
        Reading.objects.get_or_create(intake=intake, defaults={"due_at": database_now()})
    intake.item_count += batch.items
    intake.house_count += batch.house
    _record(actor, intake, batch, 0, known.observed.values())
    return batch.items, rows[-1].ordinal


def _keep(
    intake: Intake,
    rows: Mapping[int, Quarantined],
    again: Sequence[tuple[Refused, frozenset[str]]],
    people: Mapping[str, UUID],
) -> None:
    """Keep what still waits, as it was set right, under the keys of those whom it names now."""
    Quarantined.objects.filter(pk__in=[rows[one.ordinal].pk for one, _ in again]).delete()
    quarantine(intake, [one for one, _ in again], people, dict(_accepted(again)))


def _accepted(again: Sequence[tuple[Refused, frozenset[str]]]) -> Iterator[tuple[int, list[str]]]:
    return ((one.ordinal, sorted(accepted)) for one, accepted in again)


def _know(said: Repair) -> None:
    named = {person for person in (said.people or {}).values() if person is not None}
    if Subject.objects.filter(pk__in=named).count() != len(named):
        raise TermsRefused("somebody who is named is not registered")


def _record(
    actor: Actor, intake: Intake, batch: Batch, dropped: int, weighed: Iterable[Weighing] = ()
) -> None:
    intake.dropped_count += dropped
    intake.save(update_fields=["item_count", "house_count", "dropped_count", "named"])
    append_large(
        kind=kinds.INTAKE_REPAIRED,
        facts=IntakeRepaired(items=batch.items, dropped=dropped),
        segments=[
            Unsealed("intake", intake.scope_ids(), {}, (intake,)),
            by(actor),
            *signals_of(weighed),
            *batch.segments(),
        ],
    )


def _lines(reader: Account, intake: Intake) -> Iterator[bytes]:
    yield repair_table.write_header()
    rows = intake.quarantined.order_by("ordinal").iterator(chunk_size=_OPENED)
    while some := list(islice(rows, _OPENED)):
        reason = DisclosureReason.CASEWORK
        for row, said in open_sealed(reader=reader, reason=reason, column="stated", rows=some):
            words = [sentence(reason) for reason in row.reasons]
            yield repair_table.write_item(load(said)[0], row.reasons, words)
