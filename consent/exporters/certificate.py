"""The certificate of erasure: what was destroyed, what stays and why, in canonical JSON."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings

from consent.models import ImpactDecision, Plan, PrivacyRequest, Recipient, Step
from consent.uses import Measure
from ledger.canonical import canonical

COMMITMENTS_STAY = (
    "The log keeps one random-looking commitment for each record that concerned the person. What "
    "it stood for is destroyed; nobody can compute it or check a guess against it."
)
COUNTS_STAY = "Counts and digests of frozen data sets stay, without the person's pictures."
PROCEDURE_STAYS = (
    "This procedure stays provable under a key of its own: that a request was received, planned "
    "and approved by two people, carried out and closed. It names nobody."
)
GIVEN = (
    "Data sets, models or pictures made with the person's data had been given to these, as far as "
    "is recorded here. The organisation tells each of them of the erasure, or says why not (GDPR "
    "Art. 19); this is what was on record of that when the certificate was written. Who they are "
    "and how to reach them, it tells the person."
)
GIVEN_TO_NOBODY = (
    "No data set, model or picture made with the person's data had been given to anybody outside, "
    "as far as is recorded here."
)
SAME_SERVER = (
    "The keys were kept on the same database server as the data (embedded installation), so that "
    "this server's own copies of both had the same life."
)
OTHER_SERVER = "The keys were kept on a server of their own and destroyed there."


def write_certificate(
    request: PrivacyRequest,
    plan: Plan,
    steps: list[Step],
    told: Iterable[ImpactDecision],
    *,
    epoch: int,
    at: datetime,
) -> bytes:
    """Return the certificate as canonical JSON.

    ``told`` are the lines of impact cases about recipients; of them it says the recipient's code
    and no more: a case, or what was given, would lead to the person. ``epoch`` is the one in
    which the log will prove the destruction, together with others. 32 random bytes inside keep
    its digest from being guessed.
    """
    assert plan.approved_at is not None
    recipients = _recipients(told)
    said: dict[str, Any] = {
        "what": "certificate of erasure",
        "v": 1,
        "organisation": settings.MUNIMENT_ORGANISATION,
        "request": str(request.pk),
        "received_at": request.received_at.isoformat(),
        "planned_at": plan.planned_at.isoformat(),
        "approved_at": plan.approved_at.isoformat(),
        "approved_by_second_person": True,
        "carried_out_at": at.isoformat(),
        "plan": f"sha256:{plan.digest.hex()}",
        "steps": [_line(step) for step in steps],
        "recipients": recipients,
        "about_recipients": GIVEN if recipients else GIVEN_TO_NOBODY,
        "epoch": epoch,
        "stays": [COMMITMENTS_STAY, COUNTS_STAY, PROCEDURE_STAYS],
        "keys": SAME_SERVER if settings.MUNIMENT_EMBEDDED else OTHER_SERVER,
        "backups": "This service makes no backups. The operator names the date after which no "
        "copy made by other means holds the data.",
        "random": secrets.token_hex(32),
    }
    return canonical(said)


def _recipients(told: Iterable[ImpactDecision]) -> list[dict[str, Any]]:
    lines = {line.node: line for line in told}
    recipients = Recipient.objects.filter(pk__in=lines).order_by("code")
    return [{"recipient": one.code, **_telling(lines[one.pk])} for one in recipients]


def _telling(line: ImpactDecision) -> dict[str, Any]:
    if line.decision == Measure.KEEP:
        return {"told": "no, for a reason on record"}
    if line.done_at is None:
        return {"told": "not yet", "until": line.due_at.isoformat()}
    return {"told": "yes", "at": line.done_at.isoformat(), "by": line.channel}


def _line(step: Step) -> dict[str, Any]:
    return {
        "action": step.action,
        "what": step.holding,
        "before": step.before,
        "after": step.after,
    }
