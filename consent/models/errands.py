"""Errands: that a worker should do something, and who is at it. Queues, no part of the record."""

from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import models

from consent.moment import database_now

AnyErrand = TypeVar("AnyErrand", bound="WorkErrand")


class LeaseLost(Exception):
    """Somebody else has taken the errand over meanwhile: nothing may be written for it."""


class ErrandQuerySet(models.QuerySet[AnyErrand], Generic[AnyErrand]):
    """Reads and leases of one sort of errands."""

    def due(self) -> "list[UUID]":
        """Return the ids of those that nobody is at."""
        return list(self.filter(due_at__lte=database_now()).values_list("pk", flat=True))

    def lease(self, pk: UUID, term: timedelta) -> AnyErrand | None:
        """Take an errand for ``term``; None when there is none, or somebody is at it.

        Whoever takes longer renews it; whoever dies loses it when the term is over.
        """
        now = database_now()
        errand = self.filter(pk=pk, due_at__lte=now).first()
        if errand is None:
            return None
        mine = self.model._default_manager.filter(pk=pk, due_at=errand.due_at)
        attempts = errand.attempts + 1
        if not mine.update(due_at=now + term, attempts=attempts):
            return None
        errand.due_at, errand.attempts = now + term, attempts
        return errand

    def renew(self, pk: UUID, term: timedelta, **progress: Any) -> None:
        """Leave an errand to whoever is at it for ``term`` from now, and note how far it is."""
        self.model._default_manager.filter(pk=pk).update(due_at=database_now() + term, **progress)

    def keep(self, mine: AnyErrand, term: timedelta, **progress: Any) -> None:
        """Renew an errand as leased. Raises LeaseLost when somebody else leased it since."""
        held = self._held(mine)
        if not held.update(due_at=database_now() + term, **progress):
            raise LeaseLost("somebody else is at this meanwhile")

    def hold(self, mine: AnyErrand) -> None:
        """Let nobody else lease an errand before the transaction ends. Raises LeaseLost."""
        if not self._held(mine).select_for_update().exists():
            raise LeaseLost("somebody else is at this meanwhile")

    def _held(self, mine: AnyErrand) -> "models.QuerySet[Any]":
        # Each lease counts, so that the count tells one from every other.
        return self.model._default_manager.filter(pk=mine.pk, attempts=mine.attempts)


class WorkErrand(models.Model):
    """One thing for a worker to do: when it is due, and how often it was begun."""

    due_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)

    objects = ErrandQuerySet.as_manager()

    class Meta:
        abstract = True
