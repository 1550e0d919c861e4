"""Reader: who is behind an e-mail address, and how a letter reaches them.

All of the portal that knows how addresses and names are stored stands here.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from consent.identity import Form, IdentifierKind
from consent.models import Identifier, Subject, search_keys
from ledger import vault


@dataclass(frozen=True)
class Contact:
    """A person, where their letters go, and the first letters of their name."""

    subject: Subject
    address: str
    initials: str


def address_index(address: str) -> bytes:
    """Return the keyed index under which people with this address are found, whatever its case."""
    return search_keys(IdentifierKind.EMAIL, address.strip())[Form.FOLDED]


def find_contacts(index: bytes) -> Iterator[Contact]:
    """Yield those whose address has this index today, each person once; families share one."""
    found = Identifier.objects.legible().filter(
        kind=IdentifierKind.EMAIL.value,
        until=None,
        search_keys__form=Form.FOLDED.value,
        search_keys__key=index,
    )
    addresses = {row.subject_id: row for row in found.order_by("subject_id", "since")}
    names = names_of([row.subject for row in addresses.values()])
    keys = vault.keys_there({scope for row in addresses.values() for scope in row.scope_ids()})
    told: set[UUID] = set()
    for row in addresses.values():
        if row.subject_id not in told and row.scope_ids() in keys:
            told |= set(Subject.objects.selves(row.subject_id).values_list("pk", flat=True))
            name = names.get(row.subject_id)
            spelt = initials(keys.open(name, "value").decode()) if name else ""
            yield Contact(row.subject, keys.open(row, "value").decode(), spelt)


def contact_of(subject: Subject) -> Contact | None:
    """Return where letters to a person go today; None where no address is known or readable."""
    selves = Subject.objects.selves(subject.pk)
    rows = Identifier.objects.legible().filter(
        subject__in=selves, kind=IdentifierKind.EMAIL.value, until=None
    )
    row = rows.order_by("-since").first()
    keys = vault.keys_there(row.scope_ids() if row else ())
    if row is None or row.scope_ids() not in keys:
        return None
    name = names_of([row.subject]).get(row.subject_id)
    spelt = initials(keys.open(name, "value").decode()) if name else ""
    return Contact(row.subject, keys.open(row, "value").decode(), spelt)


def names_of(people: Collection[Subject]) -> dict[UUID, Identifier]:
    """Return by the person's id the name that each goes by today, still sealed."""
    rows = Identifier.objects.legible().filter(
        subject__in=people, kind=IdentifierKind.NAME.value, until=None
    )
    return {row.subject_id: row for row in rows.order_by("since")}


def initials(name: str) -> str:
    """Return a name as its holder knows it again and hardly anybody else: ``M. I.``"""
    return " ".join(f"{part[0].upper()}." for part in name.split() if part[0].isalnum())
