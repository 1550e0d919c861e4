"""What the columns of a table mean: shown on the record, and set right by reading it again."""

from collections.abc import Sequence
from uuid import UUID

from consent.errors import DescriptionRefused, WrongState
from consent.formats.columns import Meaning, override
from consent.models import Account, Intake, IntakeState
from consent.services.arrivals import Arrival, receive, remarks
from consent.services.authority import Actor, get, require
from consent.services.intakes import kept_file
from consent.services.viewing import record_reading
from consent.uses import Form
from ledger.record_kinds import DisclosureReason
from ledger.services import open_stream


def read_columns(*, reader: Account, intake_id: UUID) -> dict[str, Meaning]:
    """Return what each column of a table was taken for, by its name; no transaction may be open.

    On the record, since the first row of a table without names is taken for them. Raises
    NotPermitted, Unknown, WrongState until it is read.
    """
    intake = get(Intake.objects.select_related("project"), intake_id)
    require(reader, "consent.freeze_version", intake.project)
    _check_read(intake)
    record_reading(reader, DisclosureReason.CASEWORK, "remarks", [intake])
    return _columns(get(Intake.objects.all(), intake_id))


def reread(*, actor: Actor, intake_id: UUID, meanings: Sequence[str]) -> Intake:
    """Bring the same table into its draft again, its columns in their order meaning ``meanings``.

    Raises NotPermitted, Unknown, WrongState, DescriptionRefused for meanings that there are not.
    """
    intake = get(Intake.objects.select_related("version", "project"), intake_id)
    require(actor, "consent.freeze_version", intake.project)
    _check_read(intake)
    guessed = _columns(intake)
    if len(meanings) != len(guessed):
        raise DescriptionRefused(f"{len(meanings)} meanings for {len(guessed)} columns")
    mapping = override(guessed, dict(zip(guessed, meanings, strict=True)))
    said = {name: meaning.value for name, meaning in mapping.items()}
    arrival = Arrival(
        Form(intake.form), intake.version_id, intake.project_id, intake.source_id, said
    )
    with open_stream(kept_file(intake)) as content:
        again, _ = receive(actor=actor, arrival=arrival, content=content)
    return again


def _check_read(intake: Intake) -> None:
    if intake.form != Form.MANIFEST or intake.state != IntakeState.READ:
        raise WrongState("its columns are not known: it is no table, or was not read to its end")


def _columns(intake: Intake) -> dict[str, Meaning]:
    return {name: Meaning(meaning) for name, meaning in remarks(intake).columns.items()}
