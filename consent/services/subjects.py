"""Subjects: register a person concerned, and who speaks for whom or holds whose right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.identity import IdentifierKind
from consent.models import Account, Representation, Subject, Title
from consent.moment import database_now
from consent.pictures import inspect
from consent.services.authority import by, get, lock, require
from consent.services.identities import Known, insert_identifiers
from consent.uses import Capacity, Right
from ledger.kinds import Kind, NoFacts
from ledger.models import Retention, SealedFile
from ledger.services import Unsealed, append, open_scope, store_file

MAX_EVIDENCE_BYTES = 10 * 2**20

Between = TypeVar("Between", Representation, Title)


@dataclass(frozen=True)
class Span:
    """When something between two people holds, and the papers that show it.

    ``starts_at`` None means now; ``ends_at`` is when it is planned to end by itself, such as the
    day on which a child comes of age.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    evidence: bytes | None = None


@transaction.atomic
def register_subject(
    *,
    actor: Account,
    name: str,
    email: str | None = None,
    others: Sequence[Known] = (),
    portrait: bytes | None = None,
) -> Subject:
    """Register a person under a random handle and a key of their own, with all they are known by.

    The same person may be registered twice; search before. Raises NotPermitted, TermsRefused,
    AlreadyKnown, PictureRefused.
    """
    require(actor, "consent.register_subject")
    if portrait is not None:
        inspect(portrait)
    addresses = [Known(IdentifierKind.EMAIL, email)] if email else []
    said = [Known(IdentifierKind.NAME, name), *addresses, *others]
    for known in said:
        known.tidy()  # refused before a key is made
    subject = Subject(scope=open_scope(Retention.PERSON), registered_at=database_now())
    if portrait is not None:
        subject.portrait = store_file(subject.scope_ids(), portrait)
    subject.save(force_insert=True)
    rows = insert_identifiers(subject, said, subject.registered_at)
    append(
        kind=kinds.SUBJECT_REGISTERED,
        facts=NoFacts(),
        segments=[Unsealed("subject", subject.scope_ids(), {}, (subject, *rows)), by(actor)],
    )
    return subject


@transaction.atomic
def represent(
    *,
    actor: Account,
    subject_id: UUID,
    representative_id: UUID,
    capacity: Capacity,
    span: Span = Span(),
) -> Representation:
    """Record that one person speaks for another.

    A guardian's end is the day on which the person speaks for themself: answers that the guardian
    gave are put before a human from then on. Raises NotPermitted, Unknown, TermsRefused.
    """
    require(actor, "consent.register_subject")
    if capacity is Capacity.SELF:
        raise TermsRefused("nobody represents themself")
    if capacity is Capacity.GUARDIAN and span.ends_at is None:
        raise TermsRefused("say when the child comes of age: a guardian's word ends then")
    people = _two(subject_id, representative_id)
    row = Representation(subject=people[0], representative=people[1], capacity=capacity.value)
    return _begin(actor, row, kinds.REPRESENTATION_BEGUN, span)


@transaction.atomic
def pass_title(
    *,
    actor: Account,
    origin_id: UUID,
    holder_id: UUID,
    right: Right,
    exclusive: bool = False,
    span: Span = Span(),
) -> Title:
    """Record that somebody lets another dispose of their works or style.

    Raises NotPermitted, Unknown, TermsRefused.
    """
    require(actor, "consent.register_subject")
    if right is Right.LIKENESS:
        raise TermsRefused("nobody disposes of another's likeness: record who speaks for them")
    people = _two(origin_id, holder_id)
    row = Title(origin=people[0], holder=people[1], right=right.value, exclusive=exclusive)
    return _begin(actor, row, kinds.TITLE_PASSED, span)


@transaction.atomic
def end_title(*, actor: Account, title_id: UUID) -> Title:
    """Record that a title is over, from now on. Raises NotPermitted, Unknown, WrongState."""
    require(actor, "consent.register_subject")
    title = lock(Title.objects.select_related("origin", "holder"), title_id)
    return end_spell(actor, title, kinds.TITLE_ENDED)


def end_spell(actor: Account, row: Between, kind: Kind) -> Between:
    """End what held between two people, from now on. Raises WrongState when it is over."""
    now = database_now()
    if row.period.end is not None and row.period.end <= now:
        raise WrongState("it is over already")
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    segments = [Unsealed("party", row.scope_ids(), {}, (row,)), by(actor)]
    append(kind=kind, facts=NoFacts(), segments=segments)
    return row


def _two(one_id: UUID, other_id: UUID) -> tuple[Subject, Subject]:
    if one_id == other_id:
        raise TermsRefused("both are the same person")
    return get(Subject.objects.all(), one_id), get(Subject.objects.all(), other_id)


def _begin(actor: Account, row: Between, kind: Kind, span: Span) -> Between:
    now = database_now()
    row.recorded_at = now
    row.starts_at = span.starts_at or now
    row.ends_at = span.ends_at
    if row.ends_at is not None and row.ends_at <= row.starts_at:
        raise TermsRefused("it ends before it begins")
    row.evidence = store_evidence(row.scope_ids(), span.evidence)
    row.save(force_insert=True)
    segments = [Unsealed("party", row.scope_ids(), {}, (row,)), by(actor)]
    append(kind=kind, facts=NoFacts(), segments=segments)
    return row


def store_evidence(scopes: tuple[UUID, ...], evidence: bytes | None) -> SealedFile | None:
    """Seal and store what shows something; None for none. Raises TermsRefused for its size."""
    if evidence is None:
        return None
    if not 0 < len(evidence) <= MAX_EVIDENCE_BYTES:
        raise TermsRefused(f"evidence has {len(evidence)} bytes, at most {MAX_EVIDENCE_BYTES}")
    return store_file(scopes, evidence)
