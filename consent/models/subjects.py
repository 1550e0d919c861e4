"""Subjects: the people in pictures and the people who made them, and what they are known by."""

import secrets
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from consent.identity import Form, IdentifierKind, normal_forms
from consent.models.choices import code_field, one_of
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

    def selves(self, *ids: UUID) -> "SubjectQuerySet":
        """Return everybody who counts as one of these people now, themselves among them."""
        same = RawSQL("SELECT unnest(consent_selves(%s::uuid[], false))", [list(ids)])
        return self.filter(pk__in=same)


class Subject(Recorded):
    """A person concerned, under a random handle; who it is lies sealed under their own key."""

    handle = models.CharField(max_length=12, unique=True, default=fresh_handle, editable=False)
    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
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

    def person_scopes(self) -> tuple[UUID, ...]:
        """Return the key scopes of all who are this person: several, where they were merged."""
        selves = Subject.objects.selves(self.pk)
        return tuple(sorted(selves.values_list("scope_id", flat=True)))


class IdentifierQuerySet(models.QuerySet["Identifier"]):
    """What many identifiers know."""

    def legible(self) -> "IdentifierQuerySet":
        """Return those that still say something: neither corrected nor on their way out."""
        return self.filter(value__isnull=False).select_related("subject")


class Identifier(Recorded):
    """Something a person is or was known by, from when until when; sealed under their key.

    What is no longer in use stays and is found; what was wrong is emptied, its search keys with
    it, and the row says only that there was something.
    """

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="identifiers")
    kind = code_field(IdentifierKind)
    value = SealedField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, editable=False)

    objects = IdentifierQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-since"]
        constraints = [
            one_of("identifier", "kind", IdentifierKind),
            models.CheckConstraint(
                condition=Q(value__isnull=False) | Q(until__isnull=False),
                name="identifier_emptied_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)


class SearchKey(Recorded):
    """By what an identifier is found: the keyed index of one of its normal forms."""

    identifier = models.ForeignKey(Identifier, models.PROTECT, related_name="search_keys")
    form = code_field(Form)
    key = DigestField(null=True, db_index=True)

    class Meta:
        ordering = ["form"]
        constraints = [
            one_of("searchkey", "form", Form),
            models.UniqueConstraint(fields=["identifier", "form"], name="searchkey_form_once"),
        ]

    def __str__(self) -> str:
        return f"{self.form} of {self.identifier_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.identifier.scope_ids()


def search_keys(kind: IdentifierKind, value: str) -> dict[Form, bytes]:
    """Return the keyed index of each normal form of a tidy value."""
    return {
        form: blind_index(f"identity.{kind.family}.{form}", text)
        for form, text in normal_forms(kind, value).items()
    }
