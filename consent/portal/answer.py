"""One answer as the portal shows it: its codes in plain words."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import get_language

from consent import profiles
from consent.clock import last_day
from consent.models import CampaignState, Grant, GrantState, Notice
from consent.portal import words
from consent.portal.standing import ASKING
from consent.services.endings import IN_FORCE
from consent.uses import Capacity, Medium, Remedy, Right, Theme, Use

# What begins a paragraph: a blank line before it, or the mark of a list.
_PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*•–]|\d+[.)])\s)")

_WAITING = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})


def in_own_language(notice: Notice) -> Notice:
    """Return the same version of a notice in the reader's language, or the one there is."""
    language = str(get_language())[:2]
    if notice.language == language:
        return notice
    same = Notice.objects.filter(code=notice.code, version=notice.version)
    return same.filter(language=language).first() or notice


@dataclass
class Answered:
    """An answer, and how its parts read."""

    grant: Grant

    @cached_property
    def notice(self) -> Notice:
        """Return the text that it answers, in the reader's language where there is one."""
        return in_own_language(self.grant.notice)

    @property
    def paragraphs(self) -> list[str]:
        """Return the text by paragraphs; where its lines end else is an accident of writing."""
        return [part.strip() for part in _PARAGRAPH.split(self.notice.text) if part.strip()]

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
        return words.SPEAKERS[Capacity(self.grant.capacity)]

    @property
    def is_asked(self) -> bool:
        return self.grant.state in ASKING

    @property
    def answer_by(self) -> date | None:
        """Return until when an answer to a new text is waited for, where it is."""
        campaign = self.grant.campaign
        is_on = campaign is not None and campaign.state in _WAITING and self.is_asked
        if campaign is None or not is_on:
            return None
        return last_day(campaign.closes_at, profiles.load().clock.zone)

    @property
    def is_new(self) -> bool:
        return self.grant.state == GrantState.REQUESTED

    @property
    def is_in_force(self) -> bool:
        return self.grant.state in IN_FORCE and bool(self.grant.uses)

    @property
    def is_refusal(self) -> bool:
        return self.grant.state == GrantState.REFUSED
