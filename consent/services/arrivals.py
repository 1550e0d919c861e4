"""What others bring: where it may go, its bytes sealed as they come, and what is noted of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import IO
from uuid import UUID

import orjson
from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.formats.described import Reading
from consent.kinds import IntakeReceived
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
from consent.services.authority import Actor, by, get, lock, require
from consent.uses import Form
from ledger import vault
from ledger.models import HOUSE_SCOPE, SealedFile
from ledger.services import Unsealed, append, discard, write_stream

_WITH_ITEMS = frozenset({Form.CROISSANT, Form.MANIFEST})


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
    """What is noted of an intake: what somebody said of columns, what all of them were taken for,
    what is doubtful in the whole (code, place, what stands there), the format's version, the
    digest, and why it cannot be read."""

    mapping: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
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
    if known := find_same(intake):
        return known
    file.save(force_insert=True)
    intake.file = file
    record_received(actor, intake)
    Errand.objects.create(intake=intake, due_at=database_now())
    return intake


def begin(actor: Actor, arrival: Arrival, *, permission: str = "consent.freeze_version") -> Intake:
    """Return an intake that is not stored yet, for where ``arrival`` may go.

    Raises NotPermitted, Unknown, WrongState when its version is no draft.
    """
    version = None
    if arrival.version_id is not None:
        version = get_draft(actor, arrival.version_id, permission)
        project = version.dataset.project
    else:
        assert arrival.project_id is not None
        require(actor, permission, get(Project.objects.all(), arrival.project_id))
        # One after the other in a project: the same bytes may come twice at once.
        project = get(Project.objects.select_for_update(no_key=True), arrival.project_id)
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


def find_same(intake: Intake) -> Intake | None:
    """Return the same bytes for the same place that came before, unless they were unreadable."""
    same = Intake.objects.filter(project=intake.project, fingerprint=intake.fingerprint)
    return same.exclude(state=IntakeState.UNREADABLE).first()


def record_received(actor: Actor, intake: Intake, *rows: Source) -> None:
    """Store an intake, and record that it came."""
    intake.save(force_insert=True)
    append(
        kind=kinds.INTAKE_RECEIVED,
        facts=facts_of(intake),
        segments=[Unsealed("intake", intake.scope_ids(), {}, (intake, *rows)), by(actor)],
    )


def get_draft(
    actor: Actor, version_id: UUID, permission: str = "consent.freeze_version"
) -> DatasetVersion:
    """Return a draft that ``actor`` may change, locked until the transaction ends.

    Whoever may not waits for nobody, and learns nothing of it. Raises NotPermitted, Unknown,
    WrongState.
    """
    version = get(DatasetVersion.objects.select_related("dataset__project"), version_id)
    require(actor, permission, version)
    return lock_draft(version)


def lock_draft(version: DatasetVersion) -> DatasetVersion:
    """Return the version, locked until the transaction ends. Raises WrongState unless a draft."""
    version = lock(DatasetVersion.objects.select_related("dataset__project"), version.pk)
    if version.state != VersionState.DRAFT:
        raise WrongState(f"the version is {version.get_state_display()}, wanted a draft")
    return version


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
    read = replace(said, doubts=doubts, format_version=version, digest=digest)
    remark(intake, replace(read, columns=dict(reading.columns)))


def facts_of(intake: Intake) -> IntakeReceived:
    return IntakeReceived(form=Form(intake.form))
