"""Random histories through the services, against the model that replays them step by step."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent import services
from consent.decision import Context, Priority
from consent.decisions import decide_uses
from consent.models import Account, Grant, GrantState, Notice, Subject
from consent.moment import database_now
from consent.uses import Assurance, Medium, Method, Mode, Use
from tests.consent.factories import answer, publish, register
from tests.consent.test_decision_history import Event, histories, outcome

# Signals of browsers speak of passing on.
USES = (Use.EVALUATE, Use.DISTRIBUTE)
DAY = timedelta(days=1)
LONG = 1_000
SHOWN = Context(medium=Medium.ONLINE, territory="DE")


class House:
    """One person's answers, by the order in which they were given."""

    def __init__(self, officer: Account, notice: Notice, started: datetime) -> None:
        self.officer, self.notice = officer, notice
        self.subject: Subject = register(officer)
        self.tomorrow = started + DAY
        self.grants: list[Grant] = []

    def take(self, event: Event) -> None:
        """Do what the event says; what is not legal then does nothing, as in the model."""
        if event.what == "give":
            self._give(event)
        elif event.what == "signal":
            self._signal()
        elif event.target < len(self.grants):
            self._move(event.what, event.target)

    def _give(self, event: Event) -> None:
        given_ = answer(
            mode=Mode.GRANULAR,
            uses=event.uses,
            refused=event.refused,
            valid_until=self.tomorrow if event.hours else None,
        )
        self.grants.append(
            services.give(
                actor=self.officer,
                subject_id=self.subject.pk,
                notice_id=self.notice.pk,
                answer=given_,
            )
        )

    def _signal(self) -> None:
        services.observe_request(
            actor=self.officer,
            subject_id=self.subject.pk,
            place="https://portal.example/",
            headers=b"Sec-GPC: 1",
        )

    def _move(self, what: str, target: int) -> None:
        grant = Grant.objects.get(pk=self.grants[target].pk)
        said: dict[str, Any] = {"actor": self.officer, "grant_id": grant.pk}
        if what == "renew" and grant.state == GrantState.GIVEN:
            until = self.tomorrow
            self.grants.append(
                services.renew(
                    **said,
                    valid_until=until,
                    method=Method.FORM,
                    assurance=Assurance.SIGNED_RELEASE,
                )
            )
        elif what == "suspend" and grant.state == GrantState.GIVEN:
            services.suspend(**said)
        elif what == "resume" and grant.state == GrantState.SUSPENDED:
            services.resume(**said)
        elif what in {"withdraw", "invalidate"} and grant.ended_at is None:
            (services.withdraw if what == "withdraw" else services.invalidate)(**said)


def sayable(events: list[Event]) -> list[Event]:
    """Return the events that services take: an answer says something, GPC all that it can."""
    first = next((number for number, one in enumerate(events) if one.what == "signal"), None)
    # A browser repeats itself: its signal speaks when it is first seen.
    said = [
        Event("signal", 0, frozenset({Use.DISTRIBUTE}) if number == first else frozenset())
        if one.what == "signal"
        else one
        for number, one in enumerate(events)
    ]
    return [
        one
        for one in said
        if one.what != "silence" and (one.what != "give" or one.uses or one.refused)
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(USES, st.sampled_from([None, LONG]), longest=9))
def test_what_services_wrote_is_decided_as_it_was_at_every_past_moment(
    officer: Account, events: list[Event]
) -> None:
    events = sayable(events)
    started = database_now()
    house, moments = House(officer, publish(officer), started), []
    for event in events:
        house.take(event)
        moments.append(database_now())
    moments.append(started + 2 * DAY)
    hours = [*range(len(events)), 2 * LONG]
    for moment, hour in zip(moments, hours, strict=True):
        for use in USES:
            decision = decide_uses([house.subject.pk], [use], context=SHOWN, at=moment)
            expected = outcome(events, hour, use, Priority.NEWEST, renewed_for=LONG)
            assert decision.outcome is expected, (hour, use, decision)
