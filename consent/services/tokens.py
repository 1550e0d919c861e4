"""Tokens for programs that cannot ask for a fresh one each time: long-lived, and revocable."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from oauth2_provider.models import get_access_token_model, get_application_model
from oauth2_provider.scopes import get_scopes_backend

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.models import Account, AccountState
from consent.moment import database_now
from consent.roles import AccountKind
from consent.services.authority import Actor, by, lock, require
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append

MAX_DAYS = 366


@transaction.atomic
def issue_token(*, actor: Actor, account_id: UUID, scopes: Collection[str], days: int) -> str:
    """Give a program a bearer token for ``scopes``; it is shown once, only its digest is kept.

    Raises NotPermitted, Unknown, TermsRefused for scopes that are none or a term that is not
    between a day and a year, and WrongState for an account without credentials.
    """
    require(actor, "consent.issue_credentials")
    account = lock(Account.objects.all(), account_id)
    known = get_scopes_backend().get_all_scopes()
    if not scopes or not set(scopes) <= set(known):
        raise TermsRefused(f"scopes must be some of {', '.join(sorted(known))}")
    if not 1 <= days <= MAX_DAYS:
        raise TermsRefused(f"a token holds for 1 to {MAX_DAYS} days, not {days}")
    application = get_application_model().objects.filter(user=account).first()
    if (
        account.state != AccountState.ACTIVE
        or account.kind != AccountKind.CLIENT
        or application is None
    ):
        raise WrongState("account is no active program with credentials: issue those first")
    token = secrets.token_urlsafe(32)
    row = get_access_token_model()(
        user=account,
        application=application,
        token="",
        expires=database_now() + timedelta(days=days),
        scope=" ".join(sorted(scopes)),
    )
    # The library digests what it finds here, and stores nothing else of it.
    row._raw_token = token
    row.save()
    append(
        kind=kinds.TOKEN_ISSUED,
        facts=NoFacts(),
        segments=[Unsealed("client", account.scope_ids(), {"days": days}), by(actor)],
    )
    return token


@transaction.atomic
def revoke_tokens(*, actor: Actor, account_id: UUID) -> int:
    """End all tokens of a program at once; returns how many. Raises NotPermitted, Unknown."""
    require(actor, "consent.issue_credentials")
    account = lock(Account.objects.all(), account_id)
    now = database_now()
    tokens = get_access_token_model().objects.filter(user=account, expires__gt=now)
    ended: int = tokens.update(expires=now)
    append(
        kind=kinds.TOKEN_REVOKED,
        facts=NoFacts(),
        segments=[Unsealed("client", account.scope_ids(), {"tokens": ended}), by(actor)],
    )
    return ended
