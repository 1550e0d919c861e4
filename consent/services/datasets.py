"""Data sets: open one, put a version together, and freeze it for good."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet

from consent import kinds, profiles
from consent.decisions import find_consenting
from consent.errors import (
    AlreadyKnown,
    NothingToFreeze,
    SignalUnreadable,
    TermsRefused,
    WrongState,
)
from consent.kinds import ItemsSetAside, VersionFrozen
from consent.members import PAGE, Page, digest_of, page_of, split
from consent.models import (
    Dataset,
    DatasetVersion,
    Depiction,
    Derivation,
    IntakeState,
    Item,
    Project,
    Source,
    VersionPage,
    VersionState,
)
from consent.moment import database_now
from consent.services.arrivals import get_draft
from consent.services.authority import Actor, by, get, lock, require
from consent.services.projects import check_code
from consent.signals.places import check_url
from consent.uses import Aside, Descent, Provenance, Use
from ledger import binary, vault
from ledger.commitment import COMMITMENT_SIZE
from ledger.kinds import NoFacts
from ledger.models import HOUSE_SCOPE, Recorded
from ledger.services import Unsealed, append, append_large

_MEMBERS = "version_id = %s AND aside = ''"
_HOUSE = f"{_MEMBERS} AND people = 0"
# Each part is of fixed length, so that no two places read alike one behind the other.
_PLACE = (
    "commitment || uuid_send(id) || uuid_send(intake_id) || int4send(ordinal)"
    f" || coalesce(uuid_send(file_id), '\\x{bytes(16).hex()}')"
)
_PLACES_LABEL = b"muniment/house-items/v1\0"
_PAGES = {"version_id": "uuid", "ordinal": "int4", "commitments": "bytea", "root": "bytea"}
_AT_ONCE = 50
_SET_ASIDE = 1_000
_ROWS_OF_SEGMENT = 200


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
def open_source(
    *, actor: Actor, project_id: UUID, code: str, provenance: Provenance, address: str = ""
) -> Source:
    """Name a place that items come from.

    Raises NotPermitted, Unknown, TermsRefused, AlreadyKnown.
    """
    project = get(Project.objects.all(), project_id)
    require(actor, "consent.open_dataset", project)
    check_code(code)
    if address:
        try:
            check_url(address)
        except SignalUnreadable as error:
            raise TermsRefused("address is no web address, as https://host/path") from error
    if project.sources.filter(code=code).exists():
        raise AlreadyKnown("the project has a source of this code")
    source = Source(
        project=project, code=code, provenance=provenance.value, opened_at=database_now()
    )
    source.address = vault.keys([HOUSE_SCOPE]).seal(source, "address", address.encode())
    source.save(force_insert=True)
    append(
        kind=kinds.SOURCE_OPENED,
        facts=NoFacts(),
        segments=[Unsealed("source", source.scope_ids(), {}, (source,)), by(actor)],
    )
    return source


@transaction.atomic
def open_version(
    *,
    actor: Actor,
    dataset_id: UUID,
    uses: Sequence[Use] = (Use.TRAIN,),
    profile: str = profiles.DEFAULT,
    origins: Collection[UUID] = (),
    descent: Descent = Descent.SUCCESSOR,
) -> DatasetVersion:
    """Begin the next version of a data set, a draft that items can come into.

    ``origins`` are versions that it is made from. Raises NotPermitted, Unknown, TermsRefused,
    ProfileRefused.
    """
    dataset = lock(Dataset.objects.select_related("project"), dataset_id)
    require(actor, "consent.freeze_version", dataset)
    check_purpose(uses, profile)
    newest = dataset.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = DatasetVersion(
        dataset=dataset,
        number=newest + 1,
        uses=sorted(use.value for use in uses),
        profile=profile,
        opened_at=database_now(),
    )
    version.save(force_insert=True)
    derived = [
        Derivation(version=version, origin=_origin(actor, origin), descent=descent.value)
        for origin in dict.fromkeys(origins)
    ]
    Derivation.objects.bulk_create(derived)
    append(
        kind=kinds.VERSION_OPENED,
        facts=NoFacts(),
        segments=[Unsealed("version", (HOUSE_SCOPE,), {}, (version, *derived)), by(actor)],
    )
    return version


@transaction.atomic
def abandon_version(*, actor: Actor, version_id: UUID) -> DatasetVersion:
    """Give a draft up; what came into it stays known. Raises NotPermitted, Unknown, WrongState."""
    version = get_draft(actor, version_id)
    version.state = VersionState.ABANDONED
    version.save(update_fields=["state"])
    append(
        kind=kinds.VERSION_ABANDONED,
        facts=NoFacts(),
        segments=[Unsealed("version", (HOUSE_SCOPE,), {}, (version,)), by(actor)],
    )
    return version


def seal_version(actor: Actor, version: DatasetVersion, *, vetted: bool) -> DatasetVersion:
    """Write the pages and the roots of a locked draft, and record its digest.

    ``vetted`` is what the gate said. Raises NothingToFreeze when no item is left.
    """
    bound = _bind(_kept(version, _runs(version, _MEMBERS)))
    if bound.root is None:
        raise NothingToFreeze("no item of the version is left to be frozen")
    version.digest, version.member_count = bound.root, bound.count
    house = bind_house(version) if bound.shows_people else bound
    version.house_root, version.house_count = house.root, house.count
    version.house_places = house.places
    version.state, version.frozen_at = VersionState.FROZEN, database_now()
    version.vetted = vetted
    version.save(
        update_fields=[
            *("digest", "member_count", "house_root", "house_count", "state", "frozen_at"),
            *("vetted", "house_places"),
        ]
    )
    waiting = sum(intake.quarantined.count() for intake in version.intakes.all())
    append(
        kind=kinds.VERSION_FROZEN,
        facts=VersionFrozen(
            digest=f"sha256:{version.digest.hex()}",
            items=bound.count,
            quarantined=waiting,
            vetted=vetted,
        ),
        segments=[Unsealed("house", (HOUSE_SCOPE,), {}, (version,)), by(actor)],
    )
    return version


@dataclass(frozen=True)
class Bound:
    """What binds members: the root over them, None where there is none, how many they are, and
    the digest over their places, imports and files, which their commitments do not open to."""

    root: bytes | None
    count: int
    places: bytes
    shows_people: bool


def bind_house(version: DatasetVersion) -> Bound:
    """Return what binds the members of a version that show nobody."""
    return _bind(_runs(version, _HOUSE))


class _Run(NamedTuple):
    """The next page of members in the order of their commitments, with the digest over places."""

    page: Page
    places: bytes
    shows_people: bool


def _runs(version: DatasetVersion, condition: str) -> Iterator[_Run]:
    # The condition is a constant of this module. PostgreSQL hashes: a page of members is a row.
    query = f"""
        SELECT string_agg(commitment, ''::bytea ORDER BY commitment),
            sha256(string_agg(place, ''::bytea ORDER BY commitment)), bool_or(people > 0)
        FROM (
            SELECT commitment, people, {_PLACE} AS place,
                (row_number() OVER (ORDER BY commitment) - 1) / {PAGE} AS page
            FROM consent_item WHERE {condition}
        ) AS placed GROUP BY page ORDER BY page"""  # noqa: S608
    for commitments, places, shows_people in binary.stream(query, [version.pk], chunk=_AT_ONCE):
        yield _Run(page_of(split(commitments)), places, shows_people)


def _bind(runs: Iterable[_Run]) -> Bound:
    roots, count, places, shows_people = [], 0, sha256(_PLACES_LABEL), False
    for page, digest, is_of_people in runs:
        roots.append(page.root)
        count += len(page.commitments) // COMMITMENT_SIZE
        places.update(digest)
        shows_people |= is_of_people
    return Bound(digest_of(roots) if roots else None, count, places.digest(), shows_people)


def _kept(version: DatasetVersion, runs: Iterable[_Run]) -> Iterator[_Run]:
    """Store the pages of ``runs`` as a version's on their way, some at once."""
    numbered = enumerate(runs)
    while some := list(islice(numbered, _AT_ONCE)):
        binary.copy_in(
            VersionPage._meta.db_table,
            _PAGES,
            ((version.pk, ordinal, run.page.commitments, run.page.root) for ordinal, run in some),
        )
        yield from (run for _, run in some)


