"""Trainings by the API: a program asks, two people override, the program says how it ended."""

from typing import Any

import pytest

from consent.models import Account, DatasetVersion, Grant
from consent.roles import RoleCode
from consent.services import withdraw
from consent.services.people import Newcomer
from generation.models import ModelVersion, TrainingRun
from tests.consent.test_admin import browser
from tests.consent.test_impact_faces import post
from tests.generation.acts import EFFECTIVE, House
from tests.generation.test_api import Generator, problem
from tests.generation.test_training import ada as ada
from tests.generation.test_training import grant as grant
from tests.generation.test_training import scientist as scientist
from tests.generation.test_training import version as version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trainer(house: House) -> Generator:
    newcomer = Newcomer("A trainer")
    house.__dict__["client"] = house.account(newcomer, RoleCode.DATA_SCIENTIST, house.project)
    return Generator(house, "trainings:write trainings:read models:write")


def asked(house: House, version: DatasetVersion) -> dict[str, Any]:
    return {
        "project": str(house.project.pk),
        "versions": [str(version.pk)],
        "purpose": "train",
        "config_digest": EFFECTIVE,
    }


def test_a_program_asks_for_a_training_and_says_how_it_ended(
    house: House, trainer: Generator, version: DatasetVersion
) -> None:
    made = trainer.post("trainings", asked(house, version), key="one")
    assert (made.status_code, made.json()["state"]) == (201, "authorised")
    again = trainer.post("trainings", asked(house, version), key="one")
    assert (again.json()["id"], TrainingRun.objects.count()) == (made.json()["id"], 1)
    path = f"trainings/{made.json()['id']}"
    assert trainer.get(path).json() == made.json()
    model = {
        "name": "faces",
        "version": "1",
        "weights": [{"path": "w", "sha256": EFFECTIVE}],
        "effective_digest": EFFECTIVE,
        "config_digest": EFFECTIVE,
    }
    registered = trainer.post("models", model).json()["id"]
    done = trainer.post(f"{path}/complete", {"model": registered})
    assert (done.json()["state"], ModelVersion.objects.count()) == ("completed", 1)
    problem(trainer.post(f"{path}/fail", {}), 409, "WrongState")
    other = trainer.post("trainings", asked(house, version)).json()["id"]
    assert trainer.post(f"trainings/{other}/cancel", {}).json()["state"] == "cancelled"


def test_two_people_override_what_stands_against_a_training(
    house: House, trainer: Generator, version: DatasetVersion, grant: Grant, scientist: Account
) -> None:
    withdraw(actor=house.officer, grant_id=grant.pk)
    made = trainer.post("trainings", asked(house, version)).json()
    assert (made["state"], made["people"]) == ("proposed", 1)
    path = f"trainings/{made['id']}/override"
    said = {"reason": "Court order 7."}
    problem(trainer.post(path, said), 403, "TwoPeopleNeeded")
    one, other = browser(scientist), browser(house.person(RoleCode.APPROVER))
    problem(post(other, f"{path}/approve", {}), 409, "WrongState")
    problem(post(one, path, {"reason": " "}), 400, "ValidationError")
    assert post(one, path, said).json()["state"] == "proposed"
    problem(post(one, f"{path}/approve", {}), 403, "NotPermitted")
    approved = post(other, f"{path}/approve", {})
    assert (approved.status_code, approved.json()["state"]) == (201, "authorised")
    assert trainer.get(f"trainings/{made['id']}").json()["state"] == "authorised"
