"""Who works here: accounts of persons and programs, projects, and roles held in them."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import F, Q

from consent.identity import email_form
from consent.models.choices import one_of
from consent.roles import ROLES, AccountKind, RoleCode
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded, Scope
from ledger.vault import blind_index

KINDS = [(AccountKind.PERSON.value, "person"), (AccountKind.CLIENT.value, "program")]


class AccountState(models.TextChoices):
    """An account is put forward by one person and let in by another."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    ENDED = "ended"


class AccountQuerySet(models.QuerySet["Account"]):
    """What many accounts know."""

    def find_by_email(self, address: str) -> "Account | None":
        """Return the account that signs in with ``address``, whatever its case."""
        return self.filter(email_index=Account.index_email(address)).first()


class Account(AbstractBaseUser, Recorded):
    """A person or a program that may sign in. What it may do follows from its memberships alone.

    There is no user name and no superuser. Name and address are sealed under the account's own
    scope; the blind index finds the address at sign-in.
    """

    kind = models.CharField(max_length=10, choices=KINDS)
    state = models.CharField(
        max_length=10, choices=AccountState, default=AccountState.PROPOSED, editable=False
    )
    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
    name = SealedField()
    email = SealedField(null=True)
    email_index = DigestField(
        "e-mail address", null=True, unique=True, help_text="Blind index of the address."
    )
    proposed_by = models.ForeignKey("self", models.PROTECT, related_name="+")
    approved_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    # A time of last sign-in would change the row off the record.
    last_login = None
    is_superuser: ClassVar[bool] = False

    USERNAME_FIELD = "email_index"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            one_of("account", "kind", AccountKind),
            models.CheckConstraint(
                condition=Q(state="proposed") | Q(approved_by__isnull=False),
                name="account_let_in_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("proposed_by")) & ~Q(approved_by=F("id")),
                name="account_let_in_by_another",
            ),
            models.CheckConstraint(
                condition=Q(kind="person", email__isnull=False, email_index__isnull=False)
                | Q(kind="client", email__isnull=True, email_index__isnull=True),
                name="account_person_has_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.id)[:8]}"

    @staticmethod
    def index_email(address: str) -> bytes:
        """Return the blind index under which ``address`` is found."""
        return blind_index("account.email", email_form(address))

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.scope_id,)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Return whether the account may sign in at all."""
        return self.state == AccountState.ACTIVE

    @property
    def is_staff(self) -> bool:
        """Return whether the account may open the admin: any active person may."""
        return self.is_active and self.kind == AccountKind.PERSON

    def get_short_name(self) -> str:
        """Return how screens address the account; its name is sealed."""
        return str(self)

    def get_full_name(self) -> str:
        """Return what somebody who is signed in reads of themselves: what they are here."""
        roles = dict.fromkeys(held.get_role_display() for held in self._held)
        return f"{', '.join(roles).capitalize()} {str(self.id)[:8]}" if roles else ""

    def check_password(self, raw_password: str | None) -> bool:
        # Without Django's setter: a hash renewed on the way would change the row off the record.
        return check_password(raw_password, self.password)

    @cached_property
    def _held(self) -> "list[Membership]":
        return list(self.memberships.filter(state=MembershipState.ACTIVE)) if self.is_active else []

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Return whether a membership allows ``perm`` on ``obj``.

        ``obj`` may be a project or a row that belongs to one; organisation-wide memberships
        count everywhere, those in a project only there. Without ``obj`` only the former count.
        """
        project = project_of(obj)
        return any(
            membership.allows(perm) and membership.project_id in {None, project}
            for membership in self._held
        )

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        """Return whether the account has each of the permissions."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_perm_anywhere(self, perm: str) -> bool:
        """Return whether ``perm`` holds organisation-wide or in some project."""
        return any(membership.allows(perm) for membership in self._held)

    def has_module_perms(self, app_label: str) -> bool:
        """Return whether any role held speaks of ``app_label``."""
        return any(
            pattern.startswith(f"{app_label}.")
            for membership in self._held
            for pattern in ROLES[RoleCode(membership.role)].permissions
        )

    def projects_with(self, perm: str) -> "models.QuerySet[Project]":
        """Return the projects in which ``perm`` holds; all, where it holds organisation-wide."""
        if self.has_perm(perm):
            return Project.objects.all()
        allowed = [m.project_id for m in self._held if m.project_id and m.allows(perm)]
        return Project.objects.filter(pk__in=allowed)


class Project(Recorded):
    """A piece of work with its own team, data sets and runs."""

    code = models.SlugField(
        max_length=50, unique=True, help_text="Letters, digits, hyphens; never a person's name."
    )

    def __str__(self) -> str:
        return self.code


class MembershipState(models.TextChoices):
    """A role is put forward by one person and granted by another."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    ENDED = "ended"


class Membership(Recorded):
    """One role that one account holds, organisation-wide or in one project."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="memberships")
    role = models.CharField(
        max_length=20, choices=[(code.value, code.value.replace("_", " ")) for code in RoleCode]
    )
    project = models.ForeignKey(
        Project,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
        help_text="Empty: organisation-wide.",
    )
    state = models.CharField(
        max_length=10, choices=MembershipState, default=MembershipState.PROPOSED, editable=False
    )
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "role"
        constraints = [
            one_of("membership", "role", RoleCode),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(approved_by__isnull=False),
                name="membership_granted_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("proposed_by")) & ~Q(approved_by=F("account")),
                name="membership_granted_by_another",
            ),
            models.UniqueConstraint(
                fields=["account", "role", "project"],
                condition=~Q(state="ended"),
                nulls_distinct=False,
                name="membership_held_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.project or 'organisation-wide'}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.account.scope_id,)

    @property
    def is_active(self) -> bool:
        """Return whether the role counts."""
        return self.state == MembershipState.ACTIVE

    def allows(self, perm: str) -> bool:
        """Return whether the role carries ``perm``, wherever it is held."""
        return ROLES[RoleCode(self.role)].allows(perm)


def project_of(obj: object) -> Any:
    """Return the id of the project that ``obj`` is or belongs to, or None."""
    if isinstance(obj, Project):
        return obj.pk
    return getattr(obj, "project_id", None)
