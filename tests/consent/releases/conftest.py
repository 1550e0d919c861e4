import pytest

from consent.models import Account, Notice
from tests.conftest import ActingAs
from tests.consent.factories import publish
from tests.consent.releases.material import Drawer


@pytest.fixture
def notice(officer: Account) -> Notice:
    return publish(officer, code="paper-form-2015", title="The form of 2015")


@pytest.fixture
def drawer(officer: Account, notice: Notice, acting_as: ActingAs) -> Drawer:
    return Drawer(officer, notice, acting_as)
