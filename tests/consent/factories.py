"""What consent tests arrange with; everything goes through the services."""

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from consent import services
from consent.models import Account, Grant, Notice, Project, Subject
from consent.roles import RoleCode
from consent.services import Answer, Newcomer
from consent.uses import WORLD, Assurance, Medium, Method, Mode, Use
from ledger.leaf import Body, parse_body
from ledger.models import Record, Recorded


@dataclass(frozen=True)
class House:
    """An opened service: its two user administrators and those they let in."""

    ada: Account
    ben: Account

    def account(self, name: str, *roles: RoleCode, project: Project | None = None) -> Account:
        """Let a person in and give them roles."""
        email = f"{name}@house.example"
        return self.admit(Newcomer(name, email), *roles, project=project)

    def client(self, name: str, *roles: RoleCode, project: Project | None = None) -> Account:
        """Let a program in and give it roles."""
        return self.admit(Newcomer(name), *roles, project=project)

    def admit(
        self, newcomer: Newcomer, *roles: RoleCode, project: Project | None = None
    ) -> Account:
        account = services.propose_account(actor=self.ada, newcomer=newcomer)
        services.approve_account(actor=self.ben, account_id=account.pk)
        for role in roles:
            self.grant_role(account, role, project=project)
        return Account.objects.get(pk=account.pk)

    def grant_role(
        self, account: Account, role: RoleCode, *, project: Project | None = None
    ) -> None:
        membership = services.propose_membership(
            actor=self.ada,
            account_id=account.pk,
            role=role,
            project_id=project.pk if project else None,
        )
        services.approve_membership(actor=self.ben, membership_id=membership.pk)


def open_house() -> House:
    founders = [Newcomer("Ada", "ada@house.example"), Newcomer("Ben", "ben@house.example")]
    ada, ben = (sign_in.account for sign_in in services.open_service(founders))
    return House(Account.objects.get(pk=ada.pk), Account.objects.get(pk=ben.pk))


def answer(*uses: Use, **changes: Any) -> Answer:
    """Return a plain yes to ``uses``, by default all of them, online and everywhere."""
    terms: dict[str, Any] = {
        "mode": Mode.OPT_IN,
        "assurance": Assurance.SIGNED_RELEASE,
        "method": Method.FORM,
        "uses": frozenset(uses or Use),
        "media": frozenset({Medium.ONLINE}),
        "territories": frozenset({WORLD}),
    }
    return Answer(**{**terms, **changes})


def publish(officer: Account, **changes: Any) -> Notice:
    said = {"code": "release", "language": "en", "title": "A release", "text": "You may…"}
    return services.publish_notice(actor=officer, **{**said, **changes})


def register(officer: Account, name: str = "Cleo Invented", **changes: Any) -> Subject:
    said: dict[str, Any] = {"name": name, "email": "cleo@people.example"}
    return services.register_subject(actor=officer, **{**said, **changes})


def consent_of(
    officer: Account, subject: Subject, given: Answer | None = None, notice: Notice | None = None
) -> Grant:
    return services.give(
        actor=officer,
        subject_id=subject.pk,
        notice_id=(notice or publish(officer)).pk,
        answer=given or answer(),
    )


def body_of(row: Recorded) -> Body:
    """Return what the newest record of ``row`` says in the open."""
    assert row.record is not None
    return parse_body(Record.objects.get(uuid=row.record).body)


def picture(colour: str = "red", *, size: tuple[int, int] = (8, 6), form: str = "PNG") -> bytes:
    """Return the bytes of a small picture of one colour."""
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, form)
    return written.getvalue()
