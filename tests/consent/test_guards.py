"""What PostgreSQL refuses by itself, whoever writes the SQL under the application's role."""

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from consent import services
from consent.migrations import __name__ as migrations
from consent.models import OPEN, Account, Grant, GrantState, Plan, RequestKind, RequestState
from consent.roles import RoleCode
from consent.uses import Assurance, Method, Use
from tests.consent.factories import House, answer, consent_of, grant_in, register

assert migrations
GUARDS = __import__("consent.migrations.0003_guards", fromlist=["FROZEN"])


def run(sql: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def insert_again(grant: Grant, column: str, value: str | None) -> None:
    """Insert a copy of a row with another value in one column."""
    columns = [f'"{field.column}"' for field in grant._meta.concrete_fields]
    chosen = [
        "gen_random_uuid()" if c == '"id"' else "%s" if c == f'"{column}"' else c for c in columns
    ]
    run(
        f"INSERT INTO consent_grant ({', '.join(columns)}) "
        f"SELECT {', '.join(chosen)} FROM consent_grant WHERE id = %s",
        value,
        grant.pk,
    )


@pytest.mark.parametrize("before", GrantState.values)
def test_every_illegal_move_of_a_grant_is_refused(officer: Account, before: str) -> None:
    legal = GUARDS.GRANT_MOVES
    grant = grant_in(officer, GrantState(before))
    for after in GrantState.values:
        if before == after or (before, after) in legal:
            continue
        with pytest.raises(DatabaseError, match=f"cannot go from {before} to {after}"):
            run("UPDATE consent_grant SET state = %s WHERE id = %s", after, grant.pk)


@pytest.mark.parametrize("state", sorted(set(GrantState.values) - GUARDS.MOVES["grant"][1]))
def test_no_grant_begins_in_the_middle_of_its_life(officer: Account, state: str) -> None:
    grant = consent_of(officer, register(officer))
    with pytest.raises(DatabaseError, match=f"cannot go from nothing to {state}"):
        insert_again(grant, "state", state)


@pytest.mark.parametrize("state", sorted(state.value for state in OPEN))
def test_terms_may_change_until_they_are_given(officer: Account, state: str) -> None:
    grant = grant_in(officer, GrantState(state))
    run("UPDATE consent_grant SET uses = '{train}' WHERE id = %s", grant.pk)
    with pytest.raises(DatabaseError, match="column subject_id of consent_grant is frozen"):
        run(
            "UPDATE consent_grant SET subject_id = %s WHERE id = %s",
            register(officer).pk,
            grant.pk,
        )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("suspended_at = '{}', resumed_at = '{}'", "is history"),
        ("suspended_at[1] = now()", "is history"),
        ("suspended_at = suspended_at || now()", "is history"),
        ("resumed_at = resumed_at || now()", "is history"),
        ("suspended_at = suspended_at || now(), resumed_at = resumed_at || now()", "is history"),
        (
            "state = 'suspended', suspended_at = suspended_at || timestamptz '2020-01-01'",
            "is history",
        ),
        ("state = 'suspended', suspended_at = suspended_at || NULL::timestamptz", "is history"),
        ("state = 'suspended'", "grant_suspensions_fit_state"),
    ],
)
def test_when_an_answer_was_set_aside_is_history(
    officer: Account, change: str, refusal: str
) -> None:
    grant = grant_in(officer, GrantState.SUSPENDED)
    services.resume(actor=officer, grant_id=grant.pk)
    with pytest.raises(DatabaseError, match=refusal):
        run(f"UPDATE consent_grant SET {change} WHERE id = %s", grant.pk)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("uses", "{train,depict}"),
        ("refused", "{train}"),
        ("media", "{print}"),
        ("territories", "{FR}"),
        ("recipients", "{press}"),
        ("families", "{faces}"),
        ("right", "works"),
        ("basis", "contract"),
        ("capacity", "agent"),
        ("barred_themes", "{sexual}"),
        ("assurance", "eid"),
        ("method", "letter"),
        ("remedy", "retrain"),
        ("valid_from", "2020-01-01"),
        ("valid_until", "2999-01-01"),
        ("given_at", "2020-01-01"),
    ],
)
def test_the_terms_of_a_grant_are_frozen(officer: Account, column: str, value: str) -> None:
    grant = consent_of(officer, register(officer), answer(Use.TRAIN))
    with pytest.raises(DatabaseError, match=f"column {column} of consent_grant is frozen"):
        run(f'UPDATE consent_grant SET "{column}" = %s WHERE id = %s', value, grant.pk)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("uses = '{}'", "frozen"),
        ("ended_at = now()", "grant_times_fit_state"),
        ("state = 'withdrawn'", "grant_times_fit_state"),
        ("state = 'expired', ended_at = now()", "grant_expired_at_its_end"),
        ("state = 'withdrawn', ended_at = given_at - interval '1 day'", "grant_times_fit_state"),
    ],
)
def test_grants_that_make_no_sense_are_refused(
    officer: Account, change: str, constraint: str
) -> None:
    grant = consent_of(officer, register(officer))
    with pytest.raises(DatabaseError, match=constraint):
        run(f"UPDATE consent_grant SET {change} WHERE id = %s", grant.pk)


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("uses", "{dance}", "grant_uses_known"),
        ("uses", "{}", "grant_answers_fit_mode"),
        ("refused", "{train}", "grant_answers_fit_mode|grant_answers_agree"),
        ("media", "{dreams}", "grant_media_known"),
        ("assurance", "oath", "grant_assurance_known"),
        ("right", "face", "grant_right_known"),
        ("basis", "whim", "grant_basis_known"),
        ("capacity", "neighbour", "grant_capacity_known"),
        ("power_until", "2999-01-01", "grant_own_word_has_no_term"),
        ("valid_from", None, "grant_term_known_when_given"),
        ("valid_until", "2020-01-01", "grant_term_runs_forward"),
    ],
)
def test_no_impossible_grant_can_be_inserted(
    officer: Account, column: str, value: str | None, constraint: str
) -> None:
    grant = consent_of(officer, register(officer))
    with pytest.raises(DatabaseError, match=constraint):
        insert_again(grant, column, value)


