"""The certificate of erasure: what was destroyed, what stays and why, in canonical JSON."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings

from consent.models import Plan, PrivacyRequest, Step
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
SAME_SERVER = (
    "The keys were kept on the same database server as the data (embedded installation), so that "
    "this server's own copies of both had the same life."
)
OTHER_SERVER = "The keys were kept on a server of their own and destroyed there."


def write_certificate(
    request: PrivacyRequest, plan: Plan, steps: list[Step], *, epoch: int, at: datetime
) -> bytes:
    """Return the certificate as canonical JSON.

    ``epoch`` is the one in which the log will prove the destruction, together with others. 32
    random bytes inside keep its digest from being guessed.
    """
    assert plan.approved_at is not None
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
        "epoch": epoch,
        "stays": [COMMITMENTS_STAY, COUNTS_STAY, PROCEDURE_STAYS],
        "keys": SAME_SERVER if settings.MUNIMENT_EMBEDDED else OTHER_SERVER,
        "backups": "This service makes no backups. The operator names the date after which no "
        "copy made by other means holds the data.",
        "random": secrets.token_hex(32),
    }
    return canonical(said)


def _line(step: Step) -> dict[str, Any]:
    return {
        "action": step.action,
        "what": step.holding,
        "before": step.before,
        "after": step.after,
    }
