"""One answer as the portal shows it: its codes in plain words."""

from dataclasses import dataclass

from django.utils.functional import Promise

from consent.models import Grant, GrantState
from consent.portal import words
from consent.portal.standing import ASKING
from consent.services.endings import IN_FORCE
from consent.uses import Capacity, Medium, Remedy, Right, Theme, Use


@dataclass(frozen=True)
class Answered:
    """An answer, and how its parts read."""

    grant: Grant

    @property
    def state(self) -> Promise:
        return words.ANSWERS[GrantState(self.grant.state)]

    @property
    def right(self) -> Promise:
        return words.RIGHTS[Right(self.grant.right)]

    @property
    def allowed(self) -> list[tuple[Promise, Promise]]:
        return [words.USES[use] for use in Use if use in self.grant.uses]

    @property
    def refused(self) -> list[tuple[Promise, Promise]]:
        return [words.USES[use] for use in Use if use in self.grant.refused]

    @property
    def media(self) -> list[Promise]:
        return [words.MEDIA[one] for one in Medium if one in self.grant.media]

    @property
    def themes(self) -> list[Promise]:
        return [words.THEMES[one] for one in Theme if one in self.grant.barred_themes]

    @property
    def territories(self) -> str:
        return words.places(self.grant.territories)

    @property
    def recipients(self) -> str:
        return words.parties(self.grant.recipients)

    @property
    def families(self) -> str:
        return words.parties(self.grant.families)

    @property
    def remedy(self) -> Promise:
        return words.REMEDIES[Remedy(self.grant.remedy)]

    @property
    def said_by(self) -> Promise:
        return words.CAPACITIES[Capacity(self.grant.capacity)]

    @property
    def is_asked(self) -> bool:
        return self.grant.state in ASKING

    @property
    def is_new(self) -> bool:
        return self.grant.state == GrantState.REQUESTED

    @property
    def is_in_force(self) -> bool:
        return self.grant.state in IN_FORCE and bool(self.grant.uses)

    @property
    def is_refusal(self) -> bool:
        return self.grant.state == GrantState.REFUSED
