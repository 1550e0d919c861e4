"""Work for the queue. The row is the queue of record; a sweep finds what got lost on the way."""

import logging
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TypeVar
from uuid import UUID

from celery import shared_task
from django.db import transaction

from consent import services
from consent.importers.memory import bounded
from consent.models import (
    Errand,
    Grant,
    ImpactCase,
    ImpactState,
    LinkErrand,
    Reading,
    ReleaseErrand,
    ScanErrand,
    VettingErrand,
)
from consent.models.errands import LeaseLost
from consent.moment import database_now
from consent.portal.letters import post, post_asking
from consent.uses import Form
from ledger.errors import ScopeGone

# A page of a Parquet file may claim to unpack to 2 GiB: nobody needs that.
READER_BYTES = 3 << 29
# How long one round works on a long list before the next one of beat goes on.
ROUND_SECONDS = 50.0

AnyId = TypeVar("AnyId", UUID, int)

logger = logging.getLogger(__name__)


def announce(request_id: UUID) -> None:
    """Send a request to the workers once the transaction commits.

    A broker that is away costs nobody an answer: the errand stands, and the sweep finds it.
    """

    def send() -> None:
        carry_out_request.delay(str(request_id))

    transaction.on_commit(send, robust=True)


@shared_task
def carry_out_request(request_id: str) -> None:
    """Carry out the approved plan of a request, however often this is delivered."""
    errand = services.lease_errand(UUID(request_id))
    if errand is None:
        return
    try:
        services.carry_out(errand)
    except Exception:
        # Whatever it was, the request must not look as if somebody were still at it.
        services.block(errand)
        logger.exception("request is blocked", extra={"request": request_id})


def announce_intake(intake_id: UUID) -> None:
    """Send an intake to the workers once the transaction commits; as ``announce``."""

    def send() -> None:
        read_intake.delay(str(intake_id))

    transaction.on_commit(send, robust=True)


@shared_task
def read_intake(intake_id: str) -> None:
    """Read what came in, however often this is delivered; a reader that dies is tried again."""
    errand = services.lease_reading(UUID(intake_id))
    if errand is None:
        return
    if errand.intake.form == Form.VERSION:
        services.read_version(errand.pk)
        return
    with bounded(READER_BYTES):
        services.read_leased(errand)


@shared_task
def sweep_readings() -> None:
    """Send again what is to be read and whose message was lost, or whose worker died."""
    for intake_id in Reading.objects.due():
        read_intake.delay(str(intake_id))


def announce_releases(import_id: UUID) -> None:
    """Send an import of old releases to the workers once the transaction commits."""
    transaction.on_commit(lambda: carry_out_releases.delay(str(import_id)), robust=True)


@shared_task
def carry_out_releases(import_id: str) -> None:
    """Do what is to be done for an import of old releases, however often this is delivered."""
    errand = services.lease_releases(UUID(import_id))
    if errand is None:
        return
    try:
        with bounded(READER_BYTES):
            services.carry_out_releases(errand)
    except Exception:
        services.put_off(errand)
        logger.exception("import of old releases is put off", extra={"import": import_id})


@shared_task
def sweep_releases() -> None:
    """Send again what is to be done and whose worker died, and close what lay too long."""
    for import_id in ReleaseErrand.objects.due():
        carry_out_releases.delay(str(import_id))
    services.sweep_releases()


@shared_task
def sweep_errands() -> None:
    """Send again what is due and whose message was lost, or whose worker died."""
    for request_id in Errand.objects.due():
        carry_out_request.delay(str(request_id))


def announce_link(errand_id: UUID) -> None:
    """Send a wish for a link to the workers; a broker that is away costs nobody an answer."""

    def send() -> None:
        send_links.delay(str(errand_id))

    transaction.on_commit(send, robust=True)


@shared_task
def send_links(errand_id: str) -> None:
    """Write to whoever has the address, however often this is delivered.

    When the post is away, the errand is due again soon, and its links end by themselves.
    """
    errand = services.lease_link_errand(UUID(errand_id))
    if errand is None:
        return
    for letter in services.make_links(errand):
        post(letter)
    errand.delete()


@shared_task
def sweep_portal() -> None:
    """Send again what is due and whose message was lost; forget links and visits that are over."""
    services.sweep_portal()
    for errand_id in LinkErrand.objects.due():
        send_links.delay(str(errand_id))


def announce_scan(scan_id: UUID) -> None:
    """Send a search of everybody to the workers once the transaction commits."""
    transaction.on_commit(lambda: carry_out_scan.delay(str(scan_id)), robust=True)


@shared_task
def carry_out_scan(scan_id: str) -> None:
    """Compare everybody with what a search is for, however often this is delivered."""
    errand = services.lease_scan(UUID(scan_id))
    if errand is None:
        return
    try:
        services.carry_out_scan(errand)
    except Exception:
        services.put_off(errand)
        logger.exception("search of everybody is put off", extra={"scan": scan_id})


@shared_task
def sweep_scans() -> None:
    """Send again the searches whose message was lost, or whose worker died."""
    for scan_id in ScanErrand.objects.due():
        carry_out_scan.delay(str(scan_id))


