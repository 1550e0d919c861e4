"""What must be there before anything is recorded: a log, and a key scope for each person."""

import re
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from ledger.errors import FactsRefused
from ledger.keystore.keys import create_key, create_keys
from ledger.models import HOUSE_SCOPE, Log, Retention, Scope
from ledger.record_kinds import LOG_ANNOUNCED, LOG_OPENED, LogAnnounced, LogOpened
from ledger.services.append import DEFAULT_LOG, append
from ledger.signing import read_verifiers

# No dot: `<name>.2` is the path of a log's second incarnation. No underscore: files of an origin
# are named with one in place of the slash.
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")


def open_log(name: str = DEFAULT_LOG) -> Log:
    """Open a log: its first record, which the sequencer makes leaf 0, names origin and keys.

    Every log but the first is announced in the default log, so that none can be added unseen.
    A log that is open stays as it is. Raises FactsRefused for a name that could be taken for
    another log's, in a path or a file name.
    """
    if not NAME_PATTERN.match(name):
        raise FactsRefused("a log is named by lower-case letters, digits and hyphens, 64 at most")
    create_key(HOUSE_SCOPE)
    origin = f"{settings.MUNIMENT_ORIGIN}/{name}"
    vkeys = tuple(verifier.vkey for verifier in read_verifiers(origin))
    with transaction.atomic():
        log, created = Log.objects.get_or_create(name=name)
        if created:
            facts = LogOpened(format="muniment/v1", origin=origin, keys=vkeys)
            append(kind=LOG_OPENED, facts=facts, log=name)
            if name != DEFAULT_LOG:
                append(kind=LOG_ANNOUNCED, facts=LogAnnounced(origin=origin))
    return log


def open_scope(retention: Retention) -> Scope:
    """Create the key scope of a new person, inside the transaction that creates the person.

    The key is committed to the keystore first; when the transaction rolls back, the sweep
    removes the orphan.
    """
    (scope,) = open_scopes(retention, 1)
    return scope


def open_scopes(retention: Retention, count: int) -> list[Scope]:
    """Create the key scopes of ``count`` new persons, as ``open_scope`` does."""
    scopes = [Scope(id=uuid4(), retention=retention) for _ in range(count)]
    create_keys(scope.id for scope in scopes)
    return Scope.objects.bulk_create(scopes, batch_size=2_000)
