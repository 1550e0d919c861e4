"""Letting items into a draft version: sealed, committed to, copied in as a batch.

A batch is one transaction of the caller's. What shows people is recorded for each group of them
under their keys; of what shows nobody the root that freezing writes is the record.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import groupby, repeat
from operator import itemgetter
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
from consent.uses import LegalBasis
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
_RANDOM_BITS = bytes.fromhex("0000000000000fff3fffffffffffffff")
_VERSION_7 = 0x70008000000000000000
# How long a cell is, where that is always the same.
_FOUR, _SIXTEEN, _DIGEST = (size.to_bytes(4, "big") for size in (4, 16, 32))
_NOT_ASIDE = cell(b"")
_AT_ONCE = 500
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
Fresh = tuple[Admitted, bytes | None]
Row = tuple[bytes, ...]


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
    rows = writer.rows(fresh, contents)
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
        _media(member.media_type),
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


def _fresh(version: DatasetVersion, admitted: Sequence[Admitted], batch: Batch) -> Iterator[Fresh]:
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
    rows is encoded once, and what can be is done for many rows at once.
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
        self.files: Mapping[int, UUID] = {}

    def rows(self, fresh: Sequence[Fresh], contents: Contents | None) -> Iterator[Row]:
        """Yield the cells of each item, in the order of ``_ITEMS``; some of them joined."""
        ids = _fresh_ids(len(fresh))
        for at in range(0, len(fresh), _AT_ONCE):
            end = at + _AT_ONCE
            yield from self._some(fresh[at:end], ids[at:end], contents)

    def _some(
        self, fresh: Sequence[Fresh], ids: Sequence[bytes], contents: Contents | None
    ) -> Iterator[Row]:
        random = token_bytes(RANDOMNESS_SIZE * len(fresh))
        salts = (random[at : at + RANDOMNESS_SIZE] for at in range(0, len(random), RANDOMNESS_SIZE))
        openings = [
            seal_opening(one.member, salt) for (one, _), salt in zip(fresh, salts, strict=True)
        ]
        owners = [
            self._owners(one.member.depicts, pk) if one.member.depicts else _HOUSE
            for (one, _), pk in zip(fresh, ids, strict=True)
        ]
        sealed = self._seal(owners, ids, openings)
        files: Iterable[bytes] = repeat(binary.NULL_CELL, len(fresh))
        if contents or self.files:
            files = [self._file(*both, contents) for both in zip(fresh, owners, strict=True)]
        columns = zip(fresh, ids, openings, owners, sealed, files, strict=True)
        return (self._row(*each) for each in columns)

    def _row(
        self,
        fresh: Fresh,
        pk: bytes,
        opening: bytes,
        owners: tuple[UUID, ...],
        sealed: bytes,
        file: bytes,
    ) -> Row:
        (item, member), mark = fresh
        if owners is _HOUSE:
            self._batch.house += 1
            whose = self._house
        else:
            whose = cell(binary.uuid_array(owners)) + _short(len(member.depicts))
        return (
            _SIXTEEN,
            pk,
            self._place,
            _FOUR,
            item.ordinal.to_bytes(4, "big"),
            _DIGEST,
            commit_opening(opening),
            cell(sealed),
            _DIGEST + mark if mark else binary.NULL_CELL,
            file,
            whose,
            _texts(member.licence, member.legal_basis, member.media_type),
            _pixels(member.width),
            _pixels(member.height),
            _NOT_ASIDE,
        )

    def _owners(self, people: Sequence[UUID], pk: bytes) -> tuple[UUID, ...]:
        owners = tuple(sorted({self._scopes[person] for person in people}))
        self._note(owners, UUID(bytes=pk), people)
        return owners

    def _seal(
        self, owners: Sequence[tuple[UUID, ...]], ids: Sequence[bytes], openings: Sequence[bytes]
    ) -> list[bytes]:
        """Return each opening sealed: runs of items of the same people at once."""
        sealed: list[bytes] = []
        for whose, run in groupby(zip(owners, ids, openings, strict=True), itemgetter(0)):
            values = [(_OPENING + pk, opening) for _, pk, opening in run]
            sealed += self._keys.seal_many(whose, values)
        return sealed

    def _file(self, fresh: Fresh, owners: Sequence[UUID], contents: Contents | None) -> bytes:
        (item, member), _ = fresh
        if contents:
            return cell(self._keep(owners, member, contents(item)).pk.bytes)
        file = self.files.get(item.ordinal)
        return cell(file.bytes) if file else binary.NULL_CELL

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


def _fresh_ids(count: int) -> list[bytes]:
    """Return ``count`` UUIDs in order (RFC 9562, version 7): an index takes them in at its end."""
    milliseconds = time.time_ns() // 1_000_000
    stamp = (milliseconds << 80 | _VERSION_7).to_bytes(16, "big")
    random = int.from_bytes(token_bytes(16 * count), "big")
    random &= int.from_bytes(_RANDOM_BITS * count, "big")
    ids = (random | int.from_bytes(stamp * count, "big")).to_bytes(16 * count, "big")
    return sorted(ids[at : at + 16] for at in range(0, len(ids), 16))


def _media(stated: str) -> str:
    return stated if stated in _MEDIA else ""


def _size(pixels: int) -> int | None:
    return pixels if 0 < pixels < 2**31 else None


def _short(number: int) -> bytes:
    return cell(number.to_bytes(2, "big"))


@lru_cache(2**12)
def _pixels(number: int) -> bytes:
    size = _size(number)
    return binary.NULL_CELL if size is None else _FOUR + size.to_bytes(4, "big")


@lru_cache(2**10)
def _texts(licence: str, basis: LegalBasis, media_type: str) -> bytes:
    texts = (licence, basis.value, _media(media_type))
    return b"".join(cell(text.encode()) for text in texts)
