from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from consent import services
from consent.decision import Code, Outcome
from consent.decisions import decide_uses
from consent.errors import NotPermitted, PictureRefused, TermsRefused, Unknown, WrongState
from consent.models import Account, Evidence, Grant, GrantState, Subject
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import Piece
from consent.uses import EvidenceKind, Medium, Mode, Use
from ledger import binary, vault
from ledger.services import open_file
from tests.consent.factories import (
    House,
    answer,
    body_of,
    consent_of,
    picture,
    publish,
    register,
    wait_until,
)


def outcome(subject: Subject, use: Use) -> tuple[Outcome, Code]:
    decision = decide_uses([subject.pk], [use])
    return decision.outcome, decision.reasons[0].code


def test_a_notice_gets_the_next_version_in_its_language(officer: Account) -> None:
    versions = [publish(officer).version, publish(officer, text="New.").version]
    assert versions == [1, 2]
    assert publish(officer, language="de").version == 1


def test_the_record_of_a_notice_states_its_digest(officer: Account) -> None:
    notice = publish(officer)
    body = body_of(notice)
    assert body.facts["digest"] == f"sha256:{notice.digest.hex()}"
    assert body.kind == "notice.published"
    assert body.at.endswith(":00:00Z")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"code": "A"}, "code is malformed"),
        ({"language": "english"}, "two small letters"),
        ({"title": " "}, "title has 1 characters"),
        ({"text": "x" * 100_001}, "text has 100001 characters"),
    ],
)
def test_malformed_notices_are_refused(
    officer: Account, changes: dict[str, str], complaint: str
) -> None:
    with pytest.raises(TermsRefused, match=complaint):
        publish(officer, **changes)


def test_a_subject_is_sealed_under_a_key_of_its_own(officer: Account) -> None:
    one, other = register(officer, portrait=picture()), register(officer)
    keys = vault.keys(one.scope_ids())
    opened = {known.kind: keys.open(known, "value") for known in one.identifiers.all()}
    assert opened == {"name": b"Cleo Invented", "email": b"cleo@people.example"}
    assert one.scope_id != other.scope_id
    assert one.portrait is not None
    assert open_file(one.portrait, keys) == picture()


def test_malformed_subjects_are_refused(officer: Account) -> None:
    with pytest.raises(TermsRefused, match="name is empty"):
        register(officer, "")
    with pytest.raises(TermsRefused, match="e-mail address is malformed"):
        register(officer, email="cleo")
    with pytest.raises(PictureRefused, match="no PNG, JPEG or WebP"):
        register(officer, portrait=b"GIF89a")
    assert not Subject.objects.exists()


def test_only_who_may_records_consent(house: House, officer: Account) -> None:
    subject, notice = register(officer), publish(officer)
    manager = house.account("Mia", RoleCode.MANAGER)
    with pytest.raises(NotPermitted, match=r"consent\.give_grant"):
        services.give(actor=manager, subject_id=subject.pk, notice_id=notice.pk, answer=answer())


def test_consent_counts_from_the_moment_it_is_given(officer: Account) -> None:
    subject = register(officer)
    assert outcome(subject, Use.TRAIN) == ("refused", "never_given")
    consent_of(officer, subject)
    assert outcome(subject, Use.TRAIN) == ("allowed", "granted")