def announce_vetting(vetting_id: UUID) -> None:
    """Send a vetting to the workers once the transaction commits."""
    transaction.on_commit(lambda: carry_out_vetting.delay(str(vetting_id)), robust=True)


@shared_task
def carry_out_vetting(vetting_id: str) -> None:
    """Look at all that is in a draft, however often this is delivered."""
    errand = services.lease_vetting(UUID(vetting_id))
    if errand is None:
        return
    try:
        services.carry_out_vetting(errand)
    except LeaseLost:
        logger.warning("vetting went to another worker", extra={"vetting": vetting_id})
    except Exception:
        services.put_off(errand)
        logger.exception("vetting is put off", extra={"vetting": vetting_id})


@shared_task
def sweep_vettings() -> None:
    """Send again the vettings whose message was lost, or whose worker died."""
    for vetting_id in VettingErrand.objects.due():
        carry_out_vetting.delay(str(vetting_id))


@shared_task
def expire_grants() -> None:
    """Mark the answers whose term is over; decisions know it without this."""
    for grant_id in Grant.objects.overdue(database_now()).values_list("pk", flat=True):
        try:
            services.expire(grant_id=grant_id)
        except ScopeGone:
            # Their erasure is on its way and takes the answer along.
            logger.info("answer of an erased person is left", extra={"grant": str(grant_id)})
        except Exception:
            # One that fails must not keep the others; it is tried again next time.
            logger.exception("answer is not marked", extra={"grant": str(grant_id)})


@shared_task
def prepare_renewals() -> None:
    """Ask anew for the answers that end soon; each once."""
    for grant_id in services.find_ending():
        try:
            services.ask_to_renew(grant_id=grant_id)
        except Exception:
            # One that fails must not keep the others; it is tried again next time.
            logger.exception("answer is not asked for anew", extra={"grant": str(grant_id)})


@shared_task
def send_askings() -> None:
    """Write to those whom we ask, and remind them: the rows are the queue."""
    for grant_id in _until_spent(services.due_askings):
        try:
            _send_asking(grant_id)
        except ScopeGone:
            # Their erasure is on its way and takes the question along.
            logger.info("nobody is written to any more", extra={"grant": str(grant_id)})
        except Exception:
            # The errand is due again when its lease is over.
            logger.exception("letter is not sent", extra={"grant": str(grant_id)})


def _send_asking(grant_id: UUID) -> None:
    errand = services.lease_asking(grant_id)
    letters = services.write_letters(errand) if errand else None
    if errand is None or letters is None:
        return
    for letter in letters:
        services.begin_letter(errand, letter)
        try:
            post_asking(letter)
        except Exception:
            services.end_letter(errand, went=False)
            raise
        services.end_letter(errand, went=True)
    services.settle_asking(errand)


@shared_task
def carry_campaigns() -> None:
    """Ask in campaigns that run, end those whose last day is over, deal with silence in them."""
    over, _ = services.due_campaigns()
    for campaign_id in over:
        _attempt("campaign is not ended", services.close_campaign, campaign_id=campaign_id)
    for errand_id in _until_spent(services.due_steps):
        try:
            services.take_step(errand_id)
        except ScopeGone:
            services.drop_step(errand_id)
        except Exception:
            # One that fails must not keep the others; it is tried again later.
            services.put_off_step(errand_id)
            logger.exception("step of a campaign is put off", extra={"step": errand_id})
    _, closing = services.due_campaigns()
    for campaign_id in closing:
        _attempt("campaign is not closed", services.finish_campaign, campaign_id=campaign_id)


@shared_task
def list_campaigns_again() -> None:
    """Ask in campaigns also whoever came to be concerned by them since they began."""
    for campaign_id in services.running_campaigns():
        _attempt("campaign is not listed again", services.list_again, campaign_id=campaign_id)
    services.part_letters()


def _until_spent(due: Callable[[], Sequence[AnyId]]) -> Iterator[AnyId]:
    """Yield what is due, page by page, until nothing is or another round of beat takes over.

    Each page must leave the list by being worked on; a page that stays ends the round.
    """
    begun, last = monotonic(), None
    while (page := due()) and page != last and monotonic() - begun < ROUND_SECONDS:
        yield from page
        last = page


def _attempt(complaint: str, do: Callable[..., object], *, campaign_id: UUID) -> None:
    try:
        do(campaign_id=campaign_id)
    except Exception:
        logger.exception(complaint, extra={"campaign": str(campaign_id)})


@shared_task
def assess_impacts() -> None:
    """Find what the open impact cases concern: the rows are the queue, no message can be lost."""
    waiting = ImpactCase.objects.filter(state=ImpactState.OPEN).order_by("opened_at")
    for case_id in waiting.values_list("pk", flat=True):
        try:
            services.assess_impact(case_id=case_id)
        except Exception:
            # One that fails must not keep the others waiting; it is tried again next time.
            logger.exception("impact case is not assessed", extra={"case": str(case_id)})
