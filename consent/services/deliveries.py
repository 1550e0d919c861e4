"""To whom data sets, models and pictures were given: recorded, so that they can be told."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import AlreadyKnown, TermsRefused, Unknown, UseStopped, WrongState
from consent.lineage import EDGES, Givable, Node, find_given
from consent.models import Account, DatasetVersion, Delivery, Given, Project, Recipient
from consent.moment import database_now
from consent.services.authority import Actor, by, get, lock, require, require_anywhere
from consent.services.projects import check_code
from consent.stops import find_stopped
from consent.uses import Handover
from ledger import vault
from ledger.kinds import NoFacts
from ledger.models import HOUSE_SCOPE
from ledger.services import Unsealed, append

MAX_DETAILS = 2_000


@transaction.atomic
def name_recipient(*, actor: Account, code: str, details: str = "") -> Recipient:
    """Name an organisation to which something is given, and where it can be told.

    Raises NotPermitted, TermsRefused, AlreadyKnown.
    """
    require_anywhere(actor, "consent.record_delivery")
    check_code(code)
    details = _tidy(details)
    if Recipient.objects.filter(code=code).exists():
        raise AlreadyKnown("a recipient has this code")
    recipient = Recipient(code=code, named_at=database_now())
    recipient.details = vault.keys([HOUSE_SCOPE]).seal(recipient, "details", details.encode())
    recipient.save(force_insert=True)
    append(
        kind=kinds.RECIPIENT_NAMED,
        facts=NoFacts(),
        segments=[Unsealed("recipient", (HOUSE_SCOPE,), {}, (recipient,)), by(actor)],
    )
    return recipient


@transaction.atomic
def correct_recipient(
    *, actor: Account, recipient_id: UUID, details: str, seen: UUID | None = None
) -> Recipient:
    """Say anew who a recipient is and where it can be told; the code stays, answers name it.

    What stood before is kept in the house's segment of the record: to whom a letter went in the
    meantime stays provable. ``seen`` is the recipient's record as ``actor`` knows it. Raises
    NotPermitted, Unknown, TermsRefused, WrongState when there is a newer record, AlreadyKnown when
    just that is on record.
    """
    require_anywhere(actor, "consent.correct_recipient")
    details = _tidy(details)
    if not details:
        raise TermsRefused("details are empty, wanted who they are and where to tell them")
    recipient = lock(Recipient.objects.all(), recipient_id)
    if seen is not None and recipient.record != seen:
        raise WrongState("somebody has set it right meanwhile: read what stands there now")
    keys = vault.keys([HOUSE_SCOPE])
    before = keys.open(recipient, "details").decode()
    if details == before:
        raise AlreadyKnown("just these details are on record")
    recipient.details = keys.seal(recipient, "details", details.encode())
    recipient.save(update_fields=["details"])
    told = {"instead_of": before}
    append(
        kind=kinds.RECIPIENT_CORRECTED,
        facts=NoFacts(),
        segments=[Unsealed("recipient", (HOUSE_SCOPE,), told, (recipient,)), by(actor)],
    )
    return recipient


@transaction.atomic
def record_delivery(
    *,
    actor: Actor,
    what: Node,
    recipient_id: UUID,
    how: Handover,
    delivered_at: datetime | None = None,
) -> Delivery:
    """Record that something was given to somebody, now or before.

    What was given although its use was stopped is recorded too. Raises NotPermitted, Unknown for
    what is not frozen or released, TermsRefused.
    """
    given = _find_given(what)
    project = Project.objects.filter(pk=given.project).first() if given.project else None
    require(actor, "consent.record_delivery", project)
    recipient = get(Recipient.objects.all(), recipient_id)
    now = database_now()
    if delivered_at is not None and delivered_at > now:
        raise TermsRefused("time of the delivery is yet to come")
    delivery = Delivery(recipient=recipient, project=project, kind=what.kind, node=what.id)
    delivery.model = given.model
    delivery.how, delivery.delivered_at = how.value, delivered_at or now
    return _write(actor, delivery)


@transaction.atomic
def record_export(*, actor: Actor, version: DatasetVersion, recipient_id: UUID | None) -> Delivery:
    """Record that a frozen version is exported, before its first piece leaves.

    For our own use without a recipient; ``actor`` may see the version. Raises NotPermitted,
    Unknown, and UseStopped when it is for somebody and an impact decision ended its use.
    """
    recipient = None
    if recipient_id is not None:
        require(actor, "consent.record_delivery", version)
        recipient = get(Recipient.objects.all(), recipient_id)
        refuse_stopped(version)
    project = version.dataset.project
    delivery = Delivery(recipient=recipient, project=project, kind=Given.VERSION.value)
    delivery.node, delivery.how = version.pk, Handover.EXPORT.value
    delivery.delivered_at = database_now()
    return _write(actor, delivery)


def refuse_stopped(version: DatasetVersion) -> None:
    """Raise UseStopped when an impact decision ended the use of a version."""
    if find_stopped([version.pk]):
        raise UseStopped("a decision stopped the use of the version: it is given to nobody")


def _tidy(details: str) -> str:
    # Browsers send a form's lines with other ends than programs do.
    details = details.replace("\r\n", "\n").strip()
    if len(details) > MAX_DETAILS:
        raise TermsRefused(f"details have {len(details)} characters, wanted {MAX_DETAILS} at most")
    return details


def _write(actor: Actor, delivery: Delivery) -> Delivery:
    delivery.handed_by = actor if isinstance(actor, Account) else None
    delivery.save(force_insert=True)
    append(
        kind=kinds.DELIVERY_RECORDED,
        facts=NoFacts(),
        segments=[Unsealed("delivery", (HOUSE_SCOPE,), {}, (delivery,)), by(actor)],
    )
    return delivery


def _find_given(what: Node) -> Givable:
    """Return what was given, with its project and model. Raises Unknown, TermsRefused."""
    givable = [name for name, kind in EDGES.kinds.items() if kind.given]
    if what.kind not in givable:
        raise TermsRefused(f"no {what.kind} is given to anybody, wanted {' or '.join(givable)}")
    found = find_given(what)
    if found is None:
        raise Unknown(f"no {EDGES.kinds[what.kind].one} of this id can have been given to anybody")
    return found
