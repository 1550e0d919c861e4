"""What jurisdictions, titles, signals and giver's powers add to a decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from consent import profiles
from consent.decision import (
    Binding,
    Code,
    Context,
    Decision,
    GrantTerms,
    Outcome,
    Period,
    Person,
    Priority,
    Profile,
    Reservation,
    Title,
    decide,
)
from consent.signals.finding import Standing
from consent.uses import WORLD, Assurance, Basis, Medium, Right, Theme, Use

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ADA, BO, AGENCY, HEIR = (UUID(int=number) for number in range(1, 5))
STRICT = profiles.load().profile


def grant(person: UUID = ADA, **changes: Any) -> GrantTerms:
    terms = GrantTerms(
        id=UUID(int=100 + person.int),
        person=person,
        standing=Period(NOON - DAY),
        term=Period(NOON - DAY),
        assurance=Assurance.SIGNED_RELEASE,
        uses=frozenset(Use),
        media=frozenset(Medium),
        territories=frozenset({WORLD}),
    )
    return replace(terms, **changes)


def ask(
    *grants: GrantTerms,
    use: Use = Use.TRAIN,
    profile: Profile = STRICT,
    context: Context = Context(),  # noqa: B008
    asked: tuple[UUID, ...] = (ADA,),
    **more: object,
) -> Decision:
    return decide(
        people={person: Person(person) for person in (ADA, BO, AGENCY, HEIR)},
        asked=asked,
        uses=[use],
        grants=grants,
        context=context,
        at=NOON,
        profile=profile,
        **more,  # type: ignore[arg-type]
    )


def code(decision: Decision) -> tuple[str, Code]:
    return decision.outcome.value, decision.reasons[0].code


def ruled(use: Use = Use.TRAIN, **changes: object) -> Profile:
    rule = replace(STRICT.rules[use], **changes)  # type: ignore[arg-type]
    return replace(STRICT, rules={**STRICT.rules, use: rule})


@pytest.mark.parametrize(
    ("changes", "profile", "context", "outcome", "reason"),
    [
        ({"basis": Basis.CONTRACT}, STRICT, Context(), "allowed", Code.GRANTED),
        (
            {"basis": Basis.LEGITIMATE_INTEREST}, ruled(bases=frozenset({Basis.CONSENT})),
            Context(), "refused", Code.BASIS_NOT_ACCEPTED,
        ),
        ({}, ruled(written=True), Context(), "refused", Code.NOT_IN_WRITING),
        ({"written": True}, ruled(written=True), Context(), "allowed", Code.GRANTED),
        ({}, ruled(lifetime=DAY), Context(), "needs_review", Code.TOO_OLD),
        ({}, ruled(lifetime=DAY * 2), Context(), "allowed", Code.GRANTED),
        (
            {"families": frozenset({"shapes"})}, STRICT, Context(family="faces"),
            "refused", Code.FAMILY_NOT_COVERED,
        ),
        ({"families": frozenset({"shapes"})}, STRICT, Context(), "allowed", Code.GRANTED),
        (
            {"families": frozenset({"shapes"})}, ruled(family=Binding.REQUIRED), Context(),
            "needs_review", Code.FAMILY_UNKNOWN,
        ),
        (
            {"recipients": frozenset({"gallery"})}, ruled(recipient=Binding.REQUIRED), Context(),
            "needs_review", Code.RECIPIENT_UNKNOWN,
        ),
        (
            {"recipients": frozenset({"gallery"})}, ruled(recipient=Binding.REQUIRED),
            Context(recipient="press"), "refused", Code.RECIPIENT_NOT_COVERED,
        ),
        (
            {"recipients": frozenset({"gallery"})}, ruled(recipient=Binding.REQUIRED),
            Context(recipient="gallery"), "allowed", Code.GRANTED,
        ),
        ({"power": Period(NOON - DAY, NOON)}, STRICT, Context(), "needs_review", Code.POWER_ENDED),
        ({"power": Period(NOON - DAY)}, STRICT, Context(), "allowed", Code.GRANTED),
        (
            {"suspensions": (Period(NOON - DAY / 2),)}, STRICT, Context(),
            "refused", Code.SUSPENDED,
        ),
        (
            {"suspensions": (Period(NOON - DAY / 2, NOON),)}, STRICT, Context(),
            "allowed", Code.GRANTED,
        ),
        ({"right": Right.WORKS}, STRICT, Context(), "refused", Code.NEVER_GIVEN),
    ],
)  # fmt: skip
def test_each_rule_speaks(
    changes: dict[str, Any], profile: Profile, context: Context, outcome: str, reason: Code
) -> None:
    assert code(ask(grant(**changes), profile=profile, context=context)) == (outcome, reason)


def test_silence_allows_only_where_the_law_says_so_and_only_until_somebody_speaks() -> None:
    open_ = ruled(silence=Outcome.ALLOWED)
    assert code(ask(profile=open_)) == ("allowed", Code.NOT_REFUSED)
    gone = grant(standing=Period(NOON - DAY, NOON))
    assert code(ask(gone, profile=open_)) == ("refused", Code.WITHDRAWN)
    no = grant(uses=frozenset(), refused=frozenset({Use.TRAIN}))
    assert code(ask(no, profile=open_)) == ("refused", Code.REFUSED_BY_PERSON)


def test_nothing_is_relied_on_that_a_human_must_look_at() -> None:
    assert ask(grant(), profile=ruled(lifetime=DAY)).grants == ()


# Titles ------------------------------------------------------------------------------------------


def works(person: UUID, **changes: Any) -> GrantTerms:
    return grant(person, right=Right.WORKS, **changes)


def title(origin: UUID, holder: UUID, **changes: object) -> Title:
    return replace(
        Title(origin, holder, Right.WORKS, Period(NOON - DAY)),
        **changes,  # type: ignore[arg-type]
    )


def ask_works(*grants: GrantTerms, titles: tuple[Title, ...]) -> tuple[str, Code]:
    return code(ask(*grants, right=Right.WORKS, titles=titles))


def test_a_holder_of_title_may_consent_down_a_chain_of_any_length() -> None:
    chain = (title(ADA, AGENCY), title(AGENCY, BO))
    assert ask_works(works(BO), titles=chain) == ("needs_review", Code.BY_TITLE)
    assert ask_works(works(BO), titles=chain[1:]) == ("refused", Code.NEVER_GIVEN)
    circle = (*chain, title(BO, ADA))
    assert ask_works(works(BO), titles=circle) == ("needs_review", Code.BY_TITLE)
    assert ask_works(works(BO), works(ADA), titles=circle) == ("allowed", Code.GRANTED)


def test_a_title_that_is_over_or_of_another_right_carries_nothing() -> None:
    over = title(ADA, AGENCY, period=Period(NOON - DAY, NOON))
    style = title(ADA, AGENCY, right=Right.STYLE)
    for one in (over, style):
        assert ask_works(works(AGENCY), titles=(one,)) == ("refused", Code.NEVER_GIVEN)


def test_whoever_parted_with_the_right_can_no_longer_say_yes_but_can_say_no() -> None:
    sold = (title(ADA, AGENCY, exclusive=True),)
    assert ask_works(works(ADA), titles=sold) == ("refused", Code.TITLE_PASSED)
    both = ask_works(works(ADA), works(AGENCY), titles=sold)
    assert both == ("needs_review", Code.BY_TITLE)
    no = works(ADA, uses=frozenset(), refused=frozenset({Use.TRAIN}))
    assert ask_works(no, works(AGENCY), titles=sold) == ("refused", Code.REFUSED_BY_PERSON)


def test_what_is_gone_is_not_passed_on_again() -> None:
    sold = title(ADA, AGENCY, exclusive=True)
    again = title(ADA, BO, period=Period(NOON - DAY / 2))
    assert ask_works(works(BO), titles=(sold, again)) == ("refused", Code.NEVER_GIVEN)
    over = title(ADA, AGENCY, exclusive=True, period=Period(NOON - DAY, NOON - DAY / 2))
    assert ask_works(works(BO), titles=(over, again)) == ("needs_review", Code.BY_TITLE)


def test_a_refusal_outlives_its_term_and_a_bar_binds_every_answer() -> None:
    ended = Period(NOON - DAY, NOON)
    no = grant(uses=frozenset(), refused=frozenset({Use.TRAIN}), term=ended)
    assert code(ask(no, grant())) == ("refused", Code.REFUSED_BY_PERSON)
    barring = grant(barred_themes=frozenset({Theme.VIOLENT}), uses=frozenset({Use.EVALUATE}))
    violent = Context(themes=frozenset({Theme.VIOLENT}))
    assert code(ask(barring, grant(), context=violent)) == ("refused", Code.THEME_BARRED)


def test_silence_does_not_speak_of_what_a_human_must_see() -> None:
    political = Context(themes=frozenset({Theme.POLITICAL}))
    asked = ask(profile=ruled(silence=Outcome.ALLOWED), context=political)
    assert code(asked) == ("needs_review", Code.THEME_SENSITIVE)


def test_nobody_consents_to_anothers_likeness_by_title() -> None:
    passed = title(ADA, AGENCY, right=Right.LIKENESS)
    assert code(ask(grant(AGENCY), titles=(passed,))) == ("refused", Code.NEVER_GIVEN)


# Signals -----------------------------------------------------------------------------------------


def reserved(since: datetime, person: UUID | None = ADA) -> Reservation:
    return Reservation("gpc", frozenset({Use.TRAIN}), Period(since), person)


BEFORE, AFTER = reserved(NOON - 2 * DAY), reserved(NOON - DAY / 2)


@pytest.mark.parametrize(
    ("priority", "signal", "outcome", "codes"),
    [
        (Priority.SIGNAL, BEFORE, "refused", [Code.SIGNAL_RESERVED]),
        (Priority.SIGNAL, AFTER, "refused", [Code.SIGNAL_RESERVED]),
        (Priority.NEWEST, BEFORE, "allowed", [Code.GRANTED, Code.SIGNAL_OUTWEIGHED]),
        (Priority.NEWEST, AFTER, "refused", [Code.SIGNAL_RESERVED]),
        (Priority.ANSWER, AFTER, "allowed", [Code.GRANTED, Code.SIGNAL_OUTWEIGHED]),
    ],
)
def test_who_wins_against_a_signal_is_the_profiles_to_say_and_is_said(
    priority: Priority, signal: Reservation, outcome: str, codes: list[Code]
) -> None:
    profile = replace(STRICT, signals={"default": Priority.SIGNAL, "gpc": priority})
    decision = ask(grant(), profile=profile, reservations=(signal,))
    assert decision.outcome.value == outcome
    assert [reason.code for reason in decision.reasons] == codes


UNCLEAR = {
    Standing.CONDITIONS: (Code.SIGNAL_CONDITIONS, "on conditions only: somebody has to read"),
    Standing.MALFORMED: (Code.SIGNAL_MALFORMED, "cannot be read and may reserve it"),
}


@pytest.mark.parametrize("standing", sorted(UNCLEAR))
def test_a_signal_that_is_unclear_asks_a_human_and_says_why(standing: Standing) -> None:
    signal = replace(AFTER, standing=standing)
    asked, words = UNCLEAR[standing]
    decision = ask(grant(), reservations=(signal,))
    assert code(decision) == ("needs_review", asked)
    assert words in decision.reasons[0].detail
    weaker = replace(STRICT, signals={"default": Priority.ANSWER})
    outweighed = ask(grant(), profile=weaker, reservations=(signal,))
    assert outweighed.outcome.value == "allowed"
    both = ask(grant(), reservations=(signal, replace(BEFORE, kind="tdmrep")))
    assert [one.code for one in both.reasons] == [Code.SIGNAL_RESERVED, asked]
    nobody = ask(asked=(), reservations=(replace(signal, person=None),))
    assert code(nobody) == ("needs_review", asked)


def test_what_asks_already_is_told_beside_an_unclear_signal() -> None:
    signal = replace(AFTER, standing=Standing.CONDITIONS)
    known = grant(assurance=Assurance.SELF_ASSERTED)
    profile = ruled(below_minimum=Outcome.NEEDS_REVIEW)
    decision = ask(known, profile=profile, reservations=(signal,))
    assert decision.outcome.value == "needs_review"
    codes = {one.code for one in decision.reasons}
    assert codes == {Code.SIGNAL_CONDITIONS, Code.ASSURANCE_TOO_LOW}
    refused = ask(reservations=(signal,))
    assert code(refused) == ("refused", Code.NEVER_GIVEN)


def test_a_signal_beats_silence_whoever_has_priority() -> None:
    profile = replace(ruled(silence=Outcome.ALLOWED), signals={"default": Priority.ANSWER})
    assert code(ask(profile=profile, reservations=(BEFORE,))) == (
        "refused",
        Code.SIGNAL_RESERVED,
    )


def test_a_signal_of_somebody_else_or_about_another_use_says_nothing() -> None:
    other = reserved(NOON - DAY, BO)
    assert code(ask(grant(), reservations=(other,))) == ("allowed", Code.GRANTED)
    elsewhere = ask(grant(), use=Use.EVALUATE, reservations=(AFTER,))
    assert code(elsewhere) == ("allowed", Code.GRANTED)


def test_what_has_nobody_in_it_can_still_be_reserved() -> None:
    decision = ask(asked=(), reservations=(reserved(NOON - DAY, None),))
    assert code(decision) == ("refused", Code.SIGNAL_RESERVED)
    assert decision.reasons[0].person is None


# Jurisdictions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("label", profiles.labels())
def test_every_profile_loads_and_refuses_what_a_person_refused(label: str) -> None:
    profile = profiles.load(label).profile
    assert profile.label == label
    for use in Use:
        no = grant(uses=frozenset(), refused=frozenset({use}))
        assert ask(no, use=use, profile=profile).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("label", "use", "changes", "outcome"),
    [
        ("strict/1", Use.TRAIN, {"assurance": Assurance.KNOWN_CONTACT}, "refused"),
        ("gdpr/1", Use.TRAIN, {"assurance": Assurance.KNOWN_CONTACT}, "allowed"),
        ("gdpr/1", Use.TRAIN, {"basis": Basis.LEGITIMATE_INTEREST}, "allowed"),
        ("gdpr/1", Use.REFERENCE_INPUT, {"basis": Basis.LEGITIMATE_INTEREST}, "refused"),
        ("uk/1", Use.TRAIN, {"assurance": Assurance.SELF_ASSERTED}, "needs_review"),
        ("california/1", Use.DEPICT, {}, "refused"),
        ("california/1", Use.DEPICT, {"written": True}, "allowed"),
        ("illinois/1", Use.TRAIN, {}, "refused"),
        ("illinois/1", Use.TRAIN, {"written": True}, "allowed"),
        (
            "illinois/1", Use.TRAIN,
            {"written": True, "standing": Period(NOON - 1095 * DAY)}, "needs_review",
        ),
        ("tennessee/1", Use.DEPICT, {}, "allowed"),
        ("tennessee/1", Use.DEPICT, {"basis": Basis.LEGITIMATE_INTEREST}, "refused"),
    ],
)  # fmt: skip
def test_jurisdictions_differ_where_their_law_does(
    label: str, use: Use, changes: dict[str, Any], outcome: str
) -> None:
    profile = profiles.load(label).profile
    assert ask(grant(**changes), use=use, profile=profile).outcome.value == outcome


def test_in_california_passing_on_is_allowed_until_a_browser_says_no() -> None:
    profile = profiles.load("california/1").profile
    assert code(ask(use=Use.DISTRIBUTE, profile=profile)) == ("allowed", Code.NOT_REFUSED)
    sharing = Reservation("gpc", frozenset({Use.DISTRIBUTE}), Period(NOON - DAY), ADA)
    decision = ask(use=Use.DISTRIBUTE, profile=profile, reservations=(sharing,))
    assert code(decision) == ("refused", Code.SIGNAL_RESERVED)
