"""What consent tests arrange with; everything goes through the services."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from PIL import Image

from consent import services
from consent.models import (
    OPEN,
    Account,
    DatasetVersion,
    Grant,
    GrantState,
    Notice,
    Project,
    Subject,
)
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import Answer, Newcomer
from consent.services.authority import OPERATOR
from consent.uses import WORLD, Assurance, Medium, Method, Mode, Use
from ledger import vault
from ledger.commitment import Opening
from ledger.leaf import Body, parse_body
from ledger.models import Record, Recorded, Segment


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


def grant_in(officer: Account, state: GrantState) -> Grant:
    """Return an answer that came to ``state`` by what officers do."""
    subject, notice = register(officer), publish(officer)
    asked: dict[str, Any] = {"actor": officer, "subject_id": subject.pk, "notice_id": notice.pk}
    if state == GrantState.DRAFT:
        return services.draft(**asked, answer=answer())
    if state in {*OPEN, GrantState.LAPSED, GrantState.REFUSED}:
        grant = services.request(**asked, answer=answer())
        moves: dict[GrantState, Callable[..., Grant]] = {
            GrantState.DEFERRED: services.defer_request,
            GrantState.LAPSED: services.let_lapse,
            GrantState.REFUSED: partial(services.refuse_request, method=Method.LETTER),
        }
        return moves[state](actor=officer, grant_id=grant.pk) if state in moves else grant
    grant = services.give(**asked, answer=answer(valid_until=_soon(state)))
    return _end(officer, grant, state)


def wait_until(moment: datetime) -> None:
    """Return when the database's clock has passed ``moment``."""
    while (left := moment - database_now()) > timedelta(0):
        time.sleep(left.total_seconds())


def _end(officer: Account, grant: Grant, state: GrantState) -> Grant:
    if state == GrantState.GIVEN:
        return grant
    if state == GrantState.EXPIRED:
        assert grant.valid_until is not None
        wait_until(grant.valid_until)
        return services.expire(grant_id=grant.pk)
    ends: dict[GrantState, Callable[..., Grant]] = {
        GrantState.SUSPENDED: services.suspend,
        GrantState.WITHDRAWN: services.withdraw,
        GrantState.REVOKED: services.revoke,
        GrantState.INVALIDATED: services.invalidate,
        GrantState.RENEWED: partial(
            services.renew,
            valid_until=None,
            method=Method.EMAIL,
            assurance=Assurance.KNOWN_CONTACT,
        ),
        GrantState.SUPERSEDED: partial(services.withdraw, uses=[Use.TRAIN]),
    }
    ends[state](actor=officer, grant_id=grant.pk)
    grant.refresh_from_db()
    return grant


def _soon(state: GrantState) -> datetime | None:
    return database_now() + timedelta(milliseconds=100) if state == GrantState.EXPIRED else None


def freeze_unvetted(actor: Account, version: DatasetVersion) -> DatasetVersion:
    """Freeze a draft as it is: whoever runs the machine waives that somebody vets it."""
    why = "An invented draft, looked at by nobody."
    services.waive_vetting(actor=OPERATOR, version_id=version.pk, reason=why)
    return services.freeze_version(actor=actor, version_id=version.pk)


def body_of(row: Recorded) -> Body:
    """Return what the newest record of ``row`` says in the open."""
    assert row.record is not None
    return parse_body(Record.objects.get(uuid=row.record).body)


def openings_of(row: Recorded) -> list[Opening]:
    """Return what the newest record of ``row`` says in its segments, padding left out."""
    assert row.record is not None
    record = Record.objects.get(uuid=row.record)
    kind = parse_body(record.body).kind
    openings = [
        vault.keys(one.scopes).open_segment(
            one.scopes, record.uuid, one.position, kind, bytes(one.ciphertext)
        )
        for one in Segment.objects.filter(record_id=record.pk)
    ]
    return [opening for opening in openings if opening.role != "padding"]


def picture(colour: str = "red", *, size: tuple[int, int] = (8, 6), form: str = "PNG") -> bytes:
    """Return the bytes of a small picture of one colour."""
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, form)
    return written.getvalue()
