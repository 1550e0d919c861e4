"""The life of an answer: prepared, asked for, given, set aside, renewed, ended; and by whom."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from consent import services
from consent.decision import Code, Context
from consent.decisions import decide_uses
from consent.errors import NotPermitted, TermsRefused, WrongState
from consent.models import Account, Grant, GrantState, Representation, Subject, Title
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import Span
from consent.uses import ANY, Assurance, Basis, Capacity, Method, Mode, Right, Use
from ledger import vault
from tests.consent.factories import (
    House,
    answer,
    body_of,
    consent_of,
    grant_in,
    openings_of,
    publish,
    register,
)


def code(subject: Subject, use: Use = Use.TRAIN, **asked: Any) -> Code:
    return decide_uses([subject.pk], [use], **asked).reasons[0].code


# Asking ------------------------------------------------------------------------------------------


def ask(officer: Account, subject: Subject, **changes: Any) -> Grant:
    notice = publish(officer)
    return services.request(
        actor=officer, subject_id=subject.pk, notice_id=notice.pk, answer=answer(**changes)
    )


def test_nothing_follows_from_what_is_only_asked(officer: Account) -> None:
    subject = register(officer)
    asked = ask(officer, subject)
    assert body_of(asked).kind == "grant.requested"
    assert code(subject) is Code.NEVER_GIVEN
    services.defer_request(actor=officer, grant_id=asked.pk)
    assert code(subject) is Code.NEVER_GIVEN
    services.send(actor=officer, grant_id=asked.pk)
    services.let_lapse(actor=officer, grant_id=asked.pk)
    assert code(subject) is Code.NEVER_GIVEN


def test_a_person_may_give_less_than_was_asked(officer: Account) -> None:
    subject = register(officer)
    asked = ask(officer, subject)
    less = answer(Use.EVALUATE, mode=Mode.GRANULAR, refused=frozenset({Use.TRAIN}))
    given = services.answer_request(actor=officer, grant_id=asked.pk, answer=less)
    assert given.pk == asked.pk
    assert (given.state, given.uses, given.refused) == (GrantState.GIVEN, ["evaluate"], ["train"])
    assert code(subject) is Code.REFUSED_BY_PERSON
    assert code(subject, Use.EVALUATE) is Code.GRANTED


def test_a_refused_request_is_a_no_until_it_is_taken_back(officer: Account) -> None:
    subject = register(officer)
    consent_of(officer, subject)
    asked = ask(officer, subject)
    refused = services.refuse_request(actor=officer, grant_id=asked.pk, method=Method.PORTAL)
    assert (refused.state, refused.uses) == (GrantState.REFUSED, [])
    assert code(subject) is Code.REFUSED_BY_PERSON
    services.withdraw(actor=officer, grant_id=asked.pk)
    assert code(subject) is Code.GRANTED


def test_what_was_answered_is_not_answered_again(officer: Account) -> None:
    for state in (GrantState.GIVEN, GrantState.REFUSED, GrantState.LAPSED):
        grant = grant_in(officer, state)
        with pytest.raises(WrongState, match=f"answer is {state}"):
            services.answer_request(actor=officer, grant_id=grant.pk, answer=answer())


# Ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", GrantState.values)
def test_each_move_is_one_record_that_says_how_and_by_whom(officer: Account, state: str) -> None:
    grant = grant_in(officer, GrantState(state))
    said = {opening.role: opening.payload for opening in openings_of(grant)}
    assert said["subject"]["by"] == "self"
    assert said["subject"]["notice"] == f"sha256:{grant.notice.digest.hex()}"
    assert set(said) >= ({"subject"} if state == "expired" else {"subject", "actor"})


def test_an_answer_that_is_set_aside_does_not_count_meanwhile(officer: Account) -> None:
    subject = register(officer)
    grant = consent_of(officer, subject)
    services.suspend(actor=officer, grant_id=grant.pk)
    during = database_now()
    assert code(subject) is Code.SUSPENDED
    services.resume(actor=officer, grant_id=grant.pk)
    assert code(subject) is Code.GRANTED
    assert code(subject, at=during) is Code.SUSPENDED
    services.suspend(actor=officer, grant_id=grant.pk)
    assert len(Grant.objects.get().suspended_at) == 2
    assert code(subject) is Code.SUSPENDED


def renew(officer: Account, grant: Grant, until: datetime | None = None) -> Grant:
    return services.renew(
        actor=officer,
        grant_id=grant.pk,
        valid_until=until,
        method=Method.EMAIL,
        assurance=Assurance.EID,
    )


def test_a_renewal_takes_the_place_of_what_was_said(officer: Account) -> None:
    subject = register(officer)
    grant = consent_of(officer, subject, answer(valid_until=database_now() + timedelta(days=1)))
    until = database_now() + timedelta(days=365)
    again = renew(officer, grant, until)
    grant.refresh_from_db()
    assert (grant.state, again.supersedes) == (GrantState.RENEWED, grant)
    assert (again.uses, again.valid_until, again.method) == (grant.uses, until, "email")
    # How surely it was the person this time, not the first time.
    assert (grant.assurance, again.assurance) == ("signed_release", "eid")
    assert code(subject, at=until - timedelta(hours=1)) is Code.GRANTED
    with pytest.raises(TermsRefused, match="term has ended already"):
        renew(officer, again, database_now())


def test_all_that_was_said_alike_is_taken_back_in_one_act(officer: Account) -> None:
    subject, somebody = register(officer), register(officer)
    first = consent_of(officer, subject, answer(Use.TRAIN, Use.DEPICT))
    no = frozenset({Use.DISTRIBUTE})
    said = [
        consent_of(officer, subject, answer(Use.TRAIN, mode=Mode.GRANULAR, refused=no)),
        services.suspend(actor=officer, grant_id=consent_of(officer, subject).pk),
        consent_of(officer, subject, answer(Use.EVALUATE)),
        consent_of(officer, subject, answer(right=Right.WORKS)),
        consent_of(officer, somebody),
    ]
    taken = services.withdraw_alike(actor=officer, grant_id=first.pk)
    assert taken[0].pk == first.pk
    assert {one.pk for one in taken} == {first.pk, said[0].pk, said[1].pk}
    assert {one.record for one in taken} == {taken[0].record}
    assert Grant.objects.filter(state="withdrawn").count() == 2
    # Whoever takes back what they allowed does not take back what they refused.
    assert code(subject, Use.DISTRIBUTE) is Code.REFUSED_BY_PERSON
    kept = Grant.objects.get(supersedes=said[0])
    assert (kept.uses, kept.refused, kept.given_at) == ([], ["distribute"], said[0].given_at)
    with pytest.raises(WrongState, match="answer is withdrawn"):
        services.withdraw_alike(actor=officer, grant_id=first.pk)


@pytest.mark.parametrize(
    ("end", "why"), [(services.revoke, Code.REVOKED), (services.invalidate, Code.INVALIDATED)]
)
def test_what_we_give_up_or_find_void_no_longer_counts(
    officer: Account, end: Any, why: Code
) -> None:
    subject = register(officer)
    grant = consent_of(officer, subject)
    before = database_now()
    end(actor=officer, grant_id=grant.pk)
    assert code(subject) is why
    assert code(subject, at=before) is Code.GRANTED


def test_only_who_may_changes_an_answer(house: House, officer: Account) -> None:
    grant = grant_in(officer, GrantState.GIVEN)
    moderator = house.account("Mo", RoleCode.MODERATOR)
    for move in (services.suspend, services.revoke, services.invalidate):
        with pytest.raises(NotPermitted, match=r"consent\.withdraw_grant"):
            move(actor=moderator, grant_id=grant.pk)


# Terms -------------------------------------------------------------------------------------------


def test_an_answer_names_its_right_basis_recipients_and_families(officer: Account) -> None:
    subject = register(officer)
    said = answer(
        basis=Basis.CONTRACT,
        recipients=frozenset({"gallery"}),
        families=frozenset({"shapes"}),
    )
    consent_of(officer, subject, said)
    context = Context(family="shapes")
    assert code(subject, context=context) is Code.GRANTED
    assert code(subject, context=Context(family="faces")) is Code.FAMILY_NOT_COVERED
    assert code(subject, right=Right.STYLE) is Code.NEVER_GIVEN


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"recipients": frozenset()}, "names 0 recipients, wanted ANY or up to 100"),
        ({"families": frozenset({"Two Words"})}, "code is malformed"),
        ({"families": frozenset({ANY, "x" * 51})}, "code is malformed"),
    ],
)
def test_codes_that_are_none_are_refused(
    officer: Account, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TermsRefused, match=complaint):
        consent_of(officer, register(officer), answer(**changes))


# Speaking for another ----------------------------------------------------------------------------


def guardian(officer: Account, child: Subject, **span: Any) -> Representation:
    parent = register(officer, "Pat Invented")
    return services.represent(
        actor=officer,
        subject_id=child.pk,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(**{"ends_at": database_now() + timedelta(days=900), **span}),
    )


def give_by(officer: Account, speaker: Representation) -> Grant:
    return services.give(
        actor=officer,
        subject_id=speaker.subject_id,
        notice_id=publish(officer).pk,
        answer=answer(),
        representation_id=speaker.pk,
    )


def test_a_guardians_word_counts_until_the_child_is_of_age(officer: Account) -> None:
    child = register(officer)
    birthday = database_now() + timedelta(days=30)
    grant = give_by(officer, guardian(officer, child, ends_at=birthday))
    assert (grant.capacity, grant.power_until) == ("guardian", birthday)
    assert code(child) is Code.GRANTED
    assert code(child, at=birthday - timedelta(seconds=1)) is Code.GRANTED
    decision = decide_uses([child.pk], [Use.TRAIN], at=birthday)
    assert (decision.outcome, decision.reasons[0].code) == ("needs_review", Code.POWER_ENDED)


def test_who_answered_lies_under_both_keys(officer: Account) -> None:
    child = register(officer)
    speaker = guardian(officer, child, evidence=b"%PDF of the birth register")
    grant = give_by(officer, speaker)
    both = {child.scope_id, speaker.representative.scope_id}
    assert set(speaker.scope_ids()) == set(grant.given_by.scope_ids()) == both
    assert speaker.evidence is not None
    assert set(speaker.evidence.scopes) == both
    roles = {opening.role: opening.payload for opening in openings_of(grant)}
    # The child's own segment leads to nobody else.
    assert str(speaker.representative_id) not in str(roles["subject"])
    assert roles["subject"]["by"] == "guardian"
    assert str(grant.given_by.pk) in str(roles["giver"])


def test_when_a_guardian_no_longer_speaks_their_answers_are_set_aside(officer: Account) -> None:
    child = register(officer)
    speaker = guardian(officer, child)
    grant, own = give_by(officer, speaker), consent_of(officer, register(officer))
    services.end_representation(actor=officer, representation_id=speaker.pk)
    grant.refresh_from_db()
    own.refresh_from_db()
    assert (grant.state, own.state) == (GrantState.SUSPENDED, GrantState.GIVEN)
    assert code(child) is Code.SUSPENDED
    with pytest.raises(TermsRefused, match="cannot speak for the person now"):
        give_by(officer, speaker)
    with pytest.raises(WrongState, match="is over already"):
        services.end_representation(actor=officer, representation_id=speaker.pk)


def test_what_follows_a_guardians_answer_is_the_guardians_too(officer: Account) -> None:
    speaker = guardian(officer, register(officer))
    first, second = give_by(officer, speaker), give_by(officer, speaker)
    rest = services.withdraw(actor=officer, grant_id=first.pk, uses=[Use.TRAIN])
    again = renew(officer, second)
    for successor in (rest, again):
        roles = {opening.role: opening.payload for opening in openings_of(successor)}
        assert str(successor.given_by.pk) in str(roles["giver"])
        assert successor.given_by.record == successor.record
    services.end_representation(actor=officer, representation_id=speaker.pk)
    for successor in (rest, again):
        successor.refresh_from_db()
        assert successor.state == GrantState.SUSPENDED
        with pytest.raises(TermsRefused, match="no longer speaks for the person"):
            services.resume(actor=officer, grant_id=successor.pk)


def test_nobody_speaks_for_themself_or_against_time(officer: Account) -> None:
    child = register(officer)
    with pytest.raises(TermsRefused, match="say when the child comes of age"):
        guardian(officer, child, ends_at=None)
    with pytest.raises(TermsRefused, match="both are the same person"):
        services.represent(
            actor=officer,
            subject_id=child.pk,
            representative_id=child.pk,
            capacity=Capacity.AGENT,
        )
    with pytest.raises(TermsRefused, match="it ends before it begins"):
        guardian(officer, child, ends_at=database_now() - timedelta(days=1))
    assert not Representation.objects.exists()


# Titles ------------------------------------------------------------------------------------------


def test_an_agency_consents_for_works_whose_title_it_holds(officer: Account) -> None:
    artist, agency = register(officer), register(officer, "An Invented Agency")
    works = answer(right=Right.WORKS)
    title = services.pass_title(
        actor=officer, origin_id=artist.pk, holder_id=agency.pk, right=Right.WORKS, exclusive=True
    )
    assert code(artist, right=Right.WORKS) is Code.NEVER_GIVEN
    consent_of(officer, agency, works)
    assert code(artist, right=Right.WORKS) is Code.BY_TITLE
    assert code(artist, right=Right.STYLE) is Code.NEVER_GIVEN
    assert code(artist) is Code.NEVER_GIVEN
    before = database_now()
    services.end_title(actor=officer, title_id=title.pk)
    assert code(artist, right=Right.WORKS) is Code.NEVER_GIVEN
    assert code(artist, right=Right.WORKS, at=before) is Code.BY_TITLE


def test_a_likeness_is_nobodys_to_pass_on(officer: Account) -> None:
    artist, agency = register(officer), register(officer)
    with pytest.raises(TermsRefused, match="nobody disposes of another's likeness"):
        services.pass_title(
            actor=officer, origin_id=artist.pk, holder_id=agency.pk, right=Right.LIKENESS
        )
    assert not Title.objects.exists()


def test_a_decision_about_works_takes_a_fixed_number_of_queries(
    officer: Account, django_assert_num_queries: Any
) -> None:
    people = [register(officer) for _ in range(5)]
    for origin, holder in pairwise(people):
        services.pass_title(
            actor=officer, origin_id=origin.pk, holder_id=holder.pk, right=Right.WORKS
        )
    asked = [person.pk for person in people]
    with django_assert_num_queries(1):
        decide_uses(asked, [Use.TRAIN], right=Right.WORKS)


def test_keys_of_either_end_what_both_share(officer: Account) -> None:
    speaker = guardian(officer, register(officer), evidence=b"%PDF")
    assert speaker.evidence is not None
    keys = vault.keys(speaker.scope_ids())
    assert speaker.evidence.scope_ids() in keys
