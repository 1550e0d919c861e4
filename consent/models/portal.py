"""The portal's ways in: who asked for a link, which links are out, and who is there now.

None of these rows is on the record or lives longer than a visit: the events are (``kinds``). They
go with the person by themselves and are no holding: whoever looks after their own erasure here
would change its plan by looking.
"""

from uuid import uuid4

from django.db import models

from consent.models.errands import WorkErrand
from consent.models.parties import Representation
from consent.models.subjects import Subject
from ledger.fields import DigestField


class Language(models.TextChoices):
    """In what the portal speaks, and the letters that lead to it."""

    ENGLISH = "en", "English"
    GERMAN = "de", "Deutsch"


class LinkErrand(WorkErrand):
    """That somebody typed an address and wants a link: a work queue.

    It is written whether or not the address is anybody's, and says so to nobody: who it is, the
    worker finds out.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    address_index = DigestField()
    language = models.CharField(max_length=2, choices=Language)

    def __str__(self) -> str:
        return f"link errand {self.pk}"


class PortalLink(models.Model):
    """A one-time way in for one person; of its token only the digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="+")
    token_digest = DigestField(unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"link {self.pk}"


class PortalVisit(models.Model):
    """That a person is signed in to the portal, and for whom they act there."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="+")
    representation = models.ForeignKey(Representation, models.CASCADE, null=True, related_name="+")
    key_digest = DigestField(unique=True)
    entered_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"visit {self.pk}"
