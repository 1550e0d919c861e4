"""Reader: whether the items that no record of their own binds are those that a version froze.

Of a frozen version, the members that show nobody are bound by ``house_root`` and counted by
``house_count``, both in the version's recorded row; what is said of each in columns must be what
its commitment opens to. ``house_places`` binds the place, import and file of each. A draft's are
counted by its intakes, and each is held to what it was committed to as.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from consent.members import commit_opening, digest_of, paginate, read_opening, split
from consent.models import DatasetVersion, Intake, VersionState
from consent.services.admission import FINGERPRINT, shown
from consent.services.datasets import bind_house
from ledger import binary, vault
from ledger.bindings import Asked, binds
from ledger.errors import CanonicalError, SealBroken
from ledger.models import HOUSE_SCOPE
from ledger.sealing import column_place

Finding = tuple[str, str]

_HOUSE = (HOUSE_SCOPE,)
_PLACE = column_place("consent_item", "opening")
_COLUMNS = (
    "id, commitment, opening, fingerprint, scopes, licence, legal_basis, media_type, width, height"
)
_MEMBERS = (
    f"SELECT {_COLUMNS} FROM consent_item WHERE version_id = %s AND people = 0 AND aside = ''"  # noqa: S608
)
_BROUGHT = (
    f"SELECT {_COLUMNS} FROM consent_item WHERE version_id = %s AND intake_id = %s AND people = 0"  # noqa: S608
)


def of_all(_table: str, _pk: UUID) -> bool:
    """Ask about every row."""
    return True


@binds
def check_versions(is_asked: Asked = of_all) -> Iterator[Finding]:
    """Yield what is wrong with the items and pages of the versions and imports asked about."""
    for version in DatasetVersion.objects.filter(state=VersionState.FROZEN).order_by("pk"):
        if is_asked(version._meta.db_table, version.pk):
            yield from _check_frozen(version)
    intakes = Intake.objects.exclude(version=None).select_related("version").order_by("pk")
    for intake in intakes.iterator():
        if is_asked(intake._meta.db_table, intake.pk):
            yield from _check_brought(intake)


def _check_brought(intake: Intake) -> Iterator[Finding]:
    """Count what an import brought; in what is no frozen version hold each item to its opening."""
    assert intake.version is not None
    there = intake.items.filter(people=0, version=intake.version).count()
    if there != intake.house_count:
        said = f"intake {intake.pk} brought {intake.house_count} items without people"
        yield "items_missing", f"{said}, {there} are there"
    if intake.version.state != VersionState.FROZEN:
        yield from _contradicted(_BROUGHT, [intake.version_id, intake.pk])


def _check_frozen(version: DatasetVersion) -> Iterator[Finding]:
    pages = list(version.pages.order_by("ordinal").values_list("root", flat=True))
    committed = (
        commitment
        for page in version.pages.order_by("ordinal").iterator(chunk_size=16)
        for commitment in split(page.commitments)
    )
    roots = [page.root for page in paginate(committed)]
    if roots != pages or not roots or digest_of(roots) != version.digest:
        yield "version_changed", f"the pages of version {version.pk} do not give its digest"
    yield from _contradicted(_MEMBERS, [version.pk])
    house = bind_house(version)
    if house.root != version.house_root:
        yield "items_changed", f"the items of version {version.pk} do not give the root of them"
    elif house.places != version.house_places:
        yield "items_moved", f"items of version {version.pk} have another place, import or file"


def _contradicted(query: str, asked: list[UUID | None]) -> Iterator[Finding]:
    """Yield the items that show nobody whose commitments contradict what is said of them."""
    keys = vault.keys(_HOUSE)
    index = vault.blind_indexer(FINGERPRINT)
    for pk, commitment, opening, *columns in binary.stream(query, asked):
        if not _fits(keys, index, pk, commitment, opening, columns):
            yield "item_changed", f"item {pk} is not what it was committed to as"


def _fits(
    keys: vault.Keys,
    index: Callable[[str], bytes],
    pk: Any,
    commitment: bytes,
    sealed: bytes,
    columns: list[object],
) -> bool:
    try:
        opening = keys.open_bytes(_HOUSE, _PLACE + pk.bytes, sealed)
        member, _ = read_opening(opening)
    except (SealBroken, CanonicalError, KeyError, TypeError, ValueError):
        return False
    mark = index(member.digest) if member.digest else None
    stands = [mark, list(_HOUSE), *shown(member)]
    return commit_opening(opening) == commitment and stands == columns
