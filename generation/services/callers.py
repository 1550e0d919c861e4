"""Who asks, and under which idempotency key."""

from collections.abc import Mapping
from dataclasses import dataclass

from consent.models import Account
from ledger import idempotency
from ledger.canonical import JSON, canonical


@dataclass(frozen=True)
class Caller:
    """An account that writes through the API, and the key of this one request."""

    account: Account
    key: str

    def claim(self, asked: Mapping[str, JSON]) -> idempotency.Claim:
        """Claim the key for ``asked``; see ``ledger.idempotency.claim``.

        Raises CanonicalError for what lies outside our JSON subset: floats, large integers.
        """
        request = canonical(dict(asked))
        return idempotency.claim(client=self.account.pk, key=self.key, request=request)
