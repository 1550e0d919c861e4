"""What a model is made of, by the published schema."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from openlineage.client.event_v2 import RunEvent

from consent import services as consent
from consent.errors import NotPermitted
from consent.formats import prov
from consent.formats.described import Relation
from consent.models import Account, DatasetVersion, Grant, Subject
from consent.roles import RoleCode
from consent.services import ExportForm
from generation.bom import write_bom
from generation.models import TrainingRun
from tests.consent.test_api import of_person
from tests.generation.acts import House
from tests.generation.test_training import ada as ada
from tests.generation.test_training import grant as grant
from tests.generation.test_training import register
from tests.generation.test_training import scientist as scientist
from tests.generation.test_training import training as training
from tests.generation.test_training import version as version

pytestmark = pytest.mark.django_db


def test_it_keeps_to_the_schema_and_names_versions_by_digest(
    scientist: Account, training: TrainingRun, version: DatasetVersion, ada: Subject, grant: Grant
) -> None:
    model = register(scientist, training)
    answer = of_person(scientist).get(f"models/{model.pk}/bom")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(answer.content.decode()) is None
    bom = json.loads(answer.content)
    (data,) = bom["components"]
    assert version.digest
    assert data["hashes"] == [{"alg": "SHA-256", "content": version.digest.hex()}]
    assert data["licenses"] == [{"license": {"id": "CC0-1.0"}}]
    assert data["data"][0]["sensitiveData"] == ["people are shown in 1 of 2 items"]
    made = bom["metadata"]["component"]
    assert made["hashes"][0]["content"] == model.effective_digest.hex()
    stated = {one["name"]: one["value"] for one in made["properties"]}
    assert {f"muniment:file:{file['path']}" for file in model.weights()} <= stated.keys()
    assert ada.handle not in answer.content.decode()
    assert str(ada.pk) not in answer.content.decode()


def test_of_other_projects_versions_only_address_and_digest_are_told(
    house: House, scientist: Account, version: DatasetVersion
) -> None:
    model = register(scientist, dataset_version=version.pk)
    moderator = house.person(RoleCode.MODERATOR)
    (data,) = json.loads(write_bom(actor=moderator, model_id=model.pk))["components"]
    assert data["name"] == f"urn:muniment:version:{version.pk}"
    assert "licenses" not in data
    administrator = house.person(RoleCode.USER_ADMINISTRATOR)
    with pytest.raises(NotPermitted, match="view_modelversion"):
        write_bom(actor=administrator, model_id=model.pk)


def test_a_version_is_told_of_with_its_trainings_and_models(
    scientist: Account, training: TrainingRun, version: DatasetVersion
) -> None:
    model = register(scientist, training)
    pieces = consent.export_version(
        actor=scientist, version_id=version.pk, form=ExportForm.OPENLINEAGE
    )
    *_, trained = map(json.loads, pieces)
    assert RunEvent(**{key: trained[key] for key in trained if key != "schemaURL"})
    assert (trained["eventType"], trained["run"]["runId"]) == ("COMPLETE", str(training.pk))
    assert trained["inputs"][0]["name"] == f"urn:muniment:version:{version.pk}"
    assert trained["outputs"][0]["name"] == f"urn:muniment:model:{model.pk}"
    (document,) = consent.export_version(
        actor=scientist, version_id=version.pk, form=ExportForm.PROV
    )
    told = prov.read(document).description
    ends = {(one.relation, one.source.identifier) for one in told.links}
    assert (Relation.GENERATED_BY, f"urn:muniment:model:{model.pk}") in ends
    assert (Relation.USED, f"urn:muniment:training:{training.pk}") in ends
