"""Asking again what is said of a draft's items where they lie, since more was seen there.

Items are weighed when they come in. What was seen later counts from then on: those that it
reserves are set aside before the draft is frozen, with what was heard; those that it leaves
unclear wait for somebody who decides.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Max, Min

from consent import kinds
from consent.decision import Outcome
from consent.errors import WrongState
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
from consent.observed import Placed, address_of, weigh_placed
from consent.services.arrivals import lock_draft
from consent.services.batches import signals_of
from consent.services.datasets import set_aside
from consent.services.gate import last_done
from consent.services.observing import after_all_observed
from consent.signals.places import resolve
from consent.signals.weighing import Weighing, accepted_question, came_by, since_fetched
from consent.uses import Aside, Use
from consent.vetting.gate import Code
from ledger import binary, vault
from ledger.models import HOUSE_SCOPE
from ledger.sealing import column_place
from ledger.services import Unsealed, append_large

# Items of one transaction, and of one record of those set aside.
PAGE = 1_000
LONGEST_TRANSACTION = timedelta(seconds=30)
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
    if version.weighed_at is None and began is not None:
        # Stored while the items came in, and not to be seen yet.
        began -= LONGEST_TRANSACTION
    asked = version.weighed_at or began
    return asked is not None and last >= asked


def weigh_again(version: DatasetVersion) -> None:
    """Set aside the items of a draft that are reserved where they lie, on the record.

    Does nothing unless something was seen at any source since they were asked about. Raises
    WrongState where some are unclear by now, and nobody has decided about them.
    """
    if version.state != VersionState.DRAFT or not is_outdated(version):
        return
    began, after = after_all_observed(), _FIRST
    looked, against = 0, Counter[Aside]()
    while True:
        page, found, last = _weigh_page(version, after)
        looked, against = looked + page, against + found
        if last is None:
            break
        after = last
    if unclear := against[Aside.SIGNAL_UNCLEAR]:
        pictures = "1 picture" if unclear == 1 else f"{unclear:,} pictures"
        raise WrongState(
            f"what was seen at a source since leaves {pictures} unclear: vet the version again, "
            "and decide"
        )
    _note(version, began, VersionWeighed(items=looked, aside=against[Aside.SIGNAL_RESERVED]))


def weigh_members(
    version: DatasetVersion, members: Iterable[tuple[UUID, Member, UUID]]
) -> dict[UUID, Weighing]:
    """Return by item what was seen of it comes to; ``members`` with the intakes they came by.

    What was taken over from an earlier version is asked about by the intake that it first came by.
    """
    rows = [(pk, member, came_by(member.signals) or intake) for pk, member, intake in members]
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


def reason_against(weighing: Weighing, *answered: str) -> Aside | None:
    """Return why an item is no member any more, if it is not.

    ``answered`` are the questions that somebody decided, as ``Weighing.question``.
    """
    if weighing.outcome is Outcome.REFUSED:
        return Aside.SIGNAL_RESERVED
    if weighing.outcome is Outcome.ALLOWED or weighing.question in answered:
        return None
    return Aside.SIGNAL_UNCLEAR


def accepted_questions(version: DatasetVersion, items: Collection[UUID]) -> dict[UUID, str]:
    """Return by item what somebody accepted of it after the last vetting of a version."""
    vetting = last_done(version) if items else None
    code = Code.SIGNAL_UNCLEAR.value
    accepted = {"code": code, "state": FindingState.ACCEPTED}
    if vetting is None or not vetting.findings.filter(**accepted).exists():
        return {}
    rows = Flagged.objects.filter(vetting=vetting, code=code, item__in=items, detail__isnull=False)
    flagged = list(rows.select_related("item"))
    keys = vault.keys_there({scope for one in flagged for scope in one.scope_ids()})
    return {
        one.item_id: orjson.loads(keys.open(one, "detail"))["question"]
        for one in flagged
        if one.scope_ids() in keys
    }


@transaction.atomic
def _weigh_page(version: DatasetVersion, after: UUID) -> tuple[int, Counter[Aside], UUID | None]:
    """Weigh the next items, and set aside what is reserved.

    Returns how many they are, of how many what stands against them, and the last of them.
    """
    version = lock_draft(version)
    rows = binary.fetch(_ROWS, [version.pk, after, PAGE])
    if not rows:
        return 0, Counter(), None
    keys = vault.keys_there({scope for _, _, scopes, _ in rows for scope in scopes})
    members = {
        pk: (read_opening(keys.open_bytes(scopes, _OPENING + pk.bytes, bytes(opening)))[0], intake)
        for pk, opening, scopes, intake in rows
        if scopes in keys
    }
    weighed = weigh_members(version, ((pk, *both) for pk, both in members.items()))
    accepted = accepted_questions(version, weighed)
    against: dict[Aside, list[UUID]] = {}
    for pk, weighing in weighed.items():
        answered = accepted_question(members[pk][0].signals), accepted.get(pk, "")
        if reason := reason_against(weighing, *answered):
            against.setdefault(reason, []).append(pk)
    _take_out(version, Aside.SIGNAL_RESERVED, against.get(Aside.SIGNAL_RESERVED, ()), weighed)
    return (
        len(rows),
        Counter({reason: len(items) for reason, items in against.items()}),
        rows[-1][0],
    )


def _take_out(
    version: DatasetVersion,
    reason: Aside,
    items: Sequence[UUID],
    weighed: Mapping[UUID, Weighing],
) -> None:
    why = list(signals_of(weighed[pk] for pk in items))
    set_aside(version, Item.objects.filter(pk__in=items), reason, why)


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
