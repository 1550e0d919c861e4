"""What waits for a person in consent: proposals, requests, plans."""

from django.db.models import Count, Min, Q, QuerySet

from consent.models import (
    CLOSED,
    Account,
    AccountState,
    AskingErrand,
    ImpactCase,
    Membership,
    MembershipState,
    PrivacyRequest,
    RequestState,
)
from consent.moment import database_now
from ledger.inbox import INBOX, Basket, Waiting


def _accounts(account: Account) -> Waiting | None:
    if not account.has_perm("consent.approve_account"):
        return None
    proposed = Account.objects.filter(state=AccountState.PROPOSED)
    return Waiting(proposed.exclude(proposed_by=account).count())


def _memberships(account: Account) -> Waiting | None:
    if not account.has_perm("consent.approve_membership"):
        return None
    proposed = Membership.objects.filter(state=MembershipState.PROPOSED)
    return Waiting(proposed.exclude(Q(proposed_by=account) | Q(account=account)).count())


def _requests(account: Account) -> Waiting | None:
    if not account.has_perm("consent.plan_request"):
        return None
    waiting = PrivacyRequest.objects.exclude(state__in=CLOSED)
    return _count(waiting.exclude(state=RequestState.PLANNED))


def _plans(account: Account) -> Waiting | None:
    if not account.has_perm("consent.approve_plan"):
        return None
    planned = PrivacyRequest.objects.filter(state=RequestState.PLANNED)
    return _count(planned.exclude(plans__planned_by=account, plans__state="proposed"))


def _impacts(account: Account) -> Waiting | None:
    if not account.has_perm("consent.decide_impact"):
        return None
    late = Count("pk", filter=Q(due_at__lte=database_now()))
    found = ImpactCase.objects.unfinished().aggregate(
        count=Count("pk"), overdue=late, next=Min("due_at")
    )
    return Waiting(found["count"], found["next"], found["overdue"])


def _unreached(account: Account) -> Waiting | None:
    if not account.has_perm("consent.give_grant"):
        return None
    return Waiting(AskingErrand.objects.unreached().count())


def _count(requests: QuerySet[PrivacyRequest]) -> Waiting:
    late = Count("pk", filter=Q(due_at__lte=database_now()))
    found = requests.aggregate(count=Count("pk"), overdue=late, next=Min("due_at"))
    return Waiting(found["count"], found["next"], found["overdue"])


REQUESTS = "admin:consent_privacyrequest_changelist"

INBOX.register(Basket("Privacy requests", _requests, REQUESTS, urgency=20))
INBOX.register(Basket("Impact cases", _impacts, "admin:consent_impactcase_changelist", urgency=30))
INBOX.register(Basket("Plans to approve", _plans, REQUESTS, "state__exact=planned", urgency=10))
INBOX.register(
    Basket(
        "Accounts to approve",
        _accounts,
        "admin:consent_account_changelist",
        "state__exact=proposed",
        urgency=60,
    )
)
INBOX.register(
    Basket(
        "Roles to grant",
        _memberships,
        "admin:consent_membership_changelist",
        "state__exact=proposed",
        urgency=60,
    )
)
INBOX.register(
    Basket(
        "People whom no letter reaches",
        _unreached,
        "admin:consent_askingerrand_changelist",
        "unreached=yes",
        urgency=50,
    )
)
