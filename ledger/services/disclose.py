"""Disclose: open sealed values for a person to read, on the record."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from ledger import vault
from ledger.models import Recorded
from ledger.record_kinds import VALUES_DISCLOSED, DisclosureReason, ValuesDisclosed
from ledger.services.append import Unsealed, append
from ledger.services.files import open_file

Values = dict[UUID, dict[str, bytes]]


@dataclass(frozen=True)
class Disclosure:
    """What somebody asks to read: some sealed columns of one row, and sealed files it points at.

    ``files`` are names of foreign keys to SealedFile; their rows have the scopes of ``row``.
    """

    row: Recorded
    columns: tuple[str, ...]
    files: tuple[str, ...] = ()


def disclose(*, reader: UUID, reason: DisclosureReason, wanted: Sequence[Disclosure]) -> Values:
    """Open sealed columns for the person whose key scope is ``reader``.

    Commits its access record before it answers: one for a whole page, with the reader's segment
    (reason and count) and a segment for each person read. Returns the opened columns by row id;
    a row whose person is gone is left out, and so is an empty column. Raises RuntimeError inside
    a transaction, since what could still roll back is not on record.
    """
    scopes = {scope for item in wanted for scope in item.row.scope_ids()}
    with transaction.atomic(durable=True):
        there = vault.keys_there(scopes)
        readable = [item for item in wanted if item.row.scope_ids() in there]
        if not readable:
            return {}
        facts = ValuesDisclosed(reason=reason, count=len(readable))
        append(
            kind=VALUES_DISCLOSED,
            facts=facts,
            segments=[_reader(reader, facts), *_people(readable)],
        )
    # Fetched again behind the record: between the two a person may have been erased.
    keys = vault.keys_there(scopes)
    return {item.row.pk: _open(item, keys) for item in readable if item.row.scope_ids() in keys}


def _open(item: Disclosure, keys: vault.Keys) -> dict[str, bytes]:
    columns = {name: keys.open(item.row, name) for name in item.columns if _sealed(item, name)}
    files = {
        name: open_file(getattr(item.row, name), keys) for name in item.files if _sealed(item, name)
    }
    return columns | files


def _reader(reader: UUID, facts: ValuesDisclosed) -> Unsealed:
    payload: dict[str, Any] = {"reason": facts.reason.value, "count": facts.count}
    return Unsealed("reader", (reader,), payload)


def _people(readable: Sequence[Disclosure]) -> list[Unsealed]:
    by_scopes = defaultdict(list)
    for item in readable:
        said = {
            "columns": sorted((*item.columns, *item.files)),
            "id": str(item.row.pk),
            "table": item.row._meta.db_table,
        }
        by_scopes[tuple(sorted(item.row.scope_ids()))].append(said)
    return [Unsealed("subject", scopes, {"read": read}) for scopes, read in by_scopes.items()]


def _sealed(item: Disclosure, column: str) -> bool:
    return bool(getattr(item.row, column))
