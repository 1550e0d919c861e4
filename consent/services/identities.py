"""What people are known by: add, end, correct; sealed, and found through keyed indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import AlreadyKnown, TermsRefused, WrongState
from consent.identity import IdentifierKind, tidy
from consent.models import Account, Identifier, SearchKey, Subject, search_keys
from consent.moment import database_now
from consent.services.authority import by, lock, require
from ledger import vault
from ledger.kinds import Kind, NoFacts
from ledger.models import Recorded
from ledger.services import Unsealed, append

# What one record of a person can say, with all search keys.
MAX_IDENTIFIERS = 50


@dataclass(frozen=True)
class Known:
    """Something that somebody is known by, as it was said.

    ``region`` is the country (ISO 3166, two letters) whose phone numbers need no prefix.
    """

    kind: IdentifierKind
    value: str
    region: str | None = None

    def tidy(self) -> str:
        """Return the value as it is stored. Raises TermsRefused."""
        return tidy(self.kind, self.value, self.region)


@transaction.atomic
def add_identifier(*, actor: Account, subject_id: UUID, known: Known) -> Identifier:
    """Record a further thing that a person is known by; they are found by it from now on.

    Raises NotPermitted, Unknown, TermsRefused, and AlreadyKnown when it is there.
    """
    require(actor, "consent.register_subject")
    subject = lock(Subject.objects.all(), subject_id)
    rows = insert_identifiers(subject, [known], database_now())
    _append(actor, kinds.IDENTIFIER_ADDED, subject, rows)
    return _identifier(rows)


@transaction.atomic
def end_identifier(*, actor: Account, identifier_id: UUID) -> Identifier:
    """Record that a person no longer goes by it; they are still found by it, as a former one.

    Raises NotPermitted, Unknown, WrongState.
    """
    require(actor, "consent.register_subject")
    identifier = _take(identifier_id)
    _keep_a_name(identifier)
    identifier.until = database_now()
    identifier.save(update_fields=["until"])
    _append(actor, kinds.IDENTIFIER_ENDED, identifier.subject, [identifier])
    return identifier


@transaction.atomic
def correct_identifier(*, actor: Account, identifier_id: UUID, known: Known) -> Identifier:
    """Put the right value in the place of a wrong one (GDPR Art. 16); return the new one.

    The old value and its search keys are emptied: nobody can read it or be found by it again.
    Raises NotPermitted, Unknown, WrongState, TermsRefused, AlreadyKnown.
    """
    require(actor, "consent.register_subject")
    wrong = _take(identifier_id)
    if known.kind != wrong.kind:
        raise TermsRefused(f"a {known.kind.words} cannot take the place of a {wrong.kind}")
    now = database_now()
    keys = list(wrong.search_keys.all())
    for key in keys:
        key.key = None
        key.save(update_fields=["key"])
    wrong.value, wrong.until = None, now
    wrong.save(update_fields=["value", "until"])
    rows = insert_identifiers(wrong.subject, [known], now)
    _append(actor, kinds.IDENTIFIER_CORRECTED, wrong.subject, [wrong, *keys, *rows])
    return _identifier(rows)


def insert_identifiers(subject: Subject, said: Sequence[Known], since: datetime) -> list[Recorded]:
    """Insert identifiers of a person, sealed, with their search keys; return all rows."""
    values = [(known.kind, known.tidy()) for known in said]
    held = {key for one in subject.identifiers.filter(until=None) for key in _exact_keys(one)}
    if subject.identifiers.count() + len(values) > MAX_IDENTIFIERS:
        raise TermsRefused(f"a person has at most {MAX_IDENTIFIERS} names, addresses and numbers")
    sealer = vault.keys(subject.scope_ids())
    rows: list[Recorded] = []
    for kind, value in values:
        keys = search_keys(kind, value)
        exact = (kind.value, min(keys.items(), key=lambda item: item[0].rank)[1])
        if exact in held:
            raise AlreadyKnown(f"the person has this {kind.words} already")
        held.add(exact)
        identifier = Identifier(subject=subject, kind=kind.value, since=since)
        identifier.value = sealer.seal(identifier, "value", value.encode())
        identifier.save(force_insert=True)
        indexes = [SearchKey(identifier=identifier, form=f.value, key=k) for f, k in keys.items()]
        rows += [identifier, *SearchKey.objects.bulk_create(indexes)]
    return rows


def _exact_keys(identifier: Identifier) -> set[tuple[str, bytes]]:
    return {(identifier.kind, key.key) for key in identifier.search_keys.all() if key.key}


def _take(identifier_id: UUID) -> Identifier:
    identifier = lock(Identifier.objects.select_related("subject"), identifier_id)
    if identifier.until is not None:
        raise WrongState("it is no longer in use")
    return identifier


def _keep_a_name(leaving: Identifier) -> None:
    """Raise TermsRefused when nobody could say any more who the person is."""
    names = Identifier.objects.filter(
        subject=leaving.subject, kind=IdentifierKind.NAME.value, until=None
    )
    if leaving.kind == IdentifierKind.NAME and names.count() == 1:
        raise TermsRefused("this is the person's only name: add the new one first, or correct it")


def _identifier(rows: Sequence[Recorded]) -> Identifier:
    return next(row for row in rows if isinstance(row, Identifier))


def _append(actor: Account, kind: Kind, subject: Subject, rows: Sequence[Recorded]) -> None:
    segments = [Unsealed("subject", subject.scope_ids(), {}, tuple(rows)), by(actor)]
    append(kind=kind, facts=NoFacts(), segments=segments)
