"""Arranges a running service from outside: ``python -m tests.generation.live``.

Runs as the application, in a process of its own, against the service below MUNIMENT_HOME. Each
line that comes in is ``[ACT, {…}]``, and answered by a line with what the act gives, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def open_up() -> dict[str, Any]:
    """Open the service: people, a project, rules, a client with credentials."""
    from consent.services.people import issue_credentials
    from tests.generation.acts import open_house

    house = open_house()
    assert house.policy
    credentials = issue_credentials(actor=house.founders[0], account_id=house.client.pk)
    ada, bo = house.subject(), house.subject("Bo Invented")
    grant = house.grant(ada)
    return {
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "project": str(house.project.pk),
        "moderator": str(house.moderator.pk),
        "officer": str(house.officer.pk),
        "ada": str(ada.pk),
        "bo": str(bo.pk),
        "grant": str(grant.pk),
    }


def withdraw(officer: str, grant: str) -> dict[str, Any]:
    """Withdraw a grant."""
    from consent.models import Account
    from consent.services import withdraw

    account = Account.objects.get(pk=officer)
    return {"state": withdraw(actor=account, grant_id=_uuid(grant)).state}


def decide(moderator: str, outcome: str) -> dict[str, Any]:
    """Decide the one case once it is open, however long its image is on its way."""
    from consent.models import Account
    from generation import services, tasks
    from generation.models import Case
    from generation.states import CaseOutcome, DecisionReason

    account = Account.objects.get(pk=moderator)
    reason = {"approved": "within_policy", "refused": "against_policy"}[outcome]
    deadline = time.monotonic() + 60
    while not Case.objects.filter(state="open").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    case = Case.objects.get(state="open")
    services.claim_case(actor=account, case_id=case.pk)
    services.decide_case(
        actor=account,
        case_id=case.pk,
        outcome=CaseOutcome(outcome),
        reason=DecisionReason(reason),
    )
    if case.output_id:
        tasks.announce(case.output_id)
    return {"case": str(case.pk)}


def look() -> dict[str, Any]:
    """Tell the runs and their details, oldest first."""
    import orjson

    from generation.models import Run
    from ledger import vault

    runs = Run.objects.order_by("requested_at")
    return {
        "runs": [
            {
                "sequence": run.sequence,
                "state": run.state,
                "failure": run.failure,
                "prompt": vault.keys(run.scopes).open(run, "prompt").decode(),
                "parameters": orjson.loads(vault.keys(run.scopes).open(run, "parameters")),
                "details": orjson.loads(vault.keys(run.scopes).open(run, "details"))
                if run.details
                else None,
            }
            for run in runs
        ]
    }


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


ACTS: dict[str, Callable[..., dict[str, Any]]] = {
    act.__name__: act for act in (open_up, withdraw, decide, look)
}

if __name__ == "__main__":
    import django

    django.setup()
    for line in sys.stdin:
        act, given = json.loads(line)
        print(json.dumps(ACTS[act](**given)), flush=True)  # noqa: T201
