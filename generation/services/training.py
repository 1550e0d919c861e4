"""Trainings: ask for one, override what stands against it by two people, and end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from consent.errors import TwoPeopleNeeded, Unknown, UseStopped, WrongState
from consent.models import Account, DatasetVersion, Project, VersionState
from consent.moment import database_now
from consent.roles import AccountKind
from consent.services.authority import by, get, lock, require
from consent.stops import Standing, decide_people, find_standing, find_stopped
from consent.uses import Use
from generation.digests import parse_digest
from generation.errors import RequestRefused
from generation.kinds import (
    TRAINING_AUTHORISED,
    TRAINING_CANCELLED,
    TRAINING_COMPLETED,
    TRAINING_FAILED,
    TRAINING_OVERRIDE_PROPOSED,
    TRAINING_PROPOSED,
    TrainingAuthorised,
    TrainingProposed,
)
from generation.models import ModelVersion, TrainingInput, TrainingOverride, TrainingRun
from generation.models.training import TRAINING_USES
from generation.services.callers import Caller
from generation.states import TrainingState
from ledger import vault
from ledger.canonical import JSON
from ledger.kinds import Facts, Kind, NoFacts
from ledger.models import Recorded
from ledger.services import Unsealed, append

MAX_VERSIONS = 100
MAX_REASON_CHARS = 5_000


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained on what. Raises RequestRefused for what is past a limit."""

    project: UUID
    versions: tuple[UUID, ...]
    purpose: Use
    config_digest: str

    def __post_init__(self) -> None:
        if not 1 <= len(set(self.versions)) <= MAX_VERSIONS:
            raise RequestRefused(
                f"training names {len(set(self.versions))} versions, wanted 1 to {MAX_VERSIONS}"
            )
        if self.purpose not in TRAINING_USES:
            raise RequestRefused(f"purpose is {self.purpose}, wanted train or fine_tune")
        parse_digest(self.config_digest)

    def asked(self) -> dict[str, JSON]:
        """Return what must be equal in a repetition of the request."""
        return {
            "do": "authorise_training",
            "project": str(self.project),
            "versions": [str(version) for version in sorted(set(self.versions))],
            "purpose": self.purpose.value,
            "configuration": self.config_digest,
        }


def authorise_training(*, caller: Caller, request: TrainingRequest) -> TrainingRun:
    """Ask whether a model may be trained on some versions, and record the answer.

    It is *authorised* where everybody in them allows it still, else stays *proposed* until two
    people stand for it. Raises, and records nothing: Unknown, NotPermitted, UseStopped for a
    version whose use was stopped, IdempotencyConflict.
    """
    versions = sorted(set(request.versions))
    # Long for a version of many people, so not in the transaction: what ends meanwhile is found
    # again inside it.
    against = decide_people(versions, request.purpose)
    with transaction.atomic():
        claim = caller.claim(request.asked())
        if claim.is_replay:
            return claim.answer(TrainingRun)
        project = get(Project.objects.all(), request.project)
        require(caller.account, "generation.authorise_training", project)
        _check_versions(caller.account, versions)
        standing = find_standing(versions)
        training = _propose(caller.account, project, request, standing, against)
        if standing.is_clear and not against:
            _authorise(training, caller.account)
        claim.settle(training)
    return training


@transaction.atomic
def propose_override(*, actor: Account, training_id: UUID, reason: str) -> TrainingOverride:
    """Stand for a training that something stands against, as the first of two people.

    Raises NotPermitted, Unknown, WrongState, RequestRefused, TwoPeopleNeeded for a program.
    """
    training = _lock(training_id, TrainingState.PROPOSED)
    require(actor, "generation.propose_override", training)
    if actor.kind != AccountKind.PERSON:
        raise TwoPeopleNeeded("an override is proposed by a person, not by a program")
    if TrainingOverride.objects.filter(training=training).exists():
        raise WrongState("an override was proposed already")
    if not 1 <= len(reason.strip()) <= MAX_REASON_CHARS:
        raise RequestRefused(f"reason wants 1 to {MAX_REASON_CHARS} characters")
    override = TrainingOverride(training=training, proposed_by=actor, proposed_at=database_now())
    keys = vault.keys(override.scope_ids())
    override.reason = keys.seal(override, "reason", reason.strip().encode())
    override.save(force_insert=True)
    _append(TRAINING_OVERRIDE_PROPOSED, NoFacts(), actor, [override])
    return override


@transaction.atomic
def approve_override(*, actor: Account, training_id: UUID) -> TrainingRun:
    """Stand for a training as the second of two people; it is authorised from now on.

    Raises NotPermitted, Unknown, WrongState, TwoPeopleNeeded, UseStopped.
    """
    training = _lock(training_id, TrainingState.PROPOSED)
    require(actor, "generation.approve_override", training)
    override = TrainingOverride.objects.filter(training=training).first()
    if override is None:
        raise WrongState("no override was proposed")
    if override.proposed_by_id == actor.pk:
        raise TwoPeopleNeeded("an override is approved by another person than its proposer")
    _check_stops(list(training.inputs.values_list("version_id", flat=True)))
    override.approved_by, override.approved_at = actor, database_now()
    override.save(update_fields=["approved_by", "approved_at"])
    _authorise(training, actor, override)
    return training


