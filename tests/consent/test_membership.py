import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction

from consent import membership, services
from consent.models import Account, Dataset, DatasetVersion, Item
from consent.services import Arrival
from consent.uses import Form
from ledger.models import Checkpoint, Log
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import fill, freeze, plain
from tests.consent.test_datasets import scientist as scientist
from tests.consent.test_intakes import table
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
    ("UPDATE consent_item SET ordinal = 77 WHERE id = '{item}'", {"items_moved"}),
    ("UPDATE consent_item SET file_id = NULL WHERE id = '{item}'", {"items_moved"}),
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


@pytest.mark.django_db(transaction=True)
def test_forged_items_of_a_draft_are_found_and_only_of_what_is_asked_about(
    scientist: Account, dataset: Dataset, acting_as: ActingAs
) -> None:
    draft = services.open_version(actor=scientist, dataset_id=dataset.pk)
    arrival = Arrival(Form.MANIFEST, draft.pk)
    content = io.BytesIO(table({}, {}))
    intake = services.take_in(actor=scientist, arrival=arrival, content=content)
    with transaction.atomic():
        assert list(membership.check_versions()) == []
    with acting_as("superuser"):
        forge("UPDATE consent_item SET licence = 'MIT' WHERE ordinal = 2")
    with transaction.atomic():
        assert [code for code, _ in membership.check_versions()] == ["item_changed"]
        assert list(membership.check_versions(lambda _table, _pk: False)) == []
        asked = ("consent_intake", intake.pk)
        found = membership.check_versions(lambda *row: row == asked)
        assert [code for code, _ in found] == ["item_changed"]


@pytest.mark.django_db(transaction=True)
def test_going_on_from_a_checkpoint_asks_of_what_came_behind_it(
    scientist: Account, dataset: Dataset, acting_as: ActingAs, log: Log,
    sequence: Callable[[], int], tmp_path: Path,
) -> None:  # fmt: skip
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    first = freeze(scientist, dataset, fill(folders[0], [plain("red")])).version
    sequence()
    size = Checkpoint.objects.order_by("-size")[0].size
    second = freeze(scientist, dataset, fill(folders[1], [plain("blue")])).version
    sequence()
    for version, codes in ((first, []), (second, ["items_moved"])):
        with acting_as("superuser"):
            forge(f"UPDATE consent_item SET ordinal = 77 WHERE version_id = '{version.pk}'")
        with acting_as("eraser"):
            findings = verify_log(log, since=size).findings
        assert [one.code for one in findings] == codes
