from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from consent.errors import NotPermitted, Unknown
from generation import services
from generation.errors import ModelConflict, PolicyRefused, RequestRefused
from generation.models import ModelVersion, Policy
from generation.services import Caller
from ledger.models import Record
from tests.generation.acts import RULES, House, body_of, model_request

pytestmark = pytest.mark.django_db


def test_model_is_registered_by_three_digests_in_the_open(house: House) -> None:
    model = house.model
    body = body_of(model)
    assert body.kind == "model.registered"
    assert body.facts["effective"] == f"sha256:{bytes(model.effective_digest).hex()}"
    assert model.weights() == [
        {"path": "unet/weights.safetensors", "sha256": f"sha256:{'cd' * 32}"}
    ]


def test_same_model_again_is_the_same_row_and_no_record(house: House) -> None:
    first, records = house.model, Record.objects.count()
    again = services.register_model(caller=house.caller(), request=model_request())
    assert again.pk == first.pk
    assert Record.objects.count() == records


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("effective_digest", "effective digest"),
        ("config_digest", "configuration digest"),
    ],
)
def test_other_digests_under_the_same_name_are_refused(
    house: House, field: str, column: str
) -> None:
    assert house.model
    with pytest.raises(ModelConflict, match=f"registered with another {column}"):
        services.register_model(
            caller=house.caller(), request=model_request(**{field: f"sha256:{'00' * 32}"})
        )


def test_unknown_dataset_version_is_refused(house: House) -> None:
    with pytest.raises(Unknown, match="no data set version has this id"):
        services.register_model(
            caller=house.caller(), request=model_request(dataset_version=uuid4())
        )


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"name": ""}, "letters, digits"),
        ({"name": "a\nb"}, "letters, digits"),
        ({"version": "1/2"}, "letters, digits"),
        ({"weights": ()}, "model has 0 files, wanted 1 to 500"),
        ({"weights": (("a", f"sha256:{'00' * 32}"),) * 2}, "names a file twice"),
        ({"weights": (("", f"sha256:{'00' * 32}"),)}, "path of a file is empty"),
        ({"weights": (("a", "00" * 32),)}, "wanted sha256: and 64 hex digits"),
        ({"effective_digest": "sha256:AB"}, "wanted sha256: and 64 hex digits"),
    ],
)
def test_malformed_models_are_refused_in_words(values: dict, complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        model_request(**values)


def test_somebody_without_a_role_registers_nothing(house: House) -> None:
    with pytest.raises(NotPermitted, match=r"generation\.register_model"):
        services.register_model(caller=Caller(house.moderator, "k"), request=model_request())


def test_digests_of_a_model_are_fixed_in_the_database(house: House) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        ModelVersion.objects.filter(pk=house.model.pk).update(effective_digest=bytes(32))


def test_retired_model_stays_retired(house: House) -> None:
    services.retire_model(actor=house.officer, model_id=house.model.pk)
    records = Record.objects.count()
    assert services.retire_model(actor=house.officer, model_id=house.model.pk).state == "retired"
    assert Record.objects.count() == records
    with pytest.raises(DatabaseError), transaction.atomic():
        ModelVersion.objects.update(state="registered")


def test_new_policy_takes_the_place_of_the_one_before(house: House) -> None:
    first = house.policy
    second = services.publish_policy(actor=house.officer, rules={"v": 1, "rules": []})
    first.refresh_from_db()
    assert (first.state, second.state, second.number) == ("retired", "active", 2)
    assert first.record == second.record


def test_same_policy_again_changes_nothing(house: House) -> None:
    first, records = house.policy, Record.objects.count()
    assert services.publish_policy(actor=house.officer, rules=RULES).pk == first.pk
    assert Record.objects.count() == records


def test_first_policy_of_two_published_at_once_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.policy
    nobody = Policy.objects.none()
    monkeypatch.setattr(Policy.objects, "select_for_update", lambda: nobody)
    with pytest.raises(PolicyRefused, match="somebody else published a policy at this moment"):
        services.publish_policy(actor=house.officer, rules={"v": 1, "rules": []})
    assert Policy.objects.find_active() == first


def test_bad_policy_leaves_the_active_one_in_force(house: House) -> None:
    first = house.policy
    with pytest.raises(PolicyRefused):
        services.publish_policy(actor=house.officer, rules={"v": 1})
    assert Policy.objects.find_active() == first


def test_moderators_publish_no_policy(house: House) -> None:
    with pytest.raises(NotPermitted, match=r"generation\.publish_policy"):
        services.publish_policy(actor=house.moderator, rules=RULES)


def test_text_of_a_policy_is_fixed_in_the_database(house: House) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Policy.objects.filter(pk=house.policy.pk).update(text="{}")