def complete_training(*, caller: Caller, training_id: UUID, model_id: UUID) -> TrainingRun:
    """Record which registered model a training made; the same again changes nothing.

    Raises NotPermitted, Unknown, WrongState.
    """
    with transaction.atomic():
        asked = {"do": "complete_training", "id": str(training_id), "model": str(model_id)}
        claim = caller.claim(asked)
        if claim.is_replay:
            return claim.answer(TrainingRun)
        model = lock(ModelVersion.objects.all(), model_id)
        training = finish_training(caller.account, training_id, model)
        claim.settle(training)
    return training


def finish_training(actor: Account, training_id: UUID, model: ModelVersion) -> TrainingRun:
    """Tie ``model`` to the training that made it, in the caller's transaction."""
    training = lock(TrainingRun.objects.all(), training_id)
    require(actor, "generation.authorise_training", training)
    _check_state(training, TrainingState.AUTHORISED)
    if TrainingRun.objects.filter(model=model).exists():
        raise WrongState("the model was made by another training")
    training.model = model
    _end(training, TrainingState.COMPLETED, ["model"])
    _append(TRAINING_COMPLETED, NoFacts(), actor, [training])
    return training


@transaction.atomic
def fail_training(*, actor: Account, training_id: UUID) -> TrainingRun:
    """Record that a training made no model. Raises NotPermitted, Unknown, WrongState."""
    training = _lock(training_id, TrainingState.AUTHORISED)
    require(actor, "generation.authorise_training", training)
    _end(training, TrainingState.FAILED)
    _append(TRAINING_FAILED, NoFacts(), actor, [training])
    return training


@transaction.atomic
def cancel_training(*, actor: Account, training_id: UUID) -> TrainingRun:
    """Give a training up before it has ended. Raises NotPermitted, Unknown, WrongState."""
    training = _lock(training_id, TrainingState.PROPOSED, TrainingState.AUTHORISED)
    require(actor, "generation.authorise_training", training)
    _end(training, TrainingState.CANCELLED)
    _append(TRAINING_CANCELLED, NoFacts(), actor, [training])
    return training


def _check_versions(account: Account, versions: Sequence[UUID]) -> None:
    """Raise Unknown for a version that is none, not frozen or not one's own; UseStopped."""
    frozen = DatasetVersion.objects.filter(state=VersionState.FROZEN)
    known = frozen.filter(pk__in=versions).select_related("dataset")
    mine = [v for v in known if account.has_perm("consent.view_datasetversion", v)]
    if len(mine) != len(versions):
        missing = len(versions) - len(mine)
        raise Unknown(f"{missing} of {len(versions)} versions are not known here, or not frozen")
    _check_stops(versions)


def _check_stops(versions: Sequence[UUID]) -> None:
    if stopped := find_stopped(versions):
        raise UseStopped(
            f"the use of {len(stopped)} of {len(versions)} versions was stopped by an impact case"
        )


def _propose(
    account: Account,
    project: Project,
    request: TrainingRequest,
    standing: Standing,
    against: Sequence[str],
) -> TrainingRun:
    training = TrainingRun(
        project=project,
        purpose=request.purpose.value,
        configuration_digest=parse_digest(request.config_digest),
        proposed_by=account,
        people=standing.people,
        items=standing.items,
        codes=[*against, *(["impact_open"] if standing.concerned else [])],
        proposed_at=database_now(),
    )
    training.save(force_insert=True)
    inputs = [
        TrainingInput(training=training, version_id=version)
        for version in sorted(set(request.versions))
    ]
    TrainingInput.objects.bulk_create(inputs)
    facts = TrainingProposed(versions=len(inputs), people=standing.people)
    _append(TRAINING_PROPOSED, facts, account, [training, *inputs])
    return training


def _authorise(training: TrainingRun, actor: Account, *rows: Recorded) -> None:
    training.state, training.authorised_at = TrainingState.AUTHORISED, database_now()
    training.save(update_fields=["state", "authorised_at"])
    facts = TrainingAuthorised(overridden=bool(rows))
    _append(TRAINING_AUTHORISED, facts, actor, [training, *rows])


def _end(training: TrainingRun, state: TrainingState, changed: Sequence[str] = ()) -> None:
    training.state, training.ended_at = state, database_now()
    training.save(update_fields=["state", "ended_at", *changed])


def _lock(training_id: UUID, *states: TrainingState) -> TrainingRun:
    training = lock(TrainingRun.objects.all(), training_id)
    _check_state(training, *states)
    return training


def _check_state(training: TrainingRun, *states: TrainingState) -> None:
    if training.state not in states:
        raise WrongState(f"training is {training.state}, wanted {' or '.join(states)}")


def _append(kind: Kind, facts: Facts, actor: Account, rows: Sequence[Recorded]) -> None:
    append(kind=kind, facts=facts, segments=[Unsealed("training", rows=tuple(rows)), by(actor)])
