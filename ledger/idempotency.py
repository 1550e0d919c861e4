"""Idempotency keys: a repeated request gets the first one's answer, another one is refused.

The key is claimed before the domain rows, in their transaction: a second request with the same
key waits there until the first has committed or rolled back.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from ledger.errors import AnswerGone, IdempotencyConflict, OffTheRecord
from ledger.models import Recorded, RequestKey
from ledger.private_files import read_private

KEPT = timedelta(days=1)

Row = TypeVar("Row", bound=Recorded)


@dataclass(frozen=True)
class Claim:
    """A claimed key: new, to be settled with the row that answers, or a repeated one."""

    key: int
    row: UUID | None
    mac: bytes = b""

    @property
    def is_replay(self) -> bool:
        return self.row is not None

    def answer(self, model: type[Row]) -> Row:
        """Return the row that answered this request before. Raises AnswerGone once it is erased."""
        row = model._default_manager.filter(pk=self.row).first()
        if row is None:
            raise AnswerGone("what this request was answered with has been erased")
        return row

    def settle(self, row: Recorded) -> None:
        """Remember ``row`` and its record as the answer, in the claiming transaction."""
        RequestKey.objects.filter(pk=self.key).update(record=row.record, row=row.pk)

    def uuids(self) -> Iterator[UUID]:
        """Yield ids for the records of a request that answers with records alone.

        A repetition gets the same ones; nobody without the installation's key can tell them from
        random ones.
        """
        secret = read_private(settings.MUNIMENT_KEYS / "index.key")
        asked = b"record\0" + self.key.to_bytes(8, "big") + self.mac
        for number in count():
            tag = hmac.digest(secret, asked + number.to_bytes(8, "big"), "sha256")
            yield UUID(bytes=tag[:16], version=4)

    def settle_records(self, first: UUID) -> None:
        """Remember that records answer, ``first`` the first of ``uuids``."""
        RequestKey.objects.filter(pk=self.key).update(record=first, row=first)


def claim(*, client: UUID, key: str, request: bytes) -> Claim:
    """Claim ``key`` for ``client``; ``request`` is what must be equal in a retry.

    Must run inside ``transaction.atomic``. Raises IdempotencyConflict when the key was used with
    other content or was never settled, OffTheRecord outside a transaction.
    """
    if not connection.in_atomic_block:
        raise OffTheRecord("an idempotency key was claimed outside a transaction")
    mac = _mac(client, request)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_requestkey (client, key, mac, expires_at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (client, key) DO NOTHING RETURNING id",
            [client, key, mac, timezone.now() + KEPT],
        )
        if inserted := cursor.fetchone():
            return Claim(inserted[0], None, mac)
    held = RequestKey.objects.get(client=client, key=key)
    if not hmac.compare_digest(held.mac, mac):
        raise IdempotencyConflict("this idempotency key was used before with other content")
    if held.row is None:
        raise IdempotencyConflict("this idempotency key was used before and left no answer")
    return Claim(held.pk, held.row, mac)


def sweep_expired() -> int:
    """Forget keys past their term; return how many."""
    deleted, _ = RequestKey.objects.filter(expires_at__lt=timezone.now()).delete()
    return deleted


def _mac(client: UUID, request: bytes) -> bytes:
    key = read_private(settings.MUNIMENT_KEYS / "index.key")
    return hmac.new(key, b"request\0" + client.bytes + request, hashlib.sha256).digest()
