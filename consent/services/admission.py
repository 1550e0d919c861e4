"""Letting items into a draft version: sealed, committed to, copied in as a batch.

A batch is one transaction of the caller's. What shows people is recorded for each group of them
under their keys; of what shows nobody the root that freezing writes is the record.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import chain, groupby, repeat
from secrets import token_bytes
from types import MappingProxyType
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from consent.errors import PictureRefused
from consent.formats.described import DescribedItem
from consent.intake import AdmittedItems, Fault, Refused
from consent.members import Member, Members, commit_opening, seal_openings
from consent.models import (
    DatasetVersion,
    Depiction,
    Intake,
    Item,
    MediaType,
    Subject,
)
from consent.repair import dump
from consent.uses import LegalBasis
from ledger import binary, vault
from ledger.binary import cell
from ledger.models import HOUSE_SCOPE, Recorded
from ledger.pieces import pieces
from ledger.sealing import column_place
from ledger.services import Unsealed, lock_scopes, store_file

FINGERPRINT = "item.digest"
_SHOWN = ("depicts", "digest", "licence", "legal_basis", "media_type")
_ONCE = "item_once"
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
Cells = Iterable[bytes]


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
    admitted: AdmittedItems,
    contents: Contents | None = None,
    files: Mapping[int, UUID] | None = None,
) -> Batch:
    """Insert ``admitted`` into a draft that the caller has locked; pictures come once only.

    ``contents`` gives the bytes of an item whose file is to be kept; ``files`` are those that are
    kept already, by ordinal. Raises ScopeGone, and PictureRefused when a file is no longer the one
    that was looked at.
    """
    fresh, refused = _without(admitted, _repeated_within(admitted))
    scopes = find_scopes(chain.from_iterable(fresh.members.column("depicts")))
    writer = _Writer(version, intake, scopes, vault.keys({HOUSE_SCOPE, *scopes.values()}))
    if contents or _holds_others(version, intake):
        # Asked first: of a picture that is there already no file is kept, and no row is copied.
        fresh, refused = _without(fresh, writer.known(fresh), refused)
    if contents:
        files = writer.keep(fresh, contents)
    try:
        batch = writer.insert(fresh, files or {})
    except IntegrityError as error:
        if contents or binary.violated(error) != _ONCE:
            raise
        fresh, refused = _without(fresh, writer.known(fresh), refused)
        batch = writer.insert(fresh, files or {})
    batch.refused = refused
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


def _repeated_within(admitted: AdmittedItems) -> list[bool]:
    """Return of each whether its picture came before it."""
    digests = admitted.members.column("digest")
    if len(set(digests)) == len(digests):
        return [False] * len(digests)
    seen: set[str] = set()
    repeated = []
    for digest in digests:
        repeated.append(digest in seen)
        if digest:
            seen.add(digest)
    return repeated


def _holds_others(version: DatasetVersion, intake: Intake) -> bool:
    """Return whether something else came into the version, which may well come again."""
    return version.intakes.exclude(pk=intake.pk).filter(item_count__gt=0).exists()


def _without(
    admitted: AdmittedItems, repeated: Sequence[bool], refused: Sequence[Refused] = ()
) -> tuple[AdmittedItems, list[Refused]]:
    """Return ``admitted`` without those that are repeated, and these behind ``refused``."""
    if not any(repeated):
        return admitted, list(refused)
    turned_away = admitted.among(repeated).items
    reasons = (Fault.PICTURE_REPEATED.value,)
    rest = admitted.among([not one for one in repeated])
    return rest, [*refused, *(Refused(item, reasons) for item in turned_away)]


class _Writer:
    """Makes the row of each item of one version, and the objects that records speak of.

    Written for speed: it runs a million times for one version, so that what is the same for many
    rows is encoded once, and what can be is done for a whole column at once.
    """

    def __init__(
        self, version: DatasetVersion, intake: Intake, scopes: dict[UUID, UUID], keys: vault.Keys
    ) -> None:
        self._version, self._scopes, self._keys = version, scopes, keys
        self._place = cell(version.pk.bytes) + cell(intake.pk.bytes) + _FOUR
        self._house = cell(binary.uuid_array(_HOUSE)) + _short(0)
        self._index = vault.blind_indexer(FINGERPRINT)

    def known(self, admitted: AdmittedItems) -> list[bool]:
        """Return of each whether its picture is in the version already."""
        digests = admitted.members.column("digest")
        marks = [self._index(digest) if digest else None for digest in digests]
        asked = binary.bytea_array(list(filter(None, marks)))
        found = binary.send(_KNOWN, [str(self._version.pk), asked])()
        there = {bytes.fromhex(mark.decode()) for (mark,) in found}
        return [mark in there for mark in marks]

    def keep(self, admitted: AdmittedItems, contents: Contents) -> dict[int, UUID]:
        """Keep the file of each item; return them by ordinal. Raises PictureRefused."""
        members = map(admitted.members.column, ("digest", "depicts"))
        files = {}
        for item, digest, depicts in zip(admitted.items, *members, strict=True):
            content = contents(item)
            if sha256(content).hexdigest() != digest:
                raise PictureRefused("a file changed while the version was being put together")
            files[item.ordinal] = store_file(self._owners(depicts), content).pk
        return files

    @transaction.atomic
    def insert(self, admitted: AdmittedItems, files: Mapping[int, UUID]) -> Batch:
        """Insert the rows of all, or none of them. Raises IntegrityError for a known picture."""
        batch = Batch(items=len(admitted))
        binary.copy_rows("consent_item", _ITEMS, self._rows(admitted, files, batch))
        rows = chain.from_iterable(batch.groups.values())
        Depiction.objects.bulk_create(row for row in rows if type(row) is Depiction)
        return batch

    def _rows(
        self, admitted: AdmittedItems, files: Mapping[int, UUID], batch: Batch
    ) -> Iterator[Cells]:
        """Yield the cells of each item, in the order of ``_ITEMS``; some of them joined."""
        ids, ordinals = _fresh_ids(len(admitted)), admitted.items.column("ordinal")
        for at in range(0, len(admitted), _AT_ONCE):
            some = slice(at, at + _AT_ONCE)
            members = admitted.members.part(some)
            yield from self._some(ids[some], ordinals[some], members, files, batch)

    def _some(
        self,
        ids: Sequence[bytes],
        ordinals: Sequence[int],
        members: Members,
        files: Mapping[int, UUID],
        batch: Batch,
    ) -> Iterator[Cells]:
        depicts, digests, *texts = map(members.column, _SHOWN)
        widths, heights = map(members.column, ("width", "height"))
        owners = [self._owners(people) for people in depicts]
        self._note(batch, ids, owners, depicts)
        openings = seal_openings(members)
        kept = [files.get(ordinal) for ordinal in ordinals] if files else repeat(None, len(ids))
        return zip(
            repeat(_SIXTEEN),
            ids,
            repeat(self._place),
            [ordinal.to_bytes(4, "big") for ordinal in ordinals],
            repeat(_DIGEST),
            map(commit_opening, openings),
            map(cell, self._seal(owners, ids, openings)),
            map(self._mark, digests),
            [_SIXTEEN + file.bytes if file else binary.NULL_CELL for file in kept],
            map(self._whose, owners, depicts),
            map(_texts, *texts),
            map(_pixels, widths),
            map(_pixels, heights),
            repeat(_NOT_ASIDE),
            strict=False,
        )

    def _mark(self, digest: str) -> bytes:
        return _DIGEST + self._index(digest) if digest else binary.NULL_CELL

    def _owners(self, people: Sequence[UUID]) -> tuple[UUID, ...]:
        return tuple(sorted({self._scopes[person] for person in people})) if people else _HOUSE

    def _whose(self, owners: tuple[UUID, ...], people: Sequence[UUID]) -> bytes:
        if not people:
            return self._house
        return cell(binary.uuid_array(owners)) + _short(len(people))

    def _seal(
        self, owners: Sequence[tuple[UUID, ...]], ids: Sequence[bytes], openings: Sequence[bytes]
    ) -> list[bytes]:
        """Return each opening sealed: runs of items of the same people at once."""
        sealed: list[bytes] = []
        for whose, run in groupby(owners):
            some = slice(len(sealed), len(sealed) + sum(1 for _ in run))
            sealed += self._keys.seal_many(whose, _OPENING, ids[some], openings[some])
        return sealed

    def _note(
        self,
        batch: Batch,
        ids: Sequence[bytes],
        owners: Sequence[tuple[UUID, ...]],
        depicts: Sequence[Sequence[UUID]],
    ) -> None:
        """Note in ``batch`` what records speak of."""
        batch.house += depicts.count(())
        for at, people in enumerate(depicts):
            if people:
                pk, whose = UUID(bytes=ids[at]), owners[at]
                rows = batch.groups.setdefault(whose, [])
                # Only its id and table are used: the record digests what was copied in.
                rows.append(Item(pk=pk, version=self._version, scopes=list(whose)))
                rows += [Depiction(item_id=pk, subject_id=person) for person in people]


def _fresh_ids(count: int) -> list[bytes]:
    """Return ``count`` UUIDs in order (RFC 9562, version 7): an index takes them in at its end."""
    milliseconds = time.time_ns() // 1_000_000
    stamp = (milliseconds << 80 | _VERSION_7).to_bytes(16, "big")
    random = int.from_bytes(token_bytes(16 * count), "big")
    random &= int.from_bytes(_RANDOM_BITS * count, "big")
    ids = (random | int.from_bytes(stamp * count, "big")).to_bytes(16 * count, "big")
    return sorted(pieces(ids, 16))


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
