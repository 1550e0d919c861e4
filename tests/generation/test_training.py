from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services as consent
from consent.errors import NotPermitted, TwoPeopleNeeded, Unknown, UseStopped, WrongState
from consent.lineage import Node, find_every, find_impact, find_origins
from consent.models import Account, Affected, DatasetVersion, Grant, ImpactCase, Subject
from consent.roles import RoleCode
from consent.tasks import assess_impacts
from consent.uses import Measure, Use
from generation import services
from generation.errors import RequestRefused
from generation.models import Case, ModelVersion, Output, Tally, TrainingOverride, TrainingRun
from generation.services import Caller, TrainingRequest
from generation.states import CaseOutcome, DecisionReason, RunState, TrainingState
from generation.tasks import fold_tallies
from ledger import vault
from tests.consent.factories import picture
from tests.consent.test_datasets import described, fill, freeze, plain
from tests.generation.acts import House, body_of, model_request
from tests.generation.images import encoded

pytestmark = pytest.mark.django_db


@pytest.fixture
def scientist(house: House) -> Account:
    return house.person(RoleCode.DATA_SCIENTIST)


@pytest.fixture
def ada(house: House) -> Subject:
    return house.subject()


@pytest.fixture
def grant(house: House, ada: Subject) -> Grant:
    return house.grant(ada, Use.TRAIN, Use.DEPICT)


@pytest.fixture
def version(
    house: House, scientist: Account, ada: Subject, grant: Grant, tmp_path: Path
) -> DatasetVersion:
    """A version of two pictures, one of which shows Ada."""
    assert grant.uses
    dataset = consent.open_dataset(actor=scientist, project_id=house.project.pk, code="faces")
    portrait = picture("red")
    files = [plain("blue"), (described("ada.png", portrait, ada.handle), portrait)]
    return freeze(scientist, dataset, fill(tmp_path, files)).version


@pytest.fixture
def training(scientist: Account, house: House, version: DatasetVersion) -> TrainingRun:
    return ask(scientist, house, version)


@pytest.fixture
def waiting(house: House, scientist: Account, grant: Grant, version: DatasetVersion) -> TrainingRun:
    """A training that was asked for when Ada had taken her consent back."""
    consent.withdraw(actor=house.officer, grant_id=grant.pk)
    return ask(scientist, house, version)


def ask(account: Account, house: House, *versions: DatasetVersion, **other: Any) -> TrainingRun:
    asked: dict[str, Any] = {
        "project": house.project.pk,
        "versions": tuple(version.pk for version in versions),
        "purpose": Use.TRAIN,
        "config_digest": f"sha256:{'12' * 32}",
    }
    request = TrainingRequest(**(asked | other))
    return services.authorise_training(caller=Caller(account, uuid4().hex), request=request)


def register(account: Account, training: TrainingRun | None = None, **other: Any) -> ModelVersion:
    request = model_request(training=training.pk if training else None, **other)
    return services.register_model(caller=Caller(account, uuid4().hex), request=request)


def decide(house: House, kind: Affected, what: Measure) -> ImpactCase:
    """Have Ada's case decided about its version or its model."""
    assess_impacts()
    case = ImpactCase.objects.get()
    line = case.lines.get(kind=kind)
    consent.decide_impact(actor=house.officer, line_id=line.pk, decision=what, reason="Because.")
    return case


def test_training_is_authorised_where_everybody_allows_it(training: TrainingRun) -> None:
    assert (training.state, training.people, training.codes) == (TrainingState.AUTHORISED, 0, [])
    body = body_of(training)
    assert (body.kind, body.facts) == ("training.authorised", {"overridden": False})


def test_a_model_that_is_registered_with_its_training_completes_it(
    scientist: Account, training: TrainingRun, version: DatasetVersion
) -> None:
    model = register(scientist, training, dataset_version=version.pk)
    training.refresh_from_db()
    assert (training.state, training.model) == (TrainingState.COMPLETED, model)
    origins = find_origins(Node("model", model.pk))
    nodes = [Node("version", version.pk), Node("training", training.pk), Node("model", model.pk)]
    assert {(nodes[0], nodes[1]), (nodes[1], nodes[2])} <= set(origins.edges)
    # The direct edge is folded into the one by way of the training.
    assert (nodes[0], nodes[2]) not in origins.edges
    with pytest.raises(WrongState, match="training is completed, wanted authorised"):
        register(scientist, training, name="other")


