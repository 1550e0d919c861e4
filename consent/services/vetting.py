"""Vetting a draft: ordered by a person, done by the worker, item by item, in flat memory.

```
 vet_version ──▶ Vetting (ordered) ──▶ lease ──▶ look at each item, some hundred at a time
                                                   held: faces, hash · others: what is stated
                                                 ──▶ compare hashes · ask consent · count licences
                                                 ──▶ VettingFinding for each sort ──▶ Vetting (done)
```
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import orjson
from django.db import transaction

from consent import kinds
from consent.decisions import find_consenting
from consent.errors import PictureRefused, WrongState
from consent.kinds import VettingRun
from consent.members import Member, read_opening
from consent.models import (
    DatasetVersion,
    Depiction,
    FindingState,
    Flagged,
    Item,
    VersionState,
    Vetting,
    VettingErrand,
    VettingState,
)
from consent.moment import database_now
from consent.services.arrivals import get_draft
from consent.services.authority import Actor, Operator, by, lock
from consent.services.errands import keeping
from consent.services.gate import seen_mark
from consent.services.vetting_findings import Tally, write_findings
from consent.services.weighing import reason_against, weigh_members
from consent.signals.weighing import accepted_question
from consent.uses import Aside, Use
from consent.vetting import hashes
from consent.vetting.faces import FrontalFaces, detector
from consent.vetting.gate import Code, Finding, judge
from consent.vetting.labels import doubtful
from consent.vetting.masking import read_picture
from ledger import binary, vault
from ledger.errors import SealBroken
from ledger.kinds import NoFacts
from ledger.models import HOUSE_SCOPE, SealedFile
from ledger.pieces import pieces
from ledger.sealing import column_place
from ledger.services import Unsealed, append, open_file

# Items between two signs of life; pictures of so many are opened one after the other.
AT_ONCE = 500
LEASE = timedelta(minutes=10)
# Comparing gives no sign of life: a million hashes take some ten minutes.
COMPARING = timedelta(hours=2)
MOST_ATTEMPTS = 3
DETECTOR = f"{FrontalFaces.name} {FrontalFaces.version}"
HASHER = f"{hashes.NAME} {hashes.VERSION}"
_OPENING = column_place("consent_item", "opening")
_ROWS = (
    "SELECT id, opening, scopes, people, file_id, intake_id FROM consent_item WHERE id = ANY(%s)"
)
_MEMBERS = (
    "SELECT id FROM consent_item WHERE version_id = %s AND aside = '' AND id > %s "
    "ORDER BY id LIMIT %s"
)
_LISTED = 50_000
_ELSEWHERE = """INSERT INTO consent_flagged (id, vetting_id, code, item_id, place)
    SELECT gen_random_uuid(), %(vetting)s, %(code)s, i.id, 0 FROM consent_item i
    WHERE i.version_id = %(version)s AND i.aside = '' AND EXISTS (
        SELECT FROM consent_item o JOIN consent_datasetversion v ON v.id = o.version_id
        JOIN consent_dataset d ON d.id = v.dataset_id
        WHERE o.fingerprint = i.fingerprint AND o.aside = '' AND v.state = 'frozen'
          AND 'evaluate' = ANY (v.uses) AND d.project_id = %(project)s) RETURNING 1"""


class _Ids:
    """The ids of a version's members in order, 16 bytes each."""

    def __init__(self, version_id: UUID) -> None:
        # Some at a time: a million in one statement may take longer than a transaction may.
        self._ids, after = bytearray(), UUID(int=0)
        while page := binary.fetch(_MEMBERS, [version_id, after, _LISTED]):
            self._ids += b"".join(pk.bytes for (pk,) in page)
            after = page[-1][0]

    def __len__(self) -> int:
        return len(self._ids) // 16

    def some(self, first: int, count: int = 1) -> list[UUID]:
        """Return ``count`` of them, or what is left, from place ``first`` on."""
        part = bytes(self._ids[16 * first : 16 * (first + count)])
        return [UUID(bytes=one) for one in pieces(part, 16)]


@transaction.atomic
def vet_version(*, actor: Actor, version_id: UUID) -> Vetting:
    """Order a look at all that is in a draft; the worker carries it out.

    Raises NotPermitted, Unknown, WrongState when it is no draft or is being vetted.
    """
    version = get_draft(actor, version_id)
    if version.vettings.filter(state=VettingState.ORDERED).exists():
        raise WrongState("the version is being vetted already")
    vetting = Vetting(
        version=version,
        ordered_by=None if isinstance(actor, Operator) else actor,
        ordered_at=database_now(),
        detector=DETECTOR,
        hasher=HASHER,
        near=hashes.NEAR,
    )
    vetting.save(force_insert=True)
    VettingErrand.objects.create(vetting=vetting, due_at=vetting.ordered_at)
    append(
        kind=kinds.VETTING_ORDERED,
        facts=NoFacts(),
        segments=[Unsealed("vetting", (HOUSE_SCOPE,), {}, (vetting,)), by(actor)],
    )
    return vetting


