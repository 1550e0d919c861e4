from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import profiles
from consent.decision import (
    Code,
    Context,
    Decision,
    GrantTerms,
    Outcome,
    Period,
    Person,
    decide,
)
from consent.uses import WORLD, Assurance, Medium, Theme, Use

PROFILE = profiles.load().profile
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADA = UUID(int=1)
DAY = timedelta(days=1)


def grant(**changes: object) -> GrantTerms:
    terms = GrantTerms(
        id=uuid4(),
        person=ADA,
        standing=Period(NOON - DAY),
        term=Period(NOON - DAY),
        assurance=Assurance.SIGNED_RELEASE,
        uses=frozenset({Use.TRAIN, Use.DEPICT, Use.DISTRIBUTE}),
        media=frozenset({Medium.ONLINE}),
        territories=frozenset({"DE"}),
        barred_themes=frozenset({Theme.ENDORSEMENT}),
    )
    return replace(terms, **changes)  # type: ignore[arg-type]


def ask(
    *grants: GrantTerms,
    use: Use = Use.DEPICT,
    context: Context = Context(),  # noqa: B008
    at: datetime = NOON,
    restrictions: tuple[Period, ...] = (),
) -> Decision:
    return decide(
        people={ADA: Person(ADA, restrictions)},
        asked=[ADA],
        uses=[use],
        grants=grants,
        context=context,
        at=at,
        profile=PROFILE,
    )


def only_reason(decision: Decision) -> tuple[Outcome, Code]:
    (reason,) = decision.reasons
    assert reason.outcome is decision.outcome
    return decision.outcome, reason.code


def test_consent_in_force_allows_and_is_named() -> None:
    given_ = grant()
    decision = ask(given_)
    assert only_reason(decision) == (Outcome.ALLOWED, Code.GRANTED)
    assert decision.grants == (given_.id,)
    assert decision.profile == "strict/1"


def test_nobody_in_the_picture_needs_no_consent() -> None:
    decision = decide(
        people={}, asked=[], uses=[Use.DEPICT], grants=[], context=Context(), at=NOON,
        profile=PROFILE,
    )  # fmt: skip
    assert decision.outcome is Outcome.ALLOWED
    assert decision.reasons == ()


SHOWN_IN_DE = Context(medium=Medium.ONLINE, territory="DE")


@pytest.mark.parametrize(
    ("grants", "use", "context", "outcome", "code", "words"),
    [
        ([], Use.TRAIN, Context(), "refused", "never_given", "never consented to training a model"),
        (
            [grant(uses=frozenset(), refused=frozenset({Use.TRAIN})), grant()],
            Use.TRAIN, Context(), "refused", "refused_by_person", "has said no to training",
        ),
        (
            [grant(standing=Period(NOON - DAY, NOON))],
            Use.DEPICT, Context(), "refused", "withdrawn", "was withdrawn on 1 June 2026",
        ),
        (
            [grant(term=Period(NOON - DAY, NOON))],
            Use.DEPICT, Context(), "refused", "expired", "ended on 1 June 2026",
        ),
        (
            [grant(term=Period(NOON + DAY))],
            Use.DEPICT, Context(), "refused", "not_yet_valid", "only from 2 June 2026",
        ),
        (
            [grant(assurance=Assurance.KNOWN_CONTACT)],
            Use.DEPICT, Context(), "needs_review", "assurance_too_low",
            "rests on a known contact, this use needs a signed release",
        ),
        (
            [grant(assurance=Assurance.SELF_ASSERTED)],
            Use.TRAIN, Context(), "refused", "assurance_too_low", "rests on the person's own word",
        ),
        (
            [grant()], Use.DISTRIBUTE, Context(territory="DE"),
            "needs_review", "medium_unknown", "where it will be shown is not known",
        ),
        (
            [grant()], Use.DISTRIBUTE, Context(medium=Medium.ONLINE),
            "needs_review", "territory_unknown", "in which country it will be shown is not known",
        ),
        (
            [grant()], Use.DEPICT, Context(medium=Medium.PRINT),
            "refused", "medium_not_covered", "showing it in print media",
        ),
        (
            [grant()], Use.DEPICT, Context(territory="FR"),
            "refused", "territory_not_covered", "the territory FR",
        ),
        (
            [grant()], Use.DEPICT, Context(themes=frozenset({Theme.SEXUAL})),
            "refused", "theme_forbidden", "forbids sexual content",
        ),
        (
            [grant()], Use.DEPICT, Context(themes=frozenset({Theme.ENDORSEMENT})),
            "refused", "theme_barred", "ruled out endorsement content",
        ),
        (
            [grant()], Use.DEPICT, Context(themes=frozenset({Theme.MEDICAL, Theme.POLITICAL})),
            "needs_review", "theme_sensitive", "medical and political content",
        ),
        ([grant()], Use.DISTRIBUTE, SHOWN_IN_DE, "allowed", "granted", "consented to distribution"),
        (
            [grant(territories=frozenset({WORLD}))],
            Use.DISTRIBUTE, Context(medium=Medium.ONLINE), "allowed", "granted", "consented",
        ),
    ],
)  # fmt: skip
def test_each_finding_has_its_code_and_its_sentence(
    grants: list[GrantTerms], use: Use, context: Context, outcome: str, code: str, words: str
) -> None:
    decision = ask(*grants, use=use, context=context)
    assert only_reason(decision) == (outcome, code)
    assert words in decision.reasons[0].detail


