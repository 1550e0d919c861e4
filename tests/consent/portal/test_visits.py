"""What people do in the portal: give, take back, ask, follow; for themselves and for others."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from consent import services
from consent.decision import Code
from consent.decisions import decide_uses
from consent.errors import LinkRefused, NotPermitted, TermsRefused, Unknown, WrongState
from consent.kinds import CloseOutcome
from consent.models import (
    Account,
    Grant,
    GrantState,
    Language,
    Observation,
    PortalLink,
    PortalVisit,
    PrivacyRequest,
    RequestKind,
    Serving,
    Subject,
)
from consent.moment import database_now
from consent.receipts.verify import Outside, verify_receipt
from consent.services import Span, Visitor
from consent.services.authority import require_party
from consent.services.grants import whose_grant
from consent.signing import read_receipt_keys
from consent.uses import Assurance, Capacity, Method, Mode, Use
from ledger.services import destroy_scopes
from tests.conftest import ActingAs
from tests.consent.factories import answer, body_of, consent_of, openings_of, publish, register
from tests.consent.portal.conftest import ADDRESS, ask, ask_for_letters, once

Enter = Callable[..., Client]
TWO = {"uses": frozenset({Use.TRAIN, Use.EVALUATE})}


def said_in(row: Any) -> dict[str, dict[str, Any]]:
    """Return the payloads of a row's newest record by role."""
    return {opening.role: dict(opening.payload) for opening in openings_of(row)}


def reply(client: Client, grant: Grant, **words: str) -> Any:
    """Fill in and send the form that answers a request."""
    form = f"/portal/answers/{grant.pk}/give/"
    return client.post(form, {"once": once(client.get(form)), **words})


# Giving ------------------------------------------------------------------------------------------


def test_a_request_is_answered_use_by_use(officer: Account, cleo: Subject, enter: Enter) -> None:
    asked, client = ask(officer, cleo, **TWO), enter(cleo)
    assert f"/portal/answers/{asked.pk}/give/" in client.get("/portal/home/").content.decode()
    assert reply(client, asked, train="no", evaluate="yes").status_code == 302
    asked.refresh_from_db()
    assert (asked.state, asked.uses, asked.refused) == ("given", ["evaluate"], ["train"])
    assert (asked.method, asked.assurance, asked.capacity) == ("portal", "known_contact", "self")
    assert body_of(asked).kind == "grant.given"
    said = said_in(asked)
    assert said["actor"]["actor"] == "subject"
    assert said["subject"]["method"] == "portal"
    page = client.get("/portal/home/").content.decode()
    assert re.search(r'Testing.*?class="word yes"', page, re.DOTALL)
    assert "You said no." in page


def test_no_to_everything_is_a_refusal(officer: Account, cleo: Subject, enter: Enter) -> None:
    asked = ask(officer, cleo, **TWO)
    reply(enter(cleo), asked, train="no", evaluate="no")
    asked.refresh_from_db()
    assert (asked.state, asked.method, asked.assurance) == ("refused", "portal", "known_contact")


def test_nothing_is_chosen_beforehand_and_nothing_may_be_left_open(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo, **TWO), enter(cleo)
    assert "checked" not in client.get(f"/portal/answers/{asked.pk}/give/").content.decode()
    page = reply(client, asked, train="yes")
    assert page.status_code == 422
    assert "Say yes or no." in page.content.decode()
    asked.refresh_from_db()
    assert asked.state == GrantState.REQUESTED


def test_a_form_sent_twice_answers_once(officer: Account, cleo: Subject, enter: Enter) -> None:
    asked, client = ask(officer, cleo, **TWO), enter(cleo)
    form = f"/portal/answers/{asked.pk}/give/"
    sent = {"once": once(client.get(form)), "train": "yes", "evaluate": "yes"}
    first = client.post(form, sent)
    asked.refresh_from_db()
    record = asked.record
    assert client.post(form, sent).headers["Location"] == first.headers["Location"]
    asked.refresh_from_db()
    assert asked.record == record
    assert client.post(form, {**sent, "train": "no"}).status_code == 409
    assert client.post(form, {**sent, "once": ""}).status_code == 422


