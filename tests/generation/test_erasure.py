"""What generation holds of people, in an export and in an erasure."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import DatabaseError, connection, transaction

from consent.errors import Unknown
from consent.lineage import (
    Direction,
    Node,
    find_every,
    find_impact,
    find_leaves,
    find_origins,
)
from consent.services import name_recipient, record_delivery
from consent.uses import Handover
from generation import services
from generation.models import Case, Decision, Job, Output, Run, RunDepiction
from ledger import vault
from ledger.holdings import HOLDINGS
from ledger.models import Log, SealedFile, Segment
from ledger.services import close_epoch, destroy_scopes
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.generation.acts import House
from tests.generation.test_cases import claim, decide
from tests.generation.test_outputs import astronaut, process, received

pytestmark = pytest.mark.django_db(transaction=True)
OURS = ("runs", "run depictions", "outputs", "cases", "decisions")


@pytest.fixture
def two(house: House, sequence: Callable[[], int]) -> dict[str, Any]:
    """Ada alone in a released image, Ada and Bo together in one that a person approved."""
    ada, bo = house.subject(), house.subject("Bo Invented")
    house.grant(ada)
    house.grant(bo)
    alone = house.run("a portrait of Ada", ada)
    process(received(house.completed(alone)), sequence)
    together = house.run("Ada and Bo", ada, bo)
    output = process(received(house.completed(together, astronaut())), sequence)
    decide(house, claim(house, Case.objects.get(output=output)), note="Ada and Bo, both consent")
    process(output, sequence)
    house.run("a red circle")
    return {"ada": ada, "bo": bo, "alone": alone, "together": together, "house": house}


def held(subject: Any) -> dict[str, list[Any]]:
    return {
        holding.name: list(holding.find([subject.scope_id]))
        for holding in HOLDINGS
        if holding.name in OURS
    }


def erase(subject: Any, acting_as: ActingAs) -> None:
    with acting_as("eraser"):
        destroy_scopes([subject.scope_id])
        close_epoch()


def test_whoever_received_a_picture_is_downstream_until_its_people_are_erased(
    two: dict[str, Any], acting_as: ActingAs, log: Log, sequence: Callable[[], int]
) -> None:
    officer = two["house"].officer
    output = Output.objects.get(run=two["alone"])
    studio = name_recipient(actor=officer, code="studio")
    what = Node("output", output.pk)
    said: dict[str, Any] = {"recipient_id": studio.pk, "how": Handover.PUBLICATION}
    delivery = record_delivery(actor=officer, what=what, **said)
    assert (delivery.project_id, delivery.model) == (output.project_id, two["alone"].model_id)
    model = Node("model", two["alone"].model_id)
    for start in (Node("subject", two["ada"].pk), Node("run", two["alone"].pk), what, model):
        assert find_impact(start).of("recipient") == [studio.pk], start
    assert find_impact(Node("subject", two["bo"].pk)).of("recipient") == []
    got = Node("recipient", studio.pk)
    origins = find_origins(got)
    assert (origins.counts["output"], origins.of("model")) == (1, [model.id])
    assert find_leaves(got, "output", Direction.UPSTREAM).ids == [output.pk]
    erase(two["ada"], acting_as)
    delivery.refresh_from_db()
    assert (delivery.node, delivery.model, delivery.recipient) == (None, None, studio)
    assert find_impact(model).of("recipient") == []
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_all_who_received_something_of_a_model_are_found_whatever_it_was(
    two: dict[str, Any],
) -> None:
    officer, model = two["house"].officer, Node("model", two["alone"].model_id)
    picture = Node("output", Output.objects.get(run=two["alone"]).pk)
    some = [name_recipient(actor=officer, code=f"studio-{n}").pk for n in range(4)]
    said: dict[str, Any] = {"actor": officer, "how": Handover.UPLOAD}
    assert find_impact(model).of("recipient") == []
    for recipient, what in zip(some[:3], (picture, model, picture), strict=True):
        for _ in range(2):
            record_delivery(**said, recipient_id=recipient, what=what)
    # By number, as they are named.
    assert find_impact(model).of("recipient") == some[:3]
    assert find_origins(Node("recipient", some[1])).of("model") == [model.id]
    assert find_origins(Node("recipient", some[3])).of("model") == []


@pytest.mark.parametrize(
    "change",
    [
        "model = gen_random_uuid()",
        "model = NULL",
        "node = NULL",
    ],
)
def test_postgresql_keeps_a_delivered_picture_with_its_model(
    two: dict[str, Any], change: str
) -> None:
    officer, output = two["house"].officer, Output.objects.get(run=two["alone"])
    studio = name_recipient(actor=officer, code="studio")
    said: dict[str, Any] = {"recipient_id": studio.pk, "how": Handover.UPLOAD}
    record_delivery(actor=officer, what=Node("output", output.pk), **said)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE consent_delivery SET {change}")


def test_everything_held_of_a_person_is_found(two: dict[str, Any]) -> None:
    found = held(two["ada"])
    assert {name: len(rows) for name, rows in found.items()} == {
        "runs": 2,
        "run depictions": 2,
        "outputs": 2,
        "cases": 1,
        "decisions": 1,
    }


def test_everything_held_is_told_in_plain_values(two: dict[str, Any]) -> None:
    keys = vault.keys([two["ada"].scope_id, two["bo"].scope_id])
    told = {
        holding.name: [holding.export(row, keys) for row in holding.find([two["ada"].scope_id])]
        for holding in HOLDINGS
        if holding.name in OURS
    }
    assert {run["prompt"] for run in told["runs"]} == {"a portrait of Ada", "Ada and Bo"}
    assert told["decisions"][0]["note"] == "Ada and Bo, both consent"
    assert {output["state"] for output in told["outputs"]} == {"released"}
    assert all(output["delivered_digest"].startswith("sha256:") for output in told["outputs"])
    assert [output["signals"] for output in told["outputs"]].count([]) == 0


def test_files_of_outputs_are_named(two: dict[str, Any]) -> None:
    (holding,) = (each for each in HOLDINGS if each.name == "outputs")
    files = holding.files(holding.find([two["ada"].scope_id]))
    assert len(files) == 4


def test_erasure_leaves_no_row_key_or_file(
    two: dict[str, Any], acting_as: ActingAs, sequence: Callable[[], int]
) -> None:
    ada = two["ada"]
    erase(ada, acting_as)
    assert not any(held(ada).values())
    assert [run.scopes for run in Run.objects.all()] == [[two["house"].client.scope_id]]
    assert not Output.objects.exists()
    assert not Case.objects.exists()
    assert not Decision.objects.exists()
    assert not Job.objects.exists()
    assert not SealedFile.objects.exists()
    assert not Segment.objects.filter(scopes__contains=[ada.scope_id]).exists()
    _, files = _walk()
    assert files == []


def test_the_others_keep_the_bare_fact_of_their_depiction(
    two: dict[str, Any], acting_as: ActingAs
) -> None:
    erase(two["ada"], acting_as)
    (left,) = RunDepiction.objects.all()
    assert (left.subject, left.run) == (two["bo"], None)


def test_log_verifies_behind_an_erasure(
    two: dict[str, Any], acting_as: ActingAs, sequence: Callable[[], int], log: Log
) -> None:
    erase(two["ada"], acting_as)
    sequence()
    assert verify_log(log).findings == []


def test_erased_client_is_cut_out_of_the_runs_of_others(
    two: dict[str, Any], acting_as: ActingAs, sequence: Callable[[], int], log: Log
) -> None:
    with acting_as("eraser"):
        destroy_scopes([two["house"].client.scope_id])
        close_epoch()
    sequence()
    assert {run.client_id for run in Run.objects.all()} == {None}
    assert Run.objects.count() == 2
    assert findings_of_ours(log) == []


def test_erased_moderator_is_cut_out_of_their_decisions(
    two: dict[str, Any], acting_as: ActingAs, sequence: Callable[[], int], log: Log
) -> None:
    with acting_as("eraser"):
        destroy_scopes([two["house"].moderator.scope_id])
        close_epoch()
    sequence()
    decision = Decision.objects.get()
    assert decision.decider is None
    assert vault.keys(decision.scope_ids()).open(decision, "note")
    assert findings_of_ours(log) == []


def test_request_about_an_erased_person_is_not_answered_from_memory(
    house: House, acting_as: ActingAs
) -> None:
    ada = house.subject()
    house.grant(ada)
    assert house.policy
    caller, request = house.caller("k"), house.request("a portrait", ada)
    services.authorise_run(caller=caller, request=request)
    erase(ada, acting_as)
    with pytest.raises(Unknown, match="1 of 1 people are not known here"):
        services.authorise_run(caller=caller, request=request)


def test_impact_leads_from_a_person_to_every_image(two: dict[str, Any]) -> None:
    impact = find_impact(Node("subject", two["ada"].pk))
    assert set(find_every(impact, "run")) == {two["alone"].pk, two["together"].pk}
    outputs = set(Output.objects.values_list("pk", flat=True))
    assert set(find_every(impact, "output")) == outputs
    assert impact.counts == {"run": 2, "output": len(outputs)}


def test_origins_lead_from_an_image_back_to_model_and_people(two: dict[str, Any]) -> None:
    output = Output.objects.get(run=two["together"])
    origins = find_origins(Node("output", output.pk))
    assert set(find_every(origins, "subject")) == {two["ada"].pk, two["bo"].pk}
    assert origins.of("model") == [two["house"].model.pk]


def findings_of_ours(log: Log) -> list[str]:
    return [each.message for each in verify_log(log).findings if "generation_" in each.message]


def _walk() -> tuple[list[str], list[str]]:
    storage = storages["sealed"]
    folders, files = storage.listdir("")
    for first in folders:
        for second in storage.listdir(first)[0]:
            files += storage.listdir(f"{first}/{second}")[1]
    return folders, files