def set_aside(
    version: DatasetVersion, items: QuerySet[Item], reason: Aside, why: Sequence[Unsealed] = ()
) -> int:
    """Take items of a locked draft out of its members, on the record; return how many.

    Page by page, with a record each: memory holds no more than that. ``why`` says more of the
    reason in segments of the first.
    """
    count = 0
    chosen = items.filter(version=version, aside="").order_by("pk")
    while page := list(chosen[:_SET_ASIDE]):
        _set_aside(version, page, reason, why if not count else ())
        count += len(page)
        chosen = chosen.filter(pk__gt=page[-1].pk)
    return count


def _set_aside(
    version: DatasetVersion, page: Sequence[Item], reason: Aside, why: Sequence[Unsealed]
) -> None:
    Item.objects.filter(pk__in=[item.pk for item in page]).update(aside=reason.value)
    groups: dict[tuple[UUID, ...], list[Recorded]] = {}
    for item in page:
        if item.people:
            groups.setdefault(item.scope_ids(), []).append(item)
    append_large(
        kind=kinds.ITEMS_SET_ASIDE,
        facts=ItemsSetAside(items=len(page), reason=reason),
        segments=[
            Unsealed("house", (HOUSE_SCOPE,), {"version": str(version.pk)}),
            *why,
            *(
                Unsealed("subject", scopes, {}, tuple(rows[at : at + _ROWS_OF_SEGMENT]))
                for scopes, rows in groups.items()
                for at in range(0, len(rows), _ROWS_OF_SEGMENT)
            ),
        ],
    )