def lease_vetting(vetting_id: UUID) -> VettingErrand | None:
    """Take the errand of a vetting for a while; None when there is none or somebody is at it."""
    return VettingErrand.objects.select_related("vetting__version__dataset").lease(
        vetting_id, LEASE
    )


def carry_out_vetting(errand: VettingErrand) -> Vetting:
    """Look at every member of the draft; no transaction may be open.

    Safe to repeat: one that was cut off begins anew, and one that is cut off again and again, or
    whose version is no draft any more, is given up.
    """
    vetting = errand.vetting
    if errand.attempts > MOST_ATTEMPTS or vetting.version.state != VersionState.DRAFT:
        return _give_up(vetting)
    _flag(errand, [], afresh=True)
    seen = seen_mark(vetting.version)
    members, tally = _Ids(vetting.version_id), Tally()
    errands = VettingErrand.objects.all()
    keep = keeping(lambda: errands.keep(errand, LEASE), LEASE)
    for at in range(0, len(members), AT_ONCE):
        _flag(errand, _look(vetting, members.some(at, AT_ONCE), at, tally, keep))
        errands.keep(errand, LEASE, seen=tally.members, total=len(members))
    errands.keep(errand, COMPARING)
    found = [*_compare(errand, members, tally), *_count(tally)]
    _ask_consent(errand)
    return _finish(errand, tally, seen, found)


@transaction.atomic
def _flag(errand: VettingErrand, flagged: Iterable[Flagged], *, afresh: bool = False) -> None:
    """Insert flags, in the place of all before where it begins ``afresh``; only as leased."""
    VettingErrand.objects.all().hold(errand)
    if afresh:
        Flagged.objects.filter(vetting=errand.vetting).delete()
    Flagged.objects.bulk_create(flagged, batch_size=5_000)


def _look(
    vetting: Vetting,
    batch: Sequence[UUID],
    start: int,
    tally: Tally,
    keep: Callable[[], None],
) -> list[Flagged]:
    """Look at some items, and return what stands against them."""
    order = {pk: start + at for at, pk in enumerate(batch)}
    rows = binary.fetch(_ROWS, [list(batch)])
    keys = vault.keys_there({scope for _, _, scopes, *_ in rows for scope in scopes})
    files = SealedFile.objects.in_bulk([file for *_, file, _ in rows if file])
    flagged: list[Flagged] = []
    members: list[tuple[UUID, Member, UUID]] = []
    items: dict[UUID, Item] = {}
    for pk, opening, scopes, people, file_id, intake in sorted(rows, key=lambda row: row[0]):
        keep()
        if scopes not in keys:
            continue  # being erased
        tally.members += 1
        member = _open(keys, pk, opening, scopes)
        members.append((pk, member, intake))
        names = doubtful(member.flags)
        tally.flags.update(names)
        if names:
            flagged.append(Flagged(vetting=vetting, code=Code.LABEL_FLAGGED, item_id=pk))
        item = items[pk] = Item(pk=pk, scopes=scopes, people=people)
        hashed = _read(vetting, item, member, files.get(file_id), keys, flagged, tally)
        if hashed is not None:
            tally.hashes += hashed
            tally.places.append(order[pk])
    flagged += _ask_sources(vetting, members, items, keys, tally)
    return flagged


def _ask_sources(
    vetting: Vetting,
    members: Sequence[tuple[UUID, Member, UUID]],
    items: Mapping[UUID, Item],
    keys: vault.Keys,
    tally: Tally,
) -> Iterator[Flagged]:
    """Yield a flag for each item that what was seen where it lies stands against by now."""
    opened = {pk: member for pk, member, _ in members}
    for pk, weighing in weigh_members(vetting.version, members).items():
        reason = reason_against(weighing, accepted_question(opened[pk].signals))
        if reason is None:
            continue
        one = Flagged(vetting=vetting, code=Code(reason.value), item=items[pk])
        if reason is Aside.SIGNAL_UNCLEAR:
            tally.ask(pk, weighing.question)
            said = {"question": weighing.question}
            one.detail = keys.seal(one, "detail", orjson.dumps(said))
        yield one


def _open(keys: vault.Keys, pk: UUID, opening: bytes, scopes: Sequence[UUID]) -> Member:
    member, _ = read_opening(keys.open_bytes(scopes, _OPENING + pk.bytes, bytes(opening)))
    return member


