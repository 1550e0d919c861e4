"""Letting items into a draft version: sealed, committed to, copied in as a batch.

A batch is one transaction of the caller's. What shows people is recorded for each group of them
under their keys; of what shows nobody the root that freezing writes is the record.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes
from types import MappingProxyType
from uuid import UUID, uuid4

from consent.errors import PictureRefused
from consent.formats.described import DescribedItem
from consent.intake import Admitted, Fault, Refused, dump
from consent.members import Member, commit_opening, seal_opening
from consent.models import (
    DatasetVersion,
    Depiction,
    Intake,
    Item,
    MediaType,
    Subject,
)
from ledger import binary, vault
from ledger.binary import cell
from ledger.commitment import RANDOMNESS_SIZE
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.sealing import column_place
from ledger.services import Unsealed, lock_scopes, store_file

FINGERPRINT = "item.digest"
_OPENING = column_place("consent_item", "opening")
_STATED = column_place("consent_quarantined", "stated")
_HOUSE = (HOUSE_SCOPE,)
_MEDIA = frozenset(MediaType)
_RANDOM_BITS = bytes.fromhex("ffffffffffff0fff3fffffffffffffff")
_VERSION_4 = bytes.fromhex("00000000000040008000000000000000")
_NOT_ASIDE = cell(b"")
_ITEMS = (
    *("id", "version_id", "intake_id", "ordinal", "commitment", "opening", "fingerprint"),
    *("file_id", "scopes", "people", "licence", "legal_basis", "media_type", "width", "height"),
    "aside",
)
_QUARANTINED = {
    "id": "uuid",
    "intake_id": "uuid",
    "ordinal": "int4",
    "reasons": "varchar[]",
    "stated": "bytea",
    "scopes": "uuid[]",
}
_KNOWN = (
    "SELECT encode(fingerprint, 'hex') FROM consent_item "
    "WHERE version_id = $1 AND fingerprint = ANY($2)"
)
Contents = Callable[[DescribedItem], bytes]


@dataclass
class Batch:
    """What came in at once: rows with people by whose keys they lie under, the rest counted."""

    items: int = 0
    house: int = 0
    refused: list[Refused] = field(default_factory=list)
    groups: dict[tuple[UUID, ...], list[Recorded]] = field(default_factory=dict)

    def segments(self) -> Iterator[Unsealed]:
        """Return a segment for each group of people, which speaks of them only."""
        for scopes, rows in self.groups.items():
            yield Unsealed("subject", scopes, {}, tuple(rows))


def admit(
    version: DatasetVersion,
    intake: Intake,
    admitted: Sequence[Admitted],
    contents: Contents | None = None,
    files: Mapping[int, UUID] | None = None,
) -> Batch:
    """Insert ``admitted`` into a draft that the caller has locked; pictures come once only.

    ``contents`` gives the bytes of an item whose file is to be kept; ``files`` are those that are
    kept already, by ordinal. Raises ScopeGone, and PictureRefused when a file is no longer the one
    that was looked at.
    """
    batch = Batch()
    fresh = list(_fresh(version, admitted, batch))
    scopes = find_scopes(person for one, _ in fresh for person in one.member.depicts)
    writer = _Writer(version, intake, scopes, vault.keys({HOUSE_SCOPE, *scopes.values()}), batch)
    writer.files = files or {}
    salts, ids = token_bytes(RANDOMNESS_SIZE * len(fresh)), _fresh_ids(len(fresh))
    rows = (
        writer.row(one, mark, ids[16 * n : 16 * n + 16], salts[32 * n : 32 * n + 32], contents)
        for n, (one, mark) in enumerate(fresh)
    )
    # A kept file is a row too, and while COPY runs its connection takes no other statement.
    binary.copy_rows("consent_item", _ITEMS, list(rows) if contents else rows)
    depictions = [row for rows in batch.groups.values() for row in rows if type(row) is Depiction]
    Depiction.objects.bulk_create(depictions)
    batch.items = len(fresh)
    return batch


def quarantine(
    intake: Intake,
    refused: Iterable[Refused],
    people: Mapping[str, UUID],
    accepted: Mapping[int, Collection[str]] = MappingProxyType({}),
) -> int:
    """Keep what was not let in, for repair, under the keys of the people it names.

    ``accepted`` says by place for which reasons somebody answers. Returns how many are kept.
    Raises ScopeGone.
    """
    waiting = list(refused)
    if not waiting:
        return 0
    named = {people[name] for one in waiting for name in one.item.depicts if name in people}
    scopes = find_scopes(named)
    # Nobody who is erased meanwhile leaves a row behind: it waits for us, or we meet ScopeGone.
    lock_scopes(scopes.values())
    keys = vault.keys({HOUSE_SCOPE, *scopes.values()})

    def row(one: Refused) -> tuple[object, ...]:
        pk = uuid4()
        known = {people[name] for name in one.item.depicts if name in people}
        owners = sorted(scopes[person] for person in known) or [HOUSE_SCOPE]
        stated = keys.seal_bytes(
            owners, _STATED + pk.bytes, dump(one.item, accepted.get(one.ordinal, ()))
        )
        return pk, intake.pk, one.ordinal, list(one.reasons), stated, owners

    binary.copy_in("consent_quarantined", _QUARANTINED, map(row, waiting))
    return len(waiting)


def shown(member: Member) -> tuple[str, str, str, int | None, int | None]:
    """Return what of a member stands in columns too: licence, legal basis, media type, size."""
    return (
        member.licence,
        member.legal_basis.value,
        member.media_type if member.media_type in _MEDIA else "",
        _size(member.width),
        _size(member.height),
    )


def find_scopes(people: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the key scopes of people by their ids."""
    wanted = set(people)
    if not wanted:
        return {}
    return dict(Subject.objects.filter(pk__in=wanted).values_list("pk", "scope_id"))


