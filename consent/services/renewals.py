"""Asking anew before an answer's term ends: prepared once, by letter, with reminders.

```
 sweep ──▶ ask_to_renew ──▶ requested   ── letters ──▶ person, or who speaks for them
                                  │ yes: the old answer is renewed, in the same record
                                  │ no: stands beside it, and outweighs it
                                  └ silence: changes nothing; the old answer expires on its day
```
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from consent import contacts, kinds, profiles
from consent.models import (
    OPEN,
    AskingErrand,
    Grant,
    GrantState,
    Language,
    Notice,
    PrivacyRequest,
    Representation,
    RequestKind,
    Subject,
)
from consent.moment import database_now
from consent.services.grants import lock_grant, write
from consent.uses import Capacity, Method
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append

LEASE = timedelta(minutes=10)
MAX_ATTEMPTS = 10
# The terms that a request takes over from the answer it is to renew.
_TERMS = (
    *("right", "basis", "mode", "uses", "refused", "media", "territories", "recipients"),
    *("families", "barred_themes", "assurance", "remedy"),
)


@dataclass(frozen=True)
class AskingLetter:
    """A letter about one request to one who may answer it."""

    grant: Grant
    contact: contacts.Contact
    language: Language
    number: int


def find_ending() -> list[UUID]:
    """Return the answers that are to be asked for anew: each is so once.

    They end soon, as the profile counts it, or a guardian gave them for somebody of age by now.
    """
    now = database_now()
    ending = Grant.objects.ending(now, now + profiles.load().renewal.ask_before)
    rows = ending.values_list("pk", "valid_from", "valid_until")
    outgrown = Grant.objects.outgrown(now).values_list("pk", flat=True)
    # Not before half of its term is over: an answer for a week is not asked for anew at once.
    soon = [pk for pk, start, end in rows if start and end and end - now <= (end - start) / 2]
    return list({*outgrown, *soon})


@transaction.atomic
def ask_to_renew(*, grant_id: UUID) -> Grant | None:
    """Prepare and record the request for an answer anew; None where there is nothing to ask.

    Safe to repeat. Raises Unknown, ScopeGone.
    """
    old = lock_grant(grant_id)
    now = database_now()
    of_age = Grant.objects.outgrown(now).filter(pk=grant_id).exists()
    ending = Grant.objects.ending(now, now + profiles.load().renewal.ask_before)
    is_wanted = of_age or ending.filter(pk=grant_id).exists()
    if not is_wanted or _wants_erasure(old.subject):
        return None
    asked = Grant(
        subject=old.subject,
        notice=_newest(old.notice),
        renews=old,
        state=GrantState.REQUESTED,
        method=Method.PORTAL.value,
        opened_at=now,
        valid_until=old.valid_until if of_age else _next_term(old),
        **{name: getattr(old, name) for name in _TERMS},
    )
    asked.save(force_insert=True)
    AskingErrand.objects.create(grant=asked, due_at=now)
    write(None, (asked,), kinds.GRANT_REQUESTED)
    return asked


def lease_asking(grant_id: UUID) -> AskingErrand | None:
    """Take the errand for a while; None when there is none, or it is not due."""
    return AskingErrand.objects.select_related("grant__subject", "grant__notice").lease(
        grant_id, LEASE
    )


@transaction.atomic
def write_letters(errand: AskingErrand) -> list[AskingLetter]:
    """Return the letters that are due about a request, on record; none once it is answered.

    A guardian is written to for the child, else the person.
    """
    grant = lock_grant(errand.grant_id)
    if grant.state not in OPEN or _wants_erasure(grant.subject):
        return []
    language = Language(grant.notice.language) if _is_spoken(grant) else Language.ENGLISH
    people = list(_addressees(grant.subject, database_now()))
    found = [contact for one in people if (contact := contacts.contact_of(one))]
    for contact in found:
        scopes = tuple(sorted({*grant.scope_ids(), *contact.subject.scope_ids()}))
        said = {"answer": str(grant.pk), "letter": errand.sent + 1}
        append(
            kind=kinds.GRANT_ASKED,
            facts=NoFacts(),
            segments=[Unsealed("addressee", scopes, said)],
        )
    return [AskingLetter(grant, contact, language, errand.sent + 1) for contact in found]


def settle_asking(errand: AskingErrand, *, sent: bool) -> None:
    """Note that the letters went out: the next is a reminder, until the last was sent."""
    rules = profiles.load().renewal
    if not sent or errand.sent >= rules.reminders:
        errand.delete()
        return
    AskingErrand.objects.renew(errand.pk, rules.remind_after, sent=F("sent") + 1, attempts=0)


def due_askings() -> list[UUID]:
    """Return the requests about which somebody is to be written to now; give up hopeless ones."""
    AskingErrand.objects.filter(attempts__gte=MAX_ATTEMPTS).delete()
    return AskingErrand.objects.due()


def _next_term(old: Grant) -> datetime | None:
    """Return when an answer would end that holds for as long again."""
    if old.valid_until is None or old.valid_from is None:
        return None
    return old.valid_until + (old.valid_until - old.valid_from)


def _newest(notice: Notice) -> Notice:
    """Return the newest version of a text in the same language: people answer to what holds now."""
    same = Notice.objects.filter(code=notice.code, language=notice.language)
    return same.order_by("-version").first() or notice


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


def _wants_erasure(subject: Subject) -> bool:
    """Say whether the person asked to be erased: then nobody writes to them about more."""
    return PrivacyRequest.objects.filter(
        subject__in=Subject.objects.selves(subject.pk),
        kind=RequestKind.ERASURE,
        closed_at=None,
    ).exists()
