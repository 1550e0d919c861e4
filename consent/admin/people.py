"""Accounts, projects and the roles held in them."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome, in_state, may_view
from consent.admin.forms import AccountForm, CodeForm, MemberForm, MembershipForm, TokenForm
from consent.admin.names import NamesAdmin
from consent.errors import Unknown
from consent.models import Account, AccountState, Membership, MembershipState, Project
from consent.roles import AccountKind, RoleCode
from consent.services import Newcomer
from ledger.admin import record_link

GROUP = "People and roles"
STATE_COLOURS = {"Proposed": "warning", "Active": "success", "Ended": "info"}


def _propose(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    newcomer = Newcomer(said["name"], said["email"] or None)
    account = services.propose_account(actor=actor, newcomer=newcomer)
    return Outcome("Proposed. Another user administrator must approve it.", account)


def _approve(actor: Account, account: Account, _said: dict[str, Any]) -> Outcome:
    way_in = services.approve_account(actor=actor, account_id=account.pk)
    if account.kind == AccountKind.CLIENT:
        return Outcome("Approved. Give it a role, and issue its credentials.", account)
    return _way_in("Approved. This lets the person set a password.", way_in)


def _renew(actor: Account, account: Account, _said: dict[str, Any]) -> Outcome:
    way_in = services.renew_sign_in(actor=actor, account_id=account.pk)
    return _way_in("The old password is void. This lets the person set a new one.", way_in)


def _way_in(message: str, way_in: services.SignIn) -> Outcome:
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    return Outcome(message, way_in.account, ((f"Address, for {days} days", way_in.path),))


def _credentials(actor: Account, account: Account, _said: dict[str, Any]) -> Outcome:
    issued = services.issue_credentials(actor=actor, account_id=account.pk)
    shown = (("Client id", issued.client_id), ("Client secret", issued.client_secret))
    return Outcome("The program signs in with these from now on.", account, shown)


def _token(actor: Account, account: Account, said: dict[str, Any]) -> Outcome:
    days = int(said["days"])
    token = services.issue_token(
        actor=actor, account_id=account.pk, scopes=said["scopes"], days=days
    )
    return Outcome(
        "The program sends it with each request.", account, ((f"Token, for {days} days", token),)
    )


def _revoke(actor: Account, account: Account, _said: dict[str, Any]) -> Outcome:
    ended = services.revoke_tokens(actor=actor, account_id=account.pk)
    return Outcome(f"{ended} tokens have ended.", account)


def _is_program(account: Account) -> bool:
    return account.is_active and account.kind == AccountKind.CLIENT


def _end(actor: Account, account: Account, _said: dict[str, Any]) -> Outcome:
    ended = services.end_account(actor=actor, account_id=account.pk)
    return Outcome("The account has ended, and all its roles with it.", ended)


def _give_role(actor: Account, account: Account, said: dict[str, Any]) -> Outcome:
    membership = services.propose_membership(
        actor=actor,
        account_id=account.pk,
        role=RoleCode(said["role"]),
        project_id=said["project"].pk if said["project"] else None,
    )
    return Outcome("Proposed. Another user administrator must approve it.", membership)


@admin.register(Account)
class AccountAdmin(NamesAdmin):
    """Who may sign in: people and programs."""

    menu_group = GROUP
    menu_icon = "badge"
    open_permission = "consent.disclose_account"
    list_display = ("__str__", "open_name", "kind", "standing", "roles")
    list_filter = ("state", "kind")
    fields = ("open_name", "open_email", "kind", "standing", "proposed_by", "approved_by",
              record_link)  # fmt: skip
    change_form_outer_after_template = "consent/admin/account.html"
    ordering = ("pk",)
    list_acts = (
        Act(
            "propose",
            "Propose an account",
            "person_add",
            "consent.propose_account",
            "Puts a person or a program forward. Another user administrator lets them in.",
            _propose,
            lambda _: AccountForm,
        ),
    )
    row_acts = (
        Act(
            "approve",
            "Approve",
            "how_to_reg",
            "consent.approve_account",
            "Lets them in. You must not be the one who proposed it. Roles come separately.",
            _approve,
            is_open=in_state(AccountState.PROPOSED),
        ),
        Act(
            "role",
            "Propose a role",
            "add_moderator",
            "consent.propose_membership",
            "Puts the account forward for a role. Another user administrator grants it.",
            _give_role,
            lambda _: MembershipForm,
            lambda account: account.state != AccountState.ENDED,
        ),
        Act(
            "renew",
            "New one-time sign-in",
            "key",
            "consent.issue_credentials",
            "Voids the person's password and gives you an address where they set a new one.",
            _renew,
            is_open=lambda account: account.is_staff,
        ),
        Act(
            "credentials",
            "Issue credentials",
            "key",
            "consent.issue_credentials",
            "Gives the program a new client secret. The old one stops working at once.",
            _credentials,
            is_open=_is_program,
        ),
        Act(
            "token",
            "Issue a token",
            "vpn_key",
            "consent.issue_credentials",
            "For programs that cannot ask for a fresh token each time, such as a client of "
            "OpenLineage. It is shown once, and holds until it ends or is revoked.",
            _token,
            lambda _: TokenForm,
            _is_program,
        ),
        Act(
            "revoke",
            "Revoke all tokens",
            "key_off",
            "consent.issue_credentials",
            "Every token of the program stops working at once; its credentials stay.",
            _revoke,
            is_open=_is_program,
        ),
        Act(
            "end",
            "End the account",
            "person_off",
            "consent.end_account",
            "Ends the account and all its roles at once. It cannot be taken back.",
            _end,
            is_open=lambda account: account.state != AccountState.ENDED,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        accounts: QuerySet[Account] = super().get_queryset(request)
        return accounts.prefetch_related("memberships__project")

    def describe(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        memberships = row.memberships.select_related("project").order_by("state", "role")
        return {**super().describe(request, row), "memberships": memberships}

    @display(description="state", label=STATE_COLOURS)
    def standing(self, account: Account) -> str:
        return account.get_state_display()

    @admin.display(description="roles")
    def roles(self, account: Account) -> str:
        return ", ".join(str(m) for m in account.memberships.all() if m.is_active) or "none"


def _open_project(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    project = services.open_project(actor=actor, code=said["code"])
    return Outcome("The project is open. Give people roles in it.", project)


def _propose_member(actor: Account, project: Project, said: dict[str, Any]) -> Outcome:
    account = Account.objects.find_by_email(said["email"])
    if account is None:
        raise Unknown("no account has this e-mail address")
    membership = services.propose_membership(
        actor=actor,
        account_id=account.pk,
        role=RoleCode(said["role"]),
        project_id=project.pk,
    )
    return Outcome("Proposed. A user administrator must approve it.", membership)


@admin.register(Project)
class ProjectAdmin(ActingAdmin):
    """Projects, and who works in them."""

    menu_group = GROUP
    menu_icon = "workspaces"
    list_display = ("code", "people", record_link)
    fields = ("code", "people", record_link)
    search_fields = ("code",)
    ordering = ("code",)
    list_acts = (
        Act(
            "open",
            "Open a project",
            "create_new_folder",
            "consent.open_project",
            "A project separates the work of one team. It cannot be renamed.",
            _open_project,
            lambda _: CodeForm,
        ),
    )

    row_acts = (
        Act(
            "member",
            "Propose a member",
            "group_add",
            "consent.propose_membership",
            "Puts somebody who has an account forward for a role in this project.",
            _propose_member,
            lambda _: MemberForm,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_project", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        assert isinstance(request.user, Account)
        return request.user.projects_with("consent.view_project")

    @admin.display(description="roles held")
    def people(self, project: Project) -> int:
        return project.memberships.filter(state=MembershipState.ACTIVE).count()


def _grant_role(actor: Account, membership: Membership, _said: dict[str, Any]) -> Outcome:
    granted = services.approve_membership(actor=actor, membership_id=membership.pk)
    return Outcome("Granted. It counts from the account's next page on.", granted)


def _end_role(actor: Account, membership: Membership, _said: dict[str, Any]) -> Outcome:
    ended = services.end_membership(actor=actor, membership_id=membership.pk)
    return Outcome("The role has ended.", ended)


@admin.register(Membership)
class MembershipAdmin(ActingAdmin):
    """Roles: proposed by one person, granted by another."""

    menu_group = GROUP
    menu_icon = "assignment_ind"
    list_display = ("account", "role", "where", "standing", record_link)
    list_filter = ("state", "role")
    list_select_related = ("account", "project")
    fields = ("account", "role", "where", "standing", "proposed_by", "approved_by", record_link)
    ordering = ("-state", "role")
    row_acts = (
        Act(
            "approve",
            "Grant",
            "how_to_reg",
            "consent.approve_membership",
            "Grants the role. You must be neither its proposer nor its holder.",
            _grant_role,
            is_open=in_state(MembershipState.PROPOSED),
        ),
        Act(
            "end",
            "End",
            "person_off",
            "consent.end_membership",
            "Takes the role away, or turns the proposal down.",
            _end_role,
            is_open=lambda membership: membership.state != MembershipState.ENDED,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_membership", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        assert isinstance(request.user, Account)
        memberships: QuerySet[Membership] = super().get_queryset(request)
        if request.user.has_perm("consent.view_membership"):
            return memberships
        projects = request.user.projects_with("consent.view_membership")
        return memberships.filter(project__in=projects)

    @admin.display(description="where", empty_value="organisation-wide", ordering="project")
    def where(self, membership: Membership) -> str | None:
        return membership.project.code if membership.project else None

    @display(description="state", label=STATE_COLOURS)
    def standing(self, membership: Membership) -> str:
        return membership.get_state_display()
