"""What happened to an answer, in order: the consent events of ISO/IEC TS 27560."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from consent.receipts.vocabulary import ASKING, ENDINGS, GIVERS
from consent.uses import Basis, Capacity, Method

GIVEN = ["dpv:ConsentGiven"]
REFUSED = ["dpv:ConsentRefused"]
SUSPENDED = ["dpv:ConsentStatusInvalidForProcessing", "muniment:Suspended"]
RESUMED = [*GIVEN, "muniment:Resumed"]


@dataclass(frozen=True)
class Event:
    """One status of an answer from ``at`` on; ``is_givers`` when the giver brought it about."""

    types: list[str]
    at: str
    is_givers: bool

    def told(self, columns: Mapping[str, Any], *, is_refused: bool) -> dict[str, Any]:
        """Return the event as ``dpv:hasConsentStatus`` has it, for a use allowed or refused."""
        giver = GIVERS[Capacity(columns["capacity"])]
        types = REFUSED if is_refused and GIVEN[0] in self.types else self.types
        said: dict[str, Any] = {
            "@type": types,
            "dpv:isIndicatedAtTime": self.at,
            "dpv:isIndicatedBy": giver if self.is_givers else "entity:controller",
        }
        if self.types == GIVEN:
            words = Method(columns["method"]).words
            said["dpv:hasIndicationMethod"] = said["dpv:isExercisedAt"] = words
            said["dpv:hasDuration"] = _duration(columns)
            if signed := columns.get("signed_on"):
                said["muniment:signedOn"] = signed
        return said


def events_of(columns: Mapping[str, Any]) -> list[Event]:
    """Return the events by time, at least one. Raises KeyError, ValueError for no answer."""
    Basis(columns["basis"])
    events = list(_events(columns))
    # What one moment holds keeps its order: an answer is given before it is set aside.
    return sorted(events, key=lambda event: datetime.fromisoformat(event.at))


def _events(columns: Mapping[str, Any]) -> Iterator[Event]:
    state, given_at = columns["state"], columns.get("given_at")
    if given_at is None and state != "lapsed":
        yield Event(ASKING[state], columns["opened_at"], is_givers=False)
    if given_at is not None:
        yield Event(GIVEN, given_at, is_givers=True)
    for since, until in zip_longest(columns["suspended_at"], columns["resumed_at"]):
        yield Event(SUSPENDED, since, is_givers=False)
        if until is not None:
            yield Event(RESUMED, until, is_givers=False)
    if (ended_at := columns.get("ended_at")) is not None:
        types, by = ENDINGS[state]
        yield Event(types, ended_at, is_givers=by == "giver")


def _duration(columns: Mapping[str, Any]) -> dict[str, str]:
    if until := columns.get("valid_until"):
        return {"@type": "dpv:UntilTimeDuration", "rdf:value": until}
    return {"@type": "dpv:EndlessDuration"}
