"""Data sets: open one, and freeze a version of it from a described folder."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from consent import kinds, profiles
from consent.decision import Outcome
from consent.decisions import decide_uses
from consent.errors import AlreadyKnown, NothingToFreeze, PictureRefused, TermsRefused
from consent.formats import folder as croissant
from consent.intake import Admitted, Fault, Found, Refused, judge
from consent.kinds import Part, VersionFrozen
from consent.members import commit, seal_opening, version_digest
from consent.models import (
    Dataset,
    DatasetVersion,
    Depiction,
    Description,
    Item,
    Project,
    Quarantined,
    Subject,
)
from consent.moment import database_now
from consent.pictures import inspect
from consent.services.authority import Actor, by, get, lock, require
from consent.services.projects import check_code
from consent.uses import Use
from ledger import vault
from ledger.commitment import fresh_randomness
from ledger.kinds import NoFacts
from ledger.models import HOUSE_SCOPE, Recorded
from ledger.services import Unsealed, append, store_file

# A record holds 256 segments, those of the actor and the house among them.
GROUPS_PER_RECORD = 250


class Source(Protocol):
    """Where a version comes from: a description, and the files that it names."""

    def description(self) -> bytes: ...

    def read(self, name: str) -> bytes: ...

    def pictures(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Frozen:
    """A version and what became of each file; ``repeated`` when it had been frozen before."""

    version: DatasetVersion
    refused: tuple[Refused, ...]
    repeated: bool = False


@transaction.atomic
def open_dataset(*, actor: Actor, project_id: UUID, code: str) -> Dataset:
    """Open a data set in a project. Raises NotPermitted, Unknown, TermsRefused, AlreadyKnown."""
    project = get(Project.objects.all(), project_id)
    require(actor, "consent.open_dataset", project)
    check_code(code)
    if Dataset.objects.filter(project=project, code=code).exists():
        raise AlreadyKnown("the project has a data set of this code")
    dataset = Dataset(project=project, code=code)
    dataset.save(force_insert=True)
    append(
        kind=kinds.DATASET_OPENED,
        facts=NoFacts(),
        segments=[Unsealed("dataset", dataset.scope_ids(), {}, (dataset,)), by(actor)],
    )
    return dataset


@transaction.atomic
def freeze_version(
    *,
    actor: Actor,
    dataset_id: UUID,
    source: Source,
    uses: Sequence[Use] = (Use.TRAIN,),
    profile: str = profiles.DEFAULT,
) -> Frozen:
    """Freeze the next version of a data set from ``source``; what is wrong is quarantined.

    The people in a picture must have consented to ``uses`` at this moment. The same description
    with the same files gives the version that was frozen from it before. Files are sealed one
    by one, so memory holds one picture at a time. Raises NotPermitted, Unknown, TermsRefused,
    DescriptionRefused, and NothingToFreeze when no file is admitted.
    """
    dataset = lock(Dataset.objects.select_related("project"), dataset_id)
    require(actor, "consent.freeze_version", dataset)
    if not uses:
        raise TermsRefused("uses are empty, wanted at least one")
    original = source.description()
    admitted, refused = _sort(source, croissant.read(original), uses, profile)
    if not admitted:
        raise NothingToFreeze(f"none of {len(refused)} files can be admitted", refused)
    index = _source_index(original, admitted, refused, uses)
    if known := DatasetVersion.objects.filter(dataset=dataset, source=index).first():
        return Frozen(known, tuple(refused), repeated=True)
    version, items = _insert(dataset, admitted, source, index, uses, profile)
    description = _insert_description(version, original, items)
    quarantined = [
        Quarantined(version=version, ordinal=r.ordinal, reason=r.fault.value) for r in refused
    ]
    Quarantined.objects.bulk_create(quarantined)
    _append_version(actor, version, description, items, quarantined)
    return Frozen(version, tuple(refused))


def _sort(
    source: Source, description: croissant.Description, uses: Sequence[Use], profile: str
) -> tuple[list[Admitted], list[Refused]]:
    """Judge every file that is described or lies there."""
    people = _find_people({name for file in description.files for name in file.depicts})
    consenting = {
        person
        for person in set(people.values())
        if decide_uses([person], uses, profile=profile).outcome is Outcome.ALLOWED
    }
    admitted: list[Admitted] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for ordinal, file in enumerate(description.files, 1):
        found = _look(source, file.path)
        verdict = judge(
            ordinal=ordinal,
            described=file,
            found=found,
            people=people,
            consenting=consenting,
            seen=seen,
        )
        if isinstance(verdict, Admitted):
            seen.add(verdict.member.digest)
            admitted.append(verdict)
        else:
            refused.append(verdict)
    refused += _undescribed(source, description)
    return admitted, refused


def _undescribed(source: Source, description: croissant.Description) -> list[Refused]:
    described = {file.path for file in description.files}
    extra = [name for name in source.pictures() if name not in described]
    first = len(description.files) + 1
    return [Refused(n, name, Fault.UNDESCRIBED) for n, name in enumerate(extra, first)]


def _find_people(names: set[str]) -> dict[str, UUID]:
    """Return the ids of those whom a description names by handle or by id."""
    handles = Subject.objects.filter(handle__in=names).values_list("handle", "pk")
    by_id = {name: UUID(name) for name in names if _is_uuid(name)}
    known = set(Subject.objects.filter(pk__in=by_id.values()).values_list("pk", flat=True))
    return dict(handles) | {name: pk for name, pk in by_id.items() if pk in known}


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _look(source: Source, path: str) -> Found | Fault:
    try:
        content = source.read(path)
        return Found(hashlib.sha256(content).hexdigest(), inspect(content))
    except PictureRefused:
        return Fault.PICTURE_REFUSED
    except FileNotFoundError:
        return Fault.FILE_MISSING
    except (OSError, ValueError):
        return Fault.PATH_REFUSED


def _source_index(
    original: bytes,
    admitted: Sequence[Admitted],
    refused: Sequence[Refused],
    uses: Sequence[Use],
) -> bytes:
    """Return a blind index of all that the version follows from."""
    parts = [
        hashlib.sha256(original).hexdigest(),
        *sorted(use.value for use in uses),
        *(file.member.digest for file in admitted),
        *(f"{file.ordinal} {file.fault.value}" for file in refused),
    ]
    return vault.blind_index("version.source", "\n".join(parts))


def _insert(
    dataset: Dataset,
    admitted: Sequence[Admitted],
    source: Source,
    index: bytes,
    uses: Sequence[Use],
    profile: str,
) -> tuple[DatasetVersion, list[tuple[Item, list[Depiction]]]]:
    newest = dataset.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = DatasetVersion(
        dataset=dataset,
        number=newest + 1,
        uses=sorted(use.value for use in uses),
        profile=profile,
        source=index,
        frozen_at=database_now(),
    )
    scopes = dict(Subject.objects.filter(pk__in=_depicted(admitted)).values_list("pk", "scope_id"))
    sealer = vault.keys({HOUSE_SCOPE, *scopes.values()})
    # The version's own row comes first, so its commitments are computed before anything is sealed.
    salted = [(file, fresh_randomness()) for file in admitted]
    version.commitments = sorted(commit(file.member, salt) for file, salt in salted)
    version.digest = version_digest(version.commitments)
    version.save(force_insert=True)
    items = [_insert_item(version, file, salt, source, scopes, sealer) for file, salt in salted]
    return version, items


def _insert_item(
    version: DatasetVersion,
    file: Admitted,
    salt: bytes,
    source: Source,
    scopes: dict[UUID, UUID],
    sealer: vault.Keys,
) -> tuple[Item, list[Depiction]]:
    content = source.read(file.path)
    if hashlib.sha256(content).hexdigest() != file.member.digest:
        raise PictureRefused("a file changed while the version was being frozen")
    owners = sorted({scopes[person] for person in file.member.depicts}) or [HOUSE_SCOPE]
    item = Item(
        version=version,
        commitment=commit(file.member, salt),
        fingerprint=vault.blind_index("item.digest", file.member.digest),
        scopes=owners,
        licence=file.member.licence,
        legal_basis=file.member.legal_basis.value,
        media_type=file.picture.media_type,
        width=file.picture.width,
        height=file.picture.height,
    )
    item.opening = sealer.seal(item, "opening", seal_opening(file.member, salt))
    item.file = store_file(owners, content)
    item.save(force_insert=True)
    depictions = [Depiction(item=item, subject_id=person) for person in file.member.depicts]
    Depiction.objects.bulk_create(depictions)
    return item, depictions


def _insert_description(
    version: DatasetVersion, original: bytes, items: Sequence[tuple[Item, list[Depiction]]]
) -> Description:
    people = {scope for item, _ in items for scope in item.scopes} - {HOUSE_SCOPE}
    owners = sorted(people) or [HOUSE_SCOPE]
    description = Description(version=version, file=store_file(owners, original), scopes=owners)
    description.save(force_insert=True)
    return description


def _append_version(
    actor: Actor,
    version: DatasetVersion,
    description: Description,
    items: Sequence[tuple[Item, list[Depiction]]],
    quarantined: Sequence[Quarantined],
) -> None:
    groups: dict[tuple[UUID, ...], list[Recorded]] = {(HOUSE_SCOPE,): [version, *quarantined]}
    groups.setdefault(description.scope_ids(), []).append(description)
    for item, depictions in items:
        groups.setdefault(item.scope_ids(), []).extend([item, *depictions])
    segments = [
        Unsealed("house" if scopes == (HOUSE_SCOPE,) else "subject", scopes, {}, tuple(rows))
        for scopes, rows in groups.items()
    ]
    parts = [
        segments[start : start + GROUPS_PER_RECORD]
        for start in range(0, len(segments), GROUPS_PER_RECORD)
    ]
    facts = VersionFrozen(
        digest=f"sha256:{version.digest.hex()}", items=len(items), quarantined=len(quarantined)
    )
    append(kind=kinds.VERSION_FROZEN, facts=facts, segments=[*parts[0], by(actor)])
    for number, part in enumerate(parts[1:], 2):
        append(
            kind=kinds.VERSION_CONTINUED,
            facts=Part(part=number, parts=len(parts)),
            segments=part,
        )


def _depicted(admitted: Sequence[Admitted]) -> set[UUID]:
    return {person for file in admitted for person in file.member.depicts}
