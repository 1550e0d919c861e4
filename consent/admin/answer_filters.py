"""By what answers are found on screens, besides their columns."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from consent import profiles
from consent.models import Grant, GrantState
from consent.moment import database_now
from consent.uses import Capacity


class OfAgeFilter(admin.SimpleListFilter):
    """Answers of guardians for those who come of age soon, or did."""

    title = "guardian's word ends"
    parameter_name = "of_age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        days = profiles.load().renewal.ask_before.days
        return [("soon", f"within {days} days"), ("past", "already")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:  # noqa: ARG002
        """Return the answers in force that a guardian gave, by when the guardian's word ends."""
        if self.value() not in {"soon", "past"}:
            return queryset
        now = database_now()
        given = queryset.filter(capacity=Capacity.GUARDIAN.value, state=GrantState.GIVEN)
        if self.value() == "past":
            return given.filter(power_until__lte=now)
        soon = now + profiles.load().renewal.ask_before
        return given.filter(power_until__gt=now, power_until__lte=soon)