def test_a_training_is_completed_by_a_model_that_is_registered_already(
    scientist: Account, training: TrainingRun
) -> None:
    model = register(scientist)
    said: dict[str, Any] = {"training_id": training.pk, "model_id": model.pk}
    done = services.complete_training(caller=Caller(scientist, "k"), **said)
    assert done.model == model
    assert services.complete_training(caller=Caller(scientist, "k"), **said).pk == training.pk


def test_training_fails_or_is_cancelled_once(
    scientist: Account, house: House, training: TrainingRun, version: DatasetVersion
) -> None:
    assert services.fail_training(actor=scientist, training_id=training.pk).state == "failed"
    other = ask(scientist, house, version)
    assert services.cancel_training(actor=scientist, training_id=other.pk).state == "cancelled"
    with pytest.raises(WrongState, match="training is cancelled, wanted authorised"):
        services.fail_training(actor=scientist, training_id=other.pk)


def test_training_with_withdrawn_items_waits(waiting: TrainingRun) -> None:
    assert waiting.state == TrainingState.PROPOSED
    assert (waiting.people, waiting.items, waiting.codes) == (1, 1, ["withdrawn"])
    assert body_of(waiting).facts == {"people": 1, "versions": 1}


def test_two_people_override_what_stands_against_a_training(
    house: House, scientist: Account, waiting: TrainingRun
) -> None:
    approver = house.person(RoleCode.APPROVER)
    with pytest.raises(WrongState, match="no override was proposed"):
        services.approve_override(actor=approver, training_id=waiting.pk)
    said: dict[str, Any] = {"training_id": waiting.pk}
    with pytest.raises(RequestRefused, match="reason wants 1 to 5000 characters"):
        services.propose_override(actor=scientist, reason=" ", **said)
    override = services.propose_override(actor=scientist, reason="Court order 7.", **said)
    assert vault.keys(override.scope_ids()).open(override, "reason") == b"Court order 7."
    with pytest.raises(WrongState, match="an override was proposed already"):
        services.propose_override(actor=scientist, reason="Again.", **said)
    with pytest.raises(NotPermitted):
        services.approve_override(actor=scientist, **said)
    done = services.approve_override(actor=approver, **said)
    assert done.state == TrainingState.AUTHORISED
    assert body_of(done).facts == {"overridden": True}


def test_nobody_approves_his_own_override(
    house: House, scientist: Account, waiting: TrainingRun
) -> None:
    both = house.person(RoleCode.APPROVER)
    membership = consent.propose_membership(
        actor=house.founders[0], account_id=both.pk, role=RoleCode.DATA_SCIENTIST
    )
    consent.approve_membership(actor=house.founders[1], membership_id=membership.pk)
    both = Account.objects.get(pk=both.pk)
    assert scientist.pk != both.pk
    services.propose_override(actor=both, training_id=waiting.pk, reason="Because.")
    with pytest.raises(TwoPeopleNeeded, match="by another person than its proposer"):
        services.approve_override(actor=both, training_id=waiting.pk)


def test_a_program_proposes_no_override(house: House, waiting: TrainingRun) -> None:
    program = house.account(consent.Newcomer("A trainer"), RoleCode.DATA_SCIENTIST)
    with pytest.raises(TwoPeopleNeeded, match="by a person, not by a program"):
        services.propose_override(actor=program, training_id=waiting.pk, reason="Because.")


def test_postgresql_wants_two_people_too(scientist: Account, waiting: TrainingRun) -> None:
    sql = "UPDATE generation_trainingrun SET state = 'authorised', authorised_at = now()"
    assert _refused(sql, "no two people stand for it")
    services.propose_override(actor=scientist, training_id=waiting.pk, reason="Because.")
    assert _refused(sql, "no two people stand for it")
    own = "UPDATE generation_trainingoverride SET approved_by_id = proposed_by_id"
    assert _refused(own, "override_approved_by_another")
    late = "DELETE FROM generation_traininginput"
    assert _refused(late, "permission denied")
    assert TrainingOverride.objects.get().approved_by is None


def test_postgresql_takes_no_input_once_a_training_is_authorised(training: TrainingRun) -> None:
    sql = (
        "INSERT INTO generation_traininginput (id, training_id, version_id)"
        " SELECT gen_random_uuid(), training_id, version_id FROM generation_traininginput"
    )
    assert training.state == TrainingState.AUTHORISED
    assert _refused(sql, "is no longer proposed")


