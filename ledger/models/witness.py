"""What others are asked to say of the log: witnesses, their cosignatures, time-stamp tokens."""

from uuid import UUID

from django.core.validators import MaxValueValidator
from django.db import models

from ledger.fields import BytesField
from ledger.models.log import Checkpoint, Incarnation, InsertOnly
from ledger.models.recorded import Recorded

# A note has room for 64 signatures, two of them the log's own; some witnesses sign twice.
MAX_WITNESSES = 30
# There is one publication policy, under this id once somebody has set it.
PUBLICATION_POLICY = UUID("6d756e69-0000-4000-8000-706f6c696379")


class Witness(Recorded):
    """Somebody outside who is asked once a minute to cosign the newest checkpoint.

    Name and key are frozen: a witness with another key is another witness.
    """

    name = models.SlugField(max_length=64, unique=True, help_text="As the policy file names it.")
    vkey = models.TextField(unique=True, help_text="C2SP verifier key of type 0x04 or 0x06.")
    url = models.URLField(max_length=400, help_text="Submission prefix: its address without path.")
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "witnesses"

    def __str__(self) -> str:
        return self.name


class PublicationPolicy(Recorded):
    """How many active witnesses must have signed a checkpoint before strangers see it.

    ``quorum`` 0 asks for none. A policy that does not block waits for the quorum until the next
    minute and then shows the checkpoint as it is.
    """

    quorum = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(MAX_WITNESSES)]
    )
    is_blocking = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "publication policies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=PUBLICATION_POLICY), name="publication_policy_once"
            ),
            models.CheckConstraint(
                condition=models.Q(quorum__lte=MAX_WITNESSES), name="publication_quorum_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quorum} witnesses, {'blocking' if self.is_blocking else 'not blocking'}"


class Offer(InsertOnly):
    """A published checkpoint as outsiders get it: the same text, signed with a whole minute.

    Nothing finer than that minute may leave the house: it would undo the cut of records' times.
    """

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="offers")
    incarnation = models.ForeignKey(
        Incarnation, models.PROTECT, db_index=False, related_name="offers"
    )
    minute = models.DateTimeField(help_text="The whole minute in the 0x06 signature.")
    note = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incarnation", "minute"], name="offer_minute_once")
        ]
        indexes = [models.Index(fields=["incarnation", "-id"], name="offer_newest")]

    def __str__(self) -> str:
        return f"checkpoint of {self.minute:%Y-%m-%d %H:%M} UTC"


class Cosignature(InsertOnly):
    """A witness's signature over a checkpoint, checked before it is kept."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="cosignatures")
    witness = models.ForeignKey(Witness, models.PROTECT, related_name="cosignatures")
    time = models.BigIntegerField(help_text="POSIX seconds, as the witness states them.")
    line = models.TextField(help_text="The signature line, without its line feed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "witness", "time"], name="cosignature_once"
            )
        ]

    def __str__(self) -> str:
        return f"cosignature by {self.witness}"


class TimeStamp(InsertOnly):
    """An RFC 3161 answer over the text of an offered checkpoint, checked before it is kept."""

    offer = models.OneToOneField(Offer, models.PROTECT, primary_key=True, related_name="time_stamp")
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="time_stamps")
    stamped_at = models.DateTimeField(help_text="The token's time, by the authority's clock.")
    response = BytesField(help_text="The whole TimeStampResp, DER.")

    def __str__(self) -> str:
        return f"time stamp of {self.stamped_at:%Y-%m-%d %H:%M:%S} UTC"


class AnswerCode(models.TextChoices):
    """How the last question to an outsider ended, in words for people."""

    GIVEN = "given", "signed"
    REPEATED = "repeated", "asked again and again for another old size"
    AHEAD = "ahead", "knows a larger log than ours"
    UNKNOWN_LOG = "unknown_log", "does not know this log"
    NOT_TRUSTED = "not_trusted", "does not accept our signature"
    INCONSISTENT = "inconsistent", "says that our log is not the one it knows"
    REFUSED = "refused", "refused"
    FAILING = "failing", "has a fault of its own"
    UNREACHABLE = "unreachable", "cannot be reached"
    SLOW = "slow", "did not answer in time"
    MALFORMED = "malformed", "answered what nobody can read"
    FALSE = "false", "answered a signature that does not hold"
    UNUSABLE = "unusable", "cannot be asked: its settings are wrong"


class LastAnswer(models.Model):
    """What one witness, or the time-stamp authority (no witness), last answered for one log.

    No part of the ledger: it helps people to see what is wrong, and the next question to begin
    where the last one ended.
    """

    incarnation = models.ForeignKey(Incarnation, models.PROTECT, db_index=False, related_name="+")
    witness = models.ForeignKey(Witness, models.PROTECT, null=True, related_name="answers")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    code = models.CharField(max_length=12, choices=AnswerCode)
    known_size = models.BigIntegerField(default=0, help_text="The size the witness last knew.")
    failures = models.PositiveIntegerField(default=0, help_text="Failed questions in a row.")
    asked_at = models.DateTimeField()
    given_at = models.DateTimeField(null=True, help_text="When it last signed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incarnation", "witness"], name="last_answer_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.witness or 'time-stamp authority'}: {self.get_code_display()}"
