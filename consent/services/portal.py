"""The portal's door: links asked for, sent and spent; who is in, and for whom they act.

Nothing here tells whoever asks whether an address is known: asking writes one row, whoever it is,
and the worker finds out behind it.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from consent import contacts, kinds
from consent.errors import LinkRefused, NotPermitted
from consent.kinds import PortalEntered
from consent.models import (
    Language,
    LinkErrand,
    PortalLink,
    PortalVisit,
    Representation,
    Subject,
)
from consent.moment import database_now
from consent.services.authority import Visitor, by, lock
from consent.uses import Capacity
from ledger.kinds import NoFacts
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, Unsealed, append, disclose

LINK_LIFE = timedelta(minutes=30)
IDLE = timedelta(minutes=30)
LONGEST_VISIT = timedelta(hours=12)
# More letters than that to one person at a time are somebody else's doing.
LIVE_LINKS = 3
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 10


@dataclass(frozen=True)
class Letter:
    """One link on its way to one person; the token is nowhere else."""

    link: PortalLink
    contact: contacts.Contact
    token: str
    language: Language


def ask_for_link(*, address: str, language: Language) -> LinkErrand:
    """Note that whoever has this address wants in; the same work for every address."""
    return LinkErrand.objects.create(
        address_index=contacts.address_index(address),
        language=language.value,
        due_at=database_now(),
    )


def lease_link_errand(errand_id: UUID) -> LinkErrand | None:
    """Take the errand for a while; None when there is none or somebody is at it."""
    return LinkErrand.objects.filter(attempts__lt=MAX_ATTEMPTS).lease(errand_id, LEASE)


def make_links(errand: LinkErrand) -> list[Letter]:
    """Make a link for each person with the address, up to LIVE_LINKS alive at a time."""
    found = contacts.find_contacts(bytes(errand.address_index))
    letters = (_make_link(contact, Language(errand.language)) for contact in found)
    return [letter for letter in letters if letter is not None]


@transaction.atomic
def enter(*, token: str) -> tuple[PortalVisit, str]:
    """Spend a link; return the visit and the secret key of it, which is kept nowhere.

    Raises LinkRefused for a token that is spent, expired or forged.
    """
    link = find_link(token, lock=True)
    if link is None:
        raise LinkRefused("this link is spent or expired: ask for another one")
    now, key = database_now(), secrets.token_urlsafe(32)
    visit = PortalVisit(subject=link.subject, key_digest=_digest(key), entered_at=now, seen_at=now)
    visit.save(force_insert=True)
    # Whoever is in needs none of the others that were sent.
    PortalLink.objects.filter(subject=link.subject).delete()
    _record_entry(Visitor(link.subject))
    return visit, key


def find_link(token: str, *, lock: bool = False) -> PortalLink | None:
    """Return the link of this token while it is neither spent nor expired."""
    links = PortalLink.objects.select_related("subject")
    if lock:
        links = links.select_for_update(of=("self",))
    return links.filter(token_digest=_digest(token), expires_at__gt=database_now()).first()


def find_visit(key: str) -> PortalVisit | None:
    """Return the visit of this key, which goes on by it; None when it ended."""
    now = database_now()
    visits = PortalVisit.objects.select_related(
        "subject", "representation__subject", "representation__representative"
    )
    live = visits.filter(seen_at__gt=now - IDLE, entered_at__gt=now - LONGEST_VISIT)
    visit = live.filter(key_digest=_digest(key)).first()
    if visit is not None:
        PortalVisit.objects.filter(pk=visit.pk).update(seen_at=now)
    return visit


def visitor_of(visit: PortalVisit) -> Visitor:
    """Return who acts in a visit; themself again once they no longer speak for the other."""
    spoken_for = visit.representation
    if spoken_for is not None and not spoken_for.period.covers(database_now()):
        spoken_for = None
    return Visitor(visit.subject, spoken_for)


@transaction.atomic
def act_for(*, visit: PortalVisit, representation_id: UUID | None) -> Visitor:
    """Act from now on for one whom the visitor speaks for; for themself with None.

    Raises Unknown, NotPermitted when they no longer speak for them.
    """
    row = None
    if representation_id is not None:
        selves = Subject.objects.selves(visit.subject_id)
        own = Representation.objects.select_related("subject", "representative")
        row = lock(own.filter(representative__in=selves), representation_id)
        if not row.period.covers(database_now()):
            raise NotPermitted("whoever acts no longer speaks for the person")
    PortalVisit.objects.filter(pk=visit.pk).update(representation=row)
    visitor = Visitor(visit.subject, row)
    _record_entry(visitor)
    return visitor


def leave(*, visit: PortalVisit) -> None:
    """End a visit. Safe to repeat."""
    PortalVisit.objects.filter(pk=visit.pk).delete()


def read_initials(*, reader: Subject, people: Sequence[Subject]) -> dict[UUID, str]:
    """Return the first letters of people's names by id, for one who speaks for them; on record."""
    names = contacts.names_of(people)
    whose = {row.pk: person for person, row in names.items()}
    wanted = [Disclosure(row, ("value",)) for row in names.values()]
    opened = disclose(reader=reader.scope_id, reason=DisclosureReason.OWN_MATTERS, wanted=wanted)
    return {whose[pk]: contacts.initials(told["value"].decode()) for pk, told in opened.items()}


def sweep_portal() -> int:
    """Delete links and visits that are over, and errands that cannot be done; return how many."""
    now = database_now()
    over = (
        LinkErrand.objects.filter(attempts__gte=MAX_ATTEMPTS, due_at__lte=now),
        PortalLink.objects.filter(expires_at__lte=now),
        PortalVisit.objects.filter(seen_at__lte=now - IDLE),
        PortalVisit.objects.filter(entered_at__lte=now - LONGEST_VISIT),
    )
    return sum(rows.delete()[0] for rows in over)


@transaction.atomic
def _make_link(contact: contacts.Contact, language: Language) -> Letter | None:
    # Locked, so that many askers at once do not all find few links.
    subject = Subject.objects.select_for_update().filter(pk=contact.subject.pk).first()
    now = database_now()
    if subject is None or _count_live(subject, now) >= LIVE_LINKS:
        return None
    token = secrets.token_urlsafe(32)
    link = PortalLink(subject=subject, token_digest=_digest(token), expires_at=now + LINK_LIFE)
    link.save(force_insert=True)
    append(
        kind=kinds.PORTAL_LINK_MADE,
        facts=NoFacts(),
        segments=[Unsealed("subject", subject.scope_ids())],
    )
    return Letter(link, contact, token, language)


def _count_live(subject: Subject, now: datetime) -> int:
    return PortalLink.objects.filter(subject=subject, expires_at__gt=now).count()


def _record_entry(visitor: Visitor) -> None:
    segments = [by(visitor)]
    if visitor.representation is not None:
        scopes = visitor.representation.scope_ids()
        said = {"representation": str(visitor.representation.pk)}
        segments.append(Unsealed("representation", scopes, said))
    facts = PortalEntered(capacity=Capacity(visitor.capacity))
    append(kind=kinds.PORTAL_ENTERED, facts=facts, segments=segments)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
