"""Taking in what others say of data: received, read in a worker chunk by chunk, kept unchanged.

```
 receive ──▶ Intake (received), its bytes sealed ──▶ read_intake, a transaction for each chunk
                                                       judge ─▶ items of the draft version
                                                             └▶ quarantined, with all reasons
                                                     at the end the bytes lie under the keys of
                                                     all people named ──▶ Intake (read)
```
"""

import gc
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import IO, BinaryIO
from uuid import UUID

from django.db import connection, transaction

from consent import kinds
from consent.errors import DescriptionRefused, WrongState
from consent.formats.described import DescribedItems, Reading
from consent.importers.readings import open_reading
from consent.intake import judge_stated
from consent.models import (
    Intake,
    IntakeState,
)
from consent.models import Reading as Errand
from consent.moment import database_now
from consent.services.admission import admit, find_scopes, quarantine
from consent.services.arrivals import (
    Arrival,
    Hashing,
    begin,
    facts_of,
    find_same,
    fingerprint,
    lock_draft,
    record_received,
    remark,
    remark_reading,
    remarks,
)
from consent.services.authority import Actor, get, lock
from consent.services.batches import find_known, record_batch
from consent.services.entities import keep_lineage, segments_of
from consent.services.errands import keeping
from consent.uses import Form, Use
from ledger.kinds import Kind
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.services import (
    Unsealed,
    append,
    append_large,
    discard,
    forget_file,
    lock_scopes,
    open_stream,
    write_stream,
)

# Items of one transaction: some seconds at most, and some ten megabytes.
CHUNK = 5_000
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 3
Tell = Callable[[int], None]


def _silently(_count: int) -> None:
    """Tell nobody."""


def take_in(*, actor: Actor, arrival: Arrival, content: BinaryIO, tell: Tell = _silently) -> Intake:
    """Take in a seekable file at once, without a worker; its bytes are sealed at the end.

    Raises NotPermitted, Unknown, WrongState when the version is no draft.
    """
    hashing = Hashing(content)
    while hashing.read(1 << 20):
        pass
    content.seek(0)
    mark = fingerprint(arrival, hashing.digest.hexdigest())
    with transaction.atomic():
        intake = begin(actor, arrival)
        intake.fingerprint = mark
        known = find_same(intake)
        if known is None:
            record_received(actor, intake)
    # One that was cut off goes on.
    return read_intake((known or intake).pk, content=content, tell=tell)


def lease_reading(intake_id: UUID) -> Errand | None:
    """Take the reading of an intake for a while; None when there is none or somebody is at it."""
    return Errand.objects.select_related("intake").lease(intake_id, LEASE)


def read_leased(errand: Errand) -> Intake:
    """Read the intake of a leased errand; one that ends its reader again and again is refused.

    One that was read names somebody new since: its bytes go under that person's key too.
    """
    if errand.intake.state == IntakeState.READ:
        return reseal(errand.pk)
    if errand.intake.file is None:
        return refuse(errand.pk, "somebody in it was erased meanwhile: bring it without them")
    if errand.attempts > MOST_ATTEMPTS:
        return refuse(
            errand.pk, f"reading it was cut off {MOST_ATTEMPTS} times: it ends its reader"
        )
    return read_intake(errand.pk)


def read_intake(
    intake_id: UUID, *, content: BinaryIO | None = None, tell: Tell = _silently
) -> Intake:
    """Read an intake to its end; no transaction may be open. Goes on where it was cut off.

    ``content`` is what came, where it was not sealed on arrival: then it is sealed at the end.
    ``tell`` hears how many items have been judged. What cannot be read is told by the intake's
    state and remarks, not raised.
    """
    intake = start(intake_id)
    if intake.state != IntakeState.READING:
        return intake
    try:
        with content or _open(intake) as stream:
            reading = open_reading(Form(intake.form), stream, remarks(intake).mapping)
            with uncollected():
                for chunk in reading.blocks(CHUNK):
                    if fresh := chunk.behind(intake.read_to):
                        take(intake_id, fresh)
                        tell(fresh.column("ordinal")[-1])
            return finish(intake_id, reading, stream)
    except DescriptionRefused as error:
        return refuse(intake_id, str(error))
    except MemoryError:
        return refuse(intake_id, "the file unpacks to more than a reader may hold")


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave out searches for cycles: reading makes few, and each search walks all there is."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@transaction.atomic
def take(intake_id: UUID, chunk: DescribedItems) -> None:
    """Judge the next items of an intake, let them in or keep them for repair, on the record."""
    intake = get(Intake.objects.all(), intake_id)
    assert intake.version is not None
    _let_commit_return_early()
    version = lock_draft(intake.version)
    intake = lock(Intake.objects.all(), intake_id)
    fresh = chunk.behind(intake.read_to)
    if not fresh or intake.state != IntakeState.READING:
        return
    Errand.objects.renew(intake_id, LEASE)
    known = find_known(list(map(Use, version.uses)), version.profile, fresh, intake)
    admitted, refused = judge_stated(fresh, known)
    batch = admit(version, intake, admitted)
    waiting = quarantine(intake, refused + batch.refused, dict(known.people))
    intake.read_to = fresh.column("ordinal")[-1]
    name_people(intake, known.people.values())
    record_batch(intake, batch, waiting, known.observed.values())


