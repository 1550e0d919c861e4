"""Taking in OpenLineage events as they are sent: kept unchanged, and told of in the lineage."""

from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.formats import openlineage
from consent.kinds import IntakeReceived
from consent.models import Intake, IntakeState, Project
from consent.moment import database_now
from consent.services.arrivals import Arrival, begin, fingerprint, remark_reading
from consent.services.authority import Actor, by, get, require
from consent.services.entities import keep_lineage, segments_of
from consent.uses import Form
from ledger.models import HOUSE_SCOPE
from ledger.services import append_large, store_file


@transaction.atomic
def tell_event(*, actor: Actor, project_id: UUID, content: bytes) -> tuple[Intake, bool]:
    """Take in one OpenLineage event; returns its intake, and whether it had come before.

    The same event is known again however it is written. Raises NotPermitted, Unknown,
    DescriptionRefused for what is no event.
    """
    # One after the other in a project: two events at once may name the same thing first.
    project = get(Project.objects.select_for_update(no_key=True), project_id)
    require(actor, "consent.tell_lineage", project)
    reading = openlineage.read(content)
    arrival = Arrival(Form.OPENLINEAGE, project_id=project.pk)
    mark = fingerprint(arrival, reading.digest)
    if known := Intake.objects.filter(project=project, fingerprint=mark).first():
        return known, True
    intake = begin(actor, arrival, permission="consent.tell_lineage")
    intake.fingerprint, intake.state = mark, IntakeState.READING
    intake.file = store_file((HOUSE_SCOPE,), content)
    intake.save(force_insert=True)
    entities, ties = keep_lineage(intake, reading)
    remark_reading(intake, reading)
    intake.state, intake.read_at = IntakeState.READ, database_now()
    intake.save(update_fields=["state", "read_at", "remarks"])
    append_large(
        kind=kinds.LINEAGE_TOLD,
        facts=IntakeReceived(form=Form.OPENLINEAGE),
        segments=[*segments_of([intake, *entities, *ties]), by(actor)],
    )
    return intake, False
