"""Who a command acts for: an account, or whoever runs it on the machine itself."""

from django.core.management.base import CommandError

from consent.models import Account
from consent.services.authority import OPERATOR, Actor


def find_actor(address: str | None) -> Actor:
    """Return the account with this e-mail address, without one the operator."""
    if address is None:
        return OPERATOR
    account = Account.objects.find_by_email(address)
    if account is None:
        raise CommandError("no account has that e-mail address")
    return account
