"""Carrying out an approved plan, in the worker: collect a package, or destroy what is held.

Each part commits by itself and may be repeated: an execution cut off anywhere is finished by
starting it again. Its lease is renewed in between. Runs as the database role ``eraser``.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from consent import kinds
from consent.exporters.certificate import write_certificate
from consent.exporters.package import write_package
from consent.kinds import RequestFacts, RequestKindFact
from consent.models import (
    Errand,
    ImpactDecision,
    Package,
    Paper,
    PlanState,
    PrivacyRequest,
    RequestKind,
    RequestState,
    StepState,
)
from consent.moment import database_now
from consent.services.authority import lock
from consent.services.errands import keeping, put_off
from consent.services.impact import settle_impact
from consent.services.requests import SEGMENTS
from ledger.kinds import Kind
from ledger.models import Scope, ScopeState, Segment, Tombstone
from ledger.services import Unsealed, append, destroy_scopes, store_file

LEASE = timedelta(minutes=10)


def lease_errand(request_id: UUID) -> Errand | None:
    """Take the errand of a request for a while; None when there is none or somebody is at it."""
    return Errand.objects.select_related("request").lease(request_id, LEASE)


def carry_out(errand: Errand) -> PrivacyRequest:
    """Do what was approved and see that it was done; no transaction may be open. Safe to repeat."""
    request = errand.request
    if request.state == RequestState.BLOCKED:
        request = _move(request, RequestState.EXECUTING, kinds.PLAN_STARTED)
    is_erasure = request.kind == RequestKind.ERASURE
    keep = keeping(lambda: Errand.objects.renew(errand.pk, LEASE), LEASE)
    after = _destroy(errand, keep) if is_erasure else _collect(request, keep)
    return _finish(request, after)


def block(errand: Errand) -> None:
    """Record that carrying out failed; the errand is due again soon."""
    with transaction.atomic():
        request = lock(PrivacyRequest.objects.all(), errand.pk)
        if request.state == RequestState.EXECUTING:
            _move(request, RequestState.BLOCKED, kinds.PLAN_BLOCKED)
        put_off(errand)


def _destroy(errand: Errand, keep: Callable[[], None]) -> Mapping[str, int]:
    """Destroy everything under the person's key; return how many of each are left."""
    _settle(errand)
    destruction = destroy_scopes(errand.scopes, keep=keep)
    left = {step.name: step.after for step in destruction.steps}
    return {**left, SEGMENTS: Segment.objects.filter(scopes__overlap=errand.scopes).count()}


@transaction.atomic
def _settle(errand: Errand) -> None:
    """Find whoever received something since it was started, unless the end has begun."""
    request = lock(PrivacyRequest.objects.select_related("subject"), errand.pk)
    gone = Scope.objects.filter(pk__in=errand.scopes).exclude(state=ScopeState.LIVE)
    if request.subject is not None and not gone.exists():
        lines = settle_impact(actor=None, subject=request.subject)
        Errand.objects.filter(pk=errand.pk).update(lines=lines)


def _collect(request: PrivacyRequest, keep: Callable[[], None]) -> Mapping[str, int]:
    """Write the export package, unless it is there; return how many of each went in."""
    assert request.subject is not None
    scopes = request.subject.person_scopes()
    now = database_now()
    content, counts = write_package(request, at=now, keep=keep)
    with transaction.atomic():
        lock(PrivacyRequest.objects.all(), request.pk)
        if not request.packages.filter(paper=Paper.EXPORT).exists():
            file = store_file(scopes, content)
            package = Package(request=request, paper=Paper.EXPORT, file=file, made_at=now)
            package.save(force_insert=True)
            append(
                kind=kinds.PACKAGE_MADE,
                facts=_facts(request),
                segments=[Unsealed("subject", scopes, {}, (package,))],
            )
    return counts


@transaction.atomic
def _finish(request: PrivacyRequest, after: Mapping[str, int]) -> PrivacyRequest:
    """Write down what each step came to; *verifying* when nothing is left, else *blocked*."""
    request = lock(PrivacyRequest.objects.all(), request.pk)
    if request.state != RequestState.EXECUTING:
        return request
    is_erasure = request.kind == RequestKind.ERASURE
    if is_erasure and any(after.values()):
        return _move(request, RequestState.BLOCKED, kinds.PLAN_BLOCKED)
    now = database_now()
    plan = request.plans.get(state=PlanState.APPROVED)
    steps = list(plan.steps.all())
    for step in steps:
        step.after, step.done_at, step.state = after[step.holding], now, StepState.DONE
        step.save(update_fields=["after", "done_at", "state"])
    papers = []
    if is_erasure:
        told = ImpactDecision.objects.filter(pk__in=request.errand.lines)
        content = write_certificate(request, plan, steps, told, epoch=_next_epoch(), at=now)
        file = store_file(request.scope_ids(), content)
        papers = [Package(request=request, paper=Paper.CERTIFICATE, file=file, made_at=now)]
        Package.objects.bulk_create(papers)
    request.state = RequestState.VERIFYING
    request.save(update_fields=["state"])
    Errand.objects.filter(pk=request.pk).delete()
    rows = (request, *steps, *papers)
    append(
        kind=kinds.PLAN_COMPLETED,
        facts=_facts(request),
        segments=[Unsealed("request", request.scope_ids(), {}, rows)],
    )
    return request


def _next_epoch() -> int:
    """Return the epoch that the next close will make, and that will prove what is gone now."""
    newest = Tombstone.objects.aggregate(newest=Max("epoch"))["newest"]
    return (newest or 0) + 1


@transaction.atomic
def _move(request: PrivacyRequest, state: RequestState, kind: Kind) -> PrivacyRequest:
    request = lock(PrivacyRequest.objects.all(), request.pk)
    request.state = state
    request.save(update_fields=["state"])
    segment = Unsealed("request", request.scope_ids(), {}, (request,))
    append(kind=kind, facts=_facts(request), segments=[segment])
    return request


def _facts(request: PrivacyRequest) -> RequestFacts:
    return RequestFacts(kind=RequestKindFact(request.kind))
