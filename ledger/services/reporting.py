"""Reporting: programs tell of events elsewhere, many in one request, all recorded or none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction

from ledger import idempotency
from ledger.canonical import JSON, canonical
from ledger.errors import BatchRefused, KindNotOpen
from ledger.kinds import KINDS, Facts, Kind
from ledger.models import Recorded
from ledger.services.append import Unsealed
from ledger.services.bulk import Draft, append_many


@dataclass(frozen=True)
class Event:
    """One event as a program tells it. ``payload`` speaks of nobody but the program itself."""

    kind: Kind
    facts: Facts
    payload: Mapping[str, JSON] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: str, facts: dict[str, Any], payload: dict[str, JSON]) -> "Event":
        """Read an event from plain values.

        Raises UnknownKind, KindNotOpen, FactsRefused, and CanonicalError for a payload outside
        the JSON subset of records.
        """
        asked = KINDS.get(kind)
        if not asked.is_open:
            raise KindNotOpen(f"{kind} is written by the service itself, not by programs")
        canonical(payload)
        return cls(asked, asked.parse_facts(facts), payload)


def report_events(
    *, client: Recorded, key: str, request: bytes, events: Iterable[Event], count: int
) -> list[UUID]:
    """Record ``count`` events on the word of ``client``; return the records' ids, in order.

    A repetition, which has the same ``key`` and ``request``, gets the first one's answer. Raises
    BatchRefused for no event, IdempotencyConflict, ScopeGone; errors that ``events`` raises pass,
    and leave nothing behind.
    """
    if not count:
        raise BatchRefused("a batch has at least one line")
    with transaction.atomic():
        claim = idempotency.claim(client=client.pk, key=key, request=request)
        if claim.is_replay:
            return list(islice(claim.uuids(), count))
        drafts = (Draft(each.kind, each.facts, (_told_by(client, each),)) for each in events)
        written = append_many(drafts, uuids=claim.uuids())
        claim.settle_records(written[0])
    return written


def _told_by(client: Recorded, event: Event) -> Unsealed:
    said = {"said": dict(event.payload)} if event.payload else {}
    return Unsealed("actor", client.scope_ids(), {"account": str(client.pk), **said})
