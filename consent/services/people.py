"""Accounts: opening the service, letting people and programs in, and showing them out."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from oauth2_provider.models import get_application_model

from consent import kinds
from consent.errors import (
    AlreadyKnown,
    AlreadyOpened,
    SignInRefused,
    TermsRefused,
    TwoPeopleNeeded,
    WrongState,
)
from consent.identity import is_email, is_name
from consent.kinds import AccountFacts, ServiceOpened
from consent.models import Account, AccountState, Membership, MembershipState
from consent.roles import AccountKind, RoleCode
from consent.services.authority import ADMINISTRATORS, by, keep_administrators, lock, require
from ledger import vault
from ledger.kinds import Kind, NoFacts
from ledger.models import Retention
from ledger.services import Unsealed, append, open_scope


@dataclass(frozen=True)
class Newcomer:
    """Somebody who is to get an account: a person has an address, a program has none."""

    name: str
    email: str | None = None

    @property
    def kind(self) -> AccountKind:
        """Return who stands behind the account."""
        return AccountKind.PERSON if self.email else AccountKind.CLIENT


@dataclass(frozen=True)
class SignIn:
    """A one-time way in: whoever holds it sets the account's password, once, within days."""

    account: Account
    token: str

    @property
    def path(self) -> str:
        """Return the address of the page, below the service's own."""
        return f"/sign-in/{self.account.pk}/{self.token}/"


@dataclass(frozen=True)
class Credentials:
    """OAuth 2 client credentials; the secret is shown this once."""

    client_id: str
    client_secret: str


class _Tokens(PasswordResetTokenGenerator):
    """Tokens that end with the password they were made for: used once, they are spent."""

    key_salt = "consent.services.people.sign-in"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk}{user.password}{user.state}{timestamp}"


TOKENS = _Tokens()


@transaction.atomic
def open_service(founders: Sequence[Newcomer]) -> list[SignIn]:
    """Create the first two accounts, user administrators who stand for each other.

    Works only while no account exists: raises AlreadyOpened. Raises TermsRefused unless there
    are two people with different addresses.
    """
    if (
        len(founders) != ADMINISTRATORS
        or len({founder.email for founder in founders}) != ADMINISTRATORS
    ):
        raise TermsRefused(f"service is opened by {ADMINISTRATORS} people with different addresses")
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE consent_account IN SHARE ROW EXCLUSIVE MODE")
    if Account.objects.exists():
        raise AlreadyOpened("the service has accounts: further ones are proposed and approved")
    accounts = [_insert_account(founder, proposed_by=None) for founder in founders]
    segments = []
    for account, other in zip(accounts, reversed(accounts), strict=True):
        membership = Membership(
            account=account, role=RoleCode.USER_ADMINISTRATOR.value, proposed_by=account
        )
        membership.save(force_insert=True)
        _activate(account, AccountState.ACTIVE, other)
        _activate(membership, MembershipState.ACTIVE, other)
        segments.append(Unsealed("founder", account.scope_ids(), {}, (account, membership)))
    append(
        kind=kinds.SERVICE_OPENED,
        facts=ServiceOpened(administrators=ADMINISTRATORS),
        segments=segments,
    )
    return [SignIn(account, TOKENS.make_token(account)) for account in accounts]


@transaction.atomic
def propose_account(*, actor: Account, newcomer: Newcomer) -> Account:
    """Put somebody forward; the account can do nothing until another person approves it.

    Raises NotPermitted, TermsRefused for a bad name or address, AlreadyKnown for an address that
    an account has.
    """
    require(actor, "consent.propose_account")
    account = _insert_account(newcomer, proposed_by=actor)
    append(
        kind=kinds.ACCOUNT_PROPOSED,
        facts=AccountFacts(kind=newcomer.kind),
        segments=[Unsealed("newcomer", account.scope_ids(), {}, (account,)), by(actor)],
    )
    return account


@transaction.atomic
def approve_account(*, actor: Account, account_id: UUID) -> SignIn:
    """Let a proposed account in. A person signs in with what this returns; a client does not.

    Raises NotPermitted, WrongState, and TwoPeopleNeeded to whoever proposed it or owns it.
    """
    require(actor, "consent.approve_account")
    account = _lock_account(account_id, AccountState.PROPOSED)
    _refuse_own(actor, account.proposed_by_id, account.pk)
    _activate(account, AccountState.ACTIVE, actor)
    _append_change(kinds.ACCOUNT_APPROVED, actor, account)
    return SignIn(account, TOKENS.make_token(account))


@transaction.atomic
def end_account(*, actor: Account, account_id: UUID) -> Account:
    """Show somebody out: the account and all its memberships end at once.

    Raises NotPermitted, WrongState when it has ended already, TermsRefused for the last user
    administrator but one: two must stay, or nobody could be let in any more.
    """
    require(actor, "consent.end_account")
    account = _lock_account(account_id, AccountState.PROPOSED, AccountState.ACTIVE)
    keep_administrators(account)
    memberships = list(account.memberships.exclude(state=MembershipState.ENDED))
    for membership in memberships:
        membership.state = MembershipState.ENDED
        membership.save(update_fields=["state"])
    account.state = AccountState.ENDED
    account.password = make_password(None)
    account.save(update_fields=["state", "password"])
    _append_change(kinds.ACCOUNT_ENDED, actor, account, *memberships)
    return account