def test_a_published_notice_is_fixed(officer: Account) -> None:
    grant = consent_of(officer, register(officer))
    for column in ("text", "title", "code", "language"):
        with pytest.raises(DatabaseError, match=f"column {column} of consent_notice is frozen"):
            run(f"UPDATE consent_notice SET {column} = 'xx' WHERE id = %s", grant.notice_id)


@pytest.mark.parametrize("table", GUARDS.TABLES)
def test_the_application_deletes_and_truncates_nothing(house: House, table: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        run(f"DELETE FROM consent_{table}")
    with pytest.raises(DatabaseError, match="permission denied"):
        run(f"TRUNCATE consent_{table} CASCADE")


@pytest.mark.parametrize("table", GUARDS.TABLES)
def test_the_application_cannot_switch_the_guards_off(house: House, table: str) -> None:
    with pytest.raises(DatabaseError, match="must be owner"):
        run(f"ALTER TABLE consent_{table} DISABLE TRIGGER ALL")


def test_nobody_lets_himself_in(house: House) -> None:
    with pytest.raises(DatabaseError, match=r"account_let_in_by_another|is set once"):
        run("UPDATE consent_account SET approved_by_id = id WHERE id = %s", house.ada.pk)
    account = services.propose_account(
        actor=house.ada, newcomer=services.Newcomer("Eve", "eve@house.example")
    )
    with pytest.raises(DatabaseError, match="account_let_in_by_somebody"):
        run("UPDATE consent_account SET state = 'active' WHERE id = %s", account.pk)
    for approver in (account, house.ada):
        with pytest.raises(DatabaseError, match="account_let_in_by_another"):
            run(
                "UPDATE consent_account SET state = 'active', approved_by_id = %s WHERE id = %s",
                approver.pk,
                account.pk,
            )


def test_nobody_grants_himself_a_role(house: House) -> None:
    eve = house.account("Eve")
    membership = services.propose_membership(
        actor=house.ada, account_id=eve.pk, role=RoleCode.OFFICER
    )
    move = "UPDATE consent_membership SET state = 'active', approved_by_id = %s WHERE id = %s"
    for approver in (eve, house.ada):
        with pytest.raises(DatabaseError, match="membership_granted_by_another"):
            run(move, approver.pk, membership.pk)
    with pytest.raises(DatabaseError, match="membership_granted_by_somebody"):
        run("UPDATE consent_membership SET state = 'active' WHERE id = %s", membership.pk)


def plan(officer: Account) -> Plan:
    request = services.open_request(
        actor=officer,
        subject_id=register(officer).pk,
        kind=RequestKind.ERASURE,
        channel=Method.LETTER,
        identity=Assurance.IN_PERSON,
    )
    return services.plan_request(actor=officer, request_id=request.pk)


def test_nobody_approves_his_own_plan(officer: Account) -> None:
    drawn = plan(officer)
    with pytest.raises(DatabaseError, match="plan_approved_by_another"):
        run(
            "UPDATE consent_plan SET state = 'approved', approved_by_id = planned_by_id,"
            " approved_at = now() WHERE id = %s",
            drawn.pk,
        )
    with pytest.raises(DatabaseError, match="plan_approved_by_somebody"):
        run("UPDATE consent_plan SET state = 'approved' WHERE id = %s", drawn.pk)


def test_no_request_is_carried_out_without_an_approved_plan(officer: Account) -> None:
    drawn = plan(officer)
    move = "UPDATE consent_privacyrequest SET state = 'plan_approved' WHERE id = %s"
    with pytest.raises(DatabaseError, match="no plan that two people stand for"):
        run(move, drawn.request_id)


def test_every_illegal_move_of_a_request_is_refused(officer: Account) -> None:
    drawn = plan(officer)
    legal = GUARDS.MOVES["privacyrequest"][0]
    for after in RequestState.values:
        if after == "planned" or ("planned", after) in legal:
            continue
        with pytest.raises(DatabaseError, match=r"cannot go from planned|no plan that two"):
            run(
                "UPDATE consent_privacyrequest SET state = %s WHERE id = %s",
                after,
                drawn.request_id,
            )


def test_a_step_is_done_with_counts_only(officer: Account) -> None:
    drawn = plan(officer)
    with pytest.raises(DatabaseError, match="step_done_with_counts"):
        run("UPDATE consent_step SET state = 'done' WHERE plan_id = %s", drawn.pk)
    with pytest.raises(DatabaseError, match="column planned of consent_step is frozen"):
        run("UPDATE consent_step SET planned = 0 WHERE plan_id = %s", drawn.pk)


def walk_states(table: str, states: list[str], row: Any, others: str = "") -> None:
    """Move ``row`` along ``states``, trying every illegal move at each stop."""
    legal = GUARDS.MOVES[table][0]
    every = {state for pair in legal for state in pair}
    for place, state in enumerate(states):
        if place:
            run(f"UPDATE consent_{table} SET state = %s {others} WHERE id = %s", state, row.pk)
        for after in every - {state}:
            if (state, after) not in legal:
                with pytest.raises(DatabaseError, match=f"cannot go from {state} to {after}"):
                    run(f"UPDATE consent_{table} SET state = %s WHERE id = %s", after, row.pk)


def test_accounts_and_roles_move_forward_only(house: House) -> None:
    eve = services.Newcomer("Eve", "eve@house.example")
    account = services.propose_account(actor=house.ada, newcomer=eve)
    by_ben = f", approved_by_id = '{house.ben.pk}'"
    membership = services.propose_membership(
        actor=house.ada, account_id=account.pk, role=RoleCode.OFFICER
    )
    walk_states("account", ["proposed", "active", "ended"], account, by_ben)
    walk_states("membership", ["proposed", "active", "ended"], membership, by_ben)


def test_plans_and_steps_move_forward_only(officer: Account, approver: Account) -> None:
    drawn = plan(officer)
    stamped = f", approved_at = '2026-11-20', approved_by_id = '{approver.pk}'"
    step = drawn.steps.all()[0]
    walk_states("plan", ["proposed", "approved", "void"], drawn, stamped)
    done = ", before = 1, after = 0, done_at = '2026-11-20'"
    walk_states("step", ["pending", "done"], step, done)


@pytest.mark.parametrize("table", GUARDS.MOVES)
def test_every_state_of_the_code_is_reached_by_some_move(table: str) -> None:
    moves, initial = GUARDS.MOVES[table]
    (model,) = (
        m for m in apps.get_app_config("consent").get_models() if m._meta.model_name == table
    )
    field: Any = model._meta.get_field("state")
    states = {value for value, _ in field.choices}
    assert states == set(initial) | {after for _, after in moves}