def _let_commit_return_early() -> None:
    """Let the transaction be committed before it is on disk.

    A crash may take it back whole, with ``read_to``: then its chunk is read again. Whoever saw it
    keeps it: the next commit that waits for the disk, here that of ``finish``, waits for it too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def name_people(intake: Intake, people: Iterable[UUID]) -> bool:
    """Note whom an intake names, so that their erasure ends its bytes; return whether any is new.

    Raises ScopeGone for somebody who is being erased.
    """
    scopes = set(find_scopes(people).values()) - set(intake.named)
    lock_scopes(scopes)
    intake.named = sorted({*intake.named, *scopes})
    return bool(scopes)


def finish(intake_id: UUID, reading: Reading, content: IO[bytes]) -> Intake:
    """Close an intake: its bytes go under the keys of all people it names, its doubts are kept."""

    def settle(sealed: SealedFile | None, intake: Intake) -> Intake:
        before = intake.file
        if _may_keep(intake):
            said = remarks(intake)
            _put_under(intake, sealed)
            remark_reading(intake, reading, said)
        entities, ties = keep_lineage(intake, reading)
        return close(intake, IntakeState.READ, kinds.INTAKE_READ, before, [*entities, *ties])

    return _seal_anew(intake_id, IntakeState.READING, content, settle)


def reseal(intake_id: UUID) -> Intake:
    """Put the bytes of an intake that was read under the keys of all it names by now."""

    def settle(sealed: SealedFile | None, intake: Intake) -> Intake:
        if (before := intake.file) is not None and _may_keep(intake):
            said = remarks(intake)
            _put_under(intake, sealed)
            remark(intake, said)
            intake.save(update_fields=["file", "scopes", "remarks"])
            append(kind=kinds.INTAKE_RESEALED, facts=facts_of(intake), segments=[_segment(intake)])
            _forget(before, unless=intake)
        Errand.objects.filter(pk=intake_id).delete()
        return intake

    intake = get(Intake.objects.all(), intake_id)
    with _open(intake) if intake.file else io.BytesIO() as content:
        return _seal_anew(intake_id, IntakeState.READ, content, settle)


def _seal_anew(
    intake_id: UUID,
    state: IntakeState,
    content: IO[bytes],
    settle: Callable[[SealedFile | None, Intake], Intake],
) -> Intake:
    """Seal ``content`` for all whom an intake names, and let ``settle`` take it over.

    However large it is, no transaction waits for it; where somebody else was named meanwhile, it
    is sealed again. ``settle`` gets None where the intake's file is sealed for them already, and
    where nothing is to be kept. An intake that is no longer in ``state`` is left as it is.
    """
    while True:
        intake = get(Intake.objects.all(), intake_id)
        owners = _owners(intake)
        sealed = None
        if _may_keep(intake) and (intake.file is None or owners != intake.scopes):
            content.seek(0)
            sealed = write_stream(owners, content)
        # After an error the bytes are left to the sweep: whether it was committed is not known.
        settled = _settle(intake_id, state, owners, partial(settle, sealed))
        if sealed and (settled is None or settled.file_id != sealed.pk):
            discard(sealed)
        if settled:
            return settled


@transaction.atomic
def _settle(
    intake_id: UUID, state: IntakeState, owners: list[UUID], settle: Callable[[Intake], Intake]
) -> Intake | None:
    """Return the settled intake; None where it names others by now than ``owners``."""
    intake = lock(Intake.objects.all(), intake_id)
    if intake.state != state:
        return intake
    if _may_keep(intake) and owners != _owners(intake):
        return None
    return settle(intake)


def _may_keep(intake: Intake) -> bool:
    # Without remarks somebody in it was erased meanwhile.
    return bool(intake.remarks)


def _owners(intake: Intake) -> list[UUID]:
    return sorted(intake.named) or [HOUSE_SCOPE]


def _put_under(intake: Intake, sealed: SealedFile | None) -> None:
    if sealed is not None:
        sealed.save(force_insert=True)
        intake.file = sealed
    intake.scopes = _owners(intake)


@transaction.atomic
def refuse(intake_id: UUID, why: str) -> Intake:
    """Close an intake that cannot be read; its bytes are not kept."""
    intake = start(intake_id)
    if intake.state != IntakeState.READING:
        return intake
    before, intake.file = intake.file, None
    remark(intake, replace(remarks(intake), trouble=why))
    return close(intake, IntakeState.UNREADABLE, kinds.INTAKE_REFUSED, before)


@transaction.atomic
def start(intake_id: UUID) -> Intake:
    """Return an intake, locked, that is being read from now on unless it was read before."""
    intake = lock(Intake.objects.all(), intake_id)
    if intake.state == IntakeState.RECEIVED:
        intake.state = IntakeState.READING
        intake.save(update_fields=["state"])
        append(kind=kinds.INTAKE_BEGUN, facts=facts_of(intake), segments=[_segment(intake)])
    return intake


def close(
    intake: Intake,
    state: IntakeState,
    kind: Kind,
    before: SealedFile | None,
    told: Sequence[Recorded] = (),
) -> Intake:
    """Close an intake, on the record; ``before`` is its file that another took the place of."""
    intake.state, intake.read_at = state, database_now()
    intake.save(update_fields=["state", "read_at", "file", "scopes", "named", "remarks"])
    Errand.objects.filter(pk=intake.pk).delete()
    append_large(kind=kind, facts=facts_of(intake), segments=[_segment(intake), *segments_of(told)])
    if before is not None:
        _forget(before, unless=intake)
    return intake


def _forget(file: SealedFile, *, unless: Intake) -> None:
    if file.pk != unless.file_id:
        forget_file(file)


def _open(intake: Intake) -> BinaryIO:
    """Open what came; whoever reads it at length stays the one who does."""
    keep = keeping(lambda: Errand.objects.renew(intake.pk, LEASE), LEASE)
    return open_stream(kept_file(intake), on_piece=keep)


def kept_file(intake: Intake) -> SealedFile:
    if intake.file is None:
        raise WrongState("what came is not kept, so it cannot be read")
    return intake.file


def _segment(intake: Intake) -> Unsealed:
    return Unsealed("intake", intake.scope_ids(), {}, (intake,))
