"""What domain rows have in common: a random id, and the record that last spoke of them."""

from typing import ClassVar
from uuid import UUID, uuid4

from django.apps import apps
from django.db import models

from ledger.models.vault import HOUSE_SCOPE


class Recorded(models.Model):
    """A domain row that cannot change off the record.

    ``append`` puts the digest of all its columns into a segment of the record and points
    ``record`` there; verification joins both ways and names a row that no record explains.
    ``bound_otherwise`` is the SQL condition of rows that something else binds, such as a root
    that stands in a recorded row: a check registered in ``ledger.bindings`` answers for those.
    """

    bound_otherwise: ClassVar[str] = "FALSE"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    record = models.UUIDField(null=True, editable=False, help_text="The newest record of this row.")

    class Meta:
        abstract = True

    def scope_ids(self) -> tuple[UUID, ...]:
        """Return the key scopes that this row's sealed values are sealed under."""
        return (HOUSE_SCOPE,)


def recorded_models() -> list[type[Recorded]]:
    """Return every concrete model of recorded rows, of all installed apps."""
    return [model for model in apps.get_models() if issubclass(model, Recorded)]
