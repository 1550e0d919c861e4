"""A new text: everybody with an answer to an earlier one is asked once, and nobody is forgotten."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from consent import campaigns, services, tasks
from consent.decision import Code
from consent.errors import NotPermitted, TermsRefused, WrongState
from consent.identity import IdentifierKind
from consent.kinds import CloseOutcome
from consent.models import (
    Account,
    AskingErrand,
    Campaign,
    CampaignErrand,
    Grant,
    Identifier,
    Language,
    LinkErrand,
    Notice,
    PrivacyRequest,
    RequestKind,
    Subject,
)
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import Course, Span, Visitor, Whom
from consent.uses import Assurance, Capacity, Method, Mode, Reach, Said, Silence, Use
from ledger.leaf import parse_body
from ledger.models import Log, Record
from ledger.services import destroy_scopes
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import (
    House,
    answer,
    body_of,
    consent_of,
    openings_of,
    publish,
    register,
    wait_until,
)
from tests.consent.portal.conftest import link_in, once
from tests.consent.test_answers import code
from tests.ledger.dying import COMMIT, die

pytestmark = pytest.mark.django_db
EVERYBODY = Whom()


class Killed(BaseException):
    """The sender was killed: no handler of errors sees it."""


def course(silence: Silence = Silence.SET_ASIDE, **changes: Any) -> Course:
    said = {"closes_at": database_now() + timedelta(days=60), "silence": silence, "reminders": 1}
    return Course(**{**said, **changes})


def person(officer: Account, name: str, notice: Notice, *uses: Use, **changes: Any) -> Grant:
    subject = register(officer, f"{name} Invented", email=f"{name.lower()}@people.example")
    return consent_of(officer, subject, answer(*(uses or (Use.TRAIN,)), **changes), notice)


def begun(officer: Account, *, whom: Whom = EVERYBODY, **changes: Any) -> Campaign:
    """Publish a new text and begin to ask about it."""
    text = {"title": changes.pop("title")} if "title" in changes else {}
    newer = publish(officer, **text)
    prepared = services.prepare_campaign(
        actor=officer, notice_id=newer.pk, course=course(**changes), whom=whom
    )
    return services.begin_campaign(actor=officer, campaign_id=prepared.pk)


def work() -> None:
    tasks.carry_campaigns()
    tasks.send_askings()


def later() -> None:
    """Let the time until the next letter pass, and the worker come by."""
    AskingErrand.objects.exclude(due_at=None).update(due_at=database_now())
    tasks.send_askings()


def leases_end() -> None:
    """Let the time pass for which a sender that died had its errand."""
    AskingErrand.objects.filter(attempts__gt=0).update(due_at=database_now())
    CampaignErrand.objects.update(due_at=database_now())


def close(officer: Account, campaign: Campaign) -> Campaign:
    services.close_campaign(actor=officer, campaign_id=campaign.pk)
    tasks.carry_campaigns()
    campaign.refresh_from_db()
    return campaign


def its_day_passes(campaign: Campaign, *, written_days_before: int = 8) -> Campaign:
    """Let the last day pass; letters went out some days before it."""
    written_at = campaign.closes_at - timedelta(days=written_days_before)
    AskingErrand.objects.exclude(written_at=None).update(written_at=written_at)
    wait_until(campaign.closes_at)
    tasks.carry_campaigns()
    campaign.refresh_from_db()
    return campaign


def asked_for(grant: Grant) -> Grant:
    return Grant.objects.get(renews=grant)


def state_of(grant: Grant) -> str:
    grant.refresh_from_db()
    return grant.state


def addressees(letters: list[EmailMessage]) -> Counter[str]:
    return Counter(letter.to[0] for letter in letters)


@pytest.fixture
def first(officer: Account) -> Notice:
    return publish(officer)


@pytest.fixture
def ann(officer: Account, first: Notice) -> Grant:
    return person(officer, "Ann", first)


@pytest.fixture
def bob(officer: Account, first: Notice) -> Grant:
    return person(officer, "Bob", first, Use.TRAIN, Use.EVALUATE)


def test_everybody_is_asked_once_what_they_say_to_the_new_text(
    officer: Account, ann: Grant, bob: Grant, mailoutbox: list[EmailMessage]
) -> None:
    campaign = begun(officer)
    for _ in range(3):
        work()
    assert addressees(mailoutbox) == {"ann@people.example": 1, "bob@people.example": 1}
    asked = asked_for(bob)
    assert (asked.state, asked.uses, asked.notice) == ("requested", bob.uses, campaign.notice)
    assert (asked.campaign, state_of(bob)) == (campaign, "given")
    assert "The text of that permission is new" in str(mailoutbox[0].body)
    assert body_of(asked).kind == "grant.requested"
    body = body_of(campaign)
    assert (body.kind, body.facts) == ("campaign.begun", {"answers": 2, "people": 2})


def test_a_preview_tells_who_would_get_no_letter_and_which_texts_are_missing(
    officer: Account, ann: Grant, first: Notice
) -> None:
    german = publish(officer, language="de")
    lost = person(officer, "Lost", german)
    address = Identifier.objects.get(subject=lost.subject, kind=IdentifierKind.EMAIL.value)
    services.end_identifier(actor=officer, identifier_id=address.pk)
    prepared = services.prepare_campaign(
        actor=officer, notice_id=publish(officer).pk, course=course()
    )
    seen = campaigns.look_ahead(prepared)
    assert (seen.people, seen.answers, seen.unreachable) == (2, 2, 1)
    assert seen.texts == [("de", 1, False), ("en", 1, True)]
    assert list(campaigns.find_unreachable(prepared)) == [lost.subject]
    assert not Grant.objects.filter(state="requested").exists()


def test_a_child_is_reached_by_its_guardian_and_not_by_its_own_address(
    officer: Account, ann: Grant, mailoutbox: list[EmailMessage]
) -> None:
    parent = register(officer, "Pat Invented", email="pat@people.example")
    services.represent(
        actor=officer,
        subject_id=ann.subject_id,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=database_now() + timedelta(days=900)),
    )
    campaign = begun(officer)
    assert campaigns.look_ahead(campaign).unreachable == 0
    address = Identifier.objects.get(subject=parent, kind=IdentifierKind.EMAIL.value)
    services.end_identifier(actor=officer, identifier_id=address.pk)
    assert list(campaigns.find_unreachable(campaign)) == [ann.subject]
    work()
    assert mailoutbox == []
    assert campaigns.count_progress(campaign).reached[Reach.NO_ADDRESS] == 1


def test_two_answers_of_one_person_are_one_letter_and_two_questions(
    officer: Account, ann: Grant, mailoutbox: list[EmailMessage]
) -> None:
    other = consent_of(officer, ann.subject, answer(Use.EVALUATE), ann.notice)
    again = register(officer, "Ann Twice", email="twice@people.example")
    third = consent_of(officer, again, answer(Use.DEPICT), ann.notice)
    services.merge_subjects(
        actor=officer, keep_id=ann.subject_id, other_id=again.pk, reason="the same"
    )
    campaign = begun(officer)
    work()
    assert len(mailoutbox) == 1
    progress = campaigns.count_progress(campaign)
    assert (progress.asked, progress.people) == (3, 1)
    assert progress.reached[Reach.WRITTEN] == 3
    # The reminder comes as long as anything is open.
    services.refuse_request(actor=officer, grant_id=asked_for(ann).pk, method=Method.LETTER)
    later()
    assert len(mailoutbox) == 2
    for grant in (other, third):
        services.refuse_request(actor=officer, grant_id=asked_for(grant).pk, method=Method.LETTER)
    later()
    assert len(mailoutbox) == 2


@pytest.mark.parametrize(
    ("whom", "names"),
    [
        (Whom(uses=frozenset({Use.EVALUATE})), ["Bob"]),
        (Whom(territories=frozenset({"DE"})), ["Ann"]),
        (Whom(), ["Ann", "Bob"]),
    ],
)
def test_a_campaign_may_be_about_some_answers_only(
    officer: Account, first: Notice, whom: Whom, names: list[str]
) -> None:
    rows = {
        "Ann": person(officer, "Ann", first, territories=frozenset({"DE", "AT"})),
        "Bob": person(officer, "Bob", first, Use.EVALUATE, territories=frozenset({"FR"})),
    }
    begun(officer, whom=whom)
    work()
    asked = set(Grant.objects.filter(state="requested").values_list("renews", flat=True))
    assert asked == {rows[name].pk for name in names}


def test_a_campaign_may_be_about_the_people_in_a_projects_data(
    officer: Account, version: Any, cleo: Subject, grant: Grant
) -> None:
    person(officer, "Ann", grant.notice)
    begun(officer, whom=Whom(projects=[version.dataset.project_id]))
    work()
    assert list(Grant.objects.filter(state="requested").values_list("renews", flat=True)) == [
        grant.pk
    ]


def test_nobody_is_asked_who_said_no_took_it_back_or_wants_to_be_erased(
    officer: Account, first: Notice, ann: Grant
) -> None:
    person(
        officer, "No", first, mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.TRAIN})
    )
    services.withdraw(actor=officer, grant_id=person(officer, "Back", first).pk)
    gone = person(officer, "Gone", first)
    services.open_request(
        actor=officer,
        subject_id=gone.subject_id,
        kind=RequestKind.ERASURE,
        channel=Method.LETTER,
        identity=Assurance.EID,
    )
    assert begun(officer).answers == 1
    tasks.carry_campaigns()
    assert Grant.objects.get(state="requested").renews == ann


def test_a_yes_supersedes_a_smaller_yes_ends_the_rest_and_a_no_ends_it(
    officer: Account, first: Notice, ann: Grant, bob: Grant
) -> None:
    carl = person(officer, "Carl", first)
    campaign = begun(officer)
    work()
    for grant in (ann, bob):
        services.answer_request(
            actor=Visitor(grant.subject),
            grant_id=asked_for(grant).pk,
            answer=answer(Use.TRAIN),
        )
    services.refuse_request(
        actor=Visitor(carl.subject), grant_id=asked_for(carl).pk, method=Method.PORTAL
    )
    assert [state_of(one) for one in (ann, bob, carl)] == ["renewed", "renewed", "superseded"]
    assert code(bob.subject, Use.EVALUATE) is Code.WITHDRAWN
    assert code(carl.subject) is Code.REFUSED_BY_PERSON
    # Taking back the no does not bring back the yes to the old text.
    services.withdraw(actor=officer, grant_id=asked_for(carl).pk)
    assert code(carl.subject) is Code.WITHDRAWN
    said = campaigns.count_progress(campaign).said
    assert [said[one] for one in (Said.YES, Said.LESS, Said.NO)] == [1, 1, 1]
    body = body_of(close(officer, campaign))
    assert body.facts == {"less": 1, "no": 1, "silent": 0, "yes": 1}


def test_a_person_comes_by_the_letter_reads_the_new_text_and_answers(
    officer: Account, bob: Grant, mailoutbox: list[EmailMessage]
) -> None:
    campaign = begun(officer, title="The new text")
    work()
    assert "The new text" in str(mailoutbox[0].body)
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    assert "/portal/" in str(mailoutbox[0].body)
    browser.post("/portal/", {"email": "bob@people.example"})
    tasks.sweep_portal()
    tasks.send_links(str(LinkErrand.objects.get().pk))
    assert browser.post(link_in(mailoutbox[1])).status_code == 302
    asked = asked_for(bob)
    form = f"/portal/answers/{asked.pk}/give/"
    home = browser.get("/portal/home/").content.decode()
    assert (form in home, "The new text" in home) == (True, True)
    page = browser.get(form)
    assert "allowed under an earlier text" in page.content.decode()
    assert campaigns.count_progress(campaign).opened == 1
    said = {"once": once(page), "train": "yes", "evaluate": "no"}
    assert browser.post(form, said).status_code == 302
    assert (state_of(bob), state_of(asked)) == ("renewed", "given")
    assert (asked.notice, asked.uses) == (campaign.notice, ["train"])
    assert campaigns.count_progress(campaign).said[Said.LESS] == 1


@pytest.mark.parametrize(
    ("silence", "reached", "unreached"),
    [
        (Silence.STANDS, "given", "given"),
        (Silence.SET_ASIDE, "suspended", "suspended"),
        # Nobody's answer ends who was not asked.
        (Silence.ENDS, "revoked", "suspended"),
    ],
)
def test_silence_means_what_was_said_before_it_began(
    officer: Account, first: Notice, ann: Grant, silence: Silence, reached: str, unreached: str
) -> None:
    lost = person(officer, "Lost", first)
    address = Identifier.objects.get(subject=lost.subject, kind=IdentifierKind.EMAIL.value)
    services.end_identifier(actor=officer, identifier_id=address.pk)
    said = person(officer, "Said", first)
    campaign = begun(officer, silence=silence, closes_at=database_now() + timedelta(seconds=2))
    work()
    services.answer_request(actor=officer, grant_id=asked_for(said).pk, answer=answer(Use.TRAIN))
    assert its_day_passes(campaign).state == "closed"
    assert [state_of(one) for one in (ann, lost, said)] == [reached, unreached, "renewed"]
    # Nobody is written to any more, and a late answer counts all the same.
    later()
    services.answer_request(actor=officer, grant_id=asked_for(ann).pk, answer=answer(Use.TRAIN))
    assert code(ann.subject) is Code.GRANTED


def test_what_nobody_came_round_to_ask_is_set_aside_too(officer: Account, ann: Grant) -> None:
    campaign = begun(officer, silence=Silence.ENDS)
    assert close(officer, campaign).state == "closed"
    assert (state_of(ann), CampaignErrand.objects.count()) == ("suspended", 0)
    assert not Grant.objects.filter(state="requested").exists()


def test_its_last_day_ends_it_by_itself(officer: Account, ann: Grant) -> None:
    campaign = begun(officer, closes_at=database_now() + timedelta(seconds=1))
    work()
    assert Campaign.objects.get().state == "running"
    wait_until(campaign.closes_at)
    work()
    assert (Campaign.objects.get().state, state_of(ann)) == ("closed", "suspended")


def test_what_is_left_of_an_answer_is_asked_about_and_settled(
    officer: Account, ann: Grant, bob: Grant
) -> None:
    campaign = begun(officer)
    rest = services.withdraw(actor=officer, grant_id=bob.pk, uses=[Use.EVALUATE])
    work()
    assert asked_for(rest).uses == ["train"]
    services.withdraw(actor=officer, grant_id=ann.pk)
    later()
    assert asked_for(ann).state == "lapsed"
    close(officer, campaign)
    assert (state_of(rest), state_of(ann)) == ("suspended", "withdrawn")


def test_a_question_that_was_open_gives_way_to_the_new_text(
    officer: Account, first: Notice
) -> None:
    now = database_now()
    ann = person(
        officer, "Ann", first,
        valid_from=now - timedelta(days=300), valid_until=now + timedelta(days=9),
    )  # fmt: skip
    tasks.prepare_renewals()
    earlier = asked_for(ann)
    begun(officer)
    tasks.carry_campaigns()
    tasks.prepare_renewals()
    assert state_of(earlier) == "lapsed"
    new = Grant.objects.get(renews=ann, state="requested")
    assert (new.notice.version, new.valid_until) == (2, earlier.valid_until)


def test_a_question_of_a_campaign_that_is_over_gives_way_to_the_end_of_the_term(
    officer: Account, first: Notice
) -> None:
    now = database_now()
    ann = person(
        officer, "Ann", first,
        valid_from=now - timedelta(days=300), valid_until=now + timedelta(days=9),
    )  # fmt: skip
    campaign = begun(officer, silence=Silence.STANDS)
    work()
    earlier = asked_for(ann)
    tasks.prepare_renewals()
    close(officer, campaign)
    for _ in range(2):
        tasks.prepare_renewals()
    assert state_of(earlier) == "lapsed"
    assert AskingErrand.objects.get(grant__renews=ann, grant__state="requested").cause == "ending"


def test_what_is_asked_late_is_written_about_though_all_else_was_answered(
    officer: Account, ann: Grant, mailoutbox: list[EmailMessage]
) -> None:
    consent_of(officer, ann.subject, answer(Use.EVALUATE), ann.notice)
    begun(officer)
    late = CampaignErrand.objects.exclude(grant=ann).get()
    services.put_off_step(late.pk)
    work()
    services.refuse_request(actor=officer, grant_id=asked_for(ann).pk, method=Method.LETTER)
    later()
    assert len(mailoutbox) == 1
    CampaignErrand.objects.update(due_at=database_now())
    work()
    assert len(mailoutbox) == 2


def test_who_reads_another_language_gets_the_text_in_it_or_the_campaigns_own(
    officer: Account, ann: Grant
) -> None:
    german = person(officer, "Uta", publish(officer, language="de"))
    french = person(officer, "Zoe", publish(officer, language="fr"))
    newer = publish(officer, language="de")
    begun(officer)
    work()
    assert asked_for(german).notice == newer
    assert asked_for(french).notice == asked_for(ann).notice


def test_while_it_rests_nobody_is_asked_written_to_or_dealt_with(
    officer: Account, ann: Grant, bob: Grant, mailoutbox: list[EmailMessage]
) -> None:
    campaign = begun(officer, closes_at=database_now() + timedelta(seconds=2))
    tasks.carry_campaigns()
    services.pause_campaign(actor=officer, campaign_id=campaign.pk)
    wait_until(campaign.closes_at)
    work()
    assert (mailoutbox, Campaign.objects.get().state) == ([], "paused")
    with pytest.raises(TermsRefused, match="passed meanwhile"):
        services.resume_campaign(actor=officer, campaign_id=campaign.pk)
    until = database_now() + timedelta(days=9)
    services.extend_campaign(actor=officer, campaign_id=campaign.pk, closes_at=until)
    services.resume_campaign(actor=officer, campaign_id=campaign.pk)
    work()
    assert len(mailoutbox) == 2


@pytest.mark.parametrize(
    ("move", "complaint"),
    [
        (services.pause_campaign, "prepared, wanted running"),
        (services.resume_campaign, "prepared, wanted paused"),
        (services.close_campaign, "prepared, wanted running or paused"),
    ],
)
def test_a_campaign_moves_from_its_state_only(
    officer: Account, ann: Grant, move: Callable[..., Campaign], complaint: str
) -> None:
    prepared = services.prepare_campaign(
        actor=officer, notice_id=publish(officer).pk, course=course()
    )
    with pytest.raises(WrongState, match=complaint):
        move(actor=officer, campaign_id=prepared.pk)
    services.drop_campaign(actor=officer, campaign_id=prepared.pk)
    with pytest.raises(WrongState, match="dropped, wanted prepared"):
        services.begin_campaign(actor=officer, campaign_id=prepared.pk)


def test_what_cannot_be_is_refused_in_words(officer: Account, house: House, ann: Grant) -> None:
    def refused(complaint: str, notice: Notice, whom: Whom = EVERYBODY, **changes: Any) -> None:
        with pytest.raises(TermsRefused, match=complaint):
            services.prepare_campaign(
                actor=officer, notice_id=notice.pk, course=course(**changes), whom=whom
            )

    refused("no earlier version", ann.notice)
    newer = publish(officer)
    refused("7 reminders, wanted 0 to 5", newer, reminders=7)
    refused("after 0 days", newer, remind_after_days=0)
    refused("next two years", newer, closes_at=database_now())
    refused("territories are malformed", newer, Whom(territories=frozenset({"Bavaria"})))
    refused("1 projects are not known", newer, Whom(projects=[ann.pk]))
    with pytest.raises(NotPermitted):
        services.prepare_campaign(
            actor=house.account("Axel", RoleCode.APPROVER), notice_id=newer.pk, course=course()
        )
    first = begun(officer)
    refused("newer version", newer)
    second = services.prepare_campaign(actor=officer, notice_id=first.notice_id, course=course())
    with pytest.raises(TermsRefused, match="another campaign"):
        services.begin_campaign(actor=officer, campaign_id=second.pk)
    close(officer, first)
    with pytest.raises(WrongState, match="closed, wanted prepared or running or paused"):
        services.extend_campaign(
            actor=officer, campaign_id=first.pk, closes_at=database_now() + timedelta(days=3)
        )


def test_a_campaign_about_nobody_is_not_begun(officer: Account, first: Notice) -> None:
    prepared = services.prepare_campaign(
        actor=officer, notice_id=publish(officer).pk, course=course()
    )
    with pytest.raises(TermsRefused, match="nobody has an answer"):
        services.begin_campaign(actor=officer, campaign_id=prepared.pk)


ILLEGAL = [
    ("state = 'prepared'", "state"),
    ("state = 'dropped'", "state"),
    ("silence = 'stands'", "silence"),
    ("reminders = 5", "reminders"),
    ("uses = '{train}'", "uses"),
    ("notice_id = gen_random_uuid()", "notice_id"),
    ("begun_at = now()", "begun_at"),
    ("answers = 3", "answers"),
    ("closes_at = closes_at - interval '1 day'", "name a later day"),
]


@pytest.mark.parametrize(("change", "complaint"), ILLEGAL)
def test_postgresql_refuses_illegal_moves_of_a_campaign(
    officer: Account, ann: Grant, change: str, complaint: str
) -> None:
    begun(officer)
    with (
        pytest.raises(DatabaseError, match=complaint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE consent_campaign SET {change}")


def test_postgresql_closes_no_campaign_with_somebody_left(officer: Account, ann: Grant) -> None:
    campaign = begun(officer)
    services.close_campaign(actor=officer, campaign_id=campaign.pk)
    with (
        pytest.raises(DatabaseError, match="people left"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE consent_campaign SET state = 'closed', closed_at = now()")
    assert services.finish_campaign(campaign_id=campaign.pk) is None


def test_postgresql_keeps_a_request_in_its_campaign(officer: Account, ann: Grant) -> None:
    begun(officer)
    work()
    with (
        pytest.raises(DatabaseError, match="campaign_id"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE consent_grant SET campaign_id = NULL WHERE renews_id = %s", [ann.pk])


def test_a_step_that_fails_waits_and_keeps_nobody_else(
    officer: Account, ann: Grant, bob: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(officer)
    real = services.take_step
    lame = CampaignErrand.objects.get(grant=ann).pk

    def fail(errand_id: int) -> None:
        if errand_id == lame:
            raise OSError("the disk is full")
        real(errand_id)

    with monkeypatch.context() as patch:
        patch.setattr(services, "take_step", fail)
        tasks.carry_campaigns()
    assert [one.grant for one in CampaignErrand.objects.all()] == [ann]
    assert asked_for(bob)
    CampaignErrand.objects.update(due_at=database_now())
    tasks.carry_campaigns()
    assert asked_for(ann)


# Where a sender may be killed: before or behind each of its steps that leave a trace.
STEPS = ["write_letters", "begin_letter", "post", "end_letter", "settle_asking"]


@pytest.mark.parametrize("when", ["before", "behind"])
@pytest.mark.parametrize("step", STEPS)
def test_a_sender_that_is_killed_writes_to_nobody_twice_and_forgets_nobody(
    officer: Account, ann: Grant, bob: Grant, mailoutbox: list[EmailMessage],
    monkeypatch: pytest.MonkeyPatch, step: str, when: str,
) -> None:  # fmt: skip
    campaign = begun(officer)
    tasks.carry_campaigns()
    with monkeypatch.context() as patch:
        _kill_at(patch, step, when)
        with pytest.raises(Killed):
            tasks.send_askings()
    leases_end()
    tasks.send_askings()
    counted = addressees(mailoutbox)
    unsure = Grant.objects.filter(asking__reach="unsure").select_related("subject")
    perhaps = {"ann@people.example": ann.subject_id, "bob@people.example": bob.subject_id}
    missing = set(perhaps) - set(counted)
    assert set(counted.values()) <= {1}
    assert {perhaps[one] for one in missing} <= {one.subject_id for one in unsure}
    # With the first reminder everybody has been written to.
    later()
    assert set(addressees(mailoutbox)) == set(perhaps)
    assert campaigns.count_progress(campaign).reached[Reach.WRITTEN] == 2


def _kill_at(patch: pytest.MonkeyPatch, step: str, when: str) -> None:
    where, name = (tasks, "post_asking") if step == "post" else (services, step)
    real = getattr(where, name)

    def killed(*args: Any, **kwargs: Any) -> Any:
        if when == "behind":
            real(*args, **kwargs)
        raise Killed

    patch.setattr(where, name, killed)


@pytest.mark.django_db(transaction=True)
def test_workers_that_are_killed_again_and_again_lose_and_repeat_nothing(
    officer: Account, first: Notice, home: Path, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = home / "mail"
    people = [person(officer, f"P{number}", first) for number in range(8)]
    campaign = begun(officer)
    for call in (1, 2):
        for when in ("before", "after"):
            die(tasks.carry_campaigns, at=COMMIT, when=when, time=call)
    while CampaignErrand.objects.exists():
        # What a worker had when it died is held until PostgreSQL notices that it is gone.
        tasks.carry_campaigns()
    for at in ("consent.tasks:post_asking", COMMIT):
        for when in ("before", "after"):
            die(tasks.send_askings, at=at, when=when)
            leases_end()
    tasks.send_askings()
    written = _letters_in(home / "mail")
    assert Grant.objects.filter(campaign=campaign).count() == len(people)
    assert set(written.values()) == {1}
    unsure = AskingErrand.objects.filter(reach="unsure").count()
    assert 0 < len(people) - len(written) <= unsure == 2
    later()
    assert len(_letters_in(home / "mail")) == len(people)


def _letters_in(folder: Path) -> Counter[str]:
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    return Counter(line for line in lines if line.startswith("To: "))


def test_the_post_that_refuses_ten_times_is_told_and_may_be_tried_again(
    officer: Account, ann: Grant, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = begun(officer)
    tasks.carry_campaigns()
    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", _post_is_away)
        for _ in range(11):
            later()
    assert campaigns.count_progress(campaign).reached[Reach.FAILED] == 1
    services.write_again(actor=officer, grant_id=asked_for(ann).pk)
    tasks.send_askings()
    assert len(mailoutbox) == 1


def _post_is_away(_message: EmailMessage) -> None:
    raise OSError("the post is away")


def test_a_letter_that_came_back_stops_letters_until_it_is_written_by_hand(
    officer: Account, ann: Grant, mailoutbox: list[EmailMessage]
) -> None:
    until = database_now() + timedelta(seconds=2)
    campaign = begun(officer, silence=Silence.ENDS, closes_at=until)
    work()
    asked = asked_for(ann)
    services.note_returned(actor=officer, grant_id=asked.pk)
    later()
    assert len(mailoutbox) == 1
    assert [one.grant for one in AskingErrand.objects.unreached()] == [asked]
    with pytest.raises(WrongState, match="the letter came back"):
        services.note_returned(actor=officer, grant_id=asked.pk)
    services.note_written(actor=officer, grant_id=asked.pk)
    assert not AskingErrand.objects.unreached()
    newest = [parse_body(one.body).kind for one in Record.objects.order_by("pk")][-2:]
    assert newest == ["grant.unreached", "grant.asked"]
    its_day_passes(campaign)
    assert state_of(ann) == "revoked"


def test_pages_of_people_are_counted_in_few_statements(
    officer: Account, first: Notice, ann: Grant, django_assert_max_num_queries: Any
) -> None:
    campaign = begun(officer)
    work()
    with django_assert_max_num_queries(5):
        campaigns.count_progress(campaign)
        list(campaigns.list_questions(campaign))


@pytest.mark.django_db(transaction=True)
def test_an_erased_person_leaves_a_campaign_and_keeps_nobody_waiting(
    officer: Account, ann: Grant, bob: Grant, acting_as: ActingAs
) -> None:
    campaign = begun(officer)
    tasks.carry_campaigns()
    services.close_campaign(actor=officer, campaign_id=campaign.pk)
    with acting_as("eraser"):
        destroy_scopes(ann.subject.scope_ids())
    assert CampaignErrand.objects.get().grant == bob
    tasks.carry_campaigns()
    campaign.refresh_from_db()
    assert (campaign.state, AskingErrand.objects.count()) == ("closed", 1)


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_ask_and_write_once(
    officer: Account, first: Notice, mailoutbox: list[EmailMessage]
) -> None:
    rows = [person(officer, f"P{number}", first) for number in range(6)]
    for grant in rows[:3]:
        consent_of(officer, grant.subject, answer(Use.EVALUATE), first)
    campaign = begun(officer)
    _at_once(tasks.carry_campaigns)
    while CampaignErrand.objects.exists():
        tasks.carry_campaigns()
    _at_once(tasks.send_askings)
    assert Grant.objects.filter(campaign=campaign).count() == 9
    assert set(addressees(mailoutbox).values()) == {1}
    assert len(mailoutbox) == len(rows)


def _at_once(work: Callable[[], None]) -> None:
    def run(_: int) -> None:
        work()
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))


@pytest.mark.django_db(transaction=True)
def test_every_step_of_a_campaign_is_on_record(
    officer: Account,
    first: Notice,
    ann: Grant,
    bob: Grant,
    log: Log,
    sequence: Callable[[], int],
) -> None:
    carl = person(officer, "Carl", first)
    until = database_now() + timedelta(seconds=3)
    campaign = begun(officer, silence=Silence.ENDS, closes_at=until)
    work()
    for move in (services.pause_campaign, services.resume_campaign):
        move(actor=officer, campaign_id=campaign.pk)
    services.answer_request(
        actor=Visitor(bob.subject), grant_id=asked_for(bob).pk, answer=answer(Use.TRAIN)
    )
    services.refuse_request(actor=officer, grant_id=asked_for(carl).pk, method=Method.LETTER)
    its_day_passes(campaign)
    sequence()
    assert list(verify_log(log).findings) == []
    said = [parse_body(one.body).kind for one in Record.objects.order_by("pk")]
    assert [kind for kind in said if kind.startswith("campaign.")] == [
        *("campaign.prepared", "campaign.begun", "campaign.paused", "campaign.resumed"),
        *("campaign.ended", "campaign.closed"),
    ]
    assert said[-2:] == ["grant.revoked", "campaign.closed"]
    assert state_of(ann) == "revoked"
    assert {opening.payload.get("campaign") for opening in openings_of(ann)} == {str(campaign.pk)}


def test_an_answer_to_the_old_text_that_comes_late_is_asked_about_too(
    officer: Account, first: Notice, ann: Grant
) -> None:
    campaign = begun(officer)
    late = person(officer, "Late", first)
    open_before = services.request(
        actor=officer, subject_id=ann.subject_id, notice_id=first.pk, answer=answer(Use.EVALUATE)
    )
    services.answer_request(actor=officer, grant_id=open_before.pk, answer=answer(Use.EVALUATE))
    work()
    assert not Grant.objects.filter(renews__in=[late, open_before]).exists()
    for _ in range(2):
        tasks.list_campaigns_again()
        work()
    assert Grant.objects.filter(renews__in=[late, open_before], campaign=campaign).count() == 2
    assert Grant.objects.filter(renews=ann).count() == 1


def test_what_took_the_place_of_an_answer_before_its_turn_came_is_asked_about(
    officer: Account, first: Notice, ann: Grant
) -> None:
    begun(officer)
    again = services.renew(
        actor=officer, grant_id=ann.pk, valid_until=None, method=Method.LETTER,
        assurance=Assurance.SIGNED_RELEASE,
    )  # fmt: skip
    work()
    tasks.list_campaigns_again()
    work()
    assert asked_for(again).notice.version == 2


def test_nobody_who_changed_their_mind_about_erasure_is_forgotten(
    officer: Account, ann: Grant, bob: Grant, mailoutbox: list[EmailMessage]
) -> None:
    def wish(grant: Grant) -> PrivacyRequest:
        return services.open_request(
            actor=officer, subject_id=grant.subject_id, kind=RequestKind.ERASURE,
            channel=Method.LETTER, identity=Assurance.EID,
        )  # fmt: skip

    before = wish(ann)
    begun(officer)
    tasks.carry_campaigns()
    meanwhile = wish(bob)
    tasks.send_askings()
    assert mailoutbox == []
    for one in (before, meanwhile):
        services.close_request(actor=officer, request_id=one.pk, outcome=CloseOutcome.WITHDRAWN)
    tasks.list_campaigns_again()
    tasks.carry_campaigns()
    later()
    assert addressees(mailoutbox) == {"ann@people.example": 1, "bob@people.example": 1}


def test_what_is_left_after_they_were_asked_is_not_asked_about_again(
    officer: Account, first: Notice
) -> None:
    grant = person(officer, "Ann", first, Use.TRAIN, Use.EVALUATE, Use.DEPICT)
    begun(officer)
    work()
    for use in (Use.TRAIN, Use.EVALUATE):
        grant = services.withdraw(actor=officer, grant_id=grant.pk, uses=[use])
        tasks.list_campaigns_again()
        tasks.prepare_renewals()
        work()
    assert Grant.objects.filter(state="requested").count() == 1


def test_who_was_wrongly_taken_for_somebody_gets_a_letter_of_their_own(
    officer: Account, first: Notice, ann: Grant, bob: Grant, mailoutbox: list[EmailMessage]
) -> None:
    merge = services.merge_subjects(
        actor=officer, keep_id=ann.subject_id, other_id=bob.subject_id, reason="the same"
    )
    until = database_now() + timedelta(seconds=3)
    campaign = begun(officer, silence=Silence.ENDS, closes_at=until)
    work()
    assert len(mailoutbox) == 1
    services.part_subjects(actor=officer, merge_id=merge.pk)
    assert not AskingErrand.objects.exclude(lead=None).exists()
    # Whoever got the letter, it spoke of the other.
    tasks.send_askings()
    (_, *own) = mailoutbox
    assert addressees(own) == {"ann@people.example": 1, "bob@people.example": 1}
    its_day_passes(campaign, written_days_before=1)
    assert {state_of(ann), state_of(bob)} == {"suspended"}


def test_nobodys_answer_ends_before_the_day_that_the_letter_names_or_without_time(
    officer: Account, ann: Grant
) -> None:
    campaign = begun(officer, silence=Silence.ENDS)
    work()
    with pytest.raises(TermsRefused, match="letters name a later day"):
        services.extend_campaign(
            actor=officer, campaign_id=campaign.pk, closes_at=database_now() + timedelta(days=1)
        )
    AskingErrand.objects.update(written_at=database_now() - timedelta(days=30))
    close(officer, campaign)
    assert state_of(ann) == "suspended"


def test_a_letter_of_the_last_days_leaves_too_little_time(officer: Account, ann: Grant) -> None:
    until = database_now() + timedelta(seconds=2)
    campaign = begun(officer, silence=Silence.ENDS, closes_at=until)
    work()
    its_day_passes(campaign, written_days_before=6)
    assert state_of(ann) == "suspended"


def test_nobody_is_written_to_again_while_a_campaign_rests(officer: Account, ann: Grant) -> None:
    campaign = begun(officer)
    work()
    services.note_returned(actor=officer, grant_id=asked_for(ann).pk)
    services.pause_campaign(actor=officer, campaign_id=campaign.pk)
    with pytest.raises(WrongState, match="campaign is paused"):
        services.write_again(actor=officer, grant_id=asked_for(ann).pk)
    assert AskingErrand.objects.unreached().count() == 1


def test_a_text_that_is_old_by_now_is_not_asked_about(officer: Account, ann: Grant) -> None:
    prepared = services.prepare_campaign(
        actor=officer, notice_id=publish(officer).pk, course=course()
    )
    publish(officer)
    with pytest.raises(TermsRefused, match="newer version"):
        services.begin_campaign(actor=officer, campaign_id=prepared.pk)


@pytest.mark.django_db(transaction=True)
def test_closing_waits_for_a_step_at_hand_and_neither_gives_up(
    officer: Account, ann: Grant
) -> None:
    campaign = begun(officer)
    step = CampaignErrand.objects.get().pk
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            services.take_step(step)
            closing = pool.submit(
                _and_leave, services.close_campaign, actor=officer, campaign_id=campaign.pk
            )
            time.sleep(0.5)
        closing.result()
    tasks.carry_campaigns()
    assert (state_of(ann), Campaign.objects.get().state) == ("suspended", "closed")


def _and_leave(do: Callable[..., object], **said: Any) -> None:
    do(**said)
    connections.close_all()


def test_what_was_taken_back_is_given_once_more_to_the_newest_text(
    officer: Account, ann: Grant
) -> None:
    services.withdraw(actor=officer, grant_id=ann.pk)
    newer = publish(officer, title="The new text")
    browser = Client(HTTP_ACCEPT_LANGUAGE="en")
    errand = services.ask_for_link(address="ann@people.example", language=Language.ENGLISH)
    (letter,) = services.make_links(errand)
    browser.post(f"/portal/link/{letter.token}/")
    form = f"/portal/answers/{ann.pk}/give/"
    page = browser.get(form)
    assert "The new text" in page.content.decode()
    assert browser.post(form, {"once": once(page), "train": "yes"}).status_code == 302
    assert Grant.objects.get(state="given").notice == newer
