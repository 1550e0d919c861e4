from typing import Any

import pytest

from consent import services
from consent.errors import (
    AlreadyKnown,
    NotPermitted,
    RoleConflict,
    TermsRefused,
    TwoPeopleNeeded,
    WrongState,
)
from consent.models import Account, Membership
from consent.roles import RoleCode
from consent.services import Newcomer
from tests.consent.factories import House


def propose(house: House, account: Account, role: RoleCode, **project: object) -> Membership:
    return services.propose_membership(
        actor=house.ada,
        account_id=account.pk,
        role=role,
        **project,  # type: ignore[arg-type]
    )


def test_a_project_role_reaches_that_project_only(house: House) -> None:
    mine = services.open_project(actor=house.ada, code="mine")
    other = services.open_project(actor=house.ada, code="other")
    eve = house.account("Eve", RoleCode.DATA_SCIENTIST, project=mine)
    assert eve.has_perm("consent.freeze_version", mine)
    assert not eve.has_perm("consent.freeze_version", other)
    assert not eve.has_perm("consent.freeze_version")
    assert eve.has_perm_anywhere("consent.freeze_version")
    assert list(eve.projects_with("consent.freeze_version")) == [mine]


def test_an_organisation_wide_role_reaches_every_project(house: House) -> None:
    project = services.open_project(actor=house.ada, code="mine")
    eve = house.account("Eve", RoleCode.DATA_SCIENTIST)
    assert eve.has_perm("consent.freeze_version", project)
    assert list(eve.projects_with("consent.freeze_version")) == [project]


def test_a_proposed_role_counts_for_nothing(house: House) -> None:
    eve = house.account("Eve")
    propose(house, eve, RoleCode.OFFICER)
    assert not Account.objects.get(pk=eve.pk).has_perm("consent.view_grant")


def test_a_role_is_not_approved_by_its_proposer_or_holder(house: House) -> None:
    for account in (house.account("Eve"), house.ben):
        membership = propose(house, account, RoleCode.MANAGER)
        actor = house.ada if account != house.ben else house.ben
        with pytest.raises(TwoPeopleNeeded, match="another person than its proposer and holder"):
            services.approve_membership(actor=actor, membership_id=membership.pk)


def test_roles_that_exclude_each_other_are_not_held_together(house: House) -> None:
    eve = house.account("Eve", RoleCode.OFFICER)
    with pytest.raises(RoleConflict, match="approver excludes officer, held already"):
        propose(house, eve, RoleCode.APPROVER)


def test_a_proposal_excludes_like_a_role(house: House) -> None:
    eve = house.account("Eve")
    propose(house, eve, RoleCode.OFFICER)
    with pytest.raises(RoleConflict):
        propose(house, eve, RoleCode.APPROVER)


def test_a_role_is_held_once(house: House) -> None:
    eve = house.account("Eve", RoleCode.OFFICER)
    with pytest.raises(AlreadyKnown, match="holds the role officer there"):
        propose(house, eve, RoleCode.OFFICER)


def test_roles_fit_their_level_and_the_kind_of_account(house: House) -> None:
    project = services.open_project(actor=house.ada, code="mine")
    eve, program = house.account("Eve"), house.client("renderer")
    with pytest.raises(TermsRefused, match="officer is not held at the level of the project"):
        propose(house, eve, RoleCode.OFFICER, project_id=project.pk)
    with pytest.raises(TermsRefused, match="reviewer is not held at the level of the organisation"):
        propose(house, eve, RoleCode.EXTERNAL_REVIEWER)
    with pytest.raises(TermsRefused, match="generator is not for an account of kind person"):
        propose(house, eve, RoleCode.GENERATOR)
    with pytest.raises(TermsRefused, match="officer is not for an account of kind client"):
        propose(house, program, RoleCode.OFFICER)


def test_an_account_that_is_not_let_in_gets_no_role(house: House) -> None:
    eve = services.propose_account(actor=house.ada, newcomer=Newcomer("Eve", "eve@house.example"))
    membership = propose(house, eve, RoleCode.MANAGER)
    with pytest.raises(WrongState, match="account is proposed, wanted active"):
        services.approve_membership(actor=house.ben, membership_id=membership.pk)


def test_an_ended_role_counts_no_more_and_can_be_given_again(house: House) -> None:
    eve = house.account("Eve", RoleCode.OFFICER)
    services.end_membership(actor=house.ada, membership_id=eve.memberships.get().pk)
    assert not Account.objects.get(pk=eve.pk).has_perm("consent.view_grant")
    house.grant_role(eve, RoleCode.APPROVER)
    assert Account.objects.get(pk=eve.pk).has_perm("consent.approve_plan")
    with pytest.raises(WrongState, match="is ended"):
        ended = eve.memberships.get(role="officer")
        services.end_membership(actor=house.ada, membership_id=ended.pk)


def test_the_last_two_user_administrators_keep_their_roles(house: House) -> None:
    with pytest.raises(TermsRefused, match="2 user administrators must stay"):
        services.end_membership(actor=house.ada, membership_id=house.ben.memberships.get().pk)


def test_a_manager_proposes_members_of_their_own_project_only(house: House) -> None:
    mine = services.open_project(actor=house.ada, code="mine")
    other = services.open_project(actor=house.ada, code="other")
    manager, eve = house.account("Mia", RoleCode.MANAGER, project=mine), house.account("Eve")
    said: dict[str, Any] = {"actor": manager, "account_id": eve.pk, "role": RoleCode.DEVELOPER}
    assert services.propose_membership(**said, project_id=mine.pk).project == mine
    with pytest.raises(NotPermitted):
        services.propose_membership(**said, project_id=other.pk)


@pytest.mark.parametrize("code", ["", "Big", "a b", "-a", "a--b", "a" * 51, "ä"])
def test_codes_are_small_letters_digits_and_hyphens(house: House, code: str) -> None:
    with pytest.raises(TermsRefused, match="code is malformed"):
        services.open_project(actor=house.ada, code=code)


def test_a_project_code_is_taken_once(house: House) -> None:
    services.open_project(actor=house.ada, code="mine")
    with pytest.raises(AlreadyKnown, match="a project has this code"):
        services.open_project(actor=house.ada, code="mine")
