"""Who is asking: people by e-mail address and password, programs by their OAuth 2 token."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from oauth2_provider.contrib.rest_framework import OAuth2Authentication

from consent.models import Account


class AddressBackend(BaseBackend):
    """Sign people in by e-mail address; what they may do, their memberships say."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> Account | None:
        """Return the account, or None: unknown, not active and wrong password look alike."""
        if not username or password is None:
            return None
        account = Account.objects.find_by_email(username)
        if account is None:
            # The same work as for a known address, so that the time taken tells nothing.
            make_password(password)
            return None
        return account if account.check_password(password) and account.is_staff else None

    def get_user(self, user_id: UUID) -> Account | None:
        """Return the account of a session, while it is active."""
        account = Account.objects.filter(pk=user_id).first()
        return account if account is not None and account.is_staff else None


class ClientAuthentication(OAuth2Authentication):  # type: ignore[misc]
    """Give a request with a client's token the client's account as its user.

    Tokens of the client credentials grant carry no user; ours belong to the account that their
    application belongs to, and end with it.
    """

    def authenticate(self, request: Any) -> tuple[Account, Any] | None:
        answer = super().authenticate(request)
        if answer is None:
            return None
        _, token = answer
        account = token.application.user if token.application else None
        return (account, token) if account is not None and account.is_active else None
