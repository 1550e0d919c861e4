"""Replacing pictures by such in which nobody is to be recognised.

The picture is changed and looked at again outside of any transaction; then the new one takes the
place of the old, which is set aside. Whose face is whose is not known here, nor sought: all that
are found in a picture are changed, and nobody is named in the new one.
"""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from uuid import UUID, uuid4

from django.db import transaction

from consent import kinds
from consent.errors import PictureRefused, TermsRefused, WrongState
from consent.kinds import ItemsAnonymised
from consent.members import Member, commit_opening, read_opening, seal_opening
from consent.models import Anonymisation, DatasetVersion, Intake, IntakeState, Item
from consent.moment import database_now
from consent.services.admission import FINGERPRINT
from consent.services.arrivals import Arrival, begin, get_draft, lock_draft
from consent.services.authority import Actor, by, get
from consent.services.gate import newest
from consent.services.vetting import DETECTOR
from consent.services.vetting_acts import settle
from consent.services.weighing import reason_against, weigh_members
from consent.signals.weighing import without_import
from consent.uses import Aside, Form, Masking
from consent.vetting import masking
from consent.vetting.faces import Box, detector
from consent.vetting.masking import Masked, mask_picture
from ledger import vault
from ledger.commitment import fresh_randomness
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.services import Unsealed, append_large, discard, open_file, write_stream

# Pictures of one act: somebody waits for it.
MOST_ITEMS = 100
RESERVED = "its uses are reserved by now where it lies"
TOOL = f"{masking.NAME} {masking.VERSION}"
Regions = Mapping[UUID, Sequence[Box]]


