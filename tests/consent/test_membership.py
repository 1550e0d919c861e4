from pathlib import Path

import pytest
from django.db import transaction

from consent import membership
from consent.models import Account, Dataset, DatasetVersion, Item
from tests.conftest import ActingAs
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import fill, freeze, plain
from tests.consent.test_datasets import scientist as scientist
from tests.ledger.forging import forge


@pytest.fixture
def version(scientist: Account, dataset: Dataset, tmp_path: Path) -> DatasetVersion:
    source = fill(tmp_path, [plain("red"), plain("blue")])
    return freeze(scientist, dataset, source).version


def test_what_was_frozen_is_found_whole(version: DatasetVersion) -> None:
    assert list(membership.check_versions()) == []


FORGED = [
    ("UPDATE consent_item SET licence = 'MIT' WHERE id = '{item}'", {"item_changed"}),
    (
        "DELETE FROM consent_item WHERE id = '{item}'",
        {"items_changed", "items_missing"},
    ),
    ("UPDATE consent_item SET people = 1 WHERE id = '{item}'", {"items_changed", "items_missing"}),
    ("UPDATE consent_item SET aside = 'removed' WHERE id = '{item}'", {"items_changed"}),
    ("UPDATE consent_versionpage SET commitments = '' ", {"version_changed"}),
    (
        "UPDATE consent_item SET opening = (SELECT opening FROM consent_item "
        "WHERE id <> '{item}')  WHERE id = '{item}'",
        {"item_changed"},
    ),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("sql", "codes"), FORGED)
def test_forged_items_are_found(
    version: DatasetVersion, acting_as: ActingAs, sql: str, codes: set[str]
) -> None:
    item = Item.objects.order_by("pk")[0]
    with acting_as("superuser"):
        forge(sql.format(item=item.pk))
    with transaction.atomic():
        assert {code for code, _ in membership.check_versions()} == codes
