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
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import IO, BinaryIO
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F

from consent import kinds
from consent.decisions import find_consenting
from consent.errors import DescriptionRefused, TermsRefused, WrongState
from consent.formats.described import DescribedItem, Reading
from consent.importers.readings import open_reading
from consent.intake import Admitted, Known, Refused, judge
from consent.kinds import IntakeReceived, ItemsAdmitted
from consent.models import (
    DatasetVersion,
    Intake,
    IntakeState,
    Project,
    Source,
    VersionState,
)
from consent.models import Reading as Errand
from consent.moment import database_now
from consent.services.admission import Batch, admit, find_people, quarantine
from consent.services.authority import Actor, by, get, lock, require
from consent.services.entities import keep_lineage, segments_of
from consent.uses import Form, Use
from ledger import vault
from ledger.kinds import Kind
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.services import (
    Unsealed,
    append,
    append_large,
    discard,
    open_stream,
    store_stream,
    write_stream,
)
from ledger.services.files import delete_files

# Items of one transaction: some seconds at most, and some ten megabytes.
CHUNK = 5_000
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 3
_WITH_ITEMS = frozenset({Form.CROISSANT, Form.MANIFEST})
Tell = Callable[[int], None]


def _silently(_count: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Arrival:
    """What somebody brings: its format, where it is to go, and what its columns mean."""

    form: Form
    version_id: UUID | None = None
    project_id: UUID | None = None
    source_id: UUID | None = None
    mapping: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Remarks:
    """What is noted of an intake: how columns were mapped, what is doubtful in the whole (code,
    place, what stands there), the format's version, the digest, and why it cannot be read."""

    mapping: dict[str, str] = field(default_factory=dict)
    doubts: tuple[tuple[str, str, str], ...] = ()
    format_version: str = ""
    digest: str = ""
    trouble: str = ""


NOTHING = Remarks()


class Hashing:
    """A stream that is hashed on its way."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read as of the stream beneath."""
        some = self._content.read(size)
        self.digest.update(some)
        return some


def receive(*, actor: Actor, arrival: Arrival, content: IO[bytes]) -> tuple[Intake, bool]:
    """Seal what came and queue it for reading; the same bytes for the same place come once.

    Returns the intake, and whether it had come before. No transaction is open while ``content``
    is read. Raises NotPermitted, Unknown, WrongState when the version is no draft any more,
    TermsRefused when items have nowhere to go.
    """
    if arrival.form in _WITH_ITEMS and arrival.version_id is None:
        raise TermsRefused(f"{arrival.form.words} brings items: say into which draft they go")
    with transaction.atomic():
        begin(actor, arrival)
    hashing = Hashing(content)
    file = write_stream((HOUSE_SCOPE,), hashing)  # type: ignore[arg-type]
    try:
        intake = _receive(actor, arrival, file, hashing.digest.hexdigest())
    except BaseException:
        discard(file)
        raise
    if intake.file_id != file.pk:
        discard(file)
    return intake, intake.file_id != file.pk


@transaction.atomic
def _receive(actor: Actor, arrival: Arrival, file: SealedFile, digest: str) -> Intake:
    intake = begin(actor, arrival)
    intake.fingerprint = fingerprint(arrival, digest)
    same = Intake.objects.filter(project=intake.project, fingerprint=intake.fingerprint)
    if known := same.first():
        return known
    file.save(force_insert=True)
    intake.file = file
    record_received(actor, intake)
    Errand.objects.create(intake=intake, due_at=database_now())
    return intake


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
        if known := Intake.objects.filter(project=intake.project, fingerprint=mark).first():
            return known
        record_received(actor, intake)
    return read_intake(intake.pk, content=content, tell=tell)


def begin(actor: Actor, arrival: Arrival, *, permission: str = "consent.freeze_version") -> Intake:
    """Return an intake that is not stored yet, for where ``arrival`` may go.

    Raises NotPermitted, Unknown, WrongState when its version is no draft.
    """
    version = None
    if arrival.version_id is not None:
        versions = DatasetVersion.objects.select_related("dataset__project")
        version = lock_draft(get(versions, arrival.version_id))
        project = version.dataset.project
    else:
        assert arrival.project_id is not None
        project = get(Project.objects.all(), arrival.project_id)
    require(actor, permission, project)
    source = arrival.source_id and get(project.sources.all(), arrival.source_id)
    intake = Intake(
        project=project,
        version=version,
        source=source or None,
        form=arrival.form.value,
        scopes=[HOUSE_SCOPE],
        received_at=database_now(),
    )
    remark(intake, Remarks(mapping=dict(arrival.mapping or {})))
    return intake


def fingerprint(arrival: Arrival, digest: str) -> bytes:
    """Return the blind index by which the same bytes for the same place are known again."""
    place = arrival.version_id or arrival.project_id
    mapping = orjson.dumps(dict(arrival.mapping or {}), option=orjson.OPT_SORT_KEYS).decode()
    return vault.blind_index("intake", f"{arrival.form}\n{digest}\n{place}\n{mapping}")


def record_received(actor: Actor, intake: Intake, *rows: Source) -> None:
    """Store an intake, and record that it came."""
    intake.save(force_insert=True)
    append(
        kind=kinds.INTAKE_RECEIVED,
        facts=_facts(intake),
        segments=[Unsealed("intake", intake.scope_ids(), {}, (intake, *rows)), by(actor)],
    )


def lock_draft(version: DatasetVersion) -> DatasetVersion:
    """Return the version, locked until the transaction ends. Raises WrongState unless a draft."""
    version = lock(DatasetVersion.objects.select_related("dataset__project"), version.pk)
    if version.state != VersionState.DRAFT:
        raise WrongState(f"the version is {version.get_state_display()}, wanted a draft")
    return version


def lease_reading(intake_id: UUID) -> Errand | None:
    """Take the reading of an intake for a while; None when there is none or somebody is at it."""
    now = database_now()
    due = Errand.objects.filter(pk=intake_id, due_at__lte=now)
    if not due.update(due_at=now + LEASE, attempts=F("attempts") + 1):
        return None
    return Errand.objects.get(pk=intake_id)


def read_leased(errand: Errand) -> Intake:
    """Read the intake of a leased errand; one that ends its reader again and again is refused."""
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
    intake = _start(intake_id)
    if intake.state != IntakeState.READING:
        return intake
    try:
        with content or open_stream(_file(intake)) as stream:
            reading = open_reading(Form(intake.form), stream, remarks(intake).mapping)
            for chunk in chunks(reading, intake.read_to):
                with uncollected():
                    take(intake_id, chunk)
                tell(chunk[-1].ordinal)
            return finish(intake_id, reading, stream)
    except DescriptionRefused as error:
        return refuse(intake_id, str(error))
    except MemoryError:
        return refuse(intake_id, "the file unpacks to more than a reader may hold")


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave out searches for cycles: a chunk makes none, and each search walks all there is."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def chunks(reading: Reading, read_to: int) -> Iterator[Sequence[DescribedItem]]:
    """Yield the items behind ``read_to``, so many at a time."""
    rest = (item for item in reading.items if item.ordinal > read_to)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


@transaction.atomic
def take(intake_id: UUID, chunk: Sequence[DescribedItem]) -> None:
    """Judge the next items of an intake, let them in or keep them for repair, on the record."""
    intake = get(Intake.objects.all(), intake_id)
    assert intake.version is not None
    version = lock_draft(intake.version)
    intake = lock(Intake.objects.all(), intake_id)
    fresh = [item for item in chunk if item.ordinal > intake.read_to]
    if not fresh or intake.state != IntakeState.READING:
        return
    Errand.objects.filter(pk=intake_id).update(due_at=database_now() + LEASE)
    known = find_known(list(map(Use, version.uses)), version.profile, fresh)
    verdicts = [judge(item, known) for item in fresh]
    batch = admit(version, intake, [one for one in verdicts if isinstance(one, Admitted)])
    refused = [one for one in verdicts if isinstance(one, Refused)] + batch.refused
    waiting = quarantine(intake, refused, dict(known.people))
    intake.read_to = fresh[-1].ordinal
    record_batch(intake, batch, waiting)


def find_known(
    uses: Sequence[Use],
    profile: str,
    items: Iterable[DescribedItem],
    accepted: frozenset[str] = frozenset(),
) -> Known:
    """Return who is named in ``items``, and whose consent covers ``uses`` now."""
    people = find_people({name for item in items for name in item.depicts})
    consenting = find_consenting(people.values(), uses, profile=profile) if people else ()
    return Known(people, consenting, accepted)


def record_batch(intake: Intake, batch: Batch, waiting: int) -> None:
    """Count a batch in its intake, and record both."""
    intake.item_count += batch.items
    intake.house_count += batch.house
    intake.save(update_fields=["read_to", "item_count", "house_count"])
    append_large(
        kind=kinds.ITEMS_ADMITTED,
        facts=ItemsAdmitted(items=batch.items, quarantined=waiting),
        segments=[Unsealed("intake", intake.scope_ids(), {}, (intake,)), *batch.segments()],
    )


@transaction.atomic
def finish(intake_id: UUID, reading: Reading, content: IO[bytes]) -> Intake:
    """Close an intake: its bytes go under the keys of all people it names, its doubts are kept."""
    intake = lock(Intake.objects.all(), intake_id)
    if intake.state != IntakeState.READING:
        return intake
    before = intake.file
    said = remarks(intake)
    owners = _people_in(intake) or [HOUSE_SCOPE]
    if before is None or list(owners) != list(intake.scopes):
        content.seek(0)
        intake.file = store_stream(owners, content)
    intake.scopes = list(owners)
    remark_reading(intake, reading, said)
    entities, ties = keep_lineage(intake, reading)
    return _close(intake, IntakeState.READ, kinds.INTAKE_READ, before, [*entities, *ties])


@transaction.atomic
def refuse(intake_id: UUID, why: str) -> Intake:
    """Close an intake that cannot be read; its bytes are not kept."""
    intake = _start(intake_id)
    if intake.state != IntakeState.READING:
        return intake
    before, intake.file = intake.file, None
    remark(intake, replace(remarks(intake), trouble=why))
    return _close(intake, IntakeState.UNREADABLE, kinds.INTAKE_REFUSED, before)


def remarks(intake: Intake) -> Remarks:
    """Return what is noted of an intake; for services, and for what ``disclose`` lets through."""
    if not intake.remarks:
        return NOTHING  # they went with a person whom they may name
    return Remarks(**orjson.loads(vault.keys(intake.scopes).open(intake, "remarks")))


def remark(intake: Intake, said: Remarks) -> None:
    """Seal what is noted of an intake under its scopes."""
    keys = vault.keys(intake.scopes)
    intake.remarks = keys.seal(intake, "remarks", orjson.dumps(said))


def remark_reading(intake: Intake, reading: Reading, said: Remarks = NOTHING) -> None:
    """Note what a reading says of the whole, besides what was noted before."""
    doubts = tuple((one.code.value, one.place, one.met) for one in reading.doubts)
    version, digest = reading.form_version, reading.digest
    remark(intake, replace(said, doubts=doubts, format_version=version, digest=digest))


@transaction.atomic
def _start(intake_id: UUID) -> Intake:
    intake = lock(Intake.objects.all(), intake_id)
    if intake.state == IntakeState.RECEIVED:
        intake.state = IntakeState.READING
        intake.save(update_fields=["state"])
        append(kind=kinds.INTAKE_BEGUN, facts=_facts(intake), segments=[_segment(intake)])
    return intake


def _close(
    intake: Intake,
    state: IntakeState,
    kind: Kind,
    before: SealedFile | None,
    told: Sequence[Recorded] = (),
) -> Intake:
    intake.state, intake.read_at = state, database_now()
    intake.save(update_fields=["state", "read_at", "file", "scopes", "remarks"])
    Errand.objects.filter(pk=intake.pk).delete()
    append_large(kind=kind, facts=_facts(intake), segments=[_segment(intake), *segments_of(told)])
    if before is not None and before.pk != intake.file_id:
        # Behind the commit: until then the bytes may still be wanted.
        transaction.on_commit(partial(delete_files, [before]))
    return intake


def _people_in(intake: Intake) -> list[UUID]:
    """Return the scopes of everybody named in an intake whom we know, in order."""
    items = intake.items.filter(people__gt=0)
    groups = {tuple(row) for row in items.values_list("scopes", flat=True).iterator()}
    groups |= {tuple(row) for row in intake.quarantined.values_list("scopes", flat=True).iterator()}
    return sorted({scope for group in groups for scope in group} - {HOUSE_SCOPE})


def _file(intake: Intake) -> SealedFile:
    if intake.file is None:
        raise WrongState("what came is not kept, so it cannot be read")
    return intake.file


def _segment(intake: Intake) -> Unsealed:
    return Unsealed("intake", intake.scope_ids(), {}, (intake,))


def _facts(intake: Intake) -> IntakeReceived:
    return IntakeReceived(form=Form(intake.form))
