from uuid import uuid4

import pytest
from django.test import Client

from consent import services
from consent.authentication import AddressBackend
from consent.errors import (
    AlreadyKnown,
    AlreadyOpened,
    NotPermitted,
    SignInRefused,
    TermsRefused,
    TwoPeopleNeeded,
    Unknown,
    WrongState,
)
from consent.models import Account, AccountState, MembershipState
from consent.roles import RoleCode
from consent.services import Newcomer
from ledger import vault
from tests.consent.factories import House

PASSWORD = "correct horse battery staple"


def test_two_people_open_the_service_and_administer_users(house: House) -> None:
    for account in (house.ada, house.ben):
        assert account.has_perm("consent.approve_account")
        assert account.approved_by_id != account.pk
        assert account.record is not None


def test_a_service_is_opened_once(house: House) -> None:
    founders = [Newcomer("Eve", "eve@house.example"), Newcomer("Sam", "sam@house.example")]
    with pytest.raises(AlreadyOpened, match="the service has accounts"):
        services.open_service(founders)


@pytest.mark.django_db
@pytest.mark.parametrize("addresses", [["a@b.example"], ["a@b.example", "a@b.example"]])
def test_one_person_cannot_open_a_service(log: object, addresses: list[str]) -> None:
    with pytest.raises(TermsRefused, match="2 people with different addresses"):
        services.open_service([Newcomer("Ada", address) for address in addresses])
    assert not Account.objects.exists()


def test_name_and_address_are_sealed_under_the_accounts_own_key(house: House) -> None:
    keys = vault.keys(house.ada.scope_ids())
    assert keys.open(house.ada, "name") == b"Ada"
    assert b"ada" not in bytes(house.ada.email or b"")
    assert Account.objects.find_by_email(" ADA@House.example ") == house.ada


def test_a_proposed_account_can_do_nothing(house: House) -> None:
    account = services.propose_account(
        actor=house.ada, newcomer=Newcomer("Eve", "eve@house.example")
    )
    assert not account.is_active
    assert not account.has_perm("consent.view_account")


def test_who_proposed_an_account_does_not_approve_it(house: House) -> None:
    account = services.propose_account(actor=house.ada, newcomer=Newcomer("Eve", "e@house.example"))
    with pytest.raises(TwoPeopleNeeded, match="another person"):
        services.approve_account(actor=house.ada, account_id=account.pk)


def test_an_account_is_approved_once(house: House) -> None:
    account = house.account("Eve")
    with pytest.raises(WrongState, match="is active, wanted proposed"):
        services.approve_account(actor=house.ben, account_id=account.pk)


def test_an_account_that_does_not_exist_is_named_so(house: House) -> None:
    with pytest.raises(Unknown, match="no account has this id"):
        services.approve_account(actor=house.ben, account_id=uuid4())


def test_an_address_has_one_account(house: House) -> None:
    house.account("Eve")
    with pytest.raises(AlreadyKnown, match="has this e-mail address"):
        services.propose_account(actor=house.ada, newcomer=Newcomer("E", "EVE@house.example"))


@pytest.mark.parametrize(
    ("newcomer", "complaint"),
    [
        (Newcomer(" ", "eve@house.example"), "name is empty"),
        (Newcomer("E\nve", "eve@house.example"), "control characters"),
        (Newcomer("E" * 201, "eve@house.example"), "too long"),
        (Newcomer("Eve", "eve"), "e-mail address is malformed"),
    ],
)
def test_malformed_newcomers_are_refused(house: House, newcomer: Newcomer, complaint: str) -> None:
    with pytest.raises(TermsRefused, match=complaint):
        services.propose_account(actor=house.ada, newcomer=newcomer)


def test_only_user_administrators_let_people_in(house: House, officer: Account) -> None:
    with pytest.raises(NotPermitted, match=r"allows consent\.propose_account"):
        services.propose_account(actor=officer, newcomer=Newcomer("Eve", "eve@house.example"))


