"""Looking at sealed files, on the record: thumbnails, portraits, packages, evidence."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from consent.models import BroughtScan, Intake, Item, Quarantined, ReleaseLine, Subject
from consent.services.authority import Actor, Operator, Party, require_party
from ledger import vault
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.record_kinds import VALUES_DISCLOSED, DisclosureReason, ValuesDisclosed
from ledger.services import Unsealed, append, open_file

Opened = TypeVar("Opened", bound=Item | Quarantined | ReleaseLine | BroughtScan)


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


def open_sealed(
    *, reader: Actor, reason: DisclosureReason, column: str, rows: Sequence[Opened]
) -> Iterator[tuple[Opened, bytes]]:
    """Yield ``rows`` of one table with what is sealed in ``column``; those gone are left out.

    Commits the record of who saw how many before the first is opened. The caller has asked
    whether ``reader`` may. At most 250 different people and groups; raises ScopeGone.
    """
    record_reading(reader, reason, column, rows)
    # Fetched again behind the record: between the two a person may have been erased.
    keys = vault.keys_there({scope for row in rows for scope in row.scope_ids()})
    for row in rows:
        if row.scope_ids() in keys:
            yield row, keys.open(row, column)


def record_reading(
    reader: Actor,
    reason: DisclosureReason,
    column: str,
    rows: Sequence[Item | Quarantined | Intake | ReleaseLine | BroughtScan],
) -> None:
    """Commit the record of who is about to see what is sealed in ``column`` of ``rows``."""
    facts = ValuesDisclosed(reason=reason, count=len(rows))
    told: dict[str, Any] = {"reason": facts.reason.value, "count": facts.count}
    groups = {row.scope_ids() for row in rows} - {(HOUSE_SCOPE,)}
    read = {"read": [{"columns": [column], "table": rows[0]._meta.db_table}]}
    who = (HOUSE_SCOPE,) if isinstance(reader, Operator) else reader.scope_ids()
    there = vault.keys_there({scope for row in rows for scope in row.scope_ids()})
    people = [Unsealed("subject", one, read) for one in sorted(groups) if one in there]
    with transaction.atomic():
        append(
            kind=VALUES_DISCLOSED,
            facts=facts,
            segments=[Unsealed("reader", who, told), *people],
        )


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