def test_a_stopped_version_trains_nothing_whoever_stands_for_it(
    house: House, scientist: Account, waiting: TrainingRun, version: DatasetVersion
) -> None:
    services.propose_override(actor=scientist, training_id=waiting.pk, reason="Because.")
    decide(house, Affected.VERSION, Measure.STOP_USE)
    with pytest.raises(UseStopped, match="the use of 1 of 1 versions was stopped"):
        services.approve_override(actor=house.person(RoleCode.APPROVER), training_id=waiting.pk)
    with pytest.raises(UseStopped, match="the use of 1 of 1 versions was stopped"):
        ask(scientist, house, version)
    sql = "UPDATE generation_trainingrun SET state = 'authorised', authorised_at = now()"
    assert _refused(sql, "or a stopped one")


def test_a_version_that_is_kept_with_a_reason_still_needs_consent(
    house: House, scientist: Account, ada: Subject, waiting: TrainingRun, version: DatasetVersion
) -> None:
    assert waiting.state == TrainingState.PROPOSED
    decide(house, Affected.VERSION, Measure.KEEP)
    assert ask(scientist, house, version).codes == ["withdrawn"]
    house.grant(ada, Use.TRAIN, Use.DEPICT)
    assert ask(scientist, house, version).state == TrainingState.AUTHORISED


def test_a_stopped_model_runs_no_more(
    house: House, scientist: Account, grant: Grant, training: TrainingRun
) -> None:
    model = register(scientist, training, name="faces")
    run = house.run(model=model.pk)
    held = house.run("a politician", model=model.pk)
    assert (run.state, held.state) == (RunState.ALLOWED, RunState.HELD)
    consent.withdraw(actor=house.officer, grant_id=grant.pk)
    decide(house, Affected.MODEL, Measure.STOP_USE)
    with pytest.raises(UseStopped, match="the use of model faces 1 was stopped"):
        house.run(model=model.pk)
    case = Case.objects.get(run=held)
    services.claim_case(actor=house.moderator, case_id=case.pk)
    with pytest.raises(UseStopped, match="the use of the run's model was stopped"):
        services.decide_case(
            actor=house.moderator,
            case_id=case.pk,
            outcome=CaseOutcome.APPROVED,
            reason=DecisionReason.WITHIN_POLICY,
        )
    assert _refused("UPDATE generation_run SET state = 'allowed', authorised_until = now()"
                    " WHERE state = 'held'", "was stopped")  # fmt: skip


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"versions": ()}, "training names 0 versions, wanted 1 to 100"),
        ({"purpose": Use.DEPICT}, "purpose is depict, wanted train or fine_tune"),
    ],
)
def test_a_training_past_a_limit_is_refused(
    scientist: Account, house: House, other: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestRefused, match=message):
        ask(scientist, house, **{"versions": (uuid4(),), **other})


def test_a_version_of_nobody_is_unknown(scientist: Account, house: House) -> None:
    with pytest.raises(Unknown, match="1 of 1 versions are not known here"):
        ask(scientist, house, versions=(uuid4(),))


def test_impact_counts_each_once_from_person_to_outputs(
    house: House, scientist: Account, ada: Subject, training: TrainingRun
) -> None:
    model = register(scientist, training, name="faces")
    both = house.run("a portrait", ada, model=model.pk)
    house.completed(both, encoded(), encoded())
    house.completed(house.run(model=model.pk))
    elsewhere = house.run("a portrait", ada)
    house.completed(elsewhere)
    impact = find_impact(Node("subject", ada.pk))
    assert impact.counts == {
        "dataset": 1, "item": 1, "model": 1, "output": 4, "run": 3, "training": 1, "version": 1,
    }  # fmt: skip
    assert impact.hanging[Node("model", model.pk), "output"] == 3
    assert impact.loose == {"output": 1, "run": 1}
    assert set(find_every(impact, "output")) == set(Output.objects.values_list("pk", flat=True))
    assert len(list(find_every(impact, "run"))) == 3


def test_folding_the_tallies_changes_no_count(house: House) -> None:
    house.completed()
    house.completed()
    node = Node("model", house.model.pk)
    before = find_impact(node).counts
    assert Tally.objects.count() > 1
    fold_tallies()
    assert (Tally.objects.count(), find_impact(node).counts) == (1, before)
    assert before == {"output": 2, "run": 2}


def _refused(sql: str, message: str) -> bool:
    """Run ``sql`` round the services; say whether PostgreSQL refuses it with this message."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError as error:
        return message in str(error)
    return False
