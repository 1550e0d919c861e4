"""Subjects: the people in pictures and the people who made them."""

import secrets
from uuid import UUID

from django.db import models

from consent.normal import email_form, name_form
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded, Scope, SealedFile
from ledger.vault import blind_index

# Without letters and digits that are taken for each other.
HANDLE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
HANDLE_GROUP = 4


def fresh_handle() -> str:
    """Return a random handle such as ``S-7K3F-9QXM``: it says nothing of the person."""
    groups = (
        "".join(secrets.choice(HANDLE_ALPHABET) for _ in range(HANDLE_GROUP)) for _ in range(2)
    )
    return "-".join(("S", *groups))


class SubjectQuerySet(models.QuerySet["Subject"]):
    """What many subjects know."""

    def search(self, term: str) -> "SubjectQuerySet":
        """Find subjects by exact handle, name or e-mail address, whatever the case."""
        return self.filter(
            models.Q(handle=term.strip().upper())
            | models.Q(name_index=Subject.index_name(term))
            | models.Q(email_index=Subject.index_email(term))
        )


class Subject(Recorded):
    """A person concerned, under a random handle; who it is lies sealed under their own key."""

    handle = models.CharField(max_length=12, unique=True, default=fresh_handle, editable=False)
    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
    name = SealedField()
    email = SealedField(null=True)
    name_index = DigestField(db_index=True)
    email_index = DigestField(null=True, db_index=True)
    portrait = models.ForeignKey(SealedFile, models.PROTECT, null=True, related_name="+")
    registered_at = models.DateTimeField()

    objects = SubjectQuerySet.as_manager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering = ["-registered_at"]

    def __str__(self) -> str:
        return self.handle

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.scope_id,)

    @staticmethod
    def index_name(name: str) -> bytes:
        """Return the blind index under which ``name`` is found."""
        return blind_index("subject.name", name_form(name))

    @staticmethod
    def index_email(address: str) -> bytes:
        """Return the blind index under which ``address`` is found."""
        return blind_index("subject.email", email_form(address))
