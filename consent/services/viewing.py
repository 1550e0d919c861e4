"""Looking at sealed files, on the record: thumbnails, portraits, packages, evidence."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from consent.models import Subject
from consent.services.authority import Party, require_party
from ledger import vault
from ledger.models import Recorded, SealedFile
from ledger.record_kinds import VALUES_DISCLOSED, DisclosureReason, ValuesDisclosed
from ledger.services import Unsealed, append, open_file


@dataclass(frozen=True)
class Sealed:
    """A file that somebody asks to see, and the row and column that name it."""

    row: Recorded
    column: str

    @property
    def file(self) -> SealedFile:
        """Return the file itself."""
        file: SealedFile = getattr(self.row, self.column)
        return file


def view_files(
    *, reader: Party, permission: str, reason: DisclosureReason, wanted: Sequence[Sealed]
) -> dict[UUID, bytes]:
    """Return the content of sealed files by row id; those of erased people are left out.

    Commits the record of who saw what before it opens anything. Raises NotPermitted, Unknown,
    and RuntimeError inside a transaction.
    """
    with transaction.atomic():
        require_party(reader, permission, _owner(wanted))
    there = vault.keys_there({scope for item in wanted for scope in item.file.scopes})
    readable = [item for item in wanted if item.file.scope_ids() in there]
    if not readable:
        return {}
    facts = ValuesDisclosed(reason=reason, count=len(readable))
    told = {"reason": reason.value, "count": len(readable)}
    with transaction.atomic(durable=True):
        append(
            kind=VALUES_DISCLOSED,
            facts=facts,
            segments=[Unsealed("reader", reader.scope_ids(), told), *_people(readable)],
        )
    # Fetched again behind the record: between the two a person may have been erased.
    keys = vault.keys_there({scope for item in readable for scope in item.file.scopes})
    return {
        item.row.pk: open_file(item.file, keys)
        for item in readable
        if item.file.scope_ids() in keys
    }


def _owner(wanted: Sequence[Sealed]) -> QuerySet:
    """Return the id of the one person whose files these all are; nobody's otherwise."""
    owners = {item.file.scope_ids() for item in wanted}
    scope = next(iter(owners)) if len(owners) == 1 else ()
    people = Subject.objects.filter(scope__in=scope) if len(scope) == 1 else Subject.objects.none()
    return people.values_list("pk", flat=True)


def _people(readable: Sequence[Sealed]) -> list[Unsealed]:
    by_scopes = defaultdict(list)
    for item in readable:
        table = item.row._meta.db_table
        said = {"columns": [item.column], "id": str(item.row.pk), "table": table}
        by_scopes[item.file.scope_ids()].append(said)
    return [Unsealed("subject", scopes, {"read": read}) for scopes, read in by_scopes.items()]