def set_aside_unconsented(version: DatasetVersion) -> int:
    """Set aside what shows somebody whose consent does not cover the version's uses now."""
    depicted = Depiction.objects.filter(item__version=version, item__aside="", item__people__gt=0)
    people = set(depicted.values_list("subject_id", flat=True).distinct())
    uses = [Use(use) for use in version.uses]
    consenting = find_consenting(people, uses, profile=version.profile)
    missing = people - consenting
    if not missing:
        return 0
    theirs = depicted.filter(subject__in=missing).values("item")
    return set_aside(version, Item.objects.filter(pk__in=theirs), Aside.CONSENT_MISSING)


def check_purpose(uses: Sequence[Use], profile: str) -> None:
    """Raise TermsRefused when a version would be for nothing, ProfileRefused for unknown rules."""
    if not uses:
        raise TermsRefused("uses are empty, wanted at least one")
    profiles.load(profile)


def check_read(version: DatasetVersion) -> None:
    """Raise WrongState while something is on its way into the version, or was cut off."""
    going_on = [IntakeState.RECEIVED, IntakeState.READING]
    if version.intakes.filter(state__in=going_on).exists():
        raise WrongState("something is still being read into the version: wait until it is read")
    # Asked apart: no index leads from an import to its items.
    broken = list(version.intakes.filter(state=IntakeState.UNREADABLE))
    if Item.objects.filter(intake__in=broken, aside="").exists():
        raise WrongState("something broke off while it was read into the version: drop it first")


def _origin(actor: Actor, origin_id: UUID) -> DatasetVersion:
    origin = get(DatasetVersion.objects.select_related("dataset"), origin_id)
    require(actor, "consent.view_datasetversion", origin)
    if origin.state != VersionState.FROZEN:
        raise WrongState("a version is made from frozen ones only")
    return origin
