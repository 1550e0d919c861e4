"""Who acts, whether they may, and on what: the first lines of every service."""

from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from consent.errors import NotPermitted, TermsRefused, Unknown
from consent.models import Account, Membership, MembershipState, Representation, Subject
from consent.moment import database_now
from consent.roles import RoleCode
from consent.uses import Assurance, Capacity, Method
from ledger.models import HOUSE_SCOPE
from ledger.services import Unsealed

ADMINISTRATORS = 2


class Operator:
    """Whoever runs a command on the machine itself: trusted with it anyway, and said so."""


OPERATOR = Operator()
Actor = Account | Operator


@dataclass(frozen=True)
class Visitor:
    """A person concerned who showed, by a link sent there, that an address of theirs is theirs.

    They act for themself, or by ``representation`` for one whom they speak for; never for others.
    """

    subject: Subject
    representation: Representation | None = None

    method = Method.PORTAL
    assurance = Assurance.KNOWN_CONTACT

    def scope_ids(self) -> tuple[UUID, ...]:
        """Return the key scopes under which it is recorded what they did."""
        return self.subject.scope_ids()

    def has_perm(self, _permission: str, _obj: object = None) -> bool:
        """Say that no role allows a person anything: ``require_party`` asks whose matter it is."""
        return False

    @property
    def acts_for(self) -> UUID:
        """Return the id of the person in whose matters they act."""
        return self.representation.subject_id if self.representation else self.subject.pk

    @property
    def capacity(self) -> Capacity:
        """Return in what capacity they act."""
        return Capacity(self.representation.capacity) if self.representation else Capacity.SELF


# Whoever may speak in a person's matters: our own people, and the person.
Party = Account | Visitor
# What people do in their own matters; everything else is not for them.
OWN_MATTERS = frozenset(
    {
        "consent.give_grant",
        "consent.withdraw_grant",
        "consent.open_request",
        "consent.close_request",
        "consent.observe_signal",
        "consent.serve_notice",
        "consent.download_package",
        "consent.issue_receipt",
    }
)

AnyModel = TypeVar("AnyModel", bound=Model)


def require(actor: Actor, permission: str, obj: object = None) -> None:
    """Raise NotPermitted unless a role of ``actor`` allows ``permission`` on ``obj``."""
    if not isinstance(actor, Operator) and not actor.has_perm(permission, obj):
        raise NotPermitted(f"this needs a role that allows {permission}")


def require_party(actor: Actor | Visitor, permission: str, whose: QuerySet) -> None:
    """As ``require``, and a person concerned may in the matters of the one they act for.

    ``whose`` yields the id of the person whose matter it is. What is not theirs is unknown to
    them. Locks what they speak by, so that its end is before or behind what they say. Raises
    NotPermitted, Unknown.
    """
    if not isinstance(actor, Visitor):
        return require(actor, permission)
    if permission not in OWN_MATTERS:
        raise NotPermitted("this is not a person's own matter")
    if whose.first() not in Subject.objects.selves(actor.acts_for).values_list("pk", flat=True):
        raise Unknown("nothing of the person has this id")
    if actor.representation is not None:
        selves = Subject.objects.selves(actor.subject.pk)
        rows = Representation.objects.filter(representative__in=selves)
        row = lock(rows, actor.representation.pk)
        if not row.period.covers(database_now()):
            raise NotPermitted("whoever acts no longer speaks for the person")
    return None


def require_anywhere(actor: Account, permission: str) -> None:
    """Raise NotPermitted unless a role allows ``permission`` in the house or in some project."""
    if not actor.has_perm_anywhere(permission):
        raise NotPermitted(f"this needs a role that allows {permission}")


def method_of(actor: Party, said: Method) -> Method:
    """Return how something reached us: from a person concerned, through the portal."""
    return actor.method if isinstance(actor, Visitor) else said


def by(actor: Actor | Visitor, **said: Any) -> Unsealed:
    """Return the segment that says who acted; it speaks of that account or person only."""
    if isinstance(actor, Visitor):
        who = "subject" if actor.representation is None else actor.capacity.value
        return Unsealed("actor", (actor.subject.scope_id,), {"actor": who, **said})
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
