"""Epochs close by themselves: at five people, or thirty days after the first destruction."""

from datetime import timedelta

from django.db.models import Min, Sum
from django.utils import timezone

from ledger.keystore.models import ShredList
from ledger.services.shred import close_epoch

CLOSES_AT_PEOPLE = 5
CLOSES_AFTER = timedelta(days=30)


def close_due_epoch() -> bool:
    """Close the epoch if it is due; return whether it was. Safe to repeat."""
    open_ = ShredList.objects.aggregate(people=Sum("people"), since=Min("created_at"))
    if open_["since"] is None:
        return False
    is_old = open_["since"] <= timezone.now() - CLOSES_AFTER
    if not is_old and open_["people"] < CLOSES_AT_PEOPLE:
        return False
    return close_epoch() is not None