def _read(
    vetting: Vetting,
    item: Item,
    member: Member,
    file: SealedFile | None,
    keys: vault.Keys,
    flagged: list[Flagged],
    tally: Tally,
) -> bytes | None:
    """Return the hash of an item: of its picture where it is held, else as it was stated."""
    if file is None:
        tally.not_held += 1
        return hashes.read_stated(member.perceptual_hash)
    try:
        image = read_picture(open_file(file, keys))
    except (PictureRefused, SealBroken, FileNotFoundError):
        flagged.append(Flagged(vetting=vetting, code=Code.PICTURE_UNREADABLE, item=item))
        return None
    tally.looked += 1
    boxes = detector().find(image)
    if len(boxes) > item.people:
        one = Flagged(vetting=vetting, code=Code.FACE_WITHOUT_PERSON, item=item)
        said = [[box.left, box.top, box.width, box.height] for box in boxes]
        one.detail = keys.seal(one, "detail", orjson.dumps({"boxes": said}))
        flagged.append(one)
    # Only a process that vets loads numpy: it takes 14 MiB.
    from consent.vetting.pdq import hash_picture

    hashed = hash_picture(image)
    return hashed.value if hashed.is_telling else None


def _compare(errand: VettingErrand, members: _Ids, tally: Tally) -> Iterator[Finding]:
    """Flag what is nearly the same; yield what kept us from comparing all."""
    from consent.vetting.duplicates import find_near

    vetting = errand.vetting
    found = find_near(tally.hashes, vetting.near)
    flagged = (
        Flagged(
            vetting=vetting,
            code=Code.NEAR_DUPLICATES,
            item_id=members.some(tally.places[one])[0],
            cluster=number,
            place=place,
        )
        for number, cluster in enumerate(found.members, 1)
        for place, one in enumerate(cluster)
    )
    _flag(errand, flagged)
    if not found.is_complete:
        yield Finding(Code.NEAR_UNFINISHED, tally.compared)


def _count(tally: Tally) -> Iterator[Finding]:
    if not tally.members:
        yield Finding(Code.EMPTY, 0)
    if tally.not_held:
        yield Finding(Code.FACES_NOT_SOUGHT, tally.not_held)
    if tally.members > tally.compared:
        yield Finding(Code.NOT_COMPARED, tally.members - tally.compared)


def _ask_consent(errand: VettingErrand) -> None:
    """Flag what shows somebody who does not allow the uses now, and what is held for evaluating."""
    vetting, version = errand.vetting, errand.vetting.version
    depicted = Depiction.objects.filter(item__version=version, item__aside="")
    people = set(depicted.values_list("subject_id", flat=True).distinct())
    uses = [Use(use) for use in version.uses]
    missing = people - find_consenting(people, uses, profile=version.profile)
    items = depicted.filter(subject__in=missing).values_list("item_id", flat=True).distinct()
    with transaction.atomic():
        _flag(
            errand,
            [Flagged(vetting=vetting, code=Code.CONSENT_MISSING, item_id=pk) for pk in items],
        )
        if {Use.TRAIN, Use.FINE_TUNE} & set(uses):
            asked = {"vetting": vetting.pk, "version": version.pk, "project": version.project_id}
            binary.fetch(_ELSEWHERE, asked | {"code": Code.HELD_FOR_EVALUATION.value})  # type: ignore[arg-type]


@transaction.atomic
def _finish(
    errand: VettingErrand, tally: Tally, seen: tuple[int, int], found: Sequence[Finding]
) -> Vetting:
    """Write down what was found, and what the gate says to it."""
    version = lock(DatasetVersion.objects.select_related("dataset"), errand.vetting.version_id)
    vetting = lock(Vetting.objects.all(), errand.pk)
    VettingErrand.objects.all().hold(errand)
    if vetting.state != VettingState.ORDERED:
        return vetting
    if version.state != VersionState.DRAFT:
        return _give_up(vetting)
    vetting.version = version
    rows = write_findings(vetting, tally, found)
    vetting.state, vetting.done_at = VettingState.DONE, database_now()
    vetting.members, vetting.looked, vetting.compared = tally.members, tally.looked, tally.compared
    vetting.seen_count, vetting.seen_mark = seen
    still = [Code(row.code) for row in rows if row.state == FindingState.OPEN]
    vetting.verdict = judge(still).value
    vetting.save()
    VettingErrand.objects.filter(pk=vetting.pk).delete()
    Flagged.objects.filter(vetting__version=version).exclude(vetting=vetting).delete()
    append(
        kind=kinds.VETTING_RUN,
        facts=VettingRun(items=tally.members, verdict=judge(still)),
        segments=[Unsealed("vetting", (HOUSE_SCOPE,), {}, (vetting, *rows))],
    )
    return vetting


@transaction.atomic
def _give_up(vetting: Vetting) -> Vetting:
    vetting = lock(Vetting.objects.select_related("version__dataset"), vetting.pk)
    if vetting.state == VettingState.ORDERED:
        vetting.state = VettingState.FAILED
        vetting.save(update_fields=["state"])
        VettingErrand.objects.filter(pk=vetting.pk).delete()
        Flagged.objects.filter(vetting=vetting).delete()
        append(
            kind=kinds.VETTING_FAILED,
            facts=NoFacts(),
            segments=[Unsealed("vetting", (HOUSE_SCOPE,), {}, (vetting,))],
        )
    return vetting
