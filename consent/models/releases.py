"""Old releases that are brought in bulk: the table line by line, its scans, and what came of it."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from consent.identity.matching import FINDING
from consent.models.consents import Grant, Notice
from consent.models.errands import WorkErrand
from consent.models.people import Account
from consent.models.subjects import SearchKey, Subject
from ledger.fields import DigestField, SealedField
from ledger.models import HOUSE_SCOPE, Recorded, Scope, SealedFile


class ReleaseState(models.TextChoices):
    """Lines may be set right and taken in until somebody closes it, or its time is over."""

    OPEN = "open"
    CLOSED = "closed"


class ReleaseImport(Recorded):
    """One table of old releases: to which notice they were given, and what became of its lines.

    ``said`` is JSON, of no person: the header, and how the whole is to be read. Everything else
    that came lies by its line, under ``scope`` while it waits, a key of the import's own that is
    destroyed when it is closed; what was taken in lies under its person's key.
    """

    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="+")
    brought_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    fingerprint = DigestField(help_text="Blind index of the whole table.")
    said = SealedField()
    state = models.CharField(max_length=10, choices=ReleaseState, default=ReleaseState.OPEN)
    line_count = models.PositiveIntegerField(help_text="Lines that came.")
    taken_count = models.PositiveIntegerField(default=0, help_text="Taken in.")
    dropped_count = models.PositiveIntegerField(default=0, help_text="Turned away.")
    received_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "import of old releases"
        verbose_name_plural = "imports of old releases"
        ordering = ["-received_at", "pk"]
        constraints = [
            # What was closed may be brought again: what was taken in is known line by line.
            models.UniqueConstraint(
                fields=["fingerprint"],
                name="releaseimport_once",
                condition=models.Q(state="open"),
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at__isnull=True)
                | models.Q(state="closed", closed_at__isnull=False),
                name="releaseimport_closed_with_time",
            ),
        ]

    def __str__(self) -> str:
        return f"releases {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (HOUSE_SCOPE,)


class LineStanding(models.TextChoices):
    """A line is unread until a worker has judged it; then it is good, or waits."""

    UNREAD = "unread", "waiting to be looked at"
    READY = "ready", "good"
    WAITING = "waiting", "to be set right"


class ReleaseLineQuerySet(models.QuerySet["ReleaseLine"]):
    """What many lines know."""

    def naming(self, scopes: Sequence[UUID]) -> "ReleaseLineQuerySet":
        """Return what waits and may speak of these people, or lies in the imports of these keys."""
        keys = SearchKey.objects.filter(
            identifier__subject__scope__in=scopes, key__isnull=False, form__in=FINDING
        )
        return self.filter(
            models.Q(importing__scope__in=scopes)
            | models.Q(subject__scope__in=scopes)
            | models.Q(guardian__scope__in=scopes)
            | models.Q(keys__overlap=list(keys.values_list("key", flat=True)))
        )


class ReleaseLine(models.Model):
    """One line that was not taken in yet: a list to work off, not on the record.

    ``stated`` is JSON: the bytes as they came, and the cells as they are by now. By ``keys``, the
    blind indexes of whom it names, it is found when somebody is erased; by ``claims`` those of the
    scans it names. ``subject`` is who it is for certain, as indexes or somebody say; ``is_new``
    that somebody said it is nobody who is known.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    importing = models.ForeignKey(
        ReleaseImport, models.PROTECT, related_name="lines", db_index=False
    )
    ordinal = models.PositiveIntegerField(help_text="Place in the table, from 1.")
    state = models.CharField(max_length=10, choices=LineStanding, default=LineStanding.UNREAD)
    reasons = ArrayField(models.CharField(max_length=40), default=list)
    accepted = ArrayField(models.CharField(max_length=40), default=list)
    stated = SealedField()
    mark = DigestField(help_text="Blind index of its cells.")
    keys = ArrayField(DigestField(), default=list)
    claims = ArrayField(DigestField(), default=list)
    subject = models.ForeignKey(Subject, models.CASCADE, null=True, related_name="+")
    guardian = models.ForeignKey(Subject, models.CASCADE, null=True, related_name="+")
    is_new = models.BooleanField(default=False)
    is_guardian_new = models.BooleanField(default=False)

    objects = ReleaseLineQuerySet.as_manager()

    class Meta:
        verbose_name = "line of old releases"
        verbose_name_plural = "lines of old releases"
        ordering = ["importing", "ordinal"]
        indexes = [
            GinIndex(fields=["keys"], name="releaseline_keys"),
            GinIndex(fields=["claims"], name="releaseline_claims"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["importing", "ordinal"], name="releaseline_once")
        ]

    def __str__(self) -> str:
        return f"line {self.ordinal}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.importing.scope_id,)


