"""Continue a log that a restored database cannot go on with, as its next incarnation.

What is written here is leaf 0 to be. Only the sequencer opens the incarnation, once it finds the
same of database and anchors as that record says: a command cannot continue what it did not see.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from ledger.incarnations import (
    origin_of,
    parse_opening,
    predecessor_of,
    read_lives,
    verify_rolled_back,
)
from ledger.keystore.keys import create_key
from ledger.models import HOUSE_SCOPE, Log, Pending
from ledger.record_kinds import LOG_ANNOUNCED, LOG_OPENED, LogAnnounced, LogOpened, Predecessor
from ledger.services.append import DEFAULT_LOG, append
from ledger.signing import create_log_keys, read_verifiers

# "continue" in ASCII.
_LOCK = 0x636F6E74696E7565


@dataclass(frozen=True)
class Continuation:
    """The next incarnation of a log: its origin, and what is kept of each one before it."""

    origin: str
    predecessors: tuple[Predecessor, ...]


def plan_continuation(log: str) -> Continuation:
    """Return how ``log`` would be continued; changes nothing.

    Raises LogGoesOn when it can go on as it is, or was never opened, and AnchorRefused while an
    anchor is missing, damaged or an older copy: what was published must be known first.
    """
    lives = read_lives(log)
    verify_rolled_back(lives)
    origin = origin_of(log, lives[-1].ordinal + 1)
    return Continuation(origin, tuple(predecessor_of(life) for life in lives))


def continue_log(log: str) -> Continuation:
    """Make keys for the next incarnation of ``log``, and queue the record that opens it.

    Safe to repeat: what is queued already is not queued twice. Raises as ``plan_continuation``.
    """
    planned = plan_continuation(log)
    create_log_keys(planned.origin)
    create_key(HOUSE_SCOPE)
    vkeys = tuple(verifier.vkey for verifier in read_verifiers(planned.origin))
    facts = LogOpened(
        format="muniment/v1",
        origin=planned.origin,
        keys=vkeys,
        predecessors=planned.predecessors,
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        row, _ = Log.objects.get_or_create(name=log)
        if facts not in _queued(row):
            append(kind=LOG_OPENED, facts=facts, log=log)
            if log != DEFAULT_LOG:
                append(kind=LOG_ANNOUNCED, facts=LogAnnounced(origin=planned.origin))
    return planned


def _queued(log: Log) -> Iterator[LogOpened | None]:
    waiting = Pending.objects.filter(record__log=log).values_list("record__body", flat=True)
    return (parse_opening(bytes(body)) for body in waiting.iterator())