def test_evidence_is_sealed_with_the_person(officer: Account) -> None:
    subject, notice = register(officer), publish(officer)
    grant = services.give(
        actor=officer,
        subject_id=subject.pk,
        notice_id=notice.pk,
        answer=answer(),
        evidence=[Piece(b"%PDF-1.7"), Piece(b"\xff\xd8\xff", EvidenceKind.SCAN)],
    )
    form, scan = Evidence.objects.of(grant)
    assert form.scope_ids() == subject.scope_ids()
    assert (form.media_type, scan.media_type) == ("application/pdf", "image/jpeg")
    assert scan.kind == "scan"
    assert services.read_evidence(reader=officer, piece=form) == b"%PDF-1.7"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"uses": frozenset()}, "do not fit the mode opt-in"),
        ({"refused": frozenset({Use.TRAIN})}, "do not fit the mode opt-in"),
        ({"mode": Mode.OPT_OUT}, "do not fit the mode opt-out"),
        ({"mode": Mode.GRANULAR, "refused": frozenset({Use.TRAIN})}, "allows and refuses train"),
        ({"media": frozenset()}, "must name media and territories"),
        ({"territories": frozenset()}, "must name media and territories"),
        ({"territories": frozenset({"Germany"})}, "1 territories are malformed"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(
    officer: Account, changes: dict[str, object], complaint: str
) -> None:
    subject = register(officer)
    with pytest.raises(TermsRefused, match=complaint):
        consent_of(officer, subject, answer(**changes))
    assert not Grant.objects.exists()


def test_a_term_that_is_over_is_refused(officer: Account) -> None:
    subject = register(officer)
    now = database_now()
    with pytest.raises(TermsRefused, match="has ended already"):
        consent_of(officer, subject, answer(valid_until=now))
    later = answer(valid_from=now + timedelta(days=2), valid_until=now + timedelta(days=1))
    with pytest.raises(TermsRefused, match="ends before it begins"):
        consent_of(officer, subject, later)


def test_unknown_people_and_notices_are_named_so(officer: Account) -> None:
    subject, notice = register(officer), publish(officer)
    with pytest.raises(Unknown, match="no person has this id"):
        services.give(actor=officer, subject_id=uuid4(), notice_id=notice.pk, answer=answer())
    with pytest.raises(Unknown, match="no notice has this id"):
        services.give(actor=officer, subject_id=subject.pk, notice_id=uuid4(), answer=answer())


def test_a_withdrawal_counts_from_the_next_decision_on(officer: Account) -> None:
    subject = register(officer)
    grant = consent_of(officer, subject)
    before = database_now()
    withdrawn = services.withdraw(actor=officer, grant_id=grant.pk)
    assert withdrawn.state == GrantState.WITHDRAWN
    assert outcome(subject, Use.TRAIN) == ("refused", "withdrawn")
    past = decide_uses([subject.pk], [Use.TRAIN], at=before)
    assert past.outcome is Outcome.ALLOWED


def test_taking_back_some_uses_keeps_the_rest_under_the_same_terms(officer: Account) -> None:
    subject = register(officer)
    grant = consent_of(officer, subject, answer(Use.TRAIN, Use.DEPICT))
    rest = services.withdraw(actor=officer, grant_id=grant.pk, uses=[Use.TRAIN])
    grant.refresh_from_db()
    assert (grant.state, rest.supersedes) == (GrantState.SUPERSEDED, grant)
    assert rest.uses == ["depict"]
    assert (rest.media, rest.notice) == (grant.media, grant.notice)
    assert rest.record == grant.record
    # What is left is no newer word than it was.
    assert (rest.given_at, rest.opened_at) == (grant.given_at, grant.opened_at)
    assert outcome(subject, Use.TRAIN) == ("refused", "withdrawn")
    assert outcome(subject, Use.DEPICT) == ("allowed", "granted")


def test_taking_back_all_uses_one_by_one_withdraws(officer: Account) -> None:
    subject = register(officer)
    grant = consent_of(officer, subject, answer(Use.TRAIN))
    assert services.withdraw(actor=officer, grant_id=grant.pk, uses=[Use.TRAIN]) == grant
    assert Grant.objects.get().state == GrantState.WITHDRAWN


def test_an_answer_is_withdrawn_once(officer: Account) -> None:
    grant = consent_of(officer, register(officer))
    services.withdraw(actor=officer, grant_id=grant.pk)
    with pytest.raises(WrongState, match="answer is withdrawn, wanted given"):
        services.withdraw(actor=officer, grant_id=grant.pk)


def test_a_use_that_was_never_answered_cannot_be_taken_back(officer: Account) -> None:
    grant = consent_of(officer, register(officer), answer(Use.TRAIN))
    with pytest.raises(TermsRefused, match="does not speak of depict"):
        services.withdraw(actor=officer, grant_id=grant.pk, uses=[Use.DEPICT])


def test_a_no_outweighs_a_yes_until_it_is_taken_back(officer: Account) -> None:
    subject = register(officer)
    consent_of(officer, subject)
    no = answer(mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.TRAIN}))
    refusal = consent_of(officer, subject, no)
    assert outcome(subject, Use.TRAIN) == ("refused", "refused_by_person")
    services.withdraw(actor=officer, grant_id=refusal.pk)
    assert outcome(subject, Use.TRAIN) == ("allowed", "granted")


def test_an_expired_answer_is_marked_and_was_never_taken_back(officer: Account) -> None:
    subject = register(officer)
    soon = database_now() + timedelta(milliseconds=300)
    grant = consent_of(officer, subject, answer(valid_until=soon))
    services.expire(grant_id=grant.pk)
    assert Grant.objects.get().state == GrantState.GIVEN
    wait_until(soon)
    for _ in range(2):
        services.expire(grant_id=grant.pk)
    assert Grant.objects.get().state == GrantState.EXPIRED
    assert outcome(subject, Use.TRAIN) == ("refused", "expired")


def test_decisions_over_several_people_take_one_round_trip_of_three_queries(
    officer: Account, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = publish(officer)
    people = [register(officer, f"Person {n}") for n in range(4)]
    for person in people:
        consent_of(officer, person, notice=notice)
    send, sent = binary.send_all, []

    def count(statements: Any, **where: Any) -> Any:
        sent.append(list(statements))
        return send(sent[-1], **where)

    monkeypatch.setattr(binary, "send_all", count)
    with django_assert_num_queries(0):
        decision = decide_uses([p.pk for p in people], [Use.DEPICT, Use.TRAIN])
    assert [len(statements) for statements in sent] == [3]
    assert decision.outcome is Outcome.ALLOWED
    assert len(decision.reasons) == 8
    assert Medium.ONLINE.value in Grant.objects.all()[0].media
