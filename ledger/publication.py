"""Reader: the checkpoint that strangers see, by the publication policy.

Anchored checkpoints are the house's own matter until one of them has been offered on a whole
minute and the policy is content with its witnesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from ledger.errors import NotYetPublished
from ledger.models import (
    PUBLICATION_POLICY,
    Checkpoint,
    Cosignature,
    Incarnation,
    Offer,
    PublicationPolicy,
    TimeStamp,
    Witness,
)
from ledger.note import Note, Signature, Verifier
from ledger.proofs import PublishedRecord, prove_record, published_checkpoint
from ledger.tlogpolicy import NO_QUORUM, Group, Policy
from ledger.tlogpolicy import Witness as PolicyWitness

# What the quorum is called in a policy file; no witness can have these names.
QUORUM = "publication"
RESERVED_NAMES = (QUORUM, NO_QUORUM)
# How long a policy that does not block waits for its witnesses.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Publication:
    """A checkpoint as strangers see it: ``note`` is its text with all signatures on it."""

    checkpoint: Checkpoint
    note: Note


def read_policy() -> PublicationPolicy:
    """Return the publication policy; until one is set, no witness is asked for."""
    policy = PublicationPolicy.objects.filter(pk=PUBLICATION_POLICY).first()
    return policy or PublicationPolicy(id=PUBLICATION_POLICY)


def shown_checkpoint(incarnation: Incarnation, now: datetime | None = None) -> Publication:
    """Return the newest checkpoint that strangers may see, with its cosignatures.

    This is what ``/log/<name>/checkpoint`` serves. Raises NotYetPublished before the first one.
    """
    policy = read_policy()
    offers = Offer.objects.filter(incarnation=incarnation).order_by("-id")
    if policy.quorum:
        waited = Q(minute__lte=(now or timezone.now()) - PATIENCE)
        reached = Q(signed_by__gte=policy.quorum)
        offers = offers.annotate(signed_by=_signed_by()).filter(
            reached if policy.is_blocking else reached | waited
        )
    offer = offers.select_related("checkpoint").first()
    if offer is None:
        raise NotYetPublished(f"{incarnation.origin} shows no checkpoint yet")
    return Publication(offer.checkpoint, cosigned(offer.checkpoint, offer.note))


def ruling_checkpoint(incarnation: Incarnation, size: int) -> Publication:
    """Return the checkpoint that a proof of the first ``size`` leaves should end in.

    It is the one that strangers see where that is large enough. A policy that does not block lets
    the newest anchored one take its place otherwise. Raises NotYetPublished.
    """
    try:
        shown = shown_checkpoint(incarnation)
    except NotYetPublished:
        shown = None
    if shown and shown.checkpoint.size >= size:
        return Publication(shown.checkpoint, cosigned(shown.checkpoint))
    if (policy := read_policy()).quorum and policy.is_blocking:
        raise NotYetPublished(f"leaf {size - 1} waits for {policy.quorum} witnesses")
    newest = published_checkpoint(incarnation)
    if newest.size < size:
        raise NotYetPublished(f"leaf {size - 1} is not published yet")
    return Publication(newest, cosigned(newest))


def prove_outside(record: UUID) -> PublishedRecord:
    """Prove a record to a stranger: under a checkpoint that the policy lets them see.

    Raises UnknownRecord and NotYetPublished.
    """
    proved = prove_record(record)
    ruling = ruling_checkpoint(proved.checkpoint.incarnation, proved.index + 1)
    if ruling.checkpoint != proved.checkpoint:
        proved = prove_record(record, ruling.checkpoint)
    return replace(proved, proof=replace(proved.proof, note=ruling.note))


def cosigned(checkpoint: Checkpoint, note: str | None = None) -> Note:
    """Return a note of ``checkpoint`` with each active witness's newest cosignature behind it.

    ``note`` is one with the same text; the note that the checkpoint was made with by default.
    """
    own = Note.parse(note or checkpoint.note)
    kept = Cosignature.objects.filter(checkpoint=checkpoint, witness__is_active=True)
    newest = kept.order_by("witness__name", "-time").distinct("witness__name")
    lines = list(newest.values_list("line", flat=True))
    return Note(own.text, (*own.signatures, *_signatures(own.text, lines)))


def witnessed_sizes(incarnation: Incarnation, size: int) -> list[int]:
    """Return the size of the newest checkpoint, up to ``size``, that its quorum has signed.

    Nothing when there is none; where the policy wants none, one witness is enough.
    """
    checkpoints = incarnation.checkpoints.filter(size__lte=size, offers__isnull=False)
    wanted = max(1, read_policy().quorum)
    witnessed = checkpoints.annotate(signed_by=_signed_by("pk")).filter(signed_by__gte=wanted)
    return list(witnessed.order_by("-size").values_list("size", flat=True)[:1])


def enclosing_time_stamps(
    incarnation: Incarnation, first: int, end: int, size: int
) -> list[TimeStamp]:
    """Return the time stamps that tell most of the leaves [first, end) in a tree of ``size``.

    The newest up to ``first``, the oldest from ``end``, and where there is none the newest.
    """
    stamps = TimeStamp.objects.filter(
        checkpoint__incarnation=incarnation, checkpoint__size__lte=size
    ).select_related("checkpoint")
    before = stamps.filter(checkpoint__size__lte=first).order_by("-checkpoint__size", "stamped_at")
    behind = stamps.filter(checkpoint__size__gte=end).order_by("checkpoint__size", "stamped_at")
    newest = stamps.order_by("-checkpoint__size", "stamped_at")
    found = [before.first(), behind.first() or newest.first()]
    return list({stamp.checkpoint_id: stamp for stamp in found if stamp}.values())


def with_witnesses(policy: Policy) -> Policy:
    """Add the active witnesses to a policy of log keys, and their quorum where it blocks."""
    witnesses = tuple(
        PolicyWitness(one.name, Verifier.parse(one.vkey)) for one in active_witnesses()
    )
    rule = read_policy()
    if not (rule.quorum and rule.is_blocking):
        return replace(policy, witnesses=witnesses)
    group = Group(QUORUM, rule.quorum, tuple(one.name for one in witnesses))
    return replace(policy, witnesses=witnesses, groups=(group,), quorum=QUORUM)


def active_witnesses() -> QuerySet[Witness]:
    """Return the witnesses that are asked, by name."""
    return Witness.objects.filter(is_active=True).order_by("name")


def _signed_by(checkpoint: str = "checkpoint") -> Coalesce:
    """Count, for each row, the active witnesses that have signed its checkpoint."""
    # A subquery for each row: a join would count all offers before the first is looked at.
    signed = Cosignature.objects.filter(checkpoint=OuterRef(checkpoint), witness__is_active=True)
    counts = signed.order_by().values("checkpoint").annotate(n=Count("witness", distinct=True))
    return Coalesce(Subquery(counts.values("n"), output_field=IntegerField()), 0)


def _signatures(text: str, lines: Sequence[str]) -> tuple[Signature, ...]:
    if not lines:
        return ()
    return Note.parse(text + "\n" + "".join(f"{line}\n" for line in lines)).signatures
