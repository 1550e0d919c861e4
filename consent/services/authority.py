"""Who acts, whether they may, and on what: the first lines of every service."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from consent.errors import NotPermitted, TermsRefused, Unknown
from consent.models import Account, Membership, MembershipState
from consent.roles import RoleCode
from ledger.models import HOUSE_SCOPE
from ledger.services import Unsealed

ADMINISTRATORS = 2


class Operator:
    """Whoever runs a command on the machine itself: trusted with it anyway, and said so."""


OPERATOR = Operator()
Actor = Account | Operator

AnyModel = TypeVar("AnyModel", bound=Model)


def require(actor: Actor, permission: str, obj: object = None) -> None:
    """Raise NotPermitted unless a role of ``actor`` allows ``permission`` on ``obj``."""
    if isinstance(actor, Account) and not actor.has_perm(permission, obj):
        raise NotPermitted(f"this needs a role that allows {permission}")


def require_anywhere(actor: Account, permission: str) -> None:
    """Raise NotPermitted unless a role allows ``permission`` in the house or in some project."""
    if not actor.has_perm_anywhere(permission):
        raise NotPermitted(f"this needs a role that allows {permission}")


def by(actor: Actor, **said: Any) -> Unsealed:
    """Return the segment that says who acted; it speaks of that account only."""
    if isinstance(actor, Operator):
        return Unsealed("actor", (HOUSE_SCOPE,), {"account": "operator", **said})
    return Unsealed("actor", (actor.scope_id,), {"account": str(actor.pk), **said})


def get(rows: QuerySet[AnyModel], pk: UUID) -> AnyModel:
    """Return the row of ``rows`` with this id. Raises Unknown."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Unknown(f"no {rows.model._meta.verbose_name} has this id")
    return row


def lock(rows: QuerySet[AnyModel], pk: UUID) -> AnyModel:
    """Return the row with this id, locked until the transaction ends. Raises Unknown."""
    return get(rows.select_for_update(of=("self",)), pk)


def keep_administrators(leaving: Account) -> None:
    """Raise TermsRefused when too few user administrators would be left without ``leaving``.

    Locks their memberships, so that the last ones cannot leave at the same time.
    """
    administrators = Membership.objects.select_for_update().filter(
        role=RoleCode.USER_ADMINISTRATOR.value, state=MembershipState.ACTIVE
    )
    holders = {membership.account_id for membership in administrators}
    if leaving.pk in holders and len(holders) <= ADMINISTRATORS:
        raise TermsRefused(f"{ADMINISTRATORS} user administrators must stay")
