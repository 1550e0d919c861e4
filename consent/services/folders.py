"""Taking in a folder of pictures with its Croissant description: one act, one transaction."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db import transaction

from consent import profiles
from consent.errors import AlreadyKnown, NothingToFreeze, PictureRefused
from consent.formats import folder as croissant
from consent.formats.described import DescribedItem, DescribedItems, Reading
from consent.intake import Admitted, AdmittedItems, Fault, Found, Refused, judge
from consent.models import Dataset, DatasetVersion, Intake, IntakeState, VersionState
from consent.pictures import inspect
from consent.services.admission import admit, find_people, quarantine
from consent.services.arrivals import Arrival, begin, get_draft, record_received
from consent.services.authority import Actor, get, require
from consent.services.batches import find_known, record_batch
from consent.services.datasets import check_purpose, open_version
from consent.services.intakes import finish, name_people
from consent.uses import Form, Use
from ledger import vault


class Files(Protocol):
    """Where a version comes from: a description, and the files that it names."""

    def description(self) -> bytes: ...

    def read(self, name: str) -> bytes: ...

    def pictures(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Taken:
    """The version that a folder came into, and what was turned away; ``repeated`` when it had
    come before."""

    version: DatasetVersion
    refused: tuple[Refused, ...]
    repeated: bool = False


@dataclass(frozen=True)
class Brought:
    """What came into a draft from a folder, and what of it waits for repair."""

    intake: Intake
    refused: tuple[Refused, ...]


@transaction.atomic
def take_folder(
    *,
    actor: Actor,
    dataset_id: UUID,
    source: Files,
    uses: Sequence[Use] = (Use.TRAIN,),
    profile: str = profiles.DEFAULT,
) -> Taken:
    """Open the next version of a data set and take a described folder into it, to be vetted and
    frozen; what is wrong is quarantined.

    The people in a picture must have consented to ``uses`` at this moment. The same description
    with the same files gives the version that it came into before, unless that was given up. Files
    are sealed one by one, so memory holds one picture at a time. Raises NotPermitted, Unknown,
    TermsRefused, DescriptionRefused, and NothingToFreeze when no file is admitted.
    """
    dataset = get(Dataset.objects.select_related("project"), dataset_id)
    require(actor, "consent.freeze_version", dataset)
    check_purpose(uses, profile)
    original = source.description()
    reading = croissant.read_folder(original)
    verdicts = _judge(source, reading, uses, profile)
    refused = [one for one in verdicts if isinstance(one, Refused)]
    if len(refused) == len(verdicts):
        raise NothingToFreeze(f"none of {len(refused)} files can be admitted", refused)
    into = str(dataset.pk)
    while True:
        mark = _fingerprint(into, original, verdicts, uses, profile)
        known = Intake.objects.filter(project=dataset.project, fingerprint=mark).first()
        if known is None:
            break
        assert known.version is not None
        if known.version.state != VersionState.ABANDONED:
            return Taken(known.version, tuple(refused), repeated=True)
        into = f"{into} {known.version_id}"
    version = open_version(actor=actor, dataset_id=dataset_id, uses=uses, profile=profile)
    return Taken(version, _take_in(actor, version, source, reading, verdicts, mark, original))


@transaction.atomic
def bring_folder(*, actor: Actor, version_id: UUID, source: Files) -> Brought:
    """Take a described folder into a draft, pictures and all, to be vetted and frozen later.

    Raises NotPermitted, Unknown, WrongState when it is no draft, AlreadyKnown when just this came
    into it before, DescriptionRefused, and NothingToFreeze when no file is admitted.
    """
    version = get_draft(actor, version_id)
    original = source.description()
    reading = croissant.read_folder(original)
    uses = [Use(use) for use in version.uses]
    verdicts = _judge(source, reading, uses, version.profile)
    if not any(isinstance(one, Admitted) for one in verdicts):
        raise NothingToFreeze(f"none of {len(verdicts)} files can be admitted", verdicts)
    mark = _fingerprint(str(version.pk), original, verdicts, uses, version.profile)
    if Intake.objects.filter(project=version.dataset.project, fingerprint=mark).exists():
        raise AlreadyKnown("this folder came into the version before")
    refused = _take_in(actor, version, source, reading, verdicts, mark, original)
    return Brought(version.intakes.get(fingerprint=mark), refused)


def _take_in(
    actor: Actor,
    version: DatasetVersion,
    source: Files,
    reading: Reading,
    verdicts: Sequence[Admitted | Refused],
    mark: bytes,
    original: bytes,
) -> tuple[Refused, ...]:
    """Let in what was admitted, keep the rest for repair, and close the intake."""
    admitted = [one for one in verdicts if isinstance(one, Admitted)]
    turned_away = [one for one in verdicts if isinstance(one, Refused)]
    intake = begin(actor, Arrival(Form.FOLDER, version_id=version.pk))
    intake.fingerprint, intake.state = mark, IntakeState.READING
    record_received(actor, intake)
    entering = AdmittedItems.of(admitted)
    batch = admit(version, intake, entering, lambda item: source.read(item.location))
    refused = sorted([*turned_away, *batch.refused], key=lambda one: one.ordinal)
    people = find_people({name for item in reading.items for name in item.depicts})
    intake.read_to = max(one.item.ordinal for one in verdicts)
    name_people(intake, people.values())
    record_batch(intake, batch, quarantine(intake, refused, people))
    finish(intake.pk, reading, io.BytesIO(original))
    return tuple(refused)


def _judge(
    source: Files, reading: Reading, uses: Sequence[Use], profile: str
) -> list[Admitted | Refused]:
    """Judge every file that is described or lies there."""
    items = DescribedItems.of(list(reading.items))
    known = find_known(uses, profile, items)
    verdicts = [judge(item, known, _look(source, item.location)) for item in items]
    described = {item.location for item in items}
    extra = (name for name in source.pictures() if name not in described)
    return verdicts + [
        Refused(DescribedItem(ordinal, name), (Fault.UNDESCRIBED.value,))
        for ordinal, name in enumerate(extra, len(items) + 1)
    ]


def _look(source: Files, path: str) -> Found | Fault:
    try:
        content = source.read(path)
        return Found(hashlib.sha256(content).hexdigest(), inspect(content))
    except PictureRefused:
        return Fault.PICTURE_REFUSED
    except FileNotFoundError:
        return Fault.FILE_MISSING
    except (OSError, ValueError):
        return Fault.PATH_REFUSED


def _fingerprint(
    into: str,
    original: bytes,
    verdicts: Sequence[Admitted | Refused],
    uses: Sequence[Use],
    profile: str,
) -> bytes:
    """Return a blind index of all that the version follows from."""
    parts = [
        into,
        hashlib.sha256(original).hexdigest(),
        profile,
        *sorted(use.value for use in uses),
        *(
            one.member.digest if isinstance(one, Admitted) else " ".join(one.reasons)
            for one in verdicts
        ),
    ]
    return vault.blind_index("intake", "\n".join(parts))