def admit_eve(house: House) -> services.SignIn:
    eve = services.propose_account(actor=house.ada, newcomer=Newcomer("Eve", "eve@house.example"))
    return services.approve_account(actor=house.ben, account_id=eve.pk)


def sign_in(address: str = "eve@house.example", password: str = PASSWORD) -> Account | None:
    return AddressBackend().authenticate(None, username=address, password=password)


def test_a_one_time_sign_in_sets_the_password_once(house: House) -> None:
    way_in = admit_eve(house)
    services.set_password(account_id=way_in.account.pk, token=way_in.token, password=PASSWORD)
    assert sign_in() == way_in.account
    with pytest.raises(SignInRefused, match="spent or expired"):
        services.set_password(account_id=way_in.account.pk, token=way_in.token, password="other")


def test_unknown_wrong_and_ended_sign_ins_all_fail(house: House) -> None:
    way_in = admit_eve(house)
    services.set_password(account_id=way_in.account.pk, token=way_in.token, password=PASSWORD)
    assert sign_in("nobody@house.example") is None
    assert sign_in(password="wrong") is None
    services.end_account(actor=house.ada, account_id=way_in.account.pk)
    assert sign_in() is None
    assert AddressBackend().get_user(way_in.account.pk) is None


def test_a_renewed_sign_in_ends_the_password(house: House) -> None:
    way_in = admit_eve(house)
    services.set_password(account_id=way_in.account.pk, token=way_in.token, password=PASSWORD)
    again = services.renew_sign_in(actor=house.ada, account_id=way_in.account.pk)
    assert sign_in() is None
    services.set_password(account_id=again.account.pk, token=again.token, password=PASSWORD)
    assert sign_in() == way_in.account


def test_nobody_renews_their_own_sign_in(house: House) -> None:
    with pytest.raises(TwoPeopleNeeded, match="another person"):
        services.renew_sign_in(actor=house.ada, account_id=house.ada.pk)


def test_who_is_signed_in_reads_what_they_are_here(house: House, officer: Account) -> None:
    officer = Account.objects.get(pk=officer.pk)
    assert officer.get_full_name() == f"Officer {str(officer.pk)[:8]}"
    client = Client()
    client.force_login(officer)
    page = client.get("/admin/").content.decode()
    assert officer.get_full_name() in page
    assert f"person {str(officer.pk)[:8]}" not in page
    ended = house.account("Otto", RoleCode.OFFICER)
    services.end_account(actor=house.ada, account_id=ended.pk)
    assert Account.objects.get(pk=ended.pk).get_full_name() == ""


def test_an_ended_account_loses_its_roles(house: House) -> None:
    eve = house.account("Eve", RoleCode.OFFICER)
    services.end_account(actor=house.ada, account_id=eve.pk)
    eve = Account.objects.get(pk=eve.pk)
    assert eve.state == AccountState.ENDED
    assert not eve.has_perm("consent.view_grant")
    assert {m.state for m in eve.memberships.all()} == {MembershipState.ENDED}


def test_two_user_administrators_stay(house: House) -> None:
    with pytest.raises(TermsRefused, match="2 user administrators must stay"):
        services.end_account(actor=house.ada, account_id=house.ben.pk)


def test_a_client_gets_credentials_and_new_ones_end_the_old(house: House) -> None:
    client = house.client("renderer", RoleCode.GENERATOR)
    first = services.issue_credentials(actor=house.ada, account_id=client.pk)
    second = services.issue_credentials(actor=house.ada, account_id=client.pk)
    assert first.client_id == second.client_id
    assert first.client_secret != second.client_secret


def test_people_get_no_client_credentials(house: House, officer: Account) -> None:
    with pytest.raises(WrongState, match="only programs"):
        services.issue_credentials(actor=house.ada, account_id=officer.pk)
