"""A batch of items on its way into a draft: what is known when it is judged, and its record."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from consent import kinds
from consent.decisions import find_consenting
from consent.formats.described import DescribedItems
from consent.intake import Known
from consent.kinds import ItemsAdmitted
from consent.models import Intake
from consent.observed import weigh_items
from consent.services.admission import Batch, find_people
from consent.signals.weighing import Weighing, summarise
from consent.uses import Use
from ledger.models import HOUSE_SCOPE
from ledger.services import Unsealed, append_large


def find_known(
    uses: Sequence[Use],
    profile: str,
    items: DescribedItems,
    intake: Intake | None = None,
) -> Known:
    """Return who is named in ``items``, whose consent covers ``uses`` now, and what was seen where
    they lie."""
    people = find_people(set(chain.from_iterable(items.column("depicts"))))
    consenting = find_consenting(people.values(), uses, profile=profile) if people else ()
    observed = weigh_items(items, uses, profile, intake)
    return Known(people, consenting, tuple(uses), observed)


def record_batch(
    intake: Intake, batch: Batch, waiting: int, weighed: Iterable[Weighing] = ()
) -> None:
    """Count a batch in its intake, and record both, with the signals that were weighed for it."""
    intake.item_count += batch.items
    intake.house_count += batch.house
    intake.save(update_fields=["read_to", "item_count", "house_count", "named"])
    append_large(
        kind=kinds.ITEMS_ADMITTED,
        facts=ItemsAdmitted(items=batch.items, quarantined=waiting),
        segments=[
            Unsealed("intake", intake.scope_ids(), {}, (intake,)),
            *signals_of(weighed),
            *batch.segments(),
        ],
    )


def signals_of(weighed: Iterable[Weighing]) -> Iterator[Unsealed]:
    """Yield the segment that says which signals were weighed, which won, and by which rule."""
    if told := summarise(weighed):
        yield Unsealed("signals", (HOUSE_SCOPE,), {"weighed": told})
