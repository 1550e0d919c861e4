"""Opens the service and lets the staff in: every account and role by two people."""

from dataclasses import dataclass, field

from config.demo import cast
from config.demo.cast import Colleague
from consent.models import Account, Membership, Project
from consent.roles import RoleCode
from consent.services import (
    Credentials,
    Newcomer,
    SignIn,
    approve_account,
    approve_membership,
    issue_credentials,
    open_project,
    open_service,
    propose_account,
    propose_membership,
    set_password,
)


@dataclass
class House:
    """The accounts by their key in the cast, the project, and the generator's credentials."""

    accounts: dict[str, Account] = field(default_factory=dict)
    project: Project | None = None
    credentials: Credentials | None = None

    def open(self) -> None:
        """Create everybody. Raises AlreadyOpened when the service has accounts."""
        founders = [Newcomer(one.name, one.email) for one in cast.FOUNDERS]
        for colleague, sign_in in zip(cast.FOUNDERS, open_service(founders), strict=True):
            self._let_in(colleague, sign_in)
        for colleague in cast.STAFF:
            newcomer = Newcomer(colleague.name, colleague.email)
            proposed = propose_account(actor=self.accounts["founder"], newcomer=newcomer)
            second = self.accounts["second_founder"]
            self._let_in(colleague, approve_account(actor=second, account_id=proposed.pk))
            for role in colleague.roles:
                self._give_role(self.accounts[colleague.key], role)
        self.project = open_project(actor=self.accounts["founder"], code=cast.PROJECT)
        self._connect_generator()

    def _let_in(self, colleague: Colleague, sign_in: SignIn) -> None:
        self.accounts[colleague.key] = set_password(
            account_id=sign_in.account.pk, token=sign_in.token, password=cast.PASSWORD
        )

    def _give_role(self, account: Account, role: RoleCode) -> Membership:
        proposed = propose_membership(
            actor=self.accounts["founder"], account_id=account.pk, role=role
        )
        second = self.accounts["second_founder"]
        return approve_membership(actor=second, membership_id=proposed.pk)

    def _connect_generator(self) -> None:
        founder, second = self.accounts["founder"], self.accounts["second_founder"]
        client = propose_account(actor=founder, newcomer=Newcomer(cast.GENERATOR))
        approve_account(actor=second, account_id=client.pk)
        self._give_role(client, RoleCode.GENERATOR)
        self.accounts["generator"] = client
        self.credentials = issue_credentials(actor=founder, account_id=client.pk)