class ScanArchive(models.Model):
    """A ZIP of scans that waits to be unpacked: gone when each scan lies by itself."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    importing = models.ForeignKey(ReleaseImport, models.PROTECT, related_name="archives")
    file = models.OneToOneField(SealedFile, models.PROTECT, related_name="+")
    read_to = models.PositiveIntegerField(default=0, help_text="Entries that were unpacked.")

    def __str__(self) -> str:
        return f"archive {str(self.id)[:8]}"


class BroughtScanQuerySet(models.QuerySet["BroughtScan"]):
    """What many scans know."""

    def claimed_for(self, scopes: Sequence[UUID]) -> "BroughtScanQuerySet":
        """Return what lines name that may speak of these people, as ``naming`` does."""
        wanted = models.Q(importing__scope__in=scopes)
        lines = ReleaseLine.objects.naming(scopes).values_list("importing_id", "claims")
        for importing, claims in lines:
            wanted |= models.Q(importing=importing, short_index__in=claims)
        return self.filter(wanted).select_related("file")

    def unclaimed(self) -> "BroughtScanQuerySet":
        """Return what no line of its import names."""
        lines = ReleaseLine.objects.filter(
            importing=models.OuterRef("importing"),
            claims__contains=models.Func(
                models.OuterRef("short_index"),
                template="ARRAY[%(expressions)s]",
                output_field=ArrayField(DigestField()),
            ),
        )
        return self.filter(~models.Exists(lines))


class BroughtScan(models.Model):
    """A scan that came and is not in an answer yet; ``trouble`` says why it cannot be used.

    Found by what it is called: ``index`` is that of its whole name, ``short_index`` of the name
    without folders. ``content`` is that of its bytes: the same scan comes once.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    importing = models.ForeignKey(
        ReleaseImport, models.PROTECT, related_name="scans", db_index=False
    )
    name = SealedField()
    index = DigestField()
    short_index = DigestField()
    content = DigestField()
    file = models.ForeignKey(SealedFile, models.PROTECT, null=True, related_name="+")
    trouble = models.CharField(max_length=40, default="", blank=True)

    objects = BroughtScanQuerySet.as_manager()

    class Meta:
        ordering = ["importing", "pk"]
        indexes = [models.Index(fields=["importing", "short_index"], name="broughtscan_short")]
        constraints = [
            models.UniqueConstraint(
                fields=["importing", "index", "content"], name="broughtscan_once"
            )
        ]

    def __str__(self) -> str:
        return f"scan {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.importing.scope_id,)


class ReleaseErrand(WorkErrand):
    """That a worker should look at an import's lines, and take the good ones in for ``taker``.

    A queue, not on the record. Who says something meanwhile moves it, and it is done once more.
    """

    importing = models.OneToOneField(
        ReleaseImport, models.CASCADE, primary_key=True, related_name="errand"
    )
    taker = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    restate = models.BooleanField(default=False, help_text="The whole is to be read anew.")

    def __str__(self) -> str:
        return f"errand for {self.importing_id}"


class OldRelease(Recorded):
    """A line that was taken in: the answer that it became, and its bytes as they came.

    Sealed under the keys of everybody who spoke, like the paper beside it; ``papers`` are the
    blind indexes of its scans. The table can be put together again from these as long as nobody
    in it was erased, and afterwards but for their lines.
    """

    grant = models.OneToOneField(Grant, models.PROTECT, related_name="old_release")
    importing = models.ForeignKey(ReleaseImport, models.PROTECT, related_name="taken")
    ordinal = models.PositiveIntegerField(help_text="Place in the table, from 1.")
    stated = SealedField()
    scopes = ArrayField(models.UUIDField())
    mark = DigestField(db_index=True)
    papers = ArrayField(DigestField(), default=list)

    class Meta:
        ordering = ["importing", "ordinal"]
        indexes = [GinIndex(fields=["scopes"], name="oldrelease_scopes")]
        constraints = [
            models.UniqueConstraint(fields=["importing", "ordinal"], name="oldrelease_once")
        ]

    def __str__(self) -> str:
        return f"line {self.ordinal} of {self.importing_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(self.scopes)
