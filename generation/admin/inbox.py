"""What waits for a person, on the start page."""

from django.db.models import Count

from consent.models import Account
from generation.models import Case
from generation.services.viewing import PERMISSION
from generation.states import CaseState
from ledger.inbox import INBOX, Basket, Waiting


def count_cases(account: Account) -> Waiting | None:
    """Count the open cases that ``account`` may decide; None for who may decide none."""
    if not account.has_perm_anywhere(PERMISSION):
        return None
    cases = Case.objects.of_projects(account.projects_with(PERMISSION))
    found = cases.filter(state=CaseState.OPEN).aggregate(count=Count("pk"))
    return Waiting(count=found["count"])


INBOX.register(
    Basket(
        name="Cases to decide",
        look=count_cases,
        link="admin:generation_case_changelist",
        query="state__exact=open",
        urgency=20,
    )
)
