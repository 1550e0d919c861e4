from pathlib import Path
from typing import Any

import pytest

from consent import services
from consent.models import Account, DatasetVersion, Grant, ImpactCase, Subject
from consent.roles import RoleCode
from consent.tasks import assess_impacts
from tests.consent.factories import House, consent_of, open_house, picture, register
from tests.consent.test_datasets import described, fill, freeze, plain


@pytest.fixture
def house(db: None, log: Any) -> House:
    return open_house()


@pytest.fixture
def officer(house: House) -> Account:
    return house.account("Olga", RoleCode.OFFICER)


@pytest.fixture
def approver(house: House) -> Account:
    return house.account("Axel", RoleCode.APPROVER)


@pytest.fixture
def cleo(officer: Account) -> Subject:
    return register(officer)


@pytest.fixture
def grant(officer: Account, cleo: Subject) -> Grant:
    return consent_of(officer, cleo)


@pytest.fixture
def version(
    house: House,
    officer: Account,
    cleo: Subject,
    grant: Grant,
    tmp_path: Path,
) -> DatasetVersion:
    """A version of two pictures, one of which shows Cleo."""
    scientist = house.account("Dana", RoleCode.DATA_SCIENTIST)
    project = services.open_project(actor=house.ada, code="faces")
    dataset = services.open_dataset(actor=scientist, project_id=project.pk, code="faces")
    portrait = picture("red")
    files = [plain("blue"), (described("cleo.png", portrait, cleo.handle), portrait)]
    return freeze(scientist, dataset, fill(tmp_path, files)).version


@pytest.fixture
def case(officer: Account, grant: Grant, version: DatasetVersion) -> ImpactCase:
    """The assessed case of a withdrawal."""
    services.withdraw(actor=officer, grant_id=grant.pk)
    assess_impacts()
    return ImpactCase.objects.get()