@dataclass(frozen=True)
class Anonymised:
    """The new items, and of each that could not be changed, why."""

    items: tuple[Item, ...] = ()
    refused: dict[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Changed:
    original: Item
    masked: Masked
    file: SealedFile
    digest: str


def anonymise_items(
    *,
    actor: Actor,
    version_id: UUID,
    item_ids: Collection[UUID],
    method: Masking,
    regions: Regions | None = None,
) -> Anonymised:
    """Replace pictures of a draft by such in which every face is unrecognisable.

    ``regions`` are further parts to change, by item. A picture in which fewer parts would be
    changed than people are named in it, or in which a face is still found afterwards, is left as
    it is and told; so is one whose uses are reserved where it lies: the new one lies nowhere, so
    that nobody would ask again. Raises NotPermitted, Unknown, WrongState, TermsRefused, ScopeGone.
    """
    chosen = _chosen(actor, version_id, item_ids)
    reserved = find_reserved(chosen)
    items = [item for item in chosen if item.pk not in reserved]
    changed, refused = [], dict.fromkeys(reserved, RESERVED)
    try:
        for item in items:
            try:
                changed.append(_change(item, method, (regions or {}).get(item.pk, ())))
            except PictureRefused as error:
                refused[item.pk] = str(error)
        made = _replace(actor, version_id, method, changed) if changed else ()
    except BaseException:
        for one in changed:
            discard(one.file)
        raise
    return Anonymised(tuple(made), refused)


@transaction.atomic
def _chosen(actor: Actor, version_id: UUID, item_ids: Collection[UUID]) -> list[Item]:
    version = get_draft(actor, version_id)
    wanted = set(item_ids)
    if not 0 < len(wanted) <= MOST_ITEMS:
        raise TermsRefused(f"{len(wanted)} pictures are named, wanted 1 to {MOST_ITEMS}")
    members = (
        version.items.filter(aside="", pk__in=wanted)
        .select_related("file", "version")
        .order_by("pk")
    )
    items = [item for item in members if item.file is not None]
    if len(items) < len(wanted):
        raise WrongState("some of the pictures are no members of the version or not held here")
    return items


def find_reserved(items: Sequence[Item]) -> list[UUID]:
    """Return those whose uses are reserved by now where they lie."""
    keys = vault.keys_there({scope for item in items for scope in item.scopes})
    rows = [
        (item.pk, read_opening(keys.open(item, "opening"))[0], item.intake_id)
        for item in items
        if item.scope_ids() in keys
    ]
    weighed = weigh_members(items[0].version, rows)
    return [pk for pk, one in weighed.items() if reason_against(one) is Aside.SIGNAL_RESERVED]


def _change(item: Item, method: Masking, regions: Sequence[Box]) -> _Changed:
    assert item.file is not None
    content = open_file(item.file)
    masked = mask_picture(content, method, detector(), regions, least=item.people)
    file = write_stream([HOUSE_SCOPE], io.BytesIO(masked.content))
    # What was changed is no longer needed in memory: the next picture may be as large.
    digest = sha256(masked.content).hexdigest()
    return _Changed(item, replace(masked, content=b""), file, digest)


@transaction.atomic
def _replace(
    actor: Actor, version_id: UUID, method: Masking, changed: Sequence[_Changed]
) -> list[Item]:
    version = lock_draft(get(DatasetVersion.objects.all(), version_id))
    ids = [one.original.pk for one in changed]
    originals = Item.objects.select_for_update(of=("self",)).filter(aside="", version=version)
    if originals.filter(pk__in=ids).count() < len(ids):
        raise WrongState("some of the pictures are no members of the version any more")
    intake = begin(actor, Arrival(Form.ANONYMISED, version_id=version.pk))
    intake.fingerprint = vault.blind_index("intake", str(uuid4()))
    intake.state = IntakeState.READING
    intake.item_count = intake.house_count = intake.read_to = len(changed)
    intake.save(force_insert=True)
    keys = vault.keys({HOUSE_SCOPE, *(s for one in changed for s in one.original.scopes)})
    SealedFile.objects.bulk_create([one.file for one in changed])
    made = [_item(intake, place, one, keys) for place, one in enumerate(changed, 1)]
    Item.objects.bulk_create(made)
    rows = [_note(one, item, method) for one, item in zip(changed, made, strict=True)]
    Anonymisation.objects.bulk_create(rows)
    Item.objects.filter(pk__in=ids).update(aside=Aside.ANONYMISED.value)
    intake.state, intake.read_at = IntakeState.READ, database_now()
    intake.save(update_fields=["state", "read_at"])
    _record(actor, version, method, intake, rows)
    return made


def _item(intake: Intake, place: int, one: _Changed, keys: vault.Keys) -> Item:
    """Return the new item: what it shows is another picture, under the same licence."""
    before = one.original
    assert intake.version_id is not None
    member, _ = read_opening(keys.open(before, "opening"))
    after = Member(
        digest=one.digest,
        licence=member.licence,
        legal_basis=member.legal_basis,
        media_type=one.masked.media_type,
        width=one.masked.width,
        height=one.masked.height,
        # What its offerer reserved stays reserved; where it lay, and by what it came, may name
        # somebody.
        signals=without_import(member.signals),
    )
    item = Item(
        version_id=intake.version_id,
        intake=intake,
        ordinal=place,
        fingerprint=vault.blind_index(FINGERPRINT, one.digest),
        file=one.file,
        scopes=[HOUSE_SCOPE],
        people=0,
        licence=after.licence,
        legal_basis=after.legal_basis.value,
        media_type=after.media_type,
        width=after.width,
        height=after.height,
    )
    opening = seal_opening(after, fresh_randomness())
    item.commitment = commit_opening(opening)
    item.opening = keys.seal(item, "opening", opening)
    return item


def _note(one: _Changed, item: Item, method: Masking) -> Anonymisation:
    return Anonymisation(
        original=one.original,
        result=item,
        method=method.value,
        tool=TOOL,
        detector=DETECTOR,
        margin=masking.MARGIN,
        regions=one.masked.regions,
        faces=one.masked.faces,
        done_at=database_now(),
    )


def _record(
    actor: Actor,
    version: DatasetVersion,
    method: Masking,
    intake: Intake,
    rows: Sequence[Anonymisation],
) -> None:
    vetting = newest(version)
    house: list[Recorded] = [intake, *(settle(vetting) if vetting else ())]
    groups: dict[tuple[UUID, ...], list[Recorded]] = {}
    for one in rows:
        if one.original.people:
            groups.setdefault(one.scope_ids(), []).extend([one.original, one])
        else:
            house.append(one)
    append_large(
        kind=kinds.ITEMS_ANONYMISED,
        facts=ItemsAnonymised(items=len(rows), method=method),
        segments=[
            Unsealed("house", (HOUSE_SCOPE,), {"version": str(version.pk)}, tuple(house)),
            *(Unsealed("subject", scopes, {}, tuple(some)) for scopes, some in groups.items()),
            by(actor),
        ],
    )