def test_what_was_read_is_what_was_answered(officer: Account, cleo: Subject, enter: Enter) -> None:
    asked = ask(officer, cleo, **TWO)
    german = publish(officer, language="de", title="Bilder von Ihnen", text="Dürfen wir?")
    reply(enter(cleo, HTTP_ACCEPT_LANGUAGE="de"), asked, train="yes", evaluate="yes")
    asked.refresh_from_db()
    assert asked.notice == german
    assert said_in(asked)["subject"]["notice"] == f"sha256:{german.digest.hex()}"


def test_a_text_that_was_opened_is_served_once_in_a_visit(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo), enter(cleo)
    for _ in range(2):
        client.get(f"/portal/answers/{asked.pk}/give/")
    (served,) = Serving.objects.all()
    assert (served.subject, served.notice, served.channel) == (cleo, asked.notice, "portal")
    assert said_in(served)["actor"]["actor"] == "subject"


def test_another_text_is_not_what_was_asked(officer: Account, visitor: Visitor) -> None:
    asked = ask(officer, visitor.subject)
    other = publish(officer, code="other")
    with pytest.raises(TermsRefused, match="not the one that was asked about"):
        services.answer_request(
            actor=visitor, grant_id=asked.pk, answer=answer(), notice_id=other.pk
        )


def test_an_answer_can_be_put_off(officer: Account, cleo: Subject, enter: Enter) -> None:
    asked, client = ask(officer, cleo), enter(cleo)
    form = client.get(f"/portal/answers/{asked.pk}/give/")
    client.post(f"/portal/answers/{asked.pk}/later/", {"once": once(form)})
    asked.refresh_from_db()
    assert asked.state == GrantState.DEFERRED
    assert client.get(f"/portal/answers/{asked.pk}/give/").status_code == 200


# Taking back -------------------------------------------------------------------------------------


def take_back(client: Client, grant: Grant, **sent: Any) -> Any:
    page = f"/portal/answers/{grant.pk}/"
    return client.post(page, {"once": once(client.get(page)), **sent})


def test_a_single_use_is_taken_back(officer: Account, cleo: Subject, enter: Enter) -> None:
    given, client = consent_of(officer, cleo), enter(cleo)
    assert take_back(client, given, uses=["train"]).status_code == 302
    given.refresh_from_db()
    rest = Grant.objects.get(supersedes=given)
    assert given.state == GrantState.SUPERSEDED
    assert "train" not in rest.uses
    assert len(rest.uses) == len(Use) - 1
    said = said_in(given)
    assert said["actor"] == {"actor": "subject", "at": said["actor"]["at"]}
    assert said["subject"]["method"] == "portal"
    assert "You took it back." in client.get("/portal/home/").content.decode()


