from uuid import UUID, uuid4

import orjson
import pytest

from consent.errors import NotPermitted, Unknown
from consent.roles import RoleCode
from consent.services import withdraw
from consent.uses import Use
from generation import services
from generation.errors import (
    ModelConflict,
    NoActivePolicy,
    RequestRefused,
    SequenceReused,
)
from generation.models import Case, Run, RunDepiction
from generation.services import Caller
from ledger import vault
from ledger.errors import CanonicalError, IdempotencyConflict
from ledger.models import Record, Segment
from tests.generation.acts import House, body_of

pytestmark = pytest.mark.django_db


def record_of(run: Run) -> UUID:
    assert run.record is not None
    return run.record


def facts(run: Run) -> dict[str, object]:
    return dict(body_of(run).facts)


def test_harmless_run_is_allowed_and_recorded(house: House) -> None:
    run = house.run()
    assert run.state == "allowed"
    assert run.authorised_until is not None
    assert facts(run) == {"outcome": "allowed", "policy": house.policy.digest_text()}


def test_prompt_that_a_rule_refuses_is_recorded_as_refused(house: House) -> None:
    run = house.run("a big weapon")
    assert (run.state, run.codes) == ("refused", ["policy.prompt.weapon"])
    assert run.authorised_until is None
    assert facts(run)["outcome"] == "refused"


def test_prompt_that_a_rule_questions_opens_a_case(house: House) -> None:
    run = house.run("a politician")
    case = Case.objects.get(run=run)
    assert run.state == "held"
    assert (case.severity, case.codes) == (2, ["policy.prompt.politician"])
    assert case.record == run.record


@pytest.mark.parametrize(
    "parameters",
    [{"prompt_2": "a weapon"}, {"texts": ["a", {"more": "weapons"}]}],
)
def test_texts_among_the_parameters_are_screened_too(house: House, parameters: dict) -> None:
    assert house.run(parameters=parameters).codes == ["policy.prompt.weapon"]


def test_what_shall_not_be_drawn_is_not_screened(house: House) -> None:
    assert house.run(parameters={"negative_prompt": "weapon"}).state == "allowed"


def test_person_who_consented_may_be_depicted(house: House) -> None:
    ada = house.subject()
    house.grant(ada)
    run = house.run("a portrait", ada)
    assert (run.state, run.codes) == ("allowed", [])
    assert RunDepiction.objects.get(run=run).record == run.record


@pytest.mark.parametrize("uses", [(), (Use.TRAIN,)])
def test_person_who_did_not_consent_to_being_depicted_is_not(
    house: House, uses: tuple[Use, ...]
) -> None:
    ada = house.subject()
    if uses:
        house.grant(ada, *uses)
    run = house.run("a portrait", ada)
    assert (run.state, run.codes) == ("refused", ["consent.never_given"])


def test_one_missing_consent_among_several_refuses(house: House) -> None:
    ada, bo = house.subject(), house.subject("Bo Invented")
    house.grant(ada)
    assert house.run("two people", ada, bo).state == "refused"


def test_withdrawal_counts_for_the_next_run(house: House) -> None:
    ada = house.subject()
    grant = house.grant(ada)
    assert house.run("a portrait", ada).state == "allowed"
    withdraw(actor=house.officer, grant_id=grant.pk)
    run = house.run("a portrait", ada)
    assert (run.state, run.codes) == ("refused", ["consent.withdrawn"])


def test_run_of_several_is_sealed_under_all_their_keys_together(house: House) -> None:
    ada, bo = house.subject(), house.subject("Bo Invented")
    house.grant(ada)
    house.grant(bo)
    run = house.run("two people", ada, bo)
    assert set(run.scopes) == {ada.scope_id, bo.scope_id}
    both = vault.keys(run.scopes)
    assert both.open(run, "prompt") == b"two people"
    shared = Segment.objects.filter(record__uuid=record_of(run), scopes=run.scopes)
    assert shared.count() == 1
    for subject in (ada, bo):
        own = Segment.objects.filter(record__uuid=record_of(run), scopes=[subject.scope_id])
        assert own.count() == 1


def test_segment_of_one_person_names_no_other(house: House) -> None:
    ada, bo = house.subject(), house.subject("Bo Invented")
    house.grant(ada)
    house.grant(bo)
    run = house.run("two people", ada, bo)
    segment = Segment.objects.get(record__uuid=record_of(run), scopes=[ada.scope_id])
    assert run.record is not None
    opening = vault.keys([ada.scope_id]).open_segment(
        [ada.scope_id], run.record, segment.position, "run.authorised", bytes(segment.ciphertext)
    )
    said = orjson.dumps(opening.payload).decode()
    for foreign in (bo.pk, bo.scope_id, run.pk, house.client.pk):
        assert str(foreign) not in said
    assert opening.payload["consent"] == ["granted"]


