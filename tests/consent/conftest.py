from typing import Any

import pytest

from consent.models import Account
from consent.roles import RoleCode
from tests.consent.factories import House, open_house


@pytest.fixture
def house(db: None, log: Any) -> House:
    return open_house()


@pytest.fixture
def officer(house: House) -> Account:
    return house.account("Olga", RoleCode.OFFICER)


@pytest.fixture
def approver(house: House) -> Account:
    return house.account("Axel", RoleCode.APPROVER)
