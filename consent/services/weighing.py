"""Asking again what is said of a draft's items where they lie, since more was seen there.

Items are weighed when they come in. What was seen later counts from then on: those that it
reserves, or leaves unclear, are set aside before the draft is frozen, with what was heard.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Min

from consent import kinds
from consent.decision import Outcome
from consent.kinds import VersionWeighed
from consent.members import Member, read_opening
from consent.models import (
    DatasetVersion,
    FindingState,
    Flagged,
    Intake,
    Item,
    SourceObservation,
    VersionState,
)
from consent.moment import database_now
from consent.observed import Placed, address_of, weigh_placed
from consent.services.arrivals import lock_draft
from consent.services.batches import signals_of
from consent.services.datasets import set_aside
from consent.services.gate import newest
from consent.signals.places import resolve
from consent.signals.weighing import Weighing, known_standing, since_fetched
from consent.uses import Aside, Use
from consent.vetting.gate import Code
from ledger import binary, vault
from ledger.models import HOUSE_SCOPE
from ledger.sealing import column_place
from ledger.services import Unsealed, append_large

# Items of one transaction, and of one record of those set aside.
PAGE = 1_000
_OPENING = column_place("consent_item", "opening")
_ROWS = (
    "SELECT id, opening, scopes, intake_id FROM consent_item "
    "WHERE version_id = %s AND aside = '' AND id > %s ORDER BY id LIMIT %s"
)
_FIRST = UUID(int=0)


def is_outdated(version: DatasetVersion) -> bool:
    """Return whether something was seen at a source since the items were asked about."""
    last: datetime | None = SourceObservation.objects.aggregate(last=Max("recorded_at"))["last"]
    if last is None:
        return False
    began = version.intakes.aggregate(first=Min("received_at"))["first"]
    asked = version.weighed_at or began
    return asked is not None and last > asked


def weigh_again(version: DatasetVersion) -> None:
    """Set aside the items of a draft that what was seen meanwhile stands against, on the record.

    Does nothing unless something was seen at any source since they were asked about.
    """
    if version.state != VersionState.DRAFT or not is_outdated(version):
        return
    began, after = database_now(), _FIRST
    looked = aside = 0
    while True:
        page, taken, last = _weigh_page(version, after)
        looked, aside = looked + page, aside + taken
        if last is None:
            break
        after = last
    _note(version, began, VersionWeighed(items=looked, aside=aside))


def weigh_members(
    version: DatasetVersion, members: Iterable[tuple[UUID, Member, UUID]]
) -> dict[UUID, Weighing]:
    """Return by item what was seen of it comes to; ``members`` with the intakes they came by."""
    rows = list(members)
    if not rows or not SourceObservation.objects.exists():
        return {}
    intakes = Intake.objects.select_related("source").in_bulk({intake for *_, intake in rows})
    bases = {pk: address_of(intake.source) for pk, intake in intakes.items()}
    placed = [
        Placed(
            pk,
            resolve(member.location, bases[intake]),
            since_fetched(member.signals, intakes[intake].received_at),
        )
        for pk, member, intake in rows
    ]
    return weigh_placed(placed, [Use(use) for use in version.uses], version.profile)


def reason_against(weighing: Weighing, member: Member) -> Aside | None:
    """Return why an item is no member any more, if it is not.

    What was as unclear when somebody let it in was decided then.
    """
    if weighing.outcome is Outcome.REFUSED:
        return Aside.SIGNAL_RESERVED
    known = known_standing(member.signals)
    is_decided = known is not None and known.rank >= weighing.standing.rank
    if weighing.outcome is Outcome.ALLOWED or is_decided:
        return None
    return Aside.SIGNAL_UNCLEAR


@transaction.atomic
def _weigh_page(version: DatasetVersion, after: UUID) -> tuple[int, int, UUID | None]:
    """Weigh the next items; return how many, how many were set aside, and the last of them."""
    version = lock_draft(version)
    rows = binary.fetch(_ROWS, [version.pk, after, PAGE])
    if not rows:
        return 0, 0, None
    keys = vault.keys_there({scope for _, _, scopes, _ in rows for scope in scopes})
    members = {
        pk: (read_opening(keys.open_bytes(scopes, _OPENING + pk.bytes, bytes(opening)))[0], intake)
        for pk, opening, scopes, intake in rows
        if scopes in keys
    }
    weighed = weigh_members(version, ((pk, *both) for pk, both in members.items()))
    against: dict[Aside, list[UUID]] = {}
    for pk, weighing in weighed.items():
        if reason := reason_against(weighing, members[pk][0]):
            against.setdefault(reason, []).append(pk)
    decided = _decided(version, against.get(Aside.SIGNAL_UNCLEAR, ()))
    taken = sum(
        _take_out(version, reason, [pk for pk in items if pk not in decided], weighed)
        for reason, items in against.items()
    )
    return len(rows), taken, rows[-1][0]


def _take_out(
    version: DatasetVersion,
    reason: Aside,
    items: Sequence[UUID],
    weighed: Mapping[UUID, Weighing],
) -> int:
    why = list(signals_of(weighed[pk] for pk in items))
    return set_aside(version, Item.objects.filter(pk__in=items), reason, why)


def _decided(version: DatasetVersion, items: Sequence[UUID]) -> set[UUID]:
    """Return those of unclear items that somebody accepted after vetting."""
    vetting = newest(version) if items else None
    if vetting is None:
        return set()
    code = Code.SIGNAL_UNCLEAR.value
    if not vetting.findings.filter(code=code, state=FindingState.ACCEPTED).exists():
        return set()
    flagged = Flagged.objects.filter(vetting=vetting, code=code, item__in=items)
    return set(flagged.values_list("item_id", flat=True))


@transaction.atomic
def _note(version: DatasetVersion, began: datetime, facts: VersionWeighed) -> None:
    version = lock_draft(version)
    version.weighed_at = began
    version.save(update_fields=["weighed_at"])
    append_large(
        kind=kinds.VERSION_WEIGHED,
        facts=facts,
        segments=[Unsealed("version", (HOUSE_SCOPE,), {}, (version,))],
    )
