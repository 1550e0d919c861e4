"""Projects, and the roles that accounts hold in them or organisation-wide."""

import re
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import AlreadyKnown, RoleConflict, TermsRefused, TwoPeopleNeeded, WrongState
from consent.kinds import MembershipFacts
from consent.models import Account, AccountState, Membership, MembershipState, Project
from consent.roles import ROLES, AccountKind, Level, RoleCode, excluded_by
from consent.services.authority import Actor, by, get, keep_administrators, lock, require
from ledger.kinds import Kind, NoFacts
from ledger.services import Unsealed, append

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_CODE = 50


@transaction.atomic
def open_project(*, actor: Actor, code: str) -> Project:
    """Open a project. Raises NotPermitted, TermsRefused for a bad code, AlreadyKnown."""
    require(actor, "consent.open_project")
    check_code(code)
    if Project.objects.filter(code=code).exists():
        raise AlreadyKnown("a project has this code")
    project = Project(code=code)
    project.save(force_insert=True)
    append(
        kind=kinds.PROJECT_OPENED,
        facts=NoFacts(),
        segments=[Unsealed("project", project.scope_ids(), {}, (project,)), by(actor)],
    )
    return project


@transaction.atomic
def propose_membership(
    *, actor: Account, account_id: UUID, role: RoleCode, project_id: UUID | None = None
) -> Membership:
    """Put an account forward for a role, organisation-wide when no project is named.

    Raises NotPermitted, TermsRefused when the role is not held there or by such accounts,
    RoleConflict when the account holds, or is put forward for, a role that excludes it,
    AlreadyKnown when it holds this one.
    """
    project = get(Project.objects.all(), project_id) if project_id else None
    require(actor, "consent.propose_membership", project)
    account = lock(Account.objects.all(), account_id)
    _check_fit(account, role, project)
    membership = Membership(account=account, role=role.value, project=project, proposed_by=actor)
    membership.save(force_insert=True)
    _append_change(kinds.MEMBERSHIP_PROPOSED, actor, membership)
    return membership


@transaction.atomic
def approve_membership(*, actor: Account, membership_id: UUID) -> Membership:
    """Grant a proposed role; it counts from the account's next request on.

    Raises NotPermitted, WrongState, and TwoPeopleNeeded to whoever proposed or would hold it.
    """
    membership = _lock(membership_id, MembershipState.PROPOSED)
    require(actor, "consent.approve_membership", membership.project)
    if actor.pk in {membership.proposed_by_id, membership.account_id}:
        raise TwoPeopleNeeded("a role is granted by another person than its proposer and holder")
    if membership.account.state != AccountState.ACTIVE:
        raise WrongState(f"account is {membership.account.state}, wanted active")
    membership.state = MembershipState.ACTIVE
    membership.approved_by = actor
    membership.save(update_fields=["state", "approved_by"])
    _append_change(kinds.MEMBERSHIP_APPROVED, actor, membership)
    return membership


@transaction.atomic
def end_membership(*, actor: Account, membership_id: UUID) -> Membership:
    """Take a role away, or turn a proposal down. Raises NotPermitted, WrongState, TermsRefused."""
    membership = _lock(membership_id, MembershipState.PROPOSED, MembershipState.ACTIVE)
    require(actor, "consent.end_membership", membership.project)
    if membership.role == RoleCode.USER_ADMINISTRATOR and membership.is_active:
        keep_administrators(membership.account)
    membership.state = MembershipState.ENDED
    membership.save(update_fields=["state"])
    _append_change(kinds.MEMBERSHIP_ENDED, actor, membership)
    return membership


def check_code(code: str) -> None:
    """Raise TermsRefused unless ``code`` is small letters and digits, parted by hyphens."""
    if len(code) > MAX_CODE or not CODE.fullmatch(code):
        raise TermsRefused("code is malformed, wanted small letters, digits and single hyphens")


def _check_fit(account: Account, role: RoleCode, project: Project | None) -> None:
    """Refuse a role that does not fit; the account's row is locked, so that none slips in."""
    level = Level.PROJECT if project else Level.ORGANISATION
    if level not in ROLES[role].levels:
        raise TermsRefused(f"role {role} is not held at the level of the {level}")
    if AccountKind(account.kind) not in ROLES[role].kinds:
        raise TermsRefused(f"role {role} is not for an account of kind {account.kind}")
    held = account.memberships.exclude(state=MembershipState.ENDED)
    if excluding := excluded_by(role, frozenset(RoleCode(m.role) for m in held)):
        raise RoleConflict(f"role {role} excludes {', '.join(sorted(excluding))}, held already")
    if held.filter(role=role.value, project=project).exists():
        raise AlreadyKnown(f"the account holds the role {role} there")


def _lock(membership_id: UUID, *states: MembershipState) -> Membership:
    membership = lock(Membership.objects.select_related("account", "project"), membership_id)
    if membership.state not in states:
        raise WrongState(f"membership is {membership.state}, wanted {' or '.join(states)}")
    return membership


def _append_change(kind: Kind, actor: Account, membership: Membership) -> None:
    level = Level.PROJECT if membership.project_id else Level.ORGANISATION
    append(
        kind=kind,
        facts=MembershipFacts(role=RoleCode(membership.role), level=level),
        segments=[Unsealed("member", membership.scope_ids(), {}, (membership,)), by(actor)],
    )