def test_all_of_an_answer_is_taken_back_and_a_no_stays(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    said = answer(Use.EVALUATE, mode=Mode.GRANULAR, refused=frozenset({Use.TRAIN}))
    given, client = consent_of(officer, cleo, said), enter(cleo)
    take_back(client, given, everything="yes")
    code = decide_uses([cleo.pk], [Use.TRAIN]).reasons[0].code
    assert code is Code.REFUSED_BY_PERSON
    assert not Grant.objects.filter(state="given", uses__contains=["evaluate"]).exists()


def test_this_and_all_like_it_is_taken_back_in_one_act(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    client = enter(cleo)
    given = consent_of(officer, cleo, answer(Use.TRAIN))
    page = f"/portal/answers/{given.pk}/"
    assert "all like it" not in client.get(page).content.decode()
    other = publish(officer, code="other", title="Another text")
    like = consent_of(officer, cleo, answer(Use.TRAIN, Use.EVALUATE), other)
    unlike = consent_of(officer, cleo, answer(Use.DEPICT), other)
    shown = client.get(page).content.decode()
    assert "Take back this and all like it" in shown
    assert "Another text" in shown
    take_back(client, given, alike="yes")
    states = [Grant.objects.get(pk=one.pk).state for one in (given, like, unlike)]
    assert states == ["withdrawn", "withdrawn", "given"]


def test_whoever_answered_is_offered_the_receipt_of_it(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo, **TWO), enter(cleo)
    done = client.get(reply(client, asked, train="yes", evaluate="no").headers["Location"])
    assert f"/portal/answers/{asked.pk}/receipt/" in done.content.decode()
    other = register(officer, "Olaf Invented", email="olaf@people.example")
    strange = consent_of(officer, other)
    assert client.get(f"/portal/done/answered/{strange.pk}/").status_code == 404


def test_everything_is_taken_back_in_one_act(officer: Account, cleo: Subject, enter: Enter) -> None:
    one, other, client = consent_of(officer, cleo), consent_of(officer, cleo), enter(cleo)
    services.suspend(actor=officer, grant_id=other.pk)
    page = client.get("/portal/take-back/")
    sent = {"once": once(page)}
    for _ in range(2):
        assert client.post("/portal/take-back/", sent).status_code == 302
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.state, other.state) == ("withdrawn", "withdrawn")
    assert one.record == other.record
    assert "There is nothing that you allow." in client.get("/portal/take-back/").content.decode()


def test_a_no_is_taken_back_and_an_answer_given_once_more(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo, **TWO), enter(cleo)
    reply(client, asked, train="no", evaluate="no")
    take_back(client, asked, everything="yes")
    asked.refresh_from_db()
    assert asked.state == GrantState.WITHDRAWN
    reply(client, asked, train="no", evaluate="yes")
    again = Grant.objects.exclude(pk=asked.pk).get()
    assert (again.uses, again.refused, again.method) == (["evaluate"], ["train"], "portal")


def test_taking_back_takes_no_more_steps_than_giving(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo, **TWO), enter(cleo)
    giving = steps(client, f"/portal/answers/{asked.pk}/give/", train="yes", evaluate="yes")
    assert Grant.objects.get().state == GrantState.GIVEN
    taking_one = steps(client, f"/portal/answers/{asked.pk}/", uses=["evaluate"])
    rest = Grant.objects.get(state=GrantState.GIVEN)
    assert rest.uses == ["train"]
    taking_all = steps(client, f"/portal/answers/{rest.pk}/", everything="yes")
    assert not Grant.objects.filter(state=GrantState.GIVEN).exists()
    assert (giving, taking_one, taking_all) == (4, 3, 2)


def steps(client: Client, page: str, **choices: Any) -> int:
    """Go from the overview to a page and send its form; return the links, choices and buttons.

    The button that takes back all of it is itself the choice.
    """
    assert f'href="{page}"' in client.get("/portal/home/").content.decode()
    sent = client.post(page, {"once": once(client.get(page)), **choices})
    assert sent.status_code == 302
    made = sum(name != "everything" for name in choices)
    return 1 + made + 1


def test_an_answer_that_was_moved_meanwhile_is_not_taken_back(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    given, client = consent_of(officer, cleo), enter(cleo)
    key = once(client.get(f"/portal/answers/{given.pk}/"))
    services.withdraw(actor=officer, grant_id=given.pk)
    page = client.post(f"/portal/answers/{given.pk}/", {"once": key, "everything": "yes"})
    assert page.status_code == 409
    assert "changed meanwhile" in page.content.decode()


# What is not theirs ------------------------------------------------------------------------------


def test_what_belongs_to_others_is_not_there(officer: Account, cleo: Subject, enter: Enter) -> None:
    stranger = register(officer, "Stan Invented", email="stan@people.example")
    given, asked = consent_of(officer, stranger), ask(officer, stranger)
    draft = services.draft(
        actor=officer, subject_id=cleo.pk, notice_id=given.notice_id, answer=answer()
    )
    request = services.open_request(
        actor=officer,
        subject_id=stranger.pk,
        kind=RequestKind.ACCESS,
        channel=Method.LETTER,
        identity=Assurance.IN_PERSON,
    )
    client = enter(cleo)
    sent = {"once": "key", "everything": "yes", "uses": ["train"]}
    for path in (
        *(f"answers/{row.pk}/{act}" for row in (given, asked, draft) for act in ("", "give/")),
        f"requests/{request.pk}/",
        f"requests/{request.pk}/data/",
        f"answers/{uuid4()}/",
    ):
        assert client.get(f"/portal/{path}").status_code == 404, path
        assert client.post(f"/portal/{path}", sent).status_code in {404, 405}, path
    assert client.post(f"/portal/answers/{asked.pk}/later/", {"once": "key"}).status_code == 404
    assert client.post("/portal/people/", {"representation": str(uuid4())}).status_code == 404
    assert client.post("/portal/people/", {"representation": "x"}).status_code == 422


def test_services_refuse_a_person_what_is_not_their_own(officer: Account, visitor: Visitor) -> None:
    stranger = register(officer, "Stan Invented")
    foreign, own = consent_of(officer, stranger), consent_of(officer, visitor.subject)
    request = services.open_request(
        actor=visitor,
        subject_id=visitor.subject.pk,
        kind=RequestKind.ACCESS,
        channel=Method.FORM,
        identity=Assurance.EID,
    )
    person: Any = visitor
    with pytest.raises(Unknown, match="nothing of the person"):
        services.withdraw(actor=person, grant_id=foreign.pk)
    with pytest.raises(Unknown, match="nothing of the person"):
        services.give(
            actor=person, subject_id=stranger.pk, notice_id=own.notice_id, answer=answer()
        )
    for act in (services.suspend, services.revoke, services.invalidate, services.let_lapse):
        with pytest.raises(NotPermitted, match="a role that allows"):
            act(actor=person, grant_id=own.pk)
    with pytest.raises(NotPermitted, match="a role that allows"):
        services.identify(actor=person, request_id=request.pk, identity=Assurance.EID)
    with pytest.raises(NotPermitted, match="can only withdraw"):
        services.close_request(actor=person, request_id=request.pk, outcome=CloseOutcome.FULFILLED)


def test_nobody_says_how_surely_they_are_known(visitor: Visitor, officer: Account) -> None:
    given = services.give(
        actor=visitor,
        subject_id=visitor.subject.pk,
        notice_id=publish(officer).pk,
        answer=answer(assurance=Assurance.EID, method=Method.IN_PERSON),
    )
    assert (given.assurance, given.method) == (Assurance.KNOWN_CONTACT, Method.PORTAL)


# For others --------------------------------------------------------------------------------------


@pytest.fixture
def child(officer: Account, cleo: Subject) -> Subject:
    """A child for whom Cleo speaks."""
    child = register(officer, "Kim Invented", email=None)
    services.represent(
        actor=officer,
        subject_id=child.pk,
        representative_id=cleo.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=database_now() + timedelta(days=900)),
    )
    return child


def act_for(client: Client, child: Subject) -> None:
    page = client.get("/portal/people/").content.decode()
    assert "K. I." in page
    found = re.search(r'name="representation" value="([^"]+)"', page)
    assert found is not None
    assert client.post("/portal/people/", {"representation": found[1]}).status_code == 302


def test_a_guardian_answers_and_takes_back_for_a_child(
    officer: Account, cleo: Subject, child: Subject, enter: Enter
) -> None:
    asked, own = ask(officer, child, **TWO), consent_of(officer, cleo)
    client = enter(cleo)
    assert client.get(f"/portal/answers/{asked.pk}/").status_code == 404
    act_for(client, child)
    assert client.get(f"/portal/answers/{own.pk}/").status_code == 404
    reply(client, asked, train="yes", evaluate="yes")
    asked.refresh_from_db()
    assert (asked.state, asked.capacity, asked.method) == ("given", "guardian", "portal")
    assert asked.given_by.representation.representative == cleo
    said = said_in(asked)
    assert said["actor"]["actor"] == "guardian"
    assert said["subject"]["by"] == "guardian"
    take_back(client, asked, uses=["train"])
    asked.refresh_from_db()
    assert asked.state == GrantState.SUPERSEDED
    client.post("/portal/people/")
    assert client.get(f"/portal/answers/{own.pk}/").status_code == 200


def test_a_guardian_who_is_ended_acts_for_nobody(
    officer: Account, cleo: Subject, child: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, child), enter(cleo)
    act_for(client, child)
    row = child.representatives.get()
    visitor = Visitor(cleo, row)
    services.end_representation(actor=officer, representation_id=row.pk)
    assert client.get(f"/portal/answers/{asked.pk}/").status_code == 404
    assert client.post("/portal/people/", {"representation": str(row.pk)}).status_code == 404
    with pytest.raises(NotPermitted, match="no longer speaks"):
        services.answer_request(actor=visitor, grant_id=asked.pk, answer=answer())


def test_a_child_says_no_but_not_yes_while_a_guardian_speaks_for_it(
    officer: Account, child: Subject
) -> None:
    asked = ask(officer, child)
    with pytest.raises(TermsRefused, match="a guardian says yes"):
        services.answer_request(actor=Visitor(child), grant_id=asked.pk, answer=answer())
    services.refuse_request(actor=Visitor(child), grant_id=asked.pk, method=Method.PORTAL)
    asked.refresh_from_db()
    assert asked.state == GrantState.REFUSED


# Requests ----------------------------------------------------------------------------------------


def send_request(client: Client, kind: str) -> Any:
    return client.post(
        "/portal/requests/", {"once": once(client.get("/portal/requests/")), "kind": kind}
    )


def test_a_request_is_opened_followed_and_withdrawn(cleo: Subject, enter: Enter) -> None:
    client = enter(cleo)
    page = send_request(client, "erasure").headers["Location"]
    request = PrivacyRequest.objects.get()
    assert page == f"/portal/requests/{request.pk}/"
    assert (request.channel, request.identity) == ("portal", "known_contact")
    assert said_in(request)["actor"]["actor"] == "subject"
    shown = client.get(page)
    assert str(request.last_day.year) in shown.content.decode()
    assert "We have it" in shown.content.decode()
    again = send_request(client, "erasure")
    assert again.status_code == 422
    assert "You asked for this already" in again.content.decode()
    client.post(page, {"once": once(shown)})
    request.refresh_from_db()
    assert request.state == "closed_withdrawn"
    assert said_in(request)["actor"]["actor"] == "subject"


def test_a_request_sent_twice_is_one(cleo: Subject, enter: Enter) -> None:
    client = enter(cleo)
    sent = {"once": once(client.get("/portal/requests/")), "kind": "access"}
    first, second = (client.post("/portal/requests/", sent) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert PrivacyRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_package_is_downloaded_on_the_record(
    officer: Account, approver: Account, cleo: Subject, enter: Enter, acting_as: ActingAs
) -> None:
    client = enter(cleo)
    page = send_request(client, "access").headers["Location"]
    assert client.get(f"{page}data/").status_code == 404
    request = PrivacyRequest.objects.get()
    plan = services.plan_request(actor=officer, request_id=request.pk)
    services.approve_plan(actor=approver, plan_id=plan.pk)
    # Being here changes nothing that a plan counts.
    assert client.get(page).status_code == 200
    services.execute_plan(actor=officer, request_id=request.pk)
    with acting_as("eraser"):
        errand = services.lease_errand(request.pk)
        assert errand is not None
        services.carry_out(errand)
    assert f"{page}data/" in client.get(page).content.decode()
    package = client.get(f"{page}data/")
    assert package.headers["Content-Disposition"] == 'attachment; filename="your-data.zip"'
    names = zipfile.ZipFile(io.BytesIO(package.content)).namelist()
    assert "summary.html" in names
    with acting_as("eraser"):
        ask_for_letters()
        destroy_scopes(cleo.scope_ids())
    assert not PortalVisit.objects.exists()
    assert not PortalLink.objects.exists()
    assert client.get(page).status_code == 302


def test_a_receipt_is_downloaded_once_the_log_shows_the_answer(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo), enter(cleo)
    assert client.get(f"/portal/answers/{asked.pk}/receipt/").status_code == 404
    given = consent_of(officer, cleo)
    page = client.get(f"/portal/answers/{given.pk}/receipt/")
    assert page.status_code == 503
    assert "Not ready yet" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_receipt_is_the_persons_own_to_take(
    officer: Account, cleo: Subject, enter: Enter, sequence: Callable[[], int]
) -> None:
    given, client = consent_of(officer, cleo), enter(cleo)
    sequence()
    first, again = (client.get(f"/portal/answers/{given.pk}/receipt/") for _ in range(2))
    assert first.headers["Content-Type"] == "application/ld+json"
    assert first.content == again.content
    verdict = verify_receipt(first.content, Outside(read_receipt_keys()))
    assert verdict.is_authenticated
    assert "/portal/" in first.content.decode()
    (paper,) = given.papers.all()
    assert said_in(paper)["actor"]["actor"] == "subject"


# Signals -----------------------------------------------------------------------------------------


def test_a_browsers_wish_is_recorded_when_its_person_comes_in(cleo: Subject, enter: Enter) -> None:
    enter(cleo, HTTP_SEC_GPC="1")
    (seen,) = Observation.objects.all()
    assert seen.subject == cleo
    assert said_in(seen)["actor"]["actor"] == "subject"


@pytest.mark.parametrize("said", ["1" * 8192, "\x00", "0"])
def test_nobody_is_kept_out_by_what_their_browser_says(
    cleo: Subject, enter: Enter, said: str
) -> None:
    assert enter(cleo, HTTP_SEC_GPC=said).get("/portal/home/").status_code == 200


def test_what_counts_only_with_a_paper_is_no_plain_yes(
    officer: Account, cleo: Subject, enter: Enter
) -> None:
    asked, client = ask(officer, cleo, uses=frozenset({Use.TRAIN})), enter(cleo)
    reply(client, asked, train="yes")
    page = client.get("/portal/home/").content.decode()
    assert "Before it counts we need a paper that you signed." in page
    assert 'class="word yes"' not in page


def test_addresses_are_found_in_any_case(cleo: Subject) -> None:
    indexes = {
        services.ask_for_link(address=one, language=Language.ENGLISH).address_index
        for one in (ADDRESS, ADDRESS.upper(), f" {ADDRESS} ")
    }
    assert len(indexes) == 1


def test_people_who_were_registered_twice_see_and_take_back_all_of_it(
    officer: Account, cleo: Subject, enter: Enter, mailoutbox: list[Any]
) -> None:
    twin = register(officer, "Cleo Invented")
    given = consent_of(officer, twin)
    services.merge_subjects(
        actor=officer, keep_id=cleo.pk, other_id=twin.pk, reason="the same passport"
    )
    ask_for_letters()
    assert len(mailoutbox) == 1
    client = enter(Subject.objects.get(pk=PortalLink.objects.get().subject_id))
    assert client.get(f"/portal/answers/{given.pk}/").status_code == 200
    take_back(client, given, everything="yes")
    given.refresh_from_db()
    assert given.state == GrantState.WITHDRAWN


def test_refusals_say_why(visitor: Visitor, officer: Account) -> None:
    own = consent_of(officer, visitor.subject)
    me: dict[str, Any] = {"actor": visitor, "subject_id": visitor.subject.pk}
    services.withdraw_allowed(**me)
    with pytest.raises(WrongState, match="nothing is allowed that could be taken back"):
        services.withdraw_allowed(**me, grant_id=own.pk)
    with pytest.raises(LinkRefused, match="spent or expired: ask for another one"):
        services.enter(token="forged")
    with pytest.raises(NotPermitted, match="not a person's own matter"):
        require_party(visitor, "consent.register_subject", whose_grant(own.pk))
    with pytest.raises(Unknown, match="nothing of the person has this id"):
        require_party(visitor, "consent.give_grant", whose_grant(uuid4()))
