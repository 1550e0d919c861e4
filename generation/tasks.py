"""Work that takes long: look at images, mark them, sign them.

A message carries an id; the Job row says what is due. Whoever takes a job moves its ``due_at``
into the future, so that one worker has it; a worker that dies leaves it to the sweep.
"""

import logging
from datetime import timedelta
from importlib.metadata import version
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from consent.moment import database_now
from generation import c2pa, classifiers, services
from generation.marking.intake import decode
from generation.marking.manifest import DisclosedModel, Maker, build_manifest, receipt_label
from generation.marking.prepare import Prepared, prepare
from generation.models import Job, Output
from generation.models.runs import JobQuerySet
from generation.receipts import wait_for_receipt
from generation.services.outputs import Delivery
from generation.states import OutputState
from ledger.errors import NotYetPublished
from ledger.services import open_file

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(minutes=10)
SWEPT_AT_ONCE = 200
MAKER = Maker("Muniment", version("muniment"))

_RESTING = frozenset({OutputState.HELD, OutputState.RELEASED, OutputState.BLOCKED})


def announce(output_id: UUID) -> None:
    """Send an output to the workers once the transaction commits.

    A broker that is away costs nobody an answer: the job row stands, and the sweep finds it.
    """

    def send() -> None:
        process_output.delay(str(output_id))

    transaction.on_commit(send, robust=True)


@shared_task
def process_output(output_id: str) -> None:
    """Bring an output as far as it can go now, however often this is delivered."""
    job = _take(UUID(output_id))
    if job is None:
        return
    try:
        _advance(job)
    except NotYetPublished:
        _put_off(job, timedelta(seconds=1))
    except Exception:
        # The job comes due again by itself; the log tells a person what stands in its way.
        logger.exception("an output could not be processed", extra={"output": output_id})
        _put_off(job, _pause(job.attempts))
    else:
        _lease(job).update(due_at=None)


@shared_task
def sweep_jobs() -> int:
    """Send jobs whose message was lost or whose worker died; returns how many."""
    due = list(Job.objects.due(database_now()).values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    for output_id in due:
        process_output.delay(str(output_id))
    return len(due)


def _take(output_id: UUID) -> Job | None:
    now = database_now()
    taken = Job.objects.filter(pk=output_id, due_at__lte=now)
    if not taken.update(due_at=now + LEASE, attempts=F("attempts") + 1):
        return None
    return Job.objects.get(pk=output_id)


def _put_off(job: Job, pause: timedelta) -> None:
    _lease(job).update(due_at=database_now() + pause)


def _lease(job: Job) -> JobQuerySet:
    # Only while this task holds it: an officer may have made the job due meanwhile.
    return Job.objects.filter(pk=job.pk, due_at=job.due_at)


def _pause(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 20)), LONGEST_PAUSE)


def _advance(job: Job) -> None:
    output = _load(job.pk)
    if output.state == OutputState.RECEIVED:
        image = decode(open_file(output.received)).image
        services.screen_output(output_id=output.pk, signals=classifiers.look(image))
        output = _load(job.pk)
    if output.state in _RESTING:
        return
    prepared = prepare(open_file(output.received))
    services.mark_output(output_id=output.pk, prepared=prepared)
    output = _load(job.pk)
    if output.state == OutputState.MARKED:
        delivery = _sign(output, prepared)
        services.release_output(output_id=output.pk, delivery=delivery)


def _sign(output: Output, prepared: Prepared) -> Delivery:
    """Sign the prepared bytes with their receipt inside, and read back what will be delivered."""
    assert output.record is not None
    model = output.run.model
    manifest = build_manifest(
        media_type=prepared.media_type,
        maker=MAKER,
        model=DisclosedModel(model.name, model.version, model.effective_digest),
        label=receipt_label(settings.MUNIMENT_ORIGIN),
        receipt=wait_for_receipt(output),
    )
    content = c2pa.sign(prepared.content, prepared.media_type, manifest)
    marked = c2pa.read_back(content, prepared.media_type)
    return Delivery(content=content, manifest_id=marked.manifest_id, marking=output.record)


def _load(output_id: UUID) -> Output:
    return Output.objects.select_related("run__model", "received").get(pk=output_id)


@shared_task
def fold_tallies() -> None:
    """Add up what was noted of each model's runs and outputs, so that counting stays short.

    One statement: readers see the rows before it or the sums after it. Safe to repeat.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (DELETE FROM generation_tally RETURNING model_id, runs, outputs)
            INSERT INTO generation_tally (model_id, runs, outputs)
                SELECT model_id, sum(runs), sum(outputs) FROM gone GROUP BY model_id"""
        )
