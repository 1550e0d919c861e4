"""Reader: decisions about stored people, now or as they would have been at a past moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from consent import profiles
from consent.decision import Context, Decision, Period, Person, decide
from consent.models import CLOSED, Grant, PrivacyRequest, RequestKind, RequestState, Subject
from consent.moment import database_now
from consent.uses import Use

ANYWHERE_UNKNOWN = Context()


def decide_uses(
    subjects: Sequence[UUID],
    uses: Iterable[Use],
    *,
    context: Context = ANYWHERE_UNKNOWN,
    at: datetime | None = None,
    profile: str = profiles.DEFAULT,
) -> Decision:
    """Decide whether every use is covered for every one of ``subjects``, at ``at`` or now.

    Three queries, one more for the clock; none when nobody is asked about but that. An id that
    is nobody's is answered with a refusal, not an error. Raises ProfileRefused.
    """
    rules = profiles.load(profile).profile
    asked = tuple(dict.fromkeys(subjects))
    return decide(
        people=find_people(asked),
        asked=asked,
        uses=uses,
        grants=[grant.terms() for grant in Grant.objects.filter(subject__in=asked)],
        context=context,
        at=at or database_now(),
        profile=rules,
    )


def find_people(subjects: Sequence[UUID]) -> dict[UUID, Person]:
    """Return those of ``subjects`` that are known, with the periods of their restriction."""
    periods: dict[UUID, list[Period]] = {}
    erasures = PrivacyRequest.objects.filter(
        subject__in=subjects, kind=RequestKind.ERASURE, restricted_at__isnull=False
    )
    for request in erasures:
        assert request.subject_id is not None
        periods.setdefault(request.subject_id, []).append(_restriction(request))
    known = Subject.objects.filter(pk__in=subjects).values_list("pk", flat=True)
    return {subject: Person(subject, tuple(periods.get(subject, ()))) for subject in known}


def _restriction(request: PrivacyRequest) -> Period:
    assert request.restricted_at is not None
    # A request that ended otherwise than by erasure gives the data free again.
    lifted = request.state in CLOSED - {RequestState.CLOSED_FULFILLED}
    return Period(request.restricted_at, request.closed_at if lifted else None)