def test_run_of_nobody_is_sealed_under_its_client(house: House) -> None:
    assert house.run().scopes == [house.client.scope_id]


def test_prompt_and_parameters_are_sealed(house: House) -> None:
    run = house.run("a red circle")
    keys = vault.keys(run.scopes)
    assert keys.open(run, "prompt") == b"a red circle"
    assert orjson.loads(keys.open(run, "parameters")) == {"guidance_scale": "7.5"}
    assert b"circle" not in bytes(run.prompt)


def test_reasons_tell_the_client_why(house: House) -> None:
    ada = house.subject()
    run = house.run("a weapon", ada)
    reasons = orjson.loads(vault.keys(run.scopes).open(run, "reasons"))
    assert [reason["code"] for reason in reasons] == run.codes
    assert reasons[1]["detail"] == "the person never consented to being depicted"


def test_same_key_and_content_is_answered_with_the_first_run(house: House) -> None:
    assert house.policy
    caller, request = house.caller("k"), house.request()
    first = services.authorise_run(caller=caller, request=request)
    records = Record.objects.count()
    assert services.authorise_run(caller=caller, request=request).pk == first.pk
    assert (Run.objects.count(), Record.objects.count()) == (1, records)


def test_same_key_with_other_content_is_refused(house: House) -> None:
    assert house.policy
    services.authorise_run(caller=house.caller("k"), request=house.request())
    with pytest.raises(IdempotencyConflict):
        services.authorise_run(caller=house.caller("k"), request=house.request("a blue square"))
    assert Run.objects.count() == 1


def test_sequence_numbers_are_used_once(house: House) -> None:
    run = house.run()
    with pytest.raises(SequenceReused, match=f"sequence {run.sequence} of this instance"):
        house.run(sequence=run.sequence)


def test_without_rules_nothing_runs(house: House) -> None:
    with pytest.raises(NoActivePolicy, match="publish one first"):
        services.authorise_run(caller=house.caller(), request=house.request())


def test_account_outside_the_project_may_not_ask(house: House) -> None:
    assert house.policy
    stranger = house.person(RoleCode.DEVELOPER, house.project)
    with pytest.raises(NotPermitted, match=r"generation\.authorise_run"):
        services.authorise_run(caller=Caller(stranger, "k"), request=house.request())


@pytest.mark.parametrize("field", ["project", "model"])
def test_unknown_ids_are_refused(house: House, field: str) -> None:
    with pytest.raises(Unknown, match="has this id"):
        house.run("a red circle", **{field: uuid4()})


def test_unknown_person_is_refused_and_nothing_is_written(house: House) -> None:
    assert house.model
    assert house.policy
    records = Record.objects.count()
    with pytest.raises(Unknown, match="1 of 1 people are not known"):
        house.run(depicts=(uuid4(),))
    assert (Run.objects.count(), Record.objects.count()) == (0, records)


def test_retired_model_runs_no_more(house: House) -> None:
    services.retire_model(actor=house.officer, model_id=house.model.pk)
    with pytest.raises(ModelConflict, match="shapes 1 is retired"):
        house.run()


@pytest.mark.parametrize(
    ("values", "error", "complaint"),
    [
        ({"prompt": "x" * 10_001}, RequestRefused, "prompt has 10001 characters, at most 10000"),
        ({"parameters": {"x": "y" * 32_768}}, RequestRefused, "at most 32768"),
        ({"parameters": {"scale": 7.5}}, CanonicalError, "float"),
        ({"parameters": {"steps": 2**53}}, CanonicalError, r"beyond 2\*\*53"),
        ({"parameters": {"Steps": 1}}, CanonicalError, "key"),
        ({"sequence": 0}, RequestRefused, "sequence is 0, wanted 1 to"),
        ({"sequence": 2**53}, RequestRefused, "wanted 1 to 9007199254740991"),
        ({"depicts": (uuid4(),) * 2}, RequestRefused, "depicts a person twice"),
        (
            {"depicts": tuple(uuid4() for _ in range(101))},
            RequestRefused,
            "depicts 101, at most 100",
        ),
    ],
)
def test_bad_requests_are_refused_in_words(
    house: House, values: dict, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        house.run(**values)
    assert not Run.objects.exists()
