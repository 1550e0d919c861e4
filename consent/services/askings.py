"""Letters that ask people anew: each goes out once, and nobody is forgotten.

A letter is noted as handed over before the post has it. A sender that dies in that instant leaves
it unknown whether it went: it is not sent again before the next reminder would be due.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from consent import contacts, kinds, profiles
from consent.errors import TermsRefused, WrongState
from consent.models import (
    OPEN,
    Account,
    AskingErrand,
    Campaign,
    CampaignState,
    Grant,
    GrantState,
    Language,
    Representation,
    Subject,
)
from consent.models.askings import UNREACHED
from consent.moment import database_now
from consent.services.authority import by, get, lock, require
from consent.services.grants import lock_grant
from consent.services.renewals import lapse, rest_of, wants_erasure
from consent.uses import Capacity, Cause, Method, Reach
from ledger.kinds import Kind, NoFacts
from ledger.services import Unsealed, append

LEASE = timedelta(minutes=10)
MAX_ATTEMPTS = 10
# How soon somebody without an address is looked for again.
LOOK_AGAIN = timedelta(days=1)
AT_ONCE = 200
_STANDING = frozenset({GrantState.GIVEN, GrantState.SUSPENDED})


@dataclass(frozen=True)
class AskingLetter:
    """A letter about one request, or several of a campaign, to one who may answer."""

    grant: Grant
    contact: contacts.Contact
    language: Language
    number: int
    cause: Cause
    campaign: Campaign | None = None


def due_askings() -> list[UUID]:
    """Return some of the requests about which somebody is to be written to now, oldest first.

    Those that the post refused again and again are no longer tried, and stand in the list of
    those whom no letter reaches.
    """
    now = database_now()
    hopeless = AskingErrand.objects.filter(attempts__gte=MAX_ATTEMPTS, due_at__lte=now)
    hopeless.filter(sent=0).update(reach=Reach.FAILED.value)
    hopeless.update(due_at=None)
    due = AskingErrand.objects.letters_due(now).order_by("due_at", "pk")
    return list(due.values_list("pk", flat=True)[:AT_ONCE])


def lease_asking(grant_id: UUID) -> AskingErrand | None:
    """Take the errand for a while; None when there is none, or it is not due."""
    rows = AskingErrand.objects.select_related("grant__subject", "grant__notice", "grant__campaign")
    return rows.lease(grant_id, LEASE)


@transaction.atomic
def write_letters(errand: AskingErrand) -> list[AskingLetter] | None:
    """Return the letters that are still to be handed over; None where nobody is written to.

    A guardian is written to for the child, else the person. Where nobody has an address, that is
    noted, once on record, and looked at again the next day.
    """
    campaign = errand.grant.campaign
    if campaign is not None and campaign.state != CampaignState.RUNNING:
        AskingErrand.objects.filter(pk=errand.pk).update(due_at=database_now())
        return None
    grant = _still_asked(errand)
    if grant is None:
        AskingErrand.objects.filter(pk=errand.pk).update(due_at=None)
        return None
    if wants_erasure(grant.subject):
        # They may change their mind.
        later = database_now() + LOOK_AGAIN
        AskingErrand.objects.filter(pk=errand.pk).update(due_at=later, attempts=0)
        return None
    people = sorted(_addressees(grant.subject, database_now()), key=lambda one: one.pk)
    found = [contact for one in people if (contact := contacts.contact_of(one))]
    if not found:
        _note_unreached(errand, grant)
        return None
    language = Language(grant.notice.language) if _is_spoken(grant) else Language.ENGLISH
    number, cause = errand.sent + 1, Cause(errand.cause)
    letters = [AskingLetter(grant, one, language, number, cause, campaign) for one in found]
    # Those before were handed over by a sender that did not come to the end.
    return letters[errand.handed :]


@transaction.atomic
def begin_letter(errand: AskingErrand, letter: AskingLetter) -> None:
    """Put on record that a letter is handed over now; whatever happens then, it is not again."""
    scopes = tuple(sorted({*letter.grant.scope_ids(), *letter.contact.subject.scope_ids()}))
    said = {"answer": str(letter.grant.pk), "letter": letter.number}
    AskingErrand.objects.filter(pk=errand.pk).update(handed=F("handed") + 1, posting=True)
    append(kind=kinds.GRANT_ASKED, facts=NoFacts(), segments=[Unsealed("addressee", scopes, said)])


def end_letter(errand: AskingErrand, *, went: bool) -> None:
    """Note whether the post took the letter; one that it did not take is tried again."""
    handed = F("handed") if went else F("handed") - 1
    AskingErrand.objects.filter(pk=errand.pk).update(handed=handed, posting=False)


@transaction.atomic
def settle_asking(errand: AskingErrand) -> None:
    """Note that the letters went out: the next is a reminder, until the last was sent.

    ``errand`` is as it was leased: a letter that was being handed over then may never have gone,
    and is due again with the next reminder.
    """
    reminders, after = _rules(errand.grant.campaign)
    row = AskingErrand.objects.select_for_update().get(pk=errand.pk)
    row.handed, row.posting, row.attempts = 0, False, 0
    if errand.posting:
        row.reach = Reach.WRITTEN.value if row.sent else Reach.UNSURE.value
    else:
        row.sent += 1
        row.reach = Reach.WRITTEN.value
        row.written_at = row.written_at or database_now()
    row.due_at = database_now() + after if row.sent <= reminders else None
    row.save()


@transaction.atomic
def note_returned(*, actor: Account, grant_id: UUID) -> Grant:
    """Record that a letter about a request came back: no further one is sent there.

    Raises NotPermitted, Unknown, WrongState unless somebody was written to and is still asked.
    """
    errand = _take(actor, grant_id, {Reach.WRITTEN, Reach.UNSURE})
    return _note(actor, errand, Reach.RETURNED, kinds.GRANT_UNREACHED, "returned")


@transaction.atomic
def note_written(*, actor: Account, grant_id: UUID) -> Grant:
    """Record that somebody whom no letter of ours reaches was asked by post or in person.

    Raises NotPermitted, Unknown, WrongState unless that is so and they are still asked.
    """
    errand = _take(actor, grant_id, {*map(Reach, UNREACHED), Reach.UNSURE})
    return _note(actor, errand, Reach.WRITTEN, kinds.GRANT_ASKED, Method.LETTER.value)


@transaction.atomic
def write_again(*, actor: Account, grant_id: UUID) -> Grant:
    """Send a letter anew, such as to the right address.

    Raises NotPermitted, Unknown, WrongState as ``note_written``, and while a campaign rests.
    """
    errand = _take(actor, grant_id, {*map(Reach, UNREACHED), Reach.UNSURE})
    grant = errand.grant
    if grant.campaign is not None and grant.campaign.state != CampaignState.RUNNING:
        raise WrongState(f"campaign is {grant.campaign.state}, letters go out while it is running")
    AskingErrand.objects.filter(pk=errand.pk).update(
        reach=Reach.DUE.value, due_at=database_now(), attempts=0
    )
    return grant


def part_letters() -> int:
    """Give a letter of their own to those who shared one; return how many are due again.

    They were wrongly taken for one person: whoever of them got the letter, it spoke of the other.
    Nor is somebody forgotten whose question went with one that is gone.
    """
    asked = AskingErrand.objects.filter(
        grant__state__in=OPEN, grant__campaign__state=CampaignState.RUNNING
    )
    followers = asked.exclude(lead=None).exclude(lead__grant__subject=F("grant__subject"))
    apart: set[UUID] = set()
    for one in followers.select_related("grant", "lead__grant"):
        assert one.lead is not None
        selves = Subject.objects.selves(one.grant.subject_id)
        if not selves.filter(pk=one.lead.grant.subject_id).exists():
            apart |= {one.pk, one.lead.pk}
    left = asked.filter(lead=None, reach=Reach.DUE.value, due_at=None)
    found = asked.filter(pk__in=[*apart, *left.values_list("pk", flat=True)])
    return found.update(
        lead=None, reach=Reach.DUE.value, sent=0, written_at=None, due_at=database_now()
    )


def _take(actor: Account, grant_id: UUID, reaches: set[Reach]) -> AskingErrand:
    require(actor, "consent.give_grant")
    found = get(AskingErrand.objects.all(), grant_id)
    # The question first and its letter then, as everybody else locks them.
    grant = lock_grant(found.lead_id or found.pk)
    errand = lock(AskingErrand.objects.select_related("grant__campaign"), grant.pk)
    if errand.reach not in reaches:
        raise WrongState(f"how the person was reached reads: {Reach(errand.reach).words}")
    if not _questions(errand).filter(state__in=OPEN).exists():
        raise TermsRefused("nobody is asked any more")
    return errand


def _note(actor: Account, errand: AskingErrand, reach: Reach, kind: Kind, how: str) -> Grant:
    grant = errand.grant
    written_at = database_now() if reach is Reach.WRITTEN else errand.written_at
    AskingErrand.objects.filter(pk=errand.pk).update(
        reach=reach.value, due_at=None, written_at=written_at
    )
    said = {"answer": str(grant.pk), "how": how}
    segments = [Unsealed("addressee", grant.scope_ids(), said), by(actor)]
    append(kind=kind, facts=NoFacts(), segments=segments)
    return grant


def _note_unreached(errand: AskingErrand, grant: Grant) -> None:
    if errand.reach == Reach.DUE:
        said = {"answer": str(grant.pk), "how": Reach.NO_ADDRESS.value}
        segments = [Unsealed("addressee", grant.scope_ids(), said)]
        append(kind=kinds.GRANT_UNREACHED, facts=NoFacts(), segments=segments)
    reach = errand.reach if errand.sent else Reach.NO_ADDRESS.value
    AskingErrand.objects.filter(pk=errand.pk).update(
        reach=reach, attempts=0, due_at=database_now() + LOOK_AGAIN
    )


def _questions(errand: AskingErrand) -> QuerySet[Grant]:
    """Return the requests that a letter is about: its own, and those that go with it."""
    alike = AskingErrand.objects.filter(lead=errand.pk).values("pk")
    return Grant.objects.filter(pk=errand.pk) | Grant.objects.filter(pk__in=alike)


def _still_asked(errand: AskingErrand) -> Grant | None:
    """Return a request that waits for its answer, locked; None when there is none any more.

    In a campaign nobody is asked about what they took back meanwhile: that lapses.
    """
    for pk in _questions(errand).order_by("opened_at").values_list("pk", flat=True):
        grant = lock_grant(pk)
        if grant.state not in OPEN:
            continue
        if grant.campaign_id is None or not let_moot_lapse(grant):
            return grant
    return None


def let_moot_lapse(grant: Grant) -> bool:
    """Let a request lapse when what it asks about no longer stands; say whether it did."""
    assert grant.renews_id is not None
    if rest_of(lock_grant(grant.renews_id)).state in _STANDING:
        return False
    lapse(grant)
    return True


def _rules(campaign: Campaign | None) -> tuple[int, timedelta]:
    """Return how many reminders there are, and after how long each."""
    if campaign is not None:
        return campaign.reminders, timedelta(days=campaign.remind_after_days)
    rules = profiles.load().renewal
    return rules.reminders, rules.remind_after


def _is_spoken(grant: Grant) -> bool:
    return grant.notice.language in Language.values


def _addressees(subject: Subject, now: datetime) -> Iterator[Subject]:
    """Yield who is asked: those who speak for a child today, or the person."""
    guardians = Representation.objects.filter(
        subject__in=Subject.objects.selves(subject.pk), capacity=Capacity.GUARDIAN.value
    ).select_related("representative")
    speaking = {row.representative_id: row for row in guardians if row.period.covers(now)}
    if not speaking:
        yield subject
    for row in speaking.values():
        yield row.representative