def test_somebody_unknown_is_refused() -> None:
    stranger = uuid4()
    decision = decide(
        people={}, asked=[stranger], uses=[Use.DEPICT], grants=[], context=Context(), at=NOON,
        profile=PROFILE,
    )  # fmt: skip
    assert only_reason(decision) == (Outcome.REFUSED, Code.UNKNOWN_PERSON)


def test_restriction_outweighs_consent_while_it_lasts() -> None:
    restricted = (Period(NOON - DAY, NOON + DAY),)
    assert only_reason(ask(grant(), restrictions=restricted)) == ("refused", "restricted")
    later = ask(grant(), restrictions=restricted, at=NOON + DAY)
    assert later.outcome is Outcome.ALLOWED


def test_the_mildest_of_several_grants_decides() -> None:
    weak = grant(assurance=Assurance.KNOWN_CONTACT)
    strong = grant()
    decision = ask(weak, strong)
    assert decision.outcome is Outcome.ALLOWED
    assert decision.grants == (strong.id,)


def test_one_person_who_refuses_decides_for_all() -> None:
    ben = uuid4()
    decision = decide(
        people={ADA: Person(ADA), ben: Person(ben)},
        asked=[ADA, ben],
        uses=[Use.DEPICT],
        grants=[grant()],
        context=Context(),
        at=NOON,
        profile=PROFILE,
    )
    assert decision.outcome is Outcome.REFUSED
    assert [(reason.person, reason.code) for reason in decision.reasons] == [
        (ADA, Code.GRANTED),
        (ben, Code.NEVER_GIVEN),
    ]


def test_a_past_decision_can_be_made_again_after_the_withdrawal() -> None:
    withdrawn = grant(standing=Period(NOON - DAY, NOON))
    assert ask(withdrawn, at=NOON - timedelta(seconds=1)).outcome is Outcome.ALLOWED
    assert ask(withdrawn, at=NOON).outcome is Outcome.REFUSED


# The model below decides as a careful person with a checklist would, one question at a time; it
# shares nothing with the implementation but the data.

moments = st.integers(0, 9).map(lambda days: NOON + days * DAY)
periods = st.builds(
    lambda start, length: Period(start, None if length is None else start + length * DAY),
    moments,
    st.none() | st.integers(1, 6),
)
subsets = {
    kind: st.frozensets(st.sampled_from(list(kind)), max_size=3) for kind in (Use, Medium, Theme)
}
terms = st.builds(
    GrantTerms,
    id=st.uuids(),
    person=st.just(ADA),
    standing=periods,
    term=periods,
    assurance=st.sampled_from(list(Assurance)),
    uses=subsets[Use],
    refused=subsets[Use],
    media=subsets[Medium],
    territories=st.frozensets(st.sampled_from(["DE", "FR", WORLD]), max_size=2),
    barred_themes=subsets[Theme],
)
contexts = st.builds(
    Context,
    medium=st.none() | st.sampled_from(list(Medium)),
    territory=st.none() | st.sampled_from(["DE", "FR"]),
    themes=subsets[Theme],
)


def holds(period: Period, at: datetime) -> bool:
    return at >= period.start and not (period.end is not None and at >= period.end)


def is_clean(given_: GrantTerms, use: Use, context: Context) -> bool:
    rule = PROFILE.rules[use]
    order = ["self_asserted", "known_contact", "signed_release", "in_person", "eid"]
    if order.index(given_.assurance) < order.index(rule.minimum):
        return False
    if given_.barred_themes & context.themes or PROFILE.sensitive_themes & context.themes:
        return False
    if rule.place == "ignored":
        return True
    if context.medium is None:
        medium_fits = rule.place == "if_known"
    else:
        medium_fits = context.medium in given_.media
    if "WORLD" in given_.territories:
        territory_fits = True
    elif context.territory is None:
        territory_fits = rule.place == "if_known"
    else:
        territory_fits = context.territory in given_.territories
    return medium_fits and territory_fits


def may_be_allowed(
    grants: list[GrantTerms], use: Use, context: Context, at: datetime, restricted: bool
) -> bool:
    now = [g for g in grants if holds(g.standing, at) and holds(g.term, at)]
    if restricted or Theme.SEXUAL in context.themes:
        return False
    if any(use in g.refused for g in now):
        return False
    return any(use in g.uses and is_clean(g, use, context) for g in now)


@given(
    grants=st.lists(terms, max_size=4),
    use=st.sampled_from(list(Use)),
    context=contexts,
    at=moments,
    restrictions=st.lists(periods, max_size=1),
)
def test_allowed_exactly_when_the_checklist_says_so(
    grants: list[GrantTerms], use: Use, context: Context, at: datetime, restrictions: list[Period]
) -> None:
    decision = ask(*grants, use=use, context=context, at=at, restrictions=tuple(restrictions))
    restricted = any(holds(period, at) for period in restrictions)
    expected = may_be_allowed(grants, use, context, at, restricted)
    assert (decision.outcome is Outcome.ALLOWED) == expected
    assert bool(decision.grants) == expected


@given(st.lists(terms, max_size=4), st.permutations(range(4)), contexts, moments)
def test_the_order_of_grants_does_not_matter(
    grants: list[GrantTerms], order: list[int], context: Context, at: datetime
) -> None:
    shuffled = [grants[place] for place in order if place < len(grants)]
    assert (
        ask(*grants, context=context, at=at).outcome
        is ask(*shuffled, context=context, at=at).outcome
    )