@transaction.atomic
def set_password(*, account_id: UUID, token: str, password: str) -> Account:
    """Spend a one-time sign-in. Raises SignInRefused, or TermsRefused for a weak password."""
    account = find_sign_in(account_id=account_id, token=token, lock=True)
    if account is None:
        raise SignInRefused(
            "this sign-in is spent or expired: ask a user administrator for another"
        )
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise TermsRefused(" ".join(error.messages)) from error
    account.password = make_password(password)
    account.save(update_fields=["password"])
    segment = Unsealed("actor", account.scope_ids(), {"account": str(account.pk)}, (account,))
    append(kind=kinds.PASSWORD_SET, facts=NoFacts(), segments=[segment])
    return account


def find_sign_in(*, account_id: UUID, token: str, lock: bool = False) -> Account | None:
    """Return the account that a one-time sign-in lets in, while it is neither spent nor expired."""
    accounts = Account.objects.select_for_update() if lock else Account.objects.all()
    account = accounts.filter(pk=account_id).first()
    if account is None or not account.is_staff or not TOKENS.check_token(account, token):
        return None
    return account


@transaction.atomic
def renew_sign_in(*, actor: Account, account_id: UUID) -> SignIn:
    """Give a person a new one-time sign-in, and end the password they had.

    Raises NotPermitted, WrongState, TwoPeopleNeeded for one's own account.
    """
    require(actor, "consent.issue_credentials")
    account = _lock_account(account_id, AccountState.ACTIVE)
    _refuse_own(actor, account.pk)
    account.password = make_password(None)
    account.save(update_fields=["password"])
    _append_change(kinds.SIGN_IN_RENEWED, actor, account)
    return SignIn(account, TOKENS.make_token(account))


@transaction.atomic
def issue_credentials(*, actor: Account, account_id: UUID) -> Credentials:
    """Give a client account its OAuth 2 credentials, in place of those it had.

    Raises NotPermitted, and WrongState for an account that is no active client.
    """
    require(actor, "consent.issue_credentials")
    account = _lock_account(account_id, AccountState.ACTIVE)
    if account.kind != AccountKind.CLIENT:
        raise WrongState("account is a person's, only programs get client credentials")
    secret = secrets.token_urlsafe(32)
    model = get_application_model()
    application = model.objects.filter(user=account).first() or model(
        user=account,
        name=str(account.pk),
        client_type=model.CLIENT_CONFIDENTIAL,
        authorization_grant_type=model.GRANT_CLIENT_CREDENTIALS,
    )
    application.client_secret = secret
    application.save()
    append(
        kind=kinds.CREDENTIALS_ISSUED,
        facts=NoFacts(),
        segments=[Unsealed("client", account.scope_ids(), {}), by(actor)],
    )
    return Credentials(application.client_id, secret)


def _insert_account(newcomer: Newcomer, *, proposed_by: Account | None) -> Account:
    if not is_name(newcomer.name):
        raise TermsRefused("name is empty, too long or has control characters")
    if newcomer.email is not None and not is_email(newcomer.email):
        raise TermsRefused("e-mail address is malformed")
    account = Account(kind=newcomer.kind.value, scope=open_scope(Retention.STAFF))
    account.proposed_by = proposed_by or account
    account.password = make_password(None)
    sealer = vault.keys(account.scope_ids())
    account.name = sealer.seal(account, "name", newcomer.name.encode())
    if newcomer.email:
        if Account.objects.find_by_email(newcomer.email):
            raise AlreadyKnown("an account has this e-mail address")
        account.email = sealer.seal(account, "email", newcomer.email.encode())
        account.email_index = Account.index_email(newcomer.email)
    account.save(force_insert=True)
    return account


def _lock_account(account_id: UUID, *states: AccountState) -> Account:
    account = lock(Account.objects.all(), account_id)
    if account.state not in states:
        raise WrongState(f"account is {account.state}, wanted {' or '.join(states)}")
    return account


def _activate(row: Account | Membership, state: str, approver: Account) -> None:
    row.state = state
    row.approved_by = approver
    row.save(update_fields=["state", "approved_by"])


def _refuse_own(actor: Account, *others: UUID) -> None:
    if actor.pk in others:
        raise TwoPeopleNeeded("another person must do this")


def _append_change(kind: Kind, actor: Account, account: Account, *rows: Membership) -> None:
    append(
        kind=kind,
        facts=AccountFacts(kind=AccountKind(account.kind)),
        segments=[Unsealed("account", account.scope_ids(), {}, (account, *rows)), by(actor)],
    )
