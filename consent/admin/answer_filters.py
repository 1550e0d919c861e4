"""By what answers are found on screens, besides their columns."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from consent import profiles
from consent.majority import find_all_outgrown, find_outgrown
from consent.models import Grant, GrantState
from consent.moment import database_now
from consent.uses import Capacity


class OfAgeFilter(admin.SimpleListFilter):
    """Answers by, or for, children who come of age soon, or did."""

    title = "comes of age"
    parameter_name = "of_age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        days = profiles.load().renewal.ask_before.days
        return [("soon", f"within {days} days"), ("past", "already")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:  # noqa: ARG002
        """Return the answers in force, by when a guardian's word ends or by the birth date."""
        if self.value() not in {"soon", "past"}:
            return queryset
        now = database_now()
        given = queryset.filter(state=GrantState.GIVEN)
        by_guardian = Q(capacity=Capacity.GUARDIAN.value)
        if self.value() == "past":
            return given.filter(
                by_guardian & Q(power_until__lte=now) | Q(pk__in=find_all_outgrown(now))
            )
        soon = now + profiles.load().renewal.ask_before
        return given.filter(
            by_guardian & Q(power_until__gt=now, power_until__lte=soon)
            | Q(pk__in=find_outgrown(now, soon))
        )
