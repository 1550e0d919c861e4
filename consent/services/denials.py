"""Put on record that somebody with an account was refused."""

from django.db import transaction

from consent.kinds import ACCESS_DENIED, AccessDenied, Face
from consent.models import Account
from consent.services.authority import by
from ledger.services import append


def record_denial(*, account: Account, face: Face, view: str) -> None:
    """Record one refusal in a transaction of its own; ``view`` is the name of the address.

    A name, never the path: in a path stand the ids of others. Raises ScopeGone when the account
    is being erased.
    """
    with transaction.atomic(durable=True):
        append(kind=ACCESS_DENIED, facts=AccessDenied(face=face), segments=[by(account, view=view)])