def find_people(names: Collection[str]) -> dict[str, UUID]:
    """Return the ids of those whom a description names by handle or by id."""
    if not names:
        return {}
    handles = Subject.objects.filter(handle__in=names).values_list("handle", "pk")
    by_id = {name: UUID(name) for name in names if _is_uuid(name)}
    known = set(Subject.objects.filter(pk__in=by_id.values()).values_list("pk", flat=True))
    return dict(handles) | {name: pk for name, pk in by_id.items() if pk in known}


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _fresh(
    version: DatasetVersion, admitted: Sequence[Admitted], batch: Batch
) -> Iterator[tuple[Admitted, bytes | None]]:
    """Yield those whose picture is not in the version yet, each once, with its fingerprint."""
    index = vault.blind_indexer(FINGERPRINT)
    marks = [index(one.member.digest) if one.member.digest else None for one in admitted]
    there = binary.send(_KNOWN, [str(version.pk), binary.bytea_array(list(filter(None, marks)))])()
    seen = {bytes.fromhex(mark.decode()) for (mark,) in there}
    for one, mark in zip(admitted, marks, strict=True):
        if mark in seen:
            batch.refused.append(Refused(one.item, (Fault.PICTURE_REPEATED.value,)))
            continue
        if mark:
            seen.add(mark)
        yield one, mark


class _Writer:
    """Makes the row of each item, and the objects that records speak of.

    Written for speed: it runs a million times for one version, so that what is the same for many
    rows is encoded once.
    """

    def __init__(
        self,
        version: DatasetVersion,
        intake: Intake,
        scopes: dict[UUID, UUID],
        keys: vault.Keys,
        batch: Batch,
    ) -> None:
        self._version, self._batch = version, batch
        self._scopes, self._keys = scopes, keys
        self._place = cell(version.pk.bytes) + cell(intake.pk.bytes)
        self._house = cell(binary.uuid_array(_HOUSE)) + _short(0)
        self._seal_for_house = keys.sealer(_HOUSE)
        self.files: Mapping[int, UUID] = {}

    def row(
        self,
        one: Admitted,
        mark: bytes | None,
        pk: bytes,
        salt: bytes,
        contents: Contents | None,
    ) -> tuple[bytes, ...]:
        """Return the cells of one item, in the order of ``_ITEMS``; some of them joined."""
        item, member = one
        opening = seal_opening(member, salt)
        if people := member.depicts:
            owners = tuple(sorted({self._scopes[person] for person in people}))
            self._note(owners, UUID(bytes=pk), people)
            sealed = self._keys.seal_bytes(owners, _OPENING + pk, opening)
            whose = cell(binary.uuid_array(owners)) + _short(len(people))
        else:
            owners, whose = _HOUSE, self._house
            self._batch.house += 1
            sealed = self._seal_for_house(_OPENING + pk, opening)
        if contents:
            file: UUID | None = self._keep(owners, member, contents(item)).pk
        else:
            file = self.files.get(item.ordinal)
        return (
            cell(pk),
            self._place,
            _number(item.ordinal),
            cell(commit_opening(opening)),
            cell(sealed),
            cell(mark) if mark else binary.NULL_CELL,
            cell(file.bytes) if file else binary.NULL_CELL,
            whose,
            _texts(*shown(member)[:3]),
            _pixels(member.width),
            _pixels(member.height),
            _NOT_ASIDE,
        )

    def _note(self, owners: tuple[UUID, ...], pk: UUID, people: Sequence[UUID]) -> None:
        rows = self._batch.groups.setdefault(owners, [])
        # Only its id and table are used: the record takes the digest of what was copied in.
        rows.append(Item(pk=pk, version=self._version, scopes=list(owners)))
        rows += [Depiction(item_id=pk, subject_id=person) for person in people]

    @staticmethod
    def _keep(owners: Sequence[UUID], member: Member, content: bytes) -> SealedFile:
        if sha256(content).hexdigest() != member.digest:
            raise PictureRefused("a file changed while the version was being put together")
        return store_file(owners, content)


def _fresh_ids(count: int) -> bytes:
    """Return ``count`` random UUIDs (RFC 9562, version 4) as bytes, one behind the other."""
    random = int.from_bytes(token_bytes(16 * count), "big")
    keep = int.from_bytes(_RANDOM_BITS * count, "big")
    return (random & keep | int.from_bytes(_VERSION_4 * count, "big")).to_bytes(16 * count, "big")


def _size(pixels: int) -> int | None:
    return pixels if 0 < pixels < 2**31 else None


def _short(number: int) -> bytes:
    return cell(number.to_bytes(2, "big"))


def _number(number: int) -> bytes:
    return b"\0\0\0\4" + number.to_bytes(4, "big")


@lru_cache(2**12)
def _pixels(number: int) -> bytes:
    size = _size(number)
    return binary.NULL_CELL if size is None else _number(size)


@lru_cache(2**10)
def _texts(*texts: str) -> bytes:
    return b"".join(cell(text.encode()) for text in texts)
