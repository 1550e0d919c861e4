"""The next version of a frozen one: what still stands, with fresh salts, resumable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from consent import membership, services, tasks
from consent.errors import NotPermitted, Unknown, WrongState
from consent.members import read_opening
from consent.models import (
    Account,
    Dataset,
    DatasetVersion,
    Grant,
    Intake,
    IntakeState,
    Item,
    Reading,
    Subject,
)
from consent.roles import RoleCode
from consent.services import Without, successors
from consent.uses import Descent
from ledger import vault
from ledger.models import Log
from ledger.services import open_file
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import (
    House,
    consent_of,
    freeze_unvetted,
    openings_of,
    picture,
    register,
)
from tests.consent.test_api import of_person
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import described, fill, freeze, plain
from tests.consent.test_datasets import scientist as scientist

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(officer: Account) -> list[Subject]:
    return [register(officer, name) for name in ("Cleo", "Dan")]


@pytest.fixture
def grants(officer: Account, people: list[Subject]) -> list[Grant]:
    return [consent_of(officer, person) for person in people]


@pytest.fixture
def origin(
    scientist: Account, dataset: Dataset, people: list[Subject], grants: list[Grant], tmp_path: Path
) -> DatasetVersion:
    """Four pictures: two of nobody, one of Cleo, one of Dan."""
    assert len(grants) == len(people)
    shown = [
        (described(f"{colour}.png", picture(colour), person.handle), picture(colour))
        for colour, person in zip(("green", "white"), people, strict=True)
    ]
    return freeze(scientist, dataset, fill(tmp_path, [plain("red"), plain("blue"), *shown])).version


def derive(actor: Account, origin: DatasetVersion, **said: Any) -> Intake:
    intake = services.derive_version(actor=actor, origin_id=origin.pk, **said)
    tasks.read_intake(str(intake.pk))
    intake.refresh_from_db()
    return intake


def locations(version: DatasetVersion | None) -> list[str]:
    assert version
    items = list(version.items.filter(aside=""))
    keys = vault.keys({scope for item in items for scope in item.scopes})
    return sorted(read_opening(keys.open(item, "opening"))[0].location for item in items)


def test_all_that_stands_goes_on_with_fresh_salts_and_the_same_files(
    scientist: Account, origin: DatasetVersion, log: Log, sequence: Callable[[], int],
    acting_as: ActingAs,
) -> None:  # fmt: skip
    intake = derive(scientist, origin)
    version = intake.version
    assert version
    assert (intake.state, intake.item_count, intake.house_count, intake.read_to) == (
        IntakeState.READ, 4, 2, 4,
    )  # fmt: skip
    derivation = version.origins.get()
    assert (derivation.origin, derivation.descent) == (origin, Descent.SUCCESSOR)
    assert locations(version) == locations(origin)
    before, after = ({*v.items.values_list("commitment", flat=True)} for v in (origin, version))
    assert not before & after
    item = version.items.filter(people=0)[0]
    assert item.file
    assert open_file(item.file)
    frozen = freeze_unvetted(scientist, version)
    assert (frozen.number, frozen.member_count, frozen.house_count) == (2, 4, 2)
    with transaction.atomic():
        assert list(membership.check_versions()) == []
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_whoever_took_consent_back_does_not_go_on(
    officer: Account, scientist: Account, origin: DatasetVersion, grants: list[Grant]
) -> None:
    services.withdraw(actor=officer, grant_id=grants[0].pk)
    intake = derive(scientist, origin)
    assert locations(intake.version) == ["blue.png", "red.png", "white.png"]
    assert (intake.item_count, intake.dropped_count) == (3, 1)


def test_people_and_items_are_left_out_and_the_record_tells_the_person(
    scientist: Account, origin: DatasetVersion, people: list[Subject]
) -> None:
    red = next(item for item in origin.items.filter(people=0) if b"red.png" in _opening(item))
    without = Without(people=[people[1].pk], items=[red.pk])
    intake = services.derive_version(actor=scientist, origin_id=origin.pk, without=without)
    (told,) = [one.payload for one in openings_of(intake) if one.role == "subject"]
    assert told["left_out_of"] == str(intake.version_id)
    tasks.read_intake(str(intake.pk))
    intake.refresh_from_db()
    assert locations(intake.version) == ["blue.png", "green.png"]
    # Once it is read nothing says any more who was left out.
    assert services.remarks(intake).mapping == {"origin": str(origin.pk)}


def test_reading_that_was_cut_off_goes_on_and_ends_the_same(
    scientist: Account, origin: DatasetVersion
) -> None:
    intake = services.derive_version(actor=scientist, origin_id=origin.pk)
    assert successors._take(intake.pk)
    assert not successors._take(intake.pk)
    version = DatasetVersion.objects.get(intakes=intake)
    with pytest.raises(WrongState, match="still being read"):
        freeze_unvetted(scientist, version)
    services.read_version(intake.pk)
    assert (version.items.count(), Reading.objects.count()) == (4, 0)


def test_by_the_api_and_by_its_page_a_draft_is_begun(
    scientist: Account, origin: DatasetVersion, people: list[Subject]
) -> None:
    address = f"datasets/{origin.dataset_id}/versions/{origin.pk}/next"
    api = of_person(scientist)
    said = {"without_people": [str(people[0].pk)], "uses": ["train", "evaluate"]}
    answer = api.post(address, said)
    assert (answer.status_code, answer.json()["form"]) == (201, "version")
    assert api.post(address, said).json() == answer.json()
    draft = DatasetVersion.objects.get(state="draft")
    assert (draft.uses, draft.profile) == (["evaluate", "train"], origin.profile)
    client = Client()
    client.force_login(scientist)
    page = f"/admin/consent/datasetversion/{origin.pk}/do/next/"
    assert "fills it" in client.get(page).content.decode()
    assert client.post(page, {"people": people[1].handle}).status_code == 302
    assert DatasetVersion.objects.filter(state="draft").count() == 2
    assert "nobody has this handle" in client.post(page, {"people": "S-AAAA-AAAA"}).content.decode()


def test_what_is_not_there_or_not_allowed_is_refused(
    house: House, scientist: Account, officer: Account, origin: DatasetVersion, dataset: Dataset
) -> None:
    draft = services.open_version(actor=scientist, dataset_id=dataset.pk)
    with pytest.raises(WrongState, match="frozen ones only"):
        services.derive_version(actor=scientist, origin_id=draft.pk)
    for without in (Without(people=[origin.pk]), Without(items=[origin.pk])):
        with pytest.raises(Unknown, match="left out"):
            services.derive_version(actor=scientist, origin_id=origin.pk, without=without)
    with pytest.raises(NotPermitted):
        stranger = house.account("Mia", RoleCode.MODERATOR)
        services.derive_version(actor=stranger, origin_id=origin.pk)


def _opening(item: Item) -> bytes:
    return vault.keys(item.scopes).open(item, "opening")
